package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/tokens"
)

func testTokens(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"a token is kept in every column":                  tokenIsKept,
		"two tokens have not the same secret":              tokensAreUnique,
		"a change that fails, or changes nothing, is none": tokenIsLeftAlone,
		"a token is revoked once, however often":           raceOfRevokes,
	})
}

func token(name string) tokens.Token {
	return tokens.Token{ID: uuid.Must(uuid.NewV7()), Name: name, Role: service.BackOffice, CreatedAt: start}
}

func made(t tokens.Token) consent.Entry {
	return consent.Entry{Chain: tokens.Chain(t.ID), At: start, Cause: consent.Cause{By: consent.ByASPSP}, To: "active", Operation: "x"}
}

func tokenIsKept(t *testing.T, b *bundle) {
	t.Helper()
	_, err := b.TokenByMAC(b.ctx, []byte("one"))
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	one, two := token("one"), token("two")
	two.ExpiresAt = start.Add(time.Hour)
	require.NoError(t, b.AddToken(b.ctx, one, []byte("one"), made(one)))
	require.NoError(t, b.AddToken(b.ctx, two, []byte("two"), made(two)))
	got, err := b.TokenByMAC(b.ctx, []byte("one"))
	require.NoError(t, err)
	require.Equal(t, one, got)
	got, err = b.ChangeToken(b.ctx, two.ID, func(x *tokens.Token) (*consent.Entry, error) {
		require.Equal(t, &two, x)
		x.RevokedAt = start.Add(time.Second)
		return &consent.Entry{At: start, Cause: officer("r"), From: "active", To: "revoked"}, nil
	})
	require.NoError(t, err)
	two.RevokedAt = start.Add(time.Second)
	require.Equal(t, two, got)
	list, err := b.Tokens(b.ctx)
	require.NoError(t, err)
	require.Equal(t, []tokens.Token{one, two}, list)
	entries := b.history(tokens.Chain(two.ID))
	require.Equal(t, []string{"1 aspsp >active ", "2 aspsp active>revoked "}, steps(entries))
	require.Equal(t, officer("r"), entries[1].Cause)
	require.Empty(t, b.faults())
	b.Exec(t, "UPDATE audit_entries SET operation = 'y' WHERE chain = $1", tokens.Chain(one.ID))
	require.Equal(t, []string{tokens.Chain(one.ID) + ", entry 1: was changed, or put where it does not belong"}, b.faults())
}

func tokensAreUnique(t *testing.T, b *bundle) {
	t.Helper()
	one, two := token("one"), token("two")
	require.NoError(t, b.AddToken(b.ctx, one, []byte("one"), made(one)))
	require.Error(t, b.AddToken(b.ctx, two, []byte("one"), made(two)))
	require.Empty(t, b.history(tokens.Chain(two.ID)), "its audit neither")
	require.Empty(t, b.faults())
}

func tokenIsLeftAlone(t *testing.T, b *bundle) {
	t.Helper()
	one := token("one")
	require.NoError(t, b.AddToken(b.ctx, one, []byte("one"), made(one)))
	broken := errors.New("no")
	for _, want := range []error{nil, broken} {
		_, err := b.ChangeToken(b.ctx, one.ID, func(x *tokens.Token) (*consent.Entry, error) {
			x.RevokedAt = start
			return nil, want
		})
		require.ErrorIs(t, err, want)
		got, err := b.TokenByMAC(b.ctx, []byte("one"))
		require.NoError(t, err)
		require.Equal(t, one, got)
	}
	_, err := b.ChangeToken(b.ctx, uuid.New(), func(*tokens.Token) (*consent.Entry, error) { return &consent.Entry{}, nil })
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	require.Len(t, b.history(tokens.Chain(one.ID)), 1)
	require.Empty(t, b.faults())
}

func raceOfRevokes(t *testing.T, b *bundle) {
	t.Helper()
	use := &tokens.Tokens{Store: b, Keys: b.Keys, Now: func() time.Time { return start }}
	secret, one, err := use.New(b.ctx, service.Hub, "one", 0)
	require.NoError(t, err)
	_, err = use.Check(b.ctx, secret)
	require.NoError(t, err)
	replica := &tokens.Tokens{Store: b.Replica(t), Keys: b.Keys, Now: use.Now}
	calls := make([]func() error, 16)
	for i := range calls {
		calls[i] = func() error {
			if _, err := []*tokens.Tokens{use, replica}[i%2].Revoke(b.ctx, one.ID); err != nil {
				return err
			}
			if _, err := use.Check(b.ctx, secret); consent.CodeOf(err) != consent.CodeUnauthenticated {
				return errors.New("it still opens")
			}
			return nil
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	require.Len(t, b.history(tokens.Chain(one.ID)), 2)
	require.Empty(t, b.faults())
}
