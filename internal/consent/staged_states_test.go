package consent_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// in is a staged consent in a state.
func in(t *testing.T, kind consent.Kind, status consent.Status) *consent.Consent {
	t.Helper()
	c := attached(t, kind)
	if status != consent.Received && status != consent.Rejected && status != consent.PartiallyAuthorised {
		require.NoError(t, c.Approve(noon))
	}
	switch status {
	case consent.PartiallyAuthorised:
		require.NoError(t, c.AttachApprovals(1, []consent.Approval{{ID: "a", State: consent.ApprovalGiven}}, noon))
	case consent.Suspended:
		require.NoError(t, c.Suspend(consent.ReasonFraud, noon))
	case consent.Rejected:
		require.NoError(t, c.Reject(consent.ByPSU, noon))
	case consent.Revoked:
		require.NoError(t, c.Revoke(consent.ReasonBank, noon))
	case consent.Expired:
		require.True(t, c.Settle(c.EndsAt))
	case consent.Consumed:
		require.NoError(t, c.Consume(spentLog(), time.UTC, noon))
	default:
	}
	require.Equal(t, status, c.Status)
	return c
}

// spentLog is as many settled payments as the consents of staging allow.
func spentLog() []consent.Payment {
	var log []consent.Payment
	for range 3 {
		log = append(log, consent.Payment{ID: uuid.New(), Amount: aed(100), Status: consent.PaymentCredited, CreatedAt: noon})
	}
	return log
}

// TestStagedStates is the state machine of the Consent Manager, each state with each
// command: what it becomes, or a code.
func TestStagedStates(t *testing.T) {
	const no, same = string(consent.CodeStatusInvalid), ""
	commands := map[string]func(*consent.Consent) error{
		"approve":    func(c *consent.Consent) error { return c.Approve(noon) },
		"reject":     func(c *consent.Consent) error { return c.Reject(consent.ByPSU, noon) },
		"suspend":    func(c *consent.Consent) error { return c.Suspend(consent.ReasonIdentity, noon) },
		"resume":     func(c *consent.Consent) error { return c.Resume(noon) },
		"bank":       func(c *consent.Consent) error { return c.Revoke(consent.ReasonLegal, noon) },
		"user":       func(c *consent.Consent) error { return c.Withdraw(noon) },
		"tpp":        func(c *consent.Consent) error { return c.Terminate(noon) },
		"userAtTPP":  func(c *consent.Consent) error { return c.WithdrawAtTPP(noon) },
		"consume":    func(c *consent.Consent) error { return c.Consume(spentLog(), time.UTC, noon) },
		"end":        func(c *consent.Consent) error { c.Settle(c.EndsAt); return nil },
		"window":     func(c *consent.Consent) error { c.Settle(c.AuthoriseBy); return nil },
		"not at all": func(c *consent.Consent) error { c.Settle(noon); return nil },
	}
	order := []string{"approve", "reject", "suspend", "resume", "bank", "user", "tpp", "userAtTPP", "consume", "end", "window", "not at all"}
	const valid, suspended, rejected, revoked, expired, consumed = "valid", "suspended", "rejected", "revoked", "expired", "consumed"
	ended := []string{no, no, no, no, same, same, same, same, no, same, same, same}
	table := map[consent.Status][]string{
		consent.Received:            {valid, rejected, no, no, revoked, revoked, revoked, revoked, no, rejected, rejected, same},
		consent.PartiallyAuthorised: {valid, rejected, no, no, revoked, revoked, revoked, revoked, no, rejected, rejected, same},
		consent.Valid:               {no, no, suspended, no, revoked, revoked, revoked, revoked, consumed, expired, same, same},
		consent.Suspended:           {no, no, no, valid, revoked, revoked, revoked, revoked, no, expired, same, same},
		consent.Rejected:            ended, consent.Revoked: ended, consent.Expired: ended,
		consent.Consumed: {no, no, no, no, same, same, same, same, same, same, same, same},
	}
	require.Len(t, table, len(consent.Transitions()))
	for from, row := range table {
		for _, kind := range []consent.Kind{consent.AccountAccess, consent.Payments} {
			if from == consent.Consumed && kind != consent.Payments {
				continue
			}
			for i, name := range order {
				want := row[i]
				if name == "consume" && kind != consent.Payments {
					want = no // sharing data uses nothing up
				}
				t.Run(fmt.Sprintf("%s %s %s", kind, from, name), func(t *testing.T) {
					c := in(t, kind, from)
					before := *c
					err := commands[name](c)
					switch want {
					case no:
						require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
						require.Equal(t, from, c.Status)
					case same:
						require.NoError(t, err)
						require.Equal(t, from, c.Status)
					default:
						require.NoError(t, err)
						require.Equal(t, consent.Status(want), c.Status)
						require.Equal(t, c.Status.Final(), c.Ending != consent.Ending{})
					}
					if before.Status.Final() {
						require.Equal(t, []any{before.UpdatedAt(), before.Ending}, []any{c.UpdatedAt(), c.Ending}, "frozen")
					}
					require.Equal(t, c.Status == consent.Suspended, c.Suspension.Reason != "")
				})
			}
		}
	}
}

// TestStagedEndings: who has ended a consent, and where it was said.
func TestStagedEndings(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*consent.Consent) error
		want consent.Ending
	}{
		"the bank":            {func(c *consent.Consent) error { return c.Revoke(consent.ReasonFraud, noon) }, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonFraud}},
		"the user, here":      {func(c *consent.Consent) error { return c.Withdraw(noon) }, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}},
		"the TPP":             {func(c *consent.Consent) error { return c.Terminate(noon) }, consent.Ending{By: consent.ByTPP, Reason: consent.ReasonTerminated}},
		"the user, there":     {func(c *consent.Consent) error { return c.WithdrawAtTPP(noon) }, consent.Ending{By: consent.ByTPP, Reason: consent.ReasonAtTPP}},
		"the last payment":    {func(c *consent.Consent) error { return c.Consume(spentLog(), time.UTC, noon) }, consent.Ending{By: consent.BySystem, Reason: consent.ReasonUsedUp}},
		"time":                {func(c *consent.Consent) error { c.Settle(c.EndsAt); return nil }, consent.Ending{By: consent.BySystem, Reason: consent.ReasonDate}},
		"the user said no":    {func(c *consent.Consent) error { return c.Reject(consent.ByPSU, noon) }, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonRefused}},
		"nobody came in time": {func(c *consent.Consent) error { c.Settle(c.AuthoriseBy); return nil }, consent.Ending{By: consent.BySystem, Reason: consent.ReasonNotAuthorised}},
	} {
		t.Run(name, func(t *testing.T) {
			from := consent.Valid
			if test.want.Reason == consent.ReasonRefused || test.want.Reason == consent.ReasonNotAuthorised {
				from = consent.Received
			}
			c := in(t, consent.Payments, from)
			require.NoError(t, test.end(c))
			require.Equal(t, test.want, c.Ending)
		})
	}
}
