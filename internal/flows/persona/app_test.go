package persona_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/persona"
	"consentd/pkg/sca"
)

// TestAppIsSetUp: a code that was sent comes first, and says what it is for; then
// the key of the app is shown, once, and the app proves that it has it.
func TestAppIsSetUp(t *testing.T) {
	t.Parallel()
	b := newBank()
	b.methods = allMethods()
	s := at(t, b, "run", byApp.ID)
	assert.Equal(t, "Before you set up your authenticator app, please confirm that it is you. We have sent a code to +33 ••• 42.", s.step.Message)
	again := sca.Method{ID: byApp.ID, Type: sms.Type, Name: "Authenticator app"} // sends such a code again
	assert.Equal(t, append([]sca.Method{again}, named(sms, push, passkey)...), s.step.Methods)
	sent := b.messages()
	require.Len(t, sent, 1)
	assert.Equal(t, "m1", sent[0].Method, "the way that the bank suggests first")
	assert.Equal(t, sent[0].Code+" is your code for: setting up an authenticator app for Example Bank. "+
		"Do not share it with anyone, not even with bank staff.", sent[0].Text)
	assert.Nil(t, s.step.QR)

	step := s.send(t, code(sent[0].Code))
	assert.Equal(t, []sca.Field{{Name: persona.FieldCode, Kind: sca.Code}}, step.Fields)
	key, err := otp.NewKeyFromURL(step.QR.Content)
	require.NoError(t, err)
	assert.Equal(t, []any{"totp", issuer, "lea", uint64(30), otp.DigitsSix, otp.AlgorithmSHA1},
		[]any{key.Type(), key.Issuer(), key.AccountName(), key.Period(), key.Digits(), key.Algorithm()})
	require.Len(t, key.Secret(), 32)
	assert.Regexp(t, `^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$`, step.QR.Text)
	assert.Equal(t, key.Secret(), strings.ReplaceAll(step.QR.Text, " ", ""))
	assert.NotContains(t, string(step.State), key.Secret(), "the state holds no key")
	assert.Zero(t, b.store.count(), "nothing is set up yet")

	assert.True(t, s.send(t, code("000000")).Wrong)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, s.send(t, code(b.show(t, key.Secret()))))
	assert.Equal(t, key.Secret(), b.kept(t))
}

// TestNoFactorWithoutSCA: the password alone sets nothing up.
func TestNoFactorWithoutSCA(t *testing.T) {
	t.Parallel()
	nothing := sca.Step{
		Outcome: sca.Denied, Blocked: true, Message: "None of your ways to confirm can be used here. Please contact your bank.",
	}
	for name, methods := range map[string][]sca.Method{
		"app": {byApp}, "passkey": {passkey}, "both": {byApp, passkey},
	} {
		t.Run("no phone: "+name, func(t *testing.T) {
			t.Parallel()
			s := known(t, methods)
			assert.Equal(t, nothing, s.send(t, sca.Input{Kind: sca.Approved}))
			assert.Empty(t, s.bank.messages())
		})
	}
	for _, choice := range []string{byApp.ID, passkey.ID} {
		t.Run("wrong code: "+choice, func(t *testing.T) {
			t.Parallel()
			b := newBank()
			b.methods = allMethods()
			s := at(t, b, "run", choice)
			for _, in := range []sca.Input{code("12345"), code(""), signed("{}")} {
				assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true}, s.send(t, in))
			}
			assert.Equal(t, "code", stands(s.step).Stage)
			assert.Zero(t, b.store.count())
		})
	}
	t.Run("taken away, no phone", func(t *testing.T) {
		t.Parallel()
		b := owning(t, byApp.ID)
		b.methods = []sca.Method{byApp}
		s := begin(t, b, "run").toCode(t)
		require.Equal(t, "app", stands(s.step).Stage)
		*b.store = memory{}
		assert.Equal(t, nothing, s.send(t, code("123456")))
		assert.Len(t, b.messages(), 1, "the one of the setting up")
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		s := begin(t, owning(t, byApp.ID), "run")
		s.req.Paged = false
		s.toCode(t)
		*s.bank.store = memory{} // taken away meanwhile
		assert.Equal(t, nothing, s.send(t, method(byApp.ID)), "a TPP never gets the key of an app")
	})
}

// TestCodeOfSetUpDoesNotConfirm: a code that was sent for one purpose is none for
// another.
func TestCodeOfSetUpDoesNotConfirm(t *testing.T) {
	t.Parallel()
	b := newBank()
	b.methods = allMethods()
	s := at(t, b, "run", byApp.ID)
	old := b.codeOf(s.step)
	s.send(t, method(sms.ID))
	assert.True(t, s.send(t, code(old)).Wrong)
}

// TestSkew: the clock of an app may be off by one time step.
func TestSkew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		off  time.Duration
		want sca.Outcome
	}{
		"two behind": {-2 * period, sca.Prompt},
		"one behind": {-period, sca.Done},
		"in time":    {0, sca.Done},
		"one ahead":  {period, sca.Done},
		"two ahead":  {2 * period, sca.Prompt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := owning(t, byApp.ID)
			b.pass(time.Hour)
			s := at(t, b, "run", byApp.ID)
			assert.Equal(t, "Enter the code that your authenticator app shows.", s.step.Message)
			assert.JSONEq(t, `{"otpMaxLength":6,"otpFormat":"integer"}`, string(s.step.Challenge))
			assert.Equal(t, c.want, s.send(t, code(b.at(t, c.off))).Outcome)
		})
	}
}

// TestCodeOfAppCountsOnce, in one run after another.
func TestCodeOfAppCountsOnce(t *testing.T) {
	t.Parallel()
	used := sca.Step{
		Outcome: sca.Prompt, Wrong: true, Message: "This code has already been used. Please wait until your app shows a new one.",
	}
	b := owning(t, byApp.ID)
	second := at(t, b, "second", byApp.ID)
	assert.Equal(t, used, second.send(t, code(b.at(t, 0))), "it was used to set the app up")
	b.pass(period)
	next := b.at(t, 0)
	assert.Equal(t, sca.Done, second.send(t, code(next)).Outcome)
	third := at(t, b, "third", byApp.ID)
	assert.Equal(t, used, third.send(t, code(next)))
	b.pass(period)
	assert.Equal(t, used, third.send(t, code(next)), "one step later it would still count")
	b.pass(period)
	assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true}, third.send(t, code(next)), "and then no more")
}

// TestRepeatedCallGetsThrough, though other runs have used the app meanwhile, and
// the time of the code is over.
func TestRepeatedCallGetsThrough(t *testing.T) {
	t.Parallel()
	b := owning(t, byApp.ID)
	b.pass(period)
	s := at(t, b, "run", byApp.ID)
	before, in := s.step, code(b.at(t, 0))
	require.Equal(t, sca.Done, s.send(t, in).Outcome)
	for _, run := range []string{"a", "b", "c"} {
		b.pass(period)
		require.Equal(t, sca.Done, at(t, b, run, byApp.ID).send(t, code(b.at(t, 0))).Outcome)
	}
	changes := b.store.count()
	step, err := s.flow.Continue(t.Context(), s.req, before.State, in)
	require.NoError(t, err)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, step)
	other, err := s.flow.Continue(t.Context(), s.req, before.State, code("000000"))
	require.NoError(t, err)
	assert.True(t, other.Wrong, "the name of a call is no code")
	assert.Equal(t, changes, b.store.count())
}

// TestSameCodeAtOnce: of many runs in which the same code is typed at the same
// time one gets through.
func TestSameCodeAtOnce(t *testing.T) {
	t.Parallel()
	b := owning(t, byApp.ID)
	b.pass(period)
	digits := b.at(t, 0)
	runs := make([]*bundle, 12)
	for i := range runs {
		runs[i] = at(t, b, string(rune('a'+i)), byApp.ID)
	}
	assert.EqualValues(t, 1, through(t, runs, func(*bundle) sca.Input { return code(digits) }))
}

// through counts the runs that get through when all answer at once.
func through(t *testing.T, runs []*bundle, answer func(s *bundle) sca.Input) int64 {
	t.Helper()
	var done, broken atomic.Int64
	var group sync.WaitGroup
	for _, s := range runs {
		in := answer(s)
		group.Go(func() {
			req := s.req
			req.StepKey += "/answer"
			step, err := s.flow.Continue(t.Context(), req, s.step.State, in)
			if err != nil {
				broken.Add(1)
			}
			if step.Outcome == sca.Done {
				done.Add(1)
			}
		})
	}
	group.Wait()
	require.Zero(t, broken.Load())
	return done.Load()
}

// TestTwoRunsSetUpAnApp: the second one to finish is asked for a code of the first
// one's app.
func TestTwoRunsSetUpAnApp(t *testing.T) {
	t.Parallel()
	b := newBank()
	b.methods = allMethods()
	first, second := at(t, b, "first", byApp.ID), at(t, b, "second", byApp.ID)
	first.send(t, code(b.codeOf(first.step)))
	second.send(t, code(b.codeOf(second.step)))
	mine, theirs := scanned(t, first.step), scanned(t, second.step)
	require.NotEqual(t, mine, theirs)
	require.Equal(t, sca.Done, first.send(t, code(b.show(t, mine))).Outcome)
	step := second.send(t, code(b.show(t, theirs)))
	assert.Equal(t, sca.Prompt, step.Outcome)
	assert.False(t, step.Wrong)
	assert.Nil(t, step.QR)
	assert.Equal(t, mine, b.kept(t))
	assert.Equal(t, sca.Done, second.send(t, code(b.show(t, mine))).Outcome)
}

// TestAppIsTakenAway while its code is asked for: it has to be set up anew.
func TestAppIsTakenAway(t *testing.T) {
	t.Parallel()
	b := owning(t, byApp.ID)
	b.pass(period)
	s := at(t, b, "run", byApp.ID)
	digits := b.at(t, 0)
	*b.store = memory{}
	step := s.send(t, code(digits))
	assert.Equal(t, sca.Prompt, step.Outcome)
	assert.Contains(t, step.Message, "Before you set up your authenticator app")
}

// TestOvertakenUse: another run uses the app between the look and the change.
func TestOvertakenUse(t *testing.T) {
	t.Parallel()
	b := owning(t, byApp.ID)
	b.pass(period)
	s, other := at(t, b, "run", byApp.ID), at(t, b, "other", byApp.ID)
	digits, ahead := b.at(t, 0), b.at(t, period)
	b.store.before = func() { assert.Equal(t, sca.Done, other.send(t, code(ahead)).Outcome) }
	assert.Equal(t, sca.Done, s.send(t, code(digits)).Outcome, "it is another code")
	third := at(t, b, "third", byApp.ID)
	assert.True(t, third.send(t, code(digits)).Wrong)
	assert.True(t, third.send(t, code(ahead)).Wrong)
}

// TestBrokenStore: what is not the PSU's fault is an error, and quotes nothing.
func TestBrokenStore(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	b := owning(t, byApp.ID)
	walk(t, b, passkey.ID)
	for name, c := range map[string]struct {
		stands string
		in     sca.Input
	}{
		"code":     {byApp.ID, code("123456")},
		"passkey":  {passkey.ID, signed("{}")},
		"app anew": {sms.ID, method(byApp.ID)},
		"key anew": {sms.ID, method(passkey.ID)},
	} {
		s := at(t, b, name, c.stands)
		b.store.fails = down
		_, err := s.flow.Continue(t.Context(), s.req, s.step.State, c.in)
		require.ErrorIs(t, err, down, name)
		b.store.fails = nil
	}
	s := at(t, b, "run", byApp.ID)
	require.NoError(t, b.store.Put(t.Context(), psu, "totp", []byte(`{"seed":"not a seed`)))
	_, err := s.flow.Continue(t.Context(), s.req, s.step.State, code("123456"))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "not a seed")
}

// TestStoreThatNeverSwaps: a flow that cannot keep a use lets nobody through.
func TestStoreThatNeverSwaps(t *testing.T) {
	t.Parallel()
	b := owning(t, byApp.ID)
	b.pass(period)
	s := at(t, b, "run", byApp.ID)
	b.store.stuck = true
	_, err := s.flow.Continue(t.Context(), s.req, s.step.State, code(b.at(t, 0)))
	require.ErrorContains(t, err, "totp: other runs keep changing what is kept")
}
