package persona_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/flows/persona"
	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

const (
	psu    = "psu-7"
	masked = "+33 ••• 42"
)

// bank is a bank of one PSU, whose clock only the test turns.
type bank struct {
	mu       sync.Mutex
	now      time.Time
	sent     []persona.Message
	fails    error         // of every call
	slowness time.Duration // until Ready
	methods  []sca.Method
}

func newBank() *bank { return &bank{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)} }

func (b *bank) Authenticate(_ context.Context, login, password string) (persona.PSU, error) {
	switch {
	case b.fails != nil:
		return persona.PSU{}, b.fails
	case login != "lea" || password != "sandbox":
		return persona.PSU{}, persona.ErrWrong
	}
	return persona.PSU{ID: psu, Name: "LEA"}, nil
}

func (b *bank) Methods(context.Context, string) ([]sca.Method, error) { return b.methods, b.fails }

func (b *bank) Send(_ context.Context, m persona.Message) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return "", b.fails
	}
	for _, former := range b.sent {
		if former.Key == m.Key {
			return masked, nil
		}
	}
	b.sent = append(b.sent, m)
	return masked, nil
}

func (b *bank) Ready(_ context.Context, _ string, since time.Time) (bool, error) {
	return !b.Now().Before(since.Add(b.slowness)), b.fails
}

func (b *bank) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bank) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// messages are those of one run, or all.
func (b *bank) messages(run string) []persona.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []persona.Message
	for _, m := range b.sent {
		if run == "" || strings.HasPrefix(m.Key, run+"/") {
			found = append(found, m)
		}
	}
	return found
}

func flowFor(t testing.TB, b *bank) *persona.Flow {
	t.Helper()
	f, err := persona.New(persona.Config{
		Directory: b, Phone: b, Release: b, Now: b.Now, Key: bytes.Repeat([]byte{7}, persona.MinKey),
	})
	require.NoError(t, err)
	return f
}

func login(user, password string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{persona.FieldLogin: user, persona.FieldPassword: password}}
}

func code(digits string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{persona.FieldCode: digits}}
}

func method(id string) sca.Input { return sca.Input{Kind: sca.Form, MethodID: id} }

// twoMethods are a choice.
func twoMethods() []sca.Method {
	return []sca.Method{{ID: "m1", Type: "SMS_OTP", Name: "SMS to " + masked}, {ID: "m2", Type: "PUSH_OTP", Name: "App"}}
}

// answer is what a PSU with the right password and their phone at hand does.
func (b *bank) answer(req sca.Request, step sca.Step) sca.Input {
	switch {
	case step.Outcome == sca.Wait:
		b.pass(b.slowness)
		return sca.Input{Kind: sca.Poll}
	case len(step.Fields) == 0:
		return method(step.Methods[1].ID)
	case step.Fields[0].Name == persona.FieldLogin:
		return login("lea", "sandbox")
	}
	sent := b.messages(req.RunID)
	return code(sent[len(sent)-1].Code)
}

func (b *bank) blunder(_ sca.Request, step sca.Step) sca.Input {
	if len(step.Fields) == 0 {
		return method("sms")
	}
	if step.Fields[0].Name == persona.FieldLogin {
		return login("lea", "SANDBOX")
	}
	return code("12345")
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		slowness time.Duration
		methods  []sca.Method
		prompts  int
	}{
		"quick bank":      {prompts: 2},
		"slow bank":       {slowness: 30 * time.Second, prompts: 2},
		"one method":      {methods: twoMethods()[:1], prompts: 2},
		"several methods": {methods: twoMethods(), prompts: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scatest.Run(t, scatest.Harness{
				Prompts:   c.prompts,
				Languages: []string{"en", "fr", "de"},
				New: func(t testing.TB) scatest.Bench {
					t.Helper()
					b := newBank()
					b.slowness, b.methods = c.slowness, c.methods
					return scatest.Bench{
						PSU: psu, Right: b.answer, Wrong: b.blunder,
						Flow:    func() sca.Flow { return flowFor(t, b) },
						Effects: func() int { return len(b.messages("")) },
					}
				},
			})
		})
	}
}
