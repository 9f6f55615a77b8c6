package persona_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
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
	issuer = "Example Bank"
)

// bank is a bank of one PSU with a phone, an authenticator app and a device for
// passkeys, whose clock only the test turns.
type bank struct {
	store *memory

	mu       sync.Mutex
	now      time.Time
	sent     []persona.Message
	fails    error         // of every call
	slowness time.Duration // until Ready
	methods  []sca.Method
	device   device
	shown    map[int64]bool // the time steps of the codes that the app has shown
	turns    turns
}

func newBank() *bank {
	b := &bank{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), shown: map[int64]bool{}, store: &memory{}}
	b.turns.free = sync.NewCond(&b.turns.mu)
	return b
}

func (b *bank) Authenticate(_ context.Context, login, password string) (persona.PSU, error) {
	switch {
	case b.fails != nil:
		return persona.PSU{}, b.fails
	case login != "lea" || password != "sandbox":
		return persona.PSU{}, persona.ErrWrong
	}
	return persona.PSU{ID: psu, Name: "Léa Martin"}, nil
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

// messages are all that were sent.
func (b *bank) messages() []persona.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

// codeOf is the code that was sent for a step.
func (b *bank) codeOf(step sca.Step) string {
	key := stands(step).Key
	for _, m := range b.messages() {
		if m.Key == key {
			return m.Code
		}
	}
	return "none"
}

// stood is what tests read in the flow's own state.
type stood struct{ Stage, Key string }

// stands is empty for a state that the kit has broken.
func stands(step sca.Step) stood {
	var s stood
	if json.Unmarshal(step.State, &s) != nil {
		return stood{}
	}
	return s
}

// memory is the flow's store, whose changes are counted.
type memory struct {
	scatest.Store

	mu      sync.Mutex
	changes int
	fails   error
	before  func() // runs once before the next change
	stuck   bool   // nothing is ever swapped
}

func (m *memory) Get(ctx context.Context, who, key string) ([]byte, error) {
	if m.fails != nil {
		return nil, m.fails
	}
	return m.Store.Get(ctx, who, key)
}

func (m *memory) Swap(ctx context.Context, who, key string, old, value []byte) (bool, error) {
	if between := m.before; between != nil {
		m.before = nil
		between()
	}
	if m.stuck {
		return false, nil
	}
	swapped, err := m.Store.Swap(ctx, who, key, old, value)
	if swapped {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.changes++
	}
	return swapped, err
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changes
}

func configFor(b *bank) persona.Config {
	return persona.Config{
		Directory: b, Phone: b, Release: b, Store: b.store, Issuer: issuer, Now: b.Now, Key: bytes.Repeat([]byte{7}, persona.MinKey),
	}
}

func flowFor(t testing.TB, b *bank) *persona.Flow {
	t.Helper()
	f, err := persona.New(configFor(b))
	require.NoError(t, err)
	return f
}

func login(user, password string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{persona.FieldLogin: user, persona.FieldPassword: password}}
}

func code(digits string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{persona.FieldCode: digits}}
}

func signed(answer string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{persona.FieldPasskey: answer}}
}

func method(id string) sca.Input { return sca.Input{Kind: sca.Form, MethodID: id} }

// The methods of the PSU.
var (
	sms     = sca.Method{ID: "m1", Type: "SMS_OTP", Name: "SMS to " + masked}
	push    = sca.Method{ID: "m2", Type: "PUSH_OTP", Name: "App"}
	byApp   = sca.Method{ID: "m3", Type: "TOTP", Name: "the bank's word"}
	passkey = sca.Method{ID: "m4", Type: "PASSKEY", Name: "the bank's word"}
)

// named are methods as the flow lists them.
func named(list ...sca.Method) []sca.Method {
	for i := range list {
		switch list[i].Type {
		case "TOTP":
			list[i].Name = "Authenticator app"
		case "PASSKEY":
			list[i].Name = "Passkey"
		}
	}
	return list
}

// twoMethods are a choice.
func twoMethods() []sca.Method { return []sca.Method{sms, push} }

// allMethods are one of each.
func allMethods() []sca.Method { return []sca.Method{sms, push, byApp, passkey} }
