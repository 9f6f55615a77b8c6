package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

func testKin(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"who ends a connection, or what rests on it, ends what goes with it": endingsOfKin,
		"what goes with it ends wherever it is given":                        kinOfOneTPPAndPSU,
		"what goes with it is for the same customer":                         kinOverCustomers,
		"an ending that fails ends nothing":                                  endingOfKinFails,
		"who takes what is free ends kin as well":                            freeKin,
		"an earlier ending does not take back a later one":                   cutOffOnlyGrows,
		"a connection that nobody has given has no kin":                      pendingConnection,
		"blocking a TPP ends both, and its tokens elsewhere":                 kinOfBlocked,
	})
}

// kinship is a connection with what was forwarded by it.
type kinship struct {
	holder

	connection, forwarded *consent.Consent
}

func (b *bundle) kinship(tpp, name string) kinship {
	b.t.Helper()
	h := b.holder(tpp, name)
	by := b.connected(h, start)
	return kinship{holder: h, connection: by, forwarded: b.forwarded(h, by, h.some(0, 2), start)}
}

// endingsOfKin ends each of the two in every way.
func endingsOfKin(t *testing.T, b *bundle) {
	t.Helper()
	later := start.Add(time.Hour)
	over := start.AddDate(0, 0, 180)
	for name, x := range map[string]struct {
		end    func(*consent.Consent) error
		status consent.Status
		ending consent.Ending
		at     time.Time
		keeps  bool // where what was forwarded is ended, its connection stays for now
		cutOff bool
	}{
		"the PSU": {
			end:    func(c *consent.Consent) error { return c.Withdraw(later) },
			status: consent.Revoked, ending: consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}, at: later, cutOff: true,
		},
		"the bank": {
			end:    func(c *consent.Consent) error { return c.Revoke(consent.ReasonBank, later) },
			status: consent.Revoked, ending: consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonBank}, at: later, cutOff: true,
		},
		"the TPP": {
			end:    func(c *consent.Consent) error { return c.Terminate(later) },
			status: consent.Revoked, ending: consent.Ending{By: consent.ByTPP, Reason: consent.ReasonTerminated}, at: later, keeps: true,
		},
		"time": {
			end:    func(c *consent.Consent) error { c.Settle(over.AddDate(0, 0, 1)); return nil },
			status: consent.Expired, ending: consent.Ending{By: consent.BySystem, Reason: consent.ReasonDate}, at: over, keeps: true,
		},
	} {
		for _, first := range []string{"connection", "forwarded"} {
			k := b.kinship("T", name+first)
			own, other := k.connection, k.forwarded
			if first == "forwarded" {
				own, other = other, own
			}
			b.update(own.ID, x.end)
			got := b.get(own.ID)
			require.Equal(t, []any{x.status, x.ending, x.at}, []any{got.Status, got.Ending, got.StatusChangedAt}, "%s ends the %s", name, first)
			got = b.get(other.ID)
			if x.keeps && first == "forwarded" {
				require.Equal(t, consent.Valid, got.Status, "%s: the connection outlives what was forwarded", name)
			} else {
				require.Equal(t, []any{x.status, x.ending, x.at}, []any{got.Status, got.Ending, got.StatusChangedAt}, "%s, beside the %s", name, first)
				entries := b.history(got.ID.String())
				require.Equal(t, string(x.status), entries[len(entries)-1].To)
			}
			want := map[bool]time.Time{true: x.at}[x.cutOff]
			require.Equal(t, want, b.standing(k.holder).After, "%s ends the %s", name, first)
			require.Equal(t, k.forwarded.ID, b.standing(k.holder).Consent, "it is still what was forwarded last")
		}
	}
	require.Empty(t, b.faults())
}

func kinOfOneTPPAndPSU(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	further := b.connected(k.holder, start.Add(time.Minute))
	onFurther := b.kinship("T", "enzo") // another PSU
	elsewhere := b.kinship("U", "lea")  // another TPP
	xs2a := b.agreed(k.psu, k.customer, k.some(0, 1), func(d *consent.Draft) { d.TPP = "T" })

	b.update(further.ID, func(c *consent.Consent) error { return c.Withdraw(start.Add(time.Hour)) })
	require.Equal(t, consent.Valid, b.get(k.forwarded.ID).Status, "it rests on another connection")
	further = b.connected(k.holder, start.Add(time.Minute))
	b.update(k.forwarded.ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start.Add(time.Hour)) })
	require.Equal(t, consent.Valid, b.get(further.ID).Status)
	b.update(k.forwarded.ID, func(c *consent.Consent) error {
		c.Because(consent.Cause{By: consent.ByPSU, Who: k.psu.String(), RequestID: callID})
		return c.Withdraw(start.Add(2 * time.Hour))
	})
	for _, id := range []uuid.UUID{further.ID, k.connection.ID, k.forwarded.ID} {
		require.Equal(t, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}, b.get(id).Ending)
		entries := b.history(id.String())
		require.Equal(t, consent.Cause{By: consent.ByPSU, Who: k.psu.String(), RequestID: callID}, entries[len(entries)-1].Cause)
	}
	for _, id := range []uuid.UUID{onFurther.connection.ID, onFurther.forwarded.ID, elsewhere.connection.ID, elsewhere.forwarded.ID, xs2a} {
		require.Equal(t, consent.Valid, b.get(id).Status)
	}
	require.Zero(t, b.standing(elsewhere.holder).After)
	require.Empty(t, b.faults())
}

func kinOverCustomers(t *testing.T, b *bundle) {
	t.Helper()
	own := b.kinship("T", "lea")
	company := b.actingFor(own.holder, "company")
	by := b.connected(company, start)
	theirs := b.forwarded(company, by, company.some(0, 1), start)
	at := start.Add(time.Hour)
	b.update(own.connection.ID, func(c *consent.Consent) error { return c.Withdraw(at) })
	require.Equal(t, consent.Valid, b.get(theirs.ID).Status, "a connection alone takes what rests on it")
	again := b.connected(own.holder, at)
	restsOnIt := b.forwarded(own.holder, again, own.some(0, 1), at)
	b.update(theirs.ID, func(c *consent.Consent) error { return c.Withdraw(at.Add(time.Hour)) })
	require.Equal(t, consent.Revoked, b.get(by.ID).Status)
	for _, id := range []uuid.UUID{again.ID, restsOnIt.ID} {
		require.Equal(t, consent.Valid, b.get(id).Status, "what is for another customer")
	}
	require.Equal(t, at.Add(time.Hour), b.standing(company).After)
	require.Equal(t, at, b.standing(own.holder).After, "of the ending before")
	require.Empty(t, b.faults())
}

func endingOfKinFails(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	broken := errors.New("no")
	_, err := b.Update(b.ctx, k.connection.ID, func(c *consent.Consent) error { return errors.Join(c.Withdraw(start), broken) })
	require.ErrorIs(t, err, broken)
	require.Equal(t, consent.Valid, b.get(k.connection.ID).Status)
	require.Equal(t, consent.Valid, b.get(k.forwarded.ID).Status)
	require.Zero(t, b.standing(k.holder).After)
}

// freeKin has what is due ended, unless somebody else holds any of it.
func freeKin(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	settle := func(c *consent.Consent) error { c.Settle(k.connection.EndsAt); return nil }
	if b.Hold != nil {
		for _, held := range []struct {
			statement string
			args      []any
		}{
			{"SELECT 1 FROM consents WHERE id = $1 FOR UPDATE", []any{k.connection.ID.String()}},
			{"SELECT 1 FROM consents WHERE id = $1 FOR UPDATE", []any{k.forwarded.ID.String()}},
			{"SELECT 1 FROM forwarded_consents FOR UPDATE", nil},
		} {
			release := b.Hold(t, held.statement, held.args...)
			require.NoError(t, b.UpdateFree(b.ctx, k.connection.ID, settle))
			release()
			require.Equal(t, consent.Valid, b.get(k.connection.ID).Status, held.statement)
			require.Equal(t, consent.Valid, b.get(k.forwarded.ID).Status, held.statement)
		}
	}
	require.NoError(t, b.UpdateFree(b.ctx, k.connection.ID, settle))
	require.Equal(t, consent.Expired, b.get(k.connection.ID).Status)
	require.Equal(t, consent.Expired, b.get(k.forwarded.ID).Status)
	require.Zero(t, b.standing(k.holder).After, "tokens have a date of their own")
	require.Empty(t, b.faults())
}

func cutOffOnlyGrows(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	for i, at := range []time.Duration{2 * time.Hour, time.Hour, 3 * time.Hour} {
		c := b.forwarded(h, nil, h.some(0, 1), start.Add(time.Duration(i)*time.Second))
		b.update(c.ID, func(c *consent.Consent) error { return c.Withdraw(start.Add(at)) })
		require.Equal(t, start.Add(max(at, 2*time.Hour)), b.standing(h).After)
	}
	b.forwarded(h, nil, h.some(0, 1), start.Add(4*time.Hour))
	require.Equal(t, start.Add(3*time.Hour), b.standing(h).After, "and stays")
	require.Empty(t, b.faults())
}

func pendingConnection(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	c, _ := b.identified(connection("T"), k.psu, k.customer)
	b.update(c.ID, func(c *consent.Consent) error { return c.Terminate(start) })
	require.Equal(t, consent.Revoked, b.get(c.ID).Status)
	require.Equal(t, consent.Valid, b.get(k.connection.ID).Status)
	other, _ := b.identified(connection("T"), k.psu, k.customer)
	require.NoError(t, b.UpdateFree(b.ctx, other.ID, func(c *consent.Consent) error { return c.Withdraw(start) }))
	require.Equal(t, consent.Revoked, b.get(other.ID).Status)
	require.Empty(t, b.faults())
}

func kinOfBlocked(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship(acme().ID, "lea")
	outside := b.holder(acme().ID, "enzo") // by a token of the bank's own server
	c := b.forwarded(outside, nil, outside.some(0, 1), start)
	_, _, err := b.register(b, start).Block(b.ctx, officer("r"), acme().ID, register.Block{Reason: "x", EndsConsents: true})
	require.NoError(t, err)
	for _, id := range []uuid.UUID{k.connection.ID, k.forwarded.ID, c.ID} {
		require.Equal(t, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonTPPBlocked}, b.get(id).Ending)
		require.Len(t, b.endings(id), 1)
		require.Equal(t, officer("r"), b.endings(id)[0].Cause)
	}
	require.Equal(t, []time.Time{start, start}, []time.Time{b.standing(k.holder).After, b.standing(outside).After})
	require.Empty(t, b.faults())
}
