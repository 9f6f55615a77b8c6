package scatest_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

// asking is a flow that starts with this Prompt.
func asking(change func(step *sca.Step)) func(f *toy) {
	step := sca.Step{
		Outcome: sca.Prompt, State: []byte("login;"),
		Fields: []sca.Field{{Name: "secret", Label: "Secret", Kind: sca.Password}},
	}
	change(&step)
	return starting(step)
}

// sending is a flow that starts by sending the browser there.
func sending(address string) func(f *toy) {
	return starting(sca.Step{Outcome: sca.Redirect, URL: address})
}

func field(kind sca.FieldKind, options string) func(f *toy) {
	return asking(func(s *sca.Step) {
		s.Fields = []sca.Field{{Name: "passkey", Kind: kind, Options: json.RawMessage(options)}}
	})
}

// TestIllFormedStepsFail: what consentd could not show, or would show to nobody.
func TestIllFormedStepsFail(t *testing.T) {
	t.Parallel()
	const start, walk = "starts by asking", "walks to the end"
	for name, m := range map[string]struct {
		mutate func(f *toy)
		check  string
		says   string
	}{
		"sends in clear":              {sending("http://idp.example/login"), start, "neither https nor http on loopback"},
		"sends to a script":           {sending("javascript:alert(1)"), start, "not absolute"},
		"sends to an app":             {sending("mybank://login"), start, "neither https"},
		"sends to a path":             {sending("/login"), start, "not absolute"},
		"sends to no URL":             {sending("https://idp.example/%zz"), start, "not absolute"},
		"sends with a name":           {sending("https://lea@idp.example/"), start, "who logs in"},
		"sends to what looks local":   {sending("http://localhost.example/"), start, "neither https"},
		"asks twice for one thing":    {asking(func(s *sca.Step) { s.Fields = append(s.Fields, s.Fields[0]) }), start, "two fields"},
		"asks for an unheard-of kind": {field("retina", ""), start, "no page can show"},
		"asks for a passkey of none":  {field(sca.PasskeyGet, ""), start, "no JSON object"},
		"asks for a passkey of a list": {
			field(sca.PasskeyCreate, `["challenge"]`), start, "no JSON object",
		},
		"lists a nameless method": {asking(func(s *sca.Step) { s.Methods = []sca.Method{{Type: "SMS_OTP"}} }), start, "without an id"},
		"lists a method twice": {
			asking(func(s *sca.Step) { s.Methods = []sca.Method{{ID: "1"}, {ID: "1"}} }), start, "without an id of its own",
		},
		"shows a number in a form":  {asking(func(s *sca.Step) { s.Number = "42" }), start, "which only a Wait shows"},
		"shows a number of letters": {changed("code", func(s *sca.Step) { s.Number, s.Message = "4 2", "4 2" }), walk, "digits"},
		"shows a number in silence": {changed("code", func(s *sca.Step) { s.Number = "42" }), walk, "does not say the Number"},
		"shows an empty QR":         {asking(func(s *sca.Step) { s.QR = &sca.QR{Text: "a"} }), start, "QR of 0 bytes"},
		"shows a huge QR": {
			asking(func(s *sca.Step) { s.QR = &sca.QR{Content: strings.Repeat("a", 2332), Text: "a"} }), start, "QR of 2332 bytes",
		},
		"shows a QR to those who see": {asking(func(s *sca.Step) { s.QR = &sca.QR{Content: "a"} }), start, "without Text"},
		"shows a QR to nobody": {
			changed("login", func(s *sca.Step) { s.QR = &sca.QR{Content: "a", Text: "a"} }), walk, "which only a Prompt or a Wait shows",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := failing(t, harness(m.mutate))
			require.Contains(t, failed, m.check)
			assert.Contains(t, failed[m.check], m.says)
		})
	}
}

// TestWellFormedStepsPass: a kit that refuses what is right is as bad as one that
// takes what is wrong.
func TestWellFormedStepsPass(t *testing.T) {
	t.Parallel()
	const start = "starts by asking"
	for name, mutate := range map[string]func(f *toy){
		"https":            sending("https://idp.example/login?a=b#c"),
		"http on loopback": sending("http://localhost:8080/login"),
		"http on 127.1":    sending("http://127.0.0.1/login"),
		"http on ::1":      sending("http://[::1]:80/login"),
		"a passkey":        field(sca.PasskeyGet, `{"challenge": "c"}`),
		"a QR": asking(func(s *sca.Step) {
			s.QR = &sca.QR{Content: strings.Repeat("a", 2331), Text: "aaaa"}
		}),
		"a number": starting(sca.Step{Outcome: sca.Wait, PollAfter: 1, Number: "42", Message: "Enter 42 in the app."}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NotContains(t, failing(t, harness(mutate)), start)
		})
	}
}

// hoarding writes something behind each state, and passes over it when it reads.
func hoarding(what func(f *toy, req sca.Request, in sca.Input) string) func(f *toy) {
	return func(f *toy) {
		f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
			state, kept, _ := strings.Cut(state, "|")
			step, err := f.step(req, state, in)
			if err == nil && (len(step.State) > 0 || step.Wrong) {
				step.State = append(step.State, "|"+kept+what(f, req, in)...)
			}
			return step, err
		}
	}
}

// TestHoardersFail: what was typed stays out of State, and so does what will be.
func TestHoardersFail(t *testing.T) {
	t.Parallel()
	const check = "keeps secrets out of its state"
	for name, what := range map[string]func(f *toy, req sca.Request, in sca.Input) string{
		"the password": func(_ *toy, _ sca.Request, in sca.Input) string { return in.Fields["secret"] },
		"the password in hexadecimal": func(_ *toy, _ sca.Request, in sca.Input) string {
			return hex.EncodeToString([]byte(in.Fields["secret"]))
		},
		"the code before it is typed": func(f *toy, req sca.Request, in sca.Input) string {
			if in.Kind != sca.Approved {
				return ""
			}
			return f.bank.code(req.StepKey)
		},
		"the code after it was typed": func(_ *toy, _ sca.Request, in sca.Input) string { return in.Fields["otp"] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, failing(t, harness(hoarding(what)))[check], "holds what was typed")
		})
	}
	harmless := func(*toy, sca.Request, sca.Input) string { return "nothing" }
	assert.NotContains(t, failing(t, harness(hoarding(harmless))), check)
}

// TestWhatARunSees: a flow is told whether a page is there, and has a place to
// send the browser back to only then.
func TestWhatARunSees(t *testing.T) {
	t.Parallel()
	for _, pageless := range []bool{false, true} {
		var seen []sca.Request
		h := harness(func(f *toy) {
			f.start = func(_ *toy, req sca.Request) (sca.Step, error) {
				seen = append(seen, req)
				return toyStart(req), nil
			}
		})
		h.Pageless = pageless
		scatest.Checks()[0].Run(t, h)
		require.Len(t, seen, 1)
		assert.Equal(t, !pageless, seen[0].Paged)
		assert.Equal(t, pageless, seen[0].ReturnURL == "")
		assert.Equal(t, pageless, seen[0].ReturnState == "")
	}
}
