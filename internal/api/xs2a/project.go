package xs2a

import (
	"consentd/internal/consent"
	wire "consentd/pkg/xs2a"
)

// information is a consent as GET shows it: what is in force, which may be less
// than was asked for.
func (h *Handler) information(c *consent.Consent) wire.ConsentInformation {
	info := wire.ConsentInformation{
		Access:             wireAccess(c.Access),
		RecurringIndicator: c.Recurring,
		ValidUntil:         c.ValidUntil.String(),
		FrequencyPerDay:    c.FrequencyPerDay,
		LastActionDate:     c.LastAction(h.Policy.Zone).String(),
		ConsentStatus:      h.status(c),
	}
	return info
}

// fundsInformation is a consent to the confirmation of funds as GET shows it.
func (h *Handler) fundsInformation(c *consent.Consent) wire.FundsConsentInformation {
	info := wire.FundsConsentInformation{
		CardNumber:              c.Card.Number,
		CardInformation:         c.Card.Information,
		RegistrationInformation: c.Card.Registration,
		ConsentStatus:           h.status(c),
	}
	for _, x := range c.Access.Asked { // exactly one
		info.Account = wireReference(x.Reference)
	}
	if c.Card.Expiry != (consent.Date{}) {
		info.CardExpiryDate = c.Card.Expiry.String()
	}
	return info
}

// wireAccess says an Access in the words of the standard.
func wireAccess(a consent.Access) wire.AccountAccess {
	all := wire.AllAccountsOnly
	if a.OwnerName {
		all = wire.AllAccountsWithOwnerName
	}
	switch a.Scope {
	case consent.ScopeAllPSD2:
		return wire.AccountAccess{AllPSD2: all, RestrictedTo: a.Only}
	case consent.ScopeAvailable:
		return wire.AccountAccess{AvailableAccounts: all, RestrictedTo: a.Only}
	case consent.ScopeAvailableBalances:
		return wire.AccountAccess{AvailableAccountsWithBalance: all, RestrictedTo: a.Only}
	case consent.ScopeBankOffered:
		return lists(a.Rights, granted(a.Grants), a.Only)
	default: // dedicated
		return lists(a.AllRights(), a.Asked, nil)
	}
}

// granted puts the accounts that the PSU chose in the form of those that a TPP
// asked for.
func granted(grants []consent.Grant) []consent.Asked {
	accounts := make([]consent.Asked, len(grants))
	for i, g := range grants {
		accounts[i] = consent.Asked{Reference: g.Reference, Rights: g.Rights}
	}
	return accounts
}

// lists shows under each right that was asked for the accounts that have it. A
// right that was asked for shows as a list even when no account has it: before
// the PSU chose, none does.
func lists(asked consent.Rights, accounts []consent.Asked, only []string) wire.AccountAccess {
	under := func(right consent.Rights) []wire.AccountReference {
		if !asked.Has(right) {
			return nil
		}
		refs := make([]wire.AccountReference, 0, len(accounts))
		for _, a := range accounts {
			if a.Rights.Has(right) {
				refs = append(refs, wireReference(a.Reference))
			}
		}
		return refs
	}
	w := wire.AccountAccess{
		Accounts:     under(consent.RightAccounts),
		Balances:     under(consent.RightBalances),
		Transactions: under(consent.RightTransactions),
		RestrictedTo: only,
	}
	info := wire.AdditionalInformation{
		OwnerName:            under(consent.RightOwnerName),
		TrustedBeneficiaries: under(consent.RightTrustedBeneficiaries),
	}
	if info.OwnerName != nil || info.TrustedBeneficiaries != nil {
		w.AdditionalInformation = &info
	}
	return w
}
