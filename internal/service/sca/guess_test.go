package sca_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
)

// loginAs answers the first page with a name and a password.
func loginAs(name, password string) sca.Answer {
	return sca.Answer{Fields: map[string]string{"psuId": name, "password": password}}
}

// TestLockedName guesses passwords of one name over many authorisations.
func TestLockedName(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		guess := func(name, password string) error {
			_, started := b.create(consent.Access{Scope: consent.ScopeAllPSD2}, service.Hint{})
			_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
			require.NoError(t, err)
			_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs(name, password))
			return err
		}
		for range 5 {
			require.Equal(t, consent.CodeCredentials, consent.CodeOf(guess("anna", "wrong")))
		}
		judged := b.flow.judged.Load()
		for _, name := range []string{"anna", " ANNA "} {
			require.Equal(t, consent.CodePSULocked, consent.CodeOf(guess(name, "sandbox")), "the right one neither")
		}
		require.Equal(t, judged, b.flow.judged.Load(), "nobody judges")
		require.NoError(t, guess("enzo", "sandbox"), "others may")
		b.advance(15*time.Minute + time.Second)
		require.NoError(t, guess("anna", "sandbox"))

		for range 3 { // what is right begins anew
			for range 4 {
				require.Error(t, guess("lea", "wrong"))
			}
			require.NoError(t, guess("lea", "sandbox"))
		}
		_, started := b.create(consent.Access{Scope: consent.ScopeAllPSD2}, service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		b.flow.broken.Store(true)
		for range 9 {
			_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs("lea", "sandbox"))
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		}
		b.flow.broken.Store(false)
		require.NoError(t, guess("lea", "sandbox"), "an outage is nobody's fault")
		for range 9 {
			require.Equal(t, consent.CodeBlocked, consent.CodeOf(guess("noa", "blocked")), "nor is the bank's no")
		}
	})
}

// TestLockedKeepsTheRun turns a locked PSU away without a try, and the run stands.
func TestLockedKeepsTheRun(t *testing.T) {
	b := setup(t, "sqlite")
	b.walks.Policy.MaxFailures = 2
	id, started := b.create(dedicated("DE00ENZO"), service.Hint{})
	_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
	require.NoError(t, err)
	for range 2 {
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs("anna", "wrong"))
		require.Equal(t, consent.CodeCredentials, consent.CodeOf(err))
	}
	for range 9 {
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs("anna", "wrong"))
		require.Equal(t, consent.CodePSULocked, consent.CodeOf(err))
	}
	require.Equal(t, []any{consent.Received, consent.ScaReceived}, b.states(id))
	v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs("enzo", "sandbox"))
	b.page(sca.PageConsent, v, err)
}

// TestLockedFactor guesses codes of one PSU over many authorisations, whose
// password is known.
func TestLockedFactor(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		upToCode := func() string {
			_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			b.upTo(started.Handle, "anna")
			v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
			b.page(sca.PageFactor, v, err)
			return started.Handle
		}
		var handles []string
		for range 12 {
			handles = append(handles, upToCode())
		}
		before := b.flow.judged.Load()
		var wrong, locked atomic.Int32
		var all sync.WaitGroup
		for _, handle := range handles {
			all.Go(func() {
				switch _, err := b.walks.Answer(b.ctx, handle, by("browser"), word("wrong")); consent.CodeOf(err) {
				case consent.CodeCredentials:
					wrong.Add(1)
				case consent.CodePSULocked:
					locked.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Equal(t, []int32{5, 7, 5}, []int32{wrong.Load(), locked.Load(), b.flow.judged.Load() - before})
		_, err := b.walks.Answer(b.ctx, handles[0], by("browser"), word("right"))
		require.Equal(t, consent.CodePSULocked, consent.CodeOf(err))
		n, err := b.walks.ForgetGuesses(b.ctx, 100)
		require.NoError(t, err)
		require.Zero(t, n, "not before its time")
		b.advance(14*time.Minute + 59*time.Second)
		_, err = b.walks.Answer(b.ctx, handles[0], by("browser"), word("right"))
		require.Equal(t, consent.CodePSULocked, consent.CodeOf(err))
		b.advance(time.Second)
		n, err = b.walks.ForgetGuesses(b.ctx, 100)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		b.authorise(b.start(b.create0(), service.Hint{}).Handle, "anna")
	})
}

// TestLockHoldsWhateverIsSent guesses with answers that look like choices, and by
// ways that ask on, and gets no further.
func TestLockHoldsWhateverIsSent(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		answers := map[string]func(b *bundle, handle string) error{
			"a password with a method": func(b *bundle, handle string) error {
				a := loginAs("anna", "wrong")
				a.Method = "sms"
				_, err := b.walks.Answer(b.ctx, handle, by("browser"), a)
				return err
			},
			"after a page that asks on": func(b *bundle, handle string) error {
				v, err := b.walks.Answer(b.ctx, handle, by("browser"), loginAs("enzo", "another page"))
				b.page(sca.PageLogin, v, err)
				_, err = b.walks.Answer(b.ctx, handle, by("browser"), loginAs("", "wrong"))
				return err
			},
		}
		for name, answer := range answers {
			for i := range 7 {
				_, started := b.create(consent.Access{Scope: consent.ScopeAllPSD2}, service.Hint{})
				_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
				require.NoError(t, err)
				want := consent.CodeCredentials
				if i >= 5 {
					want = consent.CodePSULocked
				}
				if i >= 5 && name == "after a page that asks on" {
					_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs("enzo", "another page"))
				} else {
					err = answer(b, started.Handle)
				}
				require.Equal(t, want, consent.CodeOf(err), "%s, %d", name, i)
			}
		}
	})
}

// TestChoiceIsNoGuess lets a PSU take another method without an answer being judged,
// whatever else is sent along.
func TestChoiceIsNoGuess(t *testing.T) {
	b := setup(t, "sqlite")
	b.flow.choice.Store(true)
	_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
	b.upTo(started.Handle, "anna")
	v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
	b.page(sca.PageFactor, v, err)
	v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Method: "post", Fields: map[string]string{"otp": "wrong"}})
	b.page(sca.PageFactor, v, err)
	require.False(t, v.Wrong)
	require.Equal(t, "By post", v.Methods[0].Name)
}

// TestLockedFactorShowsNothing lets a PSU whose codes are locked no further than the
// log-in: nothing is shown, and no further code is sent.
func TestLockedFactorShowsNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.walks.Policy.MaxFailures = 2
		_, waiting := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(waiting.Handle, "anna")
		_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		b.page(sca.PageFactor, v, err)
		for range 2 {
			_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("wrong"))
			require.Equal(t, consent.CodeCredentials, consent.CodeOf(err))
		}
		judged := b.flow.judged.Load()
		_, err = b.walks.Answer(b.ctx, waiting.Handle, by("browser"), sca.Answer{Approve: true})
		require.Equal(t, consent.CodePSULocked, consent.CodeOf(err))
		require.Equal(t, judged, b.flow.judged.Load(), "no code is sent")
		id, another := b.create(dedicated("DE00ANNA"), service.Hint{})
		_, err = b.walks.Open(b.ctx, another.Handle, by("browser"))
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, another.Handle, by("browser"), word("anna"))
		require.Equal(t, consent.CodePSULocked, consent.CodeOf(err))
		require.Equal(t, []any{consent.Received, consent.ScaReceived}, b.states(id))
		b.advance(15 * time.Minute)
		_, another = b.create(dedicated("DE00ANNA"), service.Hint{})
		b.authorise(another.Handle, "anna")
	})
}

// TestUnservedChoice tells a PSU that a method cannot be had, and takes no try.
func TestUnservedChoice(t *testing.T) {
	b := setup(t, "sqlite")
	b.flow.choice.Store(true)
	_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
	b.upTo(started.Handle, "anna")
	v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
	b.page(sca.PageFactor, v, err)
	for range 9 {
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Method: "full"})
		b.page(sca.PageFactor, v, err)
		require.Equal(t, []any{false, "no more of these", 3}, []any{v.Wrong, v.Message, v.TriesLeft})
	}
}

// TestLockOfWhomTheTPPNames counts the passwords of a form that asks for no name.
func TestLockOfWhomTheTPPNames(t *testing.T) {
	b := setup(t, "sqlite")
	for i := range 7 {
		_, started := b.create(dedicated("DE00ANNA"), service.Hint{PSU: "Anna"})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("wrong"))
		want := consent.CodeCredentials
		if i >= 5 {
			want = consent.CodePSULocked
		}
		require.Equal(t, want, consent.CodeOf(err), i)
	}
}

// TestLockedChoice sends a locked PSU no code by another method either.
func TestLockedChoice(t *testing.T) {
	b := setup(t, "sqlite")
	b.walks.Policy.MaxFailures = 2
	b.flow.choice.Store(true)
	upToMethods := func() string {
		_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		b.page(sca.PageFactor, v, err)
		return started.Handle
	}
	waiting, guessing := upToMethods(), upToMethods()
	v, err := b.walks.Answer(b.ctx, guessing, by("browser"), sca.Answer{Method: "sms"})
	b.page(sca.PageFactor, v, err)
	for range 2 {
		_, err = b.walks.Answer(b.ctx, guessing, by("browser"), word("wrong"))
		require.Equal(t, consent.CodeCredentials, consent.CodeOf(err))
	}
	judged := b.flow.judged.Load()
	for _, handle := range []string{waiting, guessing} {
		_, err = b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Method: "sms"})
		require.Equal(t, consent.CodePSULocked, consent.CodeOf(err))
	}
	require.Equal(t, judged, b.flow.judged.Load())
}

// TestParallelChoices presses a button many times at once, and keeps all tries.
func TestParallelChoices(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.choice.Store(true)
		_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		b.page(sca.PageFactor, v, err)
		press := sca.Answer{Method: "post", Step: v.Step}
		keys := b.flow.calls()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { _, _ = b.walks.Answer(b.ctx, started.Handle, by("browser"), press) })
		}
		all.Wait()
		v, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
		b.page(sca.PageFactor, v, err)
		require.Equal(t, []any{3, 1}, []any{v.TriesLeft, b.flow.calls() - keys}, "one call, as the flow sees it")
	})
}

// TestNotForgivenByHearsay goes on counting where a flow takes the TPP's word for
// who the PSU is.
func TestNotForgivenByHearsay(t *testing.T) {
	b := setup(t, "sqlite")
	guess := func() error {
		_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs("anna", "wrong"))
		return err
	}
	for range 4 {
		require.Equal(t, consent.CodeCredentials, consent.CodeOf(guess()))
	}
	b.walks.Flows["app"] = toyTrust{}
	b.decoupled(dedicated("DE00ANNA"), "anna")
	require.NoError(t, b.work(1))
	require.Equal(t, consent.CodeCredentials, consent.CodeOf(guess()))
	require.Equal(t, consent.CodePSULocked, consent.CodeOf(guess()))
}
