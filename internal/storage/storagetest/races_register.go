package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

const callID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"

func raceOfFirstCalls(t *testing.T, b *bundle) {
	t.Helper()
	replicas := []*register.Register{b.register(b, start), b.register(b.Replica(t), start)}
	for round := range 5 {
		tpp := acme()
		tpp.ID = fmt.Sprintf("X:%d", round)
		calls := make([]func() error, 32)
		for i := range calls {
			calls[i] = func() error { return replicas[i%2].Admit(b.ctx, tpp, callID) }
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		want := tpp
		want.FirstSeen, want.CertificateSeen = start, start
		require.Equal(t, &want, b.tpp(tpp.ID))
		entries := b.history(register.Chain(tpp.ID))
		require.Len(t, entries, 1)
		require.Equal(t, consent.Entry{
			Chain: register.Chain(tpp.ID), Seq: 1, At: start, To: "known", Reason: "entered", MAC: entries[0].MAC, Operation: entries[0].Operation,
			Cause: consent.Cause{By: consent.ByTPP, Who: tpp.ID, Certificate: "aa", RequestID: callID},
		}, entries[0])
	}
	require.Empty(t, b.faults())
}

func blockAtReplica(t *testing.T, b *bundle) {
	t.Helper()
	here, there := b.register(b, start), b.register(b.Replica(t), start)
	for range 20 {
		require.NoError(t, there.Admit(b.ctx, acme(), ""))
		_, _, err := here.Block(b.ctx, officer("r"), acme().ID, register.Block{Reason: "x"})
		require.NoError(t, err)
		require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(there.Admit(b.ctx, acme(), "")))
		_, err = here.Unblock(b.ctx, officer("r"), acme().ID)
		require.NoError(t, err)
	}
	require.NoError(t, there.Admit(b.ctx, acme(), ""))
}

func raceOfBlocks(t *testing.T, b *bundle) {
	t.Helper()
	r := b.register(b, start)
	for round := range 20 {
		id := fmt.Sprintf("X:%d", round)
		var made []uuid.UUID
		for range 4 {
			c, _ := b.create(of(id))
			made = append(made, c.ID)
		}
		block := func(reason string, ended *int) func() error {
			return func() error {
				_, n, err := r.Block(b.ctx, officer(reason), id, register.Block{Reason: reason, EndsConsents: true})
				*ended = n
				return err
			}
		}
		var one, two int
		for _, err := range together(block("one", &one), block("two", &two)) {
			require.NoError(t, err)
		}
		require.Equal(t, len(made), one+two, "each is ended by one of them")
		entries := b.history(register.Chain(id))
		require.Len(t, entries, 2)
		require.ElementsMatch(t, []string{"one", "two"}, []string{entries[0].RequestID, entries[1].RequestID})
		require.Equal(t, entries[1].RequestID, b.tpp(id).Block.Reason, "the last one stands")
		for _, c := range made {
			require.Len(t, b.endings(c), 1)
		}
	}
	require.Empty(t, b.faults())
}

// raceOfUnblock has a block and an unblock at once. Whoever comes last decides
// whether the TPP is in; if it is, what it has left is not ended later.
func raceOfUnblock(t *testing.T, b *bundle) {
	t.Helper()
	r := b.register(b, start)
	stood := map[bool]int{}
	for round := range 40 {
		tpp := acme()
		tpp.ID = fmt.Sprintf("X:%d", round)
		require.NoError(t, r.Admit(b.ctx, tpp, ""))
		var made []uuid.UUID
		for range 4 {
			c, _ := b.create(of(tpp.ID))
			made = append(made, c.ID)
		}
		ended := 0
		for _, err := range together(
			func() (err error) {
				_, ended, err = r.Block(b.ctx, officer("block"), tpp.ID, register.Block{Reason: "x", EndsConsents: true})
				return err
			},
			func() error { _, err := r.Unblock(b.ctx, officer("unblock"), tpp.ID); return err },
		) {
			require.NoError(t, err)
		}
		stands := b.tpp(tpp.ID).Blocked(start)
		stood[stands]++
		left, err := r.Finish(b.ctx, 100)
		require.NoError(t, err)
		require.Zero(t, left)
		final := 0
		for _, c := range made {
			if b.get(c).Status.Final() {
				final++
			}
		}
		require.Equal(t, ended, final)
		if stands {
			require.Equal(t, len(made), final)
		}
		entries := b.history(register.Chain(tpp.ID))
		require.Equal(t, map[bool]string{true: "blocked for ever, consents end", false: "known"}[stands], entries[len(entries)-1].To)
	}
	t.Logf("blocked in the end: %v", stood)
	require.Empty(t, b.faults())
}

// raceOfBlockAndCreate blocks a TPP while its calls, each let in as the edge does
// it, make consents: what slips in is ended by Finish.
func raceOfBlockAndCreate(t *testing.T, b *bundle) {
	t.Helper()
	for round := range 5 {
		r, replica := b.register(b, start), b.register(b.Replica(t), start)
		tpp := acme()
		tpp.ID = fmt.Sprintf("X:%d", round)
		require.NoError(t, r.Admit(b.ctx, tpp, ""))
		var made, refused atomic.Int32
		calls := []func() error{func() error {
			_, _, err := r.Block(b.ctx, officer("block"), tpp.ID, register.Block{Reason: "x", EndsConsents: true})
			return err
		}}
		for range 8 {
			calls = append(calls, func() error {
				for range 8 {
					c, run := newConsent(t, of(tpp.ID))
					err := replica.Admit(b.ctx, tpp, "")
					if consent.CodeOf(err) == consent.CodeCertificateBlocked {
						refused.Add(1)
						continue
					}
					if err = errors.Join(err, b.Create(b.ctx, c, run)); err != nil {
						return err
					}
					made.Add(1)
				}
				return nil
			})
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		left, err := r.Finish(b.ctx, 1000)
		require.NoError(t, err)
		t.Logf("%d made, %d refused, %d of them left to finish", made.Load(), refused.Load(), left)
		require.Empty(t, b.doomed(tpp.ID))
		list, err := b.Recent(b.ctx, 1000)
		require.NoError(t, err)
		count := 0
		for _, c := range list {
			if c.TPP == tpp.ID {
				count++
				require.Equal(t, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonTPPBlocked}, c.Ending)
				last := b.endings(c.ID)
				require.Equal(t, officer("block"), last[0].Cause, "all by the same call")
			}
		}
		require.EqualValues(t, made.Load(), count)
	}
	require.Empty(t, b.faults())
}

// breaking is a store that fails after some consents were ended.
type breaking struct {
	register.Store
	after atomic.Int32
}

var errBroken = errors.New("broken")

func (s *breaking) Doom(ctx context.Context, d register.Doomed, wait bool, end func(*consent.Consent, *register.Block) error) error {
	if s.after.Add(-1) < 0 {
		return errBroken
	}
	return s.Store.Doom(ctx, d, wait, end)
}

func crashInTheMiddle(t *testing.T, b *bundle) {
	t.Helper()
	for range 10 {
		b.create(of(acme().ID))
		b.create(of("X:other"))
	}
	store := &breaking{Store: b}
	store.after.Store(3)
	_, ended, err := b.register(store, start).Block(b.ctx, officer("r"), acme().ID, register.Block{Reason: "x", EndsConsents: true})
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, 3, ended)
	require.True(t, b.tpp(acme().ID).Blocked(start), "the block stands")
	require.Len(t, b.doomed(acme().ID), 7)
	r := b.register(b, start.Add(time.Minute))
	for _, want := range []int{5, 2, 0} {
		n, err := r.Finish(b.ctx, 5)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	list, err := b.Recent(b.ctx, 100)
	require.NoError(t, err)
	for _, c := range list {
		require.Equal(t, c.TPP == acme().ID, c.Status.Final())
	}
	require.Empty(t, b.faults())
}

func raceOfFinish(t *testing.T, b *bundle) {
	t.Helper()
	const many = 40
	for range many {
		b.create(of(acme().ID))
	}
	b.put(register.TPP{ID: acme().ID, Block: &register.Block{At: start, By: "office", EndsConsents: true}})
	done := make([]int, 4)
	calls := make([]func() error, len(done))
	replica := b.Replica(t)
	for i := range calls {
		r := b.register([]register.Store{b, replica}[i%2], start)
		calls[i] = func() error {
			for range 20 { // what another one holds is left for the next turn
				n, err := r.Finish(b.ctx, 7)
				done[i] += n
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	require.Equal(t, many, done[0]+done[1]+done[2]+done[3], "each once, whoever did it")
	require.Empty(t, b.doomed(acme().ID))
	require.Empty(t, b.faults())
}

func finishPassesOver(t *testing.T, b *bundle) {
	t.Helper()
	if b.Hold == nil {
		return // one connection: nobody can be changing anything meanwhile
	}
	held, _ := b.create(of(acme().ID))
	b.create(of(acme().ID))
	b.put(register.TPP{ID: acme().ID, Block: &register.Block{At: start, By: "office", EndsConsents: true}})
	r := b.register(b, start)
	release := b.Hold(t, "SELECT 1 FROM tpps FOR UPDATE")
	n, err := r.Finish(b.ctx, 100)
	require.NoError(t, err)
	require.Zero(t, n)
	release()
	release = b.Hold(t, "SELECT 1 FROM consents WHERE id = $1 FOR UPDATE", held.ID.String())
	n, err = r.Finish(b.ctx, 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	release()
	require.Equal(t, []uuid.UUID{held.ID}, b.doomed(acme().ID))
	n, err = r.Finish(b.ctx, 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
