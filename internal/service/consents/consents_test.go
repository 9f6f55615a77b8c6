package consents_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bundle is the use cases over a fresh store, with a clock to turn.
type bundle struct {
	*consents.Consents
	db   *storage.DB
	keys *secret.Keys
	now  atomic.Int64 // seconds since begin
}

// caller is the TPP, as one of its calls names it.
func caller() service.Call {
	return service.Call{
		TPP: "A", Name: "The TPP", Certificate: "fingerprint", RequestID: "request-1", Rail: consent.RailXS2A, Kind: consent.AccountAccess,
	}
}

// create makes a consent with an authorisation by redirect.
func (b *bundle) create(t *testing.T) (*consent.Consent, *consents.Started) {
	t.Helper()
	return b.createBy(t, consents.Wish{Approach: consent.Redirect})
}

func (b *bundle) createBy(t *testing.T, wish consents.Wish) (*consent.Consent, *consents.Started) {
	t.Helper()
	var started *consents.Started
	c, err := b.Create(t.Context(), caller(), draft(), wish, func(_ *consent.Consent, s *consents.Started) *consent.Receipt {
		started = s
		return nil
	})
	require.NoError(t, err)
	return c, started
}

func (b *bundle) get(t *testing.T, id uuid.UUID) *consent.Consent {
	t.Helper()
	c, err := b.Get(t.Context(), caller(), id)
	require.NoError(t, err)
	return c
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	t.Parallel() // much of it is waiting for the database
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, setup(t, engine)) })
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{}
	now := func() time.Time { return begin.Add(time.Duration(b.now.Load()) * time.Second) }
	b.db, b.keys = dbtest.Open(t, engine, now)
	policy := consent.DefaultPolicy()
	b.Consents = &consents.Consents{
		Store: b.db, Keys: b.keys, Policy: policy, Now: now,
		Runs: &sca.Dispatcher{Keys: b.keys, Policy: policy},
	}
	return b
}

func draft() consent.Draft {
	return consent.Draft{
		Recurring: true, FrequencyPerDay: 9,
		ValidUntil: consent.Date{Year: 9999, Month: 12, Day: 31}, RedirectURI: "https://tpp.example/ok",
		Access: consent.Access{Scope: consent.ScopeAllPSD2, Rights: consent.RightBalances},
	}
}

func TestCreate(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx, notes := explain.Listen(t.Context())
		var told []any
		c, err := b.Create(ctx, caller(), draft(), consents.Wish{Approach: consent.Redirect},
			func(c *consent.Consent, s *consents.Started) *consent.Receipt {
				told = []any{c.ID, s}
				return nil
			})
		require.NoError(t, err)
		require.Contains(t, notes.Lines(), "consent "+c.ID.String()+": valid until 2026-05-30 (asked: 9999-12-31), 4 accesses a day (asked: 9)")
		stored := b.get(t, c.ID)
		require.Equal(t, c, stored)
		require.Equal(t, []any{"2026-05-30", 4, consent.Received}, []any{stored.ValidUntil.String(), stored.FrequencyPerDay, stored.Status})
		require.Equal(t, []any{"A", "The TPP", consent.RailXS2A, consent.AccountAccess}, []any{stored.TPP, stored.TPPName, stored.Rail, stored.Kind})
		require.Equal(t, c.ID, told[0])
		started, ok := told[1].(*consents.Started)
		require.True(t, ok)
		a, err := b.Authorisation(ctx, caller(), c.ID, started.Authorisation)
		require.NoError(t, err)
		require.Equal(t, begin.Add(10*time.Minute), a.Deadline)
		run, err := b.db.Run(ctx, secret.Digest(started.Handle))
		require.NoError(t, err)
		require.Equal(t, []any{c.ID, a.ID, a.RunID}, []any{run.Consent, run.Authorisation, run.ID})

		explicit, none := b.createBy(t, consents.Wish{Explicit: true})
		require.Nil(t, none)
		require.Empty(t, explicit.Authorisations)

		past := draft()
		past.ValidUntil = consent.Date{Year: 2026, Month: 2, Day: 28}
		_, err = b.Create(ctx, caller(), past, consents.Wish{}, nil)
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
	})
}

// TestStartInEachApproach says how an authorisation begins: a link is to be
// opened, elsewhere the time begins at once and no browser is ever let in.
func TestStartInEachApproach(t *testing.T) {
	known, unknown := service.Hint{PSU: "anna"}, service.Hint{}
	for name, x := range map[string]struct {
		approach consent.Approach
		hint     service.Hint
		status   consent.ScaStatus
		time     time.Duration
		polled   bool
	}{
		"redirect":               {consent.Redirect, unknown, consent.ScaReceived, 10 * time.Minute, false},
		"redirect, PSU named":    {consent.Redirect, known, consent.ScaReceived, 10 * time.Minute, false},
		"embedded":               {consent.Embedded, unknown, consent.ScaReceived, 15 * time.Minute, false},
		"embedded, PSU named":    {consent.Embedded, known, consent.ScaPSUIdentified, 15 * time.Minute, false},
		"decoupled":              {consent.Decoupled, unknown, consent.ScaReceived, 15 * time.Minute, false},
		"decoupled, PSU named":   {consent.Decoupled, known, consent.ScaPSUIdentified, 15 * time.Minute, true},
		"decoupled, for company": {consent.Decoupled, service.Hint{Corporate: "1"}, consent.ScaReceived, 15 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				check := func(id uuid.UUID, started *consents.Started) {
					t.Helper()
					require.Equal(t, []any{x.approach, x.status}, []any{started.Approach, started.Status})
					a, err := b.Authorisation(t.Context(), caller(), id, started.Authorisation)
					require.NoError(t, err)
					require.Equal(t, []any{x.approach, x.status, begin.Add(x.time)}, []any{a.Approach, a.Status, a.Deadline})
					require.Equal(t, x.hint.PSU != "", a.Named != consent.Digest{}, "named, as a digest")
					run, err := b.db.RunByID(t.Context(), a.RunID)
					require.NoError(t, err)
					require.Equal(t, x.approach != consent.Redirect, run.Bound())
					require.Equal(t, x.polled, !run.PollAt.IsZero())
				}
				c, started := b.createBy(t, consents.Wish{Approach: x.approach, Hint: x.hint})
				check(c.ID, started)
				c, _ = b.createBy(t, consents.Wish{Explicit: true})
				started, err := b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{Approach: x.approach, Hint: x.hint}, nil)
				require.NoError(t, err)
				check(c.ID, started)
			})
		})
	}
}

// TestWhoMayStart holds a further authorisation against whom the TPP named when
// it made the consent. Nobody's name is stored.
func TestWhoMayStart(t *testing.T) {
	anna, firm := service.Hint{PSU: "anna"}, service.Hint{PSU: "ceo", Corporate: "852126789"}
	for name, x := range map[string]struct {
		made, start service.Hint
		code        consent.Code
		path        string
	}{
		"the same PSU":                        {anna, anna, "", ""},
		"nobody named, later or ever":         {service.Hint{}, service.Hint{}, "", ""},
		"named later only":                    {service.Hint{}, anna, "", ""},
		"named before only":                   {anna, service.Hint{}, "", ""},
		"another PSU":                         {anna, service.Hint{PSU: "enzo"}, consent.CodeCredentials, "Header.PSU-ID"},
		"another signer of the company":       {firm, service.Hint{PSU: "cfo", Corporate: "852126789"}, "", ""},
		"another signer, company not said":    {firm, service.Hint{PSU: "cfo"}, "", ""},
		"another company":                     {firm, service.Hint{PSU: "ceo", Corporate: "1"}, consent.CodeCorporate, "Header.PSU-Corporate-ID"},
		"another company, and nobody named":   {firm, service.Hint{Corporate: "1"}, consent.CodeCorporate, "Header.PSU-Corporate-ID"},
		"a company, where none was spoken of": {anna, service.Hint{PSU: "anna", Corporate: "852126789"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				c, _ := b.createBy(t, consents.Wish{Explicit: true, Hint: x.made})
				_, err := b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{Approach: consent.Redirect, Hint: x.start}, nil)
				if x.code == "" {
					require.NoError(t, err)
					require.Len(t, b.get(t, c.ID).Authorisations, 1)
					return
				}
				fault, ok := errors.AsType[*consent.Error](err)
				require.True(t, ok, err)
				require.Equal(t, []any{x.code, x.path}, []any{fault.Code, fault.Path})
				require.Empty(t, b.get(t, c.ID).Authorisations)
			})
		})
	}
}

// TestNoChoiceWithTheTPP refuses to start what would need a page, or an app, on
// which the PSU chooses accounts.
func TestNoChoiceWithTheTPP(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		open := draft()
		open.Access = consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightBalances}
		embedded := consents.Wish{Approach: consent.Embedded}
		_, err := b.Create(t.Context(), caller(), open, embedded, b.keeps("create"))
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		require.False(t, b.kept(t, "create"))
		c, err := b.Create(t.Context(), caller(), open, consents.Wish{Explicit: true}, nil)
		require.NoError(t, err)
		_, err = b.StartAuthorisation(t.Context(), caller(), c.ID, embedded, nil)
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		_, err = b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{Approach: consent.Decoupled}, nil)
		require.NoError(t, err)
	})
}

// TestForeign answers alike for what is unknown, another TPP's, of another kind
// or from another rail, and changes nothing.
func TestForeign(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, started := b.create(t)
		foreign := map[string]service.Call{"another TPP": caller(), "another kind": caller(), "another rail": caller()}
		for name, change := range map[string]func(*service.Call){
			"another TPP":  func(x *service.Call) { x.TPP = "B" },
			"another kind": func(x *service.Call) { x.Kind = consent.FundsConfirmation },
			"another rail": func(x *service.Call) { x.Rail = consent.RailSTET },
		} {
			call := foreign[name]
			change(&call)
			foreign[name] = call
		}
		for name, use := range map[string]func(call service.Call, id uuid.UUID) error{
			"get":    func(call service.Call, id uuid.UUID) error { _, err := b.Get(t.Context(), call, id); return err },
			"status": func(call service.Call, id uuid.UUID) error { _, err := b.Status(t.Context(), call, id); return err },
			"sca": func(call service.Call, id uuid.UUID) error {
				_, err := b.Authorisation(t.Context(), call, id, started.Authorisation)
				return err
			},
			"start": func(call service.Call, id uuid.UUID) error {
				_, err := b.StartAuthorisation(t.Context(), call, id, consents.Wish{}, nil)
				return err
			},
			"terminate": func(call service.Call, id uuid.UUID) error { return b.Terminate(t.Context(), call, id, nil) },
		} {
			unknown := use(caller(), uuid.New())
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(unknown), name)
			for who, call := range foreign {
				require.Equal(t, consent.CodeNotFound, consent.CodeOf(use(call, c.ID)), name+" by "+who)
			}
		}
		require.Equal(t, c, b.get(t, c.ID))
		_, err := b.Authorisation(t.Context(), caller(), c.ID, uuid.New())
		require.Equal(t, consent.CodeResourceUnknown, consent.CodeOf(err))
	})
}

// TestExpire shows that reads never wait for the worker, and that the worker
// writes what reads have said.
func TestExpire(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx := t.Context()
		c, _ := b.create(t)
		b.now.Store(int64((24 * time.Hour).Seconds()) + 100)
		status, err := b.Status(ctx, caller(), c.ID)
		require.NoError(t, err)
		require.Equal(t, []any{consent.Rejected, consent.ReasonNotAuthorised}, []any{status.Status, status.Ending.Reason})
		read := b.get(t, c.ID)
		require.Equal(t, begin.Add(24*time.Hour), read.StatusChangedAt, "dated by the deadline")
		stored, err := b.db.Get(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Received, stored.Status, "a read writes nothing")

		_, err = b.StartAuthorisation(ctx, caller(), c.ID, consents.Wish{}, nil)
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))

		n, err := b.Expire(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		stored, err = b.db.Get(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, read.StatusChangedAt, stored.StatusChangedAt)
		n, err = b.Expire(ctx, 10)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestTerminate(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, _ := b.create(t)
		require.NoError(t, b.Terminate(t.Context(), caller(), c.ID, nil))
		first := b.get(t, c.ID)
		require.Equal(t, []any{consent.Revoked, consent.ByTPP}, []any{first.Status, first.Ending.By})
		b.now.Store(60)
		require.NoError(t, b.Terminate(t.Context(), caller(), c.ID, nil), "again")
		require.Equal(t, first, b.get(t, c.ID))
		_, err := b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{}, nil)
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
	})
}

// TestTriesOfOneConsent bounds how often a consent may be tried.
func TestTriesOfOneConsent(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, _ := b.createBy(t, consents.Wish{Explicit: true})
		for range 20 {
			_, err := b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{Approach: consent.Redirect}, nil)
			require.NoError(t, err)
		}
		_, err := b.StartAuthorisation(t.Context(), caller(), c.ID, consents.Wish{Approach: consent.Redirect}, nil)
		require.Equal(t, consent.CodeTooOften, consent.CodeOf(err))
		require.Len(t, b.get(t, c.ID).Authorisations, 20)
	})
}
