package demotpp_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox/demotpp"
	"consentd/pkg/httpsig"
	"consentd/pkg/stet"
)

const firstConnection = "/tpp/stet/connections/1"

// connect has the visitor's customer connect.
func (w *world) connect() string {
	w.t.Helper()
	status, page := w.post("/tpp/stet/connections", "psu=lea")
	require.Equal(w.t, http.StatusOK, status)
	require.Contains(w.t, page, `data-page="tpp-stet-connection" data-state="asked"`)
	require.Contains(w.t, page, `id="go" href="/tpp/stet/connections/`)
	status, page = w.get(firstConnection + "/bank")
	require.Equal(w.t, http.StatusOK, status)
	return page
}

// The journey: connect, nothing shared, something, something else, nothing, over.
func TestSTETJourney(t *testing.T) {
	t.Parallel()
	w, b := frenchWorld(t)
	_, page := w.get("/tpp")
	assert.Contains(t, page, `<a href="/tpp/stet"><strong>STET</strong>`)
	_, page = w.get("/tpp/stet")
	assert.Contains(t, page, `data-page="tpp-stet"`)

	page = w.connect()
	require.Contains(t, page, `data-state="bare"`)
	for _, key := range []string{leaFirst, leaSecond + "/EUR", leaSecond + "/USD", leaCard} {
		assert.Contains(t, page, `name="balances" value="`+key+`">`, "not ticked")
	}
	assert.NotContains(t, page, `name="read" value="balances`)
	assert.NotContains(t, page, `id="stop"`)
	assert.Equal(t, "authorization_code", b.forms[0].Get("grant_type"))
	assert.Equal(t, w.url+demotpp.PathReturn, b.forms[0].Get("redirect_uri"))

	_, page = w.post(firstConnection+"/share", "balances="+leaFirst, "transactions="+leaFirst, "transactions="+leaSecond+"/USD", "identity=true")
	require.JSONEq(t, `{"balances":[{"iban":"`+leaFirst+`","currency":"EUR"}],
		"transactions":[{"iban":"`+leaFirst+`","currency":"EUR"},{"iban":"`+leaSecond+`","currency":"USD"}],"trustedBeneficiaries":false,"psuIdentity":true}`, b.put(t))
	require.Contains(t, page, `data-state="shared"`)
	assert.Contains(t, page, `name="balances" value="`+leaFirst+`" checked>`)
	assert.Contains(t, page, `name="balances" value="`+leaSecond+`/EUR">`, "it is known still")
	assert.Contains(t, page, `name="read" value="transactions r3"`)
	assert.NotContains(t, page, `name="read" value="balances r3"`)
	assert.Contains(t, page, "−140.00 EUR")

	for _, step := range []struct {
		read string
		want []string
	}{
		{"balances r1", []string{"Balances of r1", "CLBD", "−140.00 EUR"}},
		{"transactions r1", []string{"Boulangerie", "−12.30 EUR", `value="page next"`}},
		{"page next", []string{"Second page"}},
		{"identity", []string{`<strong class="psu-name">LEA SANDBOXA</strong>`}},
	} {
		status, page := w.post(firstConnection+"/read", "read="+step.read, "present=true", "from=2026-04-01")
		require.Equal(t, http.StatusOK, status)
		for _, want := range step.want {
			assert.Contains(t, page, want, step.read)
		}
		assert.Contains(t, page, `id="answer"`, step.read)
	}

	_, page = w.post(firstConnection+"/stop", "balances="+leaFirst)
	require.JSONEq(t, `{"balances":[],"transactions":[],"trustedBeneficiaries":false,"psuIdentity":false}`, b.put(t))
	require.Contains(t, page, `data-state="bare"`)
	assert.NotContains(t, page, " checked> Balances")
	assert.NotContains(t, page, "psu-name", "the name is not theirs to show any more")

	_, page = w.post(firstConnection + "/disconnect")
	require.Contains(t, page, `data-state="ended"`)
	assert.Equal(t, refresh1, b.forms[len(b.forms)-1].Get("token"))
	assert.NotContains(t, page, `name="balances"`)
	calls := len(b.calls)
	_, page = w.post(firstConnection+"/share", "balances="+leaFirst)
	assert.Contains(t, page, `data-state="ended"`)
	assert.Len(t, b.calls, calls, "there is nothing to call with")

	_, page = w.get("/tpp/log")
	for _, secret := range []string{access1, refresh1, code1, b.forms[0].Get("code_verifier")} {
		assert.NotContains(t, page, secret)
	}
	assert.Contains(t, page, "code=••••••&amp;code_verifier=••••••")
	assert.Contains(t, page, "Bearer ••••••")
}

// Every call of the interface is signed as STET has it, and the keyId leads to the
// seal; the authorization server's calls are not signed.
func TestSTETIsSigned(t *testing.T) {
	t.Parallel()
	w, b := frenchWorld(t)
	w.connect()
	w.post(firstConnection+"/share", "balances="+leaFirst)
	var signed int
	for i, r := range b.calls {
		if !strings.HasPrefix(r.URL.Path, stet.BasePath) {
			assert.Empty(t, r.Header.Get("Signature"), r.URL.Path)
			continue
		}
		signed++
		assert.NotEmpty(t, r.Header.Get("X-Request-Id"))
		assert.Equal(t, "192.0.2.7", r.Header.Get("Psu-Ip-Address"))
		assert.Empty(t, r.Header.Get("Tpp-Signature-Certificate"))
		require.NoError(t, httpsig.CheckDigest(r.Header.Get("Digest"), []byte(b.bodies[i])))
		keyID, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Signature"), `keyId="`), `"`)
		status, text := w.get(strings.TrimPrefix(keyID, w.url))
		require.Equal(t, http.StatusOK, status, keyID)
		block, _ := pem.Decode([]byte(text))
		require.NotNil(t, block)
		seal, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		_, err = httpsig.STETStrictProfile().Verify(httpsig.Of(r), seal)
		require.NoError(t, err)
	}
	assert.Equal(t, 3, signed)
	status, _ := w.get("/tpp/seal_00")
	assert.Equal(t, http.StatusNotFound, status)
}

// What the bank refuses is a page, and changes nothing.
func TestSTETRefusals(t *testing.T) {
	t.Parallel()
	w, b := frenchWorld(t)
	w.connect()
	w.post(firstConnection+"/share", "balances="+leaFirst)
	_, page := w.post(firstConnection+"/share", "balances="+leaFirst, "iban=DE40 1001 0010 3307 1186 08")
	assert.Contains(t, b.put(t), `{"iban":"DE40100100103307118608"}`)
	assert.Contains(t, page, "The customer has no such account, and the consent is as it was before.")
	assert.Contains(t, page, `data-state="shared"`)
	_, page = w.post(firstConnection+"/read", "read=balances r2", "present=false")
	assert.Contains(t, page, "The customer does not share this")
	assert.Contains(t, page, `name="present" value="false" checked`)
	assert.Empty(t, b.calls[len(b.calls)-1].Header.Get("Psu-Ip-Address"), "nobody is there")

	b.access = "another"
	_, page = w.post(firstConnection + "/accounts")
	assert.Contains(t, page, "Refresh the token, or connect again.")
	_, page = w.post(firstConnection + "/introspect")
	assert.Contains(t, page, "opens nothing any more")
	_, page = w.post(firstConnection + "/refresh")
	assert.Contains(t, page, "Another access token, without the customer.")
	_, page = w.post(firstConnection + "/accounts")
	assert.Contains(t, page, `data-state="shared"`)
	_, page = w.post(firstConnection + "/introspect")
	assert.Contains(t, page, "The token is alive, for aisp. It is bound to this TPP&#39;s certificate.")

	b.ended = true
	_, page = w.post(firstConnection + "/refresh")
	assert.Contains(t, page, `data-state="ended"`)
	assert.Contains(t, page, "expired or ended: connect again.")
}

func TestSTETScopes(t *testing.T) {
	t.Parallel()
	w, _ := frenchWorld(t)
	for form, want := range map[string]string{"history=": "scope=aisp&amp;", "history=true": "scope=aisp&#43;extended_transaction_history&amp;"} {
		_, page := w.post("/tpp/stet/connections", form)
		assert.Contains(t, page, want)
	}
}

func TestSTETCustomerRefuses(t *testing.T) {
	t.Parallel()
	w, b := frenchWorld(t)
	b.deny = true
	page := w.connect()
	assert.Contains(t, page, `data-state="refused"`)
	assert.Contains(t, page, "The customer, or the bank, said no.")
	assert.Contains(t, page, `href="/tpp/stet?psu=lea"`)
	assert.Empty(t, b.forms, "there is no code to be changed")
}

// A code counts once, from the browser that was sent for it, for the request that it
// was sent for.
func TestSTETReturn(t *testing.T) {
	t.Parallel()
	w, b := frenchWorld(t)
	page := w.connect()
	require.Contains(t, page, `data-state="bare"`)
	back := demotpp.PathReturn + "?" + url.Values{"state": {b.state}, "iss": {b.base}, "code": {code1}}.Encode()
	_, page = w.get(back)
	assert.Contains(t, page, `data-state="bare"`, "as it was")
	assert.Len(t, b.forms, 1, "the code is used up, and not sent again")
	status, _ := w.get(demotpp.PathReturn + "?state=&code=x")
	assert.Equal(t, http.StatusNotFound, status)

	w.http = &http.Client{}
	for _, path := range []string{back, firstConnection, firstConnection + "/bank"} {
		status, _ := w.get(path)
		assert.Equal(t, http.StatusNotFound, status, path)
	}
	status, _ = w.post(firstConnection + "/disconnect")
	assert.Equal(t, http.StatusNotFound, status)
	assert.False(t, b.ended)
}

// Whoever answers in the bank's name is found out.
func TestSTETWrongIssuer(t *testing.T) {
	t.Parallel()
	w, b := frenchWorld(t)
	w.post("/tpp/stet/connections", "psu=lea")
	client := *w.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Get(w.url + firstConnection + "/bank")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	to, err := res.Location()
	require.NoError(t, err)
	_, page := w.get(demotpp.PathReturn + "?" + url.Values{"state": {to.Query().Get("state")}, "iss": {"https://evil.example"}, "code": {"x"}}.Encode())
	assert.Contains(t, page, `data-state="refused"`)
	assert.Contains(t, page, "the issuer is another one")
	assert.Empty(t, b.forms)
}

func TestSTETWithoutServer(t *testing.T) {
	t.Parallel()
	w, _ := frenchWorld(t)
	w.bank = says(http.StatusNotFound, `{}`)
	_, page := w.post("/tpp/stet/connections", "psu=lea")
	assert.Contains(t, page, `data-page="tpp-stet"`)
	assert.Contains(t, page, "There is no way to connect")
	assert.Contains(t, page, "The bank answered 404 and gave no reason that can be read.")
}

// A bank without STET has no pages for it.
func TestWithoutSTET(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, page := w.get("/tpp")
	assert.NotContains(t, page, "/tpp/stet")
	status, _ := w.get("/tpp/stet")
	assert.Equal(t, http.StatusNotFound, status)
}
