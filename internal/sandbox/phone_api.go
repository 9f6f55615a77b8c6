package sandbox

import (
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
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
	messages, err := s.Bank.messages(c.Request().Context(), p.ID)
	if err != nil {
		return s.fail(c, err)
	}
	questions, err := s.Bank.waiting(c.Request().Context(), p.ID)
	if err != nil {
		return s.fail(c, err)
	}
	view := phoneView{Messages: make([]messageView, len(messages)), Approvals: make([]approvalView, len(questions))}
	for i, m := range messages {
		view.Messages[i] = messageView{At: m.At, Text: m.Text, Code: m.Code}
	}
	for i, q := range questions {
		view.Approvals[i] = approvalView{ID: q.ID, Text: q.Text, CreatedAt: q.CreatedAt}
	}
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	if !wantsHTML(c.Request()) {
		return c.JSON(http.StatusOK, view)
	}
	return s.phonePage(c, p, view)
}

// phonePage shows a phone to people. It loads itself again: a code or a question
// may come at any time.
func (s *Sandbox) phonePage(c echo.Context, p persona, view phoneView) error {
	refresh(c, 4)
	newest := slices.Clone(view.Messages)
	slices.Reverse(newest)
	return s.render(c, http.StatusOK, "phone", struct {
		Persona   persona
		Now       time.Time
		Messages  []messageView
		Approvals []approvalView
	}{p, s.Clock.Now(), newest, view.Approvals})
}

// approvalDecision is the body of POST /sandbox/psus/{psu}/phone/approvals/{id}.
type approvalDecision struct {
	Decision decision `json:"decision"`
	// Number is what an app that matches numbers has its user type. No question
	// shows a number yet, so that any counts as matched, and so does none.
	Number *string `json:"number"`
	// Accounts are those that the person chose in the app; absent: the app gave
	// no choice.
	Accounts *[]string `json:"accounts"`
}

// decideApproval answers a question as its persona would in the app, from the
// phone's page or from a program.
func (s *Sandbox) decideApproval(c echo.Context) error {
	form := isForm(c.Request())
	body, err := readDecision(c, form)
	if err == nil {
		err = s.decide(c, body)
	}
	switch {
	case err != nil && form:
		return s.problem(c, err)
	case err != nil:
		return s.fail(c, err)
	case form:
		return c.Redirect(http.StatusSeeOther, "/sandbox/psus/"+c.Param("psu")+"/phone")
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
	var body approvalDecision
	if !form {
		return body, decode(c.Request(), &body)
	}
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return body, consent.E(consent.CodeFormat, "the form cannot be read").Because(err)
	}
	body.Decision = decision(r.PostForm.Get("decision"))
	if accounts, ok := r.PostForm["accounts"]; ok {
		body.Accounts = &accounts
	}
	return body, nil
}

// decide checks a decision and hands it to the bank.
func (s *Sandbox) decide(c echo.Context, body approvalDecision) error {
	ctx := c.Request().Context()
	p, err := personaOf(c.Param("psu"))
	if err != nil {
		return err
	}
	if body.Decision != approve && body.Decision != deny {
		return consent.At(consent.CodeFormat, "decision", "decision must be approve or deny")
	}
	var accounts []string
	if body.Decision == approve {
		var named []string // none named are all
		if body.Accounts != nil {
			named = append([]string{}, *body.Accounts...)
		}
		if accounts, err = s.Bank.chosen(ctx, p.Customer, named); err != nil {
			return err
		}
		if len(accounts) == 0 && body.Accounts != nil {
			return consent.At(consent.CodeFormat, "accounts", "accounts must name one at least, or be absent")
		}
	}
	return s.Bank.decide(ctx, p.ID, c.Param("id"), body.Decision, accounts)
}
