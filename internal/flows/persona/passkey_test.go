package persona_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/sca"
)

// options are those of navigator.credentials.create and get that matter here.
type options struct {
	PublicKey struct {
		RP                     struct{ ID, Name string }
		RPID                   string `json:"rpId"`
		User                   struct{ ID, Name, DisplayName string }
		Challenge              string
		Timeout                int
		Attestation            string
		UserVerification       string
		AllowCredentials       []struct{ ID string }
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
	}
}

func optionsOf(t *testing.T, step sca.Step, kind sca.FieldKind) options {
	t.Helper()
	require.Len(t, step.Fields, 1)
	require.Equal(t, kind, step.Fields[0].Kind)
	require.Equal(t, "passkey", step.Fields[0].Name)
	var o options
	require.NoError(t, json.Unmarshal(step.Fields[0].Options, &o))
	return o
}

// toCreate brings a run to where a passkey is created.
func toCreate(t *testing.T, b *bank, run string) *bundle {
	t.Helper()
	b.methods = allMethods()
	s := at(t, b, run, passkey.ID)
	s.send(t, code(b.codeOf(s.step)))
	return s
}

func TestPasskeyIsSetUpAndUsed(t *testing.T) {
	t.Parallel()
	b := newBank()
	b.methods = allMethods()
	s := at(t, b, "run", passkey.ID)
	assert.Contains(t, s.step.Message, "Before you create a passkey")
	assert.Contains(t, b.messages()[0].Text, "creating a passkey for Example Bank")
	step := s.send(t, code(b.codeOf(s.step)))
	o := optionsOf(t, step, sca.PasskeyCreate).PublicKey
	assert.Equal(t, []string{"bank.example", issuer, "lea", "Léa Martin"}, []string{o.RP.ID, o.RP.Name, o.User.Name, o.User.DisplayName})
	assert.Equal(t, []string{"none", "preferred", "required"},
		[]string{o.Attestation, o.AuthenticatorSelection.ResidentKey, o.AuthenticatorSelection.UserVerification})
	assert.Equal(t, 300_000, o.Timeout)
	assert.Len(t, o.Challenge, 43, "32 bytes")
	assert.NotContains(t, o.User.ID, psu)
	assert.Equal(t, "Passkey", step.Fields[0].Label)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, s.send(t, signed(b.device.create(step))))

	again := at(t, b, "again", passkey.ID)
	require.Len(t, b.messages(), 1, "no code is sent any more")
	use := optionsOf(t, again.step, sca.PasskeyGet).PublicKey
	assert.Equal(t, []string{"bank.example", "required"}, []string{use.RPID, use.UserVerification})
	assert.Len(t, use.AllowCredentials, 1)
	assert.NotEqual(t, o.Challenge, use.Challenge)
	assert.Equal(t, named(passkey, sms, push, byApp), again.step.Methods)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, again.send(t, signed(b.device.sign(again.step))))
}

// spoiled are devices, or what somebody stands between, that no passkey may get
// past.
func spoiled() map[string]func(d *device) {
	place := func(id, origin string) func(d *device) {
		return func(d *device) { d.party = virtualwebauthn.RelyingParty{ID: id, Name: issuer, Origin: origin} }
	}
	return map[string]func(d *device){
		"another origin":                     place("bank.example", "https://evil.example"),
		"a look-alike origin":                place("bank.example", "https://bank.example.evil.example"),
		"another port":                       place("bank.example", "https://bank.example:8443"),
		"no TLS":                             place("bank.example", "http://bank.example"),
		"another party":                      place("evil.example", origin),
		"nobody verified by the device":      func(d *device) { d.not.UserNotVerified = true },
		"nobody present":                     func(d *device) { d.not.UserNotPresent = true },
		"kept elsewhere, but not to be kept": func(d *device) { d.not.BackupState = true },
	}
}

var refusal = sca.Step{Outcome: sca.Prompt, Wrong: true, Message: "Please try again, or choose another way to confirm."}

func TestPasskeyIsNotCreated(t *testing.T) {
	t.Parallel()
	for name, spoil := range spoiled() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank()
			s := toCreate(t, b, "run")
			spoil(&b.device)
			assert.Equal(t, refusal, s.send(t, signed(b.device.create(s.step))))
			assert.Zero(t, b.store.count())
		})
	}
	t.Run("another challenge", func(t *testing.T) {
		t.Parallel()
		b := newBank()
		s, other := toCreate(t, b, "run"), toCreate(t, b, "other")
		assert.Equal(t, refusal, s.send(t, signed(b.device.create(other.step))))
		assert.Zero(t, b.store.count())
	})
	t.Run("no passkey", func(t *testing.T) {
		t.Parallel()
		s := toCreate(t, newBank(), "run")
		for _, answer := range []string{"", "{}", "null", "[]", "\x00", `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`} {
			assert.Equal(t, refusal, s.send(t, signed(answer)))
		}
	})
}

func TestPasskeyIsNotTaken(t *testing.T) {
	t.Parallel()
	for name, spoil := range spoiled() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := owning(t, passkey.ID)
			s := at(t, b, "run", passkey.ID)
			spoil(&b.device)
			before := b.store.count()
			assert.Equal(t, refusal, s.send(t, signed(b.device.sign(s.step))))
			assert.Equal(t, before, b.store.count())
		})
	}
	t.Run("another challenge", func(t *testing.T) {
		t.Parallel()
		b := owning(t, passkey.ID)
		s, other := at(t, b, "run", passkey.ID), at(t, b, "other", passkey.ID)
		assert.Equal(t, refusal, s.send(t, signed(b.device.sign(other.step))))
	})
	t.Run("another passkey", func(t *testing.T) {
		t.Parallel()
		b := owning(t, passkey.ID)
		s := at(t, b, "run", passkey.ID)
		whole, stranger := b.device.held[0], virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		b.device.held[0].Key = stranger.Key
		assert.Equal(t, refusal, s.send(t, signed(b.device.sign(s.step))), "with the same name")
		b.device.held[0] = whole
		assert.Equal(t, sca.Done, s.send(t, signed(b.device.sign(s.step))).Outcome)
	})
	t.Run("an answer that creates", func(t *testing.T) {
		t.Parallel()
		b := newBank()
		creating := toCreate(t, b, "run")
		answer := b.device.create(creating.step)
		require.Equal(t, sca.Done, creating.send(t, signed(answer)).Outcome)
		assert.Equal(t, refusal, at(t, b, "use", passkey.ID).send(t, signed(answer)))
	})
	t.Run("no passkey", func(t *testing.T) {
		t.Parallel()
		s := at(t, owning(t, passkey.ID), "run", passkey.ID)
		for _, answer := range []string{"", "{}", "null", "[]", "\x00", `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`} {
			assert.Equal(t, refusal, s.send(t, signed(answer)))
		}
	})
}

// TestCopiedPasskey: a device whose counter does not grow may be a copy.
func TestCopiedPasskey(t *testing.T) {
	t.Parallel()
	b := owning(t, passkey.ID)
	for _, run := range []string{"a", "b"} {
		s := at(t, b, run, passkey.ID)
		require.Equal(t, sca.Done, s.send(t, signed(b.device.sign(s.step))).Outcome)
	}
	s := at(t, b, "copy", passkey.ID)
	b.device.setBack(1)
	assert.Equal(t, refusal, s.send(t, signed(b.device.sign(s.step))), "the same count")
	b.device.setBack(2)
	assert.Equal(t, refusal, s.send(t, signed(b.device.sign(s.step))), "a lower one")
	b.device.setBack(^uint32(0) - 4) // five ahead
	assert.Equal(t, sca.Done, s.send(t, signed(b.device.sign(s.step))).Outcome, "the PSU's own has gone on")
}

// TestSameCountAtOnce: of a device and its copies, which sign at the same time, one
// gets through.
func TestSameCountAtOnce(t *testing.T) {
	t.Parallel()
	b := owning(t, passkey.ID)
	runs := make([]*bundle, 8)
	for i := range runs {
		runs[i] = at(t, b, string(rune('a'+i)), passkey.ID)
	}
	assert.EqualValues(t, 1, through(t, runs, func(s *bundle) sca.Input {
		answer := b.device.sign(s.step)
		b.device.setBack(1)
		return signed(answer)
	}))
}

// TestPasskeyThatDoesNotCount: those that are kept in step on several devices stay
// at zero.
func TestPasskeyThatDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBank()
	b.device.not = virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true}
	b.methods = allMethods()
	walk(t, b, passkey.ID)
	for _, run := range []string{"a", "b"} {
		s := at(t, b, run, passkey.ID)
		b.device.setBack(1)
		assert.Equal(t, sca.Done, s.send(t, signed(b.device.sign(s.step))).Outcome)
		b.device.held[0].Counter = 1
	}
}

// TestRepeatedPasskey: the call that has used a count may come again, and no other.
func TestRepeatedPasskey(t *testing.T) {
	t.Parallel()
	b := owning(t, passkey.ID)
	s := at(t, b, "run", passkey.ID)
	before, in := s.step, signed(b.device.sign(s.step))
	require.Equal(t, sca.Done, s.send(t, in).Outcome)
	other := at(t, b, "other", passkey.ID)
	require.Equal(t, sca.Done, other.send(t, signed(b.device.sign(other.step))).Outcome)
	step, err := s.flow.Continue(t.Context(), s.req, before.State, in)
	require.NoError(t, err)
	assert.Equal(t, sca.Done, step.Outcome)
	s.req.StepKey = "another"
	step, err = s.flow.Continue(t.Context(), s.req, before.State, in)
	require.NoError(t, err)
	assert.True(t, step.Wrong)
}

// TestLatePasskey: an answer that comes too late is not judged; the page asks anew.
func TestLatePasskey(t *testing.T) {
	t.Parallel()
	b := newBank()
	s := toCreate(t, b, "run")
	first := optionsOf(t, s.step, sca.PasskeyCreate)
	answer := b.device.create(s.step)
	b.pass(5 * time.Minute)
	step := s.send(t, signed(answer))
	assert.Equal(t, "That took too long. Please try again.", step.Message)
	assert.NotEqual(t, first.PublicKey.Challenge, optionsOf(t, step, sca.PasskeyCreate).PublicKey.Challenge)
	assert.Equal(t, refusal, s.send(t, signed(answer)))
	require.Equal(t, sca.Done, s.send(t, signed(b.device.create(s.step))).Outcome)

	use := at(t, b, "use", passkey.ID)
	b.device.held = b.device.held[1:]
	answer = b.device.sign(use.step)
	b.pass(5 * time.Minute)
	step = use.send(t, signed(answer))
	assert.Equal(t, "That took too long. Please try again.", step.Message)
	assert.Equal(t, refusal, use.send(t, signed(answer)))
	assert.Equal(t, sca.Done, use.send(t, signed(b.device.sign(use.step))).Outcome)
}

// TestTwoRunsCreateAPasskey: both are the PSU's, who has proven so in each.
func TestTwoRunsCreateAPasskey(t *testing.T) {
	t.Parallel()
	b := newBank()
	first, second := toCreate(t, b, "first"), toCreate(t, b, "second")
	b.store.before = func() { assert.Equal(t, sca.Done, second.send(t, signed(b.device.create(second.step))).Outcome) }
	assert.Equal(t, sca.Done, first.send(t, signed(b.device.create(first.step))).Outcome)
	s := at(t, b, "use", passkey.ID)
	assert.Len(t, optionsOf(t, s.step, sca.PasskeyGet).PublicKey.AllowCredentials, 2)
	assert.Equal(t, sca.Done, s.send(t, signed(b.device.sign(s.step))).Outcome)
}

// TestPasskeyOrAnotherWay: the PSU who cannot use the passkey here takes a code.
func TestPasskeyOrAnotherWay(t *testing.T) {
	t.Parallel()
	b := owning(t, passkey.ID)
	s := at(t, b, "run", passkey.ID)
	step := s.send(t, method(sms.ID))
	assert.Equal(t, named(sms, push, byApp, passkey), step.Methods)
	back := s.send(t, method(passkey.ID))
	optionsOf(t, back, sca.PasskeyGet)
	s.send(t, method(sms.ID))
	assert.Equal(t, sca.Done, s.send(t, code(b.codeOf(s.step))).Outcome)
}
