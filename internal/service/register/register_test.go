package register_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// bundle is a register over a fresh store, with a clock to turn.
type bundle struct {
	*register.Register
	t     *testing.T
	db    *storage.DB
	store *counting
	now   time.Time
}

// counting counts what reaches the store.
type counting struct {
	register.Store
	reads, histories, writes atomic.Int32
}

func (c *counting) Standing(ctx context.Context, id string) (*register.TPP, error) {
	c.reads.Add(1)
	return c.Store.Standing(ctx, id)
}

func (c *counting) History(ctx context.Context, chain string) ([]consent.Entry, error) {
	c.histories.Add(1)
	return c.Store.History(ctx, chain)
}

func (c *counting) ChangeTPP(ctx context.Context, id string, change func(*register.TPP) (*consent.Entry, error)) (*register.TPP, error) {
	c.writes.Add(1)
	return c.Store.ChangeTPP(ctx, id, change)
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, setup(t, engine)) })
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{t: t, now: begin}
	b.db, _ = dbtest.Open(t, engine, func() time.Time { return b.now })
	b.store = &counting{Store: b.db}
	b.Register = b.another()
	return b
}

// another is the register of another process.
func (b *bundle) another() *register.Register {
	return &register.Register{Store: b.store, Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler)}
}

// callID is the X-Request-ID of the calls of TPPs.
const callID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"

const acme = "DE-BAFIN:PSDDE-BAFIN-125314"

// shows is a call of acme with a certificate; its name and role tell which.
func shows(certificate string) register.TPP {
	return register.TPP{
		ID: acme, Name: "Acme " + certificate, Organisation: "PSDDE-BAFIN-125314", NCAID: "DE-BAFIN", NCAName: "BaFin",
		Roles: []string{"PSP_AI", "PSP_" + certificate}, Certificate: certificate,
	}
}

func (b *bundle) admit(t register.TPP) {
	b.t.Helper()
	require.NoError(b.t, b.Admit(b.t.Context(), t, callID))
}

// get is acme's row.
func (b *bundle) get() register.TPP {
	b.t.Helper()
	t, err := b.Get(b.t.Context(), acme)
	require.NoError(b.t, err)
	return *t
}

func (b *bundle) block(edit ...func(*register.Block)) *register.TPP {
	b.t.Helper()
	block := register.Block{Reason: "licence withdrawn"}
	for _, e := range edit {
		e(&block)
	}
	t, _, err := b.Block(b.t.Context(), officer(), acme, block)
	require.NoError(b.t, err)
	return t
}

func officer() consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: "office", Certificate: "cc", RequestID: "r2"}
}

// history is acme's chain in short.
func (b *bundle) history() (list []string) {
	b.t.Helper()
	entries, err := b.db.History(b.t.Context(), register.Chain(acme))
	require.NoError(b.t, err)
	for _, e := range entries {
		list = append(list, fmt.Sprintf("%s %s %s: %s>%s %s", e.By, e.Certificate, e.RequestID, e.From, e.To, e.Reason))
	}
	return list
}

func codeOf(t *testing.T, want consent.Code, err error) {
	t.Helper()
	require.Equal(t, want, consent.CodeOf(err), "%v", err)
}

func TestAdmit(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.admit(shows("A"))
		want := shows("A")
		want.FirstSeen, want.CertificateSeen = begin, begin
		require.Equal(t, want, b.get())
		b.now = begin.Add(time.Minute)
		b.admit(shows("A"))
		require.Equal(t, want, b.get())
		require.EqualValues(t, 1, b.store.writes.Load())

		b.admit(shows("B"))
		want = shows("B")
		want.FirstSeen, want.CertificateSeen = begin, b.now
		require.Equal(t, want, b.get(), "the newest one tells the name and the roles")
		require.Equal(t, []string{"tpp A " + callID + ": >known entered", "tpp B " + callID + ": known>known certificate"}, b.history())

		plain := shows("")
		b.admit(plain)
		require.Equal(t, want, b.get(), "a call without a certificate tells nothing new")
		require.EqualValues(t, 2, b.store.writes.Load())
	})
}

// TestAdmitAlternating has a TPP change between its certificates: what it has
// shown before is not written again, by this process or another.
func TestAdmitAlternating(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for _, r := range []*register.Register{b.Register, b.another()} {
			for range 20 {
				for _, certificate := range []string{"A", "B", "C"} {
					require.NoError(t, r.Admit(t.Context(), shows(certificate), callID))
				}
			}
		}
		require.Equal(t, "C", b.get().Certificate)
		require.Len(t, b.history(), 3)
		require.EqualValues(t, 3, b.store.writes.Load())
		require.EqualValues(t, 120, b.store.reads.Load())
		require.EqualValues(t, 2+2+2, b.store.histories.Load(), "B and C when they were new, A and B once per process")
	})
}

// TestAdmitPlain enters a TPP that shows no certificate, and then one.
func TestAdmitPlain(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.admit(shows(""))
		require.Zero(t, b.get().CertificateSeen)
		require.Equal(t, begin, b.get().FirstSeen)
		b.now = begin.Add(time.Minute)
		b.admit(shows("A"))
		require.Equal(t, b.now, b.get().CertificateSeen)
		require.Equal(t, []string{"tpp  " + callID + ": >known entered", "tpp A " + callID + ": known>known certificate"}, b.history())
	})
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for i := range 60 {
			tpp := shows("A")
			tpp.ID = fmt.Sprintf("X:%02d", i)
			b.admit(tpp)
		}
		_, _, err := b.Block(t.Context(), officer(), "X:07", register.Block{Reason: "x", Until: begin.Add(time.Hour)})
		require.NoError(t, err)
		list, err := b.List(t.Context(), register.Filter{})
		require.NoError(t, err)
		require.Len(t, list, 50)
		require.NotNil(t, list[7].Block)
		list, err = b.List(t.Context(), register.Filter{After: list[49].ID, Limit: 200})
		require.NoError(t, err)
		require.Len(t, list, 10)
		b.now = begin.Add(time.Hour)
		no := false
		list, err = b.List(t.Context(), register.Filter{Blocked: &no, After: "X:06", Limit: 1})
		require.NoError(t, err)
		require.Equal(t, "X:07", list[0].ID)
		require.Nil(t, list[0].Block, "it has run out")
	})
}
