package office

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
)

// dossier is the body of a consent's page.
type dossier struct {
	ID           string
	Status, Word string
	Facts        []fact
	Accounts     []accountRow
	Signs        []signRow
	Audit        []auditRow
	Verbs        []option // what may be done now; none for those who may not
	Reasons      []option
	Note         string
}

// fact is a line of what there is to say.
type fact struct {
	Term  string
	Text  string
	At    moment
	Links []link
}

type accountRow struct{ Number, ID, Rights string }

type signRow struct {
	Who    string
	Status string
	At     moment
}

type auditRow struct {
	Seq                                   int
	At                                    moment
	By, Who, For, Change, Why, Note, Call string
}

// consent is the page of one consent.
func (p *Pages) consent(v *visit) error {
	d, err := p.read(v)
	if err != nil {
		return err
	}
	return p.write(v, http.StatusOK, &sheet{Kind: "consent", Title: "Consent of " + tppOf(d.Consent), Body: p.dossier(v, d)})
}

// read finds the consent of the address.
func (p *Pages) read(v *visit) (*service.Detail, error) {
	id, err := uuid.Parse(v.c.Param("id"))
	if err != nil {
		return nil, consent.E(consent.CodeNotFound, "there is no such consent")
	}
	return p.Office.Get(v.ctx(), v.cause(), id)
}

func (p *Pages) dossier(v *visit, d *service.Detail) *dossier {
	body := &dossier{
		ID: d.ID.String(), Status: string(d.Status), Word: word(statusWords, d.Status), Facts: p.facts(d), Reasons: reasons(consent.ReasonBank),
	}
	for _, g := range d.Access.Grants {
		body.Accounts = append(body.Accounts, accountRow{number(g.Reference), d.BankIDs[g.AccountID], rights(g.Rights)})
	}
	for i := range d.Authorisations {
		a := &d.Authorisations[i]
		body.Signs = append(body.Signs, signRow{personOf(d, a.PSU), string(a.Status), p.moment(a.ChangedAt)})
	}
	for _, e := range d.Entries {
		body.Audit = append(body.Audit, p.entry(d, e))
	}
	if v.session.Moves() {
		body.Verbs = verbs(d.Status)
	}
	return body
}

// facts are all that there is to say of a consent, but for accounts, signers and audit.
func (p *Pages) facts(d *service.Detail) []fact {
	when, who := " since", "Authorised by"
	if d.Status.Final() {
		when = " on"
	}
	if d.Status.Pending() || d.Status == consent.Rejected {
		who = "User"
	}
	list := []fact{{Term: word(statusWords, d.Status) + when, At: p.moment(d.StatusChangedAt)}}
	add := func(there bool, f fact) {
		if there {
			list = append(list, f)
		}
	}
	add(d.Suspension.Reason != "", fact{Term: "Suspended because of", Text: word(reasonWords, d.Suspension.Reason)})
	add(d.Ending.By != "", fact{Term: "Ended by", Text: word(actorWords, d.Ending.By)})
	add(d.Ending.Reason != "", fact{Term: "Ended because of", Text: word(reasonWords, d.Ending.Reason)})
	add(d.ReplacedBy != uuid.Nil, fact{Term: "Replaced by", Links: []link{consentLink(d.ReplacedBy)}})
	add(true, fact{Term: "TPP", Text: tppOf(d.Consent)})
	add(d.TPP != tppOf(d.Consent), fact{Term: "TPP's id", Text: d.TPP})
	add(true, fact{Term: "Kind", Text: word(kindWords, d.Kind)})
	add(true, fact{Term: "Dialect", Text: word(railWords, d.Rail)})
	list = append(list, p.opens(d)...)
	add(d.Customer != uuid.Nil, fact{Term: "Customer", Text: known(d.BankIDs[d.Customer])})
	add(len(people(&d.Seen)) > 0, fact{Term: who, Links: people(&d.Seen)})
	add(true, fact{Term: "Made", At: p.moment(d.CreatedAt)})
	add(!d.LastSCA.IsZero(), fact{Term: "Authenticated last", At: p.moment(d.LastSCA)})
	add(!d.EndsAt.IsZero(), fact{Term: "Ends", At: p.moment(d.EndsAt)})
	add(d.Status.Pending(), fact{Term: "To be authorised by", At: p.moment(d.AuthoriseBy)})
	add(d.Kind == consent.AccountAccess, fact{Term: "Use", Text: use(d.Consent)})
	add(d.GroupID != d.ID, fact{Term: "Goes on with", Links: []link{consentLink(d.GroupID)}})
	add(d.Connection != uuid.Nil, fact{Term: "Rests on connection", Links: []link{consentLink(d.Connection)}})
	return append(list, fact{Term: "Consent id", Text: d.ID.String()})
}

// opens are the facts about what a consent is for.
func (p *Pages) opens(d *service.Detail) []fact {
	if d.Staged == nil {
		list := []fact{{Term: "Accounts", Text: word(scopeWords, d.Access.Scope)}}
		if all := rights(d.Access.AllRights()); all != "" {
			list = append(list, fact{Term: "Asked for", Text: all})
		}
		return list
	}
	s := d.Staged
	list := []fact{{Term: "TPP's reference", Text: s.Reference}}
	if s.OnBehalfOf != "" {
		list = append(list, fact{Term: "On behalf of", Text: s.OnBehalfOf})
	}
	if len(s.Permissions) > 0 {
		list = append(list, fact{Term: "Permissions", Text: strings.Join(s.Permissions, ", ")})
	}
	if s.Payment != nil {
		list = append(list, pays(s.Payment)...)
	}
	return list
}

func consentLink(id uuid.UUID) link {
	return link{Href: Base + "/consents/" + id.String(), Text: id.String()}
}

func known(bankID string) string {
	if bankID == "" {
		return "erased"
	}
	return bankID
}

func use(c *consent.Consent) string {
	if !c.Recurring {
		return "once"
	}
	if c.FrequencyPerDay == 0 {
		return "recurring, as often as the TPP asks"
	}
	return "recurring, " + strconv.Itoa(c.FrequencyPerDay) + " a day without the customer"
}

// personOf is the bank's id of a PSU, or ours.
func personOf(d *service.Detail, id uuid.UUID) string {
	switch {
	case id == uuid.Nil:
		return "nobody yet"
	case d.BankIDs[id] != "":
		return d.BankIDs[id]
	default:
		return id.String()
	}
}

// entry is a line of the audit.
func (p *Pages) entry(d *service.Detail, e consent.Entry) auditRow {
	r := auditRow{
		Seq: e.Seq, At: p.moment(e.At), By: word(actorWords, e.By), Who: named(d, e.Who), For: named(d, e.For), Note: e.Operation, Call: e.RequestID,
		Change: strings.TrimPrefix(strings.TrimSpace(e.From+" → "+e.To), "→ "),
	}
	if e.Aside() {
		r.Change = "stays " + e.To
	}
	if e.Authorisation != uuid.Nil && e.From != "" {
		r.Change = "authorisation: " + r.Change
	}
	if e.Reason != "" {
		r.Why = word(reasonWords, consent.Reason(e.Reason))
	}
	return r
}

// named puts the bank's id in the place of ours.
func named(d *service.Detail, who string) string {
	if id, err := uuid.Parse(who); err == nil && d.BankIDs[id] != "" {
		return d.BankIDs[id]
	}
	return who
}

// verbs are what may be done with a consent in a state.
func verbs(s consent.Status) []option {
	all := map[consent.Status][]service.Verb{
		consent.Received: {service.Revoke}, consent.PartiallyAuthorised: {service.Revoke},
		consent.Valid: {service.Suspend, service.Revoke}, consent.Suspended: {service.Resume, service.Revoke},
	}
	texts := map[service.Verb]string{
		service.Suspend: "Suspend it: every access is refused until it is resumed",
		service.Resume:  "Resume it: the TPP has access again",
		service.Revoke:  "End it for good: it cannot be taken up again",
	}
	var list []option
	for i, v := range all[s] {
		list = append(list, option{string(v), texts[v], i == 0})
	}
	return list
}

// reasons are those that the bank may give.
func reasons(chosen consent.Reason) []option {
	var list []option
	for _, r := range consent.BankReasons() {
		list = append(list, option{string(r), word(reasonWords, r), r == chosen})
	}
	return list
}
