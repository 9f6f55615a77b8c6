package persona_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/persona"
	"consentd/pkg/sca"
)

// known brings the run of a PSU with these methods to where they have logged in.
func known(t *testing.T, methods []sca.Method) *bundle {
	t.Helper()
	s := setup(t)
	s.bank.methods = methods
	s.send(t, login("lea", "sandbox"))
	return s
}

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
			sent := s.bank.messages("")
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
	assert.Empty(t, s.bank.messages(""), "nothing is sent before the choice")

	for _, in := range []sca.Input{method("m3"), method(""), code("123456")} {
		wrong := s.send(t, in)
		assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true, Message: "Choose one of these ways."}, wrong)
	}
	assert.Empty(t, s.bank.messages(""))

	step = s.send(t, method("m2"))
	assert.Equal(t, twoMethods()[1:], step.Methods, "the chosen one")
	assert.JSONEq(t, challenge, string(step.Challenge))
	assert.Equal(t, "We have sent a code to +33 ••• 42.", step.Message)
	sent := s.bank.messages("")
	require.Len(t, sent, 1)
	assert.Equal(t, "m2", sent[0].Method)

	assert.True(t, s.send(t, method("m1")).Wrong, "the choice is made")
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, s.send(t, code(sent[0].Code)))
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
	step := s.send(t, code(s.bank.messages("")[0].Code))
	assert.Equal(t, twoMethods()[1:], step.Methods)
	sent := s.bank.messages("")
	require.Len(t, sent, 2)
	assert.Equal(t, "m2", sent[1].Method)
}

func TestBankRefusesToListMethods(t *testing.T) {
	t.Parallel()
	s := known(t, nil)
	s.bank.fails = persona.ErrBlocked
	assert.Equal(t, sca.Step{Outcome: sca.Denied, Blocked: true}, s.send(t, sca.Input{Kind: sca.Approved}))
}
