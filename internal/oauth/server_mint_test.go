package oauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// Tokens that were minted are as good as those of a browser.
func TestMint(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		access, refresh, expires, err := b.server.Mint(t.Context(), b.callerOf(b.acme), "lea", []string{"aisp", "pisp"})
		require.NoError(t, err)
		require.Equal(t, 600, expires)
		p, err := b.use(b.acme, access)
		require.NoError(t, err)
		require.Equal(t, []any{"lea", "lea", []string{"aisp", "pisp"}, begin, begin.AddDate(0, 0, 180)}, []any{p.PSUID, p.CustomerID, p.Scopes, p.SCA, p.Until})
		_, err = b.use(b.certify(acmeOrg, eidas.RoleAI), access)
		require.NoError(t, err, "bound to no certificate")
		again := b.call(b.acme, oauth.PathToken, byRefresh(refresh))
		require.Equal(t, []any{http.StatusOK, "aisp pisp"}, []any{again.status, again.Scope}, again.Text)
		p, err = b.use(b.acme, again.Access)
		require.NoError(t, err)
		require.Equal(t, thumbprintOf(b.acme), p.Certificate, "a refresh binds to the certificate that is shown")

		for range 2 {
			require.NoError(t, b.server.End(t.Context(), again.Access))
		}
		require.Equal(t, consent.Revoked, b.get(p.Grant).Status)
		_, err = b.use(b.acme, again.Access)
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
		_, refresh, _, err = b.server.Mint(t.Context(), b.callerOf(b.acme), "lea", []string{"extended_transaction_history"})
		require.NoError(t, err)
		require.NoError(t, b.server.End(t.Context(), refresh))
		require.Equal(t, "invalid_grant", b.call(b.acme, oauth.PathToken, byRefresh(refresh)).Error)
		require.NoError(t, b.server.End(t.Context(), "unknown"))
	})
}

func TestMintRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	for name, c := range map[string]struct {
		psu    string
		scopes []string
		want   consent.Code
	}{
		"no scope":                         {"lea", nil, consent.CodeFormat},
		"an unknown scope":                 {"lea", []string{"openid"}, consent.CodeScope},
		"a scope without the role":         {"lea", []string{"aisp", "cbpii"}, consent.CodeScope},
		"the scope of a consent":           {"lea", []string{"AIS:" + uuid.NewString()}, consent.CodeScope},
		"an unknown PSU":                   {"nobody", []string{"aisp"}, consent.CodeNotFound},
		"a PSU who signs only with others": {"ceo", []string{"aisp"}, consent.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := b.server.Mint(t.Context(), b.callerOf(b.acme), c.psu, c.scopes)
			require.Equal(t, c.want, consent.CodeOf(err))
		})
	}
}

// A token opens something for the TPP that it was issued to, by the certificate that
// it is bound to.
func TestBearer(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	got := b.tokens("lea")
	acme := b.callerOf(b.acme)
	unbound, _, _, err := b.server.Mint(t.Context(), acme, "lea", []string{"aisp"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		header []string
		caller tpp.TPP
		want   consent.Code
	}{
		"none":                   {nil, acme, consent.CodeTokenMissing},
		"two":                    {[]string{"Bearer " + got.Access, "Bearer " + got.Access}, acme, consent.CodeTokenMissing},
		"by another scheme":      {[]string{"Basic " + got.Access}, acme, consent.CodeTokenMissing},
		"unknown":                {[]string{"Bearer x"}, acme, consent.CodeTokenInvalid},
		"a refresh token":        {[]string{"Bearer " + got.Refresh}, acme, consent.CodeTokenInvalid},
		"another TPP's":          {[]string{"Bearer " + got.Access}, b.callerOf(b.beta), consent.CodeTokenInvalid},
		"another TPP's, unbound": {[]string{"Bearer " + unbound}, b.callerOf(b.beta), consent.CodeTokenInvalid},
		"another certificate":    {[]string{"Bearer " + got.Access}, b.callerOf(b.certify(acmeOrg, eidas.RoleAI)), consent.CodeTokenInvalid},
		"without certificate":    {[]string{"Bearer " + got.Access}, tpp.TPP{ID: acme.ID}, consent.CodeTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Authorization"] = c.header
			p, err := b.own.Bearer(r, c.caller)
			require.Equal(t, c.want, consent.CodeOf(err))
			require.Equal(t, connections.Principal{}, p)
		})
	}
}

// What was forwarded rests on the newest connection: a PSU who logs in again before
// the former one lapses goes on (D11).
func TestForwardedGoesOn(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		first := b.tokens("lea")
		by, err := b.use(b.acme, first.Access)
		require.NoError(t, err)
		forwarded := b.forward(by)
		b.advance(100 * 24 * time.Hour)
		other := b.tokens("enzo")
		require.Equal(t, by.Grant, b.get(forwarded).Connection, "another PSU's is none of its business")
		second := b.tokens("lea")
		by, err = b.use(b.acme, second.Access)
		require.NoError(t, err)
		c := b.get(forwarded)
		require.Equal(t, []any{by.Grant, b.now().AddDate(0, 0, 180), b.now()}, []any{c.Connection, c.EndsAt, c.LastSCA})
		b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", first.Refresh))
		require.Equal(t, consent.Valid, b.get(forwarded).Status)
		b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", other.Refresh))
		require.Equal(t, consent.Valid, b.get(forwarded).Status)
		b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", second.Access))
		require.Equal(t, consent.Revoked, b.get(forwarded).Status, "it ends with the connection on which it rests")
	})
}

// forward forwards a consent by a connection.
func (b *bench) forward(by connections.Principal) uuid.UUID {
	b.t.Helper()
	id, err := uuid.NewV7()
	require.NoError(b.t, err)
	f := consents.Forwarding{TPP: by.TPP, Customer: by.Customer, PSU: by.PSU, Connection: by.Grant, Now: b.now()}
	err = b.db.Forward(b.t.Context(), f, func(consents.Stands) (*consent.Consent, error) {
		return b.server.Policy.Forward(id, consent.Forwarded{
			TPP: by.TPP, TPPName: "Acme Money", PSU: by.PSU, Customer: by.Customer, Connection: by.Grant, SCA: by.SCA, Until: by.Until,
			Access: consent.Access{Rights: consent.RightIdentity},
		}, consent.Cause{By: consent.ByTPP, Who: by.TPP}, b.now()), nil
	})
	require.NoError(b.t, err)
	return id
}

// watching is a store that remembers what it was given to keep.
type watching struct {
	connections.Store

	kept []any
}

func (s *watching) SaveRequest(ctx context.Context, r connections.Request) error {
	s.kept = append(s.kept, r)
	return s.Store.SaveRequest(ctx, r)
}

func (s *watching) Issue(ctx context.Context, p connections.Pair, judge connections.Judge) error {
	s.kept = append(s.kept, p)
	return s.Store.Issue(ctx, p, judge)
}

func (s *watching) Exchange(ctx context.Context, p connections.Pair) error {
	s.kept = append(s.kept, p)
	return s.Store.Exchange(ctx, p)
}

// Nothing that opens anything is kept, nor told to whoever reads the notes.
func TestSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	store := &watching{Store: b.db}
	b.server.Store = store
	back := b.agree(b.handle(request()), "lea")
	notes := b.notes
	code := b.sent(b.comeBack(back, lea)).Get("code")
	notes = append(notes, b.notes...)
	got := b.call(b.acme, oauth.PathToken, byCode(code))
	notes = append(notes, b.notes...)
	again := b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh))
	notes = append(notes, b.notes...)
	require.Len(t, store.kept, 4)
	kept := fmt.Sprintf("%+q", store.kept)
	callback := back[strings.LastIndexByte(back, '/')+1:]
	for _, word := range []string{code, got.Access, got.Refresh, again.Access, callback, proof, "acme.example"} {
		require.NotContains(t, kept, word)
		require.NotContains(t, strings.Join(notes, "\n"), word)
	}
	request, ok := store.kept[1].(connections.Request)
	require.True(t, ok)
	require.Equal(t, []consent.Digest{secret.Digest(code), {}}, []consent.Digest{request.Code, request.Callback})
	plain, err := b.keys.Open("oauth request "+request.ID, request.Sealed)
	require.NoError(t, err)
	require.NotContains(t, string(plain), code)
	pair, ok := store.kept[2].(connections.Pair)
	require.True(t, ok)
	plain, err = b.keys.Open("oauth pair "+pair.ID, pair.Sealed)
	require.NoError(t, err)
	for _, token := range []string{code, got.Access, got.Refresh} {
		require.NotContains(t, string(plain), token)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	b.server.Options.Scopes = []string{"aisp", "cbpii", "AIS:"}
	rec := b.do(httptest.NewRequest(http.MethodGet, oauth.PathMetadata, nil))
	require.Equal(t, http.StatusOK, rec.Code)
	want := map[string]any{
		"issuer":                 issuer,
		"authorization_endpoint": issuer + "/oauth2/authorize",
		"token_endpoint":         tppBase + "/oauth2/token",
		"revocation_endpoint":    tppBase + "/oauth2/revoke",
		"introspection_endpoint": tppBase + "/oauth2/introspect",
		"mtls_endpoint_aliases": map[string]any{
			"token_endpoint": tppBase + "/oauth2/token", "revocation_endpoint": tppBase + "/oauth2/revoke",
			"introspection_endpoint": tppBase + "/oauth2/introspect",
		},
		"scopes_supported":                               []any{"aisp", "cbpii"},
		"response_types_supported":                       []any{"code"},
		"response_modes_supported":                       []any{"query"},
		"grant_types_supported":                          []any{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":               []any{"S256"},
		"token_endpoint_auth_methods_supported":          []any{"tls_client_auth"},
		"revocation_endpoint_auth_methods_supported":     []any{"tls_client_auth"},
		"introspection_endpoint_auth_methods_supported":  []any{"tls_client_auth"},
		"tls_client_certificate_bound_access_tokens":     true,
		"authorization_response_iss_parameter_supported": true,
	}
	got := map[string]any{}
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &got))
	require.Equal(t, want, got)
	q := b.sent(b.authorize(request("scope", "pisp")))
	require.Equal(t, "invalid_scope", q.Get("error"), "it is not offered")
}
