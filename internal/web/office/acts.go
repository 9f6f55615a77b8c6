package office

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
)

// sure is what the button of the second page sends.
const sure = "yes"

// question is the body of the page that asks whether to do it.
type question struct {
	Action       string // where the form goes
	Title        string // empty: made of the others
	Verb, Button string
	About        string
	Customer     string // the PSUs of the one consent
	Count        string // how many consents it is now; empty where one is named
	Nothing      bool   // there is none
	Consequence  string
	Reason, Note string // as they are sent
	Why          string
	TPP, Account string
	Back         string
	Danger       bool
}

var consequences = map[service.Verb]string{
	service.Revoke:  "Every access ends at once and for good. The TPP would have to ask the customer anew.",
	service.Suspend: "Every access is refused from now on, until the consent is resumed. The customer sees that it is suspended, and why.",
	service.Resume:  "The TPP has access again at once.",
}

// actOf reads an act, but for what it is about.
func actOf(form url.Values) service.Act {
	return service.Act{
		Verb: service.Verb(form.Get("verb")), Reason: consent.Reason(form.Get("reason")), Note: strings.TrimSpace(form.Get("note")),
	}
}

// act asks whether to move a consent, and does it once that was said.
func (p *Pages) act(v *visit) error {
	id, err := uuid.Parse(v.c.Param("id"))
	if err != nil {
		return consent.E(consent.CodeNotFound, "there is no such consent")
	}
	a := actOf(v.form)
	a.Consents = []uuid.UUID{id}
	here := Base + "/consents/" + id.String()
	if v.form.Get("sure") != sure {
		// It says whether the act is well formed, and the consent there.
		if _, err := p.Office.Preview(v.ctx(), v.cause(), a); err != nil {
			return err
		}
		return p.askOfOne(v, a, question{Action: here, Back: here})
	}
	return p.do(v, a, here)
}

// askOfOne shows whose consent it is besides.
func (p *Pages) askOfOne(v *visit, a service.Act, q question) error {
	d, err := p.read(v)
	if err != nil {
		return err
	}
	var names []string
	for _, who := range people(&d.Seen) {
		names = append(names, who.Text)
	}
	q.Title, q.Customer = word(verbWords, a.Verb)+" the consent of "+tppOf(d.Consent)+"?", strings.Join(names, ", ")
	return p.ask(v, a, q)
}

// many is the body of the page of acts in bulk.
type many struct {
	TPP, Account string
	Verbs        []option
	Reasons      []option
	Note         string
}

func manyOf(form url.Values) *many {
	a := actOf(form)
	m := &many{TPP: form.Get(fieldTPP), Account: form.Get(fieldAccount), Reasons: reasons(a.Reason), Note: a.Note}
	for _, verb := range []service.Verb{service.Suspend, service.Resume, service.Revoke} {
		m.Verbs = append(m.Verbs, option{string(verb), word(verbWords, verb), verb == a.Verb})
	}
	return m
}

// bulk is the page on which all of a TPP or an account is named.
func (p *Pages) bulk(v *visit) error {
	return p.write(v, http.StatusOK, &sheet{Kind: "bulk", Title: "Many consents at once", Body: manyOf(v.c.QueryParams())})
}

// actOnMany asks whether to move all of a TPP or an account, with how many there are,
// and does it once that was said.
func (p *Pages) actOnMany(v *visit) error {
	a := actOf(v.form)
	a.TPP, a.Account = strings.TrimSpace(v.form.Get(fieldTPP)), strings.TrimSpace(v.form.Get(fieldAccount))
	if v.form.Get("sure") == sure {
		return p.do(v, a, Base+"/bulk")
	}
	n, err := p.Office.Preview(v.ctx(), v.cause(), a)
	if t := troubleOf(err); err != nil && t.status == http.StatusBadRequest {
		return p.write(v, t.status, &sheet{Kind: "bulk", Title: "Many consents at once", Alert: t.Text, Body: manyOf(v.form)})
	}
	if err != nil {
		return err
	}
	return p.ask(v, a, question{Action: Base + "/bulk", Back: Base + "/bulk", Count: consents(n), Nothing: n == 0})
}

// ask shows the page that asks whether to do it.
func (p *Pages) ask(v *visit, a service.Act, q question) error {
	q.Verb, q.About, q.Consequence = string(a.Verb), about(a), consequences[a.Verb]
	q.Reason, q.Note, q.TPP, q.Account = string(a.Reason), a.Note, a.TPP, a.Account
	q.Why, q.Button, q.Danger = word(reasonWords, a.Reason), "Yes, "+strings.ToLower(word(verbWords, a.Verb)), a.Verb == service.Revoke
	if p.FourEyes {
		q.Button = "Yes, propose it"
	}
	if q.Title == "" {
		q.Title = word(verbWords, a.Verb) + " " + q.About + "?"
	}
	return p.write(v, http.StatusOK, &sheet{Kind: "confirm", Title: q.Title, Body: q})
}

// do does an act, and has the next page say what became of it.
func (p *Pages) do(v *visit, a service.Act, next string) error {
	out, err := p.Office.Do(v.ctx(), v.cause(), a)
	if err != nil {
		return err
	}
	var notice string
	switch {
	case out.Proposal != uuid.Nil:
		next, notice = Base+"/approvals", "It is proposed. Another person has to confirm it."
	case a.Bulk():
		notice = sentence(consents(out.Count) + " " + doneWords[a.Verb])
	case out.Count == 0:
		notice = "Nothing was changed: the consent had ended already."
	default:
		notice = sentence("the consent is " + doneWords[a.Verb])
	}
	if err := p.Staff.Tell(v.c.Response(), v.c.Request(), v.session, notice); err != nil {
		return err
	}
	return see(v.c, next)
}
