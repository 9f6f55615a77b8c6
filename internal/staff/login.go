package staff

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"consentd/internal/openid"
	"consentd/internal/secret"
)

const (
	// skew is how far the provider's clock may be from ours.
	skew = time.Minute
	// tripTime is how long somebody may take at the provider.
	tripTime = 10 * time.Minute
	// maxSubject and maxName bound what is believed of an ID token, in bytes.
	maxSubject = 255
	maxName    = 200
	maxGroups  = 1000
)

// trip is a log-in under way, as the browser's cookie remembers it.
type trip struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Back     string    `json:"back"` // the page that was asked for
	Began    time.Time `json:"began"`
}

// Begin gives the address at the provider, and the browser a cookie by which it is
// known again. back is the page to show after the log-in: a path of ours. Fails with
// ErrProvider.
func (s *Staff) Begin(w http.ResponseWriter, r *http.Request, back string) (address string, err error) {
	at := s.place(r)
	p, err := s.provider.Get(r.Context(), at.issuer)
	if err != nil {
		return "", err
	}
	t := trip{State: secret.Handle(), Nonce: secret.Handle(), Verifier: oauth2.GenerateVerifier(), Back: back, Began: s.cfg.Now()}
	if err := s.keep(w, r, tripCookie, t, tripTime); err != nil {
		return "", err
	}
	return s.oauth(p, at).AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier)), nil
}

// oauth is the OAuth2 client for one trip.
func (s *Staff) oauth(p *openid.Provider, at place) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.cfg.ClientID, ClientSecret: s.cfg.ClientSecret, Endpoint: p.Endpoint, RedirectURL: at.redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, s.cfg.Scopes...),
	}
}

// Finish judges what the browser brought back, and logs the person in: the browser gets
// the cookie of the session. The trip ends with it, however it ends. back is what Begin
// was given. Fails with ErrReturn, ErrDenied, ErrRequest, ErrProvider, ErrToken and
// ErrNoRole.
func (s *Staff) Finish(w http.ResponseWriter, r *http.Request) (back string, err error) {
	var t trip
	begun := s.read(r, tripCookie, &t)
	s.drop(w, r, tripCookie)
	at, fields := s.place(r), r.URL.Query()
	switch {
	case begun != nil:
		return "", fmt.Errorf("%w: no log-in has begun in this browser", ErrReturn)
	case !s.cfg.Now().Before(t.Began.Add(tripTime)):
		return "", fmt.Errorf("%w: it took too long", ErrReturn)
	case !equal(fields.Get("state"), t.State):
		return "", fmt.Errorf("%w: another state", ErrReturn)
	}
	p, err := s.provider.Get(r.Context(), at.issuer)
	if err != nil {
		return "", err
	}
	// Without this, an answer of another provider could be taken for this one's (RFC 9207 §2.4).
	if iss := fields.Get("iss"); iss != at.issuer && (fields.Has("iss") || p.NamesIssuer) {
		return "", fmt.Errorf("%w: another issuer", ErrReturn)
	}
	if code := fields.Get("error"); code != "" {
		return "", refusal(code)
	}
	if fields.Get("code") == "" {
		return "", fmt.Errorf("%w: no code", ErrReturn)
	}
	who, err := s.identify(r.Context(), p, visit{trip: t, at: at, code: fields.Get("code")})
	if err != nil {
		return "", err
	}
	now := s.cfg.Now()
	return t.Back, s.renew(w, r, Session{Person: who, ID: secret.Handle(), Began: now, Seen: now})
}

// refusal is the error of an authorization endpoint.
func refusal(code string) error {
	switch {
	case openid.IsOurs(code):
		return fmt.Errorf("%w: %s", ErrRequest, code)
	case code == "temporarily_unavailable", code == "server_error":
		return fmt.Errorf("%w: it says so itself", ErrProvider)
	default:
		return ErrDenied
	}
}

// visit is a return from the provider.
type visit struct {
	trip

	at   place
	code string
}

// identify gives the code for an ID token, and reads who it is about.
func (s *Staff) identify(ctx context.Context, p *openid.Provider, v visit) (Person, error) {
	ctx = oidc.ClientContext(ctx, s.client)
	tokens, err := s.oauth(p, v.at).Exchange(ctx, v.code, oauth2.VerifierOption(v.Verifier))
	if err != nil {
		return Person{}, exchangeError(err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok || raw == "" {
		return Person{}, fmt.Errorf("%w: there is none", ErrToken)
	}
	token, err := p.OIDC.Verifier(&oidc.Config{ClientID: s.cfg.ClientID, Now: s.cfg.Now}).Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("%w: %s", ErrToken, openid.Reason(err))
	}
	return s.person(token, v)
}

// exchangeError says what went wrong without what was sent or answered.
func exchangeError(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok:
		return fmt.Errorf("exchange the code: %w", ErrProvider)
	case refused.ErrorCode == "invalid_grant":
		return fmt.Errorf("exchange the code: %w: it is spent", ErrReturn)
	case refused.Response.StatusCode < http.StatusInternalServerError:
		return fmt.Errorf("exchange the code: %w: status %d", ErrRequest, refused.Response.StatusCode)
	default:
		return fmt.Errorf("exchange the code: %w: status %d", ErrProvider, refused.Response.StatusCode)
	}
}

// person judges a signed ID token (OpenID Connect Core 1.0 §3.1.3.7), and reads it.
func (s *Staff) person(token *oidc.IDToken, v visit) (Person, error) {
	var all map[string]json.RawMessage
	if err := token.Claims(&all); err != nil {
		return Person{}, fmt.Errorf("%w: not an object", ErrToken)
	}
	party := text(all["azp"])
	switch {
	case token.Issuer != v.at.issuer: // the library lets one provider leave out its scheme
		return Person{}, fmt.Errorf("%w: another issuer", ErrToken)
	case !equal(token.Nonce, v.Nonce):
		return Person{}, fmt.Errorf("%w: another nonce", ErrToken)
	case len(token.Audience) > 1 && party == "", party != "" && party != s.cfg.ClientID:
		return Person{}, fmt.Errorf("%w: made for another party", ErrToken)
	case token.IssuedAt.After(s.cfg.Now().Add(skew)):
		return Person{}, fmt.Errorf("%w: issued in the future", ErrToken)
	case !nameable(token.Subject):
		return Person{}, fmt.Errorf("%w: the subject is no text of 1 to %d letters", ErrToken, maxSubject)
	}
	who := Person{Subject: token.Subject, Name: cut(text(all["name"])), Roles: s.roles(all[s.cfg.GroupsClaim])}
	if len(who.Roles) == 0 {
		return Person{}, ErrNoRole
	}
	return who, nil
}

// nameable tells whether a subject may stand in the audit: ASCII that can be seen
// (OpenID Connect Core 1.0 §2 wants ASCII, at most 255).
func nameable(subject string) bool {
	return subject != "" && len(subject) <= maxSubject &&
		!strings.ContainsFunc(subject, func(r rune) bool { return r <= ' ' || r > '~' })
}

// roles are what the groups of a person mean here. A single group may come as a text.
func (s *Staff) roles(raw json.RawMessage) []Role {
	var groups []string
	if json.Unmarshal(raw, &groups) != nil {
		if groups = nil; text(raw) != "" {
			groups = []string{text(raw)}
		}
	}
	groups = groups[:min(len(groups), maxGroups)]
	var roles []Role
	for _, role := range Roles() {
		if slices.ContainsFunc(s.cfg.Groups[role], func(g string) bool { return slices.Contains(groups, g) }) {
			roles = append(roles, role)
		}
	}
	return roles
}

// text is a claim that is text; empty for anything else.
func text(raw json.RawMessage) string {
	var t string
	if json.Unmarshal(raw, &t) != nil {
		return ""
	}
	return t
}

// cut is a name of a length that a page can show, and a cookie carry.
func cut(name string) string {
	return strings.ToValidUTF8(name[:min(len(name), maxName)], "")
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
