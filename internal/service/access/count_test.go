package access_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

func TestQuota(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances|moves, balances), func(d *consent.Draft) { d.FrequencyPerDay = 2 })
		for left := 1; left >= 0; left-- {
			d, err := b.ask(c, consent.OpBalances)
			require.NoError(t, err)
			require.True(t, d.Counted)
			require.Equal(t, left, d.Left)
		}
		b.denied(consent.CodeTooOften, "balances: 2 of 2 used on 2026-03-01", c, consent.OpBalances)
		_, err := b.ask(c, consent.OpBalances)
		require.Equal(t, begin.Add(30*time.Minute), access.RetryAt(err).UTC(), "the bank's next day")
		d, err := b.ask(c, consent.OpBalances, attended)
		require.NoError(t, err, "with the PSU there, it costs nothing")
		require.False(t, d.Counted)
		b.allowed(c, consent.OpBalances, of("r2"))
		b.allowed(c, consent.OpTransactions)
		b.allowed(c, consent.OpAccounts)
		b.denied(consent.CodeAccountUnknown, "", c, consent.OpAccount, of("r9"))

		b.advance(29 * time.Minute) // 23:59 in Paris is 22:59 here
		b.denied(consent.CodeTooOften, "", c, consent.OpBalances)
		b.advance(time.Minute)
		b.allowed(c, consent.OpBalances) // the bank's day has begun
	})
}

// What was refused has cost nothing.
func TestRefusedIsNotCounted(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances), func(d *consent.Draft) { d.FrequencyPerDay = 1 })
		b.denied(consent.CodeNotUsable, "", c, consent.OpTransactions)
		b.change(c.ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.time()) })
		b.denied(consent.CodeBlocked, "", c, consent.OpBalances)
		b.change(c.ID, func(c *consent.Consent) error { return c.Resume(b.time()) })
		b.allowed(c, consent.OpBalances)
		b.denied(consent.CodeTooOften, "", c, consent.OpBalances)
	})
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		once := func(d *consent.Draft) { d.FrequencyPerDay = 1 }
		c := b.valid(dedicated(), b.grant(balances|moves), once)
		d, err := b.ask(c, consent.OpTransactions, following)
		require.NoError(t, err)
		require.True(t, d.Counted, "a page of a list that nobody has opened is an access of its own")
		b.advance(9 * time.Minute)
		d, err = b.ask(c, consent.OpTransactions, following)
		require.NoError(t, err)
		require.False(t, d.Counted)
		b.denied(consent.CodeTooOften, "", c, consent.OpTransactions)
		b.advance(time.Minute)
		b.denied(consent.CodeTooOften, "", c, consent.OpTransactions, following)
		b.allowed(c, consent.OpBalances)
		b.denied(consent.CodeTooOften, "", c, consent.OpBalances, following) // balances have no pages

		b.Policy.PageWalk = 0
		c = b.valid(dedicated(), b.grant(moves), once)
		b.allowed(c, consent.OpTransactions)
		b.denied(consent.CodeTooOften, "", c, consent.OpTransactions, following)
	})
}

// A walk ends after so many pages, however many ask at once.
func TestPagesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.Policy.MaxPages = 7
		c := b.valid(dedicated(), b.grant(moves), func(d *consent.Draft) { d.FrequencyPerDay = 1 })
		b.allowed(c, consent.OpTransactions)
		got := many(t, 50, func(int) error {
			_, err := b.ask(c, consent.OpTransactions, following)
			return err
		}, consent.CodeTooOften)
		require.Equal(t, 7, got)
	})
}

// A page follows the list that was opened, and no other one.
func TestPagesOfOtherLists(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		named := func(list string) func(*access.Question) { return func(q *access.Question) { q.List = list } }
		c := b.valid(dedicated(), b.grant(moves), func(d *consent.Draft) { d.FrequencyPerDay = 2 })
		b.allowed(c, consent.OpTransactions, named("of a day"))
		b.allowed(c, consent.OpTransactions, named("of a day"), following)
		d, err := b.ask(c, consent.OpTransactions, named("of two years"), following)
		require.NoError(t, err)
		require.True(t, d.Counted, "an access of its own")
		for range 3 {
			b.allowed(c, consent.OpTransactions, named("of a day"), following)
			b.allowed(c, consent.OpTransactions, named("of two years"), following)
		}
		b.denied(consent.CodeTooOften, "", c, consent.OpTransactions, named("of three years"), following)
		b.allowed(c, consent.OpTransaction) // what any of them has shown

		c = b.valid(dedicated(), b.grant(moves), oneOff)
		b.allowed(c, consent.OpTransactions, named("of a day"))
		b.denied(consent.CodeExpired, "usedUp", c, consent.OpTransactions, named("of two years"), following)
		b.allowed(c, consent.OpTransactions, named("of a day"), following)
	})
}

// A walk over midnight is one access, of the day on which it began.
func TestPagesOverMidnight(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(moves), func(d *consent.Draft) { d.FrequencyPerDay = 1 })
		b.advance(29 * time.Minute)
		b.allowed(c, consent.OpTransactions)
		b.advance(2 * time.Minute)
		d, err := b.ask(c, consent.OpTransactions, following)
		require.NoError(t, err)
		require.False(t, d.Counted)
		b.allowed(c, consent.OpTransactions)
		b.denied(consent.CodeTooOften, "", c, consent.OpTransactions)
		b.advance(-time.Hour) // a clock that was turned back opens nothing
		b.denied(consent.CodeTooOften, "", c, consent.OpTransactions, following)
	})
}

// Details of transactions belong to the list that showed them; without it they are
// an operation of their own.
func TestDetailsOfTransactions(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(moves, moves), func(d *consent.Draft) { d.FrequencyPerDay = 2 })
		b.allowed(c, consent.OpTransaction)
		b.allowed(c, consent.OpTransaction)
		b.denied(consent.CodeTooOften, "transaction: 2 of 2", c, consent.OpTransaction)
		b.allowed(c, consent.OpTransactions)
		for range 5 {
			b.allowed(c, consent.OpTransaction)
		}
		b.denied(consent.CodeNotUsable, "", c, consent.OpTransaction, of("c1x"), of("r2"), func(q *access.Question) { q.Operation = consent.OpBalances })
		b.advance(10 * time.Minute)
		b.denied(consent.CodeTooOften, "", c, consent.OpTransaction)

		c = b.valid(dedicated(), b.grant(moves), oneOff)
		b.allowed(c, consent.OpTransactions)
		require.Equal(t, consent.Expired, b.status(c))
		b.allowed(c, consent.OpTransaction)
		b.advance(10 * time.Minute)
		b.denied(consent.CodeExpired, "usedUp", c, consent.OpTransaction)
	})
}

func TestOneOff(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances|moves, balances), oneOff)
		b.allowed(c, consent.OpAccounts)
		b.denied(consent.CodeTooOften, "read once before", c, consent.OpAccounts)
		b.allowed(c, consent.OpBalances, attended)
		b.denied(consent.CodeTooOften, "", c, consent.OpBalances, attended)
		b.advance(3 * 24 * time.Hour)
		b.denied(consent.CodeTooOften, "", c, consent.OpBalances)
		b.allowed(c, consent.OpBalances, of("r2"))
		b.denied(consent.CodeAccountUnknown, "", c, consent.OpBalances, of("r9"))
		require.Equal(t, consent.Valid, b.status(c))
		b.allowed(c, consent.OpTransactions) // details were only brought along: nobody has to read them
		require.Equal(t, consent.Expired, b.status(c))
		b.denied(consent.CodeExpired, "usedUp", c, consent.OpAccount)
		b.allowed(c, consent.OpTransactions, following) // the walk that was begun goes on
		b.denied(consent.CodeExpired, "", c, consent.OpTransactions)
		b.denied(consent.CodeExpired, "", c, consent.OpCardTransactions, following)
		b.advance(10 * time.Minute)
		b.denied(consent.CodeExpired, "usedUp", c, consent.OpTransactions, following)

		c = b.valid(dedicated(), b.grant(details|balances), oneOff)
		b.allowed(c, consent.OpBalances)
		require.Equal(t, consent.Valid, b.status(c), "details were asked for by name")
		b.allowed(c, consent.OpAccount)
		require.Equal(t, consent.Expired, b.status(c))
	})
}

// A walk that was begun ends with validUntil at the latest.
func TestOneOffWalkEnds(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(moves), oneOff, func(d *consent.Draft) { d.ValidUntil = consent.DateOf(begin, time.UTC) })
		b.advance(25 * time.Minute)
		b.allowed(c, consent.OpTransactions)
		require.Equal(t, consent.Expired, b.status(c))
		b.advance(4 * time.Minute)
		b.allowed(c, consent.OpTransactions, following)
		b.advance(time.Minute)
		b.denied(consent.CodeExpired, "usedUp", c, consent.OpTransactions, following)
	})
}

// meanwhile has something happen between the look at a consent and its use.
type meanwhile struct {
	access.Store

	happens func()
}

func (m meanwhile) Grounds(ctx context.Context, id uuid.UUID, now time.Time) (*access.Grounds, error) {
	g, err := m.Store.Grounds(ctx, id, now)
	m.happens()
	return g, err
}

// What ends a one-off consent while it is being decided on comes first.
func TestOneOffEndedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		store := b.Store
		for code, end := range map[consent.Code]func(*consent.Consent) error{
			consent.CodeNotUsable: func(c *consent.Consent) error { return c.Terminate(b.time()) },
			consent.CodeBlocked:   func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.time()) },
		} {
			c := b.valid(dedicated(), b.grant(balances), oneOff)
			b.Store = meanwhile{store, func() { b.change(c.ID, end) }}
			b.denied(code, "", c, consent.OpBalances)
			b.Store = store
		}
	})
}

// Both lists of a one-off consent at once are both allowed, each once.
func TestBothListsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 5 {
			c := b.valid(consent.Access{Scope: consent.ScopeAvailable, Rights: details}, nil, oneOff)
			got := many(t, 8, func(i int) error {
				_, err := b.ask(c, []consent.Operation{consent.OpAccounts, consent.OpCardAccounts}[i%2])
				return err
			}, consent.CodeTooOften, consent.CodeExpired)
			require.Equal(t, 2, got)
		}
	})
}

// Models that name no account end when all that they open was read, too.
func TestOneOffModels(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for _, lists := range [][]consent.Operation{{consent.OpAccounts, consent.OpCardAccounts}, {consent.OpCardAccounts, consent.OpAccounts}} {
			c := b.valid(consent.Access{Scope: consent.ScopeAvailable, Rights: details}, nil, oneOff)
			b.allowed(c, lists[0], func(q *access.Question) { q.List = "one" })
			require.Equal(t, consent.Expired, b.status(c))
			b.allowed(c, lists[1], func(q *access.Question) { q.List = "the other" }) // the accounts and the cards are one access
			b.denied(consent.CodeExpired, "usedUp", c, lists[1])
			b.allowed(c, lists[1], following, func(q *access.Question) { q.List = "the other" })
			b.allowed(c, lists[0], following, func(q *access.Question) { q.List = "one" })
			b.denied(consent.CodeExpired, "usedUp", c, lists[0], following, func(q *access.Question) { q.List = "two" })
			b.denied(consent.CodeExpired, "usedUp", c, lists[0])
			b.advance(10 * time.Minute)
			b.denied(consent.CodeExpired, "usedUp", c, lists[1], following)
		}

		c := b.valid(consent.Access{Scope: consent.ScopeAllPSD2, Rights: balances, Only: []string{"CACC", "SVGS"}}, nil, oneOff)
		b.allowed(c, consent.OpBalances)
		require.Equal(t, consent.Valid, b.status(c))
		b.allowed(c, consent.OpBalances, of("r2"))
		require.Equal(t, consent.Expired, b.status(c))

		c = b.valid(consent.Access{Scope: consent.ScopeBankOffered, Rights: details | consent.RightTrustedBeneficiaries}, nil, oneOff)
		b.denied(consent.CodeNotUsable, "", c, consent.OpAccounts)
		require.Equal(t, consent.Valid, b.status(c), "one that opens nothing is never used up")
	})
}

// many asks n times at once, and returns how many were allowed; the rest must be
// refused with one of the codes.
func many(t *testing.T, n int, ask func(i int) error, codes ...consent.Code) int {
	t.Helper()
	var allowed atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			err := ask(i)
			if err == nil {
				allowed.Add(1)
				return
			}
			if !slices.Contains(codes, consent.CodeOf(err)) {
				t.Errorf("read %d: %v", i, err)
			}
		})
	}
	close(start)
	wg.Wait()
	return int(allowed.Load())
}

func TestParallelReads(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances, balances|moves))
		once := b.valid(dedicated(), b.grant(balances, balances), oneOff)
		for name, x := range map[string]struct {
			c    *consent.Consent
			op   consent.Operation
			of   string
			want int
		}{
			"balances of one":     {c, consent.OpBalances, "r1", 4},
			"balances of another": {c, consent.OpBalances, "r2", 4},
			"transactions":        {c, consent.OpTransactions, "r2", 4},
			"the list":            {c, consent.OpAccounts, "", 4},
			"one-off":             {once, consent.OpBalances, "r1", 1},
		} {
			got := many(t, 60, func(int) error {
				_, err := b.ask(x.c, x.op, of(x.of))
				return err
			}, consent.CodeTooOften)
			require.Equal(t, x.want, got, name)
		}
		// The last two reads of a one-off consent at once end it once.
		require.Equal(t, consent.Valid, b.status(once))
		got := many(t, 20, func(i int) error {
			_, err := b.ask(once, []consent.Operation{consent.OpBalances, consent.OpAccount}[i%2], of("r2"))
			return err
		}, consent.CodeTooOften, consent.CodeExpired)
		require.LessOrEqual(t, got, 2)
		require.GreaterOrEqual(t, got, 1)
		require.Equal(t, consent.Expired, b.status(once))
	})
}

// Revocation and reads in parallel: what is asked after the revocation has been
// answered is denied.
func TestRevokedWhileRead(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 20 {
			c := b.valid(dedicated(), b.grant(balances))
			var revoked atomic.Bool
			many(t, 8, func(i int) error {
				if i == 0 {
					_, err := b.db.Update(t.Context(), c.ID, func(c *consent.Consent) error { return c.Terminate(b.time()) })
					revoked.Store(true)
					return err
				}
				before := revoked.Load()
				_, err := b.ask(c, consent.OpBalances, attended)
				if err == nil && before {
					t.Error("a read was allowed after the revocation")
				}
				return err
			}, consent.CodeNotUsable)
		}
	})
}

// failing fails to write what was shared.
type failing struct {
	access.Store

	err error
}

func (f failing) NoteShared(context.Context, map[uuid.UUID]time.Time) error { return f.err }

func TestLastShared(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, other := b.valid(dedicated(), b.grant(balances)), b.valid(dedicated(), b.grant(balances))
		last := func() map[uuid.UUID]time.Time {
			at, err := b.db.LastShared(t.Context(), []uuid.UUID{c.ID, other.ID})
			require.NoError(t, err)
			return at
		}
		b.allowed(c, consent.OpBalances)
		b.denied(consent.CodeNotUsable, "", other, consent.OpTransactions)
		require.Empty(t, last(), "not with each read")
		b.advance(time.Second)
		b.allowed(c, consent.OpBalances, attended)
		require.NoError(t, b.Flush(t.Context()))
		require.Equal(t, map[uuid.UUID]time.Time{c.ID: begin.Add(time.Second)}, last())

		b.advance(time.Second)
		b.allowed(other, consent.OpAccounts)
		store := b.Store
		b.Store = failing{store, errors.New("down")}
		require.Error(t, b.Flush(t.Context()))
		b.Store = store
		require.NoError(t, b.Flush(t.Context()), "what could not be written is written the next time")
		require.Equal(t, begin.Add(2*time.Second), last()[other.ID])
	})
}
