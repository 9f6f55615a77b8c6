package sca_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
)

// TestHandOffRefusals refuses what comes out of turn, or is not to be had; the walk
// stands where it was.
func TestHandOffRefusals(t *testing.T) {
	loggedIn := func(b *bundle, s *consents.Started) { b.loggedIn(s, "ceo") }
	taken := func(b *bundle, s *consents.Started) { b.takenUp(s) }
	no := func(*bundle, *consents.Started) {}
	psu := func(psu, customer string) func(*bundle, sca.Acting) error {
		return func(b *bundle, a sca.Acting) error {
			_, err := b.walks.SetPSU(b.ctx, a, psu, customer)
			return err
		}
	}
	status := func(to consent.ScaStatus) func(*bundle, sca.Acting) error {
		return func(b *bundle, a sca.Acting) error {
			_, err := b.walks.SetStatus(b.ctx, a, to, "")
			return err
		}
	}
	choose := func(c sca.Choice) func(*bundle, sca.Acting) error {
		return func(b *bundle, a sca.Acting) error {
			_, err := b.walks.SetAccounts(b.ctx, a, c)
			return err
		}
	}
	result := func(r sca.HandOffResult) func(*bundle, sca.Acting) error {
		return func(b *bundle, a sca.Acting) error {
			_, err := b.walks.SetResult(b.ctx, a, r)
			return err
		}
	}
	for name, x := range map[string]struct {
		before func(*bundle, *consents.Started)
		call   func(*bundle, sca.Acting) error
		code   consent.Code
	}{
		"a PSU without a look-up":           {no, psu("ceo", ""), consent.CodeStatusInvalid},
		"a result without a look-up":        {no, result(sca.ResultRefused), consent.CodeStatusInvalid},
		"a status without a PSU":            {taken, status(consent.ScaStarted), consent.CodeStatusInvalid},
		"accounts without a PSU":            {taken, choose(sca.Choice{Accounts: []string{"ceo-eur"}}), consent.CodeStatusInvalid},
		"authorised without a PSU":          {taken, result(sca.ResultAuthorised), consent.CodeStatusInvalid},
		"a customer who is not theirs":      {taken, psu("ceo", "anna"), consent.CodeCorporate},
		"a PSU whom the bank does not know": {taken, psu("ghost", ""), consent.CodeFormat},
		"nor for a customer":                {taken, psu("ghost", "firm"), consent.CodeFormat},
		"another PSU":                       {loggedIn, psu("cfo", ""), consent.CodeStatusInvalid},
		"the PSU for another customer":      {loggedIn, psu("ceo", "firm"), consent.CodeStatusInvalid},
		"a step back":                       {loggedIn, status(consent.ScaPSUIdentified), consent.CodeStatusInvalid},
		"authorised without accounts":       {loggedIn, result(sca.ResultAuthorised), consent.CodeStatusInvalid},
		"no account":                        {loggedIn, choose(sca.Choice{}), consent.CodeFormat},
		"an account that was not offered":   {loggedIn, choose(sca.Choice{Accounts: []string{"ceo-eur", "anna-eur"}}), consent.CodeForbidden},
		"terms that are wider":              {loggedIn, choose(sca.Choice{Accounts: []string{"ceo-eur"}, Narrower: consent.Narrowing{FrequencyPerDay: 5}}), consent.CodeFormat},
		"a bank that does not answer":       {func(b *bundle, s *consents.Started) { b.takenUp(s); b.bank.down.Store(true) }, psu("ceo", ""), consent.CodeUnavailable},
		"a bank that does not, a customer":  {func(b *bundle, s *consents.Started) { b.takenUp(s); b.bank.down.Store(true) }, psu("ceo", "firm"), consent.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			eachHandedOff(t, func(t *testing.T, b *bundle) {
				id, s := b.create(offered(), service.Hint{})
				x.before(b, s)
				states := b.states(id)
				for range 2 {
					err := x.call(b, acting(s))
					require.Equal(t, x.code, consent.CodeOf(err), err)
				}
				require.Equal(t, states, b.states(id))
				b.bank.down.Store(false)
				b.takenUp(s)
				_, err := b.walks.SetPSU(b.ctx, acting(s), "ceo", "")
				require.NoError(t, err)
				_, err = b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Accounts: []string{"ceo-eur"}})
				require.NoError(t, err)
				b.results(s, sca.ResultAuthorised)
				require.Equal(t, consent.Valid, b.get(id).Status)
			})
		})
	}
}

// TestHandOffOfWhoMayNot ends with the PSU who is named: the accounts are not theirs,
// or they may not sign. The call says why, and where the browser goes; so it does again.
func TestHandOffOfWhoMayNot(t *testing.T) {
	for name, x := range map[string]struct {
		psu, hint, customer string
		access              consent.Access
		status              consent.Status
	}{
		"another's accounts":              {psu: "enzo", access: dedicated("DE00ANNA"), status: consent.Rejected},
		"no accounts at all":              {psu: "poor", access: offered(), status: consent.Rejected},
		"acts for nobody":                 {psu: "stranger", access: offered(), status: consent.Received},
		"is no signer of the company":     {psu: "clerk", hint: "852126789", access: offered(), status: consent.Received},
		"is none, whom the bank names":    {psu: "clerk", customer: "firm", access: offered(), status: consent.Received},
		"acts not for whom the TPP means": {psu: "anna", hint: "852126789", access: offered(), status: consent.Received},
	} {
		t.Run(name, func(t *testing.T) {
			eachHandedOff(t, func(t *testing.T, b *bundle) {
				id, s := b.create(x.access, service.Hint{Corporate: x.hint})
				b.takenUp(s)
				for range 2 {
					h, err := b.walks.SetPSU(b.ctx, acting(s), x.psu, x.customer)
					require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), err)
					require.Equal(t, []any{"https://tpp.example/nok", consent.ScaFailed}, []any{h.ReturnTo, h.Authorisation.Status})
				}
				require.Equal(t, []any{x.status, consent.ScaFailed}, b.states(id))
			})
		})
	}
}

// TestHandOffTime ends with the time to open, and with the time to finish.
func TestHandOffTime(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		id, s := b.create(offered(), service.Hint{})
		b.advance(10 * time.Minute)
		h, err := b.walks.LookUp(b.ctx, theBank(), s.Handle)
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/nok", h.ReturnTo)
		_, err = b.walks.SetPSU(b.ctx, acting(s), "anna", "")
		require.Equal(t, consent.CodeTimeOver, consent.CodeOf(err))

		s = b.start(id, service.Hint{})
		b.advance(10*time.Minute - time.Second)
		b.loggedIn(s, "anna")
		b.advance(15 * time.Minute)
		for _, call := range []func() (*sca.HandOff, error){
			func() (*sca.HandOff, error) { return b.walks.SetPSU(b.ctx, acting(s), "anna", "") },
			func() (*sca.HandOff, error) { return b.walks.SetStatus(b.ctx, acting(s), consent.ScaStarted, "") },
			func() (*sca.HandOff, error) {
				return b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Accounts: []string{"anna-eur"}})
			},
			func() (*sca.HandOff, error) { return b.walks.SetResult(b.ctx, acting(s), sca.ResultFailed) },
		} {
			h, err := call()
			require.Equal(t, consent.CodeTimeOver, consent.CodeOf(err))
			require.Equal(t, "https://tpp.example/nok", h.ReturnTo)
		}
		require.Equal(t, []any{consent.Received, consent.ScaFailed, consent.ScaFailed}, b.states(id))
	})
}

// TestHandOffOfABlockedTPP stands still while the bank has shut the TPP out.
func TestHandOffOfABlockedTPP(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		_, s := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.loggedIn(s, "anna")
		b.block(b.register(), time.Time{})
		for _, call := range []func() (*sca.HandOff, error){
			func() (*sca.HandOff, error) { return b.walks.LookUp(b.ctx, theBank(), s.Handle) },
			func() (*sca.HandOff, error) { return b.walks.SetStatus(b.ctx, acting(s), consent.ScaStarted, "") },
			func() (*sca.HandOff, error) { return b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{}) },
			func() (*sca.HandOff, error) { return b.walks.SetResult(b.ctx, acting(s), sca.ResultAuthorised) },
		} {
			h, err := call()
			require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
			if h != nil {
				require.Empty(t, h.ReturnTo)
			}
		}
		h, err := b.walks.Look(b.ctx, s.Authorisation)
		require.NoError(t, err)
		require.Equal(t, sca.WaitsForResult, h.Waits)
	})
}

// TestNotHandedOff leaves alone what goes on, on our pages.
func TestNotHandedOff(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		_, s := b.create(offered(), service.Hint{})
		_, err := b.walks.LookUp(b.ctx, theBank(), s.Handle)
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		_, err = b.walks.Look(b.ctx, s.Authorisation)
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		_, err = b.walks.SetPSU(b.ctx, acting(s), "anna", "")
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))

		_, err = b.walks.LookUp(b.ctx, theBank(), "made up")
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = b.walks.Look(b.ctx, uuid.New())
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = b.walks.SetResult(b.ctx, sca.Acting{Authorisation: uuid.New()}, sca.ResultRefused)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	})
}

// TestFaultsOfChoices: what is wrong with a choice is told at once, as long as one can be made.
func TestFaultsOfChoices(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		_, s := b.create(offered(), service.Hint{})
		yesterday := consent.DateOf(begin, time.UTC).AddDays(-1)
		wrong := sca.Choice{Narrower: consent.Narrowing{ValidUntil: yesterday, FrequencyPerDay: 5}}
		faults := func(c sca.Choice) string {
			found, err := b.walks.FaultsOf(b.ctx, s.Authorisation, c)
			require.NoError(t, err)
			return found.Error()
		}
		b.takenUp(s)
		require.Empty(t, faults(wrong), "nobody is there to choose")
		_, err := b.walks.SetPSU(b.ctx, acting(s), "ceo", "")
		require.NoError(t, err)

		const all = "accounts format: are required: the PSU chooses; validUntil format: must not be in the past; frequencyPerDay format: must not be more than 4"
		require.Equal(t, all, faults(wrong))
		_, err = b.walks.SetAccounts(b.ctx, acting(s), wrong)
		require.EqualError(t, err, all)
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
		require.Equal(t, "accounts format: are required: the PSU chooses", faults(sca.Choice{}))
		right := sca.Choice{Accounts: []string{"ceo-eur"}}
		require.Empty(t, faults(right))
		require.Empty(t, faults(sca.Choice{Accounts: []string{"anna-eur"}}), "that is no fault of the form")

		_, err = b.walks.SetAccounts(b.ctx, acting(s), right)
		require.NoError(t, err)
		require.NotEmpty(t, faults(wrong), "it may be changed until the end")
		b.results(s, sca.ResultAuthorised)
		require.Empty(t, faults(wrong), "nor is there anything to choose after the end")
		_, err = b.walks.FaultsOf(b.ctx, uuid.New(), wrong)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	})
}
