package sca_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// visitor is the browser with a cookie, which sees our pages at an address.
func visitor(cookie string) sca.Visitor {
	return sca.Visitor{Browser: cookie, Accepts: "en", Origin: "https://sca.bank.example"}
}

// visit opens a walk without a consent, and returns its handle.
func (b *bundle) visit(o service.Opening) string {
	b.t.Helper()
	o.Approach, o.At = consent.Redirect, b.walks.Now()
	opened, err := b.walks.New(o)
	require.NoError(b.t, err)
	require.NoError(b.t, b.db.AddVisit(b.ctx, opened.Run))
	return opened.Handle
}

func (b *bundle) login() string { return b.visit(service.Opening{Purpose: consent.ForLogin}) }

// shown opens a visit's page.
func (b *bundle) shown(handle string) *sca.View {
	b.t.Helper()
	v, err := b.walks.Open(b.ctx, handle, visitor("browser"))
	require.NoError(b.t, err)
	return v
}

// say answers a visit's page.
func (b *bundle) say(handle string, a sca.Answer) (*sca.View, error) {
	return b.walks.Answer(b.ctx, handle, visitor("browser"), a)
}

// logged is the run of a visit.
func (b *bundle) logged(handle string) *consent.Run {
	b.t.Helper()
	r, err := b.db.Run(b.ctx, consent.Digest(secret.Digest(handle)))
	require.NoError(b.t, err)
	return r
}

// TestLogin walks from the first factor to the last at once, and leaves no consent.
func TestLogin(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		handle := b.visit(service.Opening{Purpose: consent.ForLogin, Hint: service.Hint{Language: "de"}})
		v := b.shown(handle)
		require.Equal(t, []any{sca.PageLogin, consent.ForLogin, "", "de", 3, "https://sca.bank.example/psu"},
			[]any{v.Page, v.Purpose, v.TPP, v.Language, v.TriesLeft, v.ReturnTo})
		require.Nil(t, v.Consent)
		require.True(t, v.CanMove)
		v, err := b.say(handle, word("anna"))
		b.page(sca.PageFactor, v, err)
		require.Equal(t, []any{"ANNA", 3}, []any{v.Customer, v.TriesLeft})
		v, err = b.walks.Answer(b.ctx, handle, visitor("another"), word("right"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		require.Nil(t, v.Consent)
		v, err = b.say(handle, word("right"))
		b.page(sca.PageEnded, v, err)
		require.Equal(t, "https://sca.bank.example/psu/enter/"+handle, v.ReturnTo)

		psu, err := b.db.PSU(b.ctx, "anna")
		require.NoError(t, err)
		run := b.logged(handle)
		require.Equal(t, []any{consent.RunDone, psu, begin}, []any{run.Outcome, run.PSU, run.EndedAt})
		require.Nil(t, run.Memo)
		_, err = b.walks.Open(b.ctx, handle, visitor("browser"))
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		all, err := b.db.Recent(b.ctx, 9)
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

// TestLoginOfAnybody: who acts for a customer logs in, as a signer or not.
func TestLoginOfAnybody(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for _, psu := range []string{"ceo", "cfo", "clerk", "poor"} {
			handle := b.login()
			b.shown(handle)
			v, err := b.say(handle, word(psu))
			b.page(sca.PageFactor, v, err)
			v, err = b.say(handle, word("right"))
			b.page(sca.PageEnded, v, err)
			require.Equal(t, consent.RunDone, b.logged(handle).Outcome)
		}
	})
}

// TestLoginInOneTrip is one of a flow that asks once.
func TestLoginInOneTrip(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.trip.Store(true)
		handle := b.login()
		b.shown(handle)
		v, err := b.say(handle, login("anna", "sandbox"))
		b.page(sca.PageEnded, v, err)
		require.Equal(t, "https://sca.bank.example/psu/enter/"+handle, v.ReturnTo)
	})
}

// TestLoginEndings: a walk that leads to nothing leads back to the front page.
func TestLoginEndings(t *testing.T) {
	for name, x := range map[string]struct {
		answers []sca.Answer
		outcome consent.RunOutcome
		code    consent.Code
	}{
		"refused":           {[]sca.Answer{{Refuse: true}}, consent.RunRefused, ""},
		"refused later":     {[]sca.Answer{word("anna"), {Refuse: true}}, consent.RunRefused, ""},
		"denied":            {[]sca.Answer{word("anna"), word("no")}, consent.RunRefused, ""},
		"blocked":           {[]sca.Answer{word("blocked")}, consent.RunFailed, consent.CodeBlocked},
		"acts for nobody":   {[]sca.Answer{word("stranger")}, consent.RunFailed, consent.CodeForbidden},
		"not known":         {[]sca.Answer{word("ghost")}, consent.RunFailed, consent.CodeForbidden},
		"two PSUs":          {[]sca.Answer{word("anna"), word("by enzo")}, consent.RunFailed, consent.CodeForbidden},
		"three wrong words": {[]sca.Answer{word("wrong"), word("wrong"), word("wrong")}, consent.RunLocked, consent.CodeLocked},
		"three wrong codes": {[]sca.Answer{word("anna"), word("wrong"), word("wrong"), word("wrong")}, consent.RunLocked, consent.CodeLocked},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				handle := b.login()
				b.shown(handle)
				var v *sca.View
				var err error
				for _, a := range x.answers {
					v, err = b.say(handle, a)
				}
				if x.code != "" {
					require.Equal(t, x.code, consent.CodeOf(err))
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, []any{sca.PageEnded, "https://sca.bank.example/psu"}, []any{v.Page, v.ReturnTo})
				require.Nil(t, v.Consent)
				require.Equal(t, x.outcome, b.logged(handle).Outcome)
			})
		})
	}
}

// TestLoginInTime opens a link too late, and stays too long.
func TestLoginInTime(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		late, slow := b.login(), b.login()
		b.shown(slow)
		_, err := b.say(slow, word("anna"))
		require.NoError(t, err)
		b.advance(10 * time.Minute)
		v, err := b.walks.Open(b.ctx, late, visitor("browser"))
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		require.Equal(t, "https://sca.bank.example/psu", v.ReturnTo)
		b.advance(5 * time.Minute)
		_, err = b.say(slow, word("right"))
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		require.Empty(t, b.logged(slow).Outcome)
	})
}

// TestLoginLocks counts wrong answers over consents and log-ins alike.
func TestLoginLocks(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		guess := func(handle, password string) error {
			b.shown(handle)
			_, err := b.say(handle, login("anna", password))
			return err
		}
		for range 3 {
			require.Equal(t, consent.CodeCredentials, consent.CodeOf(guess(b.login(), "wrong")))
		}
		for range 2 {
			_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			require.Equal(t, consent.CodeCredentials, consent.CodeOf(guess(started.Handle, "wrong")))
		}
		judged := b.flow.judged.Load()
		require.Equal(t, consent.CodePSULocked, consent.CodeOf(guess(b.login(), "sandbox")))
		require.Equal(t, judged, b.flow.judged.Load(), "nobody judges")
		b.advance(15*time.Minute + time.Second)
		require.NoError(t, guess(b.login(), "sandbox"))
	})
}

// TestLoginOnAnotherDevice goes on there, and logs nobody in here.
func TestLoginOnAnotherDevice(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		handle := b.login()
		b.shown(handle)
		v, err := b.say(handle, sca.Answer{Device: true})
		b.page(sca.PageDevice, v, err)
		phone := v.Handle
		_, err = b.walks.Open(b.ctx, phone, visitor("phone"))
		require.NoError(t, err)
		for _, w := range []string{"anna", "right"} {
			v, err = b.walks.Answer(b.ctx, phone, visitor("phone"), word(w))
			require.NoError(t, err)
		}
		require.Equal(t, "https://sca.bank.example/psu/enter/"+phone, v.ReturnTo)
		require.Equal(t, consent.Digest(secret.Digest("phone")), b.logged(handle).Browser)
		v = b.shown(handle)
		require.Equal(t, []any{sca.PageEnded, ""}, []any{v.Page, v.ReturnTo})
	})
}

// TestLoginWaits for the bank's app, and the browser that waits is told, once.
func TestLoginWaits(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.walks.Serves[consent.Redirect] = "app"
		for said, leads := range map[flow.Outcome]string{flow.Done: "/psu/enter/", flow.Denied: "/psu"} {
			b.app.answer.Store(nil)
			handle := b.visit(service.Opening{Purpose: consent.ForLogin, Hint: service.Hint{PSU: "anna"}})
			require.Equal(t, sca.PageWait, b.shown(handle).Page)
			v, err := b.say(handle, sca.Answer{})
			b.page(sca.PageWait, v, err)
			b.app.answer.Store(&flow.Step{Outcome: said})
			b.advance(time.Second)
			n, err := b.walks.Poll(b.ctx, 9)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			_, err = b.walks.Open(b.ctx, handle, visitor("another"))
			require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
			v = b.shown(handle)
			if said == flow.Done {
				leads += handle
			}
			require.Equal(t, []any{sca.PageEnded, "https://sca.bank.example" + leads}, []any{v.Page, v.ReturnTo})
			_, err = b.walks.Open(b.ctx, handle, visitor("browser"))
			require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		}
	})
}

// TestLoginIsCalledOff tells the flow that it waits in vain, and forgets the rest.
func TestLoginIsCalledOff(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.walks.Serves[consent.Redirect] = "app"
		handle := b.login()
		b.shown(handle)
		b.advance(10 * time.Minute)
		looks := b.app.looks()
		for range 2 {
			_, err := b.walks.Poll(b.ctx, 9)
			require.NoError(t, err)
		}
		require.Equal(t, looks+1, b.app.looks(), "once")
		run := b.logged(handle)
		require.Nil(t, run.Memo)
		require.True(t, run.PollAt.IsZero())
	})
}

// TestLoginHalfIn: the bank does not answer between the factors. Whoever looks goes on.
func TestLoginHalfIn(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for _, answered := range []bool{false, true} {
			handle := b.login()
			b.shown(handle)
			b.flow.failsApproval.Store(true)
			_, err := b.say(handle, word("anna"))
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
			require.Equal(t, consent.StageReview, b.logged(handle).Stage, "the password is known to be right")
			v, err := b.walks.Open(b.ctx, handle, visitor("browser"))
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
			require.Equal(t, sca.PageFactor, v.Page)
			_, err = b.walks.Open(b.ctx, handle, visitor("another"))
			require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
			b.flow.failsApproval.Store(false)
			if answered {
				v, err = b.say(handle, sca.Answer{})
			} else {
				v, err = b.walks.Open(b.ctx, handle, visitor("browser"))
			}
			b.page(sca.PageFactor, v, err)
			v, err = b.say(handle, word("right"))
			b.page(sca.PageEnded, v, err)
		}
	})
}

// TestAction lets one PSU confirm, and nobody else.
func TestAction(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		act := uuid.New()
		open := func() string {
			o := service.Opening{Purpose: consent.ForAction, PSU: "anna", What: "stop sharing with A", Approach: consent.Redirect, At: b.walks.Now()}
			opened, err := b.walks.New(o)
			require.NoError(t, err)
			opened.Run.Authorisation = act
			require.NoError(t, b.db.AddVisit(b.ctx, opened.Run))
			return opened.Handle
		}
		handle := open()
		v := b.shown(handle)
		require.Equal(t, []any{consent.ForAction, "stop sharing with A", false, ""}, []any{v.Purpose, v.What, v.CanMove, v.Hint})
		_, err := b.say(handle, word("anna"))
		require.NoError(t, err)
		require.Equal(t, "stop sharing with A", b.flow.summary.Load())
		v, err = b.say(handle, word("right"))
		b.page(sca.PageEnded, v, err)
		require.Equal(t, "https://sca.bank.example/psu/confirmed/"+handle, v.ReturnTo)
		run := b.logged(handle)
		require.Equal(t, []any{consent.RunDone, act}, []any{run.Outcome, run.Authorisation})

		another := open()
		b.shown(another)
		v, err = b.say(another, word("enzo"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		require.Equal(t, []any{sca.PageEnded, "https://sca.bank.example/psu"}, []any{v.Page, v.ReturnTo})
		require.Equal(t, consent.RunFailed, b.logged(another).Outcome)
	})
}

// TestVisitIsNoConsent: neither the confirmation code nor a blocked TPP is about it, and
// the flow is told what it is for.
func TestVisitIsNoConsent(t *testing.T) {
	b := setup(t, "sqlite")
	b.walks.Policy.Confirmation = true
	handle := b.login()
	b.shown(handle)
	_, err := b.say(handle, word("anna"))
	require.NoError(t, err)
	require.Equal(t, []any{"logging in to see and end your consents", flow.ForLogin}, []any{b.flow.summary.Load(), b.flow.purpose.Load()})
	v, err := b.say(handle, word("right"))
	b.page(sca.PageEnded, v, err)
	require.Equal(t, consent.RunDone, b.logged(handle).Outcome)
	_, err = b.walks.LookUp(b.ctx, consent.Cause{By: consent.ByASPSP}, handle)
	require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err), "no pages of the bank's own")
}

// TestLoginAnsweredTwice: two answers at once log in once.
func TestLoginAnsweredTwice(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		handle := b.login()
		b.shown(handle)
		_, err := b.say(handle, word("anna"))
		require.NoError(t, err)
		codes := make(chan consent.Code, 2)
		for range 2 {
			go func() {
				_, err := b.say(handle, word("right"))
				if err == nil {
					codes <- ""
					return
				}
				codes <- consent.CodeOf(err)
			}()
		}
		got := []consent.Code{<-codes, <-codes}
		require.Contains(t, got, consent.Code(""))
		for _, code := range got {
			require.Contains(t, []consent.Code{"", consent.CodeUsed}, code)
		}
		require.Equal(t, consent.RunDone, b.logged(handle).Outcome)
	})
}
