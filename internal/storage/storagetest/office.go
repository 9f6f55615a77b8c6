package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/office"
)

func testOffice(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"a proposal is kept until it is decided": proposalIsDecided,
		"a decision that fails leaves nothing":   decisionFails,
		"open proposals, the oldest first":       openProposals,
		"who looks is written down":              looksAreChained,
	})
}

// proposed keeps a proposal of mia's.
func (b *bundle) proposed(at time.Time) office.Proposal {
	b.t.Helper()
	p := office.Proposal{
		ID: uuid.Must(uuid.NewV7()), ProposedBy: "mia", ProposedAt: at, State: office.Open,
		Act: office.Act{Verb: office.Suspend, Consents: []uuid.UUID{uuid.New()}, Reason: consent.ReasonFraud, Note: "ticket 7"},
	}
	require.NoError(b.t, b.Propose(b.ctx, p))
	return p
}

// decided has somebody confirm a proposal, unless it is decided.
func (b *bundle) decided(store Store, id uuid.UUID, who string) error {
	_, err := store.Decide(b.ctx, id, func(p *office.Proposal) error {
		if p.State != office.Open {
			return consent.E(consent.CodeStatusInvalid, "the proposal is %s", p.State)
		}
		p.State, p.DecidedBy, p.DecidedAt = office.Confirmed, who, start
		return nil
	})
	return err
}

func proposalIsDecided(t *testing.T, b *bundle) {
	p := b.proposed(start)
	got, err := b.Proposal(b.ctx, p.ID)
	require.NoError(t, err)
	require.Equal(t, &p, got)
	require.NoError(t, b.decided(b, p.ID, "ben"))
	got, err = b.Decide(b.ctx, p.ID, func(p *office.Proposal) error { p.Done = 3; return nil })
	require.NoError(t, err)
	p.State, p.DecidedBy, p.DecidedAt, p.Done = office.Confirmed, "ben", start, 3
	require.Equal(t, &p, got)
	got, err = b.Proposal(b.ctx, p.ID)
	require.NoError(t, err)
	require.Equal(t, &p, got)
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(b.decided(b, p.ID, "tom")))
}

func decisionFails(t *testing.T, b *bundle) {
	p, broken := b.proposed(start), errors.New("no")
	_, err := b.Decide(b.ctx, p.ID, func(p *office.Proposal) error { p.State = office.Refused; return broken })
	require.ErrorIs(t, err, broken)
	got, err := b.Proposal(b.ctx, p.ID)
	require.NoError(t, err)
	require.Equal(t, &p, got)
	_, err = b.Proposal(b.ctx, uuid.New())
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	_, err = b.Decide(b.ctx, uuid.New(), nil)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func openProposals(t *testing.T, b *bundle) {
	last, first, second := b.proposed(start.Add(time.Hour)), b.proposed(start), b.proposed(start.Add(time.Minute))
	list, err := b.Proposals(b.ctx, 2)
	require.NoError(t, err)
	require.Equal(t, []office.Proposal{first, second}, list)
	require.NoError(t, b.decided(b, first.ID, "ben"))
	list, err = b.Proposals(b.ctx, 10)
	require.NoError(t, err)
	require.Equal(t, []office.Proposal{second, last}, list)
}

// lookOf is what is written down of a look.
func lookOf(who string, at time.Time) consent.Entry {
	return consent.Entry{
		Chain: office.LookedChain(who, consent.DateOf(at, time.UTC)), At: at,
		Cause: consent.Cause{By: consent.ByASPSP, Who: who, RequestID: callID}, Reason: office.ReasonLooked, Operation: "GET consents",
	}
}

func looksAreChained(t *testing.T, b *bundle) {
	b.create(draft())
	tomorrow := start.AddDate(0, 0, 1)
	for _, e := range []consent.Entry{lookOf("staff/mia", start), lookOf("staff/ben", start), lookOf("staff/mia", start), lookOf("staff/mia", tomorrow)} {
		require.NoError(t, b.Look(b.ctx, e))
	}
	chain := office.LookedChain("staff/mia", consent.DateOf(start, time.UTC))
	entries := b.history(chain)
	require.Len(t, entries, 2)
	want := lookOf("staff/mia", start)
	want.Seq, want.MAC = 2, entries[1].MAC
	require.Equal(t, want, entries[1])
	require.Len(t, b.history(office.LookedChain("staff/mia", consent.DateOf(tomorrow, time.UTC))), 1)
	require.Empty(t, b.faults(), "the audit verifies")
	b.Exec(t, "UPDATE audit_entries SET operation = 'GET nothing' WHERE chain = $1 AND seq = 1", chain)
	require.Equal(t, []string{chain + ", entry 1: was changed, or put where it does not belong"}, b.faults())
}
