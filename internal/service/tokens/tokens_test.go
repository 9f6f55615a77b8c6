package tokens_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
	"consentd/internal/service/tokens"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bundle is the use case over a fresh store, with a clock to turn.
type bundle struct {
	*tokens.Tokens
	db  *storage.DB
	now time.Time
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, setup(t, engine)) })
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{now: begin}
	now := func() time.Time { return b.now }
	db, keys := dbtest.Open(t, engine, now)
	b.db = db
	b.Tokens = &tokens.Tokens{Store: b.db, Keys: keys, Now: now}
	return b
}

func codeOf(t *testing.T, want consent.Code, err error) {
	t.Helper()
	require.Equal(t, want, consent.CodeOf(err), "%v", err)
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		text, forEver, err := b.New(t.Context(), service.Dashboard, " dashboard ", 0)
		require.NoError(t, err)
		require.Regexp(t, `^consentd_[A-Za-z0-9_-]{43}$`, text)
		require.Equal(t, tokens.Token{ID: forEver.ID, Name: "dashboard", Role: service.Dashboard, CreatedAt: begin}, forEver)
		other, hour, err := b.New(t.Context(), service.Hub, "hub", time.Hour)
		require.NoError(t, err)
		require.NotEqual(t, text, other)
		require.Equal(t, begin.Add(time.Hour), hour.ExpiresAt)

		got, err := b.Check(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, forEver, got)
		b.now = begin.Add(time.Hour - time.Microsecond)
		got, err = b.Check(t.Context(), other)
		require.NoError(t, err)
		require.Equal(t, hour, got)
		b.now = begin.Add(time.Hour)
		_, err = b.Check(t.Context(), other)
		codeOf(t, consent.CodeUnauthenticated, err)

		revoked, err := b.Revoke(t.Context(), forEver.ID)
		require.NoError(t, err)
		require.Equal(t, b.now, revoked.RevokedAt)
		_, err = b.Check(t.Context(), text)
		codeOf(t, consent.CodeUnauthenticated, err)
		b.now = begin.Add(2 * time.Hour)
		again, err := b.Revoke(t.Context(), forEver.ID)
		require.NoError(t, err)
		require.Equal(t, revoked, again)
		list, err := b.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, []tokens.Token{revoked, hour}, list)

		entries, err := b.db.History(t.Context(), tokens.Chain(forEver.ID))
		require.NoError(t, err)
		require.Len(t, entries, 2)
		require.Equal(t, []string{"aspsp", "", "dashboard for ever"}, []string{string(entries[0].By), entries[0].From, entries[0].To})
		require.Equal(t, []string{"aspsp", "dashboard for ever", "revoked"}, []string{string(entries[1].By), entries[1].From, entries[1].To})
		entries, err = b.db.History(t.Context(), tokens.Chain(hour.ID))
		require.NoError(t, err)
		require.Equal(t, "hub until 2026-03-01T13:00:00Z", entries[0].To)
	})
}

func TestCheckRefuses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		text, _, err := b.New(t.Context(), service.Hub, "hub", 0)
		require.NoError(t, err)
		changed := []byte(text)
		changed[20] ^= 1
		for _, bad := range []string{
			"", "consentd_", text[:len(text)-1], text + "x", strings.ToUpper(text), " " + text[:len(text)-1], string(changed),
			"consentd_" + secret.Handle(), strings.Repeat("x", 1<<20),
		} {
			_, err := b.Check(t.Context(), bad)
			codeOf(t, consent.CodeUnauthenticated, err)
			require.NotContains(t, err.Error(), text[9:])
		}
	})
}

// TestCheckAnotherKey has the database read by a program with another key.
func TestCheckAnotherKey(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		text, _, err := b.New(t.Context(), service.Hub, "hub", 0)
		require.NoError(t, err)
		b.Keys, err = secret.New(secret.NewMaster())
		require.NoError(t, err)
		_, err = b.Check(t.Context(), text)
		codeOf(t, consent.CodeUnauthenticated, err)
	})
}

func TestNewRefuses(t *testing.T) {
	b := setup(t, "sqlite")
	for name, x := range map[string]struct {
		role service.Role
		name string
		ttl  time.Duration
	}{
		"no role":        {"", "x", 0},
		"another role":   {"admin", "x", 0},
		"no name":        {service.Hub, "  ", 0},
		"a long name":    {service.Hub, strings.Repeat("ü", 101), 0},
		"a line break":   {service.Hub, "a\nb", 0},
		"no text":        {service.Hub, "\xff", 0},
		"a negative end": {service.Hub, "x", -time.Second},
	} {
		_, _, err := b.New(t.Context(), x.role, x.name, x.ttl)
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err), name)
	}
	_, err := b.Revoke(t.Context(), uuid.New())
	codeOf(t, consent.CodeNotFound, err)
	list, err := b.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)
}

// TestFineClock has a clock that goes finer than what is stored.
func TestFineClock(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.now = begin.Add(123456789).In(time.FixedZone("far", 3600))
		text, made, err := b.New(t.Context(), service.Hub, "hub", time.Hour+time.Nanosecond)
		require.NoError(t, err)
		got, err := b.Check(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, made, got)
		require.Equal(t, "hub until 2026-03-01T13:00:00.123456Z", got.State())
		revoked, err := b.Revoke(t.Context(), made.ID)
		require.NoError(t, err)
		again, err := b.Revoke(t.Context(), made.ID)
		require.NoError(t, err)
		require.Equal(t, revoked, again)
		entries, err := b.db.History(t.Context(), tokens.Chain(made.ID))
		require.NoError(t, err)
		require.Len(t, entries, 2, "it was revoked once")
		l := &ledger.Ledger{Store: b.db, Keys: b.Keys}
		v, err := l.Verify(t.Context(), func(f ledger.Fault) { require.Fail(t, f.String()) })
		require.NoError(t, err)
		require.Equal(t, []int{1, 2, 0}, []int{v.Chains, v.Entries, v.Faults})
	})
}

// TestMemory believes a good token for a while, and asks the database again after it.
func TestMemory(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.Memory = time.Second
		secret, made, err := b.New(t.Context(), service.ResourceServer, "core", time.Minute)
		require.NoError(t, err)
		other := &tokens.Tokens{Store: b.db, Keys: b.Keys, Now: b.Now} // another process
		check := func() error {
			_, err := b.Check(t.Context(), secret)
			return err
		}
		require.NoError(t, check())
		_, err = other.Revoke(t.Context(), made.ID)
		require.NoError(t, err)
		b.now = b.now.Add(999 * time.Millisecond)
		require.NoError(t, check(), "it was good less than a second ago")
		b.now = b.now.Add(time.Millisecond)
		codeOf(t, consent.CodeUnauthenticated, check())

		secret, made, err = b.New(t.Context(), service.ResourceServer, "core", time.Minute)
		require.NoError(t, err)
		require.NoError(t, check())
		_, err = b.Revoke(t.Context(), made.ID)
		require.NoError(t, err)
		codeOf(t, consent.CodeUnauthenticated, check())

		secret, _, err = b.New(t.Context(), service.ResourceServer, "core", 500*time.Millisecond)
		require.NoError(t, err)
		require.NoError(t, check())
		b.now = b.now.Add(500 * time.Millisecond)
		codeOf(t, consent.CodeUnauthenticated, check())
	})
}
