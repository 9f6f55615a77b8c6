package demotpp

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// deal is a consent that the visitor asked for, as this TPP knows it: what the bank
// has said of it so far.
type deal struct {
	Number int    // within the visitor's list
	state  string // mark in the return addresses: who comes back comes back for this
	Kind   string // kindAccounts or kindFunds
	ID     string // consentId
	About  string

	// What was said when it was asked for, and is said again with later calls.
	PSU, Corporate, Address, Language string
	redirect, decoupled               *bool
	account                           xs2a.AccountReference // of kindFunds
	// Recurring tells that data may be read again and again: recurringIndicator.
	Recurring bool

	Status        xs2a.ConsentStatus
	Authorisation string // authorisationId of the last one
	Sca           xs2a.ScaStatus
	Approach      string
	Links         xs2a.Links
	Methods       []xs2a.AuthenticationObject
	Chosen        *xs2a.AuthenticationObject
	Challenge     *xs2a.ChallengeData
	Message       string // psuMessage
	code          string // confirmationCode that came back with the browser
	away          bool   // the PSU was sent to the bank

	last  int // number of the exchange by which the visitor did something
	polls int
	read  reading
}

// What the visitor, or their customer, is to do next.
const (
	nextRedirect = "redirect" // send the PSU to the bank
	nextStart    = "start"    // begin an authorisation
	nextIdentify = "identify" // name the PSU
	nextPassword = "password"
	nextMethod   = "method"
	nextCode     = "code"
	nextConfirm  = "confirm" // hand in the code that came back
	nextWait     = "wait"    // for the app, or for the bank
	nextAgain    = "again"   // a further authorisation
	nextRead     = "read"
	nextNothing  = "nothing"
)

// steps are the links that ask for something, in the order in which they are
// looked for.
var steps = []struct{ link, step string }{
	{xs2a.LinkScaRedirect, nextRedirect},
	{xs2a.LinkStartAuthorisation, nextStart},
	{xs2a.LinkStartAuthorisationWithPsuIdentification, nextStart},
	{xs2a.LinkStartAuthorisationWithPsuAuthentication, nextStart},
	{xs2a.LinkUpdatePsuIdentification, nextIdentify},
	{xs2a.LinkUpdatePsuAuthentication, nextPassword},
	{xs2a.LinkSelectAuthenticationMethod, nextMethod},
	{xs2a.LinkAuthoriseTransaction, nextCode},
}

// Next is what comes next, as the bank's links say.
func (d deal) Next() string {
	switch {
	case d.Status == xs2a.Valid:
		return nextRead
	case !d.Pending():
		return nextNothing
	case d.Sca == xs2a.ScaUnconfirmed && d.code != "":
		return nextConfirm
	case d.Authorisation != "" && over(d.Sca):
		return nextAgain
	}
	for _, s := range steps {
		if _, there := d.Links[s.link]; there {
			return s.step
		}
	}
	return nextWait
}

// Pending tells whether a consent may still be authorised.
func (d deal) Pending() bool {
	return d.Status == xs2a.Received || d.Status == xs2a.PartiallyAuthorised
}

// Ended tells whether a consent is over for good.
func (d deal) Ended() bool { return !d.Pending() && d.Status != xs2a.Valid }

// Means says what its status means.
func (d deal) Means() string { return standing[d.Status] }

// Funds tells a consent to the confirmation of funds.
func (d deal) Funds() bool { return d.Kind == kindFunds }

// Page is the address of its page.
func (d deal) Page() string { return "/tpp/consents/" + itoa(d.Number) }

// Redirect is where the PSU's browser goes. It is used once: later the link is
// there for the pages that say so.
func (d deal) Redirect() string { return d.Links[xs2a.LinkScaRedirect].Href }

// WithPassword tells that the authorisation is started with the PSU's password.
func (d deal) WithPassword() bool {
	_, there := d.Links[xs2a.LinkStartAuthorisationWithPsuAuthentication]
	return there
}

// Currency is that of the account of a consent to the confirmation of funds, where
// it was said.
func (d deal) Currency() string { return d.account.Currency }

// over tells whether an authorisation has come to its end.
func over(s xs2a.ScaStatus) bool {
	return slices.Contains([]xs2a.ScaStatus{xs2a.ScaFinalised, xs2a.ScaFailed, xs2a.ScaExempted}, s)
}

// turn is what an answer says of the authorisation that it is about.
type turn struct {
	id        string
	sca       xs2a.ScaStatus
	links     xs2a.Links
	methods   []xs2a.AuthenticationObject
	chosen    *xs2a.AuthenticationObject
	challenge *xs2a.ChallengeData
	message   string
	meta      *client.Meta
}

// take has a deal follow an answer.
func (d *deal) take(t turn) {
	d.Links, d.Methods, d.Chosen, d.Challenge, d.Message = t.links, t.methods, t.chosen, t.challenge, t.message
	if id := authorisationOf(t.links); id != "" {
		t.id = id
	}
	if t.id != "" {
		d.Authorisation = t.id
	}
	if t.sca != "" {
		d.Sca = t.sca
	}
	if t.meta != nil && t.meta.Approach() != "" {
		d.Approach = t.meta.Approach()
	}
	d.polls = 0
}

// authorisationOf is which authorisation an answer's links are about; empty for
// none.
func authorisationOf(links xs2a.Links) string {
	link, there := links[xs2a.LinkScaStatus]
	if !there {
		return ""
	}
	u, err := url.Parse(link.Href)
	if err != nil || !strings.Contains(u.Path, "/authorisations/") {
		return ""
	}
	return path.Base(u.Path)
}
