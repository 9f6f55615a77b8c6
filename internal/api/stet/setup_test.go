package stet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/stet"
	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
	"consentd/internal/tpp"
	wire "consentd/pkg/stet"
	"consentd/test/contract"
)

const (
	ibanA1 = "FR7617515000920400430518020"
	ibanA2 = "FR7617515000920400430518117"
	ibanB1 = "FR7617515900000400430518379"

	base      = "/stet/psd2/v1.4.2"
	requestID = "call no. 1/a"
)

// world is the dialect on a real server, over the use cases with a store of maps.
type world struct {
	handler *stet.Handler
	store   *store
	bank    *bank
	log     *bytes.Buffer
	url     string
	http    *http.Client
	clock   time.Time
	notes   *explain.Notes // of the last call
	mu      sync.Mutex
}

// change alters the handler before it is mounted.
type change func(*stet.Handler)

// setup starts a server; every exchange is held against openapi/stet.yaml.
func setup(t *testing.T, changes ...change) *world {
	t.Helper()
	w := &world{store: newStore(), bank: leasBank(), log: &bytes.Buffer{}, clock: time.Date(2026, time.May, 4, 10, 15, 30, 0, time.UTC)}
	keys, err := secret.New(make([]byte, secret.MasterSize))
	require.NoError(t, err)
	now := func() time.Time { return w.clock }
	policy := consent.DefaultPolicy()
	w.handler = &stet.Handler{
		Callers:     byHeader{},
		Signatures:  tpp.Signatures{BareDigest: true, Registered: func(context.Context, string) ([][]byte, error) { return nil, nil }},
		Bearers:     &tokens{w.store, now},
		Connections: &connections.Connections{Bearers: w.store, Policy: policy, Now: now},
		Forwarder:   &consents.Forwarder{Store: w.store, Accounts: w.bank, Identities: w.store, Policy: policy, Now: now},
		Reads:       &access.Access{Store: w.store, Accounts: w.bank, Identities: w.store, Policy: policy, Now: now},
		Accounts:    w.bank,
		Books:       w.bank,
		Ledger:      &ledger.Ledger{Store: w.store, Keys: keys, Now: now, Zone: time.UTC},
		Policy:      policy,
		Now:         now,
		Options:     stet.DefaultOptions(),
		BaseURL:     func(*http.Request) string { return "https://bank.example" },
		Log:         slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	for _, c := range changes {
		c(w.handler)
	}
	w.serve(t)
	return w
}

func (w *world) serve(t *testing.T) {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = w.handler.HTTPError
	e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx, notes := explain.Listen(c.Request().Context())
			c.SetRequest(c.Request().WithContext(ctx))
			w.mu.Lock()
			w.notes = notes
			w.mu.Unlock()
			return next(c)
		}
	})
	w.handler.Mount(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	w.url = server.URL
	described := description(t)
	described.BasePath = w.handler.Options.BasePath
	w.http = &http.Client{Transport: &contract.Transport{Base: server.Client().Transport, Validators: []*contract.Validator{&described}, T: t}}
}

var loaded struct {
	once      sync.Once
	validator *contract.Validator
}

// description is openapi/stet.yaml, read once.
func description(t *testing.T) contract.Validator {
	t.Helper()
	loaded.once.Do(func() { loaded.validator = contract.Load(t, "stet") })
	return *loaded.validator
}

// leasBank has Lea with two accounts and a savings label, Enzo with one, a company, Anna
// with a card, and Noa with nothing.
func leasBank() *bank {
	account := func(id, iban, name, owner string) service.Account {
		return service.Account{ID: id, Name: name, Owner: owner, Reference: consent.Reference{IBAN: iban, Currency: "EUR", CashAccountType: "CACC"}}
	}
	closing := func(amount string) []service.Balance {
		return []service.Balance{
			{
				Kind: service.BalanceClosingBooked, Name: "Booked balance", Amount: service.Amount{Currency: "EUR", Value: amount},
				Reference: consent.Date{Year: 2026, Month: time.May, Day: 3}, LastEntry: "20260503-001",
			},
			{Kind: service.BalanceInstant, Name: "Available balance", Amount: service.Amount{Currency: "EUR", Value: amount}},
		}
	}
	day := consent.Date{Year: 2026, Month: time.May, Day: 2}
	return &bank{
		accounts: map[string][]service.Account{
			"lea":  {account("r1", ibanA1, "Compte courant", "LEA SANDBOXA"), account("r2", ibanA2, "Compte de Léa", "LEA SANDBOXA")},
			"enzo": {account("r9", ibanB1, "", "ENZO SANDBOXB")},
			"sarl": {account("r21", "FR7617515000930000085212187", "Compte pro", "SARL SANDBOX")},
			"anna": {
				account("d/1", "DE40100100103307118608", "Girokonto", "ANNA SANDBOXD"),
				{ID: "c1", Name: "ANNA SANDBOXD", Owner: "ANNA SANDBOXD", Reference: consent.Reference{MaskedPAN: "525412******3241", Currency: "EUR", CashAccountType: "CARD"}},
			},
		},
		balances: map[string][]service.Balance{"r1": closing("-140.00"), "r2": closing("1250.00"), "r9": closing("10.00"), "d/1": closing("5.00"), "c1": {}},
		entries: map[string][]service.Entry{"r1": {
			{ID: "e1", Amount: service.Amount{Currency: "EUR", Value: "-6.60"}, Transaction: day, Remittance: []string{"CARD", ""}, CounterpartyName: "PHARMACIE", BankCode: "PMNT-CCRD-POSD"},
			{ID: "e2", Reference: "20260502-001", Booked: true, Booking: day, Value: day, Amount: service.Amount{Currency: "EUR", Value: "2219.67"}, CounterpartyName: "ATELIERS", CounterpartyIBAN: ibanB1, BankCode: "salary"},
			{ID: "e3", Reference: "20260501-001", Booked: true, Booking: day, Value: day, Amount: service.Amount{Currency: "EUR", Value: "-1.00"}, Remittance: []string{strings.Repeat("ü", 200)}},
		}},
	}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// fault is the message of an ErrorModel, whose other members are as they must be.
func (a answer) fault(t *testing.T, status int) string {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	var e wire.ErrorModel
	require.NoError(t, json.Unmarshal([]byte(a.body), &e), a.body)
	require.Equal(t, status, e.Status)
	require.Equal(t, http.StatusText(status), e.Error)
	require.Equal(t, "2026-05-04T10:15:30Z", e.Timestamp)
	require.NotEmpty(t, e.Path)
	require.LessOrEqual(t, len([]rune(e.Message)), 140)
	return e.Message
}

// headers of a call; an empty value takes one away.
type headers map[string]string

// call sends a request in the name of a token's PSU.
func (w *world) call(t *testing.T, token, method, path, body string, change ...headers) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+base+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Request-ID", strings.ReplaceAll(requestID, " ", "_"))
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range change {
		for name, value := range h {
			req.Header.Set(name, value)
			if value == "" {
				req.Header.Del(name)
			}
		}
	}
	res, err := w.http.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{status: res.StatusCode, header: res.Header, body: string(read)}
}

func (w *world) get(t *testing.T, token, path string, change ...headers) answer {
	t.Helper()
	return w.call(t, token, http.MethodGet, path, "", change...)
}

// put forwards a document and wants it taken.
func (w *world) put(t *testing.T, token, body string, change ...headers) {
	t.Helper()
	a := w.call(t, token, http.MethodPut, "/consents", body, change...)
	require.Equal(t, http.StatusCreated, a.status, a.body)
}

// document names accounts by their IBANs, in lists separated by blanks.
func document(balances, transactions string, identity bool) string {
	list := func(ibans string) []wire.AccountReference {
		refs := []wire.AccountReference{}
		for iban := range strings.FieldsSeq(ibans) {
			refs = append(refs, wire.AccountReference{IBAN: iban})
		}
		return refs
	}
	body, _ := json.Marshal(wire.Access{Balances: list(balances), Transactions: list(transactions), PSUIdentity: identity})
	return string(body)
}

// list is GET /accounts in short: each account with what is linked, "bare" for none,
// and then the relations of the list besides self and consents.
func (w *world) list(t *testing.T, token string, change ...headers) string {
	t.Helper()
	a := w.get(t, token, "/accounts", append([]headers{{"PSU-IP-Address": "192.0.2.7"}}, change...)...)
	require.Equal(t, http.StatusOK, a.status, a.body)
	var list wire.Accounts
	require.NoError(t, json.Unmarshal([]byte(a.body), &list))
	var words []string
	for _, x := range list.Accounts {
		var ops []string
		for op, link := range x.Links {
			require.Equal(t, "https://bank.example"+base+"/accounts/"+strings.ReplaceAll(x.ResourceID, "/", "%2F")+"/"+op, link.Href)
			ops = append(ops, op)
		}
		slices.Sort(ops)
		if len(ops) == 0 {
			require.Empty(t, x.ResourceID)
			require.Empty(t, x.Balances)
			ops = []string{"bare"}
		}
		words = append(words, x.AccountID.IBAN+"("+strings.Join(ops, ",")+")")
	}
	for relation := range list.Links {
		if relation != wire.LinkSelf && relation != wire.LinkConsents {
			words = append(words, "+"+relation)
		}
	}
	require.Equal(t, "https://bank.example"+base+"/accounts", list.Links[wire.LinkSelf].Href)
	require.Equal(t, "https://bank.example"+base+"/consents", list.Links[wire.LinkConsents].Href)
	return strings.Join(words, " ")
}

// lines are the notes of the last call.
func (w *world) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notes.Lines()
}
