// Package tokens keeps the bearer tokens of the bank's own callers: its resource
// server, its dashboard, its back office and its hub.
//
// A token is a secret of 256 random bits that is shown once, when it is made.
// What is kept is a MAC of it, with a key that is outside the database, so that
// whoever reads or writes the table can neither learn a secret nor make one.
// Each call asks the database, so that a token that was revoked opens nothing
// any more, at any replica. Who makes and revokes tokens is an operator at the
// machine; both write an entry of the audit, in a chain of the token's own, in
// the same transaction.
package tokens

import (
	"context"
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
	// AddToken writes a token under its MAC, with the first entry of its chain.
	AddToken(ctx context.Context, t Token, mac []byte, e consent.Entry) error
	// TokenByMAC reads the token with a MAC. Fails with CodeNotFound.
	TokenByMAC(ctx context.Context, mac []byte) (Token, error)
	// Tokens reads all of them, in the order of their making.
	Tokens(ctx context.Context) ([]Token, error)
	// ChangeToken applies change to a token and writes it with the entry that
	// change returns, at the end of the token's chain; without an entry nothing is
	// written. change may run more than once, so it must have no other effect.
	// Fails with CodeNotFound.
	ChangeToken(ctx context.Context, id uuid.UUID, change func(*Token) (*consent.Entry, error)) (Token, error)
}

// Tokens holds the use cases.
type Tokens struct {
	Store Store
	Keys  *secret.Keys
	Now   func() time.Time
}

// Chain is the name of a token's chain in the audit.
func Chain(id uuid.UUID) string { return "token/" + id.String() }

// prefix tells our secrets from others, for those who look for leaks.
const prefix = "consentd_"

// secretSize is the length of a secret: the prefix and 256 bits in base64url.
const secretSize = len(prefix) + 43

// MaxName is how many characters a name may have.
const MaxName = 100

const (
	stateActive  = "active"
	stateRevoked = "revoked"
)

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
	now := t.Now()
	made = Token{ID: id, Name: name, Role: role, CreatedAt: now}
	if ttl > 0 {
		made.ExpiresAt = now.Add(ttl)
	}
	text = prefix + secret.Handle()
	err = t.Store.AddToken(ctx, made, t.mac(text), consent.Entry{
		Chain: Chain(id), At: now, Cause: operator(), To: stateActive, Operation: made.terms(),
	})
	if err != nil {
		return "", Token{}, err
	}
	return text, made, nil
}

// operator is who makes and revokes tokens: somebody of the bank, at the machine.
func operator() consent.Cause { return consent.Cause{By: consent.ByASPSP} }

// terms are what the audit keeps of a token: what it opens, and for how long.
func (t *Token) terms() string {
	if t.ExpiresAt.IsZero() {
		return "token for " + string(t.Role)
	}
	return "token for " + string(t.Role) + " until " + t.ExpiresAt.UTC().Format(time.RFC3339)
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

// Revoke takes a token back. One that was revoked stays as it is. Fails with
// CodeNotFound.
func (t *Tokens) Revoke(ctx context.Context, id uuid.UUID) (Token, error) {
	now := t.Now()
	token, err := t.Store.ChangeToken(ctx, id, func(token *Token) (*consent.Entry, error) {
		if !token.RevokedAt.IsZero() {
			return nil, nil //nolint:nilnil // no entry, nothing to write
		}
		token.RevokedAt = now
		return &consent.Entry{At: now, Cause: operator(), From: stateActive, To: stateRevoked}, nil
	})
	if consent.CodeOf(err) == consent.CodeNotFound {
		return Token{}, consent.E(consent.CodeNotFound, "no such token")
	}
	return token, err
}

// Check finds the token of a secret. Fails with CodeUnauthenticated, alike for
// one that is unknown, over or revoked, and with CodeUnavailable.
func (t *Tokens) Check(ctx context.Context, text string) (Token, error) {
	if len(text) != secretSize || !strings.HasPrefix(text, prefix) {
		return Token{}, errUnauthenticated()
	}
	token, err := t.Store.TokenByMAC(ctx, t.mac(text))
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		return Token{}, errUnauthenticated()
	case err != nil:
		return Token{}, err
	case !token.Good(t.Now()):
		return Token{}, errUnauthenticated()
	}
	return token, nil
}

func errUnauthenticated() error {
	return consent.E(consent.CodeUnauthenticated, "the token is not valid")
}

func (t *Tokens) mac(text string) []byte { return t.Keys.MAC("bank token", []byte(text)) }
