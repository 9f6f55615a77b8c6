package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/register"
)

const mediaForm = "application/x-www-form-urlencoded"

// The parameters of the TPP's calls (RFC 6749 §4.1.3 and §6, RFC 7009 §2.1, RFC 7662
// §2.1).
var (
	tokenParams    = []string{"grant_type", paramClient, "code", "redirect_uri", "code_verifier", "refresh_token", paramScope}
	questionParams = []string{paramClient, "token", "token_type_hint"}
)

// formOf reads a form. Fails with CodeMediaType, CodeTooLarge, CodeTimeout, and with
// CodeFormat for a parameter that is there twice.
func formOf(r *http.Request, names []string) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || media != mediaForm {
		return nil, consent.E(consent.CodeMediaType, "the body must be a form")
	}
	body, err := edge.ReadBody(r)
	switch {
	case err != nil:
		return nil, err
	case len(body) > edge.MaxBody:
		return nil, edge.ErrTooLarge()
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, consent.E(consent.CodeFormat, "the form is malformed").Because(err)
	}
	return pick(form, names)
}

// token changes a code for tokens, or refreshes them.
func (s *Server) token(c echo.Context) error {
	x, form, err := s.called(c.Request(), tokenParams)
	if err != nil {
		return s.refuse(c, err)
	}
	if form.Get("grant_type") == "" { // the library takes that for a type that there is not
		return s.refuse(c, goidc.NewError(goidc.ErrorCodeInvalidRequest, "grant_type is missing"))
	}
	if form.Get("grant_type") == string(goidc.GrantRefreshToken) && form.Get("refresh_token") != "" {
		if err := x.bring(c.Request().Context(), form.Get("refresh_token")); err != nil {
			return s.refuse(c, err)
		}
	}
	return x.answer(c, PathToken, form)
}

// revoke gives tokens back.
func (s *Server) revoke(c echo.Context) error {
	x, form, err := s.called(c.Request(), questionParams)
	if err != nil {
		return s.refuse(c, err)
	}
	if form.Get("token") == "" {
		return s.refuse(c, goidc.NewError(goidc.ErrorCodeInvalidRequest, "token is missing"))
	}
	x.revoking = true
	return x.answer(c, PathRevoke, form)
}

// introspect tells a TPP about tokens of its own.
func (s *Server) introspect(c echo.Context) error {
	x, form, err := s.called(c.Request(), questionParams)
	if err != nil {
		return s.refuse(c, err)
	}
	return x.answer(c, PathIntrospect, form)
}

// called tells who calls, and reads the form. The client_id must be the caller's own
// (RFC 8705 §2).
func (s *Server) called(r *http.Request, names []string) (*exchange, url.Values, error) {
	ctx := r.Context()
	x := &exchange{Server: s, r: r, now: s.Now()}
	var err error
	if x.caller, err = s.Callers.Identify(r); err != nil {
		return nil, nil, err
	}
	form, err := formOf(r, names)
	if err != nil {
		return nil, nil, err
	}
	if x.client, err = s.clientOf(ctx, x); err != nil {
		return nil, nil, err
	}
	if id := form.Get(paramClient); id != x.client.ID && (id == "" || id != x.organisation()) {
		explain.Refuse(ctx, "oauth2: client_id is not the caller's, which is %s", x.client.ID)
		return nil, nil, goidc.NewError(goidc.ErrorCodeInvalidClient, "the certificate is not this client's")
	}
	form.Set(paramClient, x.client.ID)
	return x, form, nil
}

// clientOf is the caller as a client. One whom the register does not keep is who
// their certificate says.
func (s *Server) clientOf(ctx context.Context, x *exchange) (*register.TPP, error) {
	client, err := s.known(ctx, x.caller.ID)
	if consent.CodeOf(err) == consent.CodeNotFound {
		return &register.TPP{ID: x.caller.ID, Name: x.caller.Name}, nil
	}
	return client, err
}

// organisation is the client's organizationIdentifier, else our id of it.
func (x *exchange) organisation() string {
	if x.caller.Certificate != nil {
		return x.caller.Certificate.Organisation
	}
	return cmp.Or(x.client.Organisation, x.client.ID)
}

// answer lets the library answer a TPP.
func (x *exchange) answer(c echo.Context, path string, form url.Values) error {
	r := x.r.Clone(x.r.Context())
	r.Method, r.URL, r.Form, r.PostForm = http.MethodPost, &url.URL{Path: path}, nil, nil
	body := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.Header = http.Header{echo.HeaderContentType: {mediaForm}} // what else there is would be read as other ways to say who calls
	a, err := x.ask(r)
	if burnt := x.burn(r.Context()); burnt != nil {
		err = burnt
	}
	switch {
	case err != nil:
		return x.refuse(c, err)
	case a.status >= http.StatusBadRequest:
		return x.refuse(c, x.noticed)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	if a.body.Len() == 0 {
		return c.NoContent(a.status)
	}
	said := map[string]any{}
	if err := json.Unmarshal(a.body.Bytes(), &said); err != nil {
		return x.refuse(c, fmt.Errorf("decode the library's answer: %w", err))
	}
	if path == PathToken { // always, so that nobody needs to remember what they asked for
		said[paramScope] = x.active
	}
	return c.JSON(a.status, said)
}
