package sca_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/service"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// authors are the entries of a consent's chain with whose they are, and for whom.
func (b *bundle) authors(id uuid.UUID) []string {
	b.t.Helper()
	b.history(id) // it can be verified
	entries, err := b.db.History(b.ctx, id.String())
	require.NoError(b.t, err)
	psu := b.get(id).Authorisations[0].PSU.String()
	name := func(who string) string {
		if who == psu {
			return "anna"
		}
		return who
	}
	var lines []string
	for _, e := range entries {
		line := e.From + " > " + e.To + ": " + string(e.By)
		if e.Who != "" {
			line += " " + name(e.Who)
		}
		if e.For != "" {
			line += " for " + name(e.For)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestAuthors says in the audit who agreed or refused, whoever brings it about.
func TestAuthors(t *testing.T) {
	const made = " > received: tpp A"
	for name, x := range map[string]struct {
		walk func(b *bundle) uuid.UUID
		want []string
	}{
		"approved in the app": {func(b *bundle) uuid.UUID {
			return b.inApp(flow.Step{Outcome: flow.Done})
		}, []string{
			made, "psuIdentified > started: system", "started > finalised: psu anna", "received > valid: psu anna",
		}},
		"denied in the app": {func(b *bundle) uuid.UUID {
			return b.inApp(flow.Step{Outcome: flow.Denied})
		}, []string{
			made, "psuIdentified > started: system", "received > rejected: psu", "started > failed: psu",
		}},
		"by redirect, ends in a wait": {func(b *bundle) uuid.UUID {
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			b.flow.wait.Store(true)
			b.upTo(started.Handle, "anna")
			for _, a := range []sca.Answer{{Approve: true}, word("right")} {
				_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), a)
				require.NoError(b.t, err)
			}
			b.flow.wait.Store(false)
			require.NoError(b.t, b.work(1))
			return id
		}, []string{
			made, "received > psuAuthenticated: psu anna", "psuAuthenticated > started: psu anna", "started > finalised: psu anna",
			"received > valid: psu anna",
		}},
		"embedded": {func(b *bundle) uuid.UUID {
			id, started := b.embedded()
			b.puts(id, started, password("sandbox"))
			b.puts(id, started, code("right"))
			return id
		}, []string{
			made, "psuIdentified > psuAuthenticated: tpp A for anna", "psuAuthenticated > scaMethodSelected: tpp A for anna",
			"scaMethodSelected > finalised: tpp A for anna", "received > valid: tpp A for anna",
		}},
		"embedded, ends in a wait": {func(b *bundle) uuid.UUID {
			id, started := b.embedded()
			b.flow.wait.Store(true)
			b.puts(id, started, password("sandbox"))
			b.puts(id, started, code("right"))
			b.flow.wait.Store(false)
			require.NoError(b.t, b.work(1))
			return id
		}, []string{
			made, "psuIdentified > psuAuthenticated: tpp A for anna", "psuAuthenticated > scaMethodSelected: tpp A for anna",
			"scaMethodSelected > finalised: psu anna", "received > valid: psu anna",
		}},
		"confirmed by the TPP": {func(b *bundle) uuid.UUID {
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			b.puts(id, started, confirm(b.unconfirmed(started.Handle, "anna")))
			return id
		}, []string{
			made, "received > psuAuthenticated: psu anna", "psuAuthenticated > started: psu anna", "started > unconfirmed: psu anna",
			"unconfirmed > finalised: tpp A for anna", "received > valid: tpp A for anna",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				require.Equal(t, x.want, b.authors(x.walk(b)))
			})
		})
	}
}

// inApp lets anna answer in the app.
func (b *bundle) inApp(said flow.Step) uuid.UUID {
	b.t.Helper()
	id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
	require.NoError(b.t, b.work(1))
	b.app.answer.Store(&said)
	require.NoError(b.t, b.work(1))
	return id
}
