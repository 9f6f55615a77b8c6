package web

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// receiptKind is of what a receipt is.
type receiptKind string

// The receipts.
const (
	receiptGiven   receiptKind = "given"
	receiptRenewed receiptKind = "renewed"
	receiptEnded   receiptKind = "ended"
)

var receiptWords = map[receiptKind]struct{ link, title, when string }{
	receiptGiven:   {"receipt.given", "receipt.givenTitle", "receipt.givenWhen"},
	receiptRenewed: {"receipt.renewed", "receipt.renewedTitle", "receipt.renewedWhen"},
	receiptEnded:   {"receipt.ended", "receipt.endedTitle", "receipt.endedWhen"},
}

// receiptWordsOf are the words for a receipt. What ended where nobody had agreed was a
// request.
func receiptWordsOf(of receiptKind, d *overview.Detail) (w struct{ link, title, when string }) {
	w = receiptWords[of]
	if of == receiptEnded && never(d) {
		w.link, w.title = "receipt.closed", "receipt.closedTitle"
	}
	return w
}

// proof is the body of a receipt. It has no number of an account in full.
type proof struct {
	permit

	Facts  []row
	Data   []string
	Shares []holding // what is shared of which account, where these differ in that
	Rules  []string
	Due    []row // the days of a schedule with their amounts
	To     *end
	ID     string
	Own    string // the TPP's own id
	Issued string
	List   string
}

// agreements are the receipts of what the customer has agreed to.
var agreements = map[overview.EventKind]receiptKind{overview.EventGiven: receiptGiven, overview.EventRenewed: receiptRenewed}

// receiptsOf are those that there are of a consent.
func receiptsOf(d *overview.Detail) []receiptKind {
	var all []receiptKind
	if kind, ok := agreements[agreed(d)]; ok {
		all = append(all, kind)
	}
	if d.Status.Final() {
		all = append(all, receiptEnded)
	}
	return all
}

// agreed is by which kind of event the customer has agreed to a consent; empty where
// they have not.
func agreed(d *overview.Detail) overview.EventKind {
	for _, e := range slices.Backward(d.Events) {
		if _, ok := agreements[e.Kind]; ok && e.Consent == d.ID {
			return e.Kind
		}
	}
	return ""
}

// receipt shows what was given, renewed or ended, to be printed and kept.
func (d *Dashboard) receipt(l *look) error {
	found, err := d.consentOf(l)
	if err != nil {
		return d.trouble(l, err)
	}
	kinds := receiptsOf(found)
	of := receiptKind(l.c.QueryParam("of"))
	if of == "" && len(kinds) > 0 {
		of = kinds[len(kinds)-1]
	}
	if !slices.Contains(kinds, of) {
		return d.trouble(l, consent.E(consent.CodeNotFound, "no such receipt"))
	}
	return d.receiptPage(l, of, found)
}

func (d *Dashboard) receiptPage(l *look, of receiptKind, found *overview.Detail) error {
	sh, err := d.sheetOf(l, kindReceipt, url.Values{"of": {string(of)}})
	if err != nil {
		return err
	}
	name, _ := names(found.Consent)
	t := d.teller(sh.speech, name)
	sh.Heading, sh.Body, sh.Wide = t.say(receiptWordsOf(of, found).title), t.proof(of, found, d.Now()), false
	if t.err != nil {
		return t.err
	}
	return d.write(l.c, http.StatusOK, sh)
}

func (t *teller) proof(of receiptKind, d *overview.Detail, now time.Time) proof {
	x := proof{permit: t.permit(&d.Card), ID: d.ID.String(), Issued: t.say("receipt.issued", "Date", t.at(now)+" ("+zoneOf(now.In(t.zone))+")"), List: hrefOf(listOf(&d.Card))}
	if d.Staged != nil {
		x.Own = straight(d.Staged.Reference)
	}
	x.Facts = append(x.Facts, row{Label: t.say(receiptWords[of].when), Value: t.at(momentOf(of, d))})
	if of == receiptEnded {
		x.Facts = append(x.Facts, row{Label: t.say("receipt.how"), Value: t.ending(d)})
	} else {
		x.Facts = append(x.Facts, row{Label: t.say("receipt.until"), Value: t.until(d.ValidUntil)})
	}
	if often := t.often(&d.Card); often != "" && of != receiptEnded {
		x.Facts = append(x.Facts, row{Label: t.say("consent.often"), Value: often})
	}
	full := dossier{}
	t.share(&full, d)
	x.Data = full.Data
	numbers := numbersOf(d.Accounts)
	for i, a := range full.Accounts {
		if len(a.Data) > 0 {
			a.Number = numbers[i]
			x.Shares = append(x.Shares, a)
		}
	}
	for _, cluster := range full.Clusters {
		for _, item := range cluster.Items {
			x.Data = append(x.Data, item.Text)
		}
	}
	if d.Type.Payment() {
		t.proofOfPaying(&x, of, d)
	}
	return x
}

// proofOfPaying is what a receipt says of payments.
func (t *teller) proofOfPaying(x *proof, of receiptKind, d *overview.Detail) {
	if terms := termsOf(d.Consent); terms != nil {
		x.Data, x.Shares = nil, nil
		x.Rules, x.Due = t.rules(terms), t.due(terms)
		x.Facts = append(x.Facts, t.facts(terms.CreditorReference, terms.DebtorReference, terms.Purpose)...)
	}
	if _, x.To = t.ends(d); x.To != nil {
		x.To.Number = masked(consent.Reference{IBAN: x.To.Number})
	}
	if of != receiptEnded {
		return
	}
	x.Facts = append(x.Facts, row{Label: t.say("card.paid"), Value: t.money(d.Sum.Paid), Amount: true})
	if d.Sum.Pending.Minor != 0 {
		x.Facts = append(x.Facts, row{Label: t.say("card.pending"), Value: t.money(d.Sum.Pending), Amount: true})
	}
}

// zoneOf names the zone in which a receipt tells all its times: UTC, or what is added to it.
func zoneOf(at time.Time) string {
	if _, seconds := at.Zone(); seconds == 0 {
		return "UTC"
	}
	return at.Format("UTC-07:00")
}

// momentOf is when what the receipt is about came to pass.
func momentOf(of receiptKind, d *overview.Detail) time.Time {
	if of == receiptEnded {
		return d.StatusChangedAt
	}
	for _, e := range slices.Backward(d.Events) {
		if _, ok := agreements[e.Kind]; ok && e.Consent == d.ID {
			return e.At
		}
	}
	return d.Renewed
}
