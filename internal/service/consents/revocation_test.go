package consents_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

// page is the bank's own page as one of its calls names it.
func page() consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: "token/1", Certificate: "f0", RequestID: "request-9"}
}

func TestRevoke(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		c := b.authorised(t, "ceo", "firm", false)
		b.now.Add(60)
		s, err := desk.Revoke(t.Context(), page(), c.ID, "cfo")
		require.NoError(t, err)
		require.Equal(t, []any{consent.Revoked, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}, b.Now()},
			[]any{s.Status, s.Ending, s.StatusChangedAt})
		require.Equal(t, "Daily firm", s.Names[s.Access.Grants[0].AccountID])
		history := b.history(t, c.ID)
		require.Equal(t, "aspsp token/1 request-9: valid > revoked withdrawn", history[len(history)-1])
		entries, err := b.db.History(t.Context(), c.ID.String())
		require.NoError(t, err)
		cfo, err := b.db.Sight(t.Context(), "cfo", nil)
		require.NoError(t, err)
		last := entries[len(entries)-1]
		require.Equal(t, []any{cfo.PSU.String(), "f0"}, []any{last.For, last.Certificate})

		b.now.Add(60)
		again, err := desk.Revoke(t.Context(), page(), c.ID, "ceo")
		require.NoError(t, err)
		require.Equal(t, s.Consent, again.Consent, "it has ended once")
		require.Len(t, b.history(t, c.ID), len(history))
	})
}

// TestRevokeWhatIsPending ends a consent that waits for its PSU: their walk through
// authentication ends with it.
func TestRevokeWhatIsPending(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, _ := b.begun(t, "lea", "lea")
		s, err := b.desk(&toyBank{}).Revoke(t.Context(), page(), c.ID, "lea")
		require.NoError(t, err)
		require.Equal(t, []any{consent.Revoked, consent.ScaFailed}, []any{s.Status, s.Authorisations[0].Status})
		history := b.history(t, c.ID)
		require.Equal(t, []string{
			"aspsp token/1 request-9: received > revoked withdrawn", "aspsp token/1 request-9: psuAuthenticated > failed ",
		}, history[len(history)-2:])
	})
}

func TestRevokeOfWhatHasEnded(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		ended, over := b.authorised(t, "lea", "lea", false), b.authorised(t, "lea", "lea", false)
		require.NoError(t, b.Terminate(t.Context(), caller(), ended.ID, nil))
		s, err := desk.Revoke(t.Context(), page(), ended.ID, "lea")
		require.NoError(t, err)
		require.Equal(t, consent.ByTPP, s.Ending.By)
		b.now.Store(int64(over.EndsAt.Add(time.Hour).Sub(begin).Seconds()))
		s, err = desk.Revoke(t.Context(), page(), over.ID, "lea")
		require.NoError(t, err)
		require.Equal(t, []any{consent.Expired, over.EndsAt}, []any{s.Status, s.StatusChangedAt}, "its date came first")
	})
}

// TestRevokeOfOthers refuses whoever may not end a consent in the same words as for
// one that is not there, and leaves nothing behind.
func TestRevokeOfOthers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.authorised(t, "ceo", "firm", false)
		nobodys, _ := b.create(t)
		unknown := uuid.New()
		_, err := b.desk(&toyBank{}).Revoke(t.Context(), page(), unknown, "lea")
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		var want *consent.Error
		require.ErrorAs(t, err, &want)
		for _, x := range []struct {
			id  uuid.UUID
			psu string
		}{{c.ID, "lea"}, {c.ID, "former"}, {c.ID, "stranger"}, {nobodys.ID, "ceo"}} {
			_, err := b.desk(&toyBank{}).Revoke(t.Context(), page(), x.id, x.psu)
			var got *consent.Error
			require.ErrorAs(t, err, &got, x.psu)
			require.Equal(t, []any{want.Code, want.Path, want.Text}, []any{got.Code, got.Path, got.Text}, x.psu)
		}
		_, err = b.desk(&toyBank{down: true}).Revoke(t.Context(), page(), c.ID, "ceo")
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		require.Equal(t, []any{consent.Valid, consent.Received}, []any{b.get(t, c.ID).Status, b.get(t, nobodys.ID).Status})
		sight, err := b.db.Sight(t.Context(), "lea", nil)
		require.NoError(t, err)
		require.Zero(t, sight.PSU, "who may not is not entered")
	})
}

// TestRevokeRaces lets a PSU at the bank, the TPP and time end one consent at the
// same moment: it ends once, each caller is told how, and the audit says the same.
func TestRevokeRaces(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		for range 10 {
			c := b.authorised(t, "lea", "lea", false)
			b.now.Store(int64(c.EndsAt.Sub(begin).Seconds()) - 1)
			gate := make(chan struct{})
			told := make([]*consents.Seen, 2)
			var wg sync.WaitGroup
			for i := range told {
				wg.Go(func() {
					<-gate
					var err error
					told[i], err = desk.Revoke(t.Context(), page(), c.ID, "lea")
					report(t, err)
				})
			}
			wg.Go(func() { <-gate; report(t, b.Terminate(t.Context(), caller(), c.ID, nil)) })
			wg.Go(func() { <-gate; b.now.Add(1); _, err := b.Expire(t.Context(), 9); report(t, err) })
			close(gate)
			wg.Wait()
			got := b.get(t, c.ID)
			want := map[consent.Actor]string{
				consent.ByPSU: " > revoked withdrawn", consent.ByTPP: " > revoked terminated", consent.BySystem: " > expired date",
			}[got.Ending.By]
			require.NotEmpty(t, want)
			history := b.history(t, c.ID)
			require.Contains(t, history[len(history)-1], ": valid"+want, "the one ending, and nothing after it")
			for _, s := range told {
				require.Equal(t, got, s.Consent)
			}
			b.now.Store(0)
		}
	})
}

// TestRevokeAgainstReplacing authorises a consent while the PSU ends the one that
// it replaces: the former ends once, and where it was replaced first, what stands in its
// place ends, since the PSU has meant that.
func TestRevokeAgainstReplacing(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		for range 5 {
			former := b.authorised(t, "lea", "lea", true)
			var wg sync.WaitGroup
			var next *consent.Consent
			wg.Go(func() { next = b.authorised(t, "lea", "lea", true) })
			wg.Go(func() { _, err := desk.Revoke(t.Context(), page(), former.ID, "lea"); report(t, err) })
			wg.Wait()
			withdrawn := consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}
			wanted := map[consent.Ending]consent.Ending{
				withdrawn: {},
				{By: consent.BySystem, Reason: consent.ReasonReplaced}: withdrawn,
			}
			ending := b.get(t, former.ID).Ending
			require.Contains(t, wanted, ending)
			require.Equal(t, wanted[ending], b.get(t, next.ID).Ending)
		}
	})
}

// TestRevokeReplacedByWhatIsGone: where what stood in its place cannot be seen, a consent
// tells of itself.
func TestRevokeReplacedByWhatIsGone(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		former := b.authorised(t, "lea", "lea", true)
		b.authorised(t, "lea", "lea", true)
		_, err := b.db.Update(t.Context(), former.ID, func(c *consent.Consent) error {
			c.ReplacedBy = uuid.New()
			return nil
		})
		require.NoError(t, err)
		seen, err := b.desk(&toyBank{}).Revoke(t.Context(), page(), former.ID, "lea")
		require.NoError(t, err)
		require.Equal(t, []any{former.ID, consent.Expired}, []any{seen.ID, seen.Status})
	})
}

// TestRevokeReplacedLongAgo: who ends a consent that was replaced while they may have
// had it before them ends the one in its place; later it tells of itself.
func TestRevokeReplacedLongAgo(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		former := b.authorised(t, "lea", "lea", true)
		next := b.authorised(t, "lea", "lea", true)
		b.now.Add(5 * 60)
		seen, err := desk.Revoke(t.Context(), page(), former.ID, "lea")
		require.NoError(t, err)
		require.Equal(t, []any{former.ID, consent.Expired}, []any{seen.ID, seen.Status})
		require.Equal(t, consent.Valid, b.get(t, next.ID).Status)

		last := b.authorised(t, "lea", "lea", true)
		b.now.Add(5*60 - 1)
		seen, err = desk.Revoke(t.Context(), page(), next.ID, "lea")
		require.NoError(t, err)
		require.Equal(t, []any{last.ID, consent.Revoked, consent.ByPSU}, []any{seen.ID, seen.Status, seen.Ending.By})
	})
}
