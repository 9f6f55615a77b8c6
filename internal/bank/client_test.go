package bank_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bank"
	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/service"
	"consentd/test/contract"
)

func now() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// setup is a client of a sandbox's bank. Every exchange is held against
// openapi/bank.yaml.
func setup(t *testing.T) (*bank.Client, *sandbox.Bank) {
	t.Helper()
	systems := &sandbox.Bank{Store: &sandbox.Memory{}, Now: now}
	e := echo.New()
	(&sandbox.Sandbox{Bank: systems, Owns: func(string) bool { return false }, Log: slog.New(slog.DiscardHandler)}).Mount(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	described := contract.Load(t, "bank")
	described.BasePath = "/sandbox/bank"
	return &bank.Client{
		BaseURL: server.URL + "/sandbox/bank/", Token: sandbox.BankToken,
		HTTP: &http.Client{Timeout: 5 * time.Second, Transport: &contract.Transport{Validators: []*contract.Validator{described}, T: t}},
	}, systems
}

// TestSameAsDirect: asked over HTTP, a bank answers as it does when asked
// directly.
func TestSameAsDirect(t *testing.T) {
	t.Parallel()
	client, systems := setup(t)
	for _, psu := range []string{"lea", "anna", "noa", "sarl", "sarl-ceo", "omar"} {
		want, err := systems.Customers(t.Context(), psu)
		require.NoError(t, err)
		got, err := client.Customers(t.Context(), psu)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		customer := got[0].ID

		signers, err := client.Signers(t.Context(), customer)
		require.NoError(t, err)
		direct, err := systems.Signers(t.Context(), customer)
		require.NoError(t, err)
		assert.Equal(t, direct, signers)

		list, err := client.List(t.Context(), customer)
		require.NoError(t, err)
		accounts, err := systems.List(t.Context(), customer)
		require.NoError(t, err)
		assert.Equal(t, accounts, list)

		for _, a := range list {
			owners, err := client.Owners(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, []string{customer}, owners)
		}
	}
	owners, err := client.Owners(t.Context(), "nobody-has-it")
	require.NoError(t, err)
	assert.Empty(t, owners)
}

func TestResolve(t *testing.T) {
	t.Parallel()
	client, systems := setup(t)
	for name, ref := range map[string]consent.Reference{
		"IBAN, two currencies": {IBAN: "DE02100100109307118603"},
		"IBAN and currency":    {IBAN: "DE02100100109307118603", Currency: "USD"},
		"BBAN":                 {BBAN: "100100109307118603"},
		"PAN":                  {PAN: "5254129999993241"},
		"masked PAN":           {MaskedPAN: "525412******3241", CashAccountType: "CARD"},
		"phone":                {MSISDN: "+49170000008"},
		"another scheme":       {Other: consent.Other{Identification: "x", SchemeCode: "BANK", Issuer: "y"}},
		"another's":            {IBAN: "FR7617515000920400430518020"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := systems.Resolve(t.Context(), "anna", ref)
			require.NoError(t, err)
			got, err := client.Resolve(t.Context(), "anna", ref)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	psu, name, err := client.Authenticate(t.Context(), "lea", "sandbox")
	require.NoError(t, err)
	assert.Equal(t, "lea", psu)
	assert.Equal(t, "LEA SANDBOXA", name)
	_, _, err = client.Authenticate(t.Context(), "lea", "wrong")
	require.ErrorIs(t, err, service.ErrWrongCredentials)
	_, _, err = client.Authenticate(t.Context(), "blocked", "sandbox")
	require.ErrorIs(t, err, service.ErrBlocked)
}

func TestSendCode(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	m := service.CodeMessage{PSU: "lea", Key: "run/1", Code: "123456", Text: "123456 is your code", Language: "en"}
	to, err := client.SendCode(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, "+33 ••• 42", to)
	m.PSU = "reject"
	_, err = client.SendCode(t.Context(), m)
	require.ErrorIs(t, err, service.ErrRefused)
	m.PSU = "eve"
	_, err = client.SendCode(t.Context(), m)
	require.ErrorIs(t, err, bank.ErrUnknown)
}

func TestMethods(t *testing.T) {
	t.Parallel()
	client, systems := setup(t)
	for psu, count := range map[string]int{"lea": 1, "omar": 4} {
		want, err := systems.Methods(t.Context(), psu)
		require.NoError(t, err)
		got, err := client.Methods(t.Context(), psu)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		require.Len(t, got, count)
		for i, m := range got {
			to, err := client.SendCode(t.Context(), service.CodeMessage{PSU: psu, Method: m.ID, Key: m.ID, Code: "123456", Text: "123456", Language: "en"})
			if i > 1 {
				require.ErrorIs(t, err, bank.ErrUnknown, "no code goes by %s", m.Type)
				continue
			}
			require.NoError(t, err)
			assert.NotEmpty(t, to)
		}
	}
	_, err := client.Methods(t.Context(), "eve")
	require.ErrorIs(t, err, bank.ErrUnknown)
	_, err = client.SendCode(t.Context(), service.CodeMessage{PSU: "lea", Method: "PUSH_OTP", Key: "k", Code: "123456", Text: "123456", Language: "en"})
	require.ErrorIs(t, err, bank.ErrUnknown, "lea has no such method")
}

// TestNoMethods: a bank that names none gives no choice.
func TestNoMethods(t *testing.T) {
	t.Parallel()
	client := toy(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"methods":[]}`) })
	got, err := client.Methods(t.Context(), "lea")
	require.NoError(t, err)
	assert.Empty(t, got)
	client = toy(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"methods":[{"type":"SMS_OTP","name":"x"}]}`)
	})
	_, err = client.Methods(t.Context(), "lea")
	require.ErrorIs(t, err, bank.ErrNoAnswer, "a method without id")
}

func TestFunds(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	for amount, want := range map[string]bool{"10.00 EUR": true, "10.01 EUR": false, "1.00 USD": false} {
		value, currency, _ := strings.Cut(amount, " ")
		got, err := client.Available(t.Context(), "r9", service.Amount{Currency: currency, Value: value})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := client.Available(t.Context(), "r0", service.Amount{Currency: "EUR", Value: "1"})
	require.ErrorIs(t, err, bank.ErrUnknown)
}

func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	_, err := client.Customers(t.Context(), "eve")
	require.ErrorIs(t, err, bank.ErrUnknown)
	require.ErrorIs(t, err, service.ErrUnknownPSU)
	for _, id := range []string{"eve", "lea%2Faccounts", "", ".", ".."} {
		_, err = client.Signers(t.Context(), id)
		require.ErrorIs(t, err, bank.ErrUnknown, id)
		_, err = client.List(t.Context(), id)
		require.ErrorIs(t, err, bank.ErrUnknown, id)
	}
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	client.Token = "stolen"
	for name, err := range everyCall(t.Context(), client) {
		require.ErrorIs(t, err, bank.ErrToken, name)
		require.NotErrorIs(t, err, service.ErrWrongCredentials, name)
	}
}

// everyCall makes each call once, with private things in it.
func everyCall(ctx context.Context, c *bank.Client) map[string]error {
	errs := map[string]error{}
	_, _, errs["authenticate"] = c.Authenticate(ctx, "private", "private")
	_, errs["code"] = c.SendCode(ctx, service.CodeMessage{PSU: "private", Key: "private", Code: "private", Text: "private", Language: "en"})
	_, errs["customers"] = c.Customers(ctx, "private")
	_, errs["signers"] = c.Signers(ctx, "private")
	_, errs["owners"] = c.Owners(ctx, "private")
	_, errs["accounts"] = c.List(ctx, "private")
	_, errs["resolve"] = c.Resolve(ctx, "private", consent.Reference{IBAN: "private"})
	_, errs["methods"] = c.Methods(ctx, "private")
	_, _, errs["ask"] = c.Ask(ctx, service.Approval{Login: "private", Key: "private", Text: "private", Language: "en"})
	_, errs["answer"] = c.Answer(ctx, "private")
	errs["withdraw"] = c.Withdraw(ctx, "private")
	_, errs["balances"] = c.Balances(ctx, "private")
	_, errs["transactions"] = c.Transactions(ctx, "private", service.Span{After: "private"})
	_, errs["identity"] = c.Identity(ctx, "private", "private")
	_, errs["funds"] = c.Available(ctx, "private", service.Amount{Currency: "EUR", Value: "1"})
	return errs
}

// toy is a client of a bank that answers everything alike.
func toy(t *testing.T, answer http.HandlerFunc) *bank.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &bank.Client{BaseURL: server.URL, Token: "private"}
}

// TestBrokenBanks: whatever a bank does wrong is ErrNoAnswer, and neither what
// it said nor what it was asked is in the error.
func TestBrokenBanks(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"fails": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"private"}`, http.StatusInternalServerError)
		},
		"is down": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "private", http.StatusServiceUnavailable) },
		"sends elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/private", http.StatusTemporaryRedirect)
		},
		"is not there": func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"is behind a firewall": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>private</html>", http.StatusForbidden)
		},
		"is behind another log-in": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"private"}`, http.StatusUnauthorized)
		},
		"is another service's 404": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":"refused","error":"private"}`, http.StatusNotFound)
		},
		"is another service's 410": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":"unknown","error":"private"}`, http.StatusGone)
		},
		"answers no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "private") },
		"another type":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `["private"]`) },
		"never ends":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20)) },
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"private"`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for call, err := range everyCall(t.Context(), toy(t, answer)) {
				require.ErrorIs(t, err, bank.ErrNoAnswer, call)
				for _, said := range []error{service.ErrUnknownPSU, service.ErrBlocked, service.ErrRefused, service.ErrWrongCredentials, service.ErrNoAccount, service.ErrNoPage, bank.ErrUnknown} {
					require.NotErrorIs(t, err, said, call)
				}
				assert.NotContains(t, err.Error(), "private", call)
			}
		})
	}
}

// TestEmptyAnswers: an answer without what matters is none.
func TestEmptyAnswers(t *testing.T) {
	t.Parallel()
	client := toy(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	_, _, err := client.Authenticate(t.Context(), "a", "b")
	require.ErrorIs(t, err, bank.ErrNoAnswer, "nobody logged in")
	_, err = client.Signers(t.Context(), "a")
	require.ErrorIs(t, err, bank.ErrNoAnswer, "nobody needs to sign")
	_, err = client.Owners(t.Context(), "a")
	require.ErrorIs(t, err, bank.ErrNoAnswer, "nobody's account")
	_, _, err = client.Ask(t.Context(), service.Approval{})
	require.ErrorIs(t, err, bank.ErrNoAnswer, "nobody is asked")
	_, err = client.Answer(t.Context(), "a")
	require.ErrorIs(t, err, bank.ErrNoAnswer, "no state")
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	client := &bank.Client{BaseURL: "http://127.0.0.1:1", Token: "private"}
	for call, err := range everyCall(t.Context(), client) {
		require.ErrorIs(t, err, bank.ErrNoAnswer, call)
		assert.NotContains(t, err.Error(), "private", call)
	}
	client.BaseURL = "http://[private"
	_, err := client.List(t.Context(), "a")
	require.ErrorContains(t, err, "malformed base address")
	assert.NotContains(t, err.Error(), "private")
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	client := toy(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // before the server waits for its calls
	client.HTTP = &http.Client{Timeout: 20 * time.Millisecond}
	_, err := client.List(t.Context(), "a")
	require.ErrorIs(t, err, bank.ErrNoAnswer)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.List(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
}

// failing fails the first calls as a broken connection does.
type failing struct {
	calls atomic.Int32
	times int32
}

func (f *failing) RoundTrip(*http.Request) (*http.Response, error) {
	if f.calls.Add(1) <= f.times {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"accounts":[]}`))}, nil
}

// TestTriesAgain: what only reads is asked twice when the connection broke;
// what sends a code or counts a try is not.
func TestTriesAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call  func(ctx context.Context, c *bank.Client) error
		times int32
		calls int32
		ok    bool
	}{
		"read, broken once":  {func(ctx context.Context, c *bank.Client) error { _, err := c.List(ctx, "a"); return err }, 1, 2, true},
		"read, broken twice": {func(ctx context.Context, c *bank.Client) error { _, err := c.List(ctx, "a"); return err }, 2, 2, false},
		"code": {func(ctx context.Context, c *bank.Client) error {
			_, err := c.SendCode(ctx, service.CodeMessage{})
			return err
		}, 1, 1, false},
		"request in the app": {func(ctx context.Context, c *bank.Client) error {
			_, _, err := c.Ask(ctx, service.Approval{})
			return err
		}, 1, 1, false},
		"password": {func(ctx context.Context, c *bank.Client) error {
			_, _, err := c.Authenticate(ctx, "a", "b")
			return err
		}, 1, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := &failing{times: c.times}
			err := c.call(t.Context(), &bank.Client{BaseURL: "http://bank", HTTP: &http.Client{Transport: transport}})
			assert.Equal(t, c.calls, transport.calls.Load())
			assert.Equal(t, c.ok, err == nil, err)
		})
	}
}
