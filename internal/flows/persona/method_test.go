package persona_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/persona"
	"consentd/pkg/sca"
)

const challenge = `{"otpMaxLength":6,"otpFormat":"integer","additionalInformation":"+33 ••• 42"}`

// TestNoChoice: with none or one there is nothing to choose, and the step says
// by which the code went, for who collects it for us.
func TestNoChoice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		methods []sca.Method
		by      string
	}{
		"none": {nil, ""},
		"one":  {twoMethods()[:1], "m1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := known(t, c.methods)
			step := s.send(t, sca.Input{Kind: sca.Approved})
			assert.Equal(t, sca.Prompt, step.Outcome)
			assert.Equal(t, []sca.Field{{Name: persona.FieldCode, Kind: sca.Code}}, step.Fields)
			assert.Equal(t, c.methods, step.Methods)
			assert.JSONEq(t, challenge, string(step.Challenge))
			sent := s.bank.messages()
			require.Len(t, sent, 1)
			assert.Equal(t, c.by, sent[0].Method)
		})
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	s := known(t, twoMethods())
	step := s.send(t, sca.Input{Kind: sca.Approved})
	assert.Equal(t, sca.Prompt, step.Outcome)
	assert.Empty(t, step.Fields)
	assert.Equal(t, twoMethods(), step.Methods)
	assert.Empty(t, step.Challenge)
	assert.Empty(t, s.bank.messages(), "nothing is sent before the choice")

	for _, in := range []sca.Input{method("m3"), method(""), code("123456")} {
		wrong := s.send(t, in)
		assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true, Message: "Please choose one of the options shown."}, wrong)
	}
	assert.Empty(t, s.bank.messages())

	step = s.send(t, method("m2"))
	assert.Equal(t, []sca.Method{push, sms}, step.Methods, "the chosen one first")
	assert.JSONEq(t, challenge, string(step.Challenge))
	assert.Equal(t, "We have sent a code to +33 ••• 42.", step.Message)
	sent := s.bank.messages()
	require.Len(t, sent, 1)
	assert.Equal(t, "m2", sent[0].Method)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, s.send(t, code(sent[0].Code)))
}

// TestChosenAnew: another way is taken, and the code of the former one is void.
func TestChosenAnew(t *testing.T) {
	t.Parallel()
	s := known(t, twoMethods())
	s.send(t, sca.Input{Kind: sca.Approved})
	first := s.bank.codeOf(s.send(t, method("m2")))
	step := s.send(t, method("m1"))
	assert.Equal(t, twoMethods(), step.Methods)
	assert.Equal(t, "We have sent a code to +33 ••• 42.", step.Message)
	assert.Equal(t, []string{"m2", "m1"}, []string{s.bank.messages()[0].Method, s.bank.messages()[1].Method})
	assert.True(t, s.send(t, code(first)).Wrong)
	assert.Equal(t, sca.Done, s.send(t, code(s.bank.codeOf(step))).Outcome)
}

// TestSentAgain: the same method sends a new code, the old one is void, and a run
// sends no more than five.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	s := known(t, twoMethods()[:1])
	step := s.send(t, sca.Input{Kind: sca.Approved})
	codes := []string{s.bank.codeOf(step)}
	for range 4 {
		step = s.send(t, method("m1"))
		assert.Equal(t, "We have sent a new code to +33 ••• 42. Earlier codes are no longer valid.", step.Message)
		codes = append(codes, s.bank.codeOf(step))
	}
	assert.Empty(t, step.Methods, "no new code is offered")
	more := "We cannot send any more codes for this request. Please cancel and start again."
	for range 2 {
		assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true, Message: more}, s.send(t, method("m1")))
	}
	require.Len(t, s.bank.messages(), 5)
	for _, old := range codes[:4] {
		assert.True(t, s.send(t, code(old)).Wrong)
	}
	fresh := *s
	assert.Equal(t, sca.Done, fresh.send(t, code(codes[4])).Outcome)
	s.bank.pass(5 * time.Minute)
	assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true, Message: more}, s.send(t, code(codes[4])), "too late, and no other is sent")
	assert.Len(t, s.bank.messages(), 5)
}

// TestNoMoreCodes: once all codes of a run are sent, only ways that need none are
// offered, and no new code.
func TestNoMoreCodes(t *testing.T) {
	t.Parallel()
	const (
		choose = "We cannot send any more codes for this request. Please choose another way to confirm, or cancel and start again."
		cancel = "We cannot send any more codes for this request. Please cancel and start again."
	)
	spent := sms
	spent.Type = "CHIP_OTP" // the page offers to send a code of another type anew
	for name, c := range map[string]struct {
		owns, by []string
		offered  []sca.Method
		more     string
	}{
		"nothing else set up":     {nil, []string{"m1"}, nil, cancel},
		"other ways need a code":  {nil, []string{"m2", "m1"}, nil, cancel},
		"an app":                  {[]string{byApp.ID}, []string{"m1"}, named(spent, byApp), choose},
		"an app and a passkey":    {[]string{byApp.ID, passkey.ID}, []string{"m2", "m1"}, named(spent, byApp, passkey), choose},
		"a passkey is being made": {[]string{byApp.ID}, []string{passkey.ID}, named(sca.Method{ID: passkey.ID, Type: "CHIP_OTP", Name: "Passkey"}, byApp), choose},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank()
			b.methods = allMethods()
			for _, own := range c.owns {
				walk(t, b, own)
			}
			before := len(b.messages())
			s := begin(t, b, "run").toCode(t)
			for i := range 5 {
				require.NotEmpty(t, s.step.Methods)
				s.send(t, method(c.by[min(i, len(c.by)-1)]))
			}
			require.Len(t, b.messages(), before+5)
			assert.Equal(t, c.offered, s.step.Methods)
			assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true, Message: c.more}, s.send(t, method("m1")))
			if c.more == cancel {
				return
			}
			step := s.send(t, method(byApp.ID))
			assert.False(t, step.Wrong)
			for _, m := range step.Methods[min(1, len(step.Methods)):] {
				assert.Contains(t, c.owns, m.ID, "the others need no code either")
			}
		})
	}
}

// TestNoMoreCodesEmbedded: a TPP is told by which method the last code went, and
// the PSU not to choose what they cannot.
func TestNoMoreCodesEmbedded(t *testing.T) {
	t.Parallel()
	b := owning(t, byApp.ID)
	s := begin(t, b, "run")
	s.req.Paged, s.req.ReturnURL = false, ""
	s.toCode(t)
	for range 5 {
		s.send(t, method("m1"))
	}
	assert.Equal(t, []sca.Method{sms}, s.step.Methods)
	b.pass(5 * time.Minute)
	got := s.send(t, code("123456"))
	assert.Equal(t, "We cannot send any more codes for this request. Please cancel and start again.", got.Message)
}

// TestSentOnceWhateverGotLost: a code whose step was not kept, since another call
// came first, is the one that the next call sends, and it is sent once.
func TestSentOnceWhateverGotLost(t *testing.T) {
	t.Parallel()
	s := known(t, twoMethods()[:1])
	s.send(t, sca.Input{Kind: sca.Approved})
	lost, kept := *s, *s
	lost.req.StepKey = "another"
	assert.Equal(t, stands(lost.send(t, method("m1"))).Key, stands(kept.send(t, method("m1"))).Key)
	assert.Len(t, s.bank.messages(), 2)
}

// TestChoiceIsWhatWasOffered: the PSU chooses among what they were shown,
// whatever the bank would say by then.
func TestChoiceIsWhatWasOffered(t *testing.T) {
	t.Parallel()
	s := known(t, twoMethods())
	s.send(t, sca.Input{Kind: sca.Approved})
	s.bank.methods = []sca.Method{{ID: "m3"}}
	assert.True(t, s.send(t, method("m3")).Wrong)
	assert.False(t, s.send(t, method("m1")).Wrong)
}

// TestNewCodeGoesTheSameWay as the one that came too late.
func TestNewCodeGoesTheSameWay(t *testing.T) {
	t.Parallel()
	s := known(t, twoMethods())
	s.send(t, sca.Input{Kind: sca.Approved})
	s.send(t, method("m2"))
	s.bank.pass(5 * time.Minute)
	step := s.send(t, code(s.bank.messages()[0].Code))
	assert.Equal(t, []sca.Method{push, sms}, step.Methods)
	sent := s.bank.messages()
	require.Len(t, sent, 2)
	assert.Equal(t, "m2", sent[1].Method)
}

func TestBankRefusesToListMethods(t *testing.T) {
	t.Parallel()
	s := known(t, nil)
	s.bank.fails = persona.ErrBlocked
	assert.Equal(t, sca.Step{Outcome: sca.Denied, Blocked: true}, s.send(t, sca.Input{Kind: sca.Approved}))
}

// TestOffered: what a PSU may choose depends on what they have set up, and on
// where they are.
func TestOffered(t *testing.T) {
	t.Parallel()
	at := func(url string) func(r *sca.Request) { return func(r *sca.Request) { r.ReturnURL = url } }
	pageless := func(r *sca.Request) { r.Paged, r.ReturnURL = false, "" }
	here := func(*sca.Request) {}
	only := []sca.Method{byApp, passkey}
	for name, c := range map[string]struct {
		owns    []string
		methods []sca.Method
		where   func(r *sca.Request)
		want    []sca.Method
	}{
		"all":                            {nil, allMethods(), here, allMethods()},
		"localhost":                      {nil, allMethods(), at("http://localhost:8080/sca/return"), allMethods()},
		"no TLS":                         {nil, allMethods(), at("http://bank.example/sca/return"), allMethods()[:3]},
		"an address without a name":      {nil, allMethods(), at("https://192.0.2.7/sca/return"), allMethods()[:3]},
		"an IPv6 address":                {nil, allMethods(), at("http://[::1]:8080/sca/return"), allMethods()[:3]},
		"no address":                     {nil, allMethods(), at(""), allMethods()[:3]},
		"embedded":                       {nil, allMethods(), pageless, twoMethods()},
		"embedded, with an app":          {[]string{byApp.ID}, allMethods(), pageless, allMethods()[:3]},
		"embedded, with a passkey":       {[]string{passkey.ID}, allMethods(), pageless, twoMethods()},
		"both set up, no phone any more": {[]string{byApp.ID, passkey.ID}, only, here, only},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank()
			b.methods = allMethods()
			for _, own := range c.owns {
				walk(t, b, own)
			}
			b.methods = c.methods
			s := begin(t, b, "run")
			c.where(&s.req)
			assert.Equal(t, named(append([]sca.Method(nil), c.want...)...), s.toCode(t).step.Methods)
		})
	}
}

// TestPasskeyOfAnotherHost: a passkey that is set up for one host is not asked for
// at another, where it is set up anew.
func TestPasskeyOfAnotherHost(t *testing.T) {
	t.Parallel()
	s := begin(t, owning(t, passkey.ID), "run")
	s.req.ReturnURL = "https://new.example/sca/return"
	s.toCode(t)
	step := s.send(t, method(passkey.ID))
	assert.Equal(t, persona.FieldCode, step.Fields[0].Name, "protects the setting up")
}

// TestEmbeddedChoice: a TPP is told the one method by which the code went.
func TestEmbeddedChoice(t *testing.T) {
	t.Parallel()
	b := newBank()
	b.methods = twoMethods()
	s := begin(t, b, "run")
	s.req.Paged, s.req.ReturnURL = false, ""
	s.toCode(t)
	assert.Equal(t, []sca.Method{push}, s.send(t, method("m2")).Methods)
}
