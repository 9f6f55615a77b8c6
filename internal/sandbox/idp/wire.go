package idp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"consentd/internal/secret"
)

const (
	maxForm   = 16 << 10 // bytes
	tokenTime = 5 * time.Minute
)

// describe is discovery (OpenID Connect Discovery 1.0 §4).
func (p *Provider) describe(w http.ResponseWriter, r *http.Request) {
	issuer, _ := p.Here(r)
	p.json(w, r, http.StatusOK, map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/jwks",
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
		"scopes_supported": []string{"openid"}, "claims_supported": []string{"sub", "name", "groups"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	})
}

// keys are those that verify the ID tokens.
func (p *Provider) keys(w http.ResponseWriter, r *http.Request) {
	p.json(w, r, http.StatusOK, p.public)
}

// token gives an ID token for a code (OpenID Connect Core 1.0 §3.1.3).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.refuse(w, r, "invalid_request")
		return
	}
	id, password, _ := r.BasicAuth()
	if !same(id, ClientID) || !same(password, ClientSecret) {
		w.Header().Set("WWW-Authenticate", `Basic realm="sandbox"`)
		p.json(w, r, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	form := r.PostForm
	if form.Get("grant_type") != "authorization_code" {
		p.refuse(w, r, "unsupported_grant_type")
		return
	}
	g, known := p.spend(form.Get("code"))
	issuer, _ := p.Here(r)
	if !known || g.issuer != issuer || g.redirect != form.Get("redirect_uri") || !same(challengeOf(form.Get("code_verifier")), g.challenge) {
		p.refuse(w, r, "invalid_grant")
		return
	}
	signed, err := p.sign(g)
	if err != nil {
		p.Log.ErrorContext(r.Context(), "sandbox provider", "error", err)
		p.json(w, r, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	// There is nothing to read with the access token; the standard wants one.
	p.json(w, r, http.StatusOK, map[string]any{
		"access_token": secret.Handle(), "token_type": "Bearer", "expires_in": int(tokenTime / time.Second), "id_token": signed,
	})
}

func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, code string) {
	p.json(w, r, http.StatusBadRequest, map[string]string{"error": code})
}

// sign makes the ID token of a grant.
func (p *Provider) sign(g grant) (string, error) {
	now := p.Now()
	builder := jwt.NewBuilder().Issuer(g.issuer).Subject(g.person.ID).Audience([]string{ClientID}).
		IssuedAt(now).Expiration(now.Add(tokenTime)).
		Claim("auth_time", g.authenticated.Unix()).Claim("name", g.person.Name).Claim("groups", []string{g.person.Group})
	if g.nonce != "" {
		builder = builder.Claim("nonce", g.nonce)
	}
	token, err := builder.Build()
	if err != nil {
		return "", fmt.Errorf("make an ID token: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), p.key))
	if err != nil {
		return "", fmt.Errorf("sign an ID token: %w", err)
	}
	return string(signed), nil
}

func (p *Provider) json(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		p.Log.WarnContext(r.Context(), "sandbox provider: answer", "error", err)
	}
}

// challengeOf is what a verifier has to give (RFC 7636 §4.6).
func challengeOf(verifier string) string {
	digest := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
