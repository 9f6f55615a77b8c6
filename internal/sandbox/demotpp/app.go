package demotpp

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/pkg/client"
)

// Person is a customer of the bank whom the forms propose.
type Person struct {
	Login string // PSU-ID
	About string
	// Accounts are what they have, each as a line of the form: an IBAN or, with its
	// member's name and a colon in front, another identification; then the currency.
	Accounts []string
	// CorporateID is the company's for which they act; empty for none.
	CorporateID string
}

// App serves the demo TPP. All fields are required, but for Public, the paths and
// People.
type App struct {
	// Bank is where a visitor's request finds the bank: with https certificates are
	// shown, with http a header says who calls. Without a slash at the end.
	Bank func(*http.Request) string
	// Public is what stands in the bank's links in its place where a proxy is in front
	// of it; empty where it is what Bank says. Calls go to Bank.
	Public string
	// XS2APath is what stands before /v1, and STETPath before /consents; without the
	// latter there are no pages for STET.
	XS2APath, STETPath string
	// Home is where the visitor's browser reaches this application, as a PSU may be
	// sent back there: https, or http on loopback. Without a slash at the end.
	Home func(*http.Request) string
	// Name is by which the header says who calls.
	Name string
	// Kit finds the TPP's certificates and keys. It is asked until it has answered once.
	Kit func(ctx context.Context) (*client.Kit, error)
	// Dial reaches the bank, whatever address is asked for: it is made of the
	// request's Host, which is the caller's word only.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// People are those whom the forms propose.
	People []Person
	// Password is that of all of them, for the pages to tell.
	Password string
	// Now is the time by which days are proposed.
	Now func() time.Time
	Log *slog.Logger

	visitors visitors
	mu       sync.Mutex
	equipped *equipment
}

// Mount registers the routes below /tpp.
func (a *App) Mount(e *echo.Echo) {
	e.GET("/tpp/tpp.css", style)
	g := e.Group("/tpp", a.page)
	g.GET("", a.form)
	g.POST("/consents", a.create)
	g.GET("/consents/:n", a.consent)
	g.GET("/consents/:n/bank", a.send)
	g.POST("/consents/:n/:step", a.step)
	g.GET("/consents/:n/data", a.data)
	g.POST("/consents/:n/data", a.readData)
	g.GET("/return", a.back)
	g.GET("/return/nok", a.back)
	g.GET("/log", a.log)
	g.POST("/log", a.forget)
	if a.STETPath != "" {
		a.mountSTET(g)
	}
}
