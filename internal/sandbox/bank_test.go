package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/service"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	for name, c := range map[string]struct {
		login, password string
		psu, called     string
		err             error
	}{
		"right":              {login: "lea", password: "sandbox", psu: "lea", called: "LEA SANDBOXA"},
		"a phone's capital":  {login: " Anna ", password: "sandbox", psu: "anna", called: "ANNA SANDBOXD"},
		"a signer":           {login: "sarl-ceo", password: "sandbox", psu: "sarl-ceo", called: "CLAIRE SANDBOXI"},
		"wrong password":     {login: "lea", password: "Sandbox", err: service.ErrWrongCredentials},
		"unknown":            {login: "eve", password: "sandbox", err: service.ErrWrongCredentials},
		"blocked":            {login: "blocked", password: "sandbox", err: service.ErrBlocked},
		"blocked, but wrong": {login: "blocked", password: "x", err: service.ErrWrongCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			psu, called, err := bank.Authenticate(t.Context(), c.login, c.password)
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, c.psu, psu)
			assert.Equal(t, c.called, called)
		})
	}
}

func TestWhoActsForWhom(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	sarl := service.Customer{ID: "sarl", Name: "SARL SANDBOX", OrganisationID: "852126789"}
	for psu, c := range map[string]struct {
		customer service.Customer
		signers  []string
	}{
		"lea":      {service.Customer{ID: "lea", Name: "LEA SANDBOXA"}, []string{"lea"}},
		"sarl":     {sarl, []string{"sarl-ceo", "sarl-cfo"}},
		"sarl-ceo": {sarl, []string{"sarl-ceo", "sarl-cfo"}},
		"sarl-cfo": {sarl, []string{"sarl-ceo", "sarl-cfo"}},
	} {
		t.Run(psu, func(t *testing.T) {
			t.Parallel()
			customers, err := bank.Customers(t.Context(), psu)
			require.NoError(t, err)
			assert.Equal(t, []service.Customer{c.customer}, customers)
			signers, err := bank.Signers(t.Context(), c.customer.ID)
			require.NoError(t, err)
			assert.Equal(t, c.signers, signers)
		})
	}
	_, err := bank.Customers(t.Context(), "eve")
	require.ErrorIs(t, err, service.ErrUnknownPSU)
	_, err = bank.Signers(t.Context(), "sarl-ceo")
	require.Error(t, err, "a signer is no customer")
}

func TestAccountsOfPersonas(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	for customer, want := range map[string][]string{
		"lea":     {"FR7617515000920400430518020 EUR CACC", "FR7617515000920400430518117 EUR CACC"},
		"enzo":    {"FR7617515900000400430518379 EUR CACC"},
		"sarl":    {"FR7617515000930000085212187 EUR CACC", "FR7617515000930000085212284 EUR CACC"},
		"noa":     nil,
		"anna":    {"DE40100100103307118608 EUR CACC", "DE02100100109307118603 EUR CACC", "DE02100100109307118603 USD CACC", "525412******3241 EUR CARD"},
		"omar":    {"AE070331234567890123456 AED CACC"},
		"reject":  {"FR7617515000940000000005141 EUR CACC"},
		"blocked": {"FR7617515000940000000005238 EUR CACC"},
		"slow":    {"FR7617515000940000000005335 EUR CACC"},
	} {
		t.Run(customer, func(t *testing.T) {
			t.Parallel()
			list, err := bank.List(t.Context(), customer)
			require.NoError(t, err)
			var got []string
			ids := map[string]bool{}
			for _, a := range list {
				got = append(got, a.Reference.IBAN+a.Reference.MaskedPAN+" "+a.Reference.Currency+" "+a.Reference.CashAccountType)
				ids[a.ID] = true
				assert.NotEmpty(t, a.Name)
				assert.Contains(t, a.Owner, "SANDBOX")
			}
			assert.Equal(t, want, got)
			assert.Len(t, ids, len(want), "ids differ")
		})
	}
	_, err := bank.List(t.Context(), "eve")
	require.Error(t, err)
}

func TestResolve(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	const two = "DE02100100109307118603"
	for name, c := range map[string]struct {
		customer string
		ref      consent.Reference
		want     []string // currencies
	}{
		"one":                     {"lea", consent.Reference{IBAN: "FR7617515000920400430518020"}, []string{"EUR"}},
		"as people write it":      {"lea", consent.Reference{IBAN: "fr76 1751 5000 9204 0043 0518 020"}, []string{"EUR"}},
		"all sub-accounts":        {"anna", consent.Reference{IBAN: two}, []string{"EUR", "USD"}},
		"one sub-account":         {"anna", consent.Reference{IBAN: two, Currency: "USD"}, []string{"USD"}},
		"no such sub-account":     {"anna", consent.Reference{IBAN: two, Currency: "GBP"}, nil},
		"another's":               {"enzo", consent.Reference{IBAN: "FR7617515000920400430518020"}, nil},
		"by BBAN":                 {"lea", consent.Reference{BBAN: "17515000920400430518020"}, []string{"EUR"}},
		"by masked card number":   {"anna", consent.Reference{MaskedPAN: "525412******3241"}, []string{"EUR"}},
		"by card number":          {"anna", consent.Reference{PAN: "5254120000003241"}, []string{"EUR"}},
		"by another card number":  {"anna", consent.Reference{PAN: "5254120000003242"}, nil},
		"by a longer card number": {"anna", consent.Reference{PAN: "52541200000032410"}, nil},
		"by currency alone":       {"lea", consent.Reference{Currency: "EUR"}, nil},
		"by nothing":              {"lea", consent.Reference{}, nil},
		"by phone":                {"lea", consent.Reference{MSISDN: "+33600000042"}, nil},
		"by another scheme":       {"lea", consent.Reference{Other: consent.Other{Identification: "r1"}}, nil},
		"two that contradict":     {"lea", consent.Reference{IBAN: "FR7617515000920400430518020", BBAN: "1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := bank.Resolve(t.Context(), c.customer, c.ref)
			require.NoError(t, err)
			var got []string
			for _, a := range list {
				got = append(got, a.Reference.Currency)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestFunds(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	for name, c := range map[string]struct {
		account, currency, amount string
		want                      bool
	}{
		"enough":              {"r9", "EUR", "9.99", true},
		"exactly":             {"r9", "EUR", "10.000", true},
		"a cent too much":     {"r9", "EUR", "10.01", false},
		"overdrawn":           {"r1", "EUR", "0", false},
		"its other currency":  {"r33", "USD", "815.40", true},
		"the IBAN's other":    {"r33", "EUR", "1.00", false},
		"a card":              {"r34", "EUR", "1.00", false},
		"another currency":    {"r9", "USD", "1.00", false},
		"more digits than 53": {"r21", "EUR", "48310.550", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := bank.Available(t.Context(), c.account, service.Amount{Currency: c.currency, Value: c.amount})
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	for _, amount := range []string{"", "ten", "1e9999999", "1/3", "0x1"} {
		_, err := bank.Available(t.Context(), "r9", service.Amount{Currency: "EUR", Value: amount})
		assert.Equal(t, consent.CodeFormat, consent.CodeOf(err), amount)
	}
	_, err := bank.Available(t.Context(), "r0", service.Amount{Currency: "EUR", Value: "1"})
	require.Error(t, err)
}

func TestSlow(t *testing.T) {
	t.Parallel()
	bank, clock := newBank()
	since := clock.Now()
	for psu, want := range map[string]bool{"lea": true, "slow": false} {
		ready, err := bank.Ready(t.Context(), psu, since)
		require.NoError(t, err)
		assert.Equal(t, want, ready, psu)
	}
	require.NoError(t, clock.Advance(30*time.Second))
	ready, err := bank.Ready(t.Context(), "slow", since)
	require.NoError(t, err)
	assert.True(t, ready)
}

func TestSendCode(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	for psu, want := range map[string]error{"lea": nil, "slow": nil, "reject": service.ErrRefused, "blocked": service.ErrBlocked} {
		to, err := bank.SendCode(t.Context(), service.CodeMessage{PSU: psu, Key: "k", Code: "123456", Text: "123456"})
		require.ErrorIs(t, err, want, psu)
		assert.Equal(t, want == nil, to != "")
	}
	_, err := bank.SendCode(t.Context(), service.CodeMessage{PSU: "eve"})
	require.Error(t, err)
}

func TestMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sms := service.Method{ID: "SMS_OTP", Type: "SMS_OTP", Name: "SMS: +33 ••• 42"}
	got, err := b.bank.Methods(t.Context(), "lea")
	require.NoError(t, err)
	assert.Equal(t, []service.Method{sms}, got)
	got, err = b.bank.Methods(t.Context(), "omar")
	require.NoError(t, err)
	assert.Equal(t, []service.Method{
		{ID: "SMS_OTP", Type: "SMS_OTP", Name: "SMS: +971 ••• 56"},
		{ID: "PUSH_OTP", Type: "PUSH_OTP", Name: "Sandbox Bank App: +971 ••• 56"},
		{ID: "TOTP", Type: "TOTP", Name: "Authenticator (TOTP)"},
		{ID: "PASSKEY", Type: "PASSKEY", Name: "Passkey"},
	}, got)
	_, err = b.bank.Methods(t.Context(), "eve")
	require.Error(t, err)

	for _, method := range []string{"", "SMS_OTP", "PUSH_OTP"} {
		to, err := b.bank.SendCode(t.Context(), service.CodeMessage{PSU: "omar", Method: method, Key: "k" + method, Code: "1", Text: "1"})
		require.NoError(t, err, method)
		assert.Equal(t, "+971 ••• 56", to)
	}
	assert.Len(t, b.phone(t, "omar"), 3, "all of them on the one phone")
	_, err = b.bank.SendCode(t.Context(), service.CodeMessage{PSU: "lea", Method: "PUSH_OTP", Key: "k", Code: "1", Text: "1"})
	require.Error(t, err, "lea has no such method")
	for _, method := range []string{"TOTP", "PASSKEY", "CHIP_OTP"} {
		_, err = b.bank.SendCode(t.Context(), service.CodeMessage{PSU: "omar", Method: method, Key: "k", Code: "1", Text: "1"})
		require.Error(t, err, "nothing reaches a phone by %s", method)
	}
}

// brokenStore fails, as a database may.
type brokenStore struct{ *sandbox.Memory }

var errDown = errors.New("down")

func (brokenStore) Get(context.Context, string, string) ([]byte, error) { return nil, errDown }

func TestBrokenStore(t *testing.T) {
	t.Parallel()
	bank := &sandbox.Bank{Store: brokenStore{}, Now: start}
	_, err := bank.List(t.Context(), "lea")
	require.ErrorIs(t, err, errDown)
	_, err = bank.SendCode(t.Context(), service.CodeMessage{PSU: "lea"})
	require.ErrorIs(t, err, errDown)
	_, err = bank.Available(t.Context(), "r1", service.Amount{Currency: "EUR", Value: "1"})
	require.ErrorIs(t, err, errDown)
	_, _, err = bank.Ask(t.Context(), service.Approval{Login: "lea"})
	require.ErrorIs(t, err, errDown)
	_, err = bank.Answer(t.Context(), "lea.0")
	require.ErrorIs(t, err, errDown)
	require.ErrorIs(t, bank.Withdraw(t.Context(), "lea.0"), errDown)

	garbled := &sandbox.Memory{}
	require.NoError(t, garbled.Put(t.Context(), "lea", "accounts", []byte("{")))
	_, err = (&sandbox.Bank{Store: garbled, Now: start}).List(t.Context(), "lea")
	require.ErrorContains(t, err, "decode accounts")
}

// half is a store that reads but does not write.
type half struct{ *sandbox.Memory }

func (half) Swap(context.Context, string, string, []byte, []byte) (bool, error) {
	return false, errDown
}

func TestStoreThatOnlyReads(t *testing.T) {
	t.Parallel()
	bank := &sandbox.Bank{Store: half{&sandbox.Memory{}}, Now: start}
	_, err := bank.SendCode(t.Context(), service.CodeMessage{PSU: "lea"})
	require.ErrorIs(t, err, errDown)
	_, _, err = bank.Ask(t.Context(), service.Approval{Login: "lea"})
	require.ErrorIs(t, err, errDown)
}

// busy is a store in which somebody else is always faster.
type busy struct{ *sandbox.Memory }

func (busy) Swap(context.Context, string, string, []byte, []byte) (bool, error) { return false, nil }

func TestStoreThatIsBusy(t *testing.T) {
	t.Parallel()
	bank := &sandbox.Bank{Store: busy{&sandbox.Memory{}}, Now: start}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := bank.Ask(ctx, service.Approval{Login: "lea"})
	require.ErrorIs(t, err, context.Canceled, "it goes on until nobody waits for it")
}

func TestParallelCodesAreAllKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := make(chan error, 10)
	for i := range 10 {
		go func() {
			_, err := b.bank.SendCode(t.Context(), service.CodeMessage{PSU: "lea", Key: fmt.Sprint(i), Code: "1", Text: "1"})
			done <- err
		}()
	}
	for range 10 {
		require.NoError(t, <-done)
	}
	assert.Len(t, b.phone(t, "lea"), 10)
}
