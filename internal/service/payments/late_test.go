package payments_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/payments"
)

// A payment that is through takes nothing more, and reasons of a rejection go with one
// only. Each report that says something new stands in the audit of the consent.
func TestLateReports(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		reasons := func(to int) (all []consent.Rejection) {
			for i := range to {
				all = append(all, consent.Rejection{Code: fmt.Sprintf("AANI.%d", i)})
			}
			return all
		}
		c := b.consent(onDemand())
		through := b.pay(c, "one", 100)
		_, err := b.Follow(t.Context(), hub(), through.ID, payments.Report{Status: consent.PaymentCredited})
		require.NoError(t, err)
		pending := b.pay(c, "two", 100)
		for name, test := range map[string]struct {
			id   uuid.UUID
			r    payments.Report
			want consent.Code
		}{
			"reasons of one that came": {through.ID, payments.Report{Rejections: reasons(1)}, consent.CodeStatusInvalid},
			"reasons of one that went": {pending.ID, payments.Report{Status: consent.PaymentSettled, Rejections: reasons(1)}, consent.CodeStatusInvalid},
			"reasons while it waits":   {pending.ID, payments.Report{Status: consent.PaymentPending, Rejections: reasons(1)}, consent.CodeStatusInvalid},
			"too many":                 {pending.ID, payments.Report{Status: consent.PaymentRejected, Rejections: reasons(101)}, consent.CodeFormat},
		} {
			_, err := b.Follow(t.Context(), hub(), test.id, test.r)
			require.Equal(t, test.want, consent.CodeOf(err), name)
		}
		x, err := b.Follow(t.Context(), hub(), pending.ID, payments.Report{TransactionID: "tx"})
		require.NoError(t, err)
		require.Equal(t, consent.PaymentPending, x.Status)
		x, err = b.Follow(t.Context(), hub(), pending.ID, payments.Report{Status: consent.PaymentRejected, Rejections: reasons(100)})
		require.NoError(t, err)
		require.Len(t, x.Rejections, 100)

		entries, err := b.db.Entries(t.Context(), c.ID)
		require.NoError(t, err)
		var told []string
		for _, e := range entries {
			if e.Reason == string(consent.ReasonPayment) {
				told = append(told, e.Operation)
			}
		}
		require.Equal(t, []string{
			through.ID.String() + " pending", through.ID.String() + " acceptedCreditSettlementCompleted",
			pending.ID.String() + " pending", pending.ID.String() + " pending", pending.ID.String() + " rejected",
		}, told)
	})
}
