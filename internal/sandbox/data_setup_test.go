package sandbox_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/sandbox"
	"consentd/internal/service/access"
	"consentd/pkg/xs2a"
	"consentd/test/contract"
)

// admission stands in for the dialect: it lets everything in that it has been
// told of, and words errors as tppMessages.
type admission struct {
	customer string
	accounts []access.Account
	owner    bool
	refuses  *edge.Refusal
	asked    []access.Question
}

// paths are those of the operations, segment by segment below /v1.
var paths = map[consent.Operation]string{
	consent.OpAccounts: "accounts", consent.OpAccount: "accounts/*", consent.OpBalances: "accounts/*/balances",
	consent.OpTransactions: "accounts/*/transactions", consent.OpTransaction: "accounts/*/transactions/*",
	consent.OpCardAccounts: "card-accounts", consent.OpCardAccount: "card-accounts/*", consent.OpCardBalances: "card-accounts/*/balances",
	consent.OpCardTransactions: "card-accounts/*/transactions", consent.OpTrustedBeneficiaries: "trusted-beneficiaries",
}

func (a *admission) Admit(r *http.Request, sound func(consent.Operation) error) (*access.Decision, *edge.Refusal) {
	if a.refuses != nil {
		return nil, a.refuses
	}
	got := strings.Split(strings.TrimPrefix(r.URL.Path, "/psd2/v1/"), "/")
	for op, path := range paths {
		want := strings.Split(path, "/")
		if !slices.EqualFunc(want, got, func(w, g string) bool { return w == g || w == "*" }) {
			continue
		}
		if err := sound(op); err != nil {
			refusal := a.RefusalOf(err, r.Header["Accept"])
			refusal.Header["X-Request-Id"] = []string{edge.AnswerID(r)}
			return nil, refusal
		}
		q := access.Question{Operation: op}
		d := &access.Decision{Customer: a.customer, OwnerName: a.owner}
		for _, x := range a.accounts {
			if op.List() || x.ID == got[1] {
				d.Accounts = append(d.Accounts, x)
			}
		}
		if len(got) > 1 {
			q.Account = got[1]
		}
		a.asked = append(a.asked, q)
		d.Question = q
		return d, nil
	}
	return nil, a.RefusalOf(consent.E(consent.CodePathUnknown, "no such resource"), nil)
}

func (a *admission) RefusalOf(err error, accept []string) *edge.Refusal {
	status := map[consent.Code]int{
		consent.CodeFormat: 400, consent.CodeNotSupported: 400, consent.CodeAccountUnknown: 404, consent.CodePathUnknown: 404,
	}[consent.CodeOf(err)]
	if status == 0 {
		return &edge.Refusal{Status: http.StatusInternalServerError}
	}
	body := xs2a.Error{TPPMessages: []xs2a.TPPMessage{}}
	for _, f := range edge.Faults(err) {
		body.TPPMessages = append(body.TPPMessages, xs2a.TPPMessage{Category: "ERROR", Code: xs2a.Code(f.Code), Path: f.Path, Text: strings.Join(accept, ",")})
	}
	raw, _ := json.Marshal(body)
	return &edge.Refusal{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: raw}
}

// served is the sandbox's account data over HTTP.
type served struct {
	t         *testing.T
	admission *admission
	data      *sandbox.Data
	bank      *sandbox.Bank
	clock     *sandbox.Clock
	url       string
	// description is openapi/accounts.yaml, against which every answer is held.
	description *contract.Validator
}

const (
	all     = consent.RightAccounts | consent.RightBalances | consent.RightTransactions
	request = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
)

func serving(t *testing.T, customer string, accounts ...access.Account) *served {
	t.Helper()
	s := &served{t: t, admission: &admission{customer: customer, accounts: accounts}}
	s.bank, s.clock = newBank()
	s.description = description(t)
	e := echo.New()
	s.data = &sandbox.Data{
		Bank: s.bank, Admission: s.admission, BasePath: "/psd2", Log: slog.New(slog.DiscardHandler),
		Base: func(r *http.Request) string { return "http://" + r.Host },
	}
	s.data.Mount(e)
	e.RouteNotFound("/psd2/v1/*", func(c echo.Context) error { return c.NoContent(http.StatusTeapot) })
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

var loaded struct {
	once      sync.Once
	validator *contract.Validator
}

// description is openapi/accounts.yaml, read once.
func description(t *testing.T) *contract.Validator {
	t.Helper()
	loaded.once.Do(func() {
		loaded.validator = contract.Load(t, "accounts")
		loaded.validator.BasePath = "/psd2"
	})
	return loaded.validator
}

// may is an account of a decision.
func may(id string, rights consent.Rights) access.Account {
	return access.Account{ID: id, Rights: rights}
}

func (s *served) call(method, path string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+"/psd2"+path, http.NoBody)
	require.NoError(s.t, err)
	req.Header.Set("X-Request-ID", request)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Consent-ID", consentID)
	res, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	if res.StatusCode == http.StatusOK { // the words of errors are the dialect's
		s.description.Exchange(s.t, req, nil, res, raw)
	}
	return answer{res.StatusCode, res.Header, string(raw)}
}

// get reads what is there into a body.
func get[T any](s *served, path string) T {
	s.t.Helper()
	got := s.call(http.MethodGet, path)
	require.Equal(s.t, http.StatusOK, got.status, got.body)
	assert.Equal(s.t, request, got.header.Get("X-Request-ID"))
	assert.Equal(s.t, "no-store", got.header.Get("Cache-Control"))
	var body T
	got.json(s.t, &body)
	return body
}
