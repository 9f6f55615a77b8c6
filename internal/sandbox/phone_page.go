package sandbox

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
)

// news is what a phone says besides what lies on it: what became of a form.
type news struct {
	Status int
	Notice string
	Good   bool // the notice is what the person wanted
	Tried  attempt
}

// attempt is a form that was not taken, which is shown again with what it said.
type attempt struct {
	ID       string // of the question
	Path     string // of the member at fault
	Fault    string
	Number   string
	Accounts []string
}

// phonePage is what a phone shows.
type phonePage struct {
	news
	Persona  persona
	Now      time.Time
	Asks     []askView
	Messages []phoneMessage
	Still    bool // the page does not load itself again
}

// phoneMessage is a message as the page shows it.
type phoneMessage struct {
	messageView
	Past bool // its code is good for nothing any more
}

// askView is a question with what its form needs.
type askView struct {
	approval
	Own   []ownAccount // to choose from
	Tried attempt      // empty, unless the form was sent
}

// ownAccount is an account that can be chosen.
type ownAccount struct {
	accountView
	Chosen bool
}

// said is what a phone says of a decision that was taken.
func said(d decision) news {
	switch d {
	case approve:
		return news{Status: http.StatusOK, Good: true, Notice: "Approved. You can go back to where you began."}
	case deny:
		return news{Status: http.StatusOK, Good: true, Notice: "Denied. Nobody gets access by this request."}
	default:
		return news{Status: http.StatusOK}
	}
}

// decided answers a form by which a person decided. What was not taken is shown
// again, so that nothing has to be filled in twice.
func (s *Sandbox) decided(c echo.Context, p persona, body approvalDecision, answered approval, err error) error {
	if err == nil {
		return c.Redirect(http.StatusSeeOther, phoneOf(p)+"?said="+string(body.Decision))
	}
	status, fault := s.judge(c, err)
	n := news{Status: status}
	switch {
	case answered.Decision == deny:
		n.Notice = "That was a wrong number again. The request was denied."
	case status == http.StatusNotFound:
		n.Notice = "This request is no longer there."
	case status == http.StatusConflict:
		n.Notice = "This request was answered already."
	case fault.Path == pathNumber || fault.Path == pathAccounts:
		n.Tried = attempt{ID: c.Param("id"), Path: fault.Path, Fault: fault.Error}
		if body.Number != nil {
			n.Tried.Number = *body.Number
		}
		if body.Accounts != nil {
			n.Tried.Accounts = *body.Accounts
		}
	default:
		return s.render(c, status, "problem", fault)
	}
	return s.phonePage(c, p, n)
}

func phoneOf(p persona) string { return "/sandbox/psus/" + p.ID + "/phone" }

// phonePage shows a phone to people. It loads itself again, since a code or a
// question may come at any time, but not under the hands of somebody who fills
// in a form.
func (s *Sandbox) phonePage(c echo.Context, p persona, n news) error {
	ctx := c.Request().Context()
	messages, err := s.Bank.messages(ctx, p.ID)
	if err != nil {
		return s.problem(c, err)
	}
	questions, err := s.Bank.waiting(ctx, p.ID)
	if err != nil {
		return s.problem(c, err)
	}
	owned, err := s.Bank.holdings(ctx, p.Customer)
	if err != nil {
		return s.problem(c, err)
	}
	live, err := s.live(ctx, messages)
	if err != nil {
		return s.problem(c, err)
	}
	page := phonePage{news: n, Persona: p, Now: s.Clock.Now()}
	for i, view := range viewsOf(messages) {
		page.Messages = append(page.Messages, phoneMessage{view, view.Code != "" && !live[messages[i].Key]})
	}
	slices.Reverse(page.Messages) // the newest on top
	for _, q := range questions {
		page.Asks = append(page.Asks, askOf(q, owned, n.Tried))
		page.Still = page.Still || q.Number != "" || q.Choose
	}
	if !page.Still {
		c.Response().Header().Set("Refresh", "4; url="+phoneOf(p))
	}
	return s.render(c, n.Status, "phone", page)
}

// askOf is a question with its form, as it was sent if it is the one that was.
func askOf(q approval, owned []account, tried attempt) askView {
	ask := askView{approval: q}
	if tried.ID == q.ID {
		ask.Tried = tried
	}
	if !q.Choose {
		return ask
	}
	for _, a := range owned {
		ask.Own = append(ask.Own, ownAccount{accountView: viewOf(a), Chosen: slices.Contains(ask.Tried.Accounts, a.id())})
	}
	return ask
}
