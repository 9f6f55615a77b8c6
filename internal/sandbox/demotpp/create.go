package demotpp

import (
	"crypto/rand"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// formPage is the form of a new consent.
type formPage struct {
	place
	Presets []preset
	Preset  string
	People  []Person
	Rights  []string
	Form    draft
	Flaws   flaws
	Refused *exchange // the bank's answer to this form
	Deals   []deal
}

func (a *App) formPage(c echo.Context, v *visitor) formPage {
	return formPage{place: a.place(c), Presets: presets, People: a.People, Rights: rights, Deals: v.begunDeals()}
}

// form shows the form: as a preset fills it, or as the bank refused it.
func (a *App) form(c echo.Context) error {
	v := a.visitor(c)
	page := a.formPage(c, v)
	page.Preset = c.QueryParam("preset")
	page.Form = a.filled(page.Preset, c.QueryParam(fieldPSU))
	if number, err := strconv.Atoi(c.QueryParam("refused")); err == nil {
		if x, kept := v.exchange(number), v.lastRefused(); x != nil && kept != nil {
			page.Refused, page.Form = x, kept
		}
	}
	return a.render(c, http.StatusOK, "new", page)
}

// create asks the bank for the consent of the form. What the form finds wrong is
// sent when the visitor insists.
func (a *App) create(c echo.Context) error {
	sent, err := readForm(c)
	if err != nil {
		return a.problem(c, http.StatusBadRequest, "The form could not be read.")
	}
	f, found := draft(sent), flaws{}
	ask := a.asking(c, f, &found)
	if len(found) > 0 && (found.Hard() || f.Get("anyway") == "") {
		page := a.formPage(c, a.visitor(c))
		page.Form, page.Flaws = f, found
		return a.render(c, http.StatusUnprocessableEntity, "new", page)
	}
	v := a.guest(c)
	l, err := a.ring(c.Request(), v)
	if err != nil {
		return a.fail(c, err)
	}
	created, meta, err := ask.send(c, l)
	if err != nil {
		number := l.told("Ask for a consent", "", err)
		v.keepRefused(f)
		return c.Redirect(http.StatusSeeOther, "/tpp?refused="+strconv.Itoa(number))
	}
	d := ask.deal
	d.ID, d.Status = created.ConsentID, created.ConsentStatus
	d.take(turn{"", created.ScaStatus, created.Links, created.ScaMethods, created.ChosenScaMethod, created.ChallengeData, created.PSUMessage, meta})
	d.last = l.told("Ask for a consent", "The bank has taken the request down. "+nextMeans[d.Next()], nil)
	d = v.open(d)
	return c.Redirect(http.StatusSeeOther, d.Page())
}

// asked is a form made into a request.
type asked struct {
	deal    deal
	options client.CreateOptions
	access  xs2a.ConsentsRequest
	funds   xs2a.FundsConsentRequest
}

func (a *App) asking(c echo.Context, f draft, found *flaws) asked {
	mark := rand.Text()
	ask := asked{options: f.options(a.Home(c.Request()), mark, found)}
	o := ask.options
	ask.deal = deal{
		state: mark, Kind: kindAccounts, PSU: o.PSUID, Corporate: o.PSUCorporateID, Address: o.PSUIPAddress, Language: o.PSULanguage,
		redirect: o.RedirectPreferred, decoupled: o.DecoupledPreferred,
	}
	if f.Get(fieldKind) == kindFunds {
		ask.funds, ask.deal.Kind, ask.deal.About = f.funds(found), kindFunds, "confirmation of funds"
		ask.deal.account = ask.funds.Account
		return ask
	}
	ask.access = f.consent(a.Now(), found)
	ask.deal.About, ask.deal.Recurring = about(ask.access), ask.access.RecurringIndicator
	return ask
}

func (ask asked) send(c echo.Context, l *line) (*xs2a.ConsentsResponse, *client.Meta, error) {
	ctx := c.Request().Context()
	if ask.deal.Funds() {
		return l.CreateFundsConsent(ctx, ask.funds, ask.options)
	}
	return l.CreateConsent(ctx, ask.access, ask.options)
}

// about says in a few words what a consent is to.
func about(r xs2a.ConsentsRequest) string {
	text := "accounts of the customer's choice"
	x := r.Access
	switch {
	case x.AllPSD2 != "":
		text = "all accounts"
	case x.AvailableAccounts != "":
		text = "the list of accounts"
	case x.AvailableAccountsWithBalance != "":
		text = "the list of accounts with balances"
	case len(x.Accounts)+len(x.Balances)+len(x.Transactions) > 0:
		text = "named accounts"
	}
	if !r.RecurringIndicator {
		return text + ", once"
	}
	return text + ", until " + r.ValidUntil
}

// nextMeans says what comes next.
var nextMeans = map[string]string{
	nextRedirect: "Send the customer's browser to the link scaRedirect.",
	nextStart:    "No authorisation was begun yet: this TPP begins it.",
	nextIdentify: "The bank wants to know who the customer is.",
	nextPassword: "The bank wants the customer's password, by this TPP.",
	nextMethod:   "The customer has several ways to confirm, and chooses one.",
	nextCode:     "The customer has got a challenge, and answers it here.",
	nextConfirm:  "The browser brought back a code: hand it in.",
	nextWait:     "The bank asks the customer in its app. Wait, and ask for the status.",
	nextAgain:    "This authorisation is over. Begin another one.",
	nextRead:     "The consent is in force: read the accounts.",
	nextNothing:  "Nothing more can be done with it.",
}
