package sca_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
	"consentd/internal/storage"
	flow "consentd/pkg/sca"
	"consentd/test/pgtest"
)

// toyBank knows everybody who is called, with one account in euros and one in dollars.
type toyBank struct {
	down atomic.Bool
	more atomic.Bool // an account in pounds has been opened, and all have changed their type
}

func (b *toyBank) List(_ context.Context, customer string) ([]service.Account, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	if customer == "poor" {
		return nil, nil
	}
	iban := "DE00" + strings.ToUpper(customer)
	accounts := []service.Account{
		{ID: customer + "-eur", Reference: consent.Reference{IBAN: iban, Currency: "EUR", CashAccountType: "CACC"}},
		{ID: customer + "-usd", Reference: consent.Reference{IBAN: iban, Currency: "USD", CashAccountType: "CACC"}},
		{ID: customer + "-card", Reference: consent.Reference{MaskedPAN: customer + "****", Currency: "EUR", CashAccountType: "CARD"}},
	}
	if b.more.Load() {
		accounts = append(accounts, service.Account{ID: customer + "-gbp", Reference: consent.Reference{IBAN: iban, Currency: "GBP"}})
		for i := range accounts {
			accounts[i].Reference.CashAccountType = "TRAN"
		}
	}
	return accounts, nil
}

func (b *toyBank) Resolve(ctx context.Context, customer string, ref consent.Reference) ([]service.Account, error) {
	all, err := b.List(ctx, customer)
	return slices.DeleteFunc(all, func(a service.Account) bool {
		return a.Reference.IBAN != ref.IBAN || (ref.Currency != "" && a.Reference.Currency != ref.Currency)
	}), err
}

func (b *toyBank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	switch psu {
	case "stranger":
		return nil, nil
	case "ceo", "cfo", "clerk":
		return []service.Customer{{ID: psu, Name: psu}, {ID: "firm", Name: "The Firm", OrganisationID: "852126789"}}, nil
	}
	return []service.Customer{{ID: psu, Name: strings.ToUpper(psu)}}, nil
}

func (b *toyBank) Signers(_ context.Context, customer string) ([]string, error) {
	if customer == "firm" {
		return []string{"ceo", "cfo"}, nil
	}
	return []string{customer}, nil
}

// toyFlow asks for a word, then for another. The first word is the PSU's name.
type toyFlow struct {
	judged atomic.Int32
	broken atomic.Bool
	wait   atomic.Bool // a right second word is followed by a wait
	keys   sync.Map    // every StepKey seen
	// A word that begins with "slowly " is judged when release is closed; begun tells.
	begun, release chan struct{}
}

func (f *toyFlow) Start(_ context.Context, req flow.Request) (flow.Step, error) {
	if f.broken.Load() {
		return flow.Step{}, errors.New("out of order")
	}
	if req.Hint == "trip" { // single trip: asks once, and that is all
		return flow.Step{Outcome: flow.Prompt, State: []byte("trip"), Fields: []flow.Field{{Name: "password"}}}, nil
	}
	return flow.Step{Outcome: flow.Prompt, State: []byte("one"), Fields: []flow.Field{{Name: "password"}}}, nil
}

// calls is how many calls with keys of their own there were.
func (f *toyFlow) calls() (n int) {
	f.keys.Range(func(any, any) bool { n++; return true })
	return n
}

func (f *toyFlow) Continue(_ context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	f.keys.Store(req.StepKey, true)
	if f.broken.Load() {
		return flow.Step{}, errors.New("out of order")
	}
	f.judged.Add(1)
	word, slowly := strings.CutPrefix(in.Fields["password"], "slowly ")
	if slowly {
		close(f.begun)
		<-f.release
	}
	switch string(state) + "/" + string(in.Kind) {
	case "one/form":
		switch word {
		case "wrong":
			return flow.Step{Outcome: flow.Prompt, Wrong: true}, nil
		case "blocked":
			return flow.Step{Outcome: flow.Denied, Blocked: true}, nil
		case "another page":
			return flow.Step{Outcome: flow.Prompt, State: state, Fields: []flow.Field{{Name: "password"}}}, nil
		}
		return flow.Step{Outcome: flow.Identified, PSU: word, State: []byte("two")}, nil
	case "trip/form":
		return flow.Step{Outcome: flow.Done, PSU: word}, nil
	case "two/approved":
		return flow.Step{Outcome: flow.Prompt, State: []byte("three"), Fields: []flow.Field{{Name: "otp"}}}, nil
	case "three/form":
		switch {
		case word == "wrong":
			return flow.Step{Outcome: flow.Prompt, Wrong: true}, nil
		case word == "by enzo" || word == "by anna":
			return flow.Step{Outcome: flow.Done, PSU: strings.TrimPrefix(word, "by ")}, nil
		case word == "no":
			return flow.Step{Outcome: flow.Denied}, nil
		case f.wait.Load():
			return flow.Step{Outcome: flow.Wait, State: []byte("four"), PollAfter: time.Second}, nil
		}
		return flow.Step{Outcome: flow.Done, PSU: req.PSU}, nil
	case "four/poll":
		if f.wait.Load() {
			return flow.Step{Outcome: flow.Wait, State: state, PollAfter: time.Second}, nil
		}
		return flow.Step{Outcome: flow.Done, PSU: req.PSU}, nil
	}
	return flow.Step{}, fmt.Errorf("unexpected %s in state %q", in.Kind, state)
}

// bundle is a whole set of use cases over a fresh store.
type bundle struct {
	t        *testing.T
	ctx      context.Context //nolint:containedctx // a test's context, for brevity
	db       *storage.DB
	bank     *toyBank
	flow     *toyFlow
	walks    *sca.Dispatcher
	consents *consents.Consents
	now      atomic.Int64 // microseconds since the beginning of the test's time
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (b *bundle) advance(d time.Duration) { b.now.Add(d.Microseconds()) }

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{t: t, ctx: t.Context(), bank: &toyBank{}, flow: &toyFlow{begun: make(chan struct{}), release: make(chan struct{})}}
	now := func() time.Time { return begin.Add(time.Duration(b.now.Load()) * time.Microsecond) }
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	if engine == "postgres" {
		url = pgtest.DSN(t)
	}
	log := slog.New(slog.DiscardHandler)
	b.db, err = storage.Open(b.ctx, storage.Options{URL: url, MaxConnections: 16, Keys: keys, Now: now, Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.db.Close()) })
	_, err = b.db.Migrate(b.ctx)
	require.NoError(t, err)
	policy := consent.DefaultPolicy()
	b.walks = &sca.Dispatcher{
		Store: b.db, Identities: b.db, Accounts: b.bank, Signers: b.bank, Keys: keys,
		Flows: map[string]flow.Flow{"toy": b.flow}, Flow: "toy", Policy: policy, Now: now, Log: log,
	}
	b.consents = &consents.Consents{Store: b.db, Runs: b.walks, Policy: policy, Now: now}
	return b
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, setup(t, engine)) })
	}
}

func offered() consent.Access {
	return consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightBalances | consent.RightTransactions}
}

func dedicated(ibans ...string) consent.Access {
	a := consent.Access{Scope: consent.ScopeDedicated}
	for _, iban := range ibans {
		a.Asked = append(a.Asked, consent.Asked{Reference: consent.Reference{IBAN: iban}, Rights: consent.RightBalances})
	}
	return a
}

// create makes a recurring consent and returns its id, authorisation and handle.
func (b *bundle) create(access consent.Access, hint service.Hint) (uuid.UUID, *consents.Started) {
	b.t.Helper()
	c, started, err := b.consents.Create(b.ctx, consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", TPPName: "The TPP", Access: access, Recurring: true,
		FrequencyPerDay: 4, ValidUntil: consent.DateOf(begin, time.UTC).AddDays(30),
		RedirectURI: "https://tpp.example/ok", NokRedirectURI: "https://tpp.example/nok",
	}, consents.Wish{Hint: hint})
	require.NoError(b.t, err)
	return c.ID, started
}

func (b *bundle) get(id uuid.UUID) *consent.Consent {
	b.t.Helper()
	c, err := b.consents.Get(b.ctx, "A", id)
	require.NoError(b.t, err)
	return c
}

// page asserts which page comes.
func (b *bundle) page(want sca.Page, v *sca.View, err error) *sca.View {
	b.t.Helper()
	require.NoError(b.t, err)
	require.Equal(b.t, want, v.Page)
	return v
}

func word(w string) sca.Answer { return sca.Answer{Fields: map[string]string{"password": w}} }

// upTo walks a handle to the review.
func (b *bundle) upTo(handle, psu string, picks ...string) *sca.View {
	b.t.Helper()
	v, err := b.walks.Open(b.ctx, handle, by("browser"))
	b.page(sca.PageLogin, v, err)
	v, err = b.walks.Answer(b.ctx, handle, by("browser"), word(psu))
	if picks != nil {
		b.page(sca.PageAccounts, v, err)
		v, err = b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Accounts: picks})
	}
	return b.page(sca.PageConsent, v, err)
}

// authorise walks a handle to its end.
func (b *bundle) authorise(handle, psu string, picks ...string) {
	b.t.Helper()
	b.upTo(handle, psu, picks...)
	v, err := b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Approve: true})
	b.page(sca.PageFactor, v, err)
	v, err = b.walks.Answer(b.ctx, handle, by("browser"), word("right"))
	b.page(sca.PageEnded, v, err)
}

func (b *bundle) ended(id uuid.UUID, status consent.Status, reason consent.Reason) {
	b.t.Helper()
	c := b.get(id)
	require.Equal(b.t, []any{status, reason}, []any{c.Status, c.Ending.Reason})
}

// by is the browser with a cookie.
func by(cookie string) sca.Visitor { return sca.Visitor{Browser: cookie, Accepts: "en"} }
