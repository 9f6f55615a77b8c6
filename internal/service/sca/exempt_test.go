package sca_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
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
