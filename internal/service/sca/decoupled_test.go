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
	flow "consentd/pkg/sca"
)

// decoupled makes a consent whose PSU is asked in the bank's app.
func (b *bundle) decoupled(access consent.Access, psu string) (uuid.UUID, *consents.Started) {
	b.t.Helper()
	return b.createBy(consent.Decoupled, access, service.Hint{PSU: psu})
}

// work lets a worker look, a second later, at as many runs as are due.
func (b *bundle) work(want int) error {
	b.t.Helper()
	b.advance(time.Second)
	n, err := b.walks.Poll(b.ctx, 9)
	require.Equal(b.t, want, n)
	return err
}

func TestDecoupled(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		require.Equal(t, []any{consent.Received, consent.ScaPSUIdentified}, b.states(id))
		require.Zero(t, b.app.asked.Load(), "a worker begins, not the TPP's call")
		for range 3 {
			require.NoError(t, b.work(1))
			require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
		}
		require.EqualValues(t, 1, b.app.asked.Load())
		b.app.approve()
		require.NoError(t, b.work(1))
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
		require.Len(t, b.get(id).Access.Grants, 2)
		require.NoError(t, b.work(0), "there is nothing to wait for")
	})
}

func TestDecoupledEndings(t *testing.T) {
	for name, x := range map[string]struct {
		access consent.Access
		psu    string
		answer flow.Step
		status consent.Status
		reason consent.Reason
		sca    consent.ScaStatus
	}{
		"the PSU says no":      {dedicated("DE00ANNA"), "anna", flow.Step{Outcome: flow.Denied}, consent.Rejected, consent.ReasonRefused, consent.ScaFailed},
		"the PSU is blocked":   {dedicated("DE00ANNA"), "anna", flow.Step{Outcome: flow.Denied, Blocked: true}, consent.Received, "", consent.ScaFailed},
		"another's account":    {dedicated("DE00ENZO"), "anna", flow.Step{Outcome: flow.Done}, consent.Rejected, consent.ReasonNotEntitled, consent.ScaFailed},
		"acts for nobody":      {dedicated("DE00ANNA"), "stranger", flow.Step{Outcome: flow.Done}, consent.Received, "", consent.ScaFailed},
		"the choice of one":    {offered(), "anna", flow.Step{Outcome: flow.Done, Accounts: []string{"anna-usd"}}, consent.Valid, "", consent.ScaFinalised},
		"no choice in the app": {offered(), "anna", flow.Step{Outcome: flow.Done}, consent.Rejected, consent.ReasonNotEntitled, consent.ScaFailed},
		"a foreign account chosen": {
			offered(), "anna", flow.Step{Outcome: flow.Done, Accounts: []string{"anna-usd", "enzo-eur"}}, consent.Rejected, consent.ReasonNotEntitled, consent.ScaFailed,
		},
		"all, at each decision": {consent.Access{Scope: consent.ScopeAllPSD2}, "anna", flow.Step{Outcome: flow.Done}, consent.Valid, "", consent.ScaFinalised},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, _ := b.decoupled(x.access, x.psu)
				require.NoError(t, b.work(1))
				b.app.answer.Store(&x.answer)
				require.NoError(t, b.work(1))
				b.ended(id, x.status, x.reason)
				require.Equal(t, x.sca, b.get(id).Authorisations[0].Status)
				require.NoError(t, b.work(0))
			})
		})
	}
}

// TestDecoupledChoice grants what was chosen in the app, and nothing else.
func TestDecoupledChoice(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, _ := b.decoupled(offered(), "anna")
		require.NoError(t, b.work(1))
		b.app.approve("anna-usd", "anna-card")
		require.NoError(t, b.work(1))
		grants := b.get(id).Access.Grants
		require.Len(t, grants, 2)
		require.Equal(t, "USD", grants[0].Reference.Currency)
		require.Equal(t, "anna****", grants[1].Reference.MaskedPAN)
	})
}

// TestDecoupledPSUIsNamedLater asks nobody before the TPP has said whom.
func TestDecoupledPSUIsNamedLater(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.decoupled(dedicated("DE00ANNA"), "")
		require.NoError(t, b.work(0))
		require.Equal(t, consent.ScaPSUIdentified, b.puts(id, started, identify("anna")).Status)
		require.NoError(t, b.work(1))
		require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
		_, err := b.put(id, started, identify("anna"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "the PSU is being asked already")
		b.app.approve()
		require.NoError(t, b.work(1))
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

// TestDecoupledNamedTwice is asked once, although the TPP names the PSU while the
// worker begins.
func TestDecoupledNamedTwice(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.decoupled(dedicated("DE00ANNA"), "")
		b.puts(id, started, identify("anna"))
		b.app.broken.Store(true)
		require.Error(t, b.work(1))
		b.puts(id, started, identify("anna"))
		b.app.broken.Store(false)
		require.NoError(t, b.work(0), "the run rests after a failure")
		b.advance(10 * time.Second)
		require.NoError(t, b.work(1))
		require.EqualValues(t, 1, b.app.asked.Load())
	})
}

// TestDecoupledStops kills a worker half way: another one goes on.
func TestDecoupledStops(t *testing.T) {
	for name, x := range map[string]struct {
		access consent.Access
		stage  consent.Stage
	}{
		"at the review":    {dedicated("DE00ANNA"), consent.StageReview},
		"at the accounts":  {offered(), consent.StageAccounts},
		"after the choice": {offered(), consent.StageReview},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, _ := b.decoupled(x.access, "anna")
				require.NoError(t, b.work(1))
				b.app.approve("anna-usd", "anna-eur")
				b.stopAt(x.stage, func() error { return b.work(1) })
				require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
				b.app.broken.Store(true) // it is not asked again
				b.advance(2 * time.Minute)
				require.NoError(t, b.work(1))
				require.Equal(t, consent.Valid, b.get(id).Status)
				require.Len(t, b.get(id).Access.Grants, 2)
			})
		})
	}
}

// TestDecoupledTwoFactors has an app that identifies first and asks once more.
func TestDecoupledTwoFactors(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		require.NoError(t, b.work(1))
		b.app.answer.Store(&flow.Step{Outcome: flow.Identified, PSU: "anna", State: []byte("anna")})
		require.NoError(t, b.work(1))
		require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
		b.app.approve()
		require.NoError(t, b.work(1))
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
	})
}

// TestDecoupledTimeIsOver ends what nobody answers, and what is answered too late.
func TestDecoupledTimeIsOver(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		require.NoError(t, b.work(1))
		b.advance(15 * time.Minute)
		b.app.approve()
		require.NoError(t, b.work(1))
		require.Equal(t, []any{consent.Received, consent.ScaFailed}, b.states(id))
		require.NoError(t, b.work(0))
	})
}

// TestNoBrowserOpensIt: where the PSU is not reached by a page of ours, even who
// had the handle would find nothing.
func TestNoBrowserOpensIt(t *testing.T) {
	for _, approach := range []consent.Approach{consent.Decoupled, consent.Embedded} {
		t.Run(string(approach), func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(approach, dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
				_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
				require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
				_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Refuse: true})
				require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
				require.Equal(t, []any{consent.Received, consent.ScaPSUIdentified}, b.states(id))
			})
		})
	}
}
