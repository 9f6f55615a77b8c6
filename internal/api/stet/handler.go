package stet

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
	"consentd/internal/tpp"
	wire "consentd/pkg/stet"
)

// Handler serves the STET interface for those who read accounts (AISP). All fields
// are required.
type Handler struct {
	Callers     tpp.Identifier
	Signatures  tpp.Signatures
	Bearers     tpp.Bearers
	Connections Connections
	Forwarder   *consents.Forwarder
	Reads       Reads
	Accounts    service.Accounts
	Books       service.Books
	Ledger      *ledger.Ledger
	Policy      consent.Policy
	Now         func() time.Time
	Options     Options
	// BaseURL is where a TPP reaches this listener, without a slash at its end and
	// without Options.BasePath.
	BaseURL func(*http.Request) string
	Log     *slog.Logger
}

// Connections reads what has been forwarded; *connections.Connections does.
type Connections interface {
	// Again reads anew what the TPP has forwarded for the principal.
	Again(ctx context.Context, p connections.Principal) (connections.Principal, error)
}

// Reads decides on reads of account data, and counts them; *access.Access does.
type Reads interface {
	Decide(ctx context.Context, q access.Question) (access.Decision, error)
	Bare(ctx context.Context, q access.Question, perDay int) error
}

// NoAccounts says how GET /accounts is answered where there is none to be shown.
type NoAccounts string

// The answers.
const (
	NoContent NoAccounts = "noContent" // 204, as the standard has it
	NotFound  NoAccounts = "notFound"  // 404 NAAC, as some banks have it
)

// MissingMembers says what becomes of PUT /consents whose body lacks a member.
type MissingMembers string

// The rules for members that are missing.
const (
	Absent MissingMembers = "absent" // it grants nothing, and no body revokes all
	Refuse MissingMembers = "refuse" // 400: the standard requires all four
)

// Options are the choices that the standard leaves to the bank.
type Options struct {
	// BasePath stands before every path; never empty.
	BasePath string
	// PerDay is how often a day GET /accounts may be read without a consent while the
	// PSU is away; with one the consent says it.
	PerDay int
	// NoAccounts answers for a customer who has none.
	NoAccounts NoAccounts
	// MissingMembers judges bodies that are incomplete.
	MissingMembers MissingMembers
	// RequireRequestID refuses calls without X-Request-ID, as the standard does. A
	// malformed one is refused in any case.
	RequireRequestID bool
}

// DefaultOptions are the standard's, and where it is silent those of the banks from
// which the mixed model comes.
func DefaultOptions() Options {
	return Options{
		BasePath: wire.BasePath, PerDay: 4, NoAccounts: NoContent, MissingMembers: Absent, RequireRequestID: true,
	}
}

// Mount registers the routes. Everything else below the base path is answered 404 and
// 405 in this dialect's form, whatever the Echo instance does with errors.
func (h *Handler) Mount(e *echo.Echo) {
	for _, ep := range endpoints() {
		e.Add(ep.method, h.Options.BasePath+ep.path, h.serve(ep))
	}
	e.RouteNotFound(h.Options.BasePath, h.refuse)
	e.RouteNotFound(h.Options.BasePath+"/*", h.refuse)
}

// Owns reports whether a path is this dialect's to answer, errors included.
func (h *Handler) Owns(path string) bool {
	rest, ok := strings.CutPrefix(path, h.Options.BasePath)
	return ok && (rest == "" || rest[0] == '/')
}

// refuse answers what no route matched: 405 for a path that another method knows, 404
// otherwise.
func (h *Handler) refuse(c echo.Context) error {
	stampID(c)
	var methods []string
	for _, ep := range endpoints() {
		if _, ok := h.match(&ep, c.Request()); ok {
			methods = append(methods, ep.method)
		}
	}
	h.fail(c, edge.ErrUnserved(c.Response().Header(), methods))
	return nil
}

// match compares the path of a request with an endpoint's.
func (h *Handler) match(ep *endpoint, r *http.Request) (ids edge.PathIDs, ok bool) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), h.Options.BasePath)
	if !ok {
		return ids, false
	}
	return edge.MatchPath(ep.path, path)
}
