package demotpp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"consentd/internal/sandbox/demotpp"
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
