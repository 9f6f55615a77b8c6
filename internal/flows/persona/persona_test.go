package persona_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/persona"
	"consentd/pkg/sca"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in    sca.Input
		fails error
		want  sca.Step
	}{
		"right":             {in: login("lea", "sandbox"), want: sca.Step{Outcome: sca.Identified, PSU: psu}},
		"spaces round name": {in: login(" lea ", "sandbox"), want: sca.Step{Outcome: sca.Identified, PSU: psu}},
		"wrong password":    {in: login("lea", "sandbox "), want: sca.Step{Outcome: sca.Prompt, Wrong: true}},
		"unknown":           {in: login("eve", "sandbox"), want: sca.Step{Outcome: sca.Prompt, Wrong: true}},
		"no password":       {in: login("lea", ""), fails: errors.New("not to be asked"), want: sca.Step{Outcome: sca.Prompt, Wrong: true}},
		"blocked":           {in: login("lea", "sandbox"), fails: persona.ErrBlocked, want: sca.Step{Outcome: sca.Denied, Blocked: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.bank.fails = c.fails
			got := s.send(t, c.in)
			got.State = nil
			assert.Equal(t, c.want, got)
		})
	}
}

func TestCodeArrives(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]struct{ text, page string }{
		"en":    {"%s is your code for: Demo TPP. Do not share it with anyone, not even with bank staff.", "We have sent a code to " + masked + "."},
		"fr-CA": {"%s est votre code pour : Demo TPP. Ne le communiquez à personne, pas même à un conseiller de la banque.", "Nous avons envoyé un code au " + masked + "."},
		"de":    {"%s ist Ihr Code für: Demo TPP. Geben Sie ihn an niemanden weiter, auch nicht an Mitarbeitende der Bank.", "Wir haben einen Code an " + masked + " gesendet."},
		"pt":    {"%s is your code for: Demo TPP. Do not share it with anyone, not even with bank staff.", "We have sent a code to " + masked + "."},
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.req.Language = lang
			s.toCode(t)
			sent := s.bank.messages()
			require.Len(t, sent, 1)
			assert.Regexp(t, `^\d{6}$`, sent[0].Code)
			assert.Equal(t, psu, sent[0].PSU)
			assert.Equal(t, "run/code/1/0", sent[0].Key)
			assert.Equal(t, fmt.Sprintf(want.text, sent[0].Code), sent[0].Text)
			assert.Equal(t, want.page, s.step.Message)
			assert.NotContains(t, string(s.step.State), sent[0].Code, "the state holds no code")
		})
	}
}

func TestCodeWithoutSummary(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.req.Summary = " "
	s.toCode(t)
	sent := s.bank.messages()[0]
	assert.Equal(t, sent.Code+" is your code. Do not share it with anyone, not even with bank staff.", sent.Text)
}

func TestCodeIsJudged(t *testing.T) {
	t.Parallel()
	done, wrong := sca.Step{Outcome: sca.Done, PSU: psu}, sca.Step{Outcome: sca.Prompt, Wrong: true}
	for name, c := range map[string]struct {
		typed func(code string) string
		after time.Duration
		want  sca.Step
	}{
		"right":              {typed: func(c string) string { return c }, want: done},
		"with spaces":        {typed: func(c string) string { return " " + c[:3] + " " + c[3:] }, want: done},
		"at the last moment": {typed: func(c string) string { return c }, after: 5*time.Minute - time.Microsecond, want: done},
		"empty":              {typed: func(string) string { return "" }, want: wrong},
		"cut short":          {typed: func(c string) string { return c[:5] }, want: wrong},
		"too long":           {typed: func(c string) string { return c + "0" }, want: wrong},
		"another code":       {typed: func(c string) string { return string('0'+(c[0]-'0'+1)%10) + c[1:] }, want: wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t).toCode(t)
			s.bank.pass(c.after)
			got := s.send(t, code(c.typed(s.bank.messages()[0].Code)))
			assert.Equal(t, c.want, got)
		})
	}
}

// TestExpiredCode types a code too late, right or wrong: that is no wrong
// answer, and a new code is sent, which alone counts from then on.
func TestExpiredCode(t *testing.T) {
	t.Parallel()
	for name, typed := range map[string]func(string) string{
		"right": func(c string) string { return c },
		"wrong": func(string) string { return "x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t).toCode(t)
			first := s.bank.messages()[0].Code
			s.bank.pass(5 * time.Minute)
			step := s.send(t, code(typed(first)))
			assert.Equal(t, sca.Prompt, step.Outcome)
			assert.False(t, step.Wrong)
			assert.Equal(t, "That code had expired. We have sent a new one to +33 ••• 42.", step.Message)
			sent := s.bank.messages()
			require.Len(t, sent, 2)
			assert.NotEqual(t, first, sent[1].Code)
			assert.True(t, s.send(t, code(first)).Wrong)
			assert.Equal(t, sca.Done, s.send(t, code(sent[1].Code)).Outcome)
		})
	}
}

func TestBankRefusesTheCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails error
		want  sca.Step
	}{
		"refused": {persona.ErrRefused, sca.Step{Outcome: sca.Denied}},
		"blocked": {persona.ErrBlocked, sca.Step{Outcome: sca.Denied, Blocked: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.send(t, login("lea", "sandbox"))
			s.bank.fails = fmt.Errorf("phone: %w", c.fails)
			assert.Equal(t, c.want, s.send(t, sca.Input{Kind: sca.Approved}))
		})
	}
}

// TestBrokenBank: what is not the PSU's fault is an error, at each call.
func TestBrokenBank(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, prepare := range map[string]func(t *testing.T, s *bundle) sca.Input{
		"password": func(*testing.T, *bundle) sca.Input { return login("lea", "sandbox") },
		"sending": func(t *testing.T, s *bundle) sca.Input {
			t.Helper()
			s.send(t, login("lea", "sandbox"))
			return sca.Input{Kind: sca.Approved}
		},
		"release": func(t *testing.T, s *bundle) sca.Input {
			t.Helper()
			s.toCode(t)
			return code(s.bank.messages()[0].Code)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			in := prepare(t, s)
			s.bank.fails = down
			_, err := s.flow.Continue(t.Context(), s.req, s.step.State, in)
			require.ErrorIs(t, err, down)
		})
	}
}

func TestSlowBank(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.bank.slowness = 30 * time.Second
	s.toCode(t)
	got := s.send(t, code(s.bank.messages()[0].Code))
	assert.Equal(t, sca.Wait, got.Outcome)
	assert.Equal(t, 2*time.Second, got.PollAfter)
	assert.NotEmpty(t, got.Message)

	s.bank.pass(30*time.Second - time.Microsecond)
	assert.Equal(t, sca.Wait, s.send(t, sca.Input{Kind: sca.Poll}).Outcome)
	s.bank.pass(time.Microsecond)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, s.send(t, sca.Input{Kind: sca.Callback}))
}

// TestCodesDiffer: another step, another key, another code; and all digits are
// in use at every place.
func TestCodesDiffer(t *testing.T) {
	t.Parallel()
	seen, digits := map[string]bool{}, [6]map[byte]bool{}
	for i := range digits {
		digits[i] = map[byte]bool{}
	}
	b := newBank()
	f := flowFor(t, b)
	known := fmt.Appendf(nil, `{"stage":"known","psu":%q}`, psu)
	for i := range 400 {
		_, err := f.Continue(t.Context(), sca.Request{RunID: fmt.Sprint(i), StepKey: "step"}, known, sca.Input{Kind: sca.Approved})
		require.NoError(t, err)
	}
	for _, m := range b.messages() {
		seen[m.Code] = true
		for i := range digits {
			digits[i][m.Code[i]] = true
		}
	}
	assert.Greater(t, len(seen), 395, "400 codes of a million rarely meet")
	for i := range digits {
		assert.Len(t, digits[i], 10)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	b := newBank()
	whole := configFor(b)
	for name, spoil := range map[string]func(c *persona.Config){
		"no directory": func(c *persona.Config) { c.Directory = nil },
		"no phone":     func(c *persona.Config) { c.Phone = nil },
		"no store":     func(c *persona.Config) { c.Store = nil },
		"no clock":     func(c *persona.Config) { c.Now = nil },
		"no issuer":    func(c *persona.Config) { c.Issuer = " : " },
		"short key":    func(c *persona.Config) { c.Key = c.Key[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := whole
			spoil(&c)
			_, err := persona.New(c)
			require.Error(t, err)
		})
	}
	_, err := persona.New(whole)
	require.NoError(t, err)
}

func TestApproaches(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []sca.Approach{sca.InRedirect, sca.InEmbedded}, flowFor(t, newBank()).Approaches())
}

// FuzzState: no bytes that reach the flow as its state break it, and none get
// anybody through without a factor.
func FuzzState(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"stage":"code"}`, `{"stage":"code","psu":"x","key":"y","expires":"2030-01-01T00:00:00Z"}`,
		`{"stage":"login","psu":"x"}`, `{"stage":"app","psu":"x"}`, `{"stage":"newApp","psu":"x","key":"y"}`,
		`{"stage":"passkey","psu":"x","ceremony":{"challenge":""},"expires":"2030-01-01T00:00:00Z"}`,
		`{"stage":"newPasskey","psu":"x","ceremony":{"challenge":""},"expires":"2030-01-01T00:00:00Z"}`,
		`{"stage":"code","psu":"x","key":"y","expires":"2020-01-01T00:00:00Z","methods":[{"ID":"z","Type":"TOTP"}],"method":"z"}`,
	} {
		f.Add([]byte(seed))
	}
	flow := flowFor(f, newBank())
	f.Fuzz(func(t *testing.T, raw []byte) {
		req := sca.Request{StepKey: "k", Paged: true, ReturnURL: origin}
		for _, in := range []sca.Input{code(""), signed(""), method("z")} {
			step, err := flow.Continue(t.Context(), req, raw, in)
			if err == nil {
				assert.Contains(t, []sca.Outcome{sca.Prompt, sca.Denied}, step.Outcome)
			}
		}
	})
}
