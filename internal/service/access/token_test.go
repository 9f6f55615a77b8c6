package access_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

func byToken(d *consent.Draft) { d.ByToken = true }

// bringing is a question that came with a token of this consent.
func bringing(id uuid.UUID) func(*access.Question) {
	return func(q *access.Question) { q.Token = func() (uuid.UUID, error) { return id, nil } }
}

// bad is a question that came with a bad token.
func bad(code consent.Code) func(*access.Question) {
	return func(q *access.Question) {
		q.Token = func() (uuid.UUID, error) { return uuid.Nil, consent.E(code, "no") }
	}
}

// A consent of the integrated OAuth2 approach is used with its own token, and what is
// refused for that costs no read.
func TestByToken(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances), byToken, func(d *consent.Draft) { d.FrequencyPerDay = 1 })
		b.denied(consent.CodeTokenMissing, "the consent is used with an access token, and none came", c, consent.OpBalances)
		b.denied(consent.CodeScope, "issued for another consent", c, consent.OpBalances, bringing(uuid.New()))
		b.denied(consent.CodeScope, "or for none alone", c, consent.OpBalances, bringing(uuid.Nil))
		for _, code := range []consent.Code{consent.CodeTokenInvalid, consent.CodeTokenExpired, consent.CodeUnavailable} {
			b.denied(code, "", c, consent.OpBalances, bad(code))
		}
		require.Equal(t, []string{"r1"}, b.allowed(c, consent.OpBalances, bringing(c.ID)))
		b.denied(consent.CodeTooOften, "", c, consent.OpBalances, bringing(c.ID))
		b.denied(consent.CodeTokenMissing, "", c, consent.OpBalances)

		b.change(c.ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.time()) })
		b.denied(consent.CodeBlocked, "suspended", c, consent.OpBalances)
		b.change(c.ID, func(c *consent.Consent) error { return c.Terminate(b.time()) })
		b.denied(consent.CodeNotUsable, "revoked", c, consent.OpBalances, bad(consent.CodeTokenInvalid))
	})
}

// No other consent asks what token came.
func TestTokensOfOthersAreNotAsked(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(balances))
		asked := false
		require.Equal(t, []string{"r1"}, b.allowed(c, consent.OpBalances, func(q *access.Question) {
			q.Token = func() (uuid.UUID, error) {
				asked = true
				return uuid.Nil, consent.E(consent.CodeUnavailable, "nobody answers")
			}
		}))
		require.False(t, asked)
	})
}

// Pages of a used-up consent take its token too; where that has ended with the
// consent, the answer says what has ended it.
func TestPagesByToken(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.valid(dedicated(), b.grant(moves), byToken, oneOff)
		b.allowed(c, consent.OpAccount, bringing(c.ID))
		b.allowed(c, consent.OpTransactions, bringing(c.ID))
		require.Equal(t, consent.Expired, b.status(c))
		b.advance(time.Minute)
		b.denied(consent.CodeTokenMissing, "", c, consent.OpTransactions, following)
		b.denied(consent.CodeExpired, "usedUp", c, consent.OpTransactions, following, bad(consent.CodeTokenInvalid))
		require.Equal(t, []string{"r1"}, b.allowed(c, consent.OpTransactions, following, bringing(c.ID)))
	})
}
