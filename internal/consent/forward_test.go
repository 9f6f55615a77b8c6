package consent_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/consent"
)

var (
	psu, otherPSU = uuid.New(), uuid.New()
	holder        = uuid.New() // the customer of both
)

// connected is a connection that is in force.
func connected(t require.TestingT, tpp string, who uuid.UUID, now time.Time) *consent.Consent {
	c, err := consent.DefaultPolicy().Connect(uuid.New(), consent.Draft{
		Kind: consent.Connection, Rail: consent.RailSTET, TPP: tpp, Access: consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts},
	}, who, holder, consent.Cause{By: consent.ByTPP, Who: tpp}, now)
	require.NoError(t, err)
	return c
}

// forwarded is a document that rests on a connection.
func forwarded(on *consent.Consent, now time.Time) *consent.Consent {
	return consent.DefaultPolicy().Forward(uuid.New(), consent.Forwarded{
		Print: "sha-256=1", TPP: on.TPP, PSU: on.GivenBy, Customer: holder, Connection: on.ID, SCA: on.LastSCA, Until: on.EndsAt,
		Access: consent.Access{Grants: []consent.Grant{{AccountID: uuid.New(), Rights: consent.RightBalances}}},
	}, consent.Cause{By: consent.ByTPP, Who: on.TPP, RequestID: "r"}, now)
}

// TestForward: what is forwarded is valid at birth, by whom and until when the
// authentication of its connection says.
func TestForward(t *testing.T) {
	t.Parallel()
	on := connected(t, "A", psu, noon)
	require.Equal(t, consent.Valid, on.Status)
	require.Equal(t, noon.AddDate(0, 0, 180), on.EndsAt)
	c := forwarded(on, noon.Add(time.Hour))
	require.Equal(t, consent.Valid, c.Status)
	require.Equal(t, []any{psu, holder, on.ID, noon, on.EndsAt}, []any{c.GivenBy, c.Customer, c.Connection, c.LastSCA, c.EndsAt})
	require.Equal(t, consent.ScopeDedicated, c.Access.Scope)
	require.Equal(t, c.ID, c.GroupID)
	entries, _ := c.TakePending()
	require.Len(t, entries, 1)
	require.Equal(t, []string{"", "valid", "forwarded", "A", "r", "sha-256=1"},
		[]string{entries[0].From, entries[0].To, entries[0].Reason, entries[0].Who, entries[0].RequestID, entries[0].Operation})
	require.False(t, c.Settle(on.EndsAt.Add(-time.Microsecond)))
	require.True(t, c.Settle(on.EndsAt))
	require.Equal(t, []any{consent.Expired, consent.ReasonDate, on.EndsAt}, []any{c.Status, c.Ending.Reason, c.StatusChangedAt})
}

// TestConnectionBySCA: a connection that is authorised as other consents are belongs
// to who authorised it.
func TestConnectionBySCA(t *testing.T) {
	t.Parallel()
	c, err := consent.DefaultPolicy().New(uuid.New(), consent.Draft{
		Kind: consent.Connection, Rail: consent.RailSTET, TPP: "A", Access: consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts},
	}, consent.Cause{}, noon)
	require.NoError(t, err)
	require.Equal(t, uuid.Nil, c.GivenBy)
	authorised(t, c, psu, holder)
	require.Equal(t, []any{psu, holder, noon}, []any{c.GivenBy, c.Customer, c.LastSCA})
}

func TestGiveWay(t *testing.T) {
	t.Parallel()
	later, cause := noon.Add(time.Hour), consent.Cause{By: consent.ByTPP, Who: "A"}
	on := connected(t, "A", psu, noon)
	t.Run("to the next", func(t *testing.T) {
		t.Parallel()
		former, next := forwarded(on, noon), forwarded(on, later)
		require.NoError(t, former.GiveWay(next, cause, later))
		require.Equal(t, []any{consent.Expired, consent.ReasonReplaced, next.ID, later}, []any{former.Status, former.Ending.Reason, former.ReplacedBy, former.StatusChangedAt})
		require.Equal(t, former.GroupID, next.GroupID)
	})
	t.Run("to nothing", func(t *testing.T) {
		t.Parallel()
		former := forwarded(on, noon)
		require.NoError(t, former.GiveWay(nil, cause, later))
		require.Equal(t, []any{consent.Revoked, consent.ByTPP, consent.ReasonTerminated}, []any{former.Status, former.Ending.By, former.Ending.Reason})
	})
	t.Run("when it has ended before", func(t *testing.T) {
		t.Parallel()
		former, next := forwarded(on, noon), forwarded(on, later)
		require.NoError(t, former.Withdraw(noon))
		require.NoError(t, former.GiveWay(next, cause, later))
		require.Equal(t, []any{consent.Revoked, noon, uuid.Nil, next.ID}, []any{former.Status, former.StatusChangedAt, former.ReplacedBy, next.GroupID})
	})
	t.Run("never while it is suspended", func(t *testing.T) {
		t.Parallel()
		former := forwarded(on, noon)
		require.NoError(t, former.Suspend(consent.ReasonBank, noon))
		for _, next := range []*consent.Consent{nil, forwarded(on, later)} {
			require.Equal(t, consent.CodeBlocked, consent.CodeOf(former.GiveWay(next, cause, later)))
			require.Equal(t, consent.Suspended, former.Status)
		}
	})
}

func TestRenew(t *testing.T) {
	t.Parallel()
	policy, day100 := consent.DefaultPolicy(), noon.AddDate(0, 0, 100)
	old, fresh := connected(t, "A", psu, noon), connected(t, "A", psu, day100)
	by := func(c *consent.Consent) consent.Renewal {
		return consent.Renewal{Connection: c.ID, SCA: c.LastSCA, Until: c.EndsAt}
	}
	for name, elsewhere := range map[string]bool{"by a connection": false, "by the bank's own server": true} {
		c, with := forwarded(old, noon), by(fresh)
		if elsewhere {
			with.Connection = uuid.Nil
		}
		c.TakePending()
		policy.Renew(c, with, consent.Cause{By: consent.ByTPP, Who: "A"}, day100)
		require.Equal(t, []any{with.Connection, day100, fresh.EndsAt, fresh.ValidUntil}, []any{c.Connection, c.LastSCA, c.EndsAt, c.ValidUntil}, name)
		policy.Renew(c, with, consent.Cause{By: consent.ByTPP, Who: "A"}, day100)
		policy.Renew(c, by(old), consent.Cause{}, day100)
		require.Equal(t, []any{with.Connection, day100}, []any{c.Connection, c.LastSCA}, "%s: one as old, or older, renews nothing", name)
		entries, _ := c.TakePending()
		require.Len(t, entries, 1, name)
		require.Equal(t, []string{"valid", "valid", "renewed", "A"}, []string{entries[0].From, entries[0].To, entries[0].Reason, entries[0].Who}, name)
	}
}

// TestRenewNot: what stays as it is, whatever the PSU does.
func TestRenewNot(t *testing.T) {
	t.Parallel()
	old, late := connected(t, "A", psu, noon), noon.AddDate(1, 0, 0)
	for name, x := range map[string]struct {
		before func(*consent.Consent) error
		until  time.Time
		status consent.Status
	}{
		"lapsed":    {func(*consent.Consent) error { return nil }, late.AddDate(1, 0, 0), consent.Expired},
		"withdrawn": {func(c *consent.Consent) error { return c.Withdraw(noon) }, late.AddDate(1, 0, 0), consent.Revoked},
		"suspended": {func(c *consent.Consent) error {
			c.EndsAt = late.AddDate(0, 1, 0)
			return c.Suspend(consent.ReasonBank, noon)
		}, late.AddDate(1, 0, 0), consent.Suspended},
		"by what is over now": {func(c *consent.Consent) error { c.EndsAt = late.AddDate(0, 1, 0); return nil }, late, consent.Valid},
	} {
		c := forwarded(old, noon)
		require.NoError(t, x.before(c), name)
		consent.DefaultPolicy().Renew(c, consent.Renewal{SCA: late.AddDate(0, 0, -1), Until: x.until}, consent.Cause{}, late)
		require.Equal(t, []any{x.status, old.ID, noon}, []any{c.Status, c.Connection, c.LastSCA}, name)
	}
}

// TestDrag: what ends together, and what does not.
func TestDrag(t *testing.T) {
	t.Parallel()
	end := map[string]func(c *consent.Consent) error{
		"by the PSU":  func(c *consent.Consent) error { return c.Withdraw(noon) },
		"by the TPP":  func(c *consent.Consent) error { return c.Terminate(noon) },
		"by the bank": func(c *consent.Consent) error { return c.Revoke(consent.ReasonBank, noon) },
		"by time":     func(c *consent.Consent) error { c.Settle(c.EndsAt); return nil },
		"by another":  func(c *consent.Consent) error { return c.GiveWay(forwarded(c, noon), consent.Cause{}, noon) },
		"suspended":   func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, noon) },
	}
	for _, x := range []struct {
		what, how         string
		consent, elsewise bool // what is forwarded ends, or else its connection; whether the other goes too
	}{
		{"a connection", "by the PSU", false, true},
		{"a connection", "by the TPP", false, true},
		{"a connection", "by the bank", false, true},
		{"a connection", "by time", false, true},
		{"a connection", "suspended", false, false},
		{"a document", "by the PSU", true, true},
		{"a document", "by the bank", true, true},
		{"a document", "by time", true, false},
		{"a document", "by the TPP", true, false},
		{"a document", "by another", true, false},
		{"a document", "suspended", true, false},
	} {
		t.Run(x.what+" "+x.how, func(t *testing.T) {
			t.Parallel()
			on := connected(t, "A", psu, noon)
			document := forwarded(on, noon)
			ends, goes := on, document
			if x.consent {
				ends, goes = document, on
			}
			elsewhere := connected(t, "A", psu, noon)
			elsewhere.Customer = uuid.New()
			strangers := []*consent.Consent{connected(t, "B", psu, noon), connected(t, "A", otherPSU, noon), elsewhere, forwarded(connected(t, "A", psu, noon), noon)}
			if x.consent {
				strangers = strangers[:3] // another connection of the same two goes too
			}
			require.NoError(t, end[x.how](ends))
			require.NoError(t, ends.Drag(append([]*consent.Consent{ends, goes}, strangers...), noon))
			require.Equal(t, x.elsewise, goes.Status.Final())
			if x.elsewise {
				require.Equal(t, []any{ends.Status, ends.Ending}, []any{goes.Status, goes.Ending})
			}
			for _, s := range strangers {
				require.Equal(t, consent.Valid, s.Status)
			}
		})
	}
}

// TestDragLeavesNothing: whatever happens to connections and documents of two PSUs and
// two TPPs, afterwards no document stands on a connection that has ended.
func TestDragLeavesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		var all []*consent.Consent
		current := map[[2]string]*consent.Consent{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40*24).Draw(t, "hours")) * time.Hour)
			tpp, who := rapid.SampledFrom([]string{"A", "B"}).Draw(t, "tpp"), rapid.SampledFrom([]uuid.UUID{psu, otherPSU}).Draw(t, "psu")
			key := [2]string{tpp, who.String()}
			var live []*consent.Consent
			for _, c := range all {
				if c.Settle(now); c.Kind == consent.Connection && c.Status == consent.Valid && c.TPP == tpp && c.GivenBy == who {
					live = append(live, c)
				}
			}
			switch act := rapid.IntRange(0, 3).Draw(t, "act"); {
			case act == 0 || len(live) == 0:
				all = append(all, connected(t, tpp, who, now))
			case act == 1:
				next := forwarded(rapid.SampledFrom(live).Draw(t, "connection"), now)
				if former := current[key]; former != nil {
					require.NoError(t, former.GiveWay(next, consent.Cause{}, now))
				}
				current[key], all = next, append(all, next)
			default:
				c := rapid.SampledFrom(all).Draw(t, "ending")
				ended := c.Status.Final()
				if act == 2 {
					require.NoError(t, c.Withdraw(now))
				} else {
					require.NoError(t, c.Terminate(now))
				}
				if !ended {
					require.NoError(t, c.Drag(all, now))
				}
			}
			for _, c := range all {
				if c.Kind != consent.AccountAccess || !c.Status.Live() {
					continue
				}
				require.Same(t, c, current[[2]string{c.TPP, c.GivenBy.String()}], "one at a time")
				for _, on := range all {
					if on.ID == c.Connection {
						on.Settle(now)
						require.Equal(t, consent.Valid, on.Status)
					}
				}
			}
		}
	})
}
