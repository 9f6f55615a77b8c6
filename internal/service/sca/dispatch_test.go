package sca_test

import (
	"context"
	"log/slog"
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
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// bundle is a whole set of use cases over a fresh store.
type bundle struct {
	t        *testing.T
	ctx      context.Context //nolint:containedctx // a test's context, for brevity
	db       *storage.DB
	keys     *secret.Keys
	bank     *toyBank
	flow     *toyFlow
	app      *toyApp
	walks    *sca.Dispatcher
	consents *consents.Consents
	now      atomic.Int64 // microseconds since the beginning of the test's time
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (b *bundle) advance(d time.Duration) { b.now.Add(d.Microseconds()) }

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{t: t, ctx: t.Context(), bank: &toyBank{}, app: &toyApp{}, flow: &toyFlow{begun: make(chan struct{}), release: make(chan struct{})}}
	now := func() time.Time { return begin.Add(time.Duration(b.now.Load()) * time.Microsecond) }
	b.db, b.keys = dbtest.Open(t, engine, now)
	log := slog.New(slog.DiscardHandler)
	policy := consent.DefaultPolicy()
	b.walks = &sca.Dispatcher{
		Store: b.db, Guesses: b.db, Identities: b.db, Accounts: b.bank, Signers: b.bank, Keys: b.keys,
		Flows:  map[string]flow.Flow{"toy": b.flow, "app": b.app},
		Serves: map[consent.Approach]string{consent.Redirect: "toy", consent.Embedded: "toy", consent.Decoupled: "app"},
		Policy: policy, Now: now, Log: log,
	}
	b.consents = &consents.Consents{Store: b.db, Runs: b.walks, Keys: b.keys, Policy: policy, Now: now}
	return b
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	t.Parallel() // much of it is waiting for the database
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

// caller is the TPP, as one of its calls names it.
func caller() service.Call {
	return service.Call{
		TPP: "A", Name: "The TPP", Certificate: "fingerprint", RequestID: "request-1", Rail: consent.RailXS2A, Kind: consent.AccountAccess,
	}
}

// create makes a recurring consent and returns its id, authorisation and handle.
func (b *bundle) create(access consent.Access, hint service.Hint) (uuid.UUID, *consents.Started) {
	b.t.Helper()
	return b.createBy(consent.Redirect, access, hint)
}

// createBy is create for any approach.
func (b *bundle) createBy(approach consent.Approach, access consent.Access, hint service.Hint) (uuid.UUID, *consents.Started) {
	b.t.Helper()
	var started *consents.Started
	c, err := b.consents.Create(b.ctx, caller(), consent.Draft{
		Access: access, Recurring: true, FrequencyPerDay: 4, ValidUntil: consent.DateOf(begin, time.UTC).AddDays(30),
		RedirectURI: "https://tpp.example/ok", NokRedirectURI: "https://tpp.example/nok",
	}, consents.Wish{Approach: approach, Hint: hint}, func(_ *consent.Consent, s *consents.Started) *consent.Receipt {
		started = s
		return nil
	})
	require.NoError(b.t, err)
	return c.ID, started
}

// start starts a further authorisation by redirect.
func (b *bundle) start(id uuid.UUID, hint service.Hint) *consents.Started {
	b.t.Helper()
	started, err := b.consents.StartAuthorisation(b.ctx, caller(), id, consents.Wish{Approach: consent.Redirect, Hint: hint}, nil)
	require.NoError(b.t, err)
	return started
}

func (b *bundle) get(id uuid.UUID) *consent.Consent {
	b.t.Helper()
	c, err := b.consents.Get(b.ctx, caller(), id)
	require.NoError(b.t, err)
	return c
}

// put is an update by the TPP.
func (b *bundle) put(id uuid.UUID, started *consents.Started, u sca.Update) (sca.Standing, error) {
	return b.walks.Update(b.ctx, caller(), sca.Target{Consent: id, Authorisation: started.Authorisation}, u, nil)
}

// puts is a put that must succeed.
func (b *bundle) puts(id uuid.UUID, started *consents.Started, u sca.Update) sca.Standing {
	b.t.Helper()
	st, err := b.put(id, started, u)
	require.NoError(b.t, err)
	return st
}

// states are those of a consent and its authorisations.
func (b *bundle) states(id uuid.UUID) []any {
	b.t.Helper()
	c := b.get(id)
	states := []any{c.Status}
	for _, a := range c.Authorisations {
		states = append(states, a.Status)
	}
	return states
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
