package sandbox

import (
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
)

// phoneView is a phone on the wire.
type phoneView struct {
	Messages  []messageView  `json:"messages"`
	Approvals []approvalView `json:"approvals"`
}

type messageView struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	Code string    `json:"code"`
}

// approvalView is a question that waits for an answer on the phone.
type approvalView struct {
	ID        string    `json:"id"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"createdAt"`
}

// phone shows a persona's phone, to people or to programs.
func (s *Sandbox) phone(c echo.Context) error {
	p, err := personaOf(c.Param("psu"))
	if err != nil {
		return s.fail(c, err)
	}
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	if pages.WantsHTML(c.Request()) {
		return s.phonePage(c, p, said(decision(c.QueryParam("said"))))
	}
	ctx := c.Request().Context()
	messages, err := s.Bank.messages(ctx, p.ID)
	if err != nil {
		return s.fail(c, err)
	}
	questions, err := s.Bank.waiting(ctx, p.ID)
	if err != nil {
		return s.fail(c, err)
	}
	view := phoneView{Messages: viewsOf(messages), Approvals: make([]approvalView, len(questions))}
	for i, q := range questions {
		view.Approvals[i] = approvalView{ID: q.ID, Text: q.Text, CreatedAt: q.CreatedAt}
	}
	return c.JSON(http.StatusOK, view)
}

func viewsOf(messages []message) []messageView {
	views := make([]messageView, len(messages))
	for i, m := range messages {
		views[i] = messageView{At: m.At, Text: m.Text, Code: m.Code}
	}
	return views
}

// approvalDecision is the body of POST /sandbox/psus/{psu}/phone/approvals/{id}.
type approvalDecision struct {
	Decision decision `json:"decision"`
	// Number is what the person typed, for a question that asks for one; absent: it
	// counts as matched.
	Number *string `json:"number"`
	// Accounts are those that the person chose in the app; absent: all of them,
	// where there is a choice, so that a program need not know any.
	Accounts *[]string `json:"accounts"`
}

// decideApproval answers a question as its persona would in the app, from the
// phone's page or from a program.
func (s *Sandbox) decideApproval(c echo.Context) error {
	form := isForm(c.Request())
	p, err := personaOf(c.Param("psu"))
	var body approvalDecision
	if err == nil {
		body, err = readDecision(c, form)
	}
	if err != nil && form {
		return s.problem(c, err)
	}
	if err != nil {
		return s.fail(c, err)
	}
	answered, err := s.Bank.decide(c.Request().Context(), p, c.Param("id"), reply(body))
	s.callBack(c, answered.Callback)
	switch {
	case form:
		return s.decided(c, p, body, answered, err)
	case err != nil:
		return s.fail(c, err)
	default:
		return c.JSON(http.StatusOK, map[string]any{"id": c.Param("id"), "decision": body.Decision})
	}
}

// isForm reports whether a request was sent by a page's form.
func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	return err == nil && kind == echo.MIMEApplicationForm
}

func readDecision(c echo.Context, form bool) (approvalDecision, error) {
	read := readJSON
	if form {
		read = readForm
	}
	body, err := read(c)
	if err == nil && body.Decision != approve && body.Decision != deny {
		err = consent.At(consent.CodeFormat, "decision", "decision must be approve or deny")
	}
	return body, err
}

func readJSON(c echo.Context) (body approvalDecision, err error) {
	return body, pages.Decode(c.Request(), &body)
}

func readForm(c echo.Context) (body approvalDecision, err error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, pages.MaxBody)
	if err := r.ParseForm(); err != nil {
		return body, consent.E(consent.CodeFormat, "the form cannot be read").Because(err)
	}
	body.Decision = decision(r.PostForm.Get("decision"))
	if r.PostForm.Has(pathNumber) {
		number := r.PostForm.Get(pathNumber)
		body.Number = &number
	}
	// A form with boxes, none of which is ticked, sends only that it has them.
	if accounts := r.PostForm[pathAccounts]; accounts != nil || r.PostForm.Has("choose") {
		body.Accounts = &accounts
	}
	return body, nil
}
