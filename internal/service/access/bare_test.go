package access_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/consents"
)

// perDay is how often a TPP may list accounts without a consent, and without the PSU.
const perDay = 4

// list is the question for the list of accounts that takes no consent.
func (b *bundle) list(edit ...func(*access.Question)) access.Question {
	q := access.Question{
		TPP: "A", Rail: consent.RailSTET, Operation: consent.OpAccounts, Quota: access.QuotaOf(consent.RailSTET, "A", b.lea),
	}
	for _, e := range edit {
		e(&q)
	}
	return q
}

// bare wants the list to be shown so many times, and then no more.
func (b *bundle) bare(times int, edit ...func(*access.Question)) {
	b.t.Helper()
	for i := range times {
		require.NoError(b.t, b.Bare(b.t.Context(), b.list(edit...), perDay), i)
	}
	require.Equal(b.t, consent.CodeTooOften, consent.CodeOf(b.Bare(b.t.Context(), b.list(edit...), perDay)))
}

// forwarded makes a consent that a TPP has forwarded for Lea, in the place of what
// stood.
func (b *bundle) forwarded(rights consent.Rights, grants []consent.Grant) *consent.Consent {
	b.t.Helper()
	psu, err := b.db.PSU(b.t.Context(), "lea")
	require.NoError(b.t, err)
	id, err := uuid.NewV7()
	require.NoError(b.t, err)
	by := service.Call{TPP: "A", RequestID: "request-1"}.Cause()
	c := b.Policy.Forward(id, consent.Forwarded{
		TPP: "A", TPPName: "The TPP", PSU: psu, Customer: b.lea, SCA: b.time(), Until: b.time().Add(180 * 24 * time.Hour),
		Access: consent.Access{Rights: rights, Grants: grants},
	}, by, b.time())
	f := consents.Forwarding{TPP: "A", Customer: b.lea, PSU: psu, Now: b.time()}
	require.NoError(b.t, b.db.Forward(b.t.Context(), f, func(s consents.Stands) (*consent.Consent, error) {
		if s.Former == nil {
			return c, nil
		}
		return c, s.Former.GiveWay(c, by, b.time())
	}))
	return c
}

// stet asks in that dialect, where reads are counted for the TPP and the customer.
func (b *bundle) stet(q *access.Question) {
	q.Rail, q.Quota = consent.RailSTET, access.QuotaOf(consent.RailSTET, q.TPP, b.lea)
}

func TestBare(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx, notes := explain.Listen(t.Context())
		require.NoError(t, b.Bare(ctx, b.list(attended), perDay))
		require.NoError(t, b.Bare(ctx, b.list(), perDay))
		require.Equal(t, []string{"quota: not counted, the PSU is there", "quota: accounts, 3 of 4 left on 2026-03-01"}, notes.Lines())
		b.bare(3)
		ctx, notes = explain.Listen(t.Context())
		err := b.Bare(ctx, b.list(), perDay)
		require.Equal(t, []string{"denied: accounts: 4 of 4 used on 2026-03-01"}, notes.Lines())
		require.Equal(t, "accounts: 4 of 4 used on 2026-03-01", access.ReasonOf(err))
		require.Equal(t, begin.Add(30*time.Minute), access.RetryAt(err).UTC(), "the bank's next day")
		require.NoError(t, b.Bare(t.Context(), b.list(attended), perDay))
		b.advance(30*time.Minute - time.Microsecond)
		b.bare(0)
		b.advance(time.Microsecond)
		b.bare(perDay)
	})
}

// What is counted is of one TPP, one customer and one dialect.
func TestBareOfOthers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.bare(perDay)
		enzo, err := b.db.Customer(t.Context(), "enzo")
		require.NoError(t, err)
		for name, quota := range map[string]uuid.UUID{
			"another TPP":      access.QuotaOf(consent.RailSTET, "B", b.lea),
			"another customer": access.QuotaOf(consent.RailSTET, "A", enzo),
			"another dialect":  access.QuotaOf(consent.RailXS2A, "A", b.lea),
		} {
			t.Log(name)
			b.bare(perDay, func(q *access.Question) { q.Quota = quota })
		}
		b.bare(0)
		require.Equal(t, access.QuotaOf(consent.RailSTET, "A", b.lea), b.list().Quota, "the same whenever it is asked for")
	})
}

// Of any number at once, at two replicas, as many are allowed as there may be.
func TestBareAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		replica := &access.Access{Store: b.db, Accounts: b.bank, Identities: b.db, Policy: b.Policy, Now: b.time}
		got := many(t, 100, func(i int) error {
			return []*access.Access{b.Access, replica}[i%2].Bare(t.Context(), b.list(), perDay)
		}, consent.CodeTooOften)
		require.Equal(t, perDay, got)
	})
}

// Forwarding another document begins no quota anew, nor does the list before any.
func TestQuotaOverDocuments(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.forwarded(0, b.grant(balances|moves, balances))
		b.allowed(c, consent.OpBalances, b.stet)
		b.allowed(c, consent.OpBalances, b.stet, of("r2"))
		b.allowed(c, consent.OpAccounts, b.stet)
		b.allowed(c, consent.OpAccounts, b.stet)
		next := b.forwarded(0, b.grant(balances|moves))
		b.denied(consent.CodeExpired, "replaced", c, consent.OpBalances, b.stet)
		for range 3 {
			b.allowed(next, consent.OpBalances, b.stet)
		}
		b.denied(consent.CodeTooOften, "balances: 4 of 4", next, consent.OpBalances, b.stet)
		b.allowed(next, consent.OpBalances, b.stet, attended)
		b.denied(consent.CodeNotUsable, "the customer's, and not in the consent", next, consent.OpBalances, b.stet, of("r2"))
		for range 4 {
			b.allowed(next, consent.OpTransactions, b.stet)
		}
		b.denied(consent.CodeTooOften, "", next, consent.OpTransactions, b.stet)
		b.bare(2)
		b.denied(consent.CodeTooOften, "accounts: 4 of 4", next, consent.OpAccounts, b.stet)

		again := b.forwarded(0, b.grant(0, balances))
		for range 3 { // one of four was read by the first document
			b.allowed(again, consent.OpBalances, b.stet, of("r2"))
		}
		b.denied(consent.CodeTooOften, "", again, consent.OpBalances, b.stet, of("r2"))
		b.advance(time.Hour)
		b.allowed(again, consent.OpBalances, b.stet, of("r2"))
		b.bare(perDay)
	})
}

// A consent of the other dialect counts for itself.
func TestQuotaOfConsent(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		forwarded, xs2a := b.forwarded(0, b.grant(balances)), b.valid(dedicated(), b.grant(balances))
		for range 4 {
			b.allowed(forwarded, consent.OpBalances, b.stet)
		}
		b.denied(consent.CodeTooOften, "", forwarded, consent.OpBalances, b.stet)
		for range 4 {
			b.allowed(xs2a, consent.OpBalances)
		}
		b.denied(consent.CodeTooOften, "", xs2a, consent.OpBalances)
		b.denied(consent.CodeReferenceUnknown, "another dialect", forwarded, consent.OpBalances)
		b.denied(consent.CodeReferenceUnknown, "another dialect", xs2a, consent.OpBalances, b.stet)
	})
}

// Who the PSU is, is of no account: it takes its own right, and shows no account.
func TestIdentity(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		alone := b.forwarded(consent.RightIdentity, nil)
		b.bank.down = true
		d, err := b.ask(alone, consent.OpIdentity, b.stet)
		require.NoError(t, err, "no account has to be asked for")
		require.Equal(t, []any{"lea", []access.Account{}, true, 3}, []any{d.Customer, d.Accounts, d.Counted, d.Left})
		b.bank.down = false
		b.denied(consent.CodeNotUsable, "no account of the consent", alone, consent.OpAccounts, b.stet)
		b.denied(consent.CodeNotUsable, "not in the consent", alone, consent.OpBalances, b.stet)

		both := b.forwarded(consent.RightIdentity, b.grant(balances))
		for range 3 {
			b.allowed(both, consent.OpIdentity, b.stet)
		}
		b.denied(consent.CodeTooOften, "identity: 4 of 4", both, consent.OpIdentity, b.stet)
		require.Empty(t, b.allowed(both, consent.OpIdentity, b.stet, attended))
		require.Equal(t, []string{"r1"}, b.allowed(both, consent.OpBalances, b.stet))

		without := b.forwarded(consent.RightTrustedBeneficiaries, b.grant(balances))
		b.denied(consent.CodeNotUsable, "identity is not granted", without, consent.OpIdentity, b.stet, attended)
		ofAccount := b.forwarded(0, b.grant(balances|consent.RightIdentity))
		b.denied(consent.CodeNotUsable, "identity is not granted", ofAccount, consent.OpIdentity, b.stet, attended)
		b.denied(consent.CodeExpired, "replaced", both, consent.OpIdentity, b.stet)
	})
}
