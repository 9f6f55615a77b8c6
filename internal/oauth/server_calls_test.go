package oauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
	"consentd/pkg/eidas/issue"
)

// Who calls is told before anything else is looked at.
func TestCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	refresh := b.tokens("lea").Refresh
	basic := func(r *http.Request) { r.SetBasicAuth(betaOrg, "x") }
	for name, c := range map[string]struct {
		who    *issue.Issued
		form   url.Values
		change func(*http.Request)
		status int
		want   string
	}{
		"our id":                    {b.acme, form("FR-ACPR:"+acmeOrg, "grant_type", "refresh_token", "refresh_token", refresh), nil, http.StatusOK, ""},
		"other ways are not heeded": {b.acme, byRefresh(refresh), basic, http.StatusOK, ""},
		"no client_id":              {b.acme, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, nil, http.StatusUnauthorized, "invalid_client"},
		"another's client_id":       {b.beta, byRefresh(refresh), nil, http.StatusUnauthorized, "invalid_client"},
		"no certificate":            {nil, byRefresh(refresh), nil, http.StatusUnauthorized, "invalid_client"},
		"a parameter twice":         {b.acme, url.Values{"client_id": {acmeOrg}, "refresh_token": {refresh, refresh}}, nil, http.StatusBadRequest, "invalid_request"},
		"no form":                   {b.acme, byRefresh(refresh), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, http.StatusBadRequest, "invalid_request"},
		"a form too large":          {b.acme, form(acmeOrg, "x", strings.Repeat("x", 70_000)), nil, http.StatusRequestEntityTooLarge, "invalid_request"},
		"another method":            {b.acme, nil, func(r *http.Request) { r.Method = http.MethodGet }, http.StatusMethodNotAllowed, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, oauth.PathToken, strings.NewReader(c.form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if c.who != nil {
				r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c.who.Certificate}}
			}
			if c.change != nil {
				c.change(r)
			}
			rec := b.do(r)
			require.Equal(t, c.status, rec.Code, rec.Body.String())
			if c.want != "" {
				require.Contains(t, rec.Body.String(), `"error":"`+c.want+`"`)
				require.Contains(t, strings.Join(b.notes, "\n"), c.want)
			}
		})
	}
}

// Over plain http, in a sandbox, a TPP is a public client, and its tokens are bound
// to nothing.
func TestWithoutCertificate(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	b.unverified()
	got := b.call(nil, oauth.PathToken, byCode(b.codeFor("lea")))
	require.Equal(t, http.StatusOK, got.status, got.Text)
	p, err := b.use(nil, got.Access)
	require.NoError(t, err)
	require.Empty(t, p.Certificate)
	got = b.call(nil, oauth.PathToken, byRefresh(got.Refresh))
	require.Equal(t, http.StatusOK, got.status, got.Text)
	require.True(t, b.call(nil, oauth.PathIntrospect, form(acmeOrg, "token", got.Access)).Active)
	require.Equal(t, http.StatusOK, b.call(nil, oauth.PathRevoke, form(acmeOrg, "token", got.Access)).status)
	_, err = b.use(nil, got.Access)
	require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
}

// broken is a store that fails when it is told to.
type broken struct {
	connections.Store

	err error
}

var errBroken = errors.New("connection refused: password=hunter2")

func (s *broken) TakeRequest(ctx context.Context, id string) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.TakeRequest(ctx, id)
}

func (s *broken) SaveRequest(ctx context.Context, r connections.Request) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.SaveRequest(ctx, r)
}

func (s *broken) Issue(ctx context.Context, p connections.Pair, judge connections.Judge) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.Issue(ctx, p, judge)
}

func (s *broken) EndPair(ctx context.Context, id string, end func(*consent.Consent) error) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.EndPair(ctx, id, end)
}

func (s *broken) PairByAccess(ctx context.Context, access consent.Digest) (*connections.Pair, *consent.Consent, error) {
	if s.err != nil && access == secret.Digest("anything") {
		return nil, nil, s.err
	}
	return s.Store.PairByAccess(ctx, access)
}

func (s *broken) Exchange(ctx context.Context, p connections.Pair) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.Exchange(ctx, p)
}

// What goes wrong on our side is told as such, without its cause: above all, nobody
// is told that a token has been given back while it lives.
func TestFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	store := &broken{Store: b.db}
	b.server.Store = store
	code, got := b.codeFor("lea"), b.tokens("lea")
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{errBroken, http.StatusInternalServerError, "server_error"},
		{consent.E(consent.CodeUnavailable, "no database").Because(errBroken), http.StatusServiceUnavailable, "temporarily_unavailable"},
	} {
		store.err = c.err
		for path, f := range map[string]url.Values{
			oauth.PathRevoke: form(acmeOrg, "token", got.Access), oauth.PathIntrospect: form(acmeOrg, "token", "anything"),
			oauth.PathToken + "?": byRefresh(got.Refresh), oauth.PathToken: byCode(code),
		} {
			answer := b.call(b.acme, path, f)
			require.Equal(t, []any{c.status, c.want}, []any{answer.status, answer.Error}, path)
			require.NotContains(t, answer.Text, "hunter2")
		}
		b.problems = nil
		require.Equal(t, kept, b.authorize(request()).Code)
		require.Equal(t, []string{string(consent.CodeOf(c.err))}, b.problems)
	}
	store.err = nil
	require.Equal(t, http.StatusOK, b.call(b.acme, oauth.PathToken, byCode(code)).status, "a code is good until tokens were issued for it")
	_, err := b.use(b.acme, got.Access)
	require.NoError(t, err)
}

// A code that another call has taken meanwhile gives nothing.
func TestCodeTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	code := b.codeFor("lea")
	b.server.Store = &broken{Store: b.db, err: consent.E(consent.CodeNotFound, "taken")}
	got := b.call(b.acme, oauth.PathToken, byCode(code))
	require.Equal(t, []any{http.StatusBadRequest, "invalid_grant", ""}, []any{got.status, got.Error, got.Access})
}
