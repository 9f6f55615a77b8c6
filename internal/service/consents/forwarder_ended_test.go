package consents_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
	"consentd/internal/service/register"
)

// No TPP gets around a suspension of what stands, or of its connection.
func TestForwardWhileSuspended(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		stands := a.forward(a.by, first())
		for name, id := range map[string]uuid.UUID{"what stands": stands.ID, "the connection": a.by.Connection} {
			_, err := b.db.Update(t.Context(), id, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.Now()) })
			require.NoError(t, err, name)
			was := a.stored(stands.ID)
			for _, d := range []consents.Document{first(), {}, {Rights: who}} {
				c, err := a.Forward(t.Context(), caller(), a.by, d)
				require.Nil(t, c, name)
				require.Equal(t, consent.CodeBlocked, consent.CodeOf(err), name)
				require.Equal(t, was, a.stored(stands.ID), name)
			}
			_, err = b.db.Update(t.Context(), id, func(c *consent.Consent) error { return c.Resume(b.Now()) })
			require.NoError(t, err, name)
		}
		b.now.Add(1)
		next := a.forward(a.by, first())
		require.Equal(t, next.ID, a.stored(stands.ID).ReplacedBy)
	})
}

// Nothing is forwarded by a connection that ended after the token had been judged.
func TestForwardByEndedConnection(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for name, end := range map[string]func(c *consent.Consent) error{
			"by the PSU":  func(c *consent.Consent) error { return c.Withdraw(b.Now()) },
			"by the bank": func(c *consent.Consent) error { return c.Revoke(consent.ReasonBank, b.Now()) },
			"by the TPP":  func(c *consent.Consent) error { return c.Terminate(b.Now()) },
		} {
			a := b.aisp(t)
			stands := a.forward(a.by, first())
			_, err := b.db.Update(t.Context(), a.by.Connection, end)
			require.NoError(t, err, name)
			ended := a.stored(stands.ID)
			require.Equal(t, consent.Revoked, ended.Status, name)
			for _, d := range []consents.Document{first(), {}} {
				a.refused(consent.CodeTokenInvalid, a.by, d, ended)
				require.ErrorContains(t, a.failure, "has ended")
			}
		}
		a := b.aisp(t)
		stands := a.forward(a.by, first())
		b.now.Add(int64(180 * 24 * 60 * 60))
		_, err := a.Forward(t.Context(), caller(), a.by, first())
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err), "by time, which nobody has noticed")
		require.Equal(t, consent.Valid, a.stored(stands.ID).Status)
	})
}

// Tokens of the bank's own server bring documents too: not where they are older than
// what has ended the access. What time has ended is not replaced.
func TestForwardFromOutside(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		by := b.outside(t, "cfo", "firm")
		stands := a.forward(by, first())
		require.Equal(t, []any{uuid.Nil, by.PSU, by.Until}, []any{stands.Connection, stands.GivenBy, stands.EndsAt})
		b.now.Add(60)
		_, err := b.db.Update(t.Context(), stands.ID, func(c *consent.Consent) error { return c.Withdraw(b.Now()) })
		require.NoError(t, err)
		ended := a.stored(stands.ID)
		a.refused(consent.CodeTokenInvalid, by, first(), ended)
		at := b.outside(t, "cfo", "firm")
		a.refused(consent.CodeTokenInvalid, at, consents.Document{}, ended)
		b.now.Add(1)
		by = b.outside(t, "cfo", "firm")
		by.Until = b.Now().Add(time.Hour)
		next := a.forward(by, first())
		require.Equal(t, []any{next.ID, ended}, []any{next.GroupID, a.stored(ended.ID)}, "a beginning of its own")

		b.now.Add(3600)
		again := a.forward(b.outside(t, "cfo", "firm"), first())
		over := a.stored(next.ID)
		require.Equal(t, []any{consent.Expired, consent.ReasonDate, uuid.Nil, next.EndsAt}, []any{over.Status, over.Ending.Reason, over.ReplacedBy, over.StatusChangedAt})
		require.Equal(t, again.ID, again.GroupID)
	})
}

func TestForwardByBlockedTPP(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		stands := a.forward(a.by, first())
		tpps := &register.Register{Store: b.db, Now: b.Now, Log: slog.New(slog.DiscardHandler)}
		require.NoError(t, tpps.Admit(t.Context(), register.TPP{ID: "A", Name: "The TPP"}, "request-1"))
		_, _, err := tpps.Block(t.Context(), page(), "A", register.Block{Reason: "fraud", Until: b.Now().Add(time.Hour)})
		require.NoError(t, err)
		a.refused(consent.CodeCertificateBlocked, a.by, first(), stands)
		a.refused(consent.CodeCertificateBlocked, a.by, consents.Document{}, stands)
		b.now.Add(3600)
		require.NotNil(t, a.forward(a.by, first()))
	})
}

// Of documents that come at once one stands in the end, and each of the others was
// replaced by the next: none is lost, none stands beside.
func TestForwardAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		const many = 12
		a := b.aisp(t)
		begun := a.forward(a.by, first())
		var wg sync.WaitGroup
		var taken atomic.Int32
		for i := range many {
			wg.Go(func() {
				d := first()
				if i%2 == 1 {
					d = document(named("transactions[0]", iban("FR2"), moves))
				}
				c, err := a.Forward(t.Context(), caller(), a.by, d)
				if err != nil || c == nil {
					t.Errorf("document %d: %v", i, err)
					return
				}
				taken.Add(1)
			})
		}
		wg.Wait()
		require.EqualValues(t, many, taken.Load())
		seen, c := 0, begun
		for c = a.stored(c.ID); c.ReplacedBy != uuid.Nil; c = a.stored(c.ReplacedBy) {
			seen++
			require.Equal(t, []any{consent.Expired, consent.ReasonReplaced}, []any{c.Status, c.Ending.Reason})
		}
		require.Equal(t, []any{many, consent.Valid, begun.ID}, []any{seen, c.Status, c.GroupID})
	})
}
