package sca_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

// TestFunds walks a consent to the confirmation of funds: it grants that alone,
// has no end, and replaces nothing.
func TestFunds(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		call := caller()
		call.Kind = consent.FundsConfirmation
		access := consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{
			{Reference: consent.Reference{IBAN: "DE00ANNA", Currency: "EUR"}, Rights: consent.RightFunds},
		}}
		var ids []uuid.UUID
		for range 2 {
			var started *consents.Started
			c, err := b.consents.Create(b.ctx, call, consent.Draft{Access: access, RedirectURI: "https://tpp.example/ok"},
				consents.Wish{Approach: consent.Redirect}, func(_ *consent.Consent, s *consents.Started) *consent.Receipt {
					started = s
					return nil
				})
			require.NoError(t, err)
			b.authorise(started.Handle, "anna")
			ids = append(ids, c.ID)
		}
		b.advance(400 * 24 * time.Hour)
		for _, id := range ids {
			c, err := b.consents.Get(b.ctx, call, id)
			require.NoError(t, err)
			require.Equal(t, consent.Valid, c.Status)
			require.Len(t, c.Access.Grants, 1)
			require.Equal(t, consent.RightFunds, c.Access.Grants[0].Rights)
		}
	})
}
