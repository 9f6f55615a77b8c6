package xs2a

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/funds"
	"consentd/internal/service/ledger"
	"consentd/internal/service/sca"
	"consentd/internal/tpp"
)

// Handler serves the consents of the XS2A interface, and judges reads of account
// data for who serves these. All fields are required, but for Bearers where the bank
// has no access tokens.
type Handler struct {
	Consents   *consents.Consents
	Walks      Walks
	Funds      *funds.Funds
	Reads      Reads
	Ledger     *ledger.Ledger
	Callers    tpp.Identifier
	Signatures tpp.Signatures
	Bearers    tpp.Bearers
	Policy     consent.Policy
	Now        func() time.Time
	Options    Options
	Links      Links
	Log        *slog.Logger
}

// Walks carries authorisations on with what a TPP sends; see service/sca.
type Walks interface {
	Update(ctx context.Context, call service.Call, at sca.Target, u sca.Update, tell sca.Tell) (sca.Standing, error)
	// Message is what the PSU is told while the bank's app waits for them.
	Message(ctx context.Context, call service.Call, at sca.Target) (string, error)
}

// StartMode says whether an authorisation is started together with a consent.
type StartMode string

// The start modes.
const (
	StartAuto     StartMode = "auto"     // unless the TPP prefers an explicit start, or must say first who the PSU is
	StartExplicit StartMode = "explicit" // never: the TPP starts it
	StartImplicit StartMode = "implicit" // always
)

// Options are the choices that the standard leaves to the bank.
type Options struct {
	// Scopes are the models of consent that the bank offers.
	Scopes []consent.Scope
	// AccountKinds are the identifiers by which an account may be named: iban,
	// bban, pan, maskedPan, msisdn, other.
	AccountKinds []string
	// OwnerName and TrustedBeneficiaries offer these data of additionalInformation.
	OwnerName            bool
	TrustedBeneficiaries bool
	// AppSchemes are schemes besides https, in lower case, that a redirect URI
	// may have, so that the PSU's browser leads back into an app.
	AppSchemes []string
	// Approaches are how the bank reaches PSUs; the first is the fallback.
	Approaches []consent.Approach
	// Start is when authorisations begin.
	Start StartMode
	// Funds offers the confirmation of funds and the consents to it.
	Funds bool
	// BasePath stands before every path, such as /psd2; empty for none.
	BasePath string
	// RelativeLinks gives links to this interface as paths. Those for the PSU's
	// browser stay absolute.
	RelativeLinks bool
	// Sessions allows combinedServiceIndicator: true.
	Sessions bool
	// StrictStatus answers expired for a consent that the bank ended, instead of
	// terminatedByAspsp, which is no value of the standard.
	StrictStatus bool
	// Domains says what becomes of URIs outside the TPP's domains; empty for off.
	Domains DomainRule
	// CertificateRevoked spells CERTIFICATE_REVOKE as later versions of the
	// standard do.
	CertificateRevoked bool
	// LenientDates takes the date of a timestamp where a date is asked for.
	LenientDates bool
	// OAuth is what OAuth2 is used for. Any mode takes Handler.Bearers and
	// Links.Metadata, and OAuthIntegrated a Policy without Confirmation.
	OAuth OAuthMode
	// PageParameters are the parameters of a query by which the bank's interface
	// asks for a further page of a list: they continue a read, not begin one.
	PageParameters []string
}

// DefaultOptions offers everything that is built.
func DefaultOptions() Options {
	return Options{
		Scopes: []consent.Scope{
			consent.ScopeDedicated, consent.ScopeBankOffered, consent.ScopeAllPSD2,
			consent.ScopeAvailable, consent.ScopeAvailableBalances,
		},
		AccountKinds:         []string{kindIBAN, kindBBAN, kindPAN, kindMaskedPAN, kindMSISDN, kindOther},
		OwnerName:            true,
		TrustedBeneficiaries: true,
		Approaches:           []consent.Approach{consent.Redirect},
		Start:                StartAuto,
		Funds:                true,
		PageParameters:       []string{"page"},
	}
}

// Links say where things are found.
type Links struct {
	// BaseURL is where a TPP reaches this listener, without a slash at its end and
	// without Options.BasePath.
	BaseURL func(*http.Request) string
	// BrowserURL is the same for the pages of the PSU; nil when they lie at BaseURL.
	BrowserURL func(*http.Request) string
	// Page is where the bank has pages of its own for a handle; nil, or an empty
	// answer, where it has not.
	Page func(handle string) string
	// Accounts is the URL at which the bank serves account data, for the link
	// account of a consent; nil, or an empty answer, for none.
	Accounts func(*http.Request) string
	// Metadata is the URL at which the OAuth2 server is described (RFC 8414); nil for
	// no such server.
	Metadata func(*http.Request) string
}

// Mount registers the routes. Everything else below /v1 and /v2 is answered 404
// and 405 in this dialect's form, whatever the Echo instance does with errors.
func (h *Handler) Mount(e *echo.Echo) {
	for _, ep := range endpoints() {
		e.Add(ep.method, h.Options.BasePath+ep.path, h.serve(ep))
	}
	for _, version := range versions {
		e.RouteNotFound(h.Options.BasePath+version, h.refuse)
		e.RouteNotFound(h.Options.BasePath+version+"/*", h.refuse)
	}
}

// versions are the first segments of the paths.
var versions = []string{"/v1", "/v2"}

// refuse answers what no route matched: 405 for a path that other methods know,
// 404 otherwise. It looks at the path itself: Echo takes the nearest fallback for
// the answer, and lets the last parameter of a route swallow slashes.
func (h *Handler) refuse(c echo.Context) error {
	edge.StampID(c)
	var allow []string
	known := false
	for _, ep := range endpoints() {
		if !h.matches(&ep, c.Request()) {
			continue
		}
		known = true
		if h.offers(ep) {
			allow = append(allow, ep.method)
		}
	}
	if !known {
		h.fail(c, edge.ErrPath())
		return nil
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(allow, ", "))
	h.fail(c, edge.ErrMethod())
	return nil
}

// offers reports whether the bank offers an operation at all.
func (h *Handler) offers(ep endpoint) bool {
	return h.Options.Funds || ep.kind != consent.FundsConfirmation
}

// Owns reports whether a path is this dialect's to answer, errors included.
func (h *Handler) Owns(path string) bool {
	rest, ok := strings.CutPrefix(path, h.Options.BasePath)
	return ok && slices.ContainsFunc(versions, func(v string) bool { return rest == v || strings.HasPrefix(rest, v+"/") })
}

// matches compares the path of a request with an endpoint's.
func (h *Handler) matches(ep *endpoint, r *http.Request) bool {
	_, ok := h.match(ep, r)
	return ok
}

// match compares the path of a request with an endpoint's. ids are the segments that
// stand for its parameters, as they were sent.
func (h *Handler) match(ep *endpoint, r *http.Request) (ids edge.PathIDs, ok bool) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), h.Options.BasePath)
	if !ok {
		return ids, false
	}
	return edge.MatchPath(ep.path, path)
}
