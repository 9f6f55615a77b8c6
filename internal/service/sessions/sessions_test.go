package sessions_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/sca"
	"consentd/internal/service/sessions"
	"consentd/internal/storage"
	flow "consentd/pkg/sca"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// toyBank knows everybody but ghosts; a clerk acts for a firm alone.
type toyBank struct {
	down   atomic.Bool
	ghosts sync.Map
}

func (b *toyBank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	if _, gone := b.ghosts.Load(psu); gone {
		return nil, service.ErrUnknownPSU
	}
	if psu == "clerk" {
		return []service.Customer{{ID: "firm", Name: "The Firm"}}, nil
	}
	return []service.Customer{{ID: psu, Name: "Person " + psu}, {ID: "firm", Name: "The Firm"}}, nil
}

func (b *toyBank) Signers(_ context.Context, customer string) ([]string, error) {
	return []string{customer}, nil
}

// door asks for a name, and that is all.
type door struct{}

func (door) Start(context.Context, flow.Request) (flow.Step, error) {
	return flow.Step{Outcome: flow.Prompt, State: []byte("door"), Fields: []flow.Field{{Name: "psuId", Kind: flow.Text}}}, nil
}

func (door) Continue(_ context.Context, _ flow.Request, _ []byte, in flow.Input) (flow.Step, error) {
	return flow.Step{Outcome: flow.Done, PSU: in.Fields["psuId"]}, nil
}

// outside leads to pages of the bank's own.
type outside struct{ door }

func (outside) Link(handle string) string { return "https://bank.example/sca/" + handle }

// bundle is the use cases over a fresh store, with the walks that they begin.
type bundle struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // a test's context, for brevity
	db    *storage.DB
	bank  *toyBank
	walks *sca.Dispatcher
	*sessions.Sessions
	since atomic.Int64 // nanoseconds since the beginning of the test's time
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (b *bundle) advance(d time.Duration) { b.since.Add(int64(d)) }

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, setup(t, engine)) })
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{t: t, ctx: t.Context(), bank: &toyBank{}}
	now := func() time.Time { return begin.Add(time.Duration(b.since.Load())) }
	db, keys := dbtest.Open(t, engine, now)
	b.db = db
	log := slog.New(slog.DiscardHandler)
	b.walks = &sca.Dispatcher{
		Store: b.db, Guesses: b.db, Identities: b.db, Signers: b.bank, Keys: keys,
		Flows:  map[string]flow.Flow{"door": door{}, "outside": outside{}},
		Serves: map[consent.Approach]string{consent.Redirect: "door"},
		Policy: consent.DefaultPolicy(), Now: now, Log: log,
	}
	b.Sessions = &sessions.Sessions{Store: b.db, Runs: b.walks, Signers: b.bank, Keys: keys, Now: now}
	return b
}

// through walks a handle to its end, as somebody, in a browser.
func (b *bundle) through(handle, psu, browser string) {
	b.t.Helper()
	at := sca.Visitor{Browser: browser, Origin: "https://sca.bank.example"}
	_, err := b.walks.Open(b.ctx, handle, at)
	require.NoError(b.t, err)
	v, err := b.walks.Answer(b.ctx, handle, at, sca.Answer{Fields: map[string]string{"psuId": psu}})
	require.NoError(b.t, err)
	require.Equal(b.t, sca.PageEnded, v.Page)
}

// login is a log-in that has ended well.
func (b *bundle) login(psu, browser string) (handle string) {
	b.t.Helper()
	handle, err := b.Begin(b.ctx, "en")
	require.NoError(b.t, err)
	b.through(handle, psu, browser)
	return handle
}

// enter logs somebody in and returns what their browser shows.
func (b *bundle) enter(psu string) (cookie string) {
	b.t.Helper()
	cookie, err := b.Enter(b.ctx, b.login(psu, "browser"), "browser")
	require.NoError(b.t, err)
	return cookie
}

// who is the visitor of a session that goes on.
func (b *bundle) who(cookie string) sessions.Visitor {
	b.t.Helper()
	v, err := b.Who(b.ctx, cookie)
	require.NoError(b.t, err)
	return *v
}

func (b *bundle) fails(code consent.Code, err error) {
	b.t.Helper()
	require.Error(b.t, err)
	require.Equal(b.t, code, consent.CodeOf(err), err)
}

// gone asserts that nobody is logged in with a cookie.
func (b *bundle) gone(cookie string) {
	b.t.Helper()
	_, err := b.Who(b.ctx, cookie)
	b.fails(consent.CodeUnauthenticated, err)
}

func TestEnter(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		handle := b.login("lea", "browser")
		_, err := b.Enter(b.ctx, handle, "another")
		b.fails(consent.CodeForbidden, err)
		_, err = b.Enter(b.ctx, handle, "")
		b.fails(consent.CodeForbidden, err)
		cookie, err := b.Enter(b.ctx, handle, "browser")
		require.NoError(t, err)
		psu, err := b.db.PSU(b.ctx, "lea")
		require.NoError(t, err)
		require.Equal(t, sessions.Visitor{PSU: psu, BankID: "lea", Name: "Person lea"}, b.who(cookie))
		_, err = b.Enter(b.ctx, handle, "browser")
		b.fails(consent.CodeUsed, err)

		require.NotEqual(t, cookie, b.enter("lea"), "another one for each session")
		require.Equal(t, "clerk", b.who(b.enter("clerk")).BankID)
		require.Empty(t, b.who(b.enter("clerk")).Name, "no customer themselves")
		b.gone("made up")
		b.gone("")
		b.gone(handle)
	})
}

func TestEnterNeedsALogin(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		_, err := b.Enter(b.ctx, "made up", "browser")
		b.fails(consent.CodeNotFound, err)
		at := sca.Visitor{Browser: "browser"}

		unopened, err := b.Begin(b.ctx, "en")
		require.NoError(t, err)
		for _, browser := range []string{"browser", ""} {
			_, err = b.Enter(b.ctx, unopened, browser)
			b.fails(consent.CodeForbidden, err)
		}
		refused, err := b.Begin(b.ctx, "en")
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, refused, at, sca.Answer{Refuse: true})
		require.NoError(t, err)
		_, err = b.Enter(b.ctx, refused, "browser")
		b.fails(consent.CodeForbidden, err)

		v := b.who(b.enter("lea"))
		action, err := b.Confirm(b.ctx, v, "stop", "en")
		require.NoError(t, err)
		b.through(action, "lea", "browser")
		_, err = b.Enter(b.ctx, action, "browser")
		b.fails(consent.CodeNotFound, err)

		late := b.login("lea", "browser")
		b.advance(5*time.Minute - 1)
		_, err = b.Enter(b.ctx, late, "another")
		b.fails(consent.CodeForbidden, err)
		b.advance(1)
		_, err = b.Enter(b.ctx, late, "browser")
		b.fails(consent.CodeExpired, err)
	})
}

// TestEnterAtOnce opens one session, however often it is tried.
func TestEnterAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		handle := b.login("lea", "browser")
		var entered, used atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				switch _, err := b.Enter(b.ctx, handle, "browser"); {
				case err == nil:
					entered.Add(1)
				case consent.CodeOf(err) == consent.CodeUsed:
					used.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Equal(t, []int32{1, 7}, []int32{entered.Load(), used.Load()})
	})
}

// TestIdle: five minutes without a request end a session, and an hour does in any case.
func TestIdle(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		cookie := b.enter("lea")
		b.advance(5 * time.Minute)
		b.gone(cookie)

		cookie = b.enter("lea")
		for range 12 {
			b.advance(5*time.Minute - time.Second)
			b.who(cookie)
		}
		b.advance(11 * time.Second)
		b.who(cookie)
		b.advance(time.Second)
		b.gone(cookie)
	})
}

// TestSeen writes down once a minute that somebody is there.
func TestSeen(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		cookie := b.enter("lea")
		seen := func() time.Duration {
			b.who(cookie)
			s, err := b.db.Session(b.ctx, secret.Digest(cookie))
			require.NoError(t, err)
			return s.SeenAt.Sub(begin)
		}
		b.advance(time.Minute - time.Second)
		require.Zero(t, seen())
		b.advance(time.Second)
		require.Equal(t, time.Minute, seen())
		b.advance(30 * time.Second)
		require.Equal(t, time.Minute, seen())
		b.advance(5*time.Minute - 30*time.Second)
		b.gone(cookie)
	})
}

func TestLeave(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		handle := b.login("lea", "browser")
		cookie, err := b.Enter(b.ctx, handle, "browser")
		require.NoError(t, err)
		other, err := b.Enter(b.ctx, b.login("lea", "another"), "another")
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, b.Leave(b.ctx, cookie))
			b.gone(cookie)
		}
		b.who(other)
		_, err = b.Enter(b.ctx, handle, "browser")
		b.fails(consent.CodeUsed, err)
		require.NoError(t, b.Leave(b.ctx, "made up"))
	})
}

// TestWhoIsKnown: who is no customer's any more is logged out; an outage of the bank
// logs nobody out.
func TestWhoIsKnown(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		cookie := b.enter("lea")
		b.bank.down.Store(true)
		v := b.who(cookie)
		require.Equal(t, []any{"lea", ""}, []any{v.BankID, v.Name})
		b.bank.down.Store(false)
		b.bank.ghosts.Store("lea", true)
		b.gone(cookie)
	})
}

func TestConfirm(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		lea, enzo := b.who(b.enter("lea")), b.who(b.enter("enzo"))
		handle, err := b.Confirm(b.ctx, lea, "stop A", "en")
		require.NoError(t, err)
		b.fails(consent.CodeForbidden, b.Confirmed(b.ctx, lea, handle, "browser", "stop A"))
		b.through(handle, "lea", "browser")
		for range 2 {
			require.NoError(t, b.Confirmed(b.ctx, lea, handle, "browser", "stop A"))
		}
		b.fails(consent.CodeForbidden, b.Confirmed(b.ctx, lea, handle, "browser", "stop B"))
		b.fails(consent.CodeForbidden, b.Confirmed(b.ctx, lea, handle, "another", "stop A"))
		b.fails(consent.CodeForbidden, b.Confirmed(b.ctx, enzo, handle, "browser", "stop A"))
		b.fails(consent.CodeNotFound, b.Confirmed(b.ctx, lea, "made up", "browser", "stop A"))
		b.fails(consent.CodeNotFound, b.Confirmed(b.ctx, lea, b.login("lea", "browser"), "browser", "stop A"))
		b.advance(5 * time.Minute)
		b.fails(consent.CodeExpired, b.Confirmed(b.ctx, lea, handle, "browser", "stop A"))

		handle, err = b.Confirm(b.ctx, lea, "stop A", "en")
		require.NoError(t, err)
		at := sca.Visitor{Browser: "browser"}
		_, err = b.walks.Open(b.ctx, handle, at)
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, handle, at, sca.Answer{Fields: map[string]string{"psuId": "enzo"}})
		b.fails(consent.CodeForbidden, err)
		b.fails(consent.CodeForbidden, b.Confirmed(b.ctx, lea, handle, "browser", "stop A"))
	})
}

// TestPagesOfOurs: on pages of the bank's own, or without a browser, nobody logs in here.
func TestPagesOfOurs(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	v := sessions.Visitor{PSU: uuid.New(), BankID: "lea"}
	for _, serves := range []string{"outside", ""} {
		b.walks.Serves[consent.Redirect] = serves
		handle, err := b.Begin(b.ctx, "en")
		b.fails(consent.CodeNotSupported, err)
		require.Empty(t, handle)
		handle, err = b.Confirm(b.ctx, v, "stop", "en")
		b.fails(consent.CodeNotSupported, err)
		require.Empty(t, handle)
	}
}

func TestForget(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		forget := func(limit int) int {
			n, err := b.Forget(b.ctx, limit)
			require.NoError(t, err)
			return n
		}
		first := b.login("lea", "browser")
		cookie, err := b.Enter(b.ctx, first, "browser")
		require.NoError(t, err)
		require.NoError(t, b.Leave(b.ctx, cookie))
		_, err = b.Begin(b.ctx, "en") // and nobody comes
		require.NoError(t, err)
		b.advance(time.Hour - time.Second)
		require.Zero(t, forget(9))
		b.advance(time.Second)
		lasting := b.enter("lea")
		require.Equal(t, []int{1, 1, 0}, []int{forget(1), forget(9), forget(9)}, "a session, and the walk that opened it")
		b.advance(10 * time.Minute)
		require.Equal(t, 1, forget(9), "a walk that nobody began")
		_, err = b.Enter(b.ctx, first, "browser")
		b.fails(consent.CodeNotFound, err)
		b.gone(cookie)
		b.gone(lasting)
	})
}
