package client

import (
	"encoding/json"
	"fmt"
	"mime"
	"time"
)

// AuthorizationServer is what an authorization server says of itself (RFC 8414 §2).
type AuthorizationServer struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"` // for the customer's browser
	TokenEndpoint         string   `json:"token_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint,omitempty"`
	IntrospectionEndpoint string   `json:"introspection_endpoint,omitempty"`
	ScopesSupported       []string `json:"scopes_supported,omitempty"`
	CodeChallengeMethods  []string `json:"code_challenge_methods_supported,omitempty"`
	// IssuerParameter says that browsers come back with iss (RFC 9207).
	IssuerParameter bool `json:"authorization_response_iss_parameter_supported,omitempty"`
	// CertificateBound says that tokens are bound to the client's certificate.
	CertificateBound bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	// Aliases are where calls go that show a certificate, which TPPs' calls do (RFC
	// 8705 §5); nil where that is nowhere else.
	Aliases *ServerEndpoints `json:"mtls_endpoint_aliases,omitempty"`
}

// ServerEndpoints are addresses of calls; empty where they are not said.
type ServerEndpoints struct {
	Token         string `json:"token_endpoint,omitempty"`
	Revocation    string `json:"revocation_endpoint,omitempty"`
	Introspection string `json:"introspection_endpoint,omitempty"`
}

// endpoints are where a TPP calls.
func (s *AuthorizationServer) endpoints() ServerEndpoints {
	at := ServerEndpoints{s.TokenEndpoint, s.RevocationEndpoint, s.IntrospectionEndpoint}
	if s.Aliases == nil {
		return at
	}
	for _, e := range []struct {
		to    *string
		alias string
	}{{&at.Token, s.Aliases.Token}, {&at.Revocation, s.Aliases.Revocation}, {&at.Introspection, s.Aliases.Introspection}} {
		if e.alias != "" {
			*e.to = e.alias
		}
	}
	return at
}

// check judges the addresses. scheme is that of the address of the metadata: tokens
// go where it is as safe.
func (s *AuthorizationServer) check(scheme string) error {
	if _, err := absolute(s.AuthorizationEndpoint); err != nil {
		return fmt.Errorf("authorization_endpoint: %w", err)
	}
	at := s.endpoints()
	for _, e := range []struct {
		name, address string
		required      bool
	}{{"token_endpoint", at.Token, true}, {"revocation_endpoint", at.Revocation, false}, {"introspection_endpoint", at.Introspection, false}} {
		if e.address == "" && !e.required {
			continue
		}
		u, err := absolute(e.address)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if scheme == "https" && u.Scheme != scheme {
			return fmt.Errorf("%s: must be https, as the metadata are", e.name)
		}
	}
	return nil
}

// Tokens are what a code, or a refresh token, was changed for (RFC 6749 §5.1).
type Tokens struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`           // Bearer
	ExpiresIn   int    `json:"expires_in,omitempty"` // seconds; 0 where the bank does not say
	// RefreshToken is empty where none was given: at a refresh, the former one is good
	// still.
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"` // empty for what was asked for
}

// String says what the tokens are for, and not what they are: so they stay out of
// logs.
func (t Tokens) String() string { return fmt.Sprintf("tokens for %q", t.Scope) }

// GoString is String.
func (t Tokens) GoString() string { return t.String() }

// TokenState is what a server says of a token (RFC 7662 §2.2). All but Active is
// empty where that is false.
type TokenState struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Subject   string `json:"sub,omitempty"`
	ExpiresAt int64  `json:"exp,omitempty"` // seconds since 1970
	IssuedAt  int64  `json:"iat,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	// Confirmation has the certificate that the token is bound to (RFC 8705 §3.1); nil
	// for none.
	Confirmation *TokenBinding `json:"cnf,omitempty"`
}

// TokenBinding is what a token is bound to.
type TokenBinding struct {
	Certificate string `json:"x5t#S256,omitempty"` // SHA-256 of the DER, base64url
}

// OAuth2Error is an answer of an authorization server that is not a success (RFC
// 6749 §4.1.2.1, §5.2). Find it with errors.As.
type OAuth2Error struct {
	Status    int    // the HTTP status; 0 where the customer's browser brought the error
	RequestID string // the X-Request-ID that was sent; empty as above
	// Code is one of RFC 6749's, such as invalid_grant or access_denied; empty where
	// none could be read.
	Code        string
	Description string // in the bank's words; may be empty
	// RetryAfter is how long the bank asks to wait; zero where it does not say.
	RetryAfter time.Duration
}

func (e *OAuth2Error) Error() string {
	text := "the browser came back with an error"
	if e.Status != 0 {
		text = fmt.Sprintf("oauth2 answered %d (request %s)", e.Status, e.RequestID)
	}
	return joined(text, e.Code, e.Description)
}

func (e *OAuth2Error) later() (int, time.Duration) { return e.Status, e.RetryAfter }

func oauth2ErrorOf(meta *Meta, body []byte) error {
	e := &OAuth2Error{Status: meta.Status, RequestID: meta.RequestID, RetryAfter: retryAfter(meta)}
	media, _, err := mime.ParseMediaType(meta.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return e
	}
	var said struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &said) == nil {
		e.Code, e.Description = said.Code, said.Description
	}
	return e
}
