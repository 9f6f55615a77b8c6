package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"consentd/internal/openid"
)

const (
	// skew is how far the provider's clock may be from ours.
	skew = time.Minute
	// maxPSU is the longest id of a PSU, in bytes.
	maxPSU = 255
)

// errSpent means that the provider does not know the code, or no longer.
var errSpent = errors.New("the code is spent")

// trip is one return from the provider.
type trip struct {
	state
	code string
	key  string // the StepKey of the return
}

// identify finds out who was authenticated: from the notes where this very call
// was made before, else from the provider. Fails with errSpent besides.
func (f *Flow) identify(ctx context.Context, p *openid.Provider, t trip) (string, error) {
	psu, err := f.recall(ctx, t)
	if err != nil || psu != "" {
		return psu, err
	}
	raw, err := f.exchange(ctx, p, t)
	if errors.Is(err, errSpent) {
		return f.overhear(ctx, t)
	}
	if err != nil {
		return "", err
	}
	if psu, err = f.verify(ctx, p, t, raw); err != nil {
		return "", err
	}
	return psu, f.note(ctx, t, psu)
}

// exchange gives the code for an ID token.
func (f *Flow) exchange(ctx context.Context, p *openid.Provider, t trip) (string, error) {
	tokens, err := f.oauth(p, t.Return).
		Exchange(oidc.ClientContext(ctx, f.client), t.code, oauth2.VerifierOption(f.verifier(t.state)))
	if err != nil {
		return "", exchangeError(ctx, err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok || raw == "" {
		return "", fmt.Errorf("%w: there is none", ErrToken)
	}
	return raw, nil
}

// refusals are the errors of a token endpoint (RFC 6749 §5.2); no other text of
// the provider's is passed on, since it might repeat the code.
var refusals = []string{"invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// exchangeError says what went wrong without what was sent or answered.
func exchangeError(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("exchange the code: %w", ended)
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok:
		return fmt.Errorf("exchange the code: %w", ErrProvider)
	case refused.ErrorCode == "invalid_grant":
		return errSpent
	case slices.Contains(refusals, refused.ErrorCode):
		return fmt.Errorf("exchange the code: %w: %s", ErrRequest, refused.ErrorCode)
	default:
		return fmt.Errorf("exchange the code: %w: status %d", ErrProvider, refused.Response.StatusCode)
	}
}

// verify judges an ID token (OpenID Connect Core 1.0 §3.1.3.7) and returns the PSU.
func (f *Flow) verify(ctx context.Context, p *openid.Provider, t trip, raw string) (string, error) {
	token, err := p.OIDC.Verifier(&oidc.Config{ClientID: f.cfg.ClientID, Now: f.cfg.Now}).Verify(ctx, raw)
	if ended := ctx.Err(); ended != nil {
		return "", fmt.Errorf("verify the ID token: %w", ended)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s", ErrToken, openid.Reason(err))
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return "", fmt.Errorf("%w: a claim has the wrong type", ErrToken)
	}
	if fault := f.fault(token, c, t); fault != "" {
		return "", fmt.Errorf("%w: %s", ErrToken, fault)
	}
	return f.psuOf(token)
}

// claims are those that the library does not read.
type claims struct {
	Party    string   `json:"azp"`
	ACR      string   `json:"acr"`
	AuthTime *float64 `json:"auth_time"` // seconds since 1970; a JSON number may have a fraction
}

// fault says what a signed token lacks; nothing where all is well.
func (f *Flow) fault(token *oidc.IDToken, c claims, t trip) string {
	now := f.cfg.Now()
	switch {
	case token.Issuer != f.cfg.Issuer: // the library lets one provider leave out its scheme
		return "another issuer"
	case !equal(token.Nonce, f.nonce(t.state)):
		return "another nonce"
	case len(token.Audience) > 1 && c.Party == "":
		return "several audiences, and no authorised party"
	case c.Party != "" && c.Party != f.cfg.ClientID:
		return "made for another party"
	case token.IssuedAt.After(now.Add(skew)):
		return "issued in the future"
	case len(f.cfg.ACRValues) > 0 && !slices.Contains(f.cfg.ACRValues, c.ACR):
		return "the acr is none of those that were asked for"
	case c.AuthTime == nil:
		return "no auth_time"
	}
	return f.ageFault(now.Sub(time.Unix(int64(*c.AuthTime), 0)))
}

// ageFault judges how long ago the PSU logged in.
func (f *Flow) ageFault(age time.Duration) string {
	switch {
	case age > f.cfg.MaxAge+skew:
		return "the log-in is older than maxAge"
	case age < -skew:
		return "the log-in lies in the future"
	default:
		return ""
	}
}

// psuOf reads the claim that holds the PSU's id.
func (f *Flow) psuOf(token *oidc.IDToken) (string, error) {
	var all map[string]json.RawMessage
	if err := token.Claims(&all); err != nil {
		return "", fmt.Errorf("%w: not an object", ErrToken)
	}
	var psu string
	err := json.Unmarshal(all[f.cfg.PSUClaim], &psu)
	if err != nil || strings.TrimSpace(psu) == "" || len(psu) > maxPSU {
		return "", fmt.Errorf("%w: the claim %s is no text of 1 to %d bytes", ErrToken, f.cfg.PSUClaim, maxPSU)
	}
	return psu, nil
}
