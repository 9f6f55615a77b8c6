package sca_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// TestExempted does without the last factor for a one-off list of accounts, where
// the bank says so, and for nothing else.
func TestExempted(t *testing.T) {
	list := consent.Access{Scope: consent.ScopeAvailable}
	for name, x := range map[string]struct {
		allowed, recurring bool
		access             consent.Access
		exempted           bool
	}{
		"a one-off list":                {true, false, list, true},
		"with balances":                 {true, false, consent.Access{Scope: consent.ScopeAvailableBalances}, true},
		"a recurring list":              {true, true, list, false},
		"all accounts":                  {true, false, consent.Access{Scope: consent.ScopeAllPSD2}, false},
		"named accounts":                {true, false, dedicated("DE00ANNA"), false},
		"where the bank does not say":   {false, false, list, false},
		"and recurring, said or unsaid": {false, true, list, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				b.walks.Policy.ExemptAvailable = x.allowed
				c, err := b.consents.Create(b.ctx, caller(), consent.Draft{
					Access: x.access, Recurring: x.recurring, FrequencyPerDay: 1, ValidUntil: consent.DateOf(begin, time.UTC).AddDays(1),
					RedirectURI: "https://tpp.example/ok",
				}, consents.Wish{Approach: consent.Embedded, Hint: service.Hint{PSU: "anna"}}, nil)
				require.NoError(t, err)
				st, err := b.walks.Update(b.ctx, caller(), sca.Target{Consent: c.ID, Authorisation: c.Authorisations[0].ID},
					sca.Update{Kind: sca.Password, Value: "anna"}, nil)
				require.NoError(t, err)
				got := b.get(c.ID)
				if !x.exempted {
					require.Equal(t, []any{sca.NextData, consent.Received}, []any{st.Next, got.Status})
					return
				}
				require.Equal(t, []any{consent.ScaExempted, consent.Valid, true}, []any{st.Status, got.Status, got.LastSCA.IsZero()})
			})
		})
	}
}

// TestExemptedPage ends on the review, which says so.
func TestExemptedPage(t *testing.T) {
	b := setup(t, "sqlite")
	b.walks.Policy.ExemptAvailable = true
	c, err := b.consents.Create(b.ctx, caller(), consent.Draft{
		Access: consent.Access{Scope: consent.ScopeAvailable}, FrequencyPerDay: 1, ValidUntil: consent.DateOf(begin, time.UTC).AddDays(1),
		RedirectURI: "https://tpp.example/ok",
	}, consents.Wish{Approach: consent.Embedded}, nil)
	require.NoError(t, err)
	started := b.start(c.ID, service.Hint{})
	require.True(t, b.upTo(started.Handle, "anna").Authenticated, "the last step")
	v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
	b.page(sca.PageEnded, v, err)
	require.Equal(t, consent.Valid, b.get(c.ID).Status)
}

// TestNotExempted wants a factor to have been shown before another is left out.
func TestNotExempted(t *testing.T) {
	list := consent.Access{Scope: consent.ScopeAvailable}
	for name, x := range map[string]struct {
		approach consent.Approach
		knows    flow.Flow
	}{
		"in the app, whom the TPP names": {consent.Decoupled, &toyTrust{}},
		"on a page, whom the TPP names":  {consent.Redirect, &toyTrust{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, "sqlite")
			b.walks.Policy.ExemptAvailable = true
			b.walks.Flows["trust"] = x.knows
			b.walks.Serves[x.approach] = "trust"
			var handle string
			c, err := b.consents.Create(b.ctx, caller(), consent.Draft{
				Access: list, FrequencyPerDay: 1, ValidUntil: consent.DateOf(begin, time.UTC).AddDays(1), RedirectURI: "https://tpp.example/ok",
			}, consents.Wish{Approach: x.approach, Hint: service.Hint{PSU: "anna"}}, func(_ *consent.Consent, s *consents.Started) *consent.Receipt {
				handle = s.Handle
				return nil
			})
			require.NoError(t, err)
			if x.approach == consent.Decoupled {
				require.NoError(t, b.work(1))
			} else {
				v, err := b.walks.Open(b.ctx, handle, by("browser"))
				b.page(sca.PageConsent, v, err)
				v, err = b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Approve: true})
				b.page(sca.PageWait, v, err)
			}
			require.Equal(t, consent.Received, b.get(c.ID).Status)
		})
	}
}

// toyTrust takes the TPP's word for who the PSU is, which no flow may.
type toyTrust struct{}

func (toyTrust) Start(_ context.Context, req flow.Request) (flow.Step, error) {
	return flow.Step{Outcome: flow.Identified, PSU: req.Hint, State: []byte("known")}, nil
}

func (toyTrust) Continue(context.Context, flow.Request, []byte, flow.Input) (flow.Step, error) {
	return flow.Step{Outcome: flow.Wait, State: []byte("asked"), PollAfter: time.Minute}, nil
}
