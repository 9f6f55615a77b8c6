package sca_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/flows/handoff"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
)

// eachHandedOff is each with the bank's own pages in the place of ours.
func eachHandedOff(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	each(t, func(t *testing.T, b *bundle) {
		f, err := handoff.New(handoff.Config{URL: "https://bank.example/{handle}"})
		require.NoError(t, err)
		b.walks.Flows["handoff"], b.walks.Serves[consent.Redirect] = f, "handoff"
		test(t, b)
	})
}

func theBank() consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: "token/7", RequestID: "request-9"}
}

func acting(s *consents.Started) sca.Acting {
	return sca.Acting{Authorisation: s.Authorisation, Cause: theBank()}
}

// takenUp looks a handle up.
func (b *bundle) takenUp(s *consents.Started) *sca.HandOff {
	b.t.Helper()
	h, err := b.walks.LookUp(b.ctx, theBank(), s.Handle)
	require.NoError(b.t, err)
	return h
}

// loggedIn looks a handle up and says who it is.
func (b *bundle) loggedIn(s *consents.Started, psu string) *sca.HandOff {
	b.t.Helper()
	b.takenUp(s)
	h, err := b.walks.SetPSU(b.ctx, acting(s), psu, "")
	require.NoError(b.t, err)
	return h
}

// results says how it ended.
func (b *bundle) results(s *consents.Started, r sca.HandOffResult) *sca.HandOff {
	b.t.Helper()
	h, err := b.walks.SetResult(b.ctx, acting(s), r)
	require.NoError(b.t, err)
	return h
}

func keysOf(offers []sca.Offer) (keys []string) {
	for _, o := range offers {
		keys = append(keys, o.Key)
	}
	return keys
}

// TestHandOff walks all the way, each call twice.
func TestHandOff(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		id, s := b.create(offered(), service.Hint{PSU: "anna", Language: "de"})
		twice := func(call func() (*sca.HandOff, error)) *sca.HandOff {
			t.Helper()
			first, err := call()
			require.NoError(t, err)
			second, err := call()
			require.NoError(t, err)
			// What the walk has forgotten with its end is all that may differ.
			require.Equal(t, first.Authorisation, second.Authorisation)
			require.Equal(t, []any{first.Consent.Status, first.Waits, first.ReturnTo, first.Until, first.Terms, first.Method},
				[]any{second.Consent.Status, second.Waits, second.ReturnTo, second.Until, second.Terms, second.Method})
			return second
		}
		h, err := b.walks.Look(b.ctx, s.Authorisation)
		require.NoError(t, err)
		require.Equal(t, []any{sca.WaitsForLookUp, begin.Add(10 * time.Minute)}, []any{h.Waits, h.Until})

		h = twice(func() (*sca.HandOff, error) { return b.walks.LookUp(b.ctx, theBank(), s.Handle) })
		require.Equal(t, []any{id, "The TPP", "anna", "de", sca.WaitsForPSU, begin.Add(15 * time.Minute), ""},
			[]any{h.Consent.ID, h.Consent.TPPName, h.Hint.PSU, h.Hint.Language, h.Waits, h.Until, h.ReturnTo})
		require.Equal(t, consent.ScaReceived, h.Authorisation.Status)

		h = twice(func() (*sca.HandOff, error) {
			return b.walks.SetStatus(b.ctx, acting(s), consent.ScaPSUIdentified, "")
		})
		require.Equal(t, consent.ScaPSUIdentified, h.Authorisation.Status)

		h = twice(func() (*sca.HandOff, error) { return b.walks.SetPSU(b.ctx, acting(s), "anna", "") })
		require.Equal(t, []string{"DE00ANNA/EUR", "DE00ANNA/USD", "anna****"}, keysOf(h.Offers))
		require.Equal(t, []any{consent.ScaPSUAuthenticated, sca.WaitsForAccounts, "anna", "ANNA", 1, 0},
			[]any{h.Authorisation.Status, h.Waits, h.PSU, h.Customer.Name, h.Signers, h.Signed})

		h = twice(func() (*sca.HandOff, error) {
			return b.walks.SetStatus(b.ctx, acting(s), consent.ScaMethodSelected, "the bank's app")
		})
		require.Equal(t, []any{consent.ScaMethodSelected, "the bank's app"}, []any{h.Authorisation.Status, h.Method})

		no := false
		today := consent.DateOf(begin, time.UTC)
		for _, accounts := range [][]string{{"anna-eur", "anna-usd"}, {"anna-usd"}, {"DE00ANNA/USD"}} {
			h = twice(func() (*sca.HandOff, error) {
				return b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{
					Accounts: accounts, Narrower: consent.Narrowing{ValidUntil: today.AddDays(2), Recurring: &no},
				})
			})
		}
		require.Equal(t, []any{sca.WaitsForResult, []string{"DE00ANNA/USD"}}, []any{h.Waits, h.Picked})
		require.Equal(t, consent.Terms{ValidUntil: today.AddDays(2), EndsAt: today.AddDays(2).End(time.UTC), FrequencyPerDay: 1}, h.Terms)
		require.True(t, b.get(id).Recurring, "it counts with the result")

		h = twice(func() (*sca.HandOff, error) { return b.walks.SetResult(b.ctx, acting(s), sca.ResultAuthorised) })
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised, "https://tpp.example/ok", sca.WaitsForNothing},
			[]any{h.Consent.Status, h.Authorisation.Status, h.ReturnTo, h.Waits})
		c := b.get(id)
		require.Equal(t, []any{consent.Valid, begin, h.Terms, 1}, []any{c.Status, c.LastSCA, c.Terms(), len(c.Access.Grants)})
		require.Equal(t, "USD", c.Access.Grants[0].Reference.Currency)

		h, err = b.walks.Look(b.ctx, s.Authorisation)
		require.NoError(t, err)
		require.Equal(t, []any{"https://tpp.example/ok", "anna", time.Time{}, service.Customer{}}, []any{h.ReturnTo, h.PSU, h.Until, h.Customer}, "who it was is still told")
		h, err = b.walks.SetPSU(b.ctx, acting(s), "anna", "")
		require.NoError(t, err, "the same PSU again")
		require.Equal(t, consent.ScaFinalised, h.Authorisation.Status)
		h, err = b.walks.LookUp(b.ctx, theBank(), s.Handle)
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/ok", h.ReturnTo)

		require.Equal(t, []string{
			" > received: tpp A", "received > psuIdentified: aspsp token/7", "psuIdentified > psuAuthenticated: aspsp token/7 for anna",
			"psuAuthenticated > scaMethodSelected: aspsp token/7 for anna", "scaMethodSelected > started: aspsp token/7 for anna",
			"started > finalised: aspsp token/7 for anna", "received > valid: aspsp token/7 for anna",
		}, b.authors(id))
	})
}

// TestHandOffClosesOurPage lets no browser go on with us what the bank goes on with.
func TestHandOffClosesOurPage(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		id, s := b.create(offered(), service.Hint{})
		v, err := b.walks.Open(b.ctx, s.Handle, by("browser"))
		b.page(sca.PageWait, v, err)
		require.Equal(t, "Please go on in your online banking.", v.Message)
		v, err = b.walks.Answer(b.ctx, s.Handle, by("browser"), word("anna")) // binds it
		b.page(sca.PageWait, v, err)
		_, err = b.walks.SetPSU(b.ctx, acting(s), "anna", "")
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "not without the handle")

		b.takenUp(s)
		for _, browser := range []string{"browser", "another"} {
			_, err = b.walks.Open(b.ctx, s.Handle, by(browser))
			require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
			_, err = b.walks.Answer(b.ctx, s.Handle, by(browser), sca.Answer{Refuse: true})
			require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		}
		require.Equal(t, []any{consent.Received, consent.ScaReceived}, b.states(id))
		b.loggedIn(s, "anna")
	})
}

// TestHandOffEndings ends walks in every other way.
func TestHandOffEndings(t *testing.T) {
	eur := sca.Choice{Accounts: []string{"anna-eur"}}
	for name, x := range map[string]struct {
		access consent.Access
		walk   func(b *bundle, s *consents.Started)
		result sca.HandOffResult
		states []any
	}{
		"refused before it is known by whom": {offered(), func(b *bundle, s *consents.Started) { b.takenUp(s) }, sca.ResultRefused, []any{consent.Rejected, consent.ScaFailed}},
		"failed before it is known by whom":  {offered(), func(b *bundle, s *consents.Started) { b.takenUp(s) }, sca.ResultFailed, []any{consent.Received, consent.ScaFailed}},
		"refused at the choice":              {offered(), func(b *bundle, s *consents.Started) { b.loggedIn(s, "anna") }, sca.ResultRefused, []any{consent.Rejected, consent.ScaFailed}},
		"failed at the choice":               {offered(), func(b *bundle, s *consents.Started) { b.loggedIn(s, "anna") }, sca.ResultFailed, []any{consent.Received, consent.ScaFailed}},
		"refused at the end": {offered(), func(b *bundle, s *consents.Started) {
			b.loggedIn(s, "anna")
			_, err := b.walks.SetAccounts(b.ctx, acting(s), eur)
			require.NoError(b.t, err)
		}, sca.ResultRefused, []any{consent.Rejected, consent.ScaFailed}},
		"nothing to choose": {dedicated("DE00ANNA"), func(b *bundle, s *consents.Started) { b.loggedIn(s, "anna") }, sca.ResultAuthorised, []any{consent.Valid, consent.ScaFinalised}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHandedOff(t, func(t *testing.T, b *bundle) {
				id, s := b.create(x.access, service.Hint{})
				x.walk(b, s)
				back := "https://tpp.example/nok"
				if x.result == sca.ResultAuthorised {
					back = "https://tpp.example/ok"
				}
				for range 2 {
					h := b.results(s, x.result)
					require.Equal(t, []any{x.states[0], x.states[1], back}, []any{h.Consent.Status, h.Authorisation.Status, h.ReturnTo})
				}
				require.Equal(t, x.states, b.states(id))
				for _, other := range []sca.HandOffResult{sca.ResultAuthorised, sca.ResultRefused, sca.ResultFailed} {
					if other == x.result {
						continue
					}
					h, err := b.walks.SetResult(b.ctx, acting(s), other)
					require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
					require.Equal(t, back, h.ReturnTo)
				}
				_, err := b.consents.Expire(b.ctx, 9)
				require.NoError(t, err)
				for range 2 { // a worker tells the flow of what ended without it
					_, err = b.walks.Poll(b.ctx, 9)
					require.NoError(t, err)
				}
				r, err := b.db.RunOf(b.ctx, s.Authorisation)
				require.NoError(t, err)
				require.Nil(t, r.Memo)
			})
		})
	}
}

// TestHandOffWithConfirmation gives the code to who says the result, and to nobody
// else, and waits for the TPP.
func TestHandOffWithConfirmation(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		b.walks.Policy.Confirmation = true
		id, s := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.loggedIn(s, "anna")
		_, err := b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Narrower: consent.Narrowing{FrequencyPerDay: 1}})
		require.NoError(t, err)
		var codes []string
		for range 2 {
			h := b.results(s, sca.ResultAuthorised)
			require.Equal(t, []any{consent.Received, consent.ScaUnconfirmed, sca.WaitsForTPP}, []any{h.Consent.Status, h.Authorisation.Status, h.Waits})
			u, err := url.Parse(h.ReturnTo)
			require.NoError(t, err)
			require.Equal(t, "https://tpp.example/ok", u.Scheme+"://"+u.Host+u.Path)
			codes = append(codes, u.Query().Get("confirmationCode"))
		}
		require.Len(t, codes[0], 22)
		require.Equal(t, codes[0], codes[1])
		h, err := b.walks.Look(b.ctx, s.Authorisation)
		require.NoError(t, err)
		require.Empty(t, h.ReturnTo)
		h, err = b.walks.LookUp(b.ctx, theBank(), s.Handle)
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		require.Empty(t, h.ReturnTo)
		_, err = b.walks.SetResult(b.ctx, acting(s), sca.ResultRefused)
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
		h, err = b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Narrower: consent.Narrowing{FrequencyPerDay: 1}})
		require.NoError(t, err, "the same again")
		require.Equal(t, 1, h.Terms.FrequencyPerDay)
		_, err = b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{})
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "too late")

		b.puts(id, s, confirm(codes[0]))
		c := b.get(id)
		require.Equal(t, []any{consent.Valid, 1}, []any{c.Status, c.FrequencyPerDay})
		require.Equal(t, "https://tpp.example/ok", b.results(s, sca.ResultAuthorised).ReturnTo)
	})
}

// TestHandOffIsNoExemption calls what the bank has authenticated by its name.
func TestHandOffIsNoExemption(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		b.walks.Policy.ExemptAvailable = true
		id, s := b.create(consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts}, service.Hint{})
		b.loggedIn(s, "anna")
		no := false
		_, err := b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Narrower: consent.Narrowing{Recurring: &no}})
		require.NoError(t, err)
		b.results(s, sca.ResultAuthorised)
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
		require.Equal(t, begin, b.get(id).LastSCA)
	})
}

// TestSignersHandedOff has the first of two decide, and the second agree to that.
func TestSignersHandedOff(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		id, one := b.create(offered(), firm())
		two := b.start(id, firm())
		h := b.loggedIn(one, "ceo")
		require.Equal(t, []any{2, 0}, []any{h.Signers, h.Signed})
		b.loggedIn(two, "cfo")
		rarely := consent.Narrowing{FrequencyPerDay: 2}
		_, err := b.walks.SetAccounts(b.ctx, acting(one), sca.Choice{Accounts: []string{"firm-eur"}, Narrower: rarely})
		require.NoError(t, err)
		_, err = b.walks.SetAccounts(b.ctx, acting(two), sca.Choice{Accounts: []string{"firm-eur"}, Narrower: consent.Narrowing{FrequencyPerDay: 1}})
		require.NoError(t, err, "nobody has signed yet")
		h = b.results(one, sca.ResultAuthorised)
		require.Equal(t, []any{consent.PartiallyAuthorised, 1, 2, "https://tpp.example/ok"},
			[]any{h.Consent.Status, h.Signed, h.Terms.FrequencyPerDay, h.ReturnTo})
		h, err = b.walks.SetResult(b.ctx, acting(two), sca.ResultAuthorised)
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "the second would have less")
		require.Equal(t, "https://tpp.example/nok", h.ReturnTo)

		three := b.start(id, firm())
		h = b.loggedIn(three, "cfo")
		require.Equal(t, []any{[]string{"DE00FIRM"}, 2, sca.WaitsForResult}, []any{keysOf(h.Offers), h.Terms.FrequencyPerDay, h.Waits})
		_, err = b.walks.SetAccounts(b.ctx, acting(three), sca.Choice{Narrower: consent.Narrowing{FrequencyPerDay: 1}})
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		_, err = b.walks.SetAccounts(b.ctx, acting(three), sca.Choice{Accounts: []string{"firm-usd"}})
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		_, err = b.walks.SetAccounts(b.ctx, acting(three), sca.Choice{Accounts: []string{"DE00FIRM"}, Narrower: rarely})
		require.NoError(t, err, "what the first has decided")
		b.results(three, sca.ResultAuthorised)
		c := b.get(id)
		require.Equal(t, []any{consent.Valid, 2, 1}, []any{c.Status, c.FrequencyPerDay, len(c.Access.Grants)})
	})
}

// TestSomeOfAll refuses a choice among accounts that the TPP has named.
func TestSomeOfAll(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		_, s := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.loggedIn(s, "anna")
		_, err := b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Accounts: []string{"anna-eur"}})
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		h, err := b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Accounts: []string{"anna-usd", "anna-eur"}})
		require.NoError(t, err, "all of them")
		require.Empty(t, h.Picked)
	})
}
