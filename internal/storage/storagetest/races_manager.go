package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/office"
	"consentd/internal/service/register"
)

func testRacesOfManager(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"two users attached to one line: one wins":         raceOfLine,
		"a consent of a TPP is staged once":                raceOfStaging,
		"payments in parallel come to what is allowed":     raceOfPaying,
		"the same payment at two replicas is one":          raceOfKeys,
		"a payment against a revocation":                   raceOfPayAndRevoke,
		"a payment is through once":                        raceOfFollowedPayment,
		"the last two of a consent to payments go through": raceOfLastSettled,
		"two persons decide on a proposal: one does":       raceOfDeciding,
		"looks at the same moment leave no gaps":           raceOfLooks,
		"rejecting against approving leaves legal chains":  raceOfApproving,
		"a block of a TPP against what its hub brings":     raceOfBlockAtHub,
		"amendments in parallel are all kept, or told so":  raceOfAmending,
		"amending a line against ending what goes with it": raceOfKinAmended,
	})
}

// codes counts how calls have ended; the empty code is for those that did not fail.
func codes(errs []error) map[consent.Code]int {
	n := map[consent.Code]int{}
	for _, err := range errs {
		if err == nil {
			n[""]++
		} else {
			n[consent.CodeOf(err)]++
		}
	}
	return n
}

// both are the store and another replica.
func (b *bundle) both(t *testing.T) []Store {
	t.Helper()
	return []Store{b, b.Replica(t)}
}

// managerRounds is how often each of these races is run.
const managerRounds = 8

func raceOfLine(t *testing.T, b *bundle) {
	stores, users := b.both(t), []holder{b.holder("T", "omar"), b.holder("T", "anna")}
	for range managerRounds {
		first := b.staged()
		line := []*consent.Consent{first, b.staged(inLine(first))}
		calls := make([]func() error, len(users))
		for i, h := range users {
			calls[i] = func() error {
				_, err := stores[i].Amend(b.ctx, line[i].ID, func(c *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
					return c.AttachPSU(line, h.psu, h.customer, start)
				})
				return err
			}
		}
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeForbidden: 1}, codes(together(calls...)))
		given := []uuid.UUID{b.get(line[0].ID).GivenBy, b.get(line[1].ID).GivenBy}
		require.Contains(t, given, uuid.Nil, "the other is nobody's")
	}
}

func raceOfStaging(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		reference := uuid.NewString()
		calls := make([]func() error, 4)
		for i := range calls {
			c, err := consent.DefaultPolicy().Stage(uuid.Must(uuid.NewV7()), stagingOf(named("T", reference)), consent.Cause{By: consent.ByTPP}, start)
			require.NoError(t, err)
			calls[i] = func() error { return stores[i%2].Stage(b.ctx, c) }
		}
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeRepeated: 3}, codes(together(calls...)))
		_, err := b.Staged(b.ctx, "", reference)
		require.NoError(t, err)
	}
	require.Empty(t, b.faults())
}

func raceOfPaying(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		c := b.payer()
		calls := make([]func() error, 12)
		for i := range calls {
			calls[i] = func() error { return b.pay(stores[i%2], c.ID, paymentOf(130), start) }
		}
		require.Equal(t, map[consent.Code]int{"": 7, consent.CodeTooOften: 5}, codes(together(calls...)))
		require.Len(t, b.paymentsOf(c.ID), 7)
	}
}

func raceOfKeys(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		c := b.payer()
		key, calls := uuid.NewString(), make([]func() error, 4)
		for i := range calls {
			p := paymentOf(1)
			p.Key = key
			calls[i] = func() error { return b.pay(stores[i%2], c.ID, p, start) }
		}
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeRepeated: 3}, codes(together(calls...)))
		require.Len(t, b.paymentsOf(c.ID), 1)
	}
}

func raceOfPayAndRevoke(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		c := b.payer()
		errs := together(
			func() error { return b.pay(stores[0], c.ID, paymentOf(1000), start) },
			func() error {
				_, err := stores[1].Amend(b.ctx, c.ID, func(c *consent.Consent, _ *consent.Holder, log []consent.Payment) error {
					if len(log) > 0 {
						require.Equal(t, consent.Valid, c.Status)
					}
					return c.Withdraw(start.Add(time.Second))
				})
				return err
			},
		)
		require.NoError(t, errs[1])
		require.Equal(t, consent.Revoked, b.get(c.ID).Status)
		if errs[0] == nil {
			require.Len(t, b.paymentsOf(c.ID), 1)
			continue
		}
		require.Equal(t, consent.CodeNotUsable, consent.CodeOf(errs[0]))
		require.Empty(t, b.paymentsOf(c.ID))
	}
	require.Empty(t, b.faults())
}

func raceOfFollowedPayment(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		c := b.payer()
		p := b.paid(c.ID, 10, start)
		ends := []consent.PaymentStatus{consent.PaymentCredited, consent.PaymentRejected}
		errs := together(
			func() error { return b.follow(stores[0], p.ID, ends[0], start) },
			func() error { return b.follow(stores[1], p.ID, ends[1], start) },
		)
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeStatusInvalid: 1}, codes(errs))
		for i, err := range errs {
			if err == nil {
				require.Equal(t, ends[i], b.paymentsOf(c.ID)[0].Status)
			}
		}
	}
}

// raceOfLastSettled settles both payments that use a consent up: each finds the other
// pending or settled, and one of them ends it.
func raceOfLastSettled(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		c := b.payer()
		one, two := b.paid(c.ID, 600, start), b.paid(c.ID, 400, start)
		errs := together(
			func() error { return b.follow(stores[0], one.ID, consent.PaymentCredited, start) },
			func() error { return b.follow(stores[1], two.ID, consent.PaymentNotPosted, start) },
		)
		require.Equal(t, map[consent.Code]int{"": 2}, codes(errs))
		require.Equal(t, consent.Consumed, b.get(c.ID).Status)
	}
	require.Empty(t, b.faults())
}

func raceOfDeciding(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		p := b.proposed(start)
		errs := together(
			func() error { return b.decided(stores[0], p.ID, "ben") },
			func() error { return b.decided(stores[1], p.ID, "tom") },
		)
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeStatusInvalid: 1}, codes(errs))
		got, err := b.Proposal(b.ctx, p.ID)
		require.NoError(t, err)
		require.Equal(t, map[bool]string{true: "ben", false: "tom"}[errs[0] == nil], got.DecidedBy)
	}
}

func raceOfLooks(t *testing.T, b *bundle) {
	stores := b.both(t)
	calls := make([]func() error, 40)
	for i := range calls {
		calls[i] = func() error { return stores[i%2].Look(b.ctx, lookOf("staff/mia", start)) }
	}
	require.Equal(t, map[consent.Code]int{"": 40}, codes(together(calls...)))
	require.Len(t, b.history(office.LookedChain("staff/mia", consent.DateOf(start, time.UTC))), 40)
	require.Empty(t, b.faults())
}

func raceOfApproving(t *testing.T, b *bundle) {
	stores, h := b.both(t), b.holder("T", "omar")
	for range managerRounds {
		c := b.staged()
		b.amend(c.ID, func(c *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
			require.NoError(t, c.AttachPSU(line, h.psu, h.customer, start))
			return c.AttachAccounts(h.some(0, 1), start)
		})
		amending := func(store Store, change func(*consent.Consent) error) func() error {
			return func() error {
				_, err := store.Amend(b.ctx, c.ID, func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error { return change(c) })
				return err
			}
		}
		errs := together(
			amending(stores[0], func(c *consent.Consent) error { return c.Approve(start) }),
			amending(stores[1], func(c *consent.Consent) error { return c.Reject(consent.ByPSU, start) }),
		)
		require.Equal(t, map[consent.Code]int{"": 1, consent.CodeStatusInvalid: 1}, codes(errs))
		want := map[bool]consent.Status{true: consent.Valid, false: consent.Rejected}[errs[0] == nil]
		require.Equal(t, want, b.get(c.ID).Status)
	}
	require.Empty(t, b.faults())
}

// raceOfBlockAtHub blocks a TPP while its hub stages consents, has them agreed to and paid
// by, one after the other: nothing of it comes after the block.
func raceOfBlockAtHub(t *testing.T, b *bundle) {
	stores := b.both(t)
	won, lost := 0, 0
	for range managerRounds {
		tpp := uuid.NewString()
		h, r := b.holder(tpp, "omar"), b.register(stores[1], start)
		payer := b.givenTo(b.staged(paying, named(tpp, "paying")).ID, h, start)
		var made []uuid.UUID
		for range 6 {
			made = append(made, b.staged(named(tpp, uuid.NewString())).ID)
		}
		var errs []error
		agree := func(c *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
			return errors.Join(c.AttachPSU(line, h.psu, h.customer, start), c.AttachAccounts(h.some(0, 1), start), c.Approve(start))
		}
		var stood []consent.Status // once the block was there
		require.NoError(t, errors.Join(together(
			func() error {
				for _, id := range made {
					_, agreed := stores[0].Amend(b.ctx, id, agree)
					fresh, err := consent.DefaultPolicy().Stage(uuid.Must(uuid.NewV7()), stagingOf(named(tpp, uuid.NewString())), consent.Cause{By: consent.ByTPP}, start)
					if err != nil {
						return err
					}
					errs = append(errs, agreed, stores[0].Stage(b.ctx, fresh), b.pay(stores[0], payer.ID, paymentOf(1), start))
				}
				return nil
			},
			func() error {
				_, _, err := r.Block(b.ctx, officer("r"), tpp, register.Block{Reason: "x"})
				for _, id := range made {
					c, failed := stores[1].Get(b.ctx, id)
					if err = errors.Join(err, failed); err == nil {
						stood = append(stood, c.Status)
					}
				}
				return err
			},
		)...))
		shut, n := false, codes(errs)
		for _, err := range errs {
			require.True(t, err == nil && !shut || consent.CodeOf(err) == consent.CodeCertificateBlocked, "%v", err)
			shut = shut || err != nil
		}
		for i, id := range made {
			require.Equal(t, stood[i], b.get(id).Status, "as the block found it")
			require.Equal(t, errs[3*i] == nil, stood[i] == consent.Valid)
		}
		won, lost = won+n[""], lost+n[consent.CodeCertificateBlocked]
	}
	t.Logf("%d before the block, %d refused", won, lost)
	require.Empty(t, b.faults())
}

func raceOfAmending(t *testing.T, b *bundle) {
	stores := b.both(t)
	for range managerRounds {
		c := b.staged()
		calls := make([]func() error, 6)
		for i := range calls {
			calls[i] = func() error {
				_, err := stores[i%2].Amend(b.ctx, c.ID, func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error {
					return c.Amend(append(c.Staged.Extra, 'x'), nil, "", start)
				})
				return err
			}
		}
		require.Equal(t, map[consent.Code]int{"": 6}, codes(together(calls...)))
		got := b.get(c.ID)
		require.Equal(t, "xxxxxx", string(got.Staged.Extra))
		require.Equal(t, 7, got.Version)
	}
}

func raceOfKinAmended(t *testing.T, b *bundle) {
	stores, k := b.both(t), b.kinship("T", "lea")
	for range 5 {
		by := b.connected(k.holder, start)
		on := b.forwarded(k.holder, by, k.some(0, 1), start)
		errs := together(
			func() error {
				_, err := stores[0].Amend(b.ctx, on.ID, func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error { return c.Withdraw(start) })
				return err
			},
			func() error {
				_, err := stores[1].Update(b.ctx, by.ID, func(c *consent.Consent) error { return c.Withdraw(start) })
				return err
			},
		)
		require.Equal(t, map[consent.Code]int{"": 2}, codes(errs))
		require.Equal(t, []consent.Status{consent.Revoked, consent.Revoked}, []consent.Status{b.get(on.ID).Status, b.get(by.ID).Status})
	}
	require.Empty(t, b.faults())
}
