package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service/register"
)

const paramCallback = "callback"

// The parameters of an authorization request that mean something here (RFC 6749
// §4.1.1, RFC 7636 §4.3); others are ignored, as RFC 6749 §3.1 has it.
const (
	paramClient    = "client_id"
	paramType      = "response_type"
	paramMode      = "response_mode"
	paramLanguages = "ui_locales"
	paramScope     = "scope"
	paramState     = "state"
)

var authorizeParams = []string{
	paramType, paramClient, "redirect_uri", paramScope, paramState, "code_challenge", "code_challenge_method", paramMode, paramLanguages,
	"request_uri",
}

// maxState is how many bytes a state may have: it goes into an address.
const maxState = 2000

// callbackName is what the library makes.
var callbackName = regexp.MustCompile(`^[A-Za-z0-9]{30}$`)

// authorize takes an authorization request of a browser.
func (s *Server) authorize(c echo.Context) error {
	r := c.Request()
	params, err := browserParams(r)
	if err != nil {
		return s.problem(c, err)
	}
	x := &exchange{Server: s, r: r, now: s.Now(), language: first(params.Get(paramLanguages)), unsupported: unsupported(params)}
	if x.client, err = s.known(r.Context(), params.Get(paramClient)); err != nil {
		return s.problem(c, err)
	}
	params.Set(paramClient, x.client.ID)
	return x.browse(c, PathAuthorize, params)
}

// unsupported takes out of a request what the library knows and we do not have, and
// would be answered by: other ways to answer. The policy says so when it is asked, so
// that the browser goes back where it may.
func unsupported(params url.Values) error {
	kind, mode := params.Get(paramType), params.Get(paramMode)
	params.Set(paramMode, string(goidc.ResponseModeQuery))
	switch {
	case kind != "" && kind != string(goidc.ResponseTypeCode):
		params.Set(paramType, string(goidc.ResponseTypeCode))
		return goidc.NewError(codeResponseType, "response_type must be code")
	case mode != "" && mode != string(goidc.ResponseModeQuery):
		return goidc.NewError(goidc.ErrorCodeInvalidRequest, "response_mode must be query")
	case params.Get("code_challenge_method") == "": // which means plain (RFC 7636 §4.3)
		return goidc.NewError(goidc.ErrorCodeInvalidRequest, "code_challenge_method must be S256")
	}
	return nil
}

// first is the language that a list puts first (OpenID Connect Core §3.1.2.1).
func first(languages string) string {
	one, _, _ := strings.Cut(strings.TrimSpace(languages), " ")
	return one
}

// callback takes a browser back from the pages of an authorisation.
func (s *Server) callback(c echo.Context) error {
	r := c.Request()
	name := c.Param(paramCallback)
	if !callbackName.MatchString(name) {
		return s.problem(c, consent.E(consent.CodeNotFound, "no such request"))
	}
	x := &exchange{Server: s, r: r, now: s.Now(), back: true, browser: s.browserOf(r)}
	return x.browse(c, PathAuthorize+"/"+name, nil)
}

// Beyond is the redirect URI of a TPP to which the browser is led from one of our own
// addresses, where pages send it at the end of an authorisation; empty for any other
// address. Browsers hold the policy of a page against every redirect that follows its
// form (form-action), so that the page has to name where this one leads.
func (s *Server) Beyond(r *http.Request, address string) string {
	name, ours := strings.CutPrefix(address, s.Options.Issuer(r)+PathAuthorize+"/")
	if !ours || !callbackName.MatchString(name) {
		return ""
	}
	x := &exchange{Server: s, r: r, now: s.Now()}
	as, err := requests{x}.SessionByCallbackID(r.Context(), name)
	if err != nil { // the browser will be told when it comes
		return ""
	}
	return as.RedirectURI
}

// browserParams reads what a browser brings, by GET or by POST (RFC 6749 §3.1).
// Fails with CodeFormat for a parameter that is there twice.
func browserParams(r *http.Request) (url.Values, error) {
	if r.Method == http.MethodPost {
		return formOf(r, authorizeParams)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, consent.E(consent.CodeFormat, "the query is malformed").Because(err)
	}
	return pick(query, authorizeParams)
}

// pick leaves out what is not known. Fails with CodeFormat for a parameter that is
// there twice.
func pick(all url.Values, names []string) (url.Values, error) {
	picked := url.Values{}
	for _, name := range names {
		switch values := all[name]; {
		case len(values) > 1:
			return nil, consent.At(consent.CodeFormat, name, "must not be there twice")
		case len(values) == 1:
			picked.Set(name, values[0])
		}
	}
	if len(picked.Get(paramState)) > maxState {
		return nil, consent.At(consent.CodeFormat, paramState, "must not be longer than %d bytes", maxState)
	}
	return picked, nil
}

// known finds a client that may call. Fails with CodeNotFound,
// CodeCertificateBlocked and CodeUnavailable.
func (s *Server) known(ctx context.Context, id string) (*register.TPP, error) {
	client, err := s.Clients.Client(ctx, id)
	switch {
	case err != nil:
		explain.Refuse(ctx, "oauth2: the client is not known, or its id is ambiguous")
		return nil, err
	case client.Blocked(s.Now()):
		explain.Refuse(ctx, "oauth2: the bank has blocked %s", client.ID)
		return nil, consent.E(consent.CodeCertificateBlocked, "the bank has blocked this TPP")
	}
	return client, nil
}

// browse lets the library answer a browser.
func (x *exchange) browse(c echo.Context, path string, params url.Values) error {
	r := x.r.Clone(x.r.Context())
	r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
	r.URL = &url.URL{Path: path, RawQuery: params.Encode()}
	a, err := x.ask(r)
	switch {
	case err != nil:
		return x.problem(c, err)
	case x.page != nil:
		return x.problem(c, x.page)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address of the answer holds a code
	h.Set(echo.HeaderLocation, a.header.Get(echo.HeaderLocation))
	return c.NoContent(a.status)
}

// problem answers a browser that can be sent nowhere. What the library finds is a
// fault of the link, but for a request that it does not find: it is over.
func (s *Server) problem(c echo.Context, err error) error {
	ctx := c.Request().Context()
	err = edge.Named(ctx, err)
	if e, ok := errors.AsType[goidc.Error](err); ok && consent.CodeOf(err) == consent.CodeInternal {
		err = consent.E(consent.CodeFormat, "%s", e.Description).Because(err)
	}
	if !slices.Contains(told, consent.CodeOf(err)) {
		s.Log.ErrorContext(ctx, "oauth2 authorisation failed", "error", err)
	}
	explain.Conclude(ctx, string(consent.CodeOf(err)), "oauth2: the browser is sent nowhere")
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return s.Problem(c, err)
}

// told is what keeps a browser here by its own fault or for a while; anything else is
// our fault.
var told = []consent.Code{
	consent.CodeFormat, consent.CodeMediaType, consent.CodeTooLarge, consent.CodeNotFound, consent.CodeForbidden,
	consent.CodeCertificateBlocked, consent.CodeStatusInvalid, consent.CodeTimeout, consent.CodeUnavailable,
}

// The cookie by which a run knows its browser, as package web sets it. Over https
// the prefix makes browsers refuse it from anyone but this very host.
const (
	browserCookie = "consentd-browser"
	hostPrefix    = "__Host-"
)

// browserOf is which browser asks; zero where it has no cookie of ours.
func (s *Server) browserOf(r *http.Request) consent.Digest {
	name := browserCookie
	if strings.HasPrefix(s.Options.Issuer(r), "https:") {
		name = hostPrefix + name
	}
	cookie, err := r.Cookie(name)
	if err != nil || cookie.Value == "" {
		return consent.Digest{}
	}
	return secret.Digest(cookie.Value)
}
