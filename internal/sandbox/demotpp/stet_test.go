package demotpp_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox/demotpp"
	"consentd/pkg/httpsig"
	"consentd/pkg/stet"
)

const (
	leaFirst  = "FR7617515000920400430518020"
	leaSecond = "FR7617515000920400430518117"
	leaCard   = "525412******3241"

	access1, access2 = "s3cret-access-1", "s3cret-access-2"
	refresh1, code1  = "s3cret-refresh-1", "s3cret-code-1"
)

// frenchBank is a bank that speaks STET for one customer, and OAuth2 for one code.
type frenchBank struct {
	base, root string // of the bank; where PathReturn lies
	deny       bool   // the customer refuses
	challenge  string
	state      string
	access     string // the token that is good
	ended      bool
	document   stet.Access
	forms      []url.Values // of the token endpoints
	calls      []*http.Request
	bodies     []string
}

func frenchWorld(t *testing.T) (*world, *frenchBank) {
	t.Helper()
	w := setup(t, func(a *demotpp.App) {
		a.STETPath = stet.BasePath
		a.People = []demotpp.Person{{Login: "lea", About: "Two accounts"}}
		a.Password = "sandbox"
	})
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	b := &frenchBank{base: w.app.Bank(request), root: w.url}
	w.bank = b.ServeHTTP
	return w, b
}

func (b *frenchBank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.calls, b.bodies = append(b.calls, r), append(b.bodies, string(body))
	path, french := strings.CutPrefix(r.URL.Path, stet.BasePath)
	if french {
		b.stet(w, r.Method+" "+path, r, body)
		return
	}
	form, _ := url.ParseQuery(string(body))
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server":
		tell(w, http.StatusOK, map[string]any{
			"issuer": b.base, "authorization_endpoint": b.base + "/oauth2/authorize", "token_endpoint": b.base + "/oauth2/token",
			"revocation_endpoint": b.base + "/oauth2/revoke", "introspection_endpoint": b.base + "/oauth2/introspect",
			"authorization_response_iss_parameter_supported": true,
		})
	case "/oauth2/authorize":
		b.authorize(w, r)
	default:
		b.forms = append(b.forms, form)
		b.oauth(w, strings.TrimPrefix(r.URL.Path, "/oauth2/"), form)
	}
}

func tell(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (b *frenchBank) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	b.challenge, b.state = query.Get("code_challenge"), query.Get("state")
	back := url.Values{"state": {b.state}, "iss": {b.base}}
	if b.deny {
		back.Set("error", "access_denied")
	} else {
		back.Set("code", code1)
	}
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (b *frenchBank) oauth(w http.ResponseWriter, call string, form url.Values) {
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case form.Get("client_id") != "PSDXX-SANDBOX-DEMO":
		tell(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case call == "revoke":
		b.ended = true
	case call == "introspect":
		tell(w, http.StatusOK, map[string]any{"active": !b.ended && form.Get("token") == b.access, "scope": "aisp", "cnf": map[string]string{"x5t#S256": "x"}})
	case form.Get("grant_type") == "refresh_token" && form.Get("refresh_token") == refresh1 && !b.ended:
		b.access = access2
		tell(w, http.StatusOK, map[string]any{"access_token": access2, "token_type": "Bearer", "expires_in": 600})
	case form.Get("code") == code1 && base64.RawURLEncoding.EncodeToString(sum[:]) == b.challenge && b.access == "":
		b.access = access1
		tell(w, http.StatusOK, map[string]any{"access_token": access1, "token_type": "Bearer", "expires_in": 600, "refresh_token": refresh1, "scope": "aisp"})
	default:
		tell(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	tell(w, status, stet.ErrorModel{Status: status, Message: message})
}

func (b *frenchBank) stet(w http.ResponseWriter, call string, r *http.Request, body []byte) {
	switch {
	case b.ended || r.Header.Get("Authorization") != "Bearer "+b.access:
		refuse(w, http.StatusUnauthorized, "the token is not valid")
	case call == "PUT /consents":
		var sent stet.Access
		_ = json.Unmarshal(body, &sent)
		for _, one := range append(slices.Clone(sent.Balances), sent.Transactions...) {
			if one.Other == nil && one.IBAN != leaFirst && one.IBAN != leaSecond {
				refuse(w, http.StatusBadRequest, stet.MessageIncorrectAccount)
				return
			}
		}
		b.document = sent
		w.WriteHeader(http.StatusCreated)
	case call == "GET /accounts":
		tell(w, http.StatusOK, b.accounts())
	case call == "GET /accounts/r1/balances":
		tell(w, http.StatusOK, stet.Balances{Balances: []stet.Balance{{Name: "Solde", BalanceAmount: stet.Amount{Currency: "EUR", Amount: "-140.00"}, BalanceType: stet.BalanceClosingBooked}}})
	case call == "GET /accounts/r1/transactions":
		b.transactions(w, r.URL.Query())
	case call == "GET /end-user-identity":
		tell(w, http.StatusOK, stet.EndUserIdentity{ConnectedPSU: "LEA SANDBOXA"})
	default:
		refuse(w, http.StatusForbidden, stet.MessageNotGranted)
	}
}

func (b *frenchBank) transactions(w http.ResponseWriter, query url.Values) {
	page := stet.Transactions{Transactions: []stet.Transaction{{
		TransactionAmount: stet.Amount{Currency: "EUR", Amount: "12.30"}, CreditDebitIndicator: stet.Debit, BookingDate: "2026-04-03",
		RelatedParties: &stet.RelatedParties{Creditor: &stet.Party{Name: "Boulangerie"}}, RemittanceInformation: []string{"Pain"},
	}}}
	if query.Get("page") == "" {
		page.Links = stet.Links{stet.LinkNext: {Href: stet.BasePath + "/accounts/r1/transactions?page=2"}}
	} else {
		page.Transactions[0].RemittanceInformation = []string{"Second page"}
	}
	tell(w, http.StatusOK, page)
}

// accounts are bare while none is shared, and otherwise those that are.
func (b *frenchBank) accounts() stet.Accounts {
	list := stet.Accounts{Accounts: []stet.Account{}}
	for i, reference := range []stet.AccountReference{
		{IBAN: leaFirst, Currency: "EUR"},
		{IBAN: leaSecond, Currency: "EUR"},
		{IBAN: leaSecond, Currency: "USD"},
		{Other: &stet.GenericIdentification{Identification: leaCard, SchemeName: stet.SchemeMaskedPAN}, Currency: "EUR"},
	} {
		a := stet.Account{AccountID: reference, Name: fmt.Sprintf("Compte %d", i+1), CashAccountType: stet.AccountCash, Currency: reference.Currency, Links: stet.Links{}}
		if reference.Other != nil {
			a.CashAccountType = stet.AccountCard
		}
		id, has := fmt.Sprintf("r%d", i+1), func(list []stet.AccountReference) bool {
			return slices.ContainsFunc(list, func(x stet.AccountReference) bool {
				return x.IBAN == reference.IBAN && (x.Currency == "" || x.Currency == reference.Currency)
			})
		}
		if has(b.document.Balances) {
			a.ResourceID, a.Links[stet.LinkBalances] = id, stet.Link{Href: "x"}
			a.Balances = []stet.Balance{{BalanceAmount: stet.Amount{Currency: "EUR", Amount: "-140.00"}}}
		}
		if has(b.document.Transactions) {
			a.ResourceID, a.Links[stet.LinkTransactions] = id, stet.Link{Href: "x"}
		}
		if a.ResourceID != "" || len(b.document.Balances)+len(b.document.Transactions) == 0 {
			list.Accounts = append(list.Accounts, a)
		}
	}
	if b.document.PSUIdentity {
		list.Links = stet.Links{stet.LinkEndUserIdentity: {Href: "x"}}
	}
	return list
}

// put is the last document that was forwarded.
func (b *frenchBank) put(t *testing.T) (body string) {
	t.Helper()
	for i, r := range b.calls {
		if r.Method == http.MethodPut {
			body = b.bodies[i]
		}
	}
	return body
}

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
