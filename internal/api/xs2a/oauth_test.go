package xs2a_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	wire "consentd/pkg/xs2a"
)

const metadataURL = "https://login.bank.example/.well-known/oauth-authorization-server"

// tokens are access tokens of the TPP demo, and why bad ones are refused.
type tokens struct {
	good map[string]connections.Principal
	bad  map[string]consent.Code
}

// Bearer implements tpp.Bearers.
func (t tokens) Bearer(r *http.Request, caller tpp.TPP) (connections.Principal, error) {
	token := tpp.TokenOf(r)
	if token == "" {
		return connections.Principal{}, tpp.ErrNoToken()
	}
	p, ok := t.good[token]
	if ok && caller.ID == "demo" {
		return p, nil
	}
	code := consent.CodeTokenInvalid
	if c, known := t.bad[token]; known {
		code = c
	}
	explain.Refuse(r.Context(), "token: no good")
	return connections.Principal{}, consent.At(code, "Header.Authorization", "no good")
}

// issued are the tokens of the tests: for the consent that reads name, for another
// one, and of connections with and without the scope aisp.
func issued() tokens {
	return tokens{
		good: map[string]connections.Principal{
			"its":   {TPP: "demo", Consent: uuid.MustParse(readConsent), Scopes: []string{connections.ScopeConsent + readConsent}},
			"other": {TPP: "demo", Consent: uuid.MustParse("0198c2f4-0000-7000-8000-000000000002")},
			"aisp":  {TPP: "demo", PSU: uuid.MustParse("0198c2f4-0000-7000-8000-00000000000a"), PSUID: "lea", Scopes: []string{"offline_access", connections.ScopeAISP}},
			"again": {TPP: "demo", PSU: uuid.MustParse("0198c2f4-0000-7000-8000-00000000000a"), PSUID: "lea", Scopes: []string{connections.ScopeAISP}},
			"anna":  {TPP: "demo", PSU: uuid.MustParse("0198c2f4-0000-7000-8000-00000000000b"), PSUID: "anna", Scopes: []string{connections.ScopeAISP}},
			"cbpii": {TPP: "demo", Scopes: []string{connections.ScopeCBPII}},
		},
		bad: map[string]consent.Code{"old": consent.CodeTokenExpired, "down": consent.CodeUnavailable},
	}
}

// withOAuth has the bank use OAuth2 so.
func withOAuth(mode xs2a.OAuthMode) change {
	return func(h *xs2a.Handler) {
		h.Options.OAuth, h.Bearers = mode, issued()
		h.Options.Approaches = []consent.Approach{consent.Redirect, consent.Decoupled, consent.Embedded}
		h.Links.Metadata = func(*http.Request) string { return metadataURL }
	}
}

// bearing is a call with an access token.
func bearing(token string, more ...with) with {
	all := with{"Authorization": "Bearer " + token}
	for _, m := range more {
		maps.Copy(all, m)
	}
	return all
}

// made reads the answer to the creation of a consent, with the names of its links.
func made(t *testing.T, a answer) (wire.ConsentsResponse, []string) {
	t.Helper()
	require.Equal(t, http.StatusCreated, a.status, a.body)
	var c wire.ConsentsResponse
	require.NoError(t, json.Unmarshal([]byte(a.body), &c))
	return c, slices.Sorted(maps.Keys(c.Links))
}

// Where the browser would go to a page of ours, it goes to the OAuth2 server, which
// starts the authorisation: however the start is chosen otherwise.
func TestScaOAuth(t *testing.T) {
	t.Parallel()
	for _, start := range []xs2a.StartMode{xs2a.StartAuto, xs2a.StartExplicit, xs2a.StartImplicit} {
		for _, prefers := range []with{nil, {"TPP-Explicit-Authorisation-Preferred": "true"}, {"TPP-Redirect-Preferred": "true", "PSU-ID": "lea"}} {
			w := setup(t, withOAuth(xs2a.OAuthIntegrated), func(h *xs2a.Handler) { h.Options.Start = start })
			a := w.create(t, bankOffered, prefers)
			c, links := made(t, a)
			require.Equal(t, []string{"scaOAuth", "self", "status"}, links)
			require.Equal(t, metadataURL, c.Links[wire.LinkScaOAuth].Href)
			require.Equal(t, "REDIRECT", a.header.Get("ASPSP-SCA-Approach"))
			require.Empty(t, c.ScaStatus)
			kept := w.store.byID[uuid.MustParse(c.ConsentID)]
			require.True(t, kept.ByToken)
			require.Equal(t, consent.Received, kept.Status)
			require.Empty(t, kept.Authorisations)
		}
	}
}

// Everything else stays as it is: other approaches, funds consents, other modes.
func TestWithoutScaOAuth(t *testing.T) {
	t.Parallel()
	decoupled := with{"TPP-Redirect-Preferred": "false", "PSU-ID": "lea"}
	embedded := with{"TPP-Redirect-Preferred": "false", "TPP-Decoupled-Preferred": "false", "PSU-ID": "lea"}
	for name, c := range map[string]struct {
		mode    xs2a.OAuthMode
		headers with
		want    []string
	}{
		"decoupled": {xs2a.OAuthIntegrated, decoupled, []string{"scaStatus", "self", "status"}},
		"embedded":  {xs2a.OAuthIntegrated, embedded, []string{"scaStatus", "self", "status", "updatePsuAuthentication"}},
		"off":       {xs2a.OAuthOff, nil, []string{"scaRedirect", "scaStatus", "self", "status"}},
		"pre-step":  {xs2a.OAuthPreStep, bearing("aisp"), []string{"scaRedirect", "scaStatus", "self", "status"}},
	} {
		w := setup(t, withOAuth(c.mode))
		answered, links := made(t, w.create(t, ofOneAccount(), c.headers))
		require.Equal(t, c.want, links, name)
		require.False(t, w.store.byID[uuid.MustParse(answered.ConsentID)].ByToken, name)
	}
	w := setup(t, withOAuth(xs2a.OAuthIntegrated))
	a := w.send(t, http.MethodPost, "/v2/consents/confirmation-of-funds", `{"account":{"iban":"`+ibanLea+`"}}`, with{"TPP-Redirect-URI": "https://tpp.example/back"})
	_, links := made(t, a)
	require.Equal(t, []string{"scaRedirect", "scaStatus", "self", "status"}, links)
}

// ofOneAccount names an account, as every approach takes it.
func ofOneAccount() string { return consentBody(`{"balances":[{"iban":"` + ibanLea + `"}]}`) }

// What the OAuth2 server starts nobody starts here, and no other consent becomes one
// of its by another start.
func TestStartsWithScaOAuth(t *testing.T) {
	t.Parallel()
	w := setup(t, withOAuth(xs2a.OAuthIntegrated))
	c, _ := made(t, w.create(t, ofOneAccount(), nil))
	path := "/v1/consents/" + c.ConsentID + "/authorisations"
	for _, headers := range []with{nil, {"TPP-Redirect-Preferred": "true"}, {"TPP-Redirect-Preferred": "false", "PSU-ID": "lea"}} {
		a := w.send(t, http.MethodPost, path, "", headers)
		require.Equal(t, http.StatusBadRequest, a.status)
		require.Equal(t, []string{"SERVICE_INVALID"}, a.messages(t))
		require.Contains(t, a.body, "scaOAuth")
	}
	require.Empty(t, w.store.byID[uuid.MustParse(c.ConsentID)].Authorisations)

	a := w.create(t, ofOneAccount(), with{"X-Request-ID": uuid.NewString(), "TPP-Redirect-Preferred": "false", "PSU-ID": "lea"})
	c, _ = made(t, a)
	for preferred, want := range map[string]string{"-": "DECOUPLED", "true": "DECOUPLED"} {
		a = w.send(t, http.MethodPost, "/v1/consents/"+c.ConsentID+"/authorisations", "", with{"X-Request-ID": uuid.NewString(), "TPP-Redirect-Preferred": preferred, "PSU-ID": "lea"})
		require.Equal(t, http.StatusCreated, a.status, a.body)
		require.Equal(t, want, a.header.Get("ASPSP-SCA-Approach"))
	}
}

// A read says for which consent its token was issued, where anybody asks.
func TestTokensOfReads(t *testing.T) {
	t.Parallel()
	w := newWorld()
	withOAuth(xs2a.OAuthIntegrated)(w.handler)
	for header, want := range map[string]string{
		"Bearer its": readConsent, "bearer other": "0198c2f4-0000-7000-8000-000000000002", "Bearer aisp": uuid.Nil.String(),
	} {
		w.reads.asked = nil
		_, refusal, _ := w.read(t, http.MethodGet, "/v1/accounts", with{"Authorization": header})
		require.Nil(t, refusal)
		issuedFor, err := w.reads.asked[0].Token()
		require.NoError(t, err)
		require.Equal(t, want, issuedFor.String())
	}
	for header, want := range map[string]consent.Code{"Bearer x": consent.CodeTokenInvalid, "Bearer old": consent.CodeTokenExpired, "Bearer down": consent.CodeUnavailable} {
		w.reads.asked = nil
		_, refusal, notes := w.read(t, http.MethodGet, "/v1/accounts", with{"Authorization": header})
		require.Nil(t, refusal)
		require.NotContains(t, notes, "token: no good", "nobody has asked")
		_, err := w.reads.asked[0].Token()
		require.Equal(t, want, consent.CodeOf(err))
	}
	for _, header := range []string{"-", "", "Basic its", "Bearer", "Bearer "} {
		w.reads.asked = nil
		_, refusal, _ := w.read(t, http.MethodGet, "/v1/accounts", with{"Authorization": header})
		require.Nil(t, refusal)
		require.Nil(t, w.reads.asked[0].Token, "%q", header)
	}
	w.handler.Bearers, w.handler.Options.OAuth, w.reads.asked = nil, xs2a.OAuthOff, nil
	_, refusal, _ := w.read(t, http.MethodGet, "/v1/accounts", bearing("its"))
	require.Nil(t, refusal)
	require.Nil(t, w.reads.asked[0].Token)
}

// Whoever lacks a good token is asked for one, and told where it is had.
func TestChallenges(t *testing.T) {
	t.Parallel()
	const realm, where = `Bearer realm="xs2a"`, `, metadata="` + metadataURL + `"`
	for code, want := range map[consent.Code]string{
		consent.CodeTokenMissing: realm + where, consent.CodeTokenInvalid: realm + `, error="invalid_token"` + where,
		consent.CodeTokenExpired: realm + `, error="invalid_token"` + where, consent.CodeScope: realm + `, error="insufficient_scope"` + where,
		consent.CodeNotUsable: "", consent.CodeCertificateMissing: "", consent.CodeTooOften: "",
	} {
		w := newWorld()
		withOAuth(xs2a.OAuthIntegrated)(w.handler)
		w.reads.err = consent.E(code, "no")
		require.Equal(t, want, w.refused(t, http.MethodGet, "/v1/accounts", nil).Header.Get("WWW-Authenticate"), code)
		w.handler.Links.Metadata = nil
		bare := w.handler.RefusalOf(w.reads.err, nil).Header.Get("WWW-Authenticate")
		require.Equal(t, want != "", bare != "")
		require.NotContains(t, bare, "metadata")
	}
}

// In the pre-step variant every call about account information brings a token of the
// scope aisp: judged after the role, before what is sent.
func TestPreStep(t *testing.T) {
	t.Parallel()
	w := setup(t, withOAuth(xs2a.OAuthPreStep))
	for _, path := range []string{"/v1/consents/" + readConsent, "/v1/consents/" + readConsent + "/status", "/v1/consents/" + readConsent + "/authorisations"} {
		a := w.send(t, http.MethodGet, path, "", nil)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Equal(t, []string{"TOKEN_UNKNOWN Header.Authorization"}, a.messages(t))
		require.Contains(t, a.header.Get("WWW-Authenticate"), metadataURL)
		require.Equal(t, []string{"CONSENT_UNKNOWN"}, w.send(t, http.MethodGet, path, "", bearing("aisp")).messages(t))
	}
	bad := with{"Content-Type": "text/plain", "PSU-IP-Address": "x"}
	for token, want := range map[string]string{"x": "TOKEN_UNKNOWN", "old": "TOKEN_EXPIRED", "cbpii": "TOKEN_INVALID", "its": "TOKEN_INVALID"} {
		a := w.create(t, bankOffered, bearing(token, bad))
		require.Equal(t, http.StatusUnauthorized, a.status, token)
		require.Equal(t, []string{want + " Header.Authorization"}, a.messages(t), token)
	}
	require.Equal(t, http.StatusUnsupportedMediaType, w.create(t, bankOffered, bearing("aisp", bad)).status)
	require.Equal(t, http.StatusServiceUnavailable, w.create(t, bankOffered, bearing("down")).status)
	require.Equal(t, []string{"TOKEN_UNKNOWN Header.Authorization"}, w.create(t, bankOffered, bearing("aisp", with{"X-Sandbox-TPP": "acme"})).messages(t))

	w = setup(t, withOAuth(xs2a.OAuthPreStep), calledBy(caller{TPP: tpp.TPP{ID: "demo", Roles: []eidas.Role{eidas.RoleIC}}}))
	require.Equal(t, []string{"ROLE_INVALID"}, w.create(t, bankOffered, nil).messages(t))
	a := w.send(t, http.MethodGet, "/v2/consents/confirmation-of-funds/"+readConsent, "", nil)
	require.Equal(t, []string{"CONSENT_UNKNOWN"}, a.messages(t), "funds consents take no token")
}

// Reads take it as well; the token of the consent itself, of before, does too.
func TestPreStepOfReads(t *testing.T) {
	t.Parallel()
	w := newWorld()
	withOAuth(xs2a.OAuthPreStep)(w.handler)
	for token, want := range map[string]string{
		"": "TOKEN_UNKNOWN", "other": "TOKEN_INVALID", "cbpii": "TOKEN_INVALID", "old": "TOKEN_EXPIRED",
	} {
		refusal := w.refused(t, http.MethodGet, "/v1/accounts", bearing(token))
		require.Equal(t, http.StatusUnauthorized, refusal.Status)
		require.Equal(t, []string{want + " Header.Authorization"}, messagesOf(t, refusal))
	}
	require.Empty(t, w.reads.asked)
	for token, want := range map[string]string{"aisp": uuid.Nil.String(), "its": readConsent} {
		w.reads.asked = nil
		_, refusal, _ := w.read(t, http.MethodGet, "/v1/accounts", bearing(token))
		require.Nil(t, refusal)
		issuedFor, err := w.reads.asked[0].Token()
		require.NoError(t, err)
		require.Equal(t, want, issuedFor.String())
	}
}

// Whom the TPP does not name is the PSU in whose name it calls.
func TestPreStepNamesThePSU(t *testing.T) {
	t.Parallel()
	w := setup(t, withOAuth(xs2a.OAuthPreStep), func(h *xs2a.Handler) { h.Options.Approaches = []consent.Approach{consent.Decoupled} })
	opened := w.handler.Consents.Runs.(*runs)
	for _, headers := range []with{nil, {"PSU-ID": "omar"}} {
		c, links := made(t, w.create(t, ofOneAccount(), bearing("aisp", with{"X-Request-ID": uuid.NewString()}, headers)))
		require.Equal(t, []string{"scaStatus", "self", "status"}, links)
		want := "lea"
		if headers != nil {
			want = headers["PSU-ID"]
		}
		require.Equal(t, want, opened.opened.Hint.PSU)
		a := w.send(t, http.MethodPost, "/v1/consents/"+c.ConsentID+"/authorisations", "", bearing("aisp", with{"X-Request-ID": uuid.NewString()}, headers))
		require.Equal(t, http.StatusCreated, a.status, a.body)
		require.Equal(t, want, opened.opened.Hint.PSU)
	}
}

// A call that is repeated with a newer token of the same PSU is the same call, with
// another PSU's another one.
func TestPreStepRepeated(t *testing.T) {
	t.Parallel()
	w := setup(t, withOAuth(xs2a.OAuthPreStep))
	w.store.receipts = map[consent.Digest]consent.Receipt{}
	first := w.create(t, bankOffered, bearing("aisp"))
	require.Equal(t, http.StatusCreated, first.status, first.body)
	require.Equal(t, first.body, w.create(t, bankOffered, bearing("again")).body)
	require.Equal(t, []string{"FORMAT_ERROR Header." + edge.HeaderRequestID}, w.create(t, bankOffered, bearing("anna")).messages(t))
}

// tokensAsked are refused for their access token.
func tokensAsked() []explained {
	preStep := func(path string) func(*testing.T, *world) string {
		return func(_ *testing.T, w *world) string {
			withOAuth(xs2a.OAuthPreStep)(w.handler)
			return path
		}
	}
	op := func(more string) []string {
		return []string{"operation: GET /v1/accounts", noteCaller, noteNone, noteRole, more}
	}
	return []explained{
		{
			name: "no token", code: consent.CodeTokenMissing, answered: "401 TOKEN_UNKNOWN", given: preStep("/v1/accounts"),
			want: op("refused: Header.Authorization must bring an access token → TOKEN_UNKNOWN"),
		},
		{
			name: "unknown token", code: consent.CodeTokenInvalid, answered: "401 TOKEN_UNKNOWN", given: preStep("/v1/accounts"),
			headers: bearing("x"), want: op("token: no good → TOKEN_UNKNOWN"),
		},
		{
			name: "old token", code: consent.CodeTokenExpired, answered: "401 TOKEN_EXPIRED", given: preStep("/v1/accounts"),
			headers: bearing("old"), want: op("token: no good → TOKEN_EXPIRED"),
		},
		{
			name: "token without the scope", code: consent.CodeScope, answered: "401 TOKEN_INVALID", given: preStep("/v1/accounts"),
			headers: bearing("cbpii"), want: op("token: scope aisp needed, it has cbpii → TOKEN_INVALID"),
		},
		{
			name: "no token, consent", code: consent.CodeTokenMissing, answered: "401 TOKEN_UNKNOWN",
			given: preStep("/v1/consents/" + readConsent + "/status"),
			want:  []string{opStatus, noteCaller, noteNone, noteRole, "refused: Header.Authorization must bring an access token → TOKEN_UNKNOWN"},
		},
		{
			name: "read, by OAuth2, without token", code: consent.CodeTokenMissing, answered: "401 TOKEN_UNKNOWN",
			given: denying(consent.CodeTokenMissing, "must bring the access token", "the consent is used with an access token"),
			want:  passed(opBalances, "the consent is used with an access token → TOKEN_UNKNOWN"),
		},
		{
			name: "read, token of another consent", code: consent.CodeScope, answered: "401 TOKEN_INVALID",
			given: denying(consent.CodeScope, "not issued for this consent", "the access token was issued for another consent"),
			want:  passed(opBalances, "the access token was issued for another consent → TOKEN_INVALID"),
		},
	}
}
