package persona_test

import (
	"context"
	"encoding/json"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/persona"
	"consentd/pkg/sca"
)

// origin is that of the pages, which the kit uses too.
const origin = "https://bank.example"

// device is where a PSU's passkeys live.
type device struct {
	mu   sync.Mutex
	held []virtualwebauthn.Credential
	// party and not are what the device claims: where it is, and what it leaves out.
	party virtualwebauthn.RelyingParty
	not   virtualwebauthn.AuthenticatorOptions
}

func (d *device) place() virtualwebauthn.RelyingParty {
	if d.party.ID == "" {
		return virtualwebauthn.RelyingParty{ID: "bank.example", Name: issuer, Origin: origin}
	}
	return d.party
}

// wholeKey is how long a public key of P-256 is in COSE. The library of this test
// leaves out the leading zeros of one in 128, which no authenticator does.
const wholeKey = 77

// create makes a passkey.
func (d *device) create(step sca.Step) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	options, err := virtualwebauthn.ParseAttestationOptions(string(step.Fields[0].Options))
	if err != nil {
		panic(err)
	}
	made := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(made.Key.AttestationData()) != wholeKey {
		made = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	d.held = append(d.held, made)
	return virtualwebauthn.CreateAttestationResponse(d.place(), virtualwebauthn.NewAuthenticatorWithOptions(d.not), made, *options)
}

// sign answers by the first passkey that the page takes, and counts.
func (d *device) sign(step sca.Step) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	options, err := virtualwebauthn.ParseAssertionOptions(string(step.Fields[0].Options))
	if err != nil {
		panic(err)
	}
	for i := range d.held {
		if d.held[i].IsAllowedForAssertion(*options) {
			d.held[i].Counter++
			return virtualwebauthn.CreateAssertionResponse(d.place(), virtualwebauthn.NewAuthenticatorWithOptions(d.not), d.held[i], *options)
		}
	}
	return "no passkey of this device"
}

// setBack makes the device a copy that has signed less often.
func (d *device) setBack(by uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held[0].Counter -= by
}

const period = 30 * time.Second

// show is the code of the app that has a key, in a time step that was not shown
// yet: the PSU waits for it.
func (b *bank) show(t testing.TB, key string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.shown[b.now.Unix()/30] {
		b.now = b.now.Add(period)
	}
	b.shown[b.now.Unix()/30] = true
	digits, err := totp.GenerateCode(key, b.now)
	require.NoError(t, err)
	return digits
}

// at is the code of the app at a time from now.
func (b *bank) at(t testing.TB, d time.Duration) string {
	t.Helper()
	digits, err := totp.GenerateCode(b.kept(t), b.Now().Add(d))
	require.NoError(t, err)
	return digits
}

// kept is the key of the app that is set up.
func (b *bank) kept(t testing.TB) string {
	t.Helper()
	raw, err := b.store.Get(context.Background(), psu, "totp")
	require.NoError(t, err)
	var app struct{ Seed []byte }
	require.NoError(t, json.Unmarshal(raw, &app))
	require.NotEmpty(t, app.Seed)
	return secretOf(app.Seed)
}

// scanned is the key that a QR code brings to an app.
func scanned(t testing.TB, step sca.Step) string {
	t.Helper()
	require.NotNil(t, step.QR)
	u, err := url.Parse(step.QR.Content)
	require.NoError(t, err)
	return u.Query().Get("secret")
}

// turns lets one run at a time use what can be used once at a time: the next code
// of the app, the counter of a passkey.
type turns struct {
	mu    sync.Mutex
	free  *sync.Cond
	owner string
}

func (t *turns) take(run string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.owner != "" && t.owner != run {
		t.free.Wait()
	}
	t.owner = run
}

func (t *turns) give(run string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.owner == run {
		t.owner = ""
		t.free.Broadcast()
	}
}

// inTurn is the flow, each call of which gives back the turn of its run.
type inTurn struct {
	*persona.Flow

	bank *bank
}

func (f inTurn) Continue(ctx context.Context, req sca.Request, state []byte, in sca.Input) (sca.Step, error) {
	defer f.bank.turns.give(req.RunID)
	return f.Flow.Continue(ctx, req, state, in)
}

// answering is what a PSU does who has the right password and their devices at
// hand, and chooses so.
func (b *bank) answering(t testing.TB, choice string) func(req sca.Request, step sca.Step) sca.Input {
	t.Helper()
	return func(req sca.Request, step sca.Step) sca.Input {
		if step.Outcome == sca.Wait {
			b.pass(b.slowness)
			return sca.Input{Kind: sca.Poll}
		}
		if len(step.Fields) == 0 {
			return method(choice)
		}
		switch f := step.Fields[0]; {
		case f.Name == persona.FieldLogin:
			return login("lea", "sandbox")
		case f.Kind == sca.PasskeyCreate:
			return signed(b.device.create(step))
		case f.Kind == sca.PasskeyGet:
			b.turns.take(req.RunID)
			return signed(b.device.sign(step))
		case step.QR != nil:
			b.turns.take(req.RunID)
			return code(b.show(t, scanned(t, step)))
		case stands(step).Stage == "app":
			b.turns.take(req.RunID)
			return code(b.show(t, b.kept(t)))
		default:
			return code(b.codeOf(step))
		}
	}
}

func blunder(_ sca.Request, step sca.Step) sca.Input {
	if len(step.Fields) == 0 {
		return method("sms")
	}
	switch step.Fields[0].Name {
	case persona.FieldLogin:
		return login("lea", "SANDBOX")
	case persona.FieldPasskey:
		return signed(`{"type":"public-key"}`)
	default:
		return code("12345")
	}
}
