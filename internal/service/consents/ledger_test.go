package consents_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
)

// receipt makes a receipt of a call, always the same.
func (b *bundle) receipt(call string) *consent.Receipt {
	return &consent.Receipt{Key: consent.Digest{call[0]}, Fingerprint: consent.Digest{1}, Answer: []byte(call), Expires: b.Now().Add(time.Hour)}
}

func (b *bundle) keeps(call string) consents.Tell {
	return func(*consent.Consent, *consents.Started) *consent.Receipt { return b.receipt(call) }
}

func (b *bundle) kept(t *testing.T, call string) bool {
	t.Helper()
	r, err := b.db.Receipt(t.Context(), b.receipt(call).Key)
	if consent.CodeOf(err) == consent.CodeNotFound {
		return false
	}
	require.NoError(t, err)
	return string(r.Answer) == call
}

// history is the audit of a consent in short: who, from, to and why. It is
// verified on the way.
func (b *bundle) history(t *testing.T, id uuid.UUID) []string {
	t.Helper()
	book := ledger.Ledger{Store: b.db, Keys: b.keys, Now: b.Now, Zone: time.UTC}
	_, err := book.Verify(t.Context(), func(f ledger.Fault) { t.Error(f) })
	require.NoError(t, err)
	entries, err := b.db.History(t.Context(), id.String())
	require.NoError(t, err)
	var lines []string
	for _, e := range entries {
		lines = append(lines, string(e.By)+" "+e.Who+" "+e.RequestID+": "+e.From+" > "+e.To+" "+e.Reason)
	}
	return lines
}

// TestReceipts repeats each call under its receipt: the second time it moves
// nothing and says that the answer is there.
func TestReceipts(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx := t.Context()
		c, err := b.Create(ctx, caller(), draft(), consents.Wish{Approach: consent.Redirect}, b.keeps("create"))
		require.NoError(t, err)
		require.True(t, b.kept(t, "create"))
		again, err := b.Create(ctx, caller(), draft(), consents.Wish{Approach: consent.Redirect}, b.keeps("create"))
		require.Equal(t, consent.CodeRepeated, consent.CodeOf(err))
		_, err = b.db.Get(ctx, again.ID)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), "the twin was never written")
		_, err = b.Create(ctx, caller(), draft(), consents.Wish{Explicit: true}, b.keeps("create"))
		require.Equal(t, consent.CodeRepeated, consent.CodeOf(err), "with no authorisation either")

		start := func() error {
			_, err := b.StartAuthorisation(ctx, caller(), c.ID, consents.Wish{Approach: consent.Redirect}, b.keeps("start"))
			return err
		}
		require.NoError(t, start())
		require.True(t, b.kept(t, "start"))
		require.Equal(t, consent.CodeRepeated, consent.CodeOf(start()))
		require.Len(t, b.get(t, c.ID).Authorisations, 2)

		terminate := func() error { return b.Terminate(ctx, caller(), c.ID, b.keeps("delete")) }
		require.NoError(t, terminate())
		require.True(t, b.kept(t, "delete"))
		before := b.get(t, c.ID)
		require.Equal(t, consent.CodeRepeated, consent.CodeOf(terminate()))
		require.Equal(t, before, b.get(t, c.ID))
	})
}

// TestNoReceiptOfAnError leaves it to the caller to keep what was refused.
func TestNoReceiptOfAnError(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx := t.Context()
		late := draft()
		late.FrequencyPerDay = 0
		_, err := b.Create(ctx, caller(), late, consents.Wish{}, b.keeps("create"))
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
		c, _ := b.create(t)
		require.NoError(t, b.Terminate(ctx, caller(), c.ID, nil))
		_, err = b.StartAuthorisation(ctx, caller(), c.ID, consents.Wish{}, b.keeps("start"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
		foreign := caller()
		foreign.TPP = "B"
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(b.Terminate(ctx, foreign, c.ID, b.keeps("delete"))))
		for _, call := range []string{"create", "start", "delete"} {
			require.False(t, b.kept(t, call), call)
		}
	})
}

// TestCauses names who moved a consent, by which call. What time ends is nobody's
// doing, and a read leaves no trace.
func TestCauses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx := t.Context()
		c, _ := b.create(t)
		entries, err := b.db.History(ctx, c.ID.String())
		require.NoError(t, err)
		require.Equal(t, "fingerprint", entries[0].Certificate)
		require.Equal(t, c.Authorisations[0].ID, entries[0].Authorisation, "one entry for both")

		b.now.Store(int64((11 * time.Minute).Seconds()))
		b.get(t, c.ID)
		call := caller()
		call.RequestID = "request-2"
		_, err = b.StartAuthorisation(ctx, call, c.ID, consents.Wish{Approach: consent.Redirect}, nil)
		require.NoError(t, err)
		call.RequestID = "request-3"
		require.NoError(t, b.Terminate(ctx, call, c.ID, nil))
		require.NoError(t, b.Terminate(ctx, call, c.ID, nil))
		require.Equal(t, []string{
			"tpp A request-1:  > received ",
			"system  request-2: received > failed ", // its time was over; that call saw it first
			"tpp A request-2:  > received ",
			"tpp A request-3: received > revoked terminated",
			"tpp A request-3: received > failed ",
		}, b.history(t, c.ID))

		c, _ = b.create(t)
		b.now.Store(int64((48 * time.Hour).Seconds()))
		_, err = b.Expire(ctx, 9)
		require.NoError(t, err)
		require.Equal(t, []string{
			"tpp A request-1:  > received ", "system  : received > failed ", "system  : received > rejected notAuthorised",
		}, b.history(t, c.ID))
	})
}
