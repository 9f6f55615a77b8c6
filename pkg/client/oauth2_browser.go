package client

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
)

// AuthorizationRequest is one trip of the customer's browser to the bank and back
// (RFC 6749 §4.1). Keep it, bound to that browser's session, until the browser is
// back; Verifier and State are nobody else's business.
type AuthorizationRequest struct {
	URL         string // where the browser is sent
	State       string // comes back with the browser
	Verifier    string // goes with the code (RFC 7636); the browser never sees it
	RedirectURI string
	Scope       string
	Issuer      string // who is asked; empty where the server does not say it on the way back
}

// AuthorizeURL is where to send the customer's browser: for scopes, with spaces
// between them, and back to redirectURI, which the bank must know for this TPP. state
// is empty for a random one; that, and the proof that goes with the code (PKCE with
// S256), are in what is returned.
func (o *OAuth2) AuthorizeURL(at *AuthorizationServer, state, scope, redirectURI string) (*AuthorizationRequest, error) {
	u, err := absolute(at.AuthorizationEndpoint)
	if err != nil {
		return nil, fmt.Errorf("authorization_endpoint: %w", err)
	}
	r := &AuthorizationRequest{State: state, Scope: scope, RedirectURI: redirectURI, Verifier: randomVerifier()}
	if r.State == "" {
		r.State = rand.Text()
	}
	if at.IssuerParameter {
		r.Issuer = at.Issuer
	}
	query := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": o.clientID, "redirect_uri": redirectURI, "scope": scope, "state": r.State,
		"code_challenge": challenge(r.Verifier), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	r.URL = u.String()
	return r, nil
}

// ErrWrongState says that a browser came back for another request than this one.
var ErrWrongState = errors.New("the state is another request's")

// Code is what the browser has brought back, by the query of the address that it came
// to. Fails with [ErrWrongState], with [ErrWrongIssuer], and with an [*OAuth2Error]
// where it brought an error: access_denied says that the customer refused.
func (r *AuthorizationRequest) Code(query url.Values) (string, error) {
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(r.State)) != 1 {
		return "", ErrWrongState
	}
	if r.Issuer != "" && query.Get("iss") != r.Issuer {
		return "", ErrWrongIssuer
	}
	if code := query.Get("error"); code != "" {
		return "", &OAuth2Error{Code: code, Description: query.Get("error_description")}
	}
	if query.Get("code") == "" {
		return "", errors.New("the browser brought neither a code nor an error")
	}
	return query.Get("code"), nil
}

// verifierBytes makes verifiers of 43 characters (RFC 7636 §4.1).
const verifierBytes = 32

func randomVerifier() string {
	b := make([]byte, verifierBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// challenge is what is sent of a verifier ahead (RFC 7636 §4.2, S256).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
