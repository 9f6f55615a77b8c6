package consents_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

// TestTwoSweepers lets two workers loose on the same consents: each is settled once.
func TestTwoSweepers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		const many = 40
		first, _ := b.create(t)
		for range many - 1 {
			b.create(t)
		}
		b.now.Store(int64((25 * time.Hour).Seconds()))
		var total atomic.Int64
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				n, err := b.Expire(t.Context(), many)
				if err != nil {
					t.Error(err)
				}
				total.Add(int64(n))
			})
		}
		wg.Wait()
		n, err := b.Expire(t.Context(), many) // what each left to the other because it was busy
		require.NoError(t, err)
		require.EqualValues(t, many, total.Load()+int64(n))
		require.Len(t, b.history(t, first.ID), 3)
	})
}

// TestSameCallAtOnce sends one call many times at the same moment: it takes
// effect once.
func TestSameCallAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, _ := b.create(t)
		for name, call := range map[string]func() error{
			"post": func() error {
				_, err := b.Create(t.Context(), caller(), draft(), consents.Wish{Approach: consent.Redirect}, b.keeps("post"))
				return err
			},
			"start": func() error {
				_, err := b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{Approach: consent.Redirect}, b.keeps("start"))
				return err
			},
			"delete": func() error { return b.Terminate(t.Context(), caller(), c.ID, b.keeps("delete")) },
		} {
			var wg sync.WaitGroup
			var done atomic.Int32
			for range 8 {
				wg.Go(func() {
					switch err := call(); {
					case err == nil:
						done.Add(1)
					case name == "start" && consent.CodeOf(err) == consent.CodeStatusInvalid: // after the DELETE
					case consent.CodeOf(err) != consent.CodeRepeated:
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			wg.Wait()
			require.LessOrEqual(t, done.Load(), int32(1), name)
		}
		b.history(t, c.ID)
	})
}

// TestEndedOnce lets a TPP end consents while workers expire them and reads look
// on: each ends once, and by one of the two.
func TestEndedOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 10 {
			c, _ := b.create(t)
			b.now.Add(int64((24 * time.Hour).Seconds()) - 1)
			var wg sync.WaitGroup
			wg.Go(func() { b.now.Add(1); _, err := b.Expire(t.Context(), 9); report(t, err) })
			wg.Go(func() { report(t, b.Terminate(t.Context(), caller(), c.ID, nil)) })
			wg.Go(func() { _, err := b.Status(t.Context(), caller(), c.ID); report(t, err) })
			wg.Wait()
			got := b.get(t, c.ID)
			require.Contains(t, []consent.Status{consent.Rejected, consent.Revoked}, got.Status)
			endings := 0
			for _, line := range b.history(t, c.ID) {
				for _, to := range []string{"> rejected notAuthorised", "> revoked terminated"} {
					if len(line) > len(to) && line[len(line)-len(to):] == to {
						endings++
					}
				}
			}
			if got.Status == consent.Revoked || endings > 0 {
				require.Equal(t, 1, endings)
			}
		}
	})
}

func report(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestLastTryOfOneConsent starts many authorisations at once: no more than are
// allowed come about.
func TestLastTryOfOneConsent(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, _ := b.createBy(t, consents.Wish{Explicit: true})
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				_, err := b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{Approach: consent.Redirect}, nil)
				if err != nil && consent.CodeOf(err) != consent.CodeTooOften {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, b.get(t, c.ID).Authorisations, 20)
	})
}
