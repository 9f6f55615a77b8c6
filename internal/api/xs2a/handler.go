package xs2a

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
	"consentd/internal/tpp"
)

// maxBody is the size in bytes above which a body is refused.
const maxBody = 64 << 10

// Handler serves the consents of the XS2A interface. All fields are required.
type Handler struct {
	Consents   *consents.Consents
	Callers    tpp.Identifier
	Signatures tpp.Signatures
	Policy     consent.Policy
	Now        func() time.Time
	Options    Options
	Links      Links
	Log        *slog.Logger
}

// StartMode says whether an authorisation is started together with a consent.
type StartMode string

// The start modes.
const (
	StartAuto     StartMode = "auto"     // unless the TPP prefers an explicit start
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
	// Start is when authorisations begin.
	Start StartMode
	// Sessions allows combinedServiceIndicator: true.
	Sessions bool
	// StrictStatus answers expired for a consent that the bank ended, instead of
	// terminatedByAspsp, which is no value of the standard.
	StrictStatus bool
	// LenientDates takes the date of a timestamp where a date is asked for.
	LenientDates bool
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
		Start:                StartAuto,
	}
}

// Links say where things are found. Every link in an answer is absolute.
type Links struct {
	// BaseURL is where a TPP reaches this interface, without a slash at its end.
	BaseURL func(*http.Request) string
	// BrowserURL is the same for the pages of the PSU; nil when they lie at BaseURL.
	BrowserURL func(*http.Request) string
	// Accounts is the absolute URL at which the bank serves account data, for
	// the link account of a consent; empty for none.
	Accounts string
}

// Mount registers the routes. Everything else below /v1 is answered 404 and
// 405 in this dialect's form, whatever the Echo instance does with errors.
func (h *Handler) Mount(e *echo.Echo) {
	for _, ep := range endpoints() {
		e.Add(ep.method, ep.path, h.serve(ep))
	}
	e.RouteNotFound("/v1", h.refuse)
	e.RouteNotFound("/v1/*", h.refuse)
}

// refuse answers what no route matched: 405 for a path that other methods know,
// 404 otherwise. It looks at the path itself: Echo takes the nearest fallback for
// the answer, and lets the last parameter of a route swallow slashes.
func (h *Handler) refuse(c echo.Context) error {
	stampID(c)
	var allow []string
	for _, ep := range endpoints() {
		if ep.matches(c.Request()) {
			allow = append(allow, ep.method)
		}
	}
	if len(allow) == 0 {
		h.fail(c, errPath())
		return nil
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(allow, ", "))
	h.fail(c, errMethod())
	return nil
}

func errPath() error { return consent.E(consent.CodePathUnknown, "no such resource") }

func errMethod() error {
	return consent.E(consent.CodeMethodNotAllowed, "this method is not offered here")
}

// Owns reports whether a path is this dialect's to answer, errors included.
func (h *Handler) Owns(path string) bool {
	return path == "/v1" || strings.HasPrefix(path, "/v1/")
}

// endpoint is one operation: what it takes and who serves it.
type endpoint struct {
	method, path string
	place        place    // which headers it takes
	body         bodyRule // whether it takes a body
	// parse reads the body into the call; its faults are reported together with
	// those of the headers.
	parse func(*Handler, *call) consent.Faults
	serve func(*Handler, *call) error
}

// matches compares the path of a request with the endpoint's, segment by segment.
func (ep *endpoint) matches(r *http.Request) bool {
	path, pattern := r.URL.EscapedPath(), ep.path
	for more := true; more; {
		var got, want string
		got, path, more = strings.Cut(path, "/")
		var expected bool
		want, pattern, expected = strings.Cut(pattern, "/")
		if more != expected {
			return false
		}
		if parameter := strings.HasPrefix(want, ":"); parameter && got == "" || !parameter && got != want {
			return false
		}
	}
	return true
}

// bodyRule says whether an operation takes a body.
type bodyRule int

const (
	bodyIgnored bodyRule = iota
	bodyOptional
	bodyRequired
)

const (
	pathConsents       = "/v1/consents"
	pathConsent        = pathConsents + "/:consentId"
	pathStatus         = pathConsent + "/status"
	pathAuthorisations = pathConsent + "/authorisations"
	pathAuthorisation  = pathAuthorisations + "/:authorisationId"
)

func endpoints() []endpoint {
	return []endpoint{
		{method: http.MethodPost, path: pathConsents, place: onCreate, body: bodyRequired, parse: (*Handler).readConsent, serve: (*Handler).createConsent},
		{method: http.MethodGet, path: pathConsent, place: onRead, serve: (*Handler).getConsent},
		{method: http.MethodDelete, path: pathConsent, place: onRead, serve: (*Handler).deleteConsent},
		{method: http.MethodGet, path: pathStatus, place: onRead, serve: (*Handler).getStatus},
		{method: http.MethodPost, path: pathAuthorisations, place: onStart, body: bodyOptional, parse: (*Handler).readStart, serve: (*Handler).startAuthorisation},
		{method: http.MethodGet, path: pathAuthorisations, place: onRead, serve: (*Handler).listAuthorisations},
		{method: http.MethodGet, path: pathAuthorisation, place: onRead, serve: (*Handler).getAuthorisation},
	}
}
