package web

import (
	"net/http"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
	"consentd/internal/web/mandated"
)

// dossier is the body of the page of one consent.
type dossier struct {
	permit

	Notice   *notice
	Terms    []row
	Short    string // the id, as people compare it
	ID       string
	Own      string // the TPP's own id, where it has one
	Sees     string // the heading of what is shared
	Clusters []mandated.Cluster
	Data     []string
	All      string // in words, where no accounts are named
	Each     bool   // what is shared is said with each account
	Accounts []holding
	Pay      *paying // nil where it is not about payments
	Events   []event
	Receipts []choiceOf
	Stop     string // what the button says; empty where there is nothing to stop
	List     string // the address of the list that it stands in
}

// pausedFor are the words for a reason to pause.
func pausedFor(why consent.Reason) struct{ why, what string } {
	if w, ok := pausedWords[why]; ok {
		return w
	}
	return pausedWords[consent.ReasonBank]
}

// notice says why a consent is not in force.
type notice struct {
	Tone   string
	Title  string
	Text   string
	Advice string
}

// holding is an account that a consent opens.
type holding struct {
	Name   string
	Kind   string // what sort of account it is
	Number string
	Owner  string
	Data   []string // what is shared of it, where the accounts differ in that
}

// detail is the page of one consent.
func (d *Dashboard) detail(l *look) error {
	found, err := d.consentOf(l)
	if err != nil {
		return d.trouble(l, err)
	}
	return d.detailPage(l, found)
}

func (d *Dashboard) detailPage(l *look, found *overview.Detail) error {
	sh, err := d.sheetOf(l, kindDetail, nil)
	if err != nil {
		return err
	}
	name, _ := names(found.Consent)
	t := d.teller(sh.speech, name)
	x := t.dossier(found)
	sh.Heading, sh.Body, sh.Up = sh.isolate(name), x, &choiceOf{Href: x.List, Text: t.say("session.home")}
	if t.err != nil {
		return t.err
	}
	return d.write(l.c, http.StatusOK, sh)
}

// history is where the history of a consent was to be found by itself.
func (d *Dashboard) history(l *look) error {
	found, err := d.consentOf(l)
	if err != nil {
		return d.trouble(l, err)
	}
	return see(l, boardPath+"/"+found.ID.String()+"#history")
}

func (t *teller) dossier(d *overview.Detail) *dossier {
	x := &dossier{permit: t.permit(&d.Card), ID: d.ID.String(), Short: short(d.ID.String())}
	x.Terms, x.Notice = t.terms(d), t.notice(d)
	x.List = hrefOf(listOf(&d.Card))
	if d.Staged != nil {
		x.Own = straight(d.Staged.Reference)
	}
	t.share(x, d)
	x.Sees = t.say(sees(d), "TPP", x.Name)
	if d.Type.Payment() {
		x.Pay = t.paying(d)
	}
	for _, e := range d.Events {
		x.Events = append(x.Events, t.event(d, toldOf(d, e)))
	}
	for _, r := range receiptsOf(d) {
		x.Receipts = append(x.Receipts, choiceOf{Href: x.Href + "/receipt?of=" + string(r), Text: t.say(receiptWordsOf(r, d).link)})
	}
	if d.Stops {
		x.Stop = t.say(stopWordsOf(d).button)
	}
	return x
}

// listOf is the list in which a consent stands.
func listOf(c *overview.Card) overview.Wish {
	w := overview.Wish{Tab: overview.Current, Pays: c.Type.Payment()}
	if c.Status.Final() {
		w.Tab = overview.History
	}
	return w
}

// short is an id as people compare it: f47ac10b...d479.
func short(id string) string {
	const head, tail = 8, 4
	if len(id) <= head+tail {
		return id
	}
	return id[:head] + "..." + id[len(id)-tail:]
}

// terms are since when, until when, how often. Of what was never agreed to, nothing
// has begun; of what is over, nothing goes on.
func (t *teller) terms(d *overview.Detail) []row {
	c := &d.Card
	rows := t.begun(d)
	if c.Status.Final() {
		rows = append(rows, row{Label: t.say(first(endWords[c.Status], "card.ended")), Value: t.at(c.StatusChangedAt)})
	} else if c.Type != overview.SinglePayment {
		rows = append(rows, row{Label: t.say(untilWords(c.Type)), Value: t.until(c.ValidUntil)})
	}
	if c.Type != overview.SinglePayment && !never(d) {
		rows = append(rows, row{Label: t.say(usedWords(c.Type)), Value: first(t.at(c.LastUsed), t.say("card.never"))})
	}
	if c.Status.Final() {
		return rows
	}
	if often := t.often(c); often != "" {
		rows = append(rows, row{Label: t.say("consent.often"), Value: often})
	}
	if d.Signers > 1 {
		rows = append(rows, row{Label: t.say("detail.signers"), Value: t.signers(d)})
	}
	return rows
}

// begun is since when it is, or only when it was asked for.
func (t *teller) begun(d *overview.Detail) []row {
	if never(d) {
		return []row{{Label: t.say("detail.asked"), Value: t.at(d.Renewed)}}
	}
	rows := []row{{Label: t.say(sinceWords(d.Type)), Value: t.at(d.Since)}}
	if !d.Renewed.Equal(d.Since) {
		rows = append(rows, row{Label: t.say("detail.renewed"), Value: t.at(d.Renewed)})
	}
	return rows
}

// signers are how many have to agree and, while they have not, how many have. Of whom a
// hub names, nobody knows here whether the viewer is one of them.
func (t *teller) signers(d *overview.Detail) string {
	if d.Staged == nil || len(d.Staged.Approvals) == 0 {
		return t.say("detail.signersText", "Count", d.Signers)
	}
	people := t.say("detail.signersAll", "Count", d.Signers)
	if !d.Status.Pending() {
		return people
	}
	agreed := 0
	for _, a := range d.Staged.Approvals {
		if a.State == consent.ApprovalGiven {
			agreed++
		}
	}
	return t.say("detail.progress", "People", people, "At", agreed, "Of", d.Signers)
}

func sinceWords(ty overview.Type) string {
	if ty.Payment() {
		return "detail.started"
	}
	return "detail.since"
}

func untilWords(ty overview.Type) string {
	if ty.Payment() {
		return "detail.payUntil"
	}
	return "card.expires"
}

func usedWords(ty overview.Type) string {
	switch ty {
	case overview.DataSharing:
		return "card.last"
	case overview.FlexiPay:
		return "detail.tried"
	default:
		return "card.used"
	}
}

// often is how often data is read; empty for what is not about that.
func (t *teller) often(c *overview.Card) string {
	switch {
	case c.Type == overview.Funds:
		return t.say("funds.often")
	case c.Type != overview.DataSharing:
		return ""
	case !c.Recurring:
		return t.say("consent.oftenOnce")
	case c.FrequencyPerDay < 1:
		return t.say("funds.often")
	default:
		return t.say("consent.oftenYou") + " " + t.say("consent.oftenAlone", "Count", c.FrequencyPerDay)
	}
}

// share says which data of which accounts.
func (t *teller) share(x *dossier, d *overview.Detail) {
	codes := d.Staged != nil && len(d.Staged.Permissions) > 0
	if codes {
		x.Clusters = t.clusters(d.Staged.Permissions)
	}
	common := atLeast[d.Access.Scope]
	if d.Kind == consent.Connection {
		common = 0
	}
	if d.Access.OwnerName {
		common |= consent.RightOwnerName
	}
	same, rights := true, common|d.Access.Rights
	for _, a := range d.Accounts {
		same = same && (a.Rights|common).Implied() == (d.Accounts[0].Rights|common).Implied()
		rights |= a.Rights
	}
	for _, a := range d.Accounts {
		h := t.holding(a)
		if !same && !codes {
			h.Data = t.data((a.Rights | common).Implied())
			x.Each = true
		}
		x.Accounts = append(x.Accounts, h)
	}
	if (same || d.All) && !x.Each && !codes && !d.Type.Payment() {
		x.Data = t.data(rights.Implied())
	}
	if id, ok := openScopes[d.Access.Scope]; ok && d.All {
		x.All = t.say(id)
	}
}

// clusters are what the codes of a hub's permissions mean. One that nobody has worded
// is shown as the TPP has written it.
func (t *teller) clusters(codes []string) []mandated.Cluster {
	all := mandated.Clusters(codes, t.Tag)
	for _, cluster := range all {
		for i := range cluster.Items {
			cluster.Items[i].Text = straight(cluster.Items[i].Text)
		}
	}
	return all
}

func (t *teller) data(rights consent.Rights) []string {
	if t.err != nil {
		return nil
	}
	words, err := data(t.speech, rights)
	t.err = err
	return words
}

// accountWords are the sorts of account (ISO 20022 ExternalCashAccountType1Code).
var accountWords = map[string]string{
	"CACC": "account.current",
	"SVGS": "account.savings",
	"CARD": "account.card",
	"LOAN": "account.loan",
}

func (t *teller) holding(a overview.Account) holding {
	h := holding{Name: straight(a.Name), Kind: t.say(accountWords[a.Reference.CashAccountType]), Number: number(a.Reference), Owner: straight(a.Owner)}
	if c := a.Reference.Currency; c != "" {
		h.Kind = strings.TrimPrefix(h.Kind+" · "+c, " · ")
	}
	return h
}

// pausedWords are why the bank has paused a consent, and what to do.
var pausedWords = map[consent.Reason]struct{ why, what string }{
	consent.ReasonBank:       {"paused.bank", "paused.bankDo"},
	consent.ReasonIdentity:   {"paused.identity", "paused.identityDo"},
	consent.ReasonFraud:      {"paused.fraud", "paused.fraudDo"},
	consent.ReasonTPPTrouble: {"paused.tpp", "paused.tppDo"},
	consent.ReasonLegal:      {"paused.legal", "paused.legalDo"},
	consent.ReasonAsked:      {"paused.asked", "paused.askedDo"},
}

// notice says why a consent is not in force; nil for one that is.
func (t *teller) notice(d *overview.Detail) *notice {
	switch {
	case d.Status == consent.Suspended:
		w := pausedFor(d.Suspension.Reason)
		return &notice{Tone: "stops", Title: t.say("paused.title", "Date", t.at(d.StatusChangedAt)), Text: t.say(w.why), Advice: t.say(w.what)}
	case d.Status.Pending():
		n := &notice{Tone: "waits", Title: t.say("waiting.title"), Text: t.say("waiting.text")}
		if d.Signers > 1 {
			n.Advice = t.say("waiting.others")
		}
		return n
	case d.Status.Final():
		return &notice{Tone: "over", Title: t.say(overWords(d.Status), "Date", t.at(d.StatusChangedAt)), Text: t.ending(d)}
	default:
		return nil
	}
}

func overWords(s consent.Status) string {
	switch s {
	case consent.Expired:
		return "over.expired"
	case consent.Rejected:
		return "over.rejected"
	case consent.Consumed:
		return "over.consumed"
	default:
		return "over.cancelled"
	}
}
