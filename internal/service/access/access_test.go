package access_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/register"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 22, 30, 0, 0, time.UTC)

// bank is one with a customer, whose accounts it lists.
type bank struct {
	service.Accounts

	accounts []service.Account
	down     bool
}

func (b *bank) List(context.Context, string) ([]service.Account, error) {
	if b.down {
		return nil, errors.New("connection refused")
	}
	return b.accounts, nil
}

// Lea has two current accounts and a card.
func leas() []service.Account {
	return []service.Account{
		{ID: "r1", Reference: consent.Reference{IBAN: "FR1", Currency: "EUR", CashAccountType: "CACC"}},
		{ID: "r2", Reference: consent.Reference{IBAN: "FR2", Currency: "EUR", CashAccountType: "SVGS"}},
		{ID: "c1", Reference: consent.Reference{MaskedPAN: "5254**3241", Currency: "EUR", CashAccountType: "CARD"}},
	}
}

// bundle is the use case over a fresh store, with a clock to turn.
type bundle struct {
	*access.Access

	t    *testing.T
	db   *storage.DB
	bank *bank
	now  atomic.Int64 // nanoseconds since begin
	lea  uuid.UUID
	keys []uuid.UUID // of her accounts
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, engine))
		})
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{t: t, bank: &bank{accounts: leas()}}
	b.db, _ = dbtest.Open(t, engine, b.time)
	zone, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	policy := consent.DefaultPolicy()
	policy.Zone = zone
	b.Access = &access.Access{Store: b.db, Accounts: b.bank, Identities: b.db, Policy: policy, Now: b.time}
	b.lea, err = b.db.Customer(t.Context(), "lea")
	require.NoError(t, err)
	b.keys, err = b.db.Accounts(t.Context(), b.lea, b.bank.accounts)
	require.NoError(t, err)
	return b
}

func (b *bundle) time() time.Time { return begin.Add(time.Duration(b.now.Load())) }

func (b *bundle) advance(by time.Duration) { b.now.Add(int64(by)) }

// grant is what a consent opens, of Lea's accounts in their order.
func (b *bundle) grant(rights ...consent.Rights) []consent.Grant {
	var grants []consent.Grant
	for i, r := range rights {
		if r != 0 {
			grants = append(grants, consent.Grant{AccountID: b.keys[i], Rights: r, Reference: b.bank.accounts[i].Reference})
		}
	}
	return grants
}

// create makes a consent that waits for its PSU.
func (b *bundle) create(a consent.Access, edit ...func(*consent.Draft)) *consent.Consent {
	b.t.Helper()
	d := consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", TPPName: "The TPP", Access: a, Recurring: true, FrequencyPerDay: 4,
		ValidUntil: consent.DateOf(begin, time.UTC).AddDays(30), RedirectURI: "https://tpp.example/ok", Approach: consent.Redirect,
	}
	for _, e := range edit {
		e(&d)
	}
	id, err := uuid.NewV7()
	require.NoError(b.t, err)
	c, err := b.Policy.New(id, d, consent.Cause{By: consent.ByTPP, Who: "A"}, b.time())
	require.NoError(b.t, err)
	require.NoError(b.t, b.db.Create(b.t.Context(), c, nil))
	return c
}

func oneOff(d *consent.Draft) { d.Recurring, d.FrequencyPerDay = false, 1 }

// valid makes a consent that Lea has authorised.
func (b *bundle) valid(a consent.Access, grants []consent.Grant, edit ...func(*consent.Draft)) *consent.Consent {
	b.t.Helper()
	c := b.create(a, edit...)
	psu, err := b.db.PSU(b.t.Context(), "lea")
	require.NoError(b.t, err)
	return b.change(c.ID, func(c *consent.Consent) error {
		id := uuid.New()
		if err := c.Start(consent.Authorisation{
			ID: id, RunID: uuid.New(), Status: consent.ScaReceived, Approach: consent.Redirect, CreatedAt: b.time(), ChangedAt: b.time(), Deadline: b.time().Add(time.Hour),
		}); err != nil {
			return err
		}
		if err := c.Identify(id, psu, b.lea, b.time()); err != nil {
			return err
		}
		return c.Authorise(id, consent.Agreement{Customer: b.lea, Grants: grants, Signers: []uuid.UUID{psu}}, b.time())
	})
}

func (b *bundle) change(id uuid.UUID, change func(*consent.Consent) error) *consent.Consent {
	b.t.Helper()
	c, err := b.db.Update(b.t.Context(), id, change)
	require.NoError(b.t, err)
	return c
}

func (b *bundle) ask(c *consent.Consent, op consent.Operation, edit ...func(*access.Question)) (access.Decision, error) {
	q := access.Question{TPP: "A", Rail: consent.RailXS2A, Consent: c.ID, Operation: op}
	if !op.List() {
		q.Account = "r1"
	}
	for _, e := range edit {
		e(&q)
	}
	return b.Decide(b.t.Context(), q)
}

func attended(q *access.Question)  { q.Attended = true }
func following(q *access.Question) { q.Following = true }

func of(account string) func(*access.Question) {
	return func(q *access.Question) { q.Account = account }
}

// allowed wants a read to be allowed, and returns the ids of what may be shown.
func (b *bundle) allowed(c *consent.Consent, op consent.Operation, edit ...func(*access.Question)) []string {
	b.t.Helper()
	d, err := b.ask(c, op, edit...)
	require.NoError(b.t, err)
	ids := []string{}
	for _, a := range d.Accounts {
		ids = append(ids, a.ID)
	}
	return ids
}

// denied wants a read to be denied so, with a reason for the bank that says this.
func (b *bundle) denied(code consent.Code, reason string, c *consent.Consent, op consent.Operation, edit ...func(*access.Question)) {
	b.t.Helper()
	_, err := b.ask(c, op, edit...)
	require.Equal(b.t, code, consent.CodeOf(err), "%v", err)
	require.Contains(b.t, access.ReasonOf(err), reason)
}

// status is the consent's as it is stored.
func (b *bundle) status(c *consent.Consent) consent.Status {
	b.t.Helper()
	stored, err := b.db.Get(b.t.Context(), c.ID)
	require.NoError(b.t, err)
	return stored.Status
}

const (
	details  = consent.RightAccounts
	balances = consent.RightBalances
	moves    = consent.RightTransactions
)

func dedicated() consent.Access { return consent.Access{Scope: consent.ScopeDedicated} }

func TestStates(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.create(dedicated())
		b.denied(consent.CodeNotUsable, "nobody has authorised it", c, consent.OpAccounts)
		c = b.valid(dedicated(), b.grant(balances))
		require.Equal(t, []string{"r1"}, b.allowed(c, consent.OpBalances))
		b.change(c.ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.time()) })
		b.denied(consent.CodeBlocked, "suspended since", c, consent.OpBalances)
		b.change(c.ID, func(c *consent.Consent) error { return c.Resume(b.time()) })
		require.Equal(t, []string{"r1"}, b.allowed(c, consent.OpBalances))
		b.change(c.ID, func(c *consent.Consent) error { return c.Withdraw(b.time()) })
		b.denied(consent.CodeNotUsable, "revoked at 2026-03-01T22:30:00Z by psu: withdrawn", c, consent.OpBalances)

		c = b.valid(dedicated(), b.grant(balances))
		b.advance(40 * 24 * time.Hour)
		b.denied(consent.CodeExpired, "expired at", c, consent.OpBalances)
	})
}

func TestStrangers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances))
		for name, edit := range map[string]func(*access.Question){
			"another TPP":     func(q *access.Question) { q.TPP = "B" },
			"another dialect": func(q *access.Question) { q.Rail = consent.RailSTET },
			"no such consent": func(q *access.Question) { q.Consent = uuid.New() },
		} {
			_, err := b.ask(c, consent.OpBalances, edit)
			require.Equal(t, consent.CodeReferenceUnknown, consent.CodeOf(err), name)
			e, ok := errors.AsType[*consent.Error](err)
			require.True(t, ok, name)
			require.Equal(t, "is not known to this TPP", e.Text, "%s: one text, whatever the reason", name)
		}
		_, err := b.ask(c, "payments")
		require.Equal(t, consent.CodeNotUsable, consent.CodeOf(err), "an operation that is none")
		funds := b.create(consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Reference: leas()[0].Reference, Rights: consent.RightFunds}}},
			func(d *consent.Draft) { d.Kind = consent.FundsConfirmation })
		b.denied(consent.CodeReferenceUnknown, "another kind", funds, consent.OpBalances)
	})
}

// A TPP that the bank has shut out reads nothing, until it is let in again.
func TestShutOut(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances))
		tpps := &register.Register{Store: b.db, Now: b.time, Log: slog.New(slog.DiscardHandler)}
		require.NoError(t, tpps.Admit(t.Context(), register.TPP{ID: "A", Name: "The TPP"}, "request-1"))
		cause := consent.Cause{By: consent.ByASPSP, Who: "desk"}
		_, _, err := tpps.Block(t.Context(), cause, "A", register.Block{Reason: "fraud", Until: begin.Add(time.Hour)})
		require.NoError(t, err)
		b.denied(consent.CodeCertificateBlocked, "blocked", c, consent.OpBalances)
		b.advance(time.Hour)
		b.allowed(c, consent.OpBalances)
	})
}

// What is shown of which account, in every model.
func TestModels(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances, details|moves|consent.RightTrustedBeneficiaries, balances))
		require.Equal(t, []string{"r1", "r2"}, b.allowed(c, consent.OpAccounts))
		require.Equal(t, []string{"c1"}, b.allowed(c, consent.OpCardAccounts))
		require.Equal(t, []string{"r2"}, b.allowed(c, consent.OpTrustedBeneficiaries))
		require.Equal(t, []string{"r1"}, b.allowed(c, consent.OpAccount), "balances bring the details along")
		require.Equal(t, []string{"c1"}, b.allowed(c, consent.OpCardBalances, of("c1")))
		b.denied(consent.CodeNotUsable, "transactions of this account is not granted", c, consent.OpTransactions)
		b.denied(consent.CodeAccountUnknown, "not of the sort", c, consent.OpBalances, of("c1"))
		b.denied(consent.CodeAccountUnknown, "no such account", c, consent.OpBalances, of("r9"))

		c = b.valid(dedicated(), b.grant(balances))
		b.denied(consent.CodeNotUsable, "is the customer's, and not in the consent", c, consent.OpBalances, of("r2"))
		require.Empty(t, b.allowed(c, consent.OpCardAccounts), "a list is opened by any account: it is empty where none is of its sort")
		b.denied(consent.CodeNotUsable, "no account of the consent", c, consent.OpTrustedBeneficiaries)

		c = b.valid(consent.Access{Scope: consent.ScopeAllPSD2, Rights: details | balances | moves, Only: []string{"CACC", "CARD"}}, nil)
		require.Equal(t, []string{"r1"}, b.allowed(c, consent.OpAccounts), "what it is restricted to")
		require.Equal(t, []string{"c1"}, b.allowed(c, consent.OpCardTransactions, of("c1")))
		b.denied(consent.CodeNotUsable, "not in the consent", c, consent.OpBalances, of("r2"))
		b.denied(consent.CodeNotUsable, "no account of the consent", c, consent.OpTrustedBeneficiaries)
		b.bank.accounts = append(b.bank.accounts, service.Account{ID: "r5", Reference: consent.Reference{IBAN: "FR5", CashAccountType: "CACC"}})
		require.Equal(t, []string{"r5"}, b.allowed(c, consent.OpBalances, of("r5")), "resolved at each decision")
		b.bank.accounts = nil
		require.Empty(t, b.allowed(c, consent.OpAccounts), "a customer who has none now")

		b.bank.accounts = leas()
		c = b.valid(consent.Access{Scope: consent.ScopeAvailable, Rights: details, OwnerName: true}, nil)
		d, err := b.ask(c, consent.OpAccounts, attended)
		require.NoError(t, err)
		require.True(t, d.OwnerName)
		require.Equal(t, "lea", d.Customer)
		b.denied(consent.CodeNotUsable, "list of accounts alone", c, consent.OpAccount)
		c = b.valid(consent.Access{Scope: consent.ScopeAvailableBalances, Rights: details | balances}, nil)
		b.denied(consent.CodeNotUsable, "list of accounts alone", c, consent.OpBalances)
	})
}

// A bank that does not answer is a doubt, not a yes.
func TestBankIsDown(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		open := b.valid(consent.Access{Scope: consent.ScopeAllPSD2, Rights: balances}, nil)
		named := b.valid(dedicated(), b.grant(balances), func(d *consent.Draft) { d.TPP = "A" })
		b.bank.down = true
		_, err := b.ask(open, consent.OpBalances)
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		_, err = b.ask(named, consent.OpBalances, of("r9"))
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		require.Equal(t, []string{"r1"}, b.allowed(named, consent.OpBalances), "what was written down needs no bank")
	})
}

func TestNotes(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances))
		ctx, notes := explain.Listen(t.Context())
		_, err := b.Decide(ctx, access.Question{TPP: "A", Rail: consent.RailXS2A, Consent: c.ID, Operation: consent.OpBalances, Account: "r1"})
		require.NoError(t, err)
		require.Equal(t, []string{
			"consent " + c.ID.String() + ": valid, of this TPP",
			"quota: balances, 3 of 4 left on 2026-03-01",
		}, notes.Lines())
		b.change(c.ID, func(c *consent.Consent) error { return c.Revoke(consent.ReasonBank, b.time()) })
		ctx, notes = explain.Listen(t.Context())
		_, err = b.Decide(ctx, access.Question{TPP: "A", Rail: consent.RailXS2A, Consent: c.ID, Operation: consent.OpBalances, Account: "r1"})
		require.Error(t, err)
		require.Equal(t, []string{"denied: the consent was revoked at 2026-03-01T22:30:00Z by aspsp: bank"}, notes.Lines())
	})
}
