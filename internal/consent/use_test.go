package consent_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// What has to be read of a one-off consent before it is used up.
func TestNeeds(t *testing.T) {
	t.Parallel()
	a, b, card := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	plastic := consent.Reference{MaskedPAN: "5254**3241"}
	use := func(of uuid.UUID, op consent.Operation) consent.Use { return consent.Use{Account: of, Operation: op} }
	for name, c := range map[string]struct {
		granted []consent.Grant
		want    []consent.Use
	}{
		"nothing": {nil, nil},
		"balances, and not the details that they bring along": {
			[]consent.Grant{{AccountID: a, Rights: consent.RightBalances}}, []consent.Use{use(a, consent.OpBalances)},
		},
		"details that were asked for": {
			[]consent.Grant{{AccountID: a, Rights: consent.RightAccounts | consent.RightTransactions}},
			[]consent.Use{use(a, consent.OpAccount), use(a, consent.OpTransactions)},
		},
		"cards have operations of their own": {
			[]consent.Grant{{AccountID: card, Reference: plastic, Rights: consent.RightBalances}, {AccountID: b, Rights: consent.RightBalances}},
			[]consent.Use{use(card, consent.OpCardBalances), use(b, consent.OpBalances)},
		},
		"beneficiaries once, a name never": {
			[]consent.Grant{
				{AccountID: a, Rights: consent.RightTrustedBeneficiaries | consent.RightOwnerName},
				{AccountID: b, Rights: consent.RightTrustedBeneficiaries},
			},
			[]consent.Use{use(uuid.Nil, consent.OpTrustedBeneficiaries)},
		},
	} {
		require.Equal(t, c.want, consent.Needs(c.granted), name)
	}
}

func TestSpend(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	one, two := consent.Use{Operation: consent.OpAccounts}, consent.Use{Operation: consent.OpBalances}
	needs := []consent.Use{one, two}
	for name, c := range map[string]struct {
		edit  func(*consent.Consent)
		needs []consent.Use
		used  []consent.Use
		over  bool
	}{
		"all that it needs":                   {needs: needs, used: []consent.Use{two, one}, over: true},
		"more than it needs":                  {needs: needs[:1], used: needs, over: true},
		"less than it needs":                  {needs: needs, used: needs[:1]},
		"one that needs nothing":              {used: needs},
		"a recurring one":                     {edit: func(c *consent.Consent) { c.Recurring = true }, needs: needs, used: needs},
		"one that is suspended":               {edit: func(c *consent.Consent) { c.Status = consent.Suspended }, needs: needs, used: needs},
		"one that somebody has ended already": {edit: func(c *consent.Consent) { c.Status = consent.Revoked }, needs: needs, used: needs},
	} {
		x := consent.Consent{ID: uuid.New(), Status: consent.Valid}
		if c.edit != nil {
			c.edit(&x)
		}
		before := x.Status
		over, err := x.Spend(c.needs, c.used, now)
		require.NoError(t, err, name)
		require.Equal(t, c.over, over, name)
		if !over {
			require.Equal(t, before, x.Status, name)
			continue
		}
		require.Equal(t, []any{consent.Expired, consent.ReasonUsedUp, consent.BySystem, now}, []any{x.Status, x.Ending.Reason, x.Ending.By, x.StatusChangedAt}, name)
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for _, op := range consent.Operations() {
		require.True(t, op.Known())
		require.NotZero(t, op.Right(), op)
		require.Equal(t, op.List() || op == consent.OpTransactions || op == consent.OpCardTransactions, op.Paged(), op)
	}
	require.False(t, consent.Operation("payments").Known())
	require.Empty(t, consent.OpTransactions.Follows(false))
	require.Equal(t, consent.OpTransactions, consent.OpTransactions.Follows(true))
	require.Equal(t, consent.OpTransactions, consent.OpTransaction.Follows(false))
	require.Empty(t, consent.OpBalances.Follows(true))
	for reference, card := range map[consent.Reference]bool{
		{PAN: "1"}: true, {MaskedPAN: "1"}: true, {CashAccountType: "CARD", IBAN: "DE"}: true, {IBAN: "DE"}: false, {}: false,
	} {
		require.Equal(t, card, reference.Card())
		require.Equal(t, card, consent.OpCardAccount.Of(reference))
		require.Equal(t, !card, consent.OpAccount.Of(reference))
		require.True(t, consent.OpTrustedBeneficiaries.Of(reference))
	}
}
