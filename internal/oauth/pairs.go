package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
)

// pairs keeps tokens for the library. What it looks up is the caller's own, or not
// there at all.
type pairs struct{ x *exchange }

var _ goidc.GrantSessionManager = pairs{}

// exchanges is how often a refresh is tried anew that another one has overtaken.
const exchanges = 3

// opaque is the length of access tokens: 297 bits. The library tells refresh tokens
// by theirs.
const opaque = goidc.DefaultOpaqueTokenLength

// tokens is how the library makes access tokens.
func (x *exchange) tokens(goidc.GrantInfo, *goidc.Client) goidc.TokenOptions {
	return goidc.NewOpaqueTokenOptions(opaque, int(x.accessLifetime(x.grant, x.now)/time.Second))
}

// judge tells whether tokens may be made, and for what: those of a live grant, with
// scopes for which the caller is licensed now.
func (x *exchange) judge(ctx context.Context, g *goidc.GrantInfo) error {
	active := plain(g.ActiveScopes)
	if len(active) == 0 || !x.licensed(active, x.roles) {
		return goidc.NewError(goidc.ErrorCodeInvalidScope, "the client is not licensed for the scope")
	}
	x.active = strings.Join(active, " ")
	g.ActiveScopes = x.active
	if x.grant == nil {
		id, err := uuid.Parse(stored(g.Store, keyGrant))
		if err != nil {
			return x.failed(fmt.Errorf("grant of a request: %w", err))
		}
		x.grant, err = x.Consents.Status(ctx, callOf(x.client, x.caller, active[0]), id)
		if err != nil {
			return x.failed(err)
		}
	}
	return x.alive(x.grant)
}

// alive tells whether tokens may rest on a grant.
func (s *Server) alive(grant *consent.Consent) error {
	now := s.Now()
	grant.Settle(now)
	if grant.Status != consent.Valid || s.accessLifetime(grant, now) < time.Second {
		return goidc.NewError(goidc.ErrorCodeInvalidGrant, "the grant is not valid")
	}
	return nil
}

// issuing is the judge of Store.Issue: the grant is alive, and what was forwarded by
// a former one rests on it from now on. While the bank has suspended a connection of
// the same PSU, no other one gets around that.
func (s *Server) issuing(cause consent.Cause) connections.Judge {
	return func(grant *consent.Consent, kin []*consent.Consent) error {
		if err := s.alive(grant); err != nil {
			return err
		}
		now := s.Now()
		for _, k := range kin {
			if k.Kind == consent.Connection && k.Status == consent.Suspended && now.Before(k.EndsAt) {
				return goidc.WrapError(goidc.ErrorCodeInvalidGrant, "the bank has suspended the access",
					consent.E(consent.CodeBlocked, "the bank has suspended connection %s", k.ID))
			}
		}
		for _, k := range kin {
			if k.Kind == consent.AccountAccess {
				s.Policy.Renew(k, consent.Renewal{Connection: grant.ID, SCA: grant.LastSCA, Until: grant.EndsAt}, cause, now)
			}
		}
		return nil
	}
}

// Save implements goidc.GrantSessionManager: new tokens for a code, or in the place
// of those of the refresh token that was brought.
func (p pairs) Save(ctx context.Context, gs *goidc.GrantSession) error {
	if p.x.pair != nil {
		return p.exchange(ctx, gs)
	}
	x := p.x
	psu, err := uuid.Parse(gs.Subject)
	if err != nil {
		return x.failed(fmt.Errorf("subject of a grant: %w", err))
	}
	pair := connections.Pair{
		ID: gs.ID, Consent: x.grant.ID, TPP: x.client.ID, PSU: psu, Scopes: gs.GrantedScopes, Active: gs.ActiveScopes,
		Access: secret.Digest(gs.TokenID), Refresh: secret.Digest(gs.RefreshToken), Code: secret.Digest(gs.AuthCode),
		AccessUntil: x.now.Add(x.accessLifetime(x.grant, x.now)), IssuedAt: x.now, Certificate: gs.ClientCertThumbprint,
	}
	if pair.Sealed, err = p.seal(gs); err != nil {
		return x.failed(err)
	}
	err = x.Store.Issue(ctx, pair, x.issuing(callOf(x.client, x.caller, pair.Scopes).Cause()))
	switch consent.CodeOf(err) {
	case consent.CodeUsed, consent.CodeNotFound:
		return goidc.WrapError(goidc.ErrorCodeInvalidGrant, "the code has been used, or what it stands for is gone", err)
	}
	if err != nil {
		return x.kept(err)
	}
	x.taken = ""
	explain.Note(ctx, "oauth2: tokens for scope %s on the grant %s", pair.Active, pair.Consent)
	return nil
}

// kept tells what a judge of ours has said from what went wrong.
func (x *exchange) kept(err error) error {
	if refusalOf(err).status < http.StatusInternalServerError {
		return err
	}
	return x.failed(err)
}

// exchange replaces the access token. One that was overtaken by another refresh
// with the same token looks again: both are the TPP's, and the later one counts.
func (p pairs) exchange(ctx context.Context, gs *goidc.GrantSession) error {
	x := p.x
	sealed, err := p.seal(gs)
	if err != nil {
		return x.failed(err)
	}
	for range exchanges {
		pair := *x.pair
		pair.Active, pair.Access, pair.Certificate, pair.Sealed = gs.ActiveScopes, secret.Digest(gs.TokenID), gs.ClientCertThumbprint, sealed
		pair.IssuedAt, pair.AccessUntil = x.now, x.now.Add(x.accessLifetime(x.grant, x.now))
		if err = x.Store.Exchange(ctx, pair); consent.CodeOf(err) != consent.CodeStale {
			break
		}
		if err = x.bring(ctx, x.refresh); err != nil {
			return err
		}
		err = consent.E(consent.CodeUnavailable, "other refreshes were faster")
	}
	if err == nil {
		explain.Note(ctx, "oauth2: a new access token for scope %s on the grant %s", gs.ActiveScopes, x.pair.Consent)
	}
	return x.failed(err)
}

// bring finds the tokens of a refresh token before the library does, which would
// answer some of what is wrong in other words than RFC 6749 §5.2 has. A token that
// is bound to a certificate takes one: any of the same TPP.
func (x *exchange) bring(ctx context.Context, refresh string) error {
	invalid := goidc.NewError(goidc.ErrorCodeInvalidGrant, "the refresh token is not known, or what it stands for has ended")
	pair, grant, err := x.Store.PairByRefresh(ctx, secret.Digest(refresh))
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		explain.Refuse(ctx, "oauth2: the refresh token is not known, or was given back")
		return invalid
	case err != nil:
		return x.failed(err)
	case pair.TPP != x.client.ID:
		explain.Refuse(ctx, "oauth2: the refresh token is another TPP's")
		return invalid
	case pair.Certificate != "" && x.caller.Certificate == nil:
		explain.Refuse(ctx, "oauth2: the refresh token is bound to a certificate, and none was shown")
		return invalid
	}
	if err := x.alive(grant); err != nil {
		explain.Refuse(ctx, "oauth2: the grant %s is %s", grant.ID, grant.Status)
		return invalid
	}
	x.pair, x.grant, x.refresh = pair, grant, refresh
	return nil
}

// SessionByRefreshToken implements goidc.GrantSessionManager. To refresh, the
// tokens are bound to the certificate that is shown now.
func (p pairs) SessionByRefreshToken(ctx context.Context, refresh string) (*goidc.GrantSession, error) {
	x := p.x
	if x.pair != nil && x.refresh == refresh {
		gs := p.session(time.Time{})
		gs.RefreshToken, gs.ClientCertThumbprint = refresh, thumbprintOf(x.caller.Fingerprint())
		return gs, nil
	}
	pair, grant, err := x.Store.PairByRefresh(ctx, secret.Digest(refresh))
	return p.seen(ctx, found{pair, grant, err}, func() time.Time { return grant.EndsAt })
}

// SessionByTokenID implements goidc.GrantSessionManager.
func (p pairs) SessionByTokenID(ctx context.Context, access string) (*goidc.GrantSession, error) {
	pair, grant, err := p.x.Store.PairByAccess(ctx, secret.Digest(access))
	return p.seen(ctx, found{pair, grant, err}, func() time.Time { return pair.AccessUntil })
}

// found is what there is of a token.
type found struct {
	pair  *connections.Pair
	grant *consent.Consent
	err   error
}

// seen is what the caller may know of a token: of another TPP's nothing, and to ask
// after it, nothing of one that opens nothing. Such a one can be revoked still, since
// what it rests on may stand.
func (p pairs) seen(ctx context.Context, f found, until func() time.Time) (*goidc.GrantSession, error) {
	x, pair, grant, err := p.x, f.pair, f.grant, f.err
	if err != nil {
		return nil, x.failed(err)
	}
	if pair.TPP != x.client.ID {
		explain.Note(ctx, "oauth2: the token is another TPP's, answered as if unknown")
		return nil, errNoToken()
	}
	x.pair, x.grant = pair, grant
	if !x.revoking && (x.alive(grant) != nil || !x.now.Before(until())) {
		return nil, errNoToken()
	}
	return p.session(until()), nil
}

func errNoToken() error { return consent.E(consent.CodeNotFound, "no such token") }

// session is what the library is told of the tokens. What it would say of them that
// is not ours, its claims put right.
func (p pairs) session(until time.Time) *goidc.GrantSession {
	x := p.x
	gs := &goidc.GrantSession{ID: x.pair.ID, LastTokenExpiresAtTimestamp: never, ExpiresAtTimestamp: never}
	gs.ClientID, gs.GrantedScopes, gs.ActiveScopes, gs.ClientCertThumbprint = x.pair.TPP, x.pair.Scopes, x.pair.Active, x.pair.Certificate
	gs.AdditionalTokenClaims = map[string]any{
		goidc.ClaimExpiry:   until.Unix(),
		goidc.ClaimIssuedAt: x.pair.IssuedAt.Unix(),
		goidc.ClaimIssuer:   x.Options.Issuer(x.r),
		goidc.ClaimClientID: x.organisation(),
		goidc.ClaimSubject:  x.subject(),
		"token_type":        string(goidc.TokenTypeBearer),
	}
	return gs
}

// subject names the PSU to a TPP, to each by another name.
func (x *exchange) subject() string {
	return base64.RawURLEncoding.EncodeToString(x.Keys.MAC("oauth subject", []byte(x.pair.TPP), x.pair.PSU[:]))
}

// seal is what the library knows of the tokens besides themselves.
func (p pairs) seal(gs *goidc.GrantSession) ([]byte, error) {
	bare := *gs
	bare.TokenID, bare.RefreshToken, bare.AuthCode, bare.AdditionalTokenClaims = "", "", "", nil
	raw, err := json.Marshal(&bare) //nolint:gosec // G117: no token is in it any more
	if err != nil {
		return nil, fmt.Errorf("encode a grant: %w", err)
	}
	return p.x.Keys.Seal(sealedPair(gs.ID), raw), nil
}

// Delete implements goidc.GrantSessionManager: the TPP gives its tokens back.
func (p pairs) Delete(ctx context.Context, id string) error {
	x := p.x
	explain.Note(ctx, "oauth2: tokens of the grant %s are given back", x.pair.Consent)
	cause := callOf(x.client, x.caller, x.pair.Scopes).Cause()
	return x.failed(x.Store.EndPair(ctx, id, x.ending(x.grant, cause, (*consent.Consent).Terminate)))
}

// ending ends the connection of a pair; nil for a grant that stays.
func (s *Server) ending(grant *consent.Consent, cause consent.Cause, end func(*consent.Consent, time.Time) error) func(*consent.Consent) error {
	if grant.Kind != consent.Connection {
		return nil
	}
	return func(c *consent.Consent) error {
		now := s.Now()
		c.Because(cause)
		c.Settle(now)
		return end(c, now)
	}
}

// DeleteByAuthCode implements goidc.GrantSessionManager: a code that was used has
// come again to its client, so somebody else may have it. What was issued for it ends
// (RFC 6749 §4.1.2). Another TPP that brings it ends nothing.
func (p pairs) DeleteByAuthCode(ctx context.Context, code string) error {
	x := p.x
	pair, grant, err := x.Store.PairByCode(ctx, secret.Digest(code))
	if consent.CodeOf(err) == consent.CodeNotFound {
		return nil
	}
	if err != nil {
		return x.failed(err)
	}
	if pair.TPP != x.client.ID {
		explain.Refuse(ctx, "oauth2: the code was another TPP's, and has been used")
		return nil
	}
	explain.Refuse(ctx, "oauth2: the code has been used before; what was issued for it ends, grant %s", pair.Consent)
	end := func(c *consent.Consent, now time.Time) error { return c.Revoke(consent.ReasonBank, now) }
	return x.failed(x.Store.EndPair(ctx, pair.ID, x.ending(grant, consent.Cause{By: consent.BySystem}, end)))
}
