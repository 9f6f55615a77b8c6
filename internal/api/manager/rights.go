package manager

import (
	"slices"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
)

// rights are what each permission opens. The others open nothing that the bank's
// interface for third parties serves under a consent; they are kept as they were asked
// for.
var rights = map[string]consent.Rights{
	"ReadAccountsBasic":       consent.RightAccounts,
	"ReadAccountsDetail":      consent.RightAccounts,
	"ReadBalances":            consent.RightBalances,
	"ReadTransactionsBasic":   consent.RightTransactions,
	"ReadTransactionsDetail":  consent.RightTransactions,
	"ReadBeneficiariesBasic":  consent.RightTrustedBeneficiaries,
	"ReadBeneficiariesDetail": consent.RightTrustedBeneficiaries,
	"ReadParty":               consent.RightOwnerName,
	"ReadPartyUser":           consent.RightIdentity,
	"ReadPartyUserIdentity":   consent.RightIdentity,
}

// rightsOf are what permissions open together.
func rightsOf(permissions []string) (all consent.Rights) {
	for _, p := range permissions {
		all |= rights[p]
	}
	return all.Implied()
}

// permissionsOf says rights in permissions, in the order of the standard. What cannot
// be said is left out.
func permissionsOf(set consent.Rights) []string {
	var codes []string
	for _, x := range []struct {
		right consent.Rights
		codes string
	}{
		{consent.RightAccounts, "ReadAccountsBasic ReadAccountsDetail"},
		{consent.RightBalances, "ReadBalances"},
		{consent.RightTrustedBeneficiaries, "ReadBeneficiariesDetail"},
		{consent.RightTransactions, "ReadTransactionsBasic ReadTransactionsDetail"},
		{consent.RightIdentity, "ReadPartyUser"},
		{consent.RightOwnerName, "ReadParty"},
	} {
		if set.Has(x.right) {
			codes = append(codes, strings.Fields(x.codes)...)
		}
	}
	if len(codes) == 0 { // the least that can be said
		codes = []string{"ReadAccountsBasic"}
	}
	return codes
}

// askedFor are the permissions of a consent that no hub has staged, as it was asked
// for: of all its accounts together.
func askedFor(c *consent.Consent) []string {
	switch c.Access.Scope {
	case consent.ScopeAvailable:
		return named(c, "ReadAccountsBasic")
	case consent.ScopeAvailableBalances:
		return named(c, "ReadAccountsBasic", "ReadBalances")
	case consent.ScopeAllPSD2:
		all := consent.RightAccounts | consent.RightBalances | consent.RightTransactions
		return named(c, permissionsOf(c.Access.AllRights()|all)...)
	default:
		return named(c, permissionsOf(c.Access.AllRights().Implied())...)
	}
}

// named adds the owner's name where it is shared besides.
func named(c *consent.Consent, codes ...string) []string {
	if c.Access.OwnerName && !slices.Contains(codes, "ReadParty") {
		codes = append(codes, "ReadParty")
	}
	return codes
}

// ofNoAccount are the rights that a consent may open besides those on its accounts.
const ofNoAccount = consent.RightIdentity | consent.RightOwnerName

// granted are the permissions that the customer has given: the union of those of all
// accounts. Before, and where accounts are found anew, those that were asked for.
func granted(r *staging.Record) []string {
	if len(r.Access.Grants) == 0 || r.Access.Open() {
		return askedFor(r.Consent)
	}
	all := r.Access.Rights & ofNoAccount
	for _, g := range r.Access.Grants {
		all |= g.Rights
	}
	return named(r.Consent, permissionsOf(all.Implied())...)
}

// perAccount reports whether the rights differ from account to account, which
// permissions cannot say.
func perAccount(c *consent.Consent) bool {
	for _, g := range c.Access.Grants {
		if g.Rights != c.Access.Grants[0].Rights {
			return true
		}
	}
	if len(c.Access.Grants) > 0 {
		return false
	}
	for _, a := range c.Access.Asked {
		if a.Rights != c.Access.Asked[0].Rights {
			return true
		}
	}
	return false
}
