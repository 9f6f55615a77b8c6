package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
)

// Codes of RFC 6749 §4.1.2.1 that the library has no names for.
const (
	codeServer       goidc.ErrorCode = "server_error"
	codeUnavailable  goidc.ErrorCode = "temporarily_unavailable"
	codeResponseType goidc.ErrorCode = "unsupported_response_type"
)

// refusal is the body of an error (RFC 6749 §5.2).
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
	status      int
}

// statuses is with which status each code is answered; the library has others.
var statuses = map[goidc.ErrorCode]int{
	goidc.ErrorCodeInvalidRequest:       http.StatusBadRequest,
	goidc.ErrorCodeInvalidGrant:         http.StatusBadRequest,
	goidc.ErrorCodeInvalidScope:         http.StatusBadRequest,
	goidc.ErrorCodeUnauthorizedClient:   http.StatusBadRequest,
	goidc.ErrorCodeUnsupportedGrantType: http.StatusBadRequest,
	codeResponseType:                    http.StatusBadRequest,
	goidc.ErrorCodeInvalidClient:        http.StatusUnauthorized,
	goidc.ErrorCodeAccessDenied:         http.StatusForbidden,
	codeServer:                          http.StatusInternalServerError,
	codeUnavailable:                     http.StatusServiceUnavailable,
}

// domain is how a code of the domain is answered; any other is our fault.
var domain = map[consent.Code]refusal{
	consent.CodeFormat:             {Error: string(goidc.ErrorCodeInvalidRequest), Description: "the request is malformed", status: http.StatusBadRequest},
	consent.CodeMediaType:          {Error: string(goidc.ErrorCodeInvalidRequest), Description: "the body must be a form", status: http.StatusBadRequest},
	consent.CodeTooLarge:           {Error: string(goidc.ErrorCodeInvalidRequest), Description: "the body is too large", status: http.StatusRequestEntityTooLarge},
	consent.CodeTimeout:            {Error: string(goidc.ErrorCodeInvalidRequest), Description: "the request did not come in time", status: http.StatusRequestTimeout},
	consent.CodeMethodNotAllowed:   {Error: string(goidc.ErrorCodeInvalidRequest), Description: "this method is not offered here", status: http.StatusMethodNotAllowed},
	consent.CodeCertificateMissing: {Error: string(goidc.ErrorCodeInvalidClient), Description: "a client certificate is required", status: http.StatusUnauthorized},
	consent.CodeCertificateInvalid: {Error: string(goidc.ErrorCodeInvalidClient), Description: "the client certificate is not trusted", status: http.StatusUnauthorized},
	consent.CodeCertificateExpired: {Error: string(goidc.ErrorCodeInvalidClient), Description: "the client certificate has expired", status: http.StatusUnauthorized},
	consent.CodeCertificateRevoked: {Error: string(goidc.ErrorCodeInvalidClient), Description: "the client certificate is revoked", status: http.StatusUnauthorized},
	consent.CodeCertificateBlocked: {Error: string(goidc.ErrorCodeAccessDenied), Description: "the bank has blocked this client", status: http.StatusForbidden},
	consent.CodeUnavailable:        {Error: string(codeUnavailable), Description: "try again later", status: http.StatusServiceUnavailable},
}

// refusalOf words an error for a TPP. The library's words are constant texts; of
// ours none but the table's leave the process.
func refusalOf(err error) refusal {
	if e, ok := errors.AsType[goidc.Error](err); ok {
		code := e.Code
		if code == goidc.ErrorCodeInvalidToken { // of a binding that does not hold
			code = goidc.ErrorCodeInvalidGrant
		}
		if status, known := statuses[code]; known {
			return refusal{Error: string(code), Description: e.Description, status: status}
		}
	}
	if said, known := domain[consent.CodeOf(err)]; known {
		return said
	}
	return refusal{Error: string(codeServer), Description: "internal error", status: http.StatusInternalServerError}
}

// refuse answers a TPP.
func (s *Server) refuse(c echo.Context, err error) error {
	r := c.Request()
	said := refusalOf(edge.Named(r.Context(), err))
	explain.Conclude(r.Context(), said.Error, said.Description)
	if said.status >= http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "oauth2 call failed", "path", r.URL.Path, "error", err)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store")
	if said.status == http.StatusServiceUnavailable {
		h.Set(echo.HeaderRetryAfter, "1")
	}
	return c.JSON(said.status, said)
}

// notOffered answers a method that an endpoint does not have.
func (s *Server) notOffered(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderAllow, http.MethodPost)
	return s.refuse(c, edge.ErrMethod())
}

// oauth words an error of the domain for a TPP to which the browser goes back.
func (x *exchange) oauth(ctx context.Context, err error) error {
	if e, ok := errors.AsType[goidc.Error](err); ok {
		return e
	}
	switch consent.CodeOf(err) {
	case consent.CodeNotFound:
		return goidc.NewError(goidc.ErrorCodeInvalidScope, "the consent is not known, or takes no token")
	case consent.CodeStatusInvalid, consent.CodeExpired, consent.CodeTooOften, consent.CodeServiceInvalid:
		return goidc.NewError(goidc.ErrorCodeAccessDenied, "the consent cannot be authorised any more")
	case consent.CodeUnavailable, consent.CodeTimeout:
		return goidc.NewError(codeUnavailable, "try again later")
	default:
		x.Log.ErrorContext(ctx, "oauth2 authorisation failed", "error", err)
		return goidc.NewError(codeServer, "internal error")
	}
}
