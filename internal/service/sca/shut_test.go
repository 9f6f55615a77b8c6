package sca_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
)

// register is that through which the bank shuts TPPs out. The TPP of these
// tests stands in it, as one that has called.
func (b *bundle) register() *register.Register {
	b.t.Helper()
	r := &register.Register{Store: b.db, Now: b.walks.Now, Log: slog.New(slog.DiscardHandler)}
	require.NoError(b.t, r.Admit(b.ctx, register.TPP{ID: caller().TPP, Name: caller().Name}, ""))
	return r
}

func officer() consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: "office", RequestID: "request-2"}
}

func (b *bundle) block(r *register.Register, until time.Time) {
	b.t.Helper()
	_, _, err := r.Block(b.ctx, officer(), caller().TPP, register.Block{Reason: "x", Until: until})
	require.NoError(b.t, err)
}

func (b *bundle) unblock(r *register.Register) {
	b.t.Helper()
	_, err := r.Unblock(b.ctx, officer(), caller().TPP)
	require.NoError(b.t, err)
}

// away asserts that a browser is turned away: it is told who asked, and no more.
func away(t *testing.T, v *sca.View, err error) {
	t.Helper()
	require.NotNil(t, v)
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err), err)
	require.Equal(t, &sca.View{TPP: "The TPP", Language: v.Language}, v)
}

// TestBlockedTPPAtEveryPage blocks the TPP at each page of a walk. Whatever the
// browser does then changes nothing; afterwards the walk goes on where it stood.
func TestBlockedTPPAtEveryPage(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.register()
		id, started := b.create(offered(), service.Hint{Language: "de"})
		for _, x := range []struct {
			right, wrong sca.Answer
			next         sca.Page
		}{
			{sca.Answer{}, sca.Answer{Refuse: true}, sca.PageLogin}, // the link is opened
			{word("anna"), word("wrong"), sca.PageAccounts},
			{sca.Answer{Accounts: []string{"DE00ANNA/USD"}}, sca.Answer{}, sca.PageConsent},
			{sca.Answer{Approve: true}, sca.Answer{Refuse: true}, sca.PageFactor},
			{word("right"), word("wrong"), sca.PageEnded},
		} {
			b.block(r, time.Time{})
			before, history, judged := b.run(id), b.history(id), b.flow.judged.Load()
			require.Zero(t, before.Tries)
			v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
			away(t, v, err)
			require.Equal(t, "de", v.Language)
			for _, a := range []sca.Answer{x.right, x.wrong, {Refuse: true}} {
				for range 4 {
					v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), a)
					away(t, v, err)
				}
			}
			require.Equal(t, before, b.run(id))
			require.Equal(t, history, b.history(id))
			require.Equal(t, judged, b.flow.judged.Load(), "the flow is not asked")
			b.unblock(r)
			if x.next == sca.PageLogin {
				v, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
			} else {
				v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), x.right)
			}
			b.page(x.next, v, err)
		}
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
	})
}

// run is the run of a consent's first authorisation.
func (b *bundle) run(id uuid.UUID) *consent.Run {
	b.t.Helper()
	r, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[0].RunID)
	require.NoError(b.t, err)
	return r
}

// TestBlockedTPPAfterTheEnd sends no browser to a blocked TPP: neither with a code
// to confirm, nor when a worker has ended the run.
func TestBlockedTPPAfterTheEnd(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.register()
		_, waits := b.create(dedicated("DE00ANNA"), service.Hint{Language: "de"})
		b.flow.wait.Store(true)
		b.authoriseUpTo(waits.Handle, sca.PageWait)
		b.flow.wait.Store(false)
		require.NoError(t, b.work(1))
		_, held := b.create(dedicated("DE00ANNA"), service.Hint{Language: "de"})
		b.unconfirmed(held.Handle, "anna")
		b.block(r, time.Time{})
		for _, handle := range []string{waits.Handle, held.Handle} {
			v, err := b.walks.Open(b.ctx, handle, by("browser"))
			away(t, v, err)
		}
		b.unblock(r)
		for _, handle := range []string{waits.Handle, held.Handle} {
			v, err := b.walks.Open(b.ctx, handle, by("browser"))
			require.Contains(t, b.page(sca.PageEnded, v, err).ReturnTo, "https://tpp.example/ok")
		}
	})
}

// authoriseUpTo gives all right answers, the last of which leads to a page.
func (b *bundle) authoriseUpTo(handle string, page sca.Page) {
	b.t.Helper()
	b.upTo(handle, "anna")
	v, err := b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Approve: true})
	b.page(sca.PageFactor, v, err)
	v, err = b.walks.Answer(b.ctx, handle, by("browser"), word("right"))
	b.page(page, v, err)
}

// TestBlockRunsOut lets the walk go on by itself when the block's time is over,
// but not after its own.
func TestBlockRunsOut(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.register()
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{Language: "de"})
		late, second := b.create(dedicated("DE00ANNA"), service.Hint{Language: "de"})
		b.upTo(started.Handle, "anna")
		b.upTo(second.Handle, "anna")
		b.block(r, begin.Add(time.Minute))
		b.advance(time.Minute - time.Microsecond)
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		away(t, v, err)
		b.advance(time.Microsecond)
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		b.page(sca.PageFactor, v, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		require.Equal(t, consent.Valid, b.get(id).Status)

		b.block(r, time.Time{})
		b.advance(15 * time.Minute)
		b.unblock(r)
		_, err = b.walks.Answer(b.ctx, second.Handle, by("browser"), sca.Answer{Approve: true})
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		require.Equal(t, []any{consent.Received, consent.ScaFailed}, b.states(late))
	})
}

// TestBlockWhileJudging blocks the TPP while the flow is judging the last answer:
// what it says then makes no consent valid, by any way, and costs no try.
func TestBlockWhileJudging(t *testing.T) {
	t.Run("by redirect", func(t *testing.T) {
		each(t, func(t *testing.T, b *bundle) {
			r := b.register()
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{Language: "de"})
			b.upTo(started.Handle, "anna")
			_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
			require.NoError(t, err)
			b.whileJudging(r, func() {
				v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("slowly right"))
				away(t, v, err)
			})
			require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
			b.unblock(r)
			v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
			require.Equal(t, 3, b.page(sca.PageFactor, v, err).TriesLeft)
			v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
			b.page(sca.PageEnded, v, err)
			require.Equal(t, consent.Valid, b.get(id).Status)
		})
	})
	t.Run("embedded", func(t *testing.T) {
		each(t, func(t *testing.T, b *bundle) {
			r := b.register()
			id, started := b.embedded()
			b.puts(id, started, password("sandbox"))
			b.whileJudging(r, func() {
				_, err := b.put(id, started, code("slowly right"))
				require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
			})
			require.Equal(t, []any{consent.Received, consent.ScaMethodSelected}, b.states(id))
			b.unblock(r)
			b.puts(id, started, code("right"))
			require.Equal(t, consent.Valid, b.get(id).Status)
		})
	})
}

// whileJudging blocks the TPP between the flow's question and its verdict.
func (b *bundle) whileJudging(r *register.Register, call func()) {
	b.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); call() }()
	<-b.flow.begun
	b.block(r, time.Time{})
	close(b.flow.release)
	<-done
}

// TestBlockedTPPConfirms brings the code of a held agreement, let in just before
// the block.
func TestBlockedTPPConfirms(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.register()
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		held := confirm(b.unconfirmed(started.Handle, "anna"))
		b.block(r, time.Time{})
		_, err := b.put(id, started, held)
		require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
		require.Equal(t, []any{consent.Received, consent.ScaUnconfirmed}, b.states(id))
		b.unblock(r)
		b.puts(id, started, held)
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

// TestBlockedTPPInApp asks nobody for a blocked TPP, and lets an approval wait.
func TestBlockedTPPInApp(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.register()
		id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		b.block(r, time.Time{})
		require.NoError(t, b.work(1))
		require.NoError(t, b.work(0), "it rests")
		require.Zero(t, b.app.asked.Load(), "nobody is asked")
		require.Equal(t, []any{consent.Received, consent.ScaPSUIdentified}, b.states(id))

		b.unblock(r)
		b.advance(10 * time.Second)
		require.NoError(t, b.work(1))
		require.EqualValues(t, 1, b.app.asked.Load())
		b.block(r, time.Time{})
		b.app.approve()
		for range 3 {
			b.advance(10 * time.Second)
			require.NoError(t, b.work(1))
		}
		require.Zero(t, b.app.looks())
		require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
		b.unblock(r)
		b.advance(10 * time.Second)
		require.NoError(t, b.work(1))
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))

		late, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		b.block(r, time.Time{})
		require.NoError(t, b.work(1))
		b.advance(15 * time.Minute)
		require.NoError(t, b.work(1))
		require.NoError(t, b.work(0), "its time is over, and nobody looks again")
		b.unblock(r)
		require.Equal(t, []any{consent.Received, consent.ScaFailed}, b.states(late))
		require.EqualValues(t, 1, b.app.asked.Load())
	})
}

// TestBlockAgainstWorker blocks the TPP while a worker takes the approval: when the
// block is there, the consent is valid already or will not be.
func TestBlockAgainstWorker(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.againstBlock(func(r *register.Register) (uuid.UUID, func() error, func()) {
			b.app.answer.Store(nil)
			id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
			require.NoError(t, b.work(1))
			b.app.approve()
			b.advance(time.Second)
			return id, func() error { _, err := b.walks.Poll(b.ctx, 9); return err },
				func() { b.advance(time.Minute); require.NoError(t, b.work(1)) }
		})
	})
}

// TestBlockAgainstLastInput does so with the PSU's last answer.
func TestBlockAgainstLastInput(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.againstBlock(func(*register.Register) (uuid.UUID, func() error, func()) {
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{Language: "de"})
			b.upTo(started.Handle, "anna")
			_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
			require.NoError(t, err)
			answer := func() error {
				_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
				return err
			}
			return id, answer, func() { require.NoError(t, answer()) }
		})
	})
}

// againstBlock has the TPP blocked while the last step towards a valid consent is
// taken: what is not valid when the block is there does not become so until it is
// lifted, and does then, with the step again.
func (b *bundle) againstBlock(prepare func(*register.Register) (id uuid.UUID, last func() error, again func())) {
	b.t.Helper()
	r := b.register()
	won := map[consent.Status]int{}
	for round := range 20 {
		id, last, again := prepare(r)
		var at consent.Status
		got := together(1, last, func() error {
			for range round { // each time it comes a little later
				b.get(id)
			}
			_, _, err := r.Block(b.ctx, officer(), caller().TPP, register.Block{Reason: "x"})
			at = b.get(id).Status
			return err
		})
		only(b.t, got, "", consent.CodeCertificateBlocked)
		require.Equal(b.t, at, b.get(id).Status, "a block is not overtaken")
		won[at]++
		b.unblock(r)
		if at == consent.Received {
			again()
		}
		require.Equal(b.t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
		require.Equal(b.t, 1, moves(b.history(id), "> valid "))
	}
	b.t.Logf("when the block came the consents were: %v", won)
}
