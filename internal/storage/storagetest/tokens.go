package storagetest

import (
	"errors"
	"fmt"
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
		"an edited token opens nothing":                    editedTokens,
	})
}

func token(name string) tokens.Token {
	return tokens.Token{ID: uuid.Must(uuid.NewV7()), Name: name, Role: service.BackOffice, CreatedAt: start}
}

func made(t tokens.Token) consent.Entry {
	return consent.Entry{Chain: tokens.Chain(t.ID), At: start, Cause: consent.Cause{By: consent.ByASPSP}, To: t.State()}
}

// record is a token with a MAC, and something for a seal.
func record(t tokens.Token, mac string) tokens.Record {
	return tokens.Record{Token: t, MAC: []byte(mac), Seal: []byte("seal of " + mac)}
}

func tokenIsKept(t *testing.T, b *bundle) {
	t.Helper()
	_, err := b.TokenByMAC(b.ctx, []byte("one"))
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	one, two := token("one"), token("two")
	two.ExpiresAt = start.Add(time.Hour)
	require.NoError(t, b.AddToken(b.ctx, record(one, "one"), made(one)))
	require.NoError(t, b.AddToken(b.ctx, record(two, "two"), made(two)))
	got, err := b.TokenByMAC(b.ctx, []byte("one"))
	require.NoError(t, err)
	require.Equal(t, record(one, "one"), got)
	changed, err := b.ChangeToken(b.ctx, two.ID, func(x *tokens.Record) (*consent.Entry, error) {
		want := record(two, "two")
		require.Equal(t, &want, x)
		x.RevokedAt, x.Seal = start.Add(time.Second), []byte("another")
		return &consent.Entry{At: start, Cause: officer("r"), From: two.State(), To: x.State()}, nil
	})
	require.NoError(t, err)
	two.RevokedAt = start.Add(time.Second)
	require.Equal(t, two, changed)
	got, err = b.TokenByMAC(b.ctx, []byte("two"))
	require.NoError(t, err)
	require.Equal(t, tokens.Record{Token: two, MAC: []byte("two"), Seal: []byte("another")}, got)
	list, err := b.Tokens(b.ctx)
	require.NoError(t, err)
	require.Equal(t, []tokens.Token{one, two}, list)
	entries := b.history(tokens.Chain(two.ID))
	require.Equal(t, []string{
		"1 aspsp >back-office until 2026-03-01T13:00:00.123456Z ", "2 aspsp back-office until 2026-03-01T13:00:00.123456Z>revoked ",
	}, steps(entries))
	require.Equal(t, officer("r"), entries[1].Cause)
	require.Empty(t, b.faults())
	b.Exec(t, "UPDATE audit_entries SET operation = 'y' WHERE chain = $1", tokens.Chain(one.ID))
	require.Equal(t, []string{
		tokens.Chain(one.ID) + ", entry 1: was changed, or put where it does not belong",
		tokens.Chain(one.ID) + ", entry 1: the row had been changed since the entry before, or was not there",
		tokens.Chain(one.ID) + ": the row is not as the last entry left it",
	}, b.faults())
}

func tokensAreUnique(t *testing.T, b *bundle) {
	t.Helper()
	one, two := token("one"), token("two")
	require.NoError(t, b.AddToken(b.ctx, record(one, "one"), made(one)))
	require.Error(t, b.AddToken(b.ctx, record(two, "one"), made(two)))
	require.Empty(t, b.history(tokens.Chain(two.ID)), "its audit neither")
	require.Empty(t, b.faults())
}

func tokenIsLeftAlone(t *testing.T, b *bundle) {
	t.Helper()
	one := token("one")
	require.NoError(t, b.AddToken(b.ctx, record(one, "one"), made(one)))
	broken := errors.New("no")
	for _, want := range []error{nil, broken} {
		_, err := b.ChangeToken(b.ctx, one.ID, func(x *tokens.Record) (*consent.Entry, error) {
			x.RevokedAt = start
			return nil, want
		})
		require.ErrorIs(t, err, want)
		got, err := b.TokenByMAC(b.ctx, []byte("one"))
		require.NoError(t, err)
		require.Equal(t, record(one, "one"), got)
	}
	_, err := b.ChangeToken(b.ctx, uuid.New(), func(*tokens.Record) (*consent.Entry, error) { return &consent.Entry{}, nil })
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

// editedTokens edits the row of a token in every column, and looks whether its
// secret still opens anything.
func editedTokens(t *testing.T, b *bundle) {
	t.Helper()
	now := start.Add(time.Minute)
	use := &tokens.Tokens{Store: b, Keys: b.Keys, Now: func() time.Time { return now }}
	refused := func(secret, why string) {
		t.Helper()
		_, err := use.Check(b.ctx, secret)
		require.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), "%s: %v", why, err)
	}
	const edit = "UPDATE bank_tokens SET %s = %s WHERE CAST(id AS text) = $1"
	for column, values := range tokenEdits() {
		for _, value := range values {
			secret, hub, err := use.New(b.ctx, service.Hub, "hub", time.Hour)
			require.NoError(t, err)
			_, err = use.Check(b.ctx, secret)
			require.NoError(t, err)
			b.Exec(t, fmt.Sprintf(edit, column, value), hub.ID.String())
			refused(secret, column+" = "+value)
		}
	}
	secret, one, err := use.New(b.ctx, service.Hub, "one", 0)
	require.NoError(t, err)
	_, office, err := use.New(b.ctx, service.BackOffice, "office", 0)
	require.NoError(t, err)
	mac := "(SELECT o.mac FROM bank_tokens o WHERE CAST(o.id AS text) = '" + one.ID.String() + "')"
	b.Exec(t, "CREATE TABLE kept AS SELECT "+mac+" AS mac")
	b.Exec(t, "DELETE FROM bank_tokens WHERE CAST(id AS text) = $1", one.ID.String())
	b.Exec(t, fmt.Sprintf(edit, "mac", "(SELECT mac FROM kept)"), office.ID.String())
	refused(secret, "the secret of one token for what another one opens")

	secret, one, err = use.New(b.ctx, service.Hub, "one", 0)
	require.NoError(t, err)
	b.Exec(t, fmt.Sprintf(edit, "revoked_at", "created_at"), one.ID.String())
	_, err = use.Revoke(b.ctx, one.ID)
	require.NoError(t, err, "a mark that somebody else has made is none")
	require.Len(t, b.history(tokens.Chain(one.ID)), 2)
	b.Exec(t, fmt.Sprintf(edit, "revoked_at", "NULL"), one.ID.String())
	refused(secret, "it was revoked")
}
