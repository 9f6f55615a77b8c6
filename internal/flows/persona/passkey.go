package persona

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"consentd/pkg/sca"
)

// passkeys are those of a PSU, for all origins under which our pages were seen.
type passkeys struct {
	// User names the PSU to authenticators. It tells them nothing, and stays.
	User []byte    `json:"user"`
	Keys []passkey `json:"keys"`
}

type passkey struct {
	Party      string              `json:"party"` // the id of the relying party
	Credential webauthn.Credential `json:"credential"`
	Used       []use               `json:"used"` // the latest last
}

// has reports whether there is one for a party.
func (p *passkeys) has(party string) bool {
	return p != nil && slices.ContainsFunc(p.Keys, func(k passkey) bool { return k.Party == party })
}

// of lists the keys for a party.
func (p *passkeys) of(party string) []webauthn.Credential {
	if p == nil {
		return nil
	}
	var list []webauthn.Credential
	for _, k := range p.Keys {
		if k.Party == party {
			list = append(list, k.Credential)
		}
	}
	return list
}

// owner is the PSU of a run, with their keys for a party.
func (f *Flow) owner(s state, p *passkeys, party string) owner {
	o := owner{id: derive(f.c.Key, forUser, s.PSU), account: s.Account, name: cmp.Or(s.Name, s.Account), keys: p.of(party)}
	if p != nil {
		o.id = p.User
	}
	return o
}

var errNoParty = errors.New("persona flow: a passkey without a page of a named host")

// askPasskey asks the browser for an answer by a passkey that is set up.
func (f *Flow) askPasskey(ctx context.Context, req sca.Request, s state, message string) (sca.Step, error) {
	p := partyOf(req)
	keys, err := read[passkeys](ctx, f.c.Store, s.PSU, keyPasskeys)
	switch {
	case err != nil:
		return sca.Step{}, fmt.Errorf("read passkeys: %w", err)
	case p.id == "":
		return sca.Step{}, errNoParty
	}
	web, err := f.relyingParty(p)
	if err != nil {
		return sca.Step{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	options, session, err := web.BeginLogin(f.owner(s, keys, p.id),
		webauthn.WithLoginOrigin(p.origin), webauthn.WithChallenge(derive(f.c.Key, forChallenge, req.StepKey)))
	if err != nil {
		return sca.Step{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	s.Stage, s.Ceremony = stagePasskey, session
	return f.browser(ctx, req, s, sca.Field{Kind: sca.PasskeyGet}, options, message)
}

// setUpPasskey asks the browser to create a passkey.
func (f *Flow) setUpPasskey(ctx context.Context, req sca.Request, s state, message string) (sca.Step, error) {
	p := partyOf(req)
	keys, err := read[passkeys](ctx, f.c.Store, s.PSU, keyPasskeys)
	switch {
	case err != nil:
		return sca.Step{}, fmt.Errorf("read passkeys: %w", err)
	case p.id == "":
		return sca.Step{}, errNoParty
	}
	web, err := f.relyingParty(p)
	if err != nil {
		return sca.Step{}, fmt.Errorf("create a passkey: %w", err)
	}
	options, session, err := web.BeginRegistration(f.owner(s, keys, p.id), webauthn.WithRegistrationOrigin(p.origin),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge = derive(f.c.Key, forChallenge, req.StepKey)
			return nil
		})
	if err != nil {
		return sca.Step{}, fmt.Errorf("create a passkey: %w", err)
	}
	s.Stage, s.Ceremony = stageNewPasskey, session
	return f.browser(ctx, req, s, sca.Field{Kind: sca.PasskeyCreate}, options, message)
}

// browser is the page whose script asks the browser for what a passkey says.
func (f *Flow) browser(ctx context.Context, req sca.Request, s state, field sca.Field, options any, message string) (sca.Step, error) {
	raw, err := json.Marshal(options)
	if err != nil {
		return sca.Step{}, fmt.Errorf("encode the options of a passkey: %w", err)
	}
	field.Name, field.Label, field.Options = FieldPasskey, textsFor(req.Language).KeyName, raw
	s.Expires = f.c.Now().Add(challengeTTL)
	return f.prompt(ctx, req, s, sca.Step{Fields: []sca.Field{field}, Message: message})
}

// judgeNewPasskey verifies that a passkey was created for this run, and keeps it.
func (f *Flow) judgeNewPasskey(ctx context.Context, req sca.Request, s state, typed string) (sca.Step, error) {
	t := textsFor(req.Language)
	if !f.c.Now().Before(s.Expires) {
		return f.setUpPasskey(ctx, req, s, t.TooLate)
	}
	web, err := f.relyingParty(partyIn(s.Ceremony))
	if err != nil {
		return sca.Step{}, fmt.Errorf("verify a new passkey: %w", err)
	}
	created := verifyNew(web, s.Ceremony, typed)
	if created == nil {
		return wrong(t.BadKey), nil
	}
	err = amend(ctx, f.c.Store, s.PSU, keyPasskeys, func(p *passkeys) (*passkeys, error) {
		if p == nil {
			p = &passkeys{User: s.Ceremony.UserID}
		}
		// The same answer to the same challenge: the call is repeated.
		if slices.ContainsFunc(p.Keys, func(k passkey) bool { return bytes.Equal(k.Credential.ID, created.ID) }) {
			return nil, nil
		}
		p.Keys = append(p.Keys, passkey{Party: s.Ceremony.RelyingPartyID, Credential: *created})
		return p, nil
	})
	if err != nil {
		return sca.Step{}, fmt.Errorf("keep a passkey: %w", err)
	}
	return f.through(ctx, req, s)
}

// judgePasskey verifies the answer of a passkey.
func (f *Flow) judgePasskey(ctx context.Context, req sca.Request, s state, typed string) (sca.Step, error) {
	t := textsFor(req.Language)
	if !f.c.Now().Before(s.Expires) {
		return f.askPasskey(ctx, req, s, t.TooLate)
	}
	web, err := f.relyingParty(partyIn(s.Ceremony))
	if err != nil {
		return sca.Step{}, fmt.Errorf("verify a passkey: %w", err)
	}
	result := refuse
	err = amend(ctx, f.c.Store, s.PSU, keyPasskeys, func(p *passkeys) (*passkeys, error) {
		signed, counter := verify(web, f.owner(s, p, s.Ceremony.RelyingPartyID), s.Ceremony, typed)
		if signed == nil {
			result = refuse
			return nil, nil
		}
		if result = p.take(signed, counter, req.StepKey); result != accept {
			return nil, nil
		}
		return p, nil
	})
	switch {
	case err != nil:
		return sca.Step{}, fmt.Errorf("judge a passkey: %w", err)
	case result == refuse:
		return wrong(t.BadKey), nil
	default:
		return f.through(ctx, req, s)
	}
}

// take judges the counter of a passkey that has signed, and remembers it. One that
// does not grow is a sign of a copy (WebAuthn level 3 §6.1.1), unless the call
// that brought it is repeated. Passkeys that are kept in step on several devices
// do not count: theirs stays zero, and the challenge alone tells answers apart.
func (p *passkeys) take(signed *webauthn.Credential, counter uint32, by string) verdict {
	i := slices.IndexFunc(p.Keys, func(k passkey) bool { return bytes.Equal(k.Credential.ID, signed.ID) })
	if i < 0 {
		return refuse
	}
	k := &p.Keys[i]
	u := use{Mark: int64(counter), By: by}
	switch {
	case slices.Contains(k.Used, u):
		return repeated
	case signed.Authenticator.CloneWarning:
		return refuse
	}
	k.Credential, k.Used = *signed, used(k.Used, u)
	return accept
}

// partyIn is the party for which a ceremony was begun.
func partyIn(c *webauthn.SessionData) party { return party{id: c.RelyingPartyID, origin: c.Origin} }

// verifyNew returns the passkey that an answer of the browser shows to have been
// created for a ceremony, and nil for any other answer. Why one is refused is
// nothing that the PSU could mend, and the library's reasons quote what was sent.
func verifyNew(web *webauthn.WebAuthn, ceremony *webauthn.SessionData, answer string) *webauthn.Credential {
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return nil
	}
	created, err := web.CreateCredential(owner{id: ceremony.UserID}, *ceremony, parsed)
	if err != nil {
		return nil
	}
	return created
}

// verify returns the passkey that an answer of the browser shows to have signed a
// ceremony, with its counter, and nil for any other answer.
func verify(web *webauthn.WebAuthn, who owner, ceremony *webauthn.SessionData, answer string) (*webauthn.Credential, uint32) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return nil, 0
	}
	signed, err := web.ValidateLogin(who, *ceremony, parsed)
	if err != nil {
		return nil, 0
	}
	return signed, parsed.Response.AuthenticatorData.Counter
}
