package demotpp

import (
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/pkg/client"
	"consentd/pkg/httpsig"
	"consentd/pkg/stet"
)

// PathReturn is where the demo TPP has browsers sent back to with a code: its
// redirect_uri is Home and this, and must be registered for it.
const PathReturn = "/tpp/stet/return"

const (
	pathSTET        = "/tpp/stet"
	pathConnections = pathSTET + "/connections"
	pathSeal        = "/tpp/seal"
	pathMetadata    = "/.well-known/oauth-authorization-server"
)

// The fields of the STET forms.
const (
	fieldHistory      = "history"      // extended_transaction_history as well
	fieldBalances     = "balances"     // as often as accounts are ticked
	fieldTransactions = "transactions" // as often as accounts are ticked
	fieldIdentity     = "identity"
	fieldOther        = "iban" // of an account that is not in the list
	fieldRead         = "read"
	fieldPresent      = "present"
	fieldFrom         = "from"
	fieldTo           = "to"
)

func (a *App) mountSTET(g *echo.Group) {
	under := func(path string) string { return strings.TrimPrefix(path, "/tpp") }
	g.GET(under(pathSTET), a.stetForm)
	g.POST(under(pathConnections), a.connect)
	g.GET(under(PathReturn), a.stetReturn)
	g.GET(under(pathConnections)+"/:n", a.connection)
	g.GET(under(pathConnections)+"/:n/bank", a.sendToLogin)
	g.POST(under(pathConnections)+"/:n/:step", a.stetStep)
	g.GET(under(pathSeal)+"_:print", a.seal)
}

// stetPage is the form of a new connection.
type stetPage struct {
	place
	People      []Person
	Form        draft
	Failed      *exchange // why there is no connection
	Connections []connection
}

func (a *App) stetForm(c echo.Context) error {
	v := a.visitor(c)
	page := stetPage{place: a.place(c), People: a.People, Form: draft{fieldPSU: {c.QueryParam(fieldPSU)}}, Connections: v.allConnections()}
	if number, err := strconv.Atoi(c.QueryParam("failed")); err == nil {
		page.Failed = v.exchange(number)
	}
	return a.render(c, http.StatusOK, "stet", page)
}

// connect finds the bank's authorization server, and makes the address to which the
// customer's browser will go.
func (a *App) connect(c echo.Context) error {
	form, err := readForm(c)
	if err != nil {
		return a.problem(c, http.StatusBadRequest, "The form could not be read.")
	}
	r, v := c.Request(), a.guest(c)
	l, err := a.ringSTET(r, v)
	if err != nil {
		return a.fail(c, err)
	}
	scope := stet.ScopeAISP
	if form.Get(fieldHistory) == yes {
		scope += " " + stet.ScopeExtendedHistory
	}
	server, _, err := l.oauth.ReadMetadata(r.Context(), a.reached(r)+pathMetadata)
	if err != nil {
		return c.Redirect(http.StatusSeeOther, pathSTET+"?failed="+itoa(l.told("Where is the authorization server?", "", err)))
	}
	heard := l.told("Where is the authorization server?", "The bank says where browsers and tokens are dealt with.", nil)
	request, err := l.oauth.AuthorizeURL(server, "", scope, a.Home(r)+PathReturn)
	if err != nil {
		return a.fail(c, err)
	}
	made := v.connect(connection{State: stateAsked, PSU: form.Get(fieldPSU), Scope: scope, Request: *request, server: *server, last: []int{heard}})
	return c.Redirect(http.StatusSeeOther, made.Page())
}

// sendToLogin sends the customer's browser to the bank.
func (a *App) sendToLogin(c echo.Context) error {
	found, known := a.visitor(c).connection(c.Param("n"))
	if !known {
		return a.lost(c)
	}
	if found.State != stateAsked {
		return c.Redirect(http.StatusSeeOther, found.Page())
	}
	return c.Redirect(http.StatusSeeOther, found.Request.URL)
}

// stetReturn is where the customer's browser comes back with a code. Only the browser
// that was sent may bring it, for the request that it was sent for, and once.
func (a *App) stetReturn(c echo.Context) error {
	v, query := a.visitor(c), c.QueryParams()
	found, known := v.whereConnection(func(c connection) bool {
		_, err := c.Request.Code(query)
		return !errors.Is(err, client.ErrWrongState)
	})
	switch {
	case !known:
		return a.lost(c)
	case !v.takes(found.Number):
		return c.Redirect(http.StatusSeeOther, found.Page())
	}
	code, err := found.Request.Code(query)
	if err != nil {
		told := v.note(exchange{At: a.Now(), What: "Back from the bank", Means: meaningOf(err, ""), Trouble: err.Error()})
		v.changeConnection(found.Number, func(c *connection) { c.State, c.last = stateRefused, []int{told} })
		return c.Redirect(http.StatusSeeOther, found.Page())
	}
	return a.carry(c, v, found, exchanging(code))
}

// connectionPage shows a connection and what can be done with it.
type connectionPage struct {
	place
	Connection connection
	Phone      string // of the customer, where the sandbox has one
	Said       []exchange
	since      string // the first day that is proposed
}

// From is the first day that was asked for, or that is proposed.
func (p connectionPage) From() string {
	if p.Connection.From != "" {
		return p.Connection.From
	}
	return p.since
}

// recently is how many days back the form proposes to read.
const recently = 60

func (a *App) connection(c echo.Context) error {
	v := a.visitor(c)
	found, known := v.connection(c.Param("n"))
	if !known {
		return a.lost(c)
	}
	page := connectionPage{
		place: a.place(c), Connection: found, Phone: a.phone(found.PSU), since: a.Now().AddDate(0, 0, -recently).Format(time.DateOnly),
	}
	for _, number := range found.last {
		if x := v.exchange(number); x != nil {
			page.Said = append(page.Said, *x)
		}
	}
	return a.render(c, http.StatusOK, "connection", page)
}

// stetStep does what a form on the page of a connection says.
func (a *App) stetStep(c echo.Context) error {
	v := a.visitor(c)
	found, known := v.connection(c.Param("n"))
	begin, offered := stetSteps[c.Param("step")]
	if !known || !offered {
		return a.lost(c)
	}
	form, err := readForm(c)
	if err != nil {
		return a.problem(c, http.StatusBadRequest, "The form could not be read.")
	}
	if !found.Connected() { // a page that was open meanwhile
		return c.Redirect(http.StatusSeeOther, found.Page())
	}
	return a.carry(c, v, found, begin(form))
}

// carry does something with a connection, and shows its page again where the answer
// stands.
func (a *App) carry(c echo.Context, v *visitor, found connection, do stetAct) error {
	l, err := a.ringSTET(c.Request(), v)
	if err != nil {
		return a.fail(c, err)
	}
	numbers, goOn := do(c.Request().Context(), l, found)
	now := v.changeConnection(found.Number, func(c *connection) {
		goOn(c)
		c.last = numbers
	})
	part := ""
	switch refused := func(n int) bool { x := v.exchange(n); return x != nil && !x.Good() }; {
	case slices.ContainsFunc(numbers, refused):
		part = "#last"
	case now.Sheet != nil:
		part = "#answer"
	case now.State == found.State && len(numbers) == 1:
		part = "#last" // nothing else tells what came of it
	}
	return c.Redirect(http.StatusSeeOther, found.Page()+part)
}

// seal shows the certificate that the keyId of this TPP's signatures names.
func (a *App) seal(c echo.Context) error {
	e, err := a.equip(c.Request().Context())
	if err != nil {
		return a.fail(c, err)
	}
	if httpsig.STETKeyID(pathSeal, e.kit.Seal) != c.Request().URL.Path {
		return a.problem(c, http.StatusNotFound, "This TPP has no such seal.")
	}
	return c.Blob(http.StatusOK, "application/x-pem-file", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.kit.Seal.Raw}))
}
