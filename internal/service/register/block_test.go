package register_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

func TestBlock(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.admit(shows("A"))
		until := begin.Add(time.Hour)
		got := b.block(func(x *register.Block) { x.Until = until.In(time.FixedZone("", 3600)).Add(time.Nanosecond) })
		want := shows("A")
		want.FirstSeen, want.CertificateSeen = begin, begin
		want.Block = &register.Block{At: begin, Until: until, By: "office", Reason: "licence withdrawn", RequestID: "r2"}
		require.Equal(t, &want, got)
		require.Equal(t, want, b.get())
		codeOf(t, consent.CodeCertificateBlocked, b.Admit(t.Context(), shows("A"), callID))
		codeOf(t, consent.CodeCertificateBlocked, b.Admit(t.Context(), shows("B"), callID))
		require.Equal(t, "A", b.get().Certificate, "who is blocked tells nothing new")

		b.block(func(x *register.Block) { x.Until = until })
		require.Len(t, b.history(), 2, "the same again")

		b.now = until
		require.Nil(t, b.get().Block, "it has run out")
		b.admit(shows("B"))
		b.block()
		b.now = until.AddDate(100, 0, 0)
		codeOf(t, consent.CodeCertificateBlocked, b.Admit(t.Context(), shows("B"), callID))

		got, err := b.Unblock(t.Context(), officer(), acme)
		require.NoError(t, err)
		require.Nil(t, got.Block)
		_, err = b.Unblock(t.Context(), officer(), acme)
		require.NoError(t, err, "it is idempotent")
		b.admit(shows("B"))
		require.Equal(t, []string{
			"tpp A " + callID + ": >known entered",
			"aspsp cc r2: known>blocked until 2026-03-01T13:00:00.123456Z licence withdrawn",
			"tpp B " + callID + ": blocked until 2026-03-01T13:00:00.123456Z>blocked until 2026-03-01T13:00:00.123456Z certificate",
			"aspsp cc r2: blocked until 2026-03-01T13:00:00.123456Z>blocked for ever licence withdrawn",
			"aspsp cc r2: blocked for ever>known unblocked",
		}, b.history())
	})
}

// TestStopList blocks a TPP that has never called.
func TestStopList(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.block()
		require.Zero(t, b.get().FirstSeen)
		codeOf(t, consent.CodeCertificateBlocked, b.Admit(t.Context(), shows("A"), callID))
		_, err := b.Unblock(t.Context(), officer(), acme)
		require.NoError(t, err)
		_, err = b.Unblock(t.Context(), officer(), acme)
		require.NoError(t, err)
		b.admit(shows("A"))
		require.Equal(t, begin, b.get().FirstSeen)
		require.Equal(t, []string{
			"aspsp cc r2: >blocked for ever licence withdrawn", "aspsp cc r2: blocked for ever> unblocked", "tpp A " + callID + ": >known entered",
		}, b.history())
	})
}

func TestBlockRefuses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for name, x := range map[string]struct {
			id    string
			block register.Block
			code  consent.Code
			path  string
		}{
			"no reason":                {acme, register.Block{}, consent.CodeFormat, "reason"},
			"a blank reason":           {acme, register.Block{Reason: " \n"}, consent.CodeFormat, "reason"},
			"a long reason":            {acme, register.Block{Reason: strings.Repeat("ü", 201)}, consent.CodeFormat, "reason"},
			"a reason that is no text": {acme, register.Block{Reason: "a\x00"}, consent.CodeFormat, "reason"},
			"an end that is over":      {acme, register.Block{Reason: "x", Until: begin}, consent.CodeFormat, "until"},
			"no id":                    {"", register.Block{Reason: "x"}, consent.CodeNotFound, ""},
			"a blank id":               {" ", register.Block{Reason: "x"}, consent.CodeNotFound, ""},
			"an id with a blank end":   {"DE-BAFIN: ", register.Block{Reason: "x"}, consent.CodeNotFound, ""},
			"a long id":                {strings.Repeat("ü", 257), register.Block{Reason: "x"}, consent.CodeNotFound, ""},
			"what turns text around":   {"DE-BAFIN:\u202e1", register.Block{Reason: "x"}, consent.CodeNotFound, ""},
			"a control character":      {"DE-BAFIN:1\n", register.Block{Reason: "x"}, consent.CodeNotFound, ""},
			"no text":                  {"DE-BAFIN:\xff", register.Block{Reason: "x"}, consent.CodeNotFound, ""},
		} {
			_, _, err := b.Block(t.Context(), officer(), x.id, x.block)
			codeOf(t, x.code, err)
			fault, ok := errors.AsType[*consent.Error](err)
			require.True(t, ok, name)
			require.Equal(t, x.path, fault.Path, name)
		}
		longest := register.Block{Reason: strings.Repeat("ü", 200)}
		for _, id := range []string{acme, "X:" + strings.Repeat("ü", 254), "X:a:b", "urn:hub/42", "7f3c2b1a-demo", "CN=TPP, O=A B"} {
			_, _, err := b.Block(t.Context(), officer(), id, longest)
			require.NoError(t, err, id)
		}
		for _, id := range []string{"unknown", "X:\xff", "X:\x00"} {
			_, err := b.Get(t.Context(), id)
			codeOf(t, consent.CodeNotFound, err)
			_, err = b.Unblock(t.Context(), officer(), id)
			codeOf(t, consent.CodeNotFound, err)
		}
		for _, f := range []register.Filter{{Text: "\xff"}, {Text: "a\x00"}, {After: "\xff"}} {
			_, err := b.List(t.Context(), f)
			codeOf(t, consent.CodeFormat, err)
		}
	})
}

// overtaken is a store in which something else happens just before a change.
type overtaken struct {
	register.Store
	by func()
}

func (s *overtaken) ChangeTPP(ctx context.Context, id string, change func(*register.TPP) (*consent.Entry, error)) (*register.TPP, error) {
	s.by()
	return s.Store.ChangeTPP(ctx, id, change)
}

// TestAdmitOvertaken blocks a TPP between the look at the register and what a
// call has to write there.
func TestAdmitOvertaken(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		late := b.another()
		late.Store = &overtaken{Store: b.store, by: func() { b.block() }}
		codeOf(t, consent.CodeCertificateBlocked, late.Admit(t.Context(), shows("A"), callID))
		require.Zero(t, b.get().FirstSeen, "it was not let in")
		require.Equal(t, []string{"aspsp cc r2: >blocked for ever licence withdrawn"}, b.history())
	})
}

// TestBlockEndsConsents ends what is alive, by the bank, and nothing else.
func TestBlockEndsConsents(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		mine, others, over, begun := b.consent(acme), b.consent("X:1"), b.consent(acme), b.consent(acme)
		_, err := b.db.Update(t.Context(), over, func(c *consent.Consent) error { return c.Terminate(begin) })
		require.NoError(t, err)
		_, err = b.db.Update(t.Context(), begun, func(c *consent.Consent) error {
			return c.Start(consent.Authorisation{
				ID: uuid.New(), Status: consent.ScaReceived, CreatedAt: begin, ChangedAt: begin, Deadline: begin.Add(time.Hour),
			})
		})
		require.NoError(t, err)
		b.now = begin.Add(time.Minute)
		_, ended, err := b.Block(t.Context(), officer(), acme, register.Block{Reason: "x", EndsConsents: true})
		require.NoError(t, err)
		require.Equal(t, 2, ended)
		byBank := consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonTPPBlocked}
		for id, want := range map[uuid.UUID]consent.Ending{
			mine: byBank, begun: byBank, others: {}, over: {By: consent.ByTPP, Reason: consent.ReasonTerminated},
		} {
			c, err := b.db.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, want, c.Ending)
			for _, a := range c.Authorisations {
				require.Equal(t, consent.ScaFailed, a.Status)
			}
		}
		require.Equal(t, []string{"aspsp cc r2: >blocked for ever, consents end x"}, b.history())
		entries, err := b.db.History(t.Context(), mine.String())
		require.NoError(t, err)
		last := entries[len(entries)-1]
		require.Equal(t, consent.Cause{By: consent.ByASPSP, Who: "office", RequestID: "r2"}, last.Cause)
		require.Equal(t, []string{"revoked", "tppBlocked"}, []string{last.To, last.Reason})

		// What slipped in is ended by the job, and by the same call again.
		b.consent(acme)
		n, err := b.Finish(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		b.consent(acme)
		_, ended, err = b.Block(t.Context(), officer(), acme, register.Block{Reason: "x", EndsConsents: true})
		require.NoError(t, err)
		require.Equal(t, 1, ended)
		require.Len(t, b.history(), 1)
	})
}

// TestFinishCounts what was ended by it, and not what time had ended before.
func TestFinishCounts(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.block(func(x *register.Block) { x.EndsConsents = true })
		id := b.consent(acme)
		b.now = begin.AddDate(1, 0, 0)
		n, err := b.Finish(t.Context(), 10)
		require.NoError(t, err)
		require.Zero(t, n)
		c, err := b.db.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, consent.BySystem, c.Ending.By, "it was over before anybody ended it")
	})
}

// TestFinishStops when the program does, with what it has begun.
func TestFinishStops(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.block(func(x *register.Block) { x.EndsConsents = true })
		for range 3 {
			b.consent(acme)
		}
		ctx, stop := context.WithCancel(t.Context())
		b.Store = &stopping{Store: b.store, stop: stop}
		n, err := b.Finish(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		ctx, stop = context.WithCancel(t.Context())
		b.Store = &stopping{Store: b.store, stop: stop}
		_, n, err = b.Block(ctx, officer(), acme, register.Block{Reason: "licence withdrawn", EndsConsents: true})
		require.ErrorIs(t, err, context.Canceled, "what was not done is not said to be")
		require.Equal(t, 1, n)
	})
}

// stopping is a store under which the program stops, or the caller goes away,
// while a consent is being ended.
type stopping struct {
	register.Store
	stop func()
}

func (s *stopping) Doom(ctx context.Context, d register.Doomed, wait bool, end func(*consent.Consent, *register.Block) error) error {
	s.stop()
	return s.Store.Doom(ctx, d, wait, end)
}

// TestFinishPages has more than is looked up at once, and one that cannot be
// ended at their head.
func TestFinishPages(t *testing.T) {
	b := setup(t, "sqlite")
	b.block(func(x *register.Block) { x.EndsConsents = true })
	bad := b.consent(acme)
	for range 450 {
		b.consent(acme)
	}
	b.Store = &refusing{Store: b.store, id: bad}
	n, err := b.Finish(t.Context(), 425)
	require.Error(t, err)
	require.Equal(t, 425, n)
	n, err = b.Finish(t.Context(), 425)
	require.ErrorContains(t, err, bad.String())
	require.Equal(t, 25, n)
	b.Store = b.store
	n, err = b.Finish(t.Context(), 425)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// refusing is a store in which one consent cannot be changed.
type refusing struct {
	register.Store
	id uuid.UUID
}

func (s *refusing) Doom(ctx context.Context, d register.Doomed, wait bool, end func(*consent.Consent, *register.Block) error) error {
	if d.Consent == s.id {
		return errors.New("cannot be read")
	}
	return s.Store.Doom(ctx, d, wait, end)
}

// consent makes one of a TPP, by which it is known.
func (b *bundle) consent(tpp string) uuid.UUID {
	b.t.Helper()
	c, err := consent.DefaultPolicy().New(uuid.Must(uuid.NewV7()), consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: tpp, Recurring: true, FrequencyPerDay: 1,
		ValidUntil: consent.DateOf(begin, time.UTC).AddDays(30),
	}, consent.Cause{By: consent.ByTPP, Who: tpp}, b.now)
	require.NoError(b.t, err)
	require.NoError(b.t, b.db.Create(b.t.Context(), c, nil))
	return c.ID
}
