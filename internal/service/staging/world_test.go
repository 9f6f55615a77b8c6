package staging_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/consents"
	"consentd/internal/service/payments"
	"consentd/internal/service/staging"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// toyBank is a bank in which everybody is their own customer, with two accounts, and
// omar and anna act for acme besides.
type toyBank struct {
	service.Accounts

	down atomic.Bool
}

func (b *toyBank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	switch psu {
	case "lea":
		return []service.Customer{{ID: psu}}, nil
	case "omar", "anna":
		return []service.Customer{{ID: psu}, {ID: "acme"}}, nil
	case "former":
		return nil, nil
	default:
		return nil, fmt.Errorf("bank: %w", service.ErrUnknownPSU)
	}
}

func (b *toyBank) Signers(_ context.Context, customer string) ([]string, error) {
	if customer == "acme" {
		return []string{"omar", "anna"}, nil
	}
	return []string{customer}, nil
}

func (b *toyBank) List(_ context.Context, customer string) ([]service.Account, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	var all []service.Account
	for _, n := range []string{"1", "2"} {
		all = append(all, service.Account{ID: customer + "-" + n, Reference: consent.Reference{IBAN: "AE0" + n + customer}, Owner: customer})
	}
	return all, nil
}

func (b *toyBank) Owners(_ context.Context, account string) ([]string, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	customer, n, _ := strings.Cut(account, "-")
	if n != "1" && n != "2" {
		return nil, nil
	}
	return []string{customer}, nil
}

// bundle is the use cases over a fresh store, with a clock to turn.
type bundle struct {
	*staging.Staging

	t      testing.TB
	db     *storage.DB
	bank   *toyBank
	pays   *payments.Payments
	access *access.Access
	now    atomic.Int64
	made   atomic.Int64 // names of consents
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
	b := &bundle{t: t, bank: &toyBank{}}
	b.db, _ = dbtest.Open(t, engine, b.time)
	policy := consent.DefaultPolicy()
	expires := consents.Consents{Store: b.db, Now: b.time}
	b.Staging = &staging.Staging{
		Expire: expires.Expire,
		Store:  b.db, Lists: b.db, Uses: b.db, Identities: b.db, Sights: b.db, Accounts: b.bank, Owners: b.bank, Signers: b.bank, Policy: policy, Now: b.time,
	}
	b.pays = &payments.Payments{Store: b.db, Zone: policy.Zone, Now: b.time}
	b.access = &access.Access{Store: b.db, Accounts: b.bank, Identities: b.db, Policy: policy, Now: b.time}
	return b
}

func (b *bundle) time() time.Time { return begin.Add(time.Duration(b.now.Load())) }

func (b *bundle) advance(by time.Duration) { b.now.Add(int64(by)) }

func hub() consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: "hub", RequestID: "request-1"}
}

// user is the userId of a PSU.
func (b *bundle) user(psu string) string {
	b.t.Helper()
	id, err := b.User(b.t.Context(), psu)
	require.NoError(b.t, err)
	return id
}

// viewer is one who sees what a PSU sees.
func (b *bundle) viewer(psu string) staging.Viewer {
	b.t.Helper()
	return staging.Viewer{User: uuid.MustParse(b.user(psu))}
}

// draft is a consent to data, or to payments on demand, of which two are allowed.
func (b *bundle) draft(edit ...func(*consent.Staging)) consent.Staging {
	d := consent.Staging{
		Kind: consent.AccountAccess, TPP: "A", TPPName: "The TPP", EndsAt: b.time().AddDate(0, 6, 0), Rights: consent.RightBalances,
		Staged: consent.Staged{Reference: fmt.Sprintf("ref-%d", b.made.Add(1)), Origin: []byte("{}")},
	}
	for _, e := range edit {
		e(&d)
	}
	d.Staged.Request = []byte(`{"ConsentId":"` + d.Staged.Reference + `", "as": "it came"}`)
	return d
}

func toPay(d *consent.Staging) {
	d.Kind, d.Rights = consent.Payments, 0
	d.Staged.Payment = &consent.PaymentTerms{Schedule: consent.VariableOnDemand, Currency: "AED", Period: consent.PeriodMonth, Count: 2}
}

func by(tpp string) func(*consent.Staging) { return func(d *consent.Staging) { d.TPP = tpp } }

func named(ref string) func(*consent.Staging) {
	return func(d *consent.Staging) { d.Staged.Reference = ref }
}

func (b *bundle) stage(edit ...func(*consent.Staging)) *staging.Record { return b.renew("", edit...) }

// renew stages a consent that goes on with a former one.
func (b *bundle) renew(base string, edit ...func(*consent.Staging)) *staging.Record {
	b.t.Helper()
	r, made, err := b.Stage(b.t.Context(), hub(), b.draft(edit...), base)
	require.NoError(b.t, err)
	require.True(b.t, made)
	return r
}

func (b *bundle) patch(r *staging.Record, p staging.Change) *staging.Record {
	b.t.Helper()
	r, err := b.Patch(b.t.Context(), hub(), staging.Viewer{}, r.ID.String(), p)
	require.NoError(b.t, err)
	return r
}

// refused tells how a change of a consent is refused.
func (b *bundle) refused(r *staging.Record, p staging.Change) consent.Code {
	b.t.Helper()
	_, err := b.Patch(b.t.Context(), hub(), staging.Viewer{}, r.ID.String(), p)
	require.Error(b.t, err)
	return consent.CodeOf(err)
}

func (b *bundle) get(r *staging.Record) *staging.Record {
	b.t.Helper()
	r, err := b.Get(b.t.Context(), staging.Viewer{}, r.ID.String())
	require.NoError(b.t, err)
	return r
}

// give is the change by which a PSU agrees.
func (b *bundle) give(psu string, accounts ...string) staging.Change {
	b.t.Helper()
	return staging.Change{User: b.user(psu), Accounts: accounts, Status: consent.Valid, Channel: "App"}
}

// elsewhere makes a consent of another rail or kind, of which a PSU has authorised all.
func (b *bundle) elsewhere(psu, customer string, edit ...func(*consent.Draft)) *consent.Consent {
	b.t.Helper()
	d := consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", TPPName: "The TPP", Recurring: true, FrequencyPerDay: 4,
		Access:     consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightBalances},
		ValidUntil: consent.DateOf(b.time(), time.UTC).AddDays(30), RedirectURI: "https://tpp.example/ok", Approach: consent.Redirect,
	}
	for _, e := range edit {
		e(&d)
	}
	ctx, now := b.t.Context(), b.time()
	c, err := b.Policy.New(uuid.Must(uuid.NewV7()), d, consent.Cause{By: consent.ByTPP, Who: d.TPP}, now)
	require.NoError(b.t, err)
	require.NoError(b.t, b.db.Create(ctx, c, nil))
	if psu == "" {
		return c
	}
	return b.authorise(c.ID, psu, customer)
}

// begun has a PSU log in to share a customer's accounts.
func (b *bundle) begun(id uuid.UUID, psu, customer string) (authorisation, owner uuid.UUID) {
	b.t.Helper()
	who, now, authorisation := uuid.MustParse(b.user(psu)), b.time(), uuid.New()
	owner, err := b.db.Customer(b.t.Context(), customer)
	require.NoError(b.t, err)
	_, err = b.db.Update(b.t.Context(), id, func(c *consent.Consent) error {
		if err := c.Start(consent.Authorisation{
			ID: authorisation, RunID: uuid.New(), Status: consent.ScaReceived, Approach: consent.Redirect,
			CreatedAt: now, ChangedAt: now, Deadline: now.Add(time.Hour),
		}); err != nil {
			return err
		}
		return c.Identify(authorisation, who, owner, now)
	})
	require.NoError(b.t, err)
	return authorisation, owner
}

// authorise has a PSU share all of a customer's accounts.
func (b *bundle) authorise(id uuid.UUID, psu, customer string) *consent.Consent {
	b.t.Helper()
	authorisation, owner := b.begun(id, psu, customer)
	all, err := b.bank.List(b.t.Context(), customer)
	require.NoError(b.t, err)
	ids, err := b.db.Accounts(b.t.Context(), owner, all)
	require.NoError(b.t, err)
	var grants []consent.Grant
	for i, id := range ids {
		grants = append(grants, consent.Grant{AccountID: id, Rights: consent.RightBalances, Reference: all[i].Reference})
	}
	agreed := consent.Agreement{Customer: owner, Grants: grants, Signers: []uuid.UUID{uuid.MustParse(b.user(psu))}}
	c, err := b.db.Update(b.t.Context(), id, func(c *consent.Consent) error { return c.Authorise(authorisation, agreed, b.time()) })
	require.NoError(b.t, err)
	return c
}

// decide asks whether the TPP may read balances by a consent.
func (b *bundle) decide(r *staging.Record) error {
	q := access.Question{TPP: r.TPP, Consent: r.ID, Operation: consent.OpAccounts, Attended: true}
	_, err := b.access.Decide(b.t.Context(), q)
	return err
}

// refs are the names of what is listed.
func refs(list []staging.Record) []string {
	names := []string{}
	for _, r := range list {
		if r.Staged != nil {
			names = append(names, r.Staged.Reference)
		} else {
			names = append(names, r.ID.String())
		}
	}
	return names
}

// still is a record without the number of times that it was written, which a change
// that changes nothing may count.
func still(r *staging.Record) *staging.Record {
	same, c := *r, *r.Consent
	c.Version = 0
	same.Consent = &c
	return &same
}
