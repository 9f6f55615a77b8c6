package sca_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/flows/handoff"
	"consentd/internal/service"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// TestHandOffRaces sends calls at once; one of each counts.
func TestHandOffRaces(t *testing.T) {
	const times = 8
	// atOnce makes calls in parallel and counts how they end.
	atOnce := func(calls ...func() (*sca.HandOff, error)) (ended map[consent.Code]int, back map[string]bool) {
		ended, back = map[consent.Code]int{}, map[string]bool{}
		var wg sync.WaitGroup
		var mu sync.Mutex
		for _, call := range calls {
			wg.Go(func() {
				h, err := call()
				mu.Lock()
				defer mu.Unlock()
				code := consent.Code("")
				if err != nil {
					code = consent.CodeOf(err)
				} else {
					back[h.ReturnTo] = true
				}
				ended[code]++
			})
		}
		wg.Wait()
		return ended, back
	}
	repeated := func(call func() (*sca.HandOff, error)) (calls []func() (*sca.HandOff, error)) {
		for range times {
			calls = append(calls, call)
		}
		return calls
	}
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		id, s := b.create(dedicated("DE00ANNA", "DE00CEO"), service.Hint{})
		ended, _ := atOnce(repeated(func() (*sca.HandOff, error) { return b.walks.LookUp(b.ctx, theBank(), s.Handle) })...)
		require.Equal(t, times, ended[""]+ended[consent.CodeUnavailable], ended)
		require.Equal(t, []any{consent.Received, consent.ScaReceived}, b.states(id))

		id, s = b.create(offered(), service.Hint{})
		b.takenUp(s)
		ended, _ = atOnce(
			func() (*sca.HandOff, error) { return b.walks.SetPSU(b.ctx, acting(s), "anna", "") },
			func() (*sca.HandOff, error) { return b.walks.SetPSU(b.ctx, acting(s), "enzo", "") },
		)
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeStatusInvalid: 1}, ended, "one PSU")
		require.Equal(t, []any{consent.Received, consent.ScaPSUAuthenticated}, b.states(id))

		id, s = b.create(dedicated("DE00ANNA"), service.Hint{})
		b.loggedIn(s, "anna")
		ended, back := atOnce(repeated(func() (*sca.HandOff, error) {
			return b.walks.SetResult(b.ctx, acting(s), sca.ResultAuthorised)
		})...)
		require.Equal(t, times, ended[""]+ended[consent.CodeUnavailable], ended)
		require.Equal(t, map[string]bool{"https://tpp.example/ok": true}, back)
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))

		id, s = b.create(dedicated("DE00ANNA"), service.Hint{})
		b.loggedIn(s, "anna")
		ended, back = atOnce(
			func() (*sca.HandOff, error) { return b.walks.SetResult(b.ctx, acting(s), sca.ResultAuthorised) },
			func() (*sca.HandOff, error) { return b.walks.SetResult(b.ctx, acting(s), sca.ResultRefused) },
		)
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeStatusInvalid: 1}, ended, "one result")
		c := b.get(id)
		require.True(t, c.Status.Final() || c.Status == consent.Valid)
		require.Equal(t, map[string]bool{map[bool]string{true: "https://tpp.example/ok", false: "https://tpp.example/nok"}[c.Status == consent.Valid]: true}, back)
	})
}

// TestHandOffOfAnEndedConsent finds it ended by its TPP, before a result and at once
// with it.
func TestHandOffOfAnEndedConsent(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		id, s := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.loggedIn(s, "anna")
		require.NoError(t, b.consents.Terminate(b.ctx, caller(), id, nil))
		for range 2 {
			h, err := b.walks.SetResult(b.ctx, acting(s), sca.ResultAuthorised)
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
			require.Equal(t, "https://tpp.example/nok", h.ReturnTo)
		}
		h, err := b.walks.LookUp(b.ctx, theBank(), s.Handle)
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/nok", h.ReturnTo)
		b.ended(id, consent.Revoked, consent.ReasonTerminated)

		id, s = b.create(dedicated("DE00ANNA"), service.Hint{})
		b.loggedIn(s, "anna")
		var wg sync.WaitGroup
		wg.Go(func() { require.NoError(t, b.consents.Terminate(b.ctx, caller(), id, nil)) })
		h, err = b.walks.SetResult(b.ctx, acting(s), sca.ResultAuthorised)
		wg.Wait()
		b.ended(id, consent.Revoked, consent.ReasonTerminated)
		if err != nil {
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
			require.Equal(t, "https://tpp.example/nok", h.ReturnTo)
			return
		}
		require.Equal(t, "https://tpp.example/ok", h.ReturnTo, "it was valid for a moment")
	})
}

// halting is the flow of hand-offs that does not get to hear a result.
type halting struct {
	*handoff.Flow

	halts atomic.Bool
}

func (f *halting) Continue(ctx context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	if f.halts.Load() && in.Fields["result"] != "" {
		return flow.Step{}, errors.New("stopped")
	}
	return f.Flow.Continue(ctx, req, state, in)
}

// TestHandOffHalfDone goes on where the program stopped between the approval and
// the end of a walk.
func TestHandOffHalfDone(t *testing.T) {
	eachHandedOff(t, func(t *testing.T, b *bundle) {
		f, err := handoff.New(handoff.Config{URL: "https://bank.example/{handle}"})
		require.NoError(t, err)
		stopping := &halting{Flow: f}
		stopping.halts.Store(true)
		b.walks.Flows["handoff"] = stopping
		id, s := b.create(offered(), service.Hint{})
		b.loggedIn(s, "anna")
		choice := sca.Choice{Accounts: []string{"anna-eur"}}
		_, err = b.walks.SetAccounts(b.ctx, acting(s), choice)
		require.NoError(t, err)
		_, err = b.walks.SetResult(b.ctx, acting(s), sca.ResultAuthorised)
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))

		h, err := b.walks.SetAccounts(b.ctx, acting(s), choice)
		require.NoError(t, err, "the same again")
		require.Equal(t, sca.WaitsForResult, h.Waits)
		_, err = b.walks.SetAccounts(b.ctx, acting(s), sca.Choice{Accounts: []string{"anna-usd"}})
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "the PSU has agreed to something else")
		stopping.halts.Store(false)
		b.results(s, sca.ResultAuthorised)
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
	})
}
