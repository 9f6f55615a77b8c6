package otp_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/flows/otp"
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
	sent     []otp.Message
	fails    error         // of every call
	slowness time.Duration // until Ready
}

func newBank() *bank { return &bank{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)} }

func (b *bank) Authenticate(_ context.Context, login, password string) (otp.PSU, error) {
	switch {
	case b.fails != nil:
		return otp.PSU{}, b.fails
	case login != "lea" || password != "sandbox":
		return otp.PSU{}, otp.ErrWrong
	}
	return otp.PSU{ID: psu, Name: "LEA"}, nil
}

func (b *bank) Send(_ context.Context, m otp.Message) (string, error) {
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
func (b *bank) messages(run string) []otp.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []otp.Message
	for _, m := range b.sent {
		if run == "" || strings.HasPrefix(m.Key, run+"/") {
			found = append(found, m)
		}
	}
	return found
}

func flowFor(t testing.TB, b *bank) *otp.Flow {
	t.Helper()
	f, err := otp.New(otp.Config{
		Directory: b, Phone: b, Release: b, Now: b.Now, Key: bytes.Repeat([]byte{7}, otp.MinKey),
	})
	require.NoError(t, err)
	return f
}

func login(user, password string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{otp.FieldLogin: user, otp.FieldPassword: password}}
}

func code(digits string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{otp.FieldCode: digits}}
}

// answer is what a PSU with the right password and their phone at hand does.
func (b *bank) answer(req sca.Request, step sca.Step) sca.Input {
	switch {
	case step.Outcome == sca.Wait:
		b.pass(b.slowness)
		return sca.Input{Kind: sca.Poll}
	case step.Fields[0].Name == otp.FieldLogin:
		return login("lea", "sandbox")
	}
	sent := b.messages(req.RunID)
	return code(sent[len(sent)-1].Code)
}

func (b *bank) blunder(_ sca.Request, step sca.Step) sca.Input {
	if step.Fields[0].Name == otp.FieldLogin {
		return login("lea", "SANDBOX")
	}
	return code("12345")
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, slowness := range map[string]time.Duration{"quick bank": 0, "slow bank": 30 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scatest.Run(t, scatest.Harness{
				Prompts:   2,
				Languages: []string{"en", "fr", "de"},
				New: func(t testing.TB) scatest.Bench {
					t.Helper()
					b := newBank()
					b.slowness = slowness
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
