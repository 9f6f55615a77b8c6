package oauth_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/secret"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// Whoever does not bring all that belongs to a code gets nothing for it.
func TestCodeRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	with := func(pairs ...string) func(url.Values) {
		return func(f url.Values) {
			for i := 0; i < len(pairs); i += 2 {
				f.Set(pairs[i], pairs[i+1])
			}
		}
	}
	for name, c := range map[string]struct {
		who    *issue.Issued
		change func(url.Values)
		after  time.Duration
		want   string
		stands bool // the code is as good as before
	}{
		"an unknown code":      {b.acme, with("code", strings.Repeat("x", 30)), 0, "invalid_grant", true},
		"no code":              {b.acme, with("code", ""), 0, "invalid_request", true},
		"another verifier":     {b.acme, with("code_verifier", strings.Repeat("x", 43)), 0, "invalid_grant", false},
		"no verifier":          {b.acme, with("code_verifier", ""), 0, "invalid_grant", false},
		"another redirect URI": {b.acme, with("redirect_uri", "https://acme.example/cb"), 0, "invalid_grant", false},
		"no redirect URI":      {b.acme, with("redirect_uri", ""), 0, "invalid_grant", false},
		"more scopes":          {b.acme, with("scope", "aisp pisp"), 0, "invalid_scope", false},
		"another grant type":   {b.acme, with("grant_type", "client_credentials"), 0, "unsupported_grant_type", true},
		"no grant type":        {b.acme, with("grant_type", ""), 0, "invalid_request", true},
		"another TPP's code":   {b.beta, with("client_id", betaOrg), 0, "invalid_grant", true},
		"too late":             {b.acme, with(), 60 * time.Second, "invalid_grant", false},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			code := b.codeFor("lea")
			b.advance(c.after)
			f := byCode(code)
			c.change(f)
			got := b.call(c.who, oauth.PathToken, f)
			require.Equal(t, []any{http.StatusBadRequest, c.want, ""}, []any{got.status, got.Error, got.Access}, got.Text)
			require.NotContains(t, strings.Join(b.notes, "\n"), code)
			again := b.call(b.acme, oauth.PathToken, byCode(code))
			require.Equal(t, c.stands, again.status == http.StatusOK, "a wrong guess uses the code up: %s", again.Text)
			if guessed := c.want == "invalid_grant" && !c.stands && c.after == 0; guessed {
				require.Equal(t, consent.Revoked, b.newestConnection().Status, "nobody will have tokens for it")
			}
		})
	}
}

// A TPP that has lost a role since gets no tokens for it, and may ask for none.
func TestRoleLost(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	code, got := b.codeFor("lea"), b.tokens("lea")
	b.acme = b.certify(acmeOrg, eidas.RolePI)
	for _, f := range []url.Values{byCode(code), byRefresh(got.Refresh)} {
		answer := b.call(b.acme, oauth.PathToken, f)
		require.Equal(t, []any{http.StatusBadRequest, "invalid_scope"}, []any{answer.status, answer.Error})
	}
	require.Equal(t, "invalid_scope", b.sent(b.authorize(request())).Get("error"))
	require.NotEmpty(t, b.handle(request("scope", "pisp")))
}

// A code is good to the end of its minute, and once: when it comes again, what was
// issued for it ends (RFC 6749 §4.1.2).
func TestCodeTwice(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		code := b.codeFor("lea")
		b.advance(59 * time.Second)
		got := b.call(b.acme, oauth.PathToken, byCode(code))
		require.Equal(t, http.StatusOK, got.status, got.Text)
		c := b.grant(got.Access)
		again := b.call(b.acme, oauth.PathToken, byCode(code))
		require.Equal(t, []any{http.StatusBadRequest, "invalid_grant"}, []any{again.status, again.Error})
		_, err := b.use(b.acme, got.Access)
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
		require.Equal(t, "invalid_grant", b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh)).Error)
		require.Equal(t, consent.Revoked, b.get(c.ID).Status)
		require.Equal(t, consent.ByASPSP, b.get(c.ID).Ending.By)
	})
}

// Of several who bring one code at once, one gets tokens.
func TestCodeAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		f := byCode(b.codeFor("lea")).Encode()
		var won sync.Map
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				r := httptest.NewRequest(http.MethodPost, oauth.PathToken, strings.NewReader(f))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{b.acme.Certificate}}
				rec := httptest.NewRecorder()
				b.echo.ServeHTTP(rec, r)
				if rec.Code == http.StatusOK {
					won.Store(i, true)
				}
			})
		}
		all.Wait()
		n := 0
		won.Range(func(any, any) bool { n++; return true })
		require.Equal(t, 1, n)
	})
}

// A connection that ended before its code came gives no tokens.
func TestCodeOfWhatEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	handle := b.handle(request())
	run, err := b.db.Run(t.Context(), secret.Digest(handle))
	require.NoError(t, err)
	code := b.sent(b.comeBack(b.agree(handle, "lea"), lea)).Get("code")
	b.end(run.Consent)
	got := b.call(b.acme, oauth.PathToken, byCode(code))
	require.Equal(t, []any{http.StatusBadRequest, "invalid_grant"}, []any{got.status, got.Error})
}

func TestRefresh(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		got := b.tokens("lea", "scope", "aisp pisp")
		less := b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh, "scope", "aisp"))
		require.Equal(t, []any{http.StatusOK, "aisp"}, []any{less.status, less.Scope})
		p, err := b.use(b.acme, less.Access)
		require.NoError(t, err)
		require.Equal(t, []string{"aisp"}, p.Scopes)
		wide := b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh, "scope", "aisp extended_transaction_history"))
		require.Equal(t, []any{http.StatusBadRequest, "invalid_scope"}, []any{wide.status, wide.Error})
		require.Equal(t, "invalid_scope", b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh, "scope", " ")).Error)
		_, err = b.use(b.acme, less.Access)
		require.NoError(t, err, "to refuse harms nothing")
		require.Equal(t, "aisp pisp", b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh)).Scope, "what was given comes back")
	})
}

// A certificate is renewed more often than a connection: any of the same TPP does,
// and the tokens are bound to it from then on.
func TestRefreshByRenewedCertificate(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	got := b.tokens("lea")
	renewed := b.certify(acmeOrg, eidas.RoleAI)
	_, err := b.use(renewed, got.Access)
	require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err), "it is bound to the former one")
	again := b.call(renewed, oauth.PathToken, byRefresh(got.Refresh))
	require.Equal(t, http.StatusOK, again.status, again.Text)
	p, err := b.use(renewed, again.Access)
	require.NoError(t, err)
	require.Equal(t, thumbprintOf(renewed), p.Certificate)
	_, err = b.use(b.acme, again.Access)
	require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
	b.unverified()
	require.Equal(t, "invalid_grant", b.call(nil, oauth.PathToken, byRefresh(got.Refresh)).Error, "bound tokens take a certificate")
}

// unverified takes everybody for the TPP, as a sandbox over plain http does.
func (b *bench) unverified() {
	b.server.Callers = tpp.Unverified{As: tpp.TPP{ID: "FR-ACPR:" + acmeOrg, Name: "Acme Money"}}
}

// While the bank has suspended a connection, no other one of the same PSU gets around
// that: there are no tokens for it, and what was forwarded stays where it rests.
func TestSuspendedConnection(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		p, err := b.use(b.acme, b.tokens("lea").Access)
		require.NoError(t, err)
		forwarded := b.forward(p)
		b.suspends(p.Grant, true)
		b.advance(time.Hour)
		got := b.call(b.acme, oauth.PathToken, byCode(b.codeFor("lea")))
		require.Equal(t, []any{http.StatusBadRequest, "invalid_grant", ""}, []any{got.status, got.Error, got.Access})
		require.Equal(t, p.Grant, b.get(forwarded).Connection)
		_, _, _, err = b.server.Mint(t.Context(), b.callerOf(b.acme), "lea", []string{"aisp"})
		require.Equal(t, consent.CodeBlocked, consent.CodeOf(err))
		require.NotEmpty(t, b.tokens("enzo").Access, "it is none of another PSU's business")

		b.suspends(p.Grant, false)
		second, err := b.use(b.acme, b.tokens("lea").Access)
		require.NoError(t, err)
		require.Equal(t, second.Grant, b.get(forwarded).Connection)
		b.suspends(p.Grant, true)
		b.advance(180*24*time.Hour - 90*time.Minute)
		b.acme = b.certify(acmeOrg, eidas.RoleAI)
		require.Equal(t, "invalid_grant", b.call(b.acme, oauth.PathToken, byCode(b.codeFor("lea"))).Error)
		b.advance(30 * time.Minute)
		require.NotEmpty(t, b.tokens("lea").Access, "what was suspended is over, whether or not that is written down")
	})
}

// suspends has the bank suspend a consent, or let it go on.
func (b *bench) suspends(id uuid.UUID, yes bool) {
	b.t.Helper()
	_, err := b.db.Update(b.t.Context(), id, func(c *consent.Consent) error {
		c.Because(consent.Cause{By: consent.ByASPSP, Who: "office"})
		if yes {
			return c.Suspend(consent.ReasonBank, b.now())
		}
		return c.Resume(b.now())
	})
	require.NoError(b.t, err)
}

// Tokens last as long as the grant, whichever way it ends, and no longer.
func TestRefreshRefused(t *testing.T) {
	for name, end := range map[string]func(b *bench, got said) (refresh string){
		"unknown":         func(*bench, said) string { return strings.Repeat("x", 99) },
		"short":           func(*bench, said) string { return "x" },
		"an access token": func(_ *bench, got said) string { return got.Access },
		"the PSU has ended it": func(b *bench, got said) string {
			b.end(b.grant(got.Access).ID)
			return got.Refresh
		},
		"the bank has suspended it": func(b *bench, got said) string {
			_, err := b.db.Update(b.t.Context(), b.grant(got.Access).ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.now()) })
			require.NoError(b.t, err)
			_, err = b.use(b.acme, got.Access)
			require.Equal(b.t, consent.CodeBlocked, consent.CodeOf(err))
			return got.Refresh
		},
		"its time is over": func(b *bench, got said) string {
			b.advance(180 * 24 * time.Hour)
			return got.Refresh
		},
		"given back": func(b *bench, got said) string {
			b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", got.Access))
			return got.Refresh
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, b *bench) {
				refresh := end(b, b.tokens("lea"))
				got := b.call(b.acme, oauth.PathToken, byRefresh(refresh))
				require.Equal(t, []any{http.StatusBadRequest, "invalid_grant", ""}, []any{got.status, got.Error, got.Access})
			})
		})
	}
	b := newBench(t, "sqlite")
	got := b.tokens("lea")
	f := byRefresh(got.Refresh)
	f.Set("client_id", betaOrg)
	require.Equal(t, "invalid_grant", b.call(b.beta, oauth.PathToken, f).Error, "another TPP's")
	require.Equal(t, "invalid_request", b.call(b.acme, oauth.PathToken, byRefresh("")).Error)
	require.Equal(t, http.StatusOK, b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh)).status, "it has harmed nothing")
}

// An access token never outlasts its grant.
func TestLastAccessToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	got := b.tokens("lea")
	b.advance(180*24*time.Hour - 90*time.Second - time.Millisecond)
	b.acme = b.certify(acmeOrg, eidas.RoleAI)
	last := b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh))
	require.Equal(t, []any{http.StatusOK, 90}, []any{last.status, last.Expires})
	b.advance(90*time.Second - time.Millisecond)
	_, err := b.use(b.acme, last.Access)
	require.NoError(t, err)
	require.Equal(t, "invalid_grant", b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh)).Error, "for less than a second")
	b.advance(2 * time.Millisecond)
	_, err = b.use(b.acme, last.Access)
	require.Error(t, err)
}

// Refreshes at once disturb one another in nothing but that one token counts.
func TestRefreshAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		got := b.tokens("lea")
		var all sync.WaitGroup
		answers := make([]*httptest.ResponseRecorder, 3)
		for i := range answers {
			all.Go(func() {
				r := httptest.NewRequest(http.MethodPost, oauth.PathToken, strings.NewReader(byRefresh(got.Refresh).Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{b.acme.Certificate}}
				answers[i] = httptest.NewRecorder()
				b.echo.ServeHTTP(answers[i], r)
			})
		}
		all.Wait()
		for _, rec := range answers {
			require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
		}
		require.Equal(t, http.StatusOK, b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh)).status)
	})
}

func TestRevoke(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		for _, kind := range []string{"access", "refresh", "an expired access"} {
			got := b.tokens("lea")
			c := b.grant(got.Access)
			token := got.Access
			switch kind {
			case "refresh":
				token = got.Refresh
			case "an expired access":
				b.advance(time.Hour)
			}
			for _, other := range []string{"unknown", "a.b.c", strings.Repeat("x", 99)} {
				require.Equal(t, said{status: http.StatusOK}, b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", other)))
			}
			require.Equal(t, said{status: http.StatusOK}, b.call(b.beta, oauth.PathRevoke, form(betaOrg, "token", token)))
			require.Equal(t, consent.Valid, b.get(c.ID).Status, "another TPP cannot")
			require.Equal(t, said{status: http.StatusOK}, b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", token, "token_type_hint", "refresh_token")))
			c = b.get(c.ID)
			require.Equal(t, []any{consent.Revoked, consent.ByTPP}, []any{c.Status, c.Ending.By})
			_, err := b.use(b.acme, got.Access)
			require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
			require.Equal(t, said{status: http.StatusOK}, b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", token)), "again")
		}
		require.Equal(t, "invalid_request", b.call(b.acme, oauth.PathRevoke, form(acmeOrg)).Error)
	})
}

func TestIntrospect(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		got := b.tokens("lea")
		access, refresh := b.introspect(b.acme, got.Access), b.introspect(b.acme, got.Refresh)
		for token, s := range map[*said]time.Time{&access: begin.Add(10 * time.Minute), &refresh: begin.AddDate(0, 0, 180)} {
			require.Equal(t, []any{true, "aisp", acmeOrg, thumbprintOf(b.acme), s.Unix()}, []any{token.Active, token.Scope, token.Client, token.CNF.Thumbprint, token.Exp})
			require.Len(t, token.Sub, 43)
		}
		require.Equal(t, access.Sub, refresh.Sub)
		p, err := b.use(b.acme, got.Access)
		require.NoError(t, err)
		require.NotContains(t, access.Sub, p.PSU.String())

		dead := said{status: http.StatusOK}
		require.Equal(t, dead, b.introspect(b.beta, got.Access), "another TPP's")
		require.Equal(t, dead, b.introspect(b.beta, got.Refresh), "another TPP's")
		require.Equal(t, dead, b.introspect(b.acme, "unknown"))
		require.Equal(t, dead, b.introspect(b.acme, "eyJhbGciOiJub25lIn0.e30.x"), "what looks like another kind of token")
		b.advance(10 * time.Minute)
		require.Equal(t, dead, b.introspect(b.acme, got.Access), "expired")
		require.True(t, b.introspect(b.acme, got.Refresh).Active)
		b.end(p.Grant)
		require.Equal(t, dead, b.introspect(b.acme, got.Refresh), "ended")
		require.Equal(t, "invalid_request", b.call(b.acme, oauth.PathIntrospect, form(acmeOrg)).Error)
	})
}
