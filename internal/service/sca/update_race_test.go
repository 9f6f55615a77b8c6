package sca_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
)

// outcomes counts how parallel calls ended, by code; empty for well.
type outcomes struct {
	mu sync.Mutex
	by map[consent.Code]int
}

// together runs calls at the same moment, each of them many times.
func together(times int, calls ...func() error) map[consent.Code]int {
	o := outcomes{by: map[consent.Code]int{}}
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for range times {
		for _, call := range calls {
			wg.Go(func() {
				<-begin
				err := call()
				code := consent.Code("")
				if err != nil {
					code = consent.CodeOf(err)
				}
				o.mu.Lock()
				defer o.mu.Unlock()
				o.by[code]++
			})
		}
	}
	close(begin)
	wg.Wait()
	return o.by
}

// moves counts the entries of a history that end so.
func moves(history []string, to string) int {
	return len(slices.DeleteFunc(slices.Clone(history), func(line string) bool { return !strings.HasSuffix(line, to) }))
}

// only asserts that calls ended in no other way.
func only(t *testing.T, got map[consent.Code]int, allowed ...consent.Code) {
	t.Helper()
	for code := range got {
		require.Contains(t, allowed, code)
	}
}

// TestCodeSentTwice puts the right code many times at once: it counts once, and
// the others find it done.
func TestCodeSentTwice(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		b.puts(id, started, password("sandbox"))
		got := together(8, func() error { _, err := b.put(id, started, code("right")); return err })
		require.Equal(t, 1, got[""], got)
		only(t, got, "", consent.CodeStatusInvalid, consent.CodeUnavailable)
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
		require.Equal(t, 1, moves(b.history(id), "> valid "))
	})
}

// TestConfirmedTwice confirms at once with the right code and with a wrong one:
// whichever comes first decides, once.
func TestConfirmedTwice(t *testing.T) {
	for name, codes := range map[string][]string{"right": {""}, "right and wrong": {"", "x"}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				for range 5 {
					id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
					code := b.unconfirmed(started.Handle, "anna")
					var calls []func() error
					for _, spoilt := range codes {
						calls = append(calls, func() error { _, err := b.put(id, started, confirm(code+spoilt)); return err })
					}
					got := together(4, calls...)
					require.Equal(t, 1, got[""], got)
					only(t, got, "", consent.CodeStatusInvalid, consent.CodeNotConfirmable)
					history := b.history(id)
					require.Equal(t, 1, moves(history, "> finalised ")+moves(history, "> failed "))
				}
			})
		})
	}
}

// TestUpdateAgainstDelete ends the consent while its last update is on its way:
// it ends revoked, whether it has been valid or not.
func TestUpdateAgainstDelete(t *testing.T) {
	for name, embedded := range map[string]bool{"a code": true, "a confirmation": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				for range 8 {
					id, started := b.createBy(consent.Redirect, dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
					last := sca.Update{}
					if embedded {
						id, started = b.embedded()
						b.puts(id, started, password("sandbox"))
						last = code("right")
					} else {
						last = confirm(b.unconfirmed(started.Handle, "anna"))
					}
					got := together(1,
						func() error { _, err := b.put(id, started, last); return err },
						func() error { return b.consents.Terminate(b.ctx, caller(), id, nil) })
					only(t, got, "", consent.CodeStatusInvalid, consent.CodeExpired, consent.CodeNotConfirmable)
					b.ended(id, consent.Revoked, consent.ReasonTerminated)
					wasValid := moves(b.history(id), "> valid ") == 1
					require.Equal(t, wasValid, b.get(id).Authorisations[0].Status == consent.ScaFinalised)
					require.Equal(t, wasValid, got[""] == 2, got)
				}
			})
		})
	}
}

// TestConfirmationAgainstExpiry lets the time of an authorisation run out while
// it is confirmed, with a worker to write that down.
func TestConfirmationAgainstExpiry(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 8 {
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			code := b.unconfirmed(started.Handle, "anna")
			b.advance(10*time.Minute - time.Microsecond)
			got := together(1,
				func() error { _, err := b.put(id, started, confirm(code)); return err },
				func() error { b.advance(time.Microsecond); _, err := b.consents.Expire(b.ctx, 9); return err })
			only(t, got, "", consent.CodeNotConfirmable, consent.CodeStatusInvalid)
			want := []any{consent.Received, consent.ScaFailed}
			if got[""] == 2 {
				want = []any{consent.Valid, consent.ScaFinalised}
			}
			require.Equal(t, want, b.states(id))
			b.history(id)
		}
	})
}

// TestIdentificationByTwo names two people at once: the first one stays.
func TestIdentificationByTwo(t *testing.T) {
	for _, approach := range []consent.Approach{consent.Redirect, consent.Embedded, consent.Decoupled} {
		t.Run(string(approach), func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(approach, dedicated("DE00ANNA"), service.Hint{})
				var anna, enzo atomic.Int32
				name := func(psu string, done *atomic.Int32) func() error {
					return func() error {
						_, err := b.put(id, started, identify(psu))
						if err == nil {
							done.Add(1)
						}
						return err
					}
				}
				got := together(3, name("anna", &anna), name("enzo", &enzo))
				only(t, got, "", consent.CodeCredentials)
				require.Equal(t, 3, got[""], got)
				require.True(t, anna.Load() == 0 || enzo.Load() == 0, "one of the two")
				require.LessOrEqual(t, moves(b.history(id), "> psuIdentified "), 1)
			})
		})
	}
}

// TestSameUpdateAtOnce sends one call twice at the same instant, as a TPP does that
// has waited too long: it takes effect once, and its receipt says where it led.
func TestSameUpdateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 8 {
			id, started := b.createBy(consent.Embedded, dedicated("DE00ANNA"), service.Hint{})
			for _, x := range []struct {
				call sca.Update
				want string
			}{
				{identify("anna"), "psuIdentified password"},
				{password("sandbox"), "scaMethodSelected data"},
				{code("right"), "finalised "},
			} {
				call := id.String()[24:] + x.want
				got := together(2, func() error { _, err := b.once(call, id, started, x.call); return err })
				require.Equal(t, 1, got[""], got)
				only(t, got, "", consent.CodeRepeated, consent.CodeStatusInvalid)
				require.Equal(t, x.want, b.kept(call))
			}
			require.Equal(t, consent.Valid, b.get(id).Status)
			require.Equal(t, 1, moves(b.history(id), "> valid "))
		}
	})
}

// TestTwinAtTheLastTry sends the right password twice when one try is left: the
// second may come again, and is told then what the first has led to.
func TestTwinAtTheLastTry(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		for range 2 {
			_, err := b.put(id, started, password("wrong"))
			require.Equal(t, consent.CodeCredentials, consent.CodeOf(err))
		}
		first := make(chan error, 1)
		go func() { _, err := b.once("call", id, started, password("slowly sandbox")); first <- err }()
		<-b.flow.begun
		_, err := b.once("call", id, started, password("slowly sandbox"))
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		close(b.flow.release)
		require.NoError(t, <-first)
		require.Equal(t, "scaMethodSelected data", b.kept("call"))
		require.EqualValues(t, 4, b.flow.judged.Load(), "two wrong ones, the right one, and what follows it")
	})
}

// TestParallelPasswords sends forty wrong passwords at once: three are judged.
func TestParallelPasswords(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		got := together(40, func() error { _, err := b.put(id, started, password("wrong")); return err })
		only(t, got, consent.CodeCredentials, consent.CodeLocked, consent.CodeStatusInvalid, consent.CodeUnavailable)
		require.Equal(t, []int{2, 1}, []int{got[consent.CodeCredentials], got[consent.CodeLocked]}, got)
		require.EqualValues(t, 3, b.flow.judged.Load())
		require.Equal(t, []any{consent.Received, consent.ScaFailed}, b.states(id))
	})
}

// TestOneOfTwoConfirmed confirms two consents of one customer at once: the second
// replaces the first.
func TestOneOfTwoConfirmed(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 5 {
			one, first := b.create(dedicated("DE00ANNA"), service.Hint{})
			two, second := b.create(dedicated("DE00ANNA"), service.Hint{})
			a, z := confirm(b.unconfirmed(first.Handle, "anna")), confirm(b.unconfirmed(second.Handle, "anna"))
			got := together(1,
				func() error { _, err := b.put(one, first, a); return err },
				func() error { _, err := b.put(two, second, z); return err })
			require.Equal(t, 2, got[""], got)
			both := []consent.Status{b.get(one).Status, b.get(two).Status}
			require.ElementsMatch(t, []consent.Status{consent.Valid, consent.Expired}, both)
			b.history(one)
		}
	})
}

// TestSignersConfirmAtOnce loses neither signature.
func TestSignersConfirmAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 5 {
			id, one := b.create(dedicated("DE00FIRM"), firm())
			two := b.start(id, firm())
			ceo, cfo := confirm(b.unconfirmed(one.Handle, "ceo")), confirm(b.unconfirmed(two.Handle, "cfo"))
			got := together(1,
				func() error { _, err := b.put(id, one, ceo); return err },
				func() error { _, err := b.put(id, two, cfo); return err })
			require.Equal(t, 2, got[""], got)
			require.Equal(t, []any{consent.Valid, consent.ScaFinalised, consent.ScaFinalised}, b.states(id))
			require.Equal(t, 1, moves(b.history(id), "> partiallyAuthorised "))
		}
	})
}

// TestWorkersAgainstOthers has two workers at once begin and end what the TPP
// names, or ends, at the same moment: the PSU is asked once, and nothing is lost.
func TestWorkersAgainstOthers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		work := func() error { _, err := b.walks.Poll(b.ctx, 9); return err }
		for range 5 {
			b.app.answer.Store(nil)
			asked := b.app.asked.Load()
			id, started := b.decoupled(dedicated("DE00ANNA"), "")
			b.puts(id, started, identify("anna"))
			got := together(2, work, func() error { _, err := b.put(id, started, identify("anna")); return err })
			only(t, got, "", consent.CodeStatusInvalid)
			b.advance(3 * time.Minute) // a worker that met the lock leaves the run to a later turn
			require.NoError(t, work())
			require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
			require.Equal(t, asked+1, b.app.asked.Load())

			b.advance(time.Second)
			b.app.approve()
			got = together(1, work, work, func() error { return b.consents.Terminate(b.ctx, caller(), id, nil) })
			only(t, got, "", consent.CodeExpired)
			b.ended(id, consent.Revoked, consent.ReasonTerminated)
			require.LessOrEqual(t, moves(b.history(id), "> valid "), 1)
			b.advance(time.Minute)
			require.NoError(t, work())
		}
	})
}

// TestRefusalAgainstIdentification refuses in the browser while the TPP names the
// PSU: the refusal counts.
func TestRefusalAgainstIdentification(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 8 {
			id, started := b.create(offered(), service.Hint{})
			_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
			require.NoError(t, err)
			got := together(1,
				func() error {
					_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Refuse: true})
					return err
				},
				func() error { _, err := b.put(id, started, identify("anna")); return err })
			only(t, got, "", consent.CodeStatusInvalid)
			b.ended(id, consent.Rejected, consent.ReasonRefused)
			b.history(id)
		}
	})
}

// TestStartAgainstFinish starts a further authorisation while the first one makes
// the consent valid: it is refused, or too late to matter.
func TestStartAgainstFinish(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for range 5 {
			id, started := b.embedded()
			b.puts(id, started, password("sandbox"))
			got := together(1,
				func() error { _, err := b.put(id, started, code("right")); return err },
				func() error {
					_, err := b.consents.StartAuthorisation(b.ctx, caller(), id, consents.Wish{Approach: consent.Embedded}, nil)
					return err
				})
			only(t, got, "", consent.CodeStatusInvalid)
			require.Equal(t, consent.Valid, b.get(id).Status)
			b.history(id)
		}
	})
}
