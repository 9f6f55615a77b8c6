package storagetest

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

func testRegister(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"a row is kept in every column":                           rowIsKept,
		"a change without an entry writes nothing":                nothingIsWritten,
		"a change that fails writes nothing":                      failedChange,
		"what is known of a TPP when it calls":                    standings,
		"TPPs are listed by block, text and page":                 listed,
		"clients are found by either id":                          clients,
		"a block ends what was made before it ran out, and alone": doomedOnes,
		"a consent is ended under its TPP's block only":           doom,
		"the chain of a TPP is proven":                            tamperedTPP,
		"the first calls of a TPP enter it once":                  raceOfFirstCalls,
		"a block holds at another replica at once":                blockAtReplica,
		"two blocks at once leave one, and both in the audit":     raceOfBlocks,
		"a block against an unblock":                              raceOfUnblock,
		"a block while consents are made":                         raceOfBlockAndCreate,
		"a crash in the middle is finished":                       crashInTheMiddle,
		"two workers finish each consent once":                    raceOfFinish,
		"a worker passes over what somebody changes":              finishPassesOver,
	})
}

// acme is a TPP with a certificate.
func acme() register.TPP {
	return register.TPP{
		ID: "DE-BAFIN:PSDDE-BAFIN-125314", Name: "Acme GmbH", Organisation: "PSDDE-BAFIN-125314", NCAID: "DE-BAFIN", NCAName: "BaFin",
		Roles: []string{"PSP_AI", "PSP_IC"}, Certificate: "aa",
	}
}

// register is the use case over a store, at a time.
func (b *bundle) register(s register.Store, now time.Time) *register.Register {
	return &register.Register{Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
}

// officer is the cause of a call of the back office.
func officer(request string) consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: "office", RequestID: request}
}

func (b *bundle) tpp(id string) *register.TPP {
	b.t.Helper()
	t, err := b.TPP(b.ctx, id)
	require.NoError(b.t, err)
	return t
}

// put writes a row as it is.
func (b *bundle) put(t register.TPP) {
	b.t.Helper()
	_, err := b.ChangeTPP(b.ctx, t.ID, func(row *register.TPP) (*consent.Entry, error) {
		from := row.State()
		*row = t
		return &consent.Entry{At: start, Cause: consent.Cause{By: consent.BySystem}, From: from, To: row.State()}, nil
	})
	require.NoError(b.t, err)
}

func rowIsKept(t *testing.T, b *bundle) {
	t.Helper()
	_, err := b.TPP(b.ctx, acme().ID)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	want := acme()
	want.FirstSeen, want.CertificateSeen = start, start.Add(time.Microsecond)
	want.Block = &register.Block{
		At: start.Add(time.Second), Until: start.Add(time.Hour), By: "office", Reason: "because", EndsConsents: true, RequestID: "r",
	}
	want.RedirectURIs, want.Seals = []string{"https://acme.example/cb?a=b", "com.acme.app:/cb"}, [][]byte{{0x30, 0}, {0x30, 1, 0xff}}
	b.put(want)
	require.Equal(t, &want, b.tpp(want.ID))
	var found *register.TPP
	_, err = b.ChangeTPP(b.ctx, want.ID, func(row *register.TPP) (*consent.Entry, error) {
		before := *row
		found = &before
		row.Block = nil
		return &consent.Entry{At: start, Cause: officer("r2"), From: before.State(), To: "known", Reason: "unblocked"}, nil
	})
	require.NoError(t, err)
	require.Equal(t, &want, found)
	want.Block = nil
	require.Equal(t, &want, b.tpp(want.ID))
	entries := b.history(register.Chain(want.ID))
	require.Len(t, entries, 2)
	require.Equal(t, consent.Entry{
		Chain: "tpp/" + want.ID, Seq: 2, At: start, Cause: officer("r2"), From: "blocked until 2026-03-01T13:00:00.123456Z, consents end",
		To: "known", Reason: "unblocked", Operation: entries[1].Operation, MAC: entries[1].MAC,
	}, entries[1])
	require.Empty(t, b.faults())
}

func nothingIsWritten(t *testing.T, b *bundle) {
	t.Helper()
	got, err := b.ChangeTPP(b.ctx, "X:Y", func(row *register.TPP) (*consent.Entry, error) {
		require.Equal(t, &register.TPP{ID: "X:Y"}, row)
		row.Name = "changed"
		return nil, nil
	})
	require.NoError(t, err)
	require.Equal(t, "changed", got.Name)
	_, err = b.TPP(b.ctx, "X:Y")
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	require.Empty(t, b.history(register.Chain("X:Y")))
	require.Empty(t, b.faults(), "no chain was begun")
}

func failedChange(t *testing.T, b *bundle) {
	t.Helper()
	b.put(acme())
	broken := errors.New("no")
	_, err := b.ChangeTPP(b.ctx, acme().ID, func(row *register.TPP) (*consent.Entry, error) {
		row.Name = "changed"
		return &consent.Entry{}, broken
	})
	require.ErrorIs(t, err, broken)
	require.Equal(t, "Acme GmbH", b.tpp(acme().ID).Name)
	require.Len(t, b.history(register.Chain(acme().ID)), 1)
}

func standings(t *testing.T, b *bundle) {
	t.Helper()
	got, err := b.Standing(b.ctx, acme().ID)
	require.NoError(t, err)
	require.Equal(t, &register.TPP{ID: acme().ID}, got)
	seen := acme()
	seen.FirstSeen = start
	b.put(seen)
	blocked := register.TPP{ID: `ö"\{},: %`, Block: &register.Block{At: start, Until: start.Add(time.Hour), By: "office"}}
	b.put(blocked)
	blocked.Block.By = ""
	calls := make([]func() error, 30)
	for i := range calls {
		want := []register.TPP{{ID: seen.ID, Certificate: "aa", FirstSeen: start}, blocked, {ID: "none"}}[i%3]
		calls[i] = func() error {
			got, err := b.Standing(b.ctx, want.ID)
			if err == nil && !reflect.DeepEqual(&want, got) {
				t.Errorf("%+v, not %+v", got, want)
			}
			return err
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
}

func listed(t *testing.T, b *bundle) {
	t.Helper()
	for _, x := range []register.TPP{
		{ID: "DE-A:1", Name: "Müller & Söhne"},
		{ID: "DE-A:2", Name: "50% off_er", Block: &register.Block{At: start}},
		{ID: "FR-B:1", Name: `back\slash`, Block: &register.Block{At: start, Until: start.Add(time.Hour)}},
		{ID: "de-c:9", Name: "500 offers"},
	} {
		b.put(x)
	}
	yes, no := true, false
	for _, x := range []struct {
		name string
		f    register.Filter
		now  time.Time
		want []string
	}{
		{name: "all", want: []string{"DE-A:1", "DE-A:2", "FR-B:1", "de-c:9"}},
		{name: "blocked", f: register.Filter{Blocked: &yes}, now: start, want: []string{"DE-A:2", "FR-B:1"}},
		{name: "blocked, until just now", f: register.Filter{Blocked: &yes}, now: start.Add(time.Hour), want: []string{"DE-A:2"}},
		{name: "not blocked", f: register.Filter{Blocked: &no}, now: start, want: []string{"DE-A:1", "de-c:9"}},
		{name: "not blocked any more", f: register.Filter{Blocked: &no}, now: start.Add(time.Hour), want: []string{"DE-A:1", "FR-B:1", "de-c:9"}},
		{name: "text of the id, in other capitals", f: register.Filter{Text: "DE-"}, want: []string{"DE-A:1", "DE-A:2", "de-c:9"}},
		{name: "text of the name, beyond ASCII", f: register.Filter{Text: "MÜLLER & SÖ"}, want: []string{"DE-A:1"}},
		{name: "a percent sign is one", f: register.Filter{Text: "50%"}, want: []string{"DE-A:2"}},
		{name: "an underscore is one", f: register.Filter{Text: "f_e"}, want: []string{"DE-A:2"}},
		{name: "a backslash is one", f: register.Filter{Text: `k\s`}, want: []string{"FR-B:1"}},
		{name: "a backslash alone", f: register.Filter{Text: `\`}, want: []string{"FR-B:1"}},
		{name: "a quote", f: register.Filter{Text: `' OR 1=1 --`}},
		{name: "text and block", f: register.Filter{Text: "off", Blocked: &no}, now: start, want: []string{"de-c:9"}},
		{name: "a page", f: register.Filter{Limit: 2}, want: []string{"DE-A:1", "DE-A:2"}},
		{name: "the next page", f: register.Filter{Limit: 2, After: "DE-A:2"}, want: []string{"FR-B:1", "de-c:9"}},
		{name: "after the last", f: register.Filter{After: "de-c:9"}},
	} {
		if x.f.Limit == 0 {
			x.f.Limit = 10
		}
		list, err := b.TPPs(b.ctx, x.f, x.now)
		require.NoError(t, err, x.name)
		var ids []string
		for _, one := range list {
			require.Equal(t, b.tpp(one.ID), &one)
			ids = append(ids, one.ID)
		}
		require.Equal(t, x.want, ids, x.name)
	}
}

func clients(t *testing.T, b *bundle) {
	t.Helper()
	for _, x := range []register.TPP{
		{ID: "DE-A:1", Organisation: "1"},
		{ID: "FR-B:1", Organisation: "1"},
		{ID: "LT-C:1", Organisation: "1"},
		{ID: "DE-A:2", Organisation: "2", RedirectURIs: []string{"https://x.example"}, Block: &register.Block{At: start}},
		{ID: "X:DE-A:2", Organisation: "DE-A:2"},
		{ID: "DE-A:3"},
	} {
		b.put(x)
	}
	for id, want := range map[string][]string{
		"DE-A:1": {"DE-A:1"}, "1": {"DE-A:1", "FR-B:1"}, "2": {"DE-A:2"}, "DE-A:2": {"DE-A:2", "X:DE-A:2"}, "X:DE-A:2": {"X:DE-A:2"},
		"3": nil, "DE-A:": nil, "de-a:1": nil, "%": nil, "": nil,
	} {
		list, err := b.Clients(b.ctx, id)
		require.NoError(t, err, id)
		var ids []string
		for _, one := range list {
			require.Equal(t, b.tpp(one.ID), &one)
			ids = append(ids, one.ID)
		}
		require.Equal(t, want, ids, id)
	}
}

// of is a draft of a TPP's.
func of(id string) consent.Draft { return draft(func(d *consent.Draft) { d.TPP = id }) }

// doomed lists the consents that the block of a TPP ends, page by page.
func (b *bundle) doomed(tpp string) (ids []uuid.UUID) {
	b.t.Helper()
	after := uuid.Nil
	for {
		list, err := b.Doomed(b.ctx, tpp, after, 2)
		require.NoError(b.t, err)
		ids = append(ids, list...)
		if len(list) < 2 {
			return ids
		}
		after = list[1]
	}
}

func doomedOnes(t *testing.T, b *bundle) {
	t.Helper()
	made := map[string][]uuid.UUID{}
	for range 3 {
		for _, id := range []string{"A", "B", "C", "D", "E", "AA", "a"} {
			c, _ := b.create(of(id))
			made[id] = append(made[id], c.ID)
			over, _ := b.create(of(id))
			_, err := b.Update(b.ctx, over.ID, func(c *consent.Consent) error { return c.Terminate(start) })
			require.NoError(t, err)
		}
	}
	ends := func(until time.Time) *register.Block {
		return &register.Block{At: start, Until: until, EndsConsents: true}
	}
	b.put(register.TPP{ID: "A", Block: ends(time.Time{})})
	b.put(register.TPP{ID: "B", Block: &register.Block{At: start}})
	b.put(register.TPP{ID: "C", Block: ends(start.Add(time.Microsecond))})
	b.put(register.TPP{ID: "D", Block: ends(start)})
	b.put(register.TPP{ID: "E"})
	ids, err := b.Enders(b.ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"A", "C", "D"}, ids)
	require.Equal(t, made["A"], b.doomed("A"))
	require.Equal(t, made["C"], b.doomed("C"))
	for name, id := range map[string]string{"made when the block had run out": "D", "no end": "B", "no block": "E", "no row": "AA"} {
		require.Empty(t, b.doomed(id), name)
	}
}

func doom(t *testing.T, b *bundle) {
	t.Helper()
	block := &register.Block{At: start, By: "office", RequestID: "r", EndsConsents: true}
	b.put(register.TPP{ID: "A", Block: block})
	b.put(register.TPP{ID: "B", Block: &register.Block{At: start}})
	b.put(register.TPP{ID: "C", Block: &register.Block{At: start, Until: start, EndsConsents: true}})
	b.put(register.TPP{ID: "D"})
	asked := false
	end := func(c *consent.Consent, got *register.Block) error {
		asked = true
		require.Equal(t, block, got)
		c.Because(officer("r"))
		return c.Revoke(consent.ReasonTPPBlocked, start)
	}
	for _, wait := range []bool{true, false} {
		for _, id := range []string{"B", "C", "D", "unknown"} {
			c, _ := b.create(of(id))
			require.NoError(t, b.Doom(b.ctx, register.Doomed{Consent: c.ID, TPP: id}, wait, end))
			require.NoError(t, b.Doom(b.ctx, register.Doomed{Consent: c.ID, TPP: "A"}, wait, end), "another's")
			require.Equal(t, consent.Received, b.get(c.ID).Status, id)
		}
		require.NoError(t, b.Doom(b.ctx, register.Doomed{Consent: uuid.New(), TPP: "A"}, wait, end), "no such consent")
		require.False(t, asked)
		c, _ := b.create(of("A"))
		broken := errors.New("no")
		require.ErrorIs(t, b.Doom(b.ctx, register.Doomed{Consent: c.ID, TPP: "A"}, wait, func(c *consent.Consent, _ *register.Block) error {
			return errors.Join(c.Revoke(consent.ReasonTPPBlocked, start), broken)
		}), broken)
		require.Equal(t, consent.Received, b.get(c.ID).Status)
		require.NoError(t, b.Doom(b.ctx, register.Doomed{Consent: c.ID, TPP: "A"}, wait, end))
		require.True(t, asked)
		require.Equal(t, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonTPPBlocked}, b.get(c.ID).Ending)
		asked = false
		require.NoError(t, b.Doom(b.ctx, register.Doomed{Consent: c.ID, TPP: "A"}, wait, end))
		require.False(t, asked, "it has ended")
	}
	require.Empty(t, b.faults())
}

// tamperedTPP does to the chain of a TPP what is done to others.
func tamperedTPP(t *testing.T, b *bundle) {
	t.Helper()
	chain := func() victim {
		id := "X:" + uuid.NewString()
		for i := range 5 {
			_, err := b.ChangeTPP(b.ctx, id, func(row *register.TPP) (*consent.Entry, error) {
				row.Name = fmt.Sprint(i)
				return &consent.Entry{At: start, Cause: consent.Cause{By: consent.ByTPP, Who: id}, Operation: row.Name}, nil
			})
			require.NoError(t, err)
		}
		return victim{chain: register.Chain(id), table: "audit_chains", key: "chain", count: "count", end: "head"}
	}
	chain()
	require.Empty(t, b.faults())
	for _, tricks := range []func(v, other victim) map[string][]string{removals, insertions} {
		for name := range tricks(victim{}, victim{}) {
			v := chain()
			b.tamper(name, v, tricks(v, chain())[name]...)
		}
	}
	b.tamper("edited", chain(), fmt.Sprintf(entryAt, "operation", "'nothing'", 3))
	b.tamper("the end removed", chain(), "DELETE FROM audit_chains WHERE chain = $1")
}
