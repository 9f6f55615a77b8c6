package sca_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
)

func TestBankOffered(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(offered(), service.Hint{PSU: "anna", Language: "de"})
		v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		b.page(sca.PageLogin, v, err)
		require.Equal(t, []any{"The TPP", "anna", "de", 3}, []any{v.TPP, v.Hint, v.Language, v.TriesLeft})
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("anna"))
		b.page(sca.PageAccounts, v, err)
		var keys []string
		for _, o := range v.Offers {
			keys = append(keys, o.Key)
		}
		require.Equal(t, []string{"DE00ANNA/EUR", "DE00ANNA/USD", "anna****"}, keys)
		require.Equal(t, consent.ScaPSUAuthenticated, b.get(id).Authorisations[0].Status)

		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{})
		require.NoError(t, err)
		require.True(t, v.Wrong, "none chosen")
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Accounts: []string{"DE00ANNA/USD"}})
		b.page(sca.PageConsent, v, err)
		require.Len(t, v.Offers, 1)
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		b.page(sca.PageFactor, v, err)
		require.Equal(t, consent.ScaStarted, b.get(id).Authorisations[0].Status)
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		b.page(sca.PageEnded, v, err)
		require.Equal(t, "https://tpp.example/ok", v.ReturnTo)

		c := b.get(id)
		require.Equal(t, consent.Valid, c.Status)
		require.Equal(t, begin, c.LastSCA)
		require.Len(t, c.Access.Grants, 1)
		require.Equal(t, "USD", c.Access.Grants[0].Reference.Currency)
		require.Equal(t, offered().Rights, c.Access.Grants[0].Rights)
		require.Equal(t, consent.ScaFinalised, c.Authorisations[0].Status)
	})
}

func TestDedicatedAndOpenScopes(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		require.Len(t, b.upTo(started.Handle, "anna").Offers, 2, "an IBAN means all its currencies")
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		require.Len(t, b.get(id).Access.Grants, 2)

		global := consent.Access{Scope: consent.ScopeAllPSD2, Rights: consent.RightBalances, Only: []string{"CARD"}}
		id, started = b.create(global, service.Hint{})
		require.Len(t, b.upTo(started.Handle, "anna").Offers, 1, "restricted to cards")
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		require.Empty(t, b.get(id).Access.Grants, "resolved at each decision")
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

func TestOnlyOwnAccounts(t *testing.T) {
	for name, access := range map[string]consent.Access{
		"another customer's":     dedicated("DE00ENZO"),
		"one of them unknown":    dedicated("DE00ANNA", "DE00NOBODY"),
		"none of the asked type": {Scope: consent.ScopeAllPSD2, Only: []string{"SVGS"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.create(access, service.Hint{})
				v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("anna"))
				b.page(sca.PageLogin, v, err) // the first answer came before the page was shown
				v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("anna"))
				require.Equal(t, consent.CodeResourceUnknown, consent.CodeOf(err))
				require.Equal(t, "https://tpp.example/nok", v.ReturnTo)
				b.ended(id, consent.Rejected, consent.ReasonNotEntitled)
			})
		})
	}
}

func TestEndings(t *testing.T) {
	for name, x := range map[string]struct {
		walk   func(b *bundle, handle string) error
		status consent.Status
		reason consent.Reason
		code   consent.Code
	}{
		"refused on the login page": {
			walk: func(b *bundle, h string) error {
				_, err := b.walks.Answer(b.ctx, h, by("browser"), sca.Answer{Refuse: true})
				return err
			},
			status: consent.Rejected, reason: consent.ReasonRefused,
		},
		"refused on the review": {
			walk: func(b *bundle, h string) error {
				b.upTo(h, "anna", "DE00ANNA/EUR")
				v, err := b.walks.Answer(b.ctx, h, by("browser"), sca.Answer{Refuse: true})
				require.Equal(b.t, "https://tpp.example/nok", v.ReturnTo)
				return err
			},
			status: consent.Rejected, reason: consent.ReasonRefused,
		},
		"denied by the bank": {
			walk: func(b *bundle, h string) error {
				b.upTo(h, "anna", "DE00ANNA/EUR")
				_, err := b.walks.Answer(b.ctx, h, by("browser"), sca.Answer{Approve: true})
				require.NoError(b.t, err)
				_, err = b.walks.Answer(b.ctx, h, by("browser"), word("no"))
				return err
			},
			status: consent.Rejected, reason: consent.ReasonRefused,
		},
		"blocked at the bank": {
			walk: func(b *bundle, h string) error {
				_, err := b.walks.Open(b.ctx, h, by("browser"))
				require.NoError(b.t, err)
				_, err = b.walks.Answer(b.ctx, h, by("browser"), word("blocked"))
				return err
			},
			status: consent.Received, code: consent.CodeBlocked,
		},
		"a PSU who acts for nobody": {
			walk: func(b *bundle, h string) error {
				_, err := b.walks.Open(b.ctx, h, by("browser"))
				require.NoError(b.t, err)
				_, err = b.walks.Answer(b.ctx, h, by("browser"), word("stranger"))
				return err
			},
			status: consent.Received, code: consent.CodeForbidden,
		},
		"three wrong words": {
			walk: func(b *bundle, h string) error {
				_, err := b.walks.Open(b.ctx, h, by("browser"))
				require.NoError(b.t, err)
				for _, left := range []int{2, 1} {
					v, err := b.walks.Answer(b.ctx, h, by("browser"), word("wrong"))
					require.Equal(b.t, consent.CodeCredentials, consent.CodeOf(err))
					require.Equal(b.t, []any{sca.PageLogin, true, left}, []any{v.Page, v.Wrong, v.TriesLeft})
				}
				_, err = b.walks.Answer(b.ctx, h, by("browser"), word("wrong"))
				return err
			},
			status: consent.Received, code: consent.CodeLocked,
		},
		"an account that was not offered": {
			walk: func(b *bundle, h string) error {
				_, err := b.walks.Open(b.ctx, h, by("browser"))
				require.NoError(b.t, err)
				_, err = b.walks.Answer(b.ctx, h, by("browser"), word("anna"))
				require.NoError(b.t, err)
				_, err = b.walks.Answer(b.ctx, h, by("browser"), sca.Answer{Accounts: []string{"DE00ANNA/EUR", "DE00ENZO/EUR"}})
				return err
			},
			status: consent.Received, code: consent.CodeForbidden,
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.create(offered(), service.Hint{})
				err := x.walk(b, started.Handle)
				if x.code == "" {
					require.NoError(t, err)
				} else {
					require.Equal(t, x.code, consent.CodeOf(err), err)
				}
				b.ended(id, x.status, x.reason)
			})
		})
	}
}

// TestFailedMayBeAuthorisedAnew is rule 10: tries used up end the
// authorisation, not the consent.
func TestFailedMayBeAuthorisedAnew(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(offered(), service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		for range 3 {
			_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("wrong"))
			require.Error(t, err)
		}
		require.Equal(t, consent.ScaFailed, b.get(id).Authorisations[0].Status)
		_, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))

		again := b.start(id, service.Hint{})
		b.authorise(again.Handle, "anna", "DE00ANNA/EUR")
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

func TestSigners(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		firm := service.Hint{Corporate: "852126789"}
		id, first := b.create(offered(), firm)
		b.authorise(first.Handle, "ceo", "DE00FIRM/EUR")
		require.Equal(t, consent.PartiallyAuthorised, b.get(id).Status)

		clerk := b.start(id, firm)
		_, err := b.walks.Open(b.ctx, clerk.Handle, by("browser"))
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, clerk.Handle, by("browser"), word("clerk"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err), "no signer")

		twice := b.start(id, firm)
		_, err = b.walks.Open(b.ctx, twice.Handle, by("browser"))
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, twice.Handle, by("browser"), word("ceo"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err), "has signed already")

		second := b.start(id, firm)
		v := b.upTo(second.Handle, "cfo")
		require.Len(t, v.Offers, 1, "what the first signer chose")
		_, err = b.walks.Answer(b.ctx, second.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, second.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		require.Equal(t, consent.Valid, b.get(id).Status)
		require.Len(t, b.get(id).Access.Grants, 1)
	})
}

func TestHandle(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		_, err := b.walks.Open(b.ctx, "made up", by("browser"))
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))

		id, started := b.create(offered(), service.Hint{})
		for _, browser := range []string{"preview", "one", "two"} {
			v, err := b.walks.Open(b.ctx, started.Handle, by(browser))
			b.page(sca.PageLogin, v, err)
		}
		v, err := b.walks.Answer(b.ctx, started.Handle, by("one"), word("anna"))
		b.page(sca.PageAccounts, v, err)
		_, err = b.walks.Open(b.ctx, started.Handle, by("two"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		_, err = b.walks.Answer(b.ctx, started.Handle, by("two"), sca.Answer{Refuse: true})
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		v, err = b.walks.Open(b.ctx, started.Handle, by("one"))
		b.page(sca.PageAccounts, v, err)

		b.advance(15*time.Minute - time.Second)
		_, err = b.walks.Open(b.ctx, started.Handle, by("one"))
		require.NoError(t, err)
		b.advance(time.Second)
		v, err = b.walks.Open(b.ctx, started.Handle, by("one"))
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/nok", v.ReturnTo)
		require.Equal(t, consent.ScaFailed, b.get(id).Authorisations[0].Status)
		require.Equal(t, consent.Received, b.get(id).Status)

		_, started = b.create(offered(), service.Hint{})
		b.advance(10 * time.Minute)
		_, err = b.walks.Open(b.ctx, started.Handle, by("one"))
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err), "not opened in time")

		_, started = b.create(offered(), service.Hint{})
		b.authorise(started.Handle, "anna", "DE00ANNA/EUR")
		for _, browser := range []string{"browser", "another"} {
			v, err = b.walks.Open(b.ctx, started.Handle, by(browser))
			require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
			require.Equal(t, "https://tpp.example/ok", v.ReturnTo)
		}
	})
}

func TestConsentEndsUnderway(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(offered(), service.Hint{})
		b.upTo(started.Handle, "anna", "DE00ANNA/EUR")
		require.NoError(t, b.consents.Terminate(b.ctx, caller(), id, nil))
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		b.ended(id, consent.Revoked, consent.ReasonTerminated)
	})
}

func TestOutages(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(offered(), service.Hint{})
		b.flow.broken.Store(true)
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		b.flow.broken.Store(false)
		_, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		b.bank.down.Store(true)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("anna"))
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		b.bank.down.Store(false)
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("anna"))
		b.page(sca.PageAccounts, v, err)
		require.Equal(t, consent.Received, b.get(id).Status)
	})
}

func TestSingleTrip(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.trip.Store(true)
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		require.Equal(t, consent.Received, b.get(id).Status, "not before the PSU has agreed")
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		b.page(sca.PageEnded, v, err)
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

func TestWait(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.wait.Store(true)
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		b.page(sca.PageWait, v, err)
		for range 2 {
			v, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
			b.page(sca.PageWait, v, err) // looking moves nothing
		}
		n, err := b.walks.Poll(b.ctx, 9)
		require.NoError(t, err)
		require.Zero(t, n, "not due yet")
		b.advance(time.Second)
		n, err = b.walks.Poll(b.ctx, 9)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, consent.Received, b.get(id).Status)
		b.flow.wait.Store(false)
		b.advance(time.Second)
		_, err = b.walks.Poll(b.ctx, 9)
		require.NoError(t, err)
		require.Equal(t, consent.Valid, b.get(id).Status)

		_, err = b.walks.Open(b.ctx, started.Handle, by("another"))
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		v, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
		b.page(sca.PageEnded, v, err) // the waiting browser is sent on, once
		require.Equal(t, "https://tpp.example/ok", v.ReturnTo)
		_, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
	})
}

func TestReplacesOnAuthorisationOnly(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		first, one := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.authorise(one.Handle, "anna")
		second, two := b.create(dedicated("DE00ANNA"), service.Hint{})
		require.Equal(t, consent.Valid, b.get(first).Status, "not at creation")
		b.authorise(two.Handle, "anna")
		b.ended(first, consent.Expired, consent.ReasonReplaced)
		require.Equal(t, second, b.get(first).ReplacedBy)
		require.Equal(t, consent.Valid, b.get(second).Status)

		b.walks.Policy.MultipleConsents = true
		_, three := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.authorise(three.Handle, "anna")
		require.Equal(t, consent.Valid, b.get(second).Status)
	})
}
