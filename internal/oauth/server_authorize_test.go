package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
)

// A request that is wrong goes back to the TPP with what is wrong (RFC 6749 §4.1.2.1).
func TestAuthorizeRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	for name, c := range map[string]struct {
		changes []string
		want    string
	}{
		"no scope":                 {[]string{"scope", ""}, "invalid_scope"},
		"a scope that is unknown":  {[]string{"scope", "aisp openid"}, "invalid_scope"},
		"a scope without the role": {[]string{"scope", "cbpii"}, "invalid_scope"},
		"part of a scope":          {[]string{"scope", "ais"}, "invalid_scope"},
		"another response type":    {[]string{"response_type", "token"}, "unsupported_response_type"},
		"no response type":         {[]string{"response_type", ""}, "invalid_request"},
		"no PKCE":                  {[]string{"code_challenge", ""}, "invalid_request"},
		"a plain challenge":        {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"a challenge of no method": {[]string{"code_challenge_method", ""}, "invalid_request"},
		"no hash as challenge":     {[]string{"code_challenge", verifier + "0"}, "invalid_request"},
		"an answer by a form":      {[]string{"response_mode", "form_post"}, "invalid_request"},
		"an answer in a fragment":  {[]string{"response_mode", "fragment"}, "invalid_request"},
		"no consent's id":          {[]string{"scope", "AIS:1"}, "invalid_scope"},
		"an unknown consent":       {[]string{"scope", "AIS:" + uuid.NewString()}, "invalid_scope"},
		"two consents":             {[]string{"scope", "AIS:" + uuid.NewString() + " AIS:" + uuid.NewString()}, "invalid_scope"},
		"a consent and more":       {[]string{"scope", "aisp AIS:" + uuid.NewString()}, "invalid_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			q := b.sent(b.authorize(request(c.changes...)))
			require.Equal(t, []string{c.want, "xyz", ""}, []string{q.Get("error"), q.Get("state"), q.Get("code")})
			require.NotEmpty(t, q.Get("error_description"))
			require.Contains(t, strings.Join(b.notes, "\n"), c.want)
		})
	}
	due, err := b.db.Due(t.Context(), b.now().AddDate(1, 0, 0), 10)
	require.NoError(t, err)
	require.Empty(t, due, "nothing was made")
}

// Where nobody knows where the browser may go, it goes nowhere.
func TestAuthorizeNowhere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	twice := request()
	twice.Add("scope", "pisp")
	for name, c := range map[string]struct {
		params url.Values
		want   consent.Code
	}{
		"no client":                       {request("client_id", ""), consent.CodeNotFound},
		"an unknown client":               {request("client_id", "PSDFR-ACPR-1"), consent.CodeNotFound},
		"no redirect URI":                 {request("redirect_uri", ""), consent.CodeFormat},
		"one that is not registered":      {request("redirect_uri", "https://evil.example/"), consent.CodeFormat},
		"one that is nearly registered":   {request("redirect_uri", redirect+"&y=2"), consent.CodeFormat},
		"one with other capitals":         {request("redirect_uri", strings.Replace(redirect, "acme", "ACME", 1)), consent.CodeFormat},
		"one that is the same, unescaped": {request("redirect_uri", "https://acme.example/%63b?x=1"), consent.CodeFormat},
		"a parameter twice":               {twice, consent.CodeFormat},
		"a long state":                    {request("state", strings.Repeat("x", 2001)), consent.CodeFormat},
		"a request by reference":          {request("request_uri", "https://acme.example/request"), consent.CodeFormat},
	} {
		t.Run(name, func(t *testing.T) {
			b.problems = nil
			rec := b.authorize(c.params)
			require.Equal(t, kept, rec.Code)
			require.Empty(t, rec.Header().Get("Location"))
			require.Equal(t, []string{string(c.want)}, b.problems)
		})
	}
}

// Who is blocked gets nothing, at the beginning or afterwards.
func TestAuthorizeBlocked(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	back := b.agree(b.handle(request()), "lea")
	code := b.codeFor("lea")
	tokens := b.tokens("lea")
	b.block()
	require.Equal(t, kept, b.authorize(request()).Code)
	require.Equal(t, kept, b.comeBack(back, lea).Code)
	require.Equal(t, []string{"certificate_blocked", "certificate_blocked"}, b.problems)
	for _, form := range []url.Values{byCode(code), byRefresh(tokens.Refresh)} {
		got := b.call(b.acme, oauth.PathToken, form)
		require.Equal(t, []any{http.StatusForbidden, "access_denied"}, []any{got.status, got.Error})
	}
	_, err := b.use(b.acme, tokens.Access)
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
}

// block shuts the TPP out, and leaves its consents.
func (b *bench) block() {
	b.t.Helper()
	_, _, err := b.register.Block(b.t.Context(), consent.Cause{By: consent.ByASPSP, Who: "desk"}, b.callerOf(b.acme).ID, register.Block{Reason: "test"})
	require.NoError(b.t, err)
}

func TestAuthorizeByPost(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	r := httptest.NewRequest(http.MethodPost, oauth.PathAuthorize, strings.NewReader(request("ui_locales", "fr-CA fr", "client_id", "FR-ACPR:"+acmeOrg).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	rec := b.do(r)
	require.Equal(t, http.StatusSeeOther, rec.Code, b.notes)
	handle := strings.TrimPrefix(rec.Header().Get("Location"), "/sca/")
	v, err := b.walks.Open(t.Context(), handle, sca.Visitor{Browser: lea})
	require.NoError(t, err)
	require.Equal(t, []string{"fr-CA", "Acme Money"}, []string{v.Language, v.TPP})
	require.NotEmpty(t, b.sent(b.comeBack(b.agree(handle, "lea"), lea)).Get("code"))
}

// The pages are told where the browser is led in the end.
func TestBeyond(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	c := b.consented("FR-ACPR:"+acmeOrg, true)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, scope := range []string{"aisp", "AIS:" + c.ID.String()} {
		back := b.agree(b.handle(request("scope", scope)), "lea")
		require.Equal(t, redirect, b.server.Beyond(r, back))
		b.sent(b.comeBack(back, lea))
		for _, other := range []string{back, issuer + oauth.PathAuthorize + "/x", "https://acme.example/cb", ""} {
			require.Empty(t, b.server.Beyond(r, other))
		}
	}
}

// What comes of a request is for the browser in which the PSU agreed.
func TestCallback(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		b.t = t
		back := b.agree(b.handle(request()), "lea")
		for _, browser := range []string{"", "another"} {
			require.Equal(t, kept, b.comeBack(back, browser).Code)
		}
		require.NotEmpty(t, b.sent(b.comeBack(back, lea)).Get("code"), "another browser has spoilt nothing")
		require.Equal(t, kept, b.comeBack(back, lea).Code, "a name is good once")
		for _, name := range []string{"x", strings.Repeat("a", 30), "%2e%2e", strings.Repeat("a", 29) + "%2f"} {
			require.Equal(t, kept, b.comeBack(issuer+oauth.PathAuthorize+"/"+name, lea).Code, name)
		}
		require.Equal(t, []string{"forbidden", "forbidden", "not_found", "not_found", "not_found", "not_found", "not_found"}, b.problems)
	})
}

// A PSU whom a page leads back before the end comes to the TPP, with nothing; who is
// not that PSU goes nowhere.
func TestCallbackTooEarly(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	handle := b.handle(request())
	v, err := b.walks.Answer(t.Context(), handle, sca.Visitor{Browser: lea}, sca.Answer{})
	require.NoError(t, err)
	require.Equal(t, kept, b.comeBack(v.ReturnTo, "another").Code)
	require.Equal(t, []string{"forbidden"}, b.problems)
	sent := b.sent(b.comeBack(v.ReturnTo, lea))
	require.Equal(t, []string{"access_denied", ""}, []string{sent.Get("error"), sent.Get("code")})
	require.Equal(t, kept, b.comeBack(v.ReturnTo, lea).Code, "once")
}

func TestCallbackDenied(t *testing.T) {
	t.Parallel()
	for name, walk := range map[string]func(b *bench, handle string) string{
		"the PSU refuses": func(b *bench, handle string) string {
			_, err := b.walks.Answer(b.t.Context(), handle, sca.Visitor{Browser: lea}, sca.Answer{})
			require.NoError(b.t, err)
			v, err := b.walks.Answer(b.t.Context(), handle, sca.Visitor{Browser: lea}, sca.Answer{Refuse: true})
			require.NoError(b.t, err)
			return v.ReturnTo
		},
		"the connection has ended meanwhile": func(b *bench, handle string) string {
			back := b.agree(handle, "lea")
			run, err := b.db.Run(b.t.Context(), secret.Digest(handle))
			require.NoError(b.t, err)
			b.end(run.Consent)
			return back
		},
		"the PSU signs only with others": func(b *bench, handle string) string {
			_, err := b.walks.Answer(b.t.Context(), handle, sca.Visitor{Browser: lea}, sca.Answer{})
			require.NoError(b.t, err)
			v, err := b.walks.Answer(b.t.Context(), handle, sca.Visitor{Browser: lea}, sca.Answer{Fields: map[string]string{"psuId": "ceo"}})
			require.Equal(b.t, consent.CodeForbidden, consent.CodeOf(err))
			return v.ReturnTo
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "sqlite")
			q := b.sent(b.comeBack(walk(b, b.handle(request())), lea))
			require.Equal(t, []string{"access_denied", "xyz", ""}, []string{q.Get("error"), q.Get("state"), q.Get("code")})
		})
	}
}

// end ends a consent as its PSU would.
func (b *bench) end(id uuid.UUID) {
	b.t.Helper()
	_, err := b.db.Update(b.t.Context(), id, func(c *consent.Consent) error {
		c.Because(consent.Cause{By: consent.ByPSU})
		return c.Withdraw(b.now())
	})
	require.NoError(b.t, err)
}

// consented is an XS2A consent whose use takes a token.
func (b *bench) consented(who string, byToken bool) *consent.Consent {
	b.t.Helper()
	call := service.Call{TPP: who, Name: "Acme Money", Rail: consent.RailXS2A, Kind: consent.AccountAccess}
	c, err := b.server.Consents.Create(b.t.Context(), call, consent.Draft{
		Recurring: true, FrequencyPerDay: 4, ValidUntil: consent.DateOf(b.now(), time.UTC).AddDays(30), RedirectURI: "https://acme.example/old",
		Access: consent.Access{Scope: consent.ScopeAllPSD2, Rights: consent.RightBalances}, ByToken: byToken,
	}, consents.Wish{Explicit: true, Approach: consent.Redirect}, nil)
	require.NoError(b.t, err)
	return c
}

// Scope AIS:<consentId> authorises that consent, and the token rests on it
// (NextGenPSD2 1.3.x §13).
func TestScopeOfAConsent(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		c := b.consented("FR-ACPR:"+acmeOrg, true)
		scope := "AIS:" + c.ID.String()
		got := b.tokens("lea", "scope", scope)
		require.Equal(t, scope, got.Scope)
		p, err := b.use(b.acme, got.Access)
		require.NoError(t, err)
		require.Equal(t, []uuid.UUID{c.ID, c.ID}, []uuid.UUID{p.Grant, p.Consent})
		require.Equal(t, "lea", p.PSUID)
		require.Equal(t, consent.Valid, b.get(c.ID).Status)

		q := b.sent(b.authorize(request("scope", scope)))
		require.Equal(t, "access_denied", q.Get("error"), "it takes no further authorisation")
		require.Equal(t, http.StatusOK, b.call(b.acme, oauth.PathRevoke, form(acmeOrg, "token", got.Refresh)).status)
		require.Equal(t, consent.Valid, b.get(c.ID).Status, "its tokens have ended, it has not")
		_, err = b.use(b.acme, got.Access)
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))

		for name, other := range map[string]*consent.Consent{
			"another TPP's":           b.consented("FR-ACPR:"+betaOrg, true),
			"one that takes no token": b.consented("FR-ACPR:"+acmeOrg, false),
		} {
			q := b.sent(b.authorize(request("scope", "AIS:"+other.ID.String())))
			require.Equal(t, "invalid_scope", q.Get("error"), name)
		}
		got = b.tokens("lea")
		q = b.sent(b.authorize(request("scope", "AIS:"+b.grant(got.Access).ID.String())))
		require.Equal(t, "invalid_scope", q.Get("error"), "a connection is no consent of that dialect")
	})
}

// Nobody has proved to be the TPP in whose name a browser comes: the audit does not
// say that it called.
func TestNobodyProved(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		c := b.consented("FR-ACPR:"+acmeOrg, true)
		for scope, made := range map[string]int{"aisp": 0, "AIS:" + c.ID.String(): 1} { // where the entry is of what the browser made
			id := b.grant(b.tokens("lea", "scope", scope).Access).ID
			entries, err := b.db.History(t.Context(), id.String())
			require.NoError(t, err)
			require.Equal(t, []any{consent.Cause{By: consent.BySystem}, "", "received"}, []any{entries[made].Cause, entries[made].From, entries[made].To})
			for i, e := range entries {
				require.Equal(t, made > i, e.By == consent.ByTPP, "entry %d", i)
			}
		}
		all := &ledger.Ledger{Store: b.db, Keys: b.keys, Now: b.now}
		found, err := all.Verify(t.Context(), func(f ledger.Fault) { t.Error(f) })
		require.NoError(t, err)
		require.Zero(t, found.Faults)
	})
}

// A consent that another signer has still to authorise gives no token yet.
func TestScopeOfAConsentOfTwo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	c := b.consented("FR-ACPR:"+acmeOrg, true)
	ask := request("scope", "AIS:"+c.ID.String())
	q := b.sent(b.comeBack(b.agree(b.handle(ask), "ceo"), lea))
	require.Equal(t, []string{"access_denied", "another signer has to authorise, too"}, []string{q.Get("error"), q.Get("error_description")})
	require.Equal(t, consent.PartiallyAuthorised, b.get(c.ID).Status)
	q = b.sent(b.comeBack(b.agree(b.handle(ask), "cfo"), lea))
	got := b.call(b.acme, oauth.PathToken, byCode(q.Get("code")))
	p, err := b.use(b.acme, got.Access)
	require.NoError(t, err)
	require.Equal(t, "cfo", p.PSUID)
}
