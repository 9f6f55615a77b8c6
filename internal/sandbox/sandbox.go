package sandbox

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/faults"
	"consentd/internal/sandbox/inspector"
	"consentd/internal/sandbox/pages"
)

// Users knows the opaque ids under which consents refer to PSUs.
type Users interface {
	// UserID returns the id for the bank's id of a PSU.
	UserID(ctx context.Context, psu string) (string, error)
}

// Recent lists the newest consents of all TPPs, newest first.
type Recent interface {
	Recent(ctx context.Context, limit int) ([]*consent.Consent, error)
}

// Sandbox serves the sandbox's own calls and pages, and guards the listener that
// they share with the API and the pages of the bank.
type Sandbox struct {
	Bank   *Bank
	Clock  *Clock
	TPPs   *TPPs
	Users  Users
	Recent Recent
	// Tokens makes access tokens; nil for none, and no calls for them.
	Tokens Tokens
	// PaymentKey is the public key, a JWK, for which TPPs seal who pays whom, and Seal
	// seals JSON for it. Without Seal there is no Consent Manager, and no examples of
	// its consents are made.
	PaymentKey []byte
	Seal       func(json []byte) (string, error)
	filling    sync.Mutex // held while examples are made
	// Waits reports whether the authorisation goes on for which a code was sent, by
	// the key of its message. Without it, no code is taken for one that is waited for.
	Waits func(ctx context.Context, key string) (bool, error)
	// HTTP is what the demo TPP calls this server with.
	HTTP *http.Client
	// Base is where the host of a request serves plain http, and Secure where it
	// asks for certificates, without a slash at the end. Without Base it is where
	// the request came to; without Secure, or where it is empty, there is no TLS.
	Base, Secure func(*http.Request) string
	// Public is where a proxy in front of the sandbox is reached, which all
	// addresses begin with that others are to use; without a slash at the end, empty
	// for none.
	Public string
	// Hosts may be asked for besides this machine's loopback names: the host of
	// the listen address, for instance. Without port.
	Hosts []string
	// AnyAddress also lets every literal IP address be asked for, where the
	// program listens on all of the machine's: no name can be bent to them.
	AnyAddress bool
	// BasePath stands before the paths of the API, and Owns tells those paths.
	BasePath string
	Owns     func(path string) bool
	// Watched are further paths whose calls the inspector keeps; nil for none.
	Watched func(path string) bool
	// STETPath stands before the paths of the STET dialect; empty where it is not
	// served.
	STETPath string
	// Zone is the bank's time zone, in which its days begin; nil for UTC.
	Zone *time.Location
	// Inspector and Faults may be left out; Mount sets what they own.
	Inspector *inspector.Inspector
	Faults    *faults.Faults
	// Strict says that the API takes signed requests only.
	Strict bool
	Log    *slog.Logger
}

// Mount registers the routes: the start page, and all below /sandbox. Every
// route of e, also those of others, refuses from then on a Host or an Origin
// that is not this machine's or listed in Hosts, so that no web page from
// elsewhere can use the sandbox.
func (s *Sandbox) Mount(e *echo.Echo) {
	s.equip()
	e.Use(s.Inspector.Middleware(), s.guard, s.Faults.Middleware(), s.hint)
	e.GET("/", s.start, s.page)

	g := e.Group("/sandbox")
	g.GET("/style.css", pages.Style)
	s.mountTools(g)
	g.GET("/tools", s.tools, s.page)
	g.GET("/clock", s.readClock, s.page)
	g.POST("/clock", s.turnByForm, s.page)
	g.GET("/clock/time", s.timeFace, s.page)
	g.PUT("/clock", s.turnClock)
	g.DELETE("/clock", s.resetClock)
	g.GET("/tpps", s.listTPPs)
	g.POST("/tpps", s.makeTPP)
	g.GET("/tpps/:tpp", s.readTPP)
	g.POST("/tokens", s.mintToken, s.issuing)
	g.DELETE("/tokens/:token", s.endToken, s.issuing)
	g.GET("/ca.pem", s.certificateOfCA)
	g.GET("/ca.crl", s.revocationList)
	g.POST("/ocsp", s.ocsp)
	g.GET("/ocsp/*", s.ocsp)
	g.GET("/psus", s.listPSUs, s.page)
	g.GET("/psus/:psu", s.readPSU, s.page)
	g.POST("/psus/:psu/accounts", s.openAccount, s.page)
	g.GET("/psus/:psu/phone", s.phone, s.page)
	g.POST("/psus/:psu/phone/approvals/:id", s.decideApproval, s.page)
	g.POST("/examples", s.addExamples, s.page)
	g.GET("/payment-key", s.paymentKey)
	g.GET("/recent", s.recent, s.page)
	g.POST("/demo", s.demo, s.page)
	g.GET("/return", s.back, s.page)
	g.GET("/return/nok", s.back, s.page)

	b := g.Group("/bank", bearer)
	b.POST("/psu-authentications", s.authenticatePSU)
	b.GET("/psus/:psu/authentication-methods", s.listMethods)
	b.POST("/one-time-codes", s.sendOneTimeCode)
	b.POST("/approvals", s.askApproval)
	b.GET("/approvals/:approval/answer", s.readApproval)
	b.POST("/approvals/:approval/withdrawal", s.withdrawApproval)
	b.GET("/psus/:psu/customers", s.listCustomers)
	b.GET("/customers/:customer/signers", s.listSigners)
	b.GET("/customers/:customer/accounts", s.listAccounts)
	b.POST("/customers/:customer/account-resolutions", s.resolveAccount)
	b.POST("/funds-checks", s.checkFunds)
	b.GET("/accounts/:account/owners", s.listOwners)
	b.GET("/accounts/:account/balances", s.listBalances)
	b.GET("/accounts/:account/transactions", s.listTransactions)
	b.GET("/psus/:psu/identity", s.readIdentity)
}
