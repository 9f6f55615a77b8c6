package storagetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

func testRacesOfConnections(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"of two forwarded at once one stands, and is seen whole":      raceOfForwards,
		"forwarding against the end of the connection":                raceOfConnectionEnd,
		"forwarding against the end of what stood":                    raceOfForwardedEnd,
		"forwarding for one customer against an ending for another":   raceOverCustomers,
		"forwarding against the end of the tokens":                    raceOfEndPair,
		"issuing that renews, against the end of the old connection":  raceOfRenewal,
		"ending both at once, and whatever is free, ends each once":   raceOfKinEndings,
		"a connection that is authorised while its kin ends is legal": raceOfAuthorising,
		"forwarding against a block of the TPP":                       raceOfKinAndBlock,
	})
}

// raceOfForwards forwards two documents with no account in common, again and again,
// while somebody reads what stands.
func raceOfForwards(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	by := b.connected(h, start)
	first := b.forwarded(h, by, h.some(0, 2), start)
	documents := map[string]bool{accountsIn(h.some(0, 2)): true, accountsIn(h.some(2, 4)): true}
	var done atomic.Bool
	seen := map[consent.Status]int{}
	read := func() error {
		for !done.Load() {
			g, err := b.Grounds(b.ctx, b.standing(h).Consent, start)
			if err != nil {
				return err
			}
			if c := g.Consent; c.Status.Final() && c.Ending.Reason != consent.ReasonReplaced {
				return fmt.Errorf("ended: %v", c.Ending) // replaced it may be, since its id was read
			}
			ids := make([]consent.Grant, len(g.Accounts))
			for i, a := range g.Accounts {
				ids[i].AccountID = a.Key
			}
			if what := accountsIn(ids); !documents[what] {
				return fmt.Errorf("a mixed document: %s", what)
			}
			seen[g.Consent.Status]++
		}
		return nil
	}
	const rounds = 250
	write := func(from, to int) func() error {
		return func() error {
			for range rounds {
				if _, err := b.forward(h, by, h.some(from, to), start); err != nil {
					return err
				}
			}
			return nil
		}
	}
	errs := make(chan error, 1)
	go func() { errs <- read() }()
	writes := together(write(0, 2), write(2, 4))
	done.Store(true)
	require.NoError(t, <-errs)
	for _, err := range writes {
		require.NoError(t, err)
	}
	require.NotEmpty(t, seen)
	t.Logf("read %v", seen)
	b.oneLine(h, first.ID, 2*rounds+1)
}

func accountsIn(grants []consent.Grant) string {
	var ids []string
	for _, g := range grants {
		ids = append(ids, g.AccountID.String())
	}
	slices.Sort(ids)
	return fmt.Sprint(ids)
}

// oneLine follows what was forwarded from the first to the one that stands.
func (b *bundle) oneLine(h holder, first uuid.UUID, want int) {
	b.t.Helper()
	n, c := 1, b.get(first)
	for c.ReplacedBy != uuid.Nil {
		require.Equal(b.t, consent.Expired, c.Status)
		c, n = b.get(c.ReplacedBy), n+1
		require.Equal(b.t, first, c.GroupID)
	}
	require.Equal(b.t, want, n)
	require.Equal(b.t, consent.Valid, c.Status)
	require.Equal(b.t, c.ID, b.standing(h).Consent)
	require.Empty(b.t, b.faults())
}

// raceRounds is how often each of the races below is run.
const raceRounds = 40

// nothingLeft checks that nothing that was forwarded outlives its connection, and that
// at most one stands for each holder.
func (b *bundle) nothingLeft() {
	b.t.Helper()
	list, err := b.Recent(b.ctx, 10_000)
	require.NoError(b.t, err)
	status, live := map[uuid.UUID]consent.Status{}, map[string]int{}
	for _, c := range list {
		status[c.ID] = c.Status
	}
	for _, c := range list {
		if c.Kind != consent.AccountAccess || !c.Status.Live() {
			continue
		}
		require.True(b.t, c.Connection == uuid.Nil || status[c.Connection].Live(), "a forwarded consent outlives its connection")
		whose := fmt.Sprint(c.TPP, c.GivenBy, c.Customer)
		live[whose]++
		require.Equal(b.t, 1, live[whose])
	}
	require.Empty(b.t, b.faults())
}

// endsOr passes over the refusal of a call whose connection has ended.
func endsOr(err error) error {
	if consent.CodeOf(err) == consent.CodeTokenInvalid {
		return nil
	}
	return err
}

// race runs calls at once, each round with a kinship of its own.
func (b *bundle) race(calls func(k kinship) []func() error) {
	b.t.Helper()
	for round := range raceRounds {
		k := b.kinship("T", fmt.Sprint("psu", round))
		for _, err := range together(calls(k)...) {
			require.NoError(b.t, err)
		}
	}
	b.nothingLeft()
}

func (b *bundle) forwarding(h holder, by *consent.Consent) func() error {
	return func() error {
		_, err := b.forward(h, by, h.some(2, 4), start)
		return endsOr(err)
	}
}

func (b *bundle) ending(id uuid.UUID, end func(*consent.Consent) error) func() error {
	return func() error {
		_, err := b.Update(b.ctx, id, end)
		return err
	}
}

func withdraw(c *consent.Consent) error { return c.Withdraw(start.Add(time.Second)) }

func raceOfConnectionEnd(t *testing.T, b *bundle) {
	t.Helper()
	b.race(func(k kinship) []func() error {
		return []func() error{b.forwarding(k.holder, k.connection), b.ending(k.connection.ID, withdraw), b.forwarding(k.holder, k.connection)}
	})
	list, err := b.Recent(b.ctx, 10_000)
	require.NoError(t, err)
	for _, c := range list {
		require.True(t, c.Status.Final(), "every connection was ended, and so what rests on it")
	}
}

func raceOfForwardedEnd(t *testing.T, b *bundle) {
	t.Helper()
	b.race(func(k kinship) []func() error {
		return []func() error{b.forwarding(k.holder, k.connection), b.ending(k.forwarded.ID, withdraw), b.forwarding(k.holder, k.connection)}
	})
}

func raceOverCustomers(t *testing.T, b *bundle) {
	t.Helper()
	b.race(func(k kinship) []func() error {
		company := b.actingFor(k.holder, "company of "+k.psu.String())
		by := b.connected(company, start)
		theirs := b.forwarded(company, by, company.some(0, 1), start)
		return []func() error{
			b.forwarding(company, by), b.ending(k.forwarded.ID, withdraw), b.forwarding(k.holder, k.connection), b.ending(theirs.ID, withdraw),
		}
	})
}

func raceOfEndPair(t *testing.T, b *bundle) {
	t.Helper()
	b.race(func(k kinship) []func() error {
		p := b.issued(k.holder, k.connection.ID, k.connection.ID.String())
		end := func() error {
			return b.EndPair(b.ctx, p.ID, func(c *consent.Consent) error { return c.Terminate(start.Add(time.Second)) })
		}
		return []func() error{b.forwarding(k.holder, k.connection), end, end}
	})
}

func raceOfRenewal(t *testing.T, b *bundle) {
	t.Helper()
	b.race(func(k kinship) []func() error {
		newer := b.connected(k.holder, start.Add(time.Minute))
		p := b.requested(pairOf(k.holder, newer.ID, newer.ID.String()))
		return []func() error{
			func() error {
				return b.Issue(b.ctx, p, func(grant *consent.Consent, kin []*consent.Consent) error {
					if grant.Status == consent.Valid {
						renew(grant, kin, k.cause(), start.Add(time.Minute))
					}
					return nil
				})
			},
			b.ending(k.connection.ID, withdraw), b.forwarding(k.holder, newer),
		}
	})
}

func raceOfKinEndings(t *testing.T, b *bundle) {
	t.Helper()
	var all []uuid.UUID
	b.race(func(k kinship) []func() error {
		all = append(all, k.connection.ID, k.forwarded.ID)
		free := func(id uuid.UUID) func() error { return func() error { return b.UpdateFree(b.ctx, id, withdraw) } }
		return []func() error{
			b.ending(k.connection.ID, withdraw), b.ending(k.forwarded.ID, withdraw), free(k.connection.ID), free(k.forwarded.ID),
		}
	})
	for _, id := range all {
		require.Equal(t, consent.Revoked, b.get(id).Status)
		require.Len(t, b.endings(id), 1)
	}
}

func raceOfAuthorising(t *testing.T, b *bundle) {
	t.Helper()
	b.race(func(k kinship) []func() error {
		c, run := b.identified(connection("T"), k.psu, k.customer)
		return []func() error{
			func() error { return b.finish(b.ctx, run, k.psu, nil, start) }, b.ending(k.forwarded.ID, withdraw),
			b.ending(c.ID, func(*consent.Consent) error { return nil }),
		}
	})
}

func raceOfKinAndBlock(t *testing.T, b *bundle) {
	t.Helper()
	shut := func(err error) error {
		if consent.CodeOf(err) == consent.CodeCertificateBlocked {
			return nil
		}
		return err
	}
	for round := range 20 {
		k := b.kinship(fmt.Sprint("X:", round), fmt.Sprint("psu", round))
		require.NoError(t, b.register(b, start).Admit(b.ctx, register.TPP{ID: k.tpp, Name: "A", Certificate: "aa"}, ""))
		for _, err := range together(
			func() error { return shut(b.forwarding(k.holder, k.connection)()) },
			func() error { return shut(b.forwarding(k.holder, k.connection)()) },
			func() error {
				_, _, err := b.register(b, start).Block(b.ctx, officer("r"), k.tpp, register.Block{Reason: "x", EndsConsents: true})
				return err
			},
		) {
			require.NoError(t, err)
		}
		require.Empty(t, b.doomed(k.tpp))
	}
	b.nothingLeft()
}
