package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const mediaTypeForm = "application/x-www-form-urlencoded"

// wellKnown is where metadata lie at their issuer (RFC 8414 §3).
const wellKnown = "/.well-known/oauth-authorization-server"

// OAuth2 calls authorization servers (RFC 6749) for one TPP, as banks have them in
// front of the STET interface, and of XS2A in its OAuth2 approaches: authorization
// codes with PKCE, and no secrets, for the TPP is known by its certificate (RFC
// 8705). An answer that is not a success is an [*OAuth2Error]. Make it with
// [NewOAuth2].
//
// Whatever [WithRetry] says, nothing but metadata is sent again by itself: a code or
// a refresh token that comes twice may end what was given for it.
type OAuth2 struct {
	client   *Client
	clientID string
}

// NewOAuth2 makes a client of authorization servers for the TPP of a client_id,
// which in PSD2 is the organizationIdentifier of its certificate: see
// [Kit.ClientID]. OAuth2 knows no signatures, so that options that sign are not
// needed here.
func NewOAuth2(clientID string, opts ...Option) (*OAuth2, error) {
	if clientID == "" {
		return nil, errors.New("client id: is required")
	}
	c, err := at("", opts)
	if err != nil {
		return nil, err
	}
	c.retry.Writes = false
	return &OAuth2{client: c, clientID: clientID}, nil
}

// Discover reads the metadata of an issuer (RFC 8414). Fails with
// [ErrWrongIssuer] where they are another one's.
func (o *OAuth2) Discover(ctx context.Context, issuer string, options ...CallOptions) (*AuthorizationServer, *Meta, error) {
	u, err := absolute(issuer)
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, nil, errors.New("issuer: must be http or https with a host, without query and fragment")
	}
	u.Path = wellKnown + strings.TrimRight(u.Path, "/")
	server, meta, err := o.ReadMetadata(ctx, u.String(), options...)
	if err == nil && server.Issuer != issuer {
		return nil, meta, fmt.Errorf("%s: %w", u, ErrWrongIssuer)
	}
	return server, meta, err
}

// ErrWrongIssuer says that metadata, or what a browser brought back, are of another
// server than was asked (RFC 8414 §3.3, RFC 9207).
var ErrWrongIssuer = errors.New("the issuer is another one")

// ReadMetadata reads the metadata at an address that the bank itself has given, as
// its documentation does or an XS2A consent's link scaOAuth. Whose metadata they are
// is then what they say; elsewhere, use [OAuth2.Discover]. Fails where an address in
// them is missing, or is less secure than the one of the metadata.
func (o *OAuth2) ReadMetadata(ctx context.Context, address string, options ...CallOptions) (*AuthorizationServer, *Meta, error) {
	from, err := absolute(address)
	if err != nil {
		return nil, nil, fmt.Errorf("address of the metadata: %w", err)
	}
	in := read(http.MethodGet, address, options)
	in.refused = oauth2ErrorOf
	server, meta, err := call[AuthorizationServer](ctx, o.client, in)
	if err != nil {
		return nil, meta, err
	}
	if err := server.check(from.Scheme); err != nil {
		return nil, meta, fmt.Errorf("metadata at %s: %w", address, err)
	}
	return server, meta, nil
}

// Exchange changes the code that the customer's browser brought back for tokens
// (RFC 6749 §4.1.3): code is what [AuthorizationRequest.Code] found for the request.
// A code is good once.
func (o *OAuth2) Exchange(ctx context.Context, from *AuthorizationServer, r *AuthorizationRequest, code string, options ...CallOptions) (*Tokens, *Meta, error) {
	return o.tokens(ctx, from, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {r.RedirectURI}, "code_verifier": {r.Verifier},
	}, options)
}

// Refresh gets new tokens for a refresh token (RFC 6749 §6), which is used up where
// a new one comes along. scope is some of what was given before; empty for all.
func (o *OAuth2) Refresh(ctx context.Context, from *AuthorizationServer, refreshToken, scope string, options ...CallOptions) (*Tokens, *Meta, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return o.tokens(ctx, from, form, options)
}

func (o *OAuth2) tokens(ctx context.Context, from *AuthorizationServer, form url.Values, options []CallOptions) (*Tokens, *Meta, error) {
	t, meta, err := call[Tokens](ctx, o.client, o.post(from.endpoints().Token, form, options))
	if err != nil {
		return nil, meta, err
	}
	if t.AccessToken == "" || !strings.EqualFold(t.TokenType, "Bearer") {
		return nil, meta, errors.New("the answer has no bearer token")
	}
	return t, meta, nil
}

// ErrNoEndpoint says that the server does not offer a call.
var ErrNoEndpoint = errors.New("the authorization server does not offer this")

// Revoke gives a token back, of either kind (RFC 7009). Banks end all that was given
// along with it. A token that the bank does not know is no error. Fails with
// [ErrNoEndpoint].
func (o *OAuth2) Revoke(ctx context.Context, at *AuthorizationServer, token string, options ...CallOptions) (*Meta, error) {
	address := at.endpoints().Revocation
	if address == "" {
		return nil, ErrNoEndpoint
	}
	return o.client.do(ctx, o.post(address, url.Values{"token": {token}}, options), nil)
}

// Introspect asks whether a token is alive, and for what it is (RFC 7662). Fails
// with [ErrNoEndpoint].
func (o *OAuth2) Introspect(ctx context.Context, at *AuthorizationServer, token string, options ...CallOptions) (*TokenState, *Meta, error) {
	address := at.endpoints().Introspection
	if address == "" {
		return nil, nil, ErrNoEndpoint
	}
	return call[TokenState](ctx, o.client, o.post(address, url.Values{"token": {token}}, options))
}

// post is a call with a form that says who the client is.
func (o *OAuth2) post(address string, form url.Values, options []CallOptions) request {
	in := read(http.MethodPost, address, options)
	form.Set("client_id", o.clientID)
	in.form, in.refused = form, oauth2ErrorOf
	return in
}

// absolute reads an address with a host.
func absolute(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it is of
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, errors.New("must be http or https with a host")
	}
	return u, nil
}
