package office

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
)

// waiting is the body of the page of proposals.
type waiting struct{ Proposals []proposal }

// proposal is one that waits.
type proposal struct {
	Action, What, Why, Note string
	By                      string
	At                      moment
	Consents                []link
	Own                     bool // it may be withdrawn, and nothing else
	Decides                 bool // it may be confirmed or refused
}

// approvals is the page of what waits for another person.
func (p *Pages) approvals(v *visit) error {
	if err := p.Office.Looked(v.ctx(), v.cause(), "approvals"); err != nil {
		return err
	}
	open, err := p.Office.Open(v.ctx())
	if err != nil {
		return err
	}
	body := waiting{}
	for _, o := range open {
		one := proposal{
			Action: Base + "/approvals/" + o.ID.String(), What: word(verbWords, o.Act.Verb) + " " + about(o.Act), Note: o.Act.Note,
			By: o.ProposedBy, At: p.moment(o.ProposedAt), Own: o.ProposedBy == v.session.Who(),
		}
		if o.Act.Reason != "" {
			one.Why = word(reasonWords, o.Act.Reason)
		}
		for _, id := range o.Act.Consents {
			one.Consents = append(one.Consents, consentLink(id))
		}
		one.Decides = !one.Own && v.session.Supervises()
		one.Own = one.Own && v.session.Moves()
		body.Proposals = append(body.Proposals, one)
	}
	return p.write(v, http.StatusOK, &sheet{Kind: "approvals", Title: "Approvals", Body: body})
}

// decide decides on a proposal. To withdraw one's own takes no supervisor.
func (p *Pages) decide(v *visit) error {
	id, err := uuid.Parse(v.c.Param("id"))
	if err != nil {
		return consent.E(consent.CodeNotFound, "there is no such proposal")
	}
	how, ok := map[string]service.State{"confirm": service.Confirmed, "refuse": service.Refused, "withdraw": service.Withdrawn}[v.form.Get("decision")]
	switch {
	case !ok:
		return consent.E(consent.CodeFormat, "the decision must be confirm, refuse or withdraw")
	case how != service.Withdrawn && !v.session.Supervises():
		return errRole
	}
	decided, err := p.Office.Decide(v.ctx(), v.cause(), id, how)
	if err != nil {
		return err
	}
	notice := "The proposal is " + string(how) + "."
	if how == service.Confirmed {
		notice = strings.TrimSuffix(notice, ".") + ": " + consents(decided.Done) + " " + doneWords[decided.Act.Verb] + "."
	}
	if err := p.Staff.Tell(v.c.Response(), v.c.Request(), v.session, notice); err != nil {
		return err
	}
	return see(v.c, Base+"/approvals")
}
