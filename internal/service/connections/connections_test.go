package connections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/register"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// day is one of the bank's, whose zone is UTC here.
const day = 24 * time.Hour

// bank knows for whom each PSU acts.
type bank struct{ down bool }

func (b *bank) Signers(_ context.Context, customer string) ([]string, error) {
	if customer == "joint" {
		return []string{"one", "two"}, nil
	}
	return []string{customer}, nil
}

func (b *bank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if b.down {
		return nil, errors.New("connection refused")
	}
	switch psu {
	case "lea":
		return []service.Customer{{ID: "lea"}}, nil
	case "ceo":
		return []service.Customer{{ID: "ceo"}, {ID: "firm"}}, nil
	case "two":
		return []service.Customer{{ID: "joint"}, {ID: "lea"}}, nil
	case "one":
		return []service.Customer{{ID: "joint"}}, nil
	case "former":
		return nil, nil
	default:
		return nil, fmt.Errorf("bank: %w", service.ErrUnknownPSU)
	}
}

// bundle is the use cases over a fresh store, here and at another replica, with a
// clock to turn.
type bundle struct {
	*connections.Connections

	t       *testing.T
	there   *connections.Connections
	db      *storage.DB
	dbThere *storage.DB
	bank    *bank
	now     atomic.Int64 // nanoseconds since begin
	issued  int
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
	b := &bundle{t: t, bank: &bank{}}
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	url := dbtest.URL(t, engine)
	replica := func() (*connections.Connections, *storage.DB) {
		db := dbtest.At(t, url, keys, b.time)
		return &connections.Connections{
			Bearers: db.Bearers(), Identities: db, Signers: b.bank, Policy: consent.DefaultPolicy(), Now: b.time,
		}, db
	}
	b.Connections, b.db = replica()
	b.there, b.dbThere = replica()
	return b
}

func (b *bundle) time() time.Time { return begin.Add(time.Duration(b.now.Load())) }

func (b *bundle) advance(by time.Duration) { b.now.Add(int64(by)) }

// caller is the TPP, as one of its calls names it.
func caller() service.Call {
	return service.Call{TPP: "A", Name: "The TPP", RequestID: "request-1", Rail: consent.RailSTET, Kind: consent.AccountAccess}
}

func cause() consent.Cause { return caller().Cause() }

func (b *bundle) id() uuid.UUID {
	b.t.Helper()
	id, err := uuid.NewV7()
	require.NoError(b.t, err)
	return id
}

func (b *bundle) ids(psu, customer string) (p, c uuid.UUID) {
	b.t.Helper()
	p, err := b.db.PSU(b.t.Context(), psu)
	require.NoError(b.t, err)
	c, err = b.db.Customer(b.t.Context(), customer)
	require.NoError(b.t, err)
	return p, c
}

func draft() consent.Draft {
	return consent.Draft{
		Kind: consent.Connection, Rail: consent.RailSTET, TPP: "A", TPPName: "The TPP", Approach: consent.Redirect,
		Access: consent.Access{Scope: consent.ScopeDedicated, Rights: consent.RightAccounts}, RedirectURI: "https://tpp.example/ok",
	}
}

// connected makes a connection of a PSU, who acts for a customer, that is in force.
func (b *bundle) connected(psu, customer string) *consent.Consent {
	b.t.Helper()
	p, k := b.ids(psu, customer)
	c, err := b.Policy.Connect(b.id(), draft(), p, k, cause(), b.time())
	require.NoError(b.t, err)
	require.NoError(b.t, b.db.Create(b.t.Context(), c, nil))
	return c
}

// agreed makes a consent of a draft that Lea authorises.
func (b *bundle) agreed(d consent.Draft) *consent.Consent {
	b.t.Helper()
	psu, customer := b.ids("lea", "lea")
	c, err := b.Policy.New(b.id(), d, cause(), b.time())
	require.NoError(b.t, err)
	require.NoError(b.t, b.db.Create(b.t.Context(), c, nil))
	return b.change(c.ID, func(c *consent.Consent) error {
		id := uuid.New()
		if err := c.Start(consent.Authorisation{
			ID: id, RunID: uuid.New(), Status: consent.ScaReceived, Approach: consent.Redirect,
			CreatedAt: b.time(), ChangedAt: b.time(), Deadline: b.time().Add(time.Hour),
		}); err != nil {
			return err
		}
		if err := c.Identify(id, psu, customer, b.time()); err != nil {
			return err
		}
		return c.Authorise(id, consent.Agreement{Customer: customer, Signers: []uuid.UUID{psu}}, b.time())
	})
}

func (b *bundle) change(id uuid.UUID, change func(*consent.Consent) error) *consent.Consent {
	b.t.Helper()
	c, err := b.db.Update(b.t.Context(), id, change)
	require.NoError(b.t, err)
	return c
}

// token issues an access token that rests on a consent, for Lea unless edit says
// otherwise.
func (b *bundle) token(c *consent.Consent, edit ...func(*connections.Pair)) string {
	b.t.Helper()
	b.issued++
	token := fmt.Sprintf("access-%d-%s", b.issued, c.ID)
	psu := c.GivenBy
	if psu == uuid.Nil {
		psu, _ = b.ids("lea", "lea")
	}
	p := connections.Pair{
		ID: uuid.NewString(), Consent: c.ID, TPP: "A", PSU: psu, Scopes: "aisp extended_transaction_history", Active: "aisp",
		Access: secret.Digest(token), Refresh: secret.Digest("refresh" + token), Code: secret.Digest("code" + token),
		AccessUntil: b.time().Add(10 * time.Minute), IssuedAt: b.time(), Certificate: "thumbprint",
	}
	for _, e := range edit {
		e(&p)
	}
	require.NoError(b.t, b.db.SaveRequest(b.t.Context(), connections.Request{ID: p.ID, Code: p.Code, Expires: b.time()}))
	require.NoError(b.t, b.db.Issue(b.t.Context(), p, func(*consent.Consent, []*consent.Consent) error { return nil }))
	return token
}

// long is a token that lives as long as its grant.
func long(p *connections.Pair) { p.AccessUntil = begin.Add(400 * day) }

// forwards has the TPP forward who the PSU is, by a connection.
func (b *bundle) forwards(by *consent.Consent) *consent.Consent {
	b.t.Helper()
	f := consents.Forwarder{Store: b.db, Identities: b.db, Policy: b.Policy, Now: b.time}
	c, err := f.Forward(b.t.Context(), caller(), consents.Giver{
		PSU: by.GivenBy, Customer: by.Customer, Connection: by.ID, SCA: by.LastSCA, Until: by.EndsAt, IssuedAt: b.time(),
	}, consents.Document{Rights: consent.RightIdentity})
	require.NoError(b.t, err)
	return c
}

// refused wants a token to be refused so, with a note for integrators that says why,
// and does not name it.
func (b *bundle) refused(code consent.Code, why, token string) {
	b.t.Helper()
	ctx, notes := explain.Listen(b.t.Context())
	p, err := b.Use(ctx, token)
	require.Equal(b.t, code, consent.CodeOf(err), "%v", err)
	require.Zero(b.t, p, "who is refused learns nothing")
	require.Len(b.t, notes.Lines(), 1)
	require.Contains(b.t, notes.Lines()[0], why)
	for _, text := range append(notes.Lines(), err.Error()) {
		require.NotContains(b.t, text, token)
	}
}

func (b *bundle) used(token string) connections.Principal {
	b.t.Helper()
	p, err := b.Use(b.t.Context(), token)
	require.NoError(b.t, err)
	return p
}

// block shuts the TPP out for an hour.
func (b *bundle) block() {
	b.t.Helper()
	tpps := &register.Register{Store: b.db, Now: b.time, Log: slog.New(slog.DiscardHandler)}
	require.NoError(b.t, tpps.Admit(b.t.Context(), register.TPP{ID: "A", Name: "The TPP"}, "request-1"))
	_, _, err := tpps.Block(b.t.Context(), consent.Cause{By: consent.ByASPSP, Who: "desk"}, "A", register.Block{Reason: "fraud", Until: b.time().Add(time.Hour)})
	require.NoError(b.t, err)
}
