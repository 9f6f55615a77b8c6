package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)

// bundle is a ledger over a fresh store, with a clock to turn.
type bundle struct {
	*ledger.Ledger
	db   *storage.DB
	keys *secret.Keys
	now  time.Time
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
	b.db, b.keys = dbtest.Open(t, engine, now)
	b.Ledger = &ledger.Ledger{Store: b.db, Keys: b.keys, Now: now, Zone: time.UTC}
	return b
}

func call(edit ...func(*ledger.Call)) ledger.Call {
	c := ledger.Call{
		TPP: "A", RequestID: "r1", Method: "POST", Path: "/v1/consents", Asks: [][]byte{[]byte(`{"body":1}`), []byte("PSU-ID: lea")},
	}
	for _, e := range edit {
		e(&c)
	}
	return c
}

func refusal(tpp string) ledger.Refusal {
	return ledger.Refusal{
		Cause:     consent.Cause{By: consent.ByTPP, Who: tpp, Certificate: "f", RequestID: "r1"},
		Operation: "DELETE /v1/consents/{consentId}", Code: consent.CodeNotFound,
	}
}

// answered keeps an answer, by way of a refusal.
func (b *bundle) answered(t *testing.T, c ledger.Call, answer string) {
	t.Helper()
	require.NoError(t, b.Refused(t.Context(), refusal(c.TPP), b.Receipt(c, []byte(answer))))
}

func TestFind(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		found, err := b.Find(t.Context(), call())
		require.NoError(t, err)
		require.Nil(t, found, "never answered")
		b.answered(t, call(), "secret answer")
		found, err = b.Find(t.Context(), call())
		require.NoError(t, err)
		require.Equal(t, "secret answer", string(found))

		for name, other := range map[string]func(*ledger.Call){
			"another TPP's":     func(c *ledger.Call) { c.TPP = "B" },
			"another id":        func(c *ledger.Call) { c.RequestID = "r2" },
			"another method":    func(c *ledger.Call) { c.Method = "PUT" },
			"another path":      func(c *ledger.Call) { c.Path += "/x" },
			"shifted by a byte": func(c *ledger.Call) { c.Path, c.RequestID = c.Path+"r", "1" },
		} {
			found, err := b.Find(t.Context(), call(other))
			require.NoError(t, err, name)
			require.Nil(t, found, name)
		}
		for name, other := range map[string]func(*ledger.Call){
			"another body":      func(c *ledger.Call) { c.Asks[0] = []byte(`{"body":2}`) },
			"another header":    func(c *ledger.Call) { c.Asks[1] = []byte("PSU-ID: enzo") },
			"one header more":   func(c *ledger.Call) { c.Asks = append(c.Asks, []byte("x: y")) },
			"one header less":   func(c *ledger.Call) { c.Asks = c.Asks[:1] },
			"shifted by a byte": func(c *ledger.Call) { c.Asks = [][]byte{[]byte(`{"body":1}P`), []byte("SU-ID: lea")} },
		} {
			_, err := b.Find(t.Context(), call(other))
			require.ErrorIs(t, err, ledger.ErrOther, name)
		}
	})
}

func TestReceiptsLastADay(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.answered(t, call(), "one")
		b.now = begin.Add(24*time.Hour - time.Microsecond)
		found, err := b.Find(t.Context(), call())
		require.NoError(t, err)
		require.Equal(t, "one", string(found))

		b.now = begin.Add(24 * time.Hour)
		other := call(func(c *ledger.Call) { c.Asks = nil })
		found, err = b.Find(t.Context(), other)
		require.NoError(t, err, "whatever it asks for")
		require.Nil(t, found)
		b.answered(t, other, "two")
		found, err = b.Find(t.Context(), other)
		require.NoError(t, err)
		require.Equal(t, "two", string(found))

		n, err := b.Forget(t.Context(), 9)
		require.NoError(t, err)
		require.Zero(t, n)
		b.now = begin.Add(48 * time.Hour)
		n, err = b.Forget(t.Context(), 9)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// TestReceiptsTellNothing reads what is stored as somebody with the database would.
func TestReceiptsTellNothing(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	r := b.Receipt(call(), []byte("https://bank.example/sca/HANDLE"))
	again := b.Receipt(call(), []byte("https://bank.example/sca/HANDLE"))
	require.Equal(t, []consent.Digest{r.Key, r.Fingerprint}, []consent.Digest{again.Key, again.Fingerprint})
	require.NotEqual(t, r.Answer, again.Answer)
	for _, secretText := range []string{"HANDLE", "lea", "body"} {
		require.NotContains(t, string(r.Answer), secretText)
		require.NotContains(t, string(r.Fingerprint[:]), secretText)
	}
	other := setup(t, pgtest.SQLite)
	require.NotEqual(t, r.Key, other.Receipt(call(), nil).Key, "nobody can tell without the key whose it is")
	require.NotEqual(t, r.Fingerprint, other.Receipt(call(), nil).Fingerprint, "nor what was asked for")
}

// TestAnswerOfAnother puts the answer of one call into the receipt of another.
func TestAnswerOfAnother(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		foreign := b.Receipt(call(func(c *ledger.Call) { c.TPP = "B" }), []byte("B's"))
		r := b.Receipt(call(), []byte("A's"))
		r.Answer = foreign.Answer
		require.NoError(t, b.Refused(t.Context(), refusal("A"), r))
		_, err := b.Find(t.Context(), call())
		require.ErrorContains(t, err, "stored answer")
		require.NotErrorIs(t, err, ledger.ErrOther)
	})
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		paris, err := time.LoadLocation("Europe/Paris")
		require.NoError(t, err)
		b.Zone = paris // where the next day has begun
		require.NoError(t, b.Refused(t.Context(), refusal("A"), nil))
		entries, err := b.db.History(t.Context(), "refused/A/2026-03-02")
		require.NoError(t, err)
		require.Len(t, entries, 1)
		e := entries[0]
		require.Equal(t, consent.Entry{
			Chain: "refused/A/2026-03-02", Seq: 1, At: begin, Cause: refusal("A").Cause,
			Reason: "not_found", Operation: "DELETE /v1/consents/{consentId}", MAC: e.MAC,
		}, e)

		b.answered(t, call(), "x")
		err = b.Refused(t.Context(), refusal("A"), b.Receipt(call(), []byte("y")))
		require.Equal(t, consent.CodeRepeated, consent.CodeOf(err))
		entries, err = b.db.History(t.Context(), "refused/A/2026-03-02")
		require.NoError(t, err)
		require.Len(t, entries, 2, "the repeated one is not written down again")
		v, err := b.Verify(t.Context(), func(f ledger.Fault) { require.Fail(t, f.String()) })
		require.NoError(t, err)
		require.Equal(t, ledger.Verified{Chains: 1, Entries: 2, Digest: v.Digest}, v)
	})
}

// broken is a store that cannot be read.
type broken struct{ ledger.Store }

var errBroken = errors.New("out of order")

func (broken) Receipt(context.Context, consent.Digest) (*consent.Receipt, error) {
	return nil, errBroken
}

func (broken) Chains(context.Context, func(ledger.Chain) error) error { return errBroken }

func TestBrokenStore(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	b.Store = broken{}
	_, err := b.Find(t.Context(), call())
	require.ErrorIs(t, err, errBroken)
	_, err = b.Verify(t.Context(), func(f ledger.Fault) { require.Fail(t, f.String()) })
	require.ErrorIs(t, err, errBroken, "what could not be read is not verified")
}
