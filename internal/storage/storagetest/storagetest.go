// Package storagetest is the conformance suite of storage: what every engine
// must do, and must not do when calls race. A method of a port is not done
// until this suite covers it.
package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/funds"
	"consentd/internal/service/ledger"
	"consentd/internal/service/office"
	"consentd/internal/service/payments"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
	"consentd/internal/service/sessions"
	"consentd/internal/service/staging"
	"consentd/internal/service/tokens"
	"consentd/internal/storage"
)

// Store is everything that storage offers.
type Store interface {
	consents.Store
	consents.Archive
	service.Lists
	sca.Store
	sca.Guesses
	sca.Identities
	funds.Store
	ledger.Store
	register.Store
	tokens.Store
	access.Store
	consents.Forwards
	connections.Store
	sessions.Store
	staging.Store
	staging.Uses
	payments.Store
	office.Store
	Bearers() storage.Bearers
	Recent(ctx context.Context, limit int) ([]*consent.Consent, error)
	FlowStore(name string) storage.FlowStore
}

// Opened is an empty store, and what the suite needs beside it.
type Opened struct {
	Store
	Keys *secret.Keys // those of the store
	// Replica opens the same database once more.
	Replica func(t *testing.T) Store
	// Exec runs a statement on a connection of its own, behind the store's back.
	Exec func(t *testing.T, statement string, args ...any)
	// Hold runs a statement in a transaction of its own, which stays open until
	// the function that it returns is called. It is nil for an engine with one
	// connection, where nobody can hold anything meanwhile.
	Hold func(t *testing.T, statement string, args ...any) (release func())
}

// Open makes an empty store that ends with the test.
type Open func(t *testing.T) Opened

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Run("Consents", func(t *testing.T) { testConsents(t, open) })
	t.Run("Search", func(t *testing.T) { testSearch(t, open) })
	t.Run("Listing", func(t *testing.T) { testListing(t, open) })
	t.Run("Runs", func(t *testing.T) { testRuns(t, open) })
	t.Run("Identities", func(t *testing.T) { testIdentities(t, open) })
	t.Run("FlowStore", func(t *testing.T) { testFlowStore(t, open) })
	t.Run("Swap", func(t *testing.T) { testSwap(t, open) })
	t.Run("Guesses", func(t *testing.T) { testGuesses(t, open) })
	t.Run("Receipts", func(t *testing.T) { testReceipts(t, open) })
	t.Run("Audit", func(t *testing.T) { testAudit(t, open) })
	t.Run("Tampering", func(t *testing.T) { testTampering(t, open) })
	t.Run("Funds", func(t *testing.T) { testFunds(t, open) })
	t.Run("Register", func(t *testing.T) { testRegister(t, open) })
	t.Run("Tokens", func(t *testing.T) { testTokens(t, open) })
	t.Run("Grounds", func(t *testing.T) { testGrounds(t, open) })
	t.Run("Counts", func(t *testing.T) { testCounts(t, open) })
	t.Run("Spending", func(t *testing.T) { testSpending(t, open) })
	t.Run("Forwards", func(t *testing.T) { testForwards(t, open) })
	t.Run("Kin", func(t *testing.T) { testKin(t, open) })
	t.Run("OAuth", func(t *testing.T) { testOAuth(t, open) })
	t.Run("Sessions", func(t *testing.T) { testSessions(t, open) })
	t.Run("Staging", func(t *testing.T) { testStaging(t, open) })
	t.Run("Payments", func(t *testing.T) { testPayments(t, open) })
	t.Run("Office", func(t *testing.T) { testOffice(t, open) })
	t.Run("Bearers", func(t *testing.T) { testBearers(t, open) })
	t.Run("ConnectionRaces", func(t *testing.T) { testRacesOfConnections(t, open) })
	t.Run("ManagerRaces", func(t *testing.T) { testRacesOfManager(t, open) })
	t.Run("Races", func(t *testing.T) { testRaces(t, open) })
}

// start is the instant at which the suite's consents are made.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC) //nolint:gochecknoglobals // constant in fact

// bundle is what a test works with.
type bundle struct {
	Opened
	t   *testing.T
	ctx context.Context //nolint:containedctx // a test's context, for brevity
	// tampered are the chains that the test has done something to.
	tampered []string
}

func setup(t *testing.T, open Open) *bundle {
	t.Helper()
	return &bundle{Opened: open(t), t: t, ctx: t.Context()}
}

func draft(edit ...func(*consent.Draft)) consent.Draft {
	d := consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "PSDXX-TEST-A", TPPName: "A",
		Access: consent.Access{
			Scope: consent.ScopeDedicated,
			Asked: []consent.Asked{{
				Reference: consent.Reference{IBAN: "DE40100100103307118608", Currency: "EUR"},
				Rights:    consent.RightAccounts | consent.RightBalances,
			}},
			Only: nil,
		},
		Recurring: true, FrequencyPerDay: 4, ValidUntil: consent.DateOf(start, time.UTC).AddDays(30),
		RedirectURI: "https://tpp.example/ok", NokRedirectURI: "https://tpp.example/nok",
	}
	for _, e := range edit {
		e(&d)
	}
	return d
}

// newConsent makes a consent with one authorisation under way and the run of it.
func newConsent(t *testing.T, d consent.Draft) (*consent.Consent, *consent.Run) {
	t.Helper()
	c, err := consent.DefaultPolicy().New(uuid.Must(uuid.NewV7()), d, consent.Cause{By: consent.ByTPP, Who: d.TPP}, start)
	require.NoError(t, err)
	run := newRun(c.ID)
	require.NoError(t, c.Start(authorisation(run)))
	return c, run
}

func newRun(c uuid.UUID) *consent.Run {
	return &consent.Run{
		ID: uuid.Must(uuid.NewV7()), Purpose: consent.ForConsent, Consent: c,
		Authorisation: uuid.Must(uuid.NewV7()), Flow: "test", Handle: secret.Digest(secret.Handle()),
		Stage: consent.StageStart, Memo: []byte("sealed"), CreatedAt: start, OpenBy: start.Add(10 * time.Minute),
	}
}

func authorisation(run *consent.Run) consent.Authorisation {
	return consent.Authorisation{
		ID: run.Authorisation, RunID: run.ID, Status: consent.ScaReceived, Approach: consent.Redirect,
		CreatedAt: start, ChangedAt: start, Deadline: run.OpenBy,
	}
}

// create stores a fresh consent.
func (b *bundle) create(d consent.Draft) (*consent.Consent, *consent.Run) {
	b.t.Helper()
	c, run := newConsent(b.t, d)
	require.NoError(b.t, b.Create(b.ctx, c, run))
	return c, run
}

// identified stores a consent whose PSU has logged in for a customer.
func (b *bundle) identified(d consent.Draft, psu, customer uuid.UUID) (*consent.Consent, *consent.Run) {
	b.t.Helper()
	c, run := b.create(d)
	require.NoError(b.t, b.Change(b.ctx, run.ID, func(r *consent.Run, c *consent.Consent) error {
		r.PSU, r.Customer = psu, customer
		r.Step(consent.StageReview, []byte("more"))
		return c.Identify(run.Authorisation, psu, customer, start)
	}))
	return c, run
}

// finish authorises as the dispatcher does: the consent becomes valid and ends
// what it replaces.
func (b *bundle) finish(ctx context.Context, run *consent.Run, psu uuid.UUID, grants []consent.Grant, now time.Time) error {
	return b.Finish(ctx, run.ID, now, func(r *consent.Run, c *consent.Consent, former []*consent.Consent) error {
		if err := c.Authorise(run.Authorisation, consent.Agreement{Customer: r.Customer, Grants: grants, Signers: []uuid.UUID{psu}}, now); err != nil {
			return err
		}
		r.End(consent.RunDone, now)
		return c.Supersede(former, now)
	})
}

// person makes a PSU who is their own customer, with one account.
func (b *bundle) person(name string) (psu, customer uuid.UUID, grants []consent.Grant) {
	b.t.Helper()
	psu, err := b.PSU(b.ctx, name)
	require.NoError(b.t, err)
	customer, err = b.Customer(b.ctx, name)
	require.NoError(b.t, err)
	ref := consent.Reference{IBAN: "DE40100100103307118608", Currency: "EUR"}
	ids, err := b.Accounts(b.ctx, customer, []service.Account{{ID: name + "-1", Reference: ref}})
	require.NoError(b.t, err)
	return psu, customer, []consent.Grant{{AccountID: ids[0], Rights: consent.RightAccounts, Reference: ref}}
}

func (b *bundle) get(id uuid.UUID) *consent.Consent {
	b.t.Helper()
	c, err := b.Get(b.ctx, id)
	require.NoError(b.t, err)
	return c
}

// runAll runs each test on a store of its own.
func runAll(t *testing.T, open Open, tests map[string]func(*testing.T, *bundle)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, setup(t, open)) })
	}
}
