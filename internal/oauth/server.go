package oauth

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/register"
	"consentd/internal/tpp"
)

// Clients knows the TPPs; *register.Register does.
type Clients interface {
	// Client finds a TPP by its organizationIdentifier or our id of it. Fails with
	// CodeNotFound, also where more than one fits, and CodeUnavailable.
	Client(ctx context.Context, clientID string) (*register.TPP, error)
}

// Runs knows how a PSU walks through authentication.
type Runs interface {
	// RunOf reads the run of an authorisation. Fails with CodeNotFound.
	RunOf(ctx context.Context, authorisation uuid.UUID) (*consent.Run, error)
}

// Server is the authorization server. All fields are required, but for OwnPages, and
// for Identities and Signers, which only Mint takes.
type Server struct {
	Store    connections.Store
	Consents *consents.Consents
	Runs     Runs
	Clients  Clients
	Callers  tpp.Identifier
	// Identities and Signers tell for whom a PSU acts.
	Identities connections.Identities
	Signers    service.Signers
	Keys       *secret.Keys
	Policy     consent.Policy
	Options    Options
	// Page is where the pages are on which the PSU of a handle logs in.
	Page func(r *http.Request, handle string) string
	// OwnPages reports whether the pages of a run are the bank's own, where we do not
	// see the browser; nil: none are.
	OwnPages func(run *consent.Run) bool
	// Problem answers a browser that can be sent nowhere with a page; err is an error
	// of the domain, whose text is not for the page.
	Problem func(c echo.Context, err error) error
	Now     service.Clock
	Log     *slog.Logger
}

// Options are what a bank decides about the server.
type Options struct {
	// Issuer is the server's name, and where browsers reach it; TokenURL is where TPPs
	// do. Both without a slash at their end.
	Issuer, TokenURL func(*http.Request) string
	AccessLifetime   time.Duration // of an access token; 0: 10 minutes
	CodeLifetime     time.Duration // of an authorization code; 0: 60 seconds
	MintedLifetime   time.Duration // of an access token of Mint; 0: AccessLifetime
	// Scopes are those that are offered, AIS: for those of a consent each; nil: all.
	Scopes []string
}

const (
	defaultAccessLifetime = 10 * time.Minute
	defaultCodeLifetime   = 60 * time.Second
)

// Where the endpoints are.
const (
	PathMetadata   = "/.well-known/oauth-authorization-server"
	PathAuthorize  = "/oauth2/authorize"
	PathToken      = "/oauth2/token" //nolint:gosec // G101: a path, no credential
	PathRevoke     = "/oauth2/revoke"
	PathIntrospect = "/oauth2/introspect"
)

// Owns reports whether a path is one of the server's.
func Owns(path string) bool { return path == PathMetadata || strings.HasPrefix(path, "/oauth2/") }

// MountBrowser registers what browsers call, on the listener of PSUs.
func (s *Server) MountBrowser(e *echo.Echo) {
	e.GET(PathMetadata, s.metadata)
	e.GET(PathAuthorize, s.authorize)
	e.POST(PathAuthorize, s.authorize)
	e.GET(PathAuthorize+"/:"+paramCallback, s.callback)
}

// MountTPP registers what TPPs call, on theirs.
func (s *Server) MountTPP(e *echo.Echo) {
	e.GET(PathMetadata, s.metadata)
	e.POST(PathToken, s.token)
	e.POST(PathRevoke, s.revoke)
	e.POST(PathIntrospect, s.introspect)
	for _, path := range []string{PathToken, PathRevoke, PathIntrospect} {
		e.RouteNotFound(path, s.notOffered)
	}
}

// accessLifetime is how long an access token on a grant is good for, from now: it
// never outlasts the grant. In whole seconds, as expires_in is.
func (s *Server) accessLifetime(grant *consent.Consent, now time.Time) time.Duration {
	return s.lifetime(s.Options.AccessLifetime, grant, now)
}

func (*Server) lifetime(lifetime time.Duration, grant *consent.Consent, now time.Time) time.Duration {
	if lifetime <= 0 {
		lifetime = defaultAccessLifetime
	}
	return max(0, min(lifetime, grant.EndsAt.Sub(now))).Truncate(time.Second)
}

func (s *Server) codeLifetime() time.Duration {
	if s.Options.CodeLifetime > 0 {
		return s.Options.CodeLifetime
	}
	return defaultCodeLifetime
}

// callOf is a call of a TPP about grants for which a scope is. The PSU is told the
// organizationIdentifier of one that has not shown yet what it is called. Where a
// browser brings its name, and no caller shows that it is theirs, the audit does not
// say that the TPP called.
func callOf(client *register.TPP, caller tpp.TPP, scope string) service.Call {
	name := cmp.Or(client.Name, client.Organisation, client.ID)
	call := service.Call{TPP: client.ID, Name: name, Certificate: caller.Fingerprint(), Unproved: caller.ID == ""}
	if _, ok := consentOf(scope); ok {
		call.Rail, call.Kind = consent.RailXS2A, consent.AccountAccess
		return call
	}
	call.Rail, call.Kind = consent.RailSTET, consent.Connection
	return call
}
