package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
	"consentd/test/pgtest"
)

// refuse has a TPP refused so many times, for that reason.
func (b *bundle) refuse(t *testing.T, tpp string, code consent.Code, times int) {
	t.Helper()
	r := refusal(tpp)
	r.Code = code
	for range times {
		require.NoError(t, b.Refused(t.Context(), r, nil))
	}
}

// reasons are those of a caller's chain of the first day, from an entry on.
func (b *bundle) reasons(t *testing.T, tpp string, from int) (list []string) {
	t.Helper()
	entries, err := b.db.History(t.Context(), "refused/"+tpp+"/2026-03-01")
	require.NoError(t, err)
	for _, e := range entries[from:] {
		list = append(list, e.Reason)
	}
	return list
}

// TestRefusedWithinBounds has a TPP that is shut out go on: what it is refused
// does not fill the audit, is counted there, and takes nothing from others.
func TestRefusedWithinBounds(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.refuse(t, "A", consent.CodeCertificateBlocked, 500)
		require.Len(t, b.reasons(t, "A", 0), 60)
		b.refuse(t, "A", consent.CodeRole, 1)
		require.Equal(t, []string{"role"}, b.reasons(t, "A", 60), "what it is refused for another reason is kept")
		b.refuse(t, "B", consent.CodeCertificateBlocked, 1)
		require.Equal(t, []string{"certificate_blocked"}, b.reasons(t, "B", 0), "and what another is refused")

		for range 3 {
			b.now = b.now.Add(time.Second)
			b.refuse(t, "A", consent.CodeCertificateBlocked, 10)
		}
		require.Equal(t, []string{
			"certificate_blocked, and 440 left out before", "certificate_blocked, and 9 left out before",
			"certificate_blocked, and 9 left out before",
		}, b.reasons(t, "A", 61), "one a second")

		b.now = b.now.Add(10 * time.Minute)
		b.refuse(t, "A", consent.CodeCertificateBlocked, 100)
		require.Len(t, b.reasons(t, "A", 64), 60, "after a rest as many as at first")
		b.now = b.now.Add(-20 * time.Minute)
		b.refuse(t, "A", consent.CodeCertificateBlocked, 1)
		require.Equal(t, []string{"certificate_blocked, and 40 left out before"}, b.reasons(t, "A", 124),
			"a clock that was turned back shuts nothing out")

		v, err := b.Verify(t.Context(), func(f ledger.Fault) { require.Fail(t, f.String()) })
		require.NoError(t, err)
		require.Equal(t, ledger.Verified{Chains: 2, Entries: 126, Digest: v.Digest}, v)
	})
}

// TestStrangersShareABound: who is not known has no bound of its own.
func TestStrangersShareABound(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	for i := range 100 {
		r := refusal("")
		r.Cause.Certificate, r.Cause.RequestID, r.Code = fmt.Sprint(i), fmt.Sprint(i), consent.CodeUnauthenticated
		require.NoError(t, b.Refused(t.Context(), r, nil))
	}
	require.Len(t, b.reasons(t, "", 0), 60)
}

// TestReceiptsAreNeverLeftOut: a call whose answer is kept is answered by it,
// however many there are.
func TestReceiptsAreNeverLeftOut(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.refuse(t, "A", consent.CodeNotFound, 70)
		for i := range 70 {
			c := call(func(c *ledger.Call) { c.RequestID = fmt.Sprint(i) })
			b.answered(t, c, "x")
			found, err := b.Find(t.Context(), c)
			require.NoError(t, err)
			require.Equal(t, "x", string(found))
		}
		require.Len(t, b.reasons(t, "A", 0), 60+70)
		b.now = b.now.Add(time.Second)
		b.refuse(t, "A", consent.CodeNotFound, 1)
		require.Equal(t, []string{"not_found, and 10 left out before"}, b.reasons(t, "A", 130))
	})
}

// TestTheLogIsTold of what is left out, once a minute and not for each.
func TestTheLogIsTold(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	var log bytes.Buffer
	b.Log = slog.New(slog.NewTextHandler(&log, nil))
	b.refuse(t, "A", consent.CodeCertificateBlocked, 60)
	require.Empty(t, log.String())
	for range 59 {
		b.refuse(t, "A", consent.CodeCertificateBlocked, 5)
		b.now = b.now.Add(time.Second)
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.Contains(t, log.String(), "caller=A code=certificate_blocked count=1\n")
	b.now = b.now.Add(time.Second)
	b.refuse(t, "A", consent.CodeCertificateBlocked, 5)
	require.Equal(t, 2, strings.Count(log.String(), "\n"), log.String())
	require.Contains(t, log.String(), "count=237\n", "4 more of the first five, 4 in each of 58 seconds, and one")

	b.refuse(t, "B", consent.CodeCertificateBlocked, 62)
	require.Contains(t, log.String(), "caller=B code=certificate_blocked count=1\n", "each caller by itself")
}

// failing is a store that cannot be written for a while.
type failing struct {
	ledger.Store
	fails bool
}

func (f *failing) Refuse(ctx context.Context, e consent.Entry, r *consent.Receipt) error {
	if f.fails {
		return errBroken
	}
	return f.Store.Refuse(ctx, e, r)
}

// TestWhatCouldNotBeWrittenIsCounted: an entry that tells of others may fail.
func TestWhatCouldNotBeWrittenIsCounted(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	store := &failing{Store: b.Store}
	b.Store = store
	b.refuse(t, "A", consent.CodeRole, 65)
	store.fails = true
	b.now = b.now.Add(time.Second)
	r := refusal("A")
	r.Code = consent.CodeRole
	require.ErrorIs(t, b.Refused(t.Context(), r, nil), errBroken)
	store.fails = false
	b.now = b.now.Add(time.Second)
	b.refuse(t, "A", consent.CodeRole, 1)
	require.Equal(t, []string{"role, and 6 left out before"}, b.reasons(t, "A", 60))
}

// counted counts refusals by caller instead of writing them.
type counted struct {
	ledger.Store
	mu      sync.Mutex
	written map[string]int
}

func (c *counted) Refuse(_ context.Context, e consent.Entry, _ *consent.Receipt) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written[e.Who]++
	return nil
}

// TestManyCallers: those that come at the same time race for nothing, and what is
// remembered of callers is bounded.
func TestManyCallers(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	store := &counted{written: map[string]int{}}
	b.Store = store
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				b.refuse(t, fmt.Sprint(i%2), consent.CodeRole, 1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, map[string]int{"0": 60, "1": 60}, store.written)
	for i := range 5000 {
		b.refuse(t, fmt.Sprintf("other %d", i), consent.CodeRole, 1)
	}
	b.refuse(t, "0", consent.CodeRole, 1)
	require.Equal(t, 61, store.written["0"], "forgotten, since others came after it")
}

// TestSettle tells of a flood that has stopped, once, and not before.
func TestSettle(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.refuse(t, "A", consent.CodeCertificateBlocked, 500)
		done, err := b.Settle(t.Context(), 10)
		require.NoError(t, err)
		require.Zero(t, done, "it may go on")
		b.now = b.now.Add(time.Minute)
		for _, want := range []int{1, 0} {
			done, err = b.Settle(t.Context(), 10)
			require.NoError(t, err)
			require.Equal(t, want, done)
		}
		require.Equal(t, []string{"certificate_blocked, 440 left out before"}, b.reasons(t, "A", 60))
		b.refuse(t, "A", consent.CodeCertificateBlocked, 1)
		require.Equal(t, []string{"certificate_blocked"}, b.reasons(t, "A", 61), "it is accounted for")
	})
}
