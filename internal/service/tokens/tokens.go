// Package tokens keeps the bearer tokens of the bank's own callers: its resource
// server, its dashboard, its back office and its hub.
//
// A token is a secret of 256 random bits that is shown once, when it is made.
// What is kept is a MAC of it, with a key that is outside the database, so that
// whoever reads or writes the table can neither learn a secret nor make one. A
// seal, a MAC too, holds the row together: a token whose role, name or end was
// edited, that was given the secret of another or lost its mark of having been
// revoked, opens nothing. What a seal cannot show is a whole row put back as it
// was before it was revoked; the audit does, see package ledger.
// A token that was good is believed for a second (Memory), since decisions on reads
// begin with it; then the database is asked again, so that a token that was revoked
// opens nothing any more, at any replica, a second later. Who makes and revokes
// tokens is an operator at the machine; both write an entry of the audit, in a
// chain of the token's own, in the same transaction.
package tokens

import (
	"context"
	"crypto/hmac"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
)

// Token is what is known of a bearer token.
type Token struct {
	ID        uuid.UUID
	Name      string // what the operator calls it
	Role      service.Role
	CreatedAt time.Time
	ExpiresAt time.Time // zero: it has no end
	RevokedAt time.Time // zero: it has not been revoked
}

// Good reports whether the token opens anything at now.
func (t *Token) Good(now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// Store is what the tokens need of storage. Implementations pass storagetest.
type Store interface {
	// AddToken writes a token, with the first entry of its chain.
	AddToken(ctx context.Context, r Record, e consent.Entry) error
	// TokenByMAC reads the token with a MAC. Fails with CodeNotFound.
	TokenByMAC(ctx context.Context, mac []byte) (Record, error)
	// Tokens reads all of them, in the order of their making.
	Tokens(ctx context.Context) ([]Token, error)
	// ChangeToken applies change to a token and writes when it was revoked and its
	// seal with the entry that change returns, at the end of the token's chain;
	// without an entry nothing is written. change may run more than once, so it must
	// have no other effect. Fails with CodeNotFound.
	ChangeToken(ctx context.Context, id uuid.UUID, change func(*Record) (*consent.Entry, error)) (Token, error)
}

// Record is a token as it is stored.
type Record struct {
	Token
	MAC  []byte // of the secret
	Seal []byte // over the rest of the row
}

// Tokens holds the use cases.
type Tokens struct {
	Store Store
	Keys  *secret.Keys
	Now   func() time.Time
	// Memory is for how long a token that was good is believed without a look into
	// the database; 0: not at all.
	Memory time.Duration

	known memory
}

// ChainPrefix is how the names of the chains of tokens begin.
const ChainPrefix = "token/"

// Chain is the name of a token's chain in the audit.
func Chain(id uuid.UUID) string { return ChainPrefix + id.String() }

// prefix tells our secrets from others, for those who look for leaks.
const prefix = "consentd_"

// secretSize is the length of a secret: the prefix and 256 bits in base64url.
const secretSize = len(prefix) + 43

// MaxName is how many characters a name may have.
const MaxName = 100

const stateRevoked = "revoked"

// New makes a token that is good for ttl, without an end for 0. The secret is
// given here and never again. Fails with CodeFormat.
func (t *Tokens) New(ctx context.Context, role service.Role, name string, ttl time.Duration) (text string, made Token, err error) {
	name = strings.TrimSpace(name)
	switch {
	case !role.Known():
		return "", Token{}, consent.At(consent.CodeFormat, "role", "must be one of %s", roles())
	case name == "" || utf8.RuneCountInString(name) > MaxName || !printable(name):
		return "", Token{}, consent.At(consent.CodeFormat, "name", "must be 1 to %d printable characters", MaxName)
	case ttl < 0:
		return "", Token{}, consent.At(consent.CodeFormat, "ttl", "must not be negative")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", Token{}, err
	}
	now := instant(t.Now())
	made = Token{ID: id, Name: name, Role: role, CreatedAt: now}
	if ttl > 0 {
		made.ExpiresAt = instant(now.Add(ttl))
	}
	text = prefix + secret.Handle()
	r := Record{Token: made, MAC: t.mac(text)}
	r.Seal = t.seal(&r)
	err = t.Store.AddToken(ctx, r, consent.Entry{Chain: Chain(id), At: now, Cause: operator(), To: made.State()})
	if err != nil {
		return "", Token{}, err
	}
	return text, made, nil
}

// operator is who makes and revokes tokens: somebody of the bank, at the machine.
func operator() consent.Cause { return consent.Cause{By: consent.ByASPSP} }

// instant is a time as it is stored.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// State is where a token stands, as the entries of its chain say it: its role,
// and "for ever" or "until" and the time; or "revoked".
func (t *Token) State() string {
	switch {
	case !t.RevokedAt.IsZero():
		return stateRevoked
	case t.ExpiresAt.IsZero():
		return string(t.Role) + " for ever"
	default:
		return string(t.Role) + " until " + stamp(t.ExpiresAt)
	}
}

// stamp is a time as text, empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return instant(t).Format(time.RFC3339Nano)
}

func roles() string {
	var names []string
	for _, r := range service.Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// List reads all tokens in the order of their making, those too that are over.
func (t *Tokens) List(ctx context.Context) ([]Token, error) { return t.Store.Tokens(ctx) }

// Revoke takes a token back. One that was revoked by this program stays as it is.
// Fails with CodeNotFound.
func (t *Tokens) Revoke(ctx context.Context, id uuid.UUID) (Token, error) {
	now := instant(t.Now())
	token, err := t.Store.ChangeToken(ctx, id, func(r *Record) (*consent.Entry, error) {
		if !r.RevokedAt.IsZero() && t.sealed(r) {
			return nil, nil //nolint:nilnil // no entry, nothing to write
		}
		from := r.State()
		r.RevokedAt = now
		r.Seal = t.seal(r)
		return &consent.Entry{At: now, Cause: operator(), From: from, To: r.State()}, nil
	})
	t.known.forget()
	if consent.CodeOf(err) == consent.CodeNotFound {
		return Token{}, consent.E(consent.CodeNotFound, "no such token")
	}
	return token, err
}

// Check finds the token of a secret. Fails with CodeUnauthenticated, alike for
// one that is unknown, over, revoked or edited, and with CodeUnavailable.
func (t *Tokens) Check(ctx context.Context, text string) (Token, error) {
	if len(text) != secretSize || !strings.HasPrefix(text, prefix) {
		return Token{}, errUnauthenticated()
	}
	known, now := digestOf(text), t.Now()
	if believed, ok := t.known.find(known, now, t.Memory); ok && believed.Good(now) {
		return believed, nil
	}
	r, err := t.Store.TokenByMAC(ctx, t.mac(text))
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		return Token{}, errUnauthenticated()
	case err != nil:
		return Token{}, err
	case !t.sealed(&r), !r.Good(now):
		return Token{}, errUnauthenticated()
	}
	if t.Memory > 0 {
		t.known.keep(known, r.Token, now)
	}
	return r.Token, nil
}

func errUnauthenticated() error {
	return consent.E(consent.CodeUnauthenticated, "the token is not valid")
}

func (t *Tokens) mac(text string) []byte { return t.Keys.MAC("bank token", []byte(text)) }

// seal is over everything that a row says, the MAC of the secret too: no secret
// opens what another one was made for.
func (t *Tokens) seal(r *Record) []byte {
	return t.Keys.MAC("bank token row", r.MAC, r.ID[:], []byte(r.Role), []byte(r.Name),
		[]byte(stamp(r.CreatedAt)), []byte(stamp(r.ExpiresAt)), []byte(stamp(r.RevokedAt)))
}

func (t *Tokens) sealed(r *Record) bool { return hmac.Equal(r.Seal, t.seal(r)) }
