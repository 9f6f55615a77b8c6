package consent

import (
	"slices"

	"github.com/google/uuid"
)

// Rights are what may be read of an account: a set of bits. The values are
// stored; never renumber them.
type Rights uint16

// The rights.
const (
	RightAccounts             Rights = 1 << iota // details of the account
	RightBalances                                // its balances
	RightTransactions                            // its transactions
	RightOwnerName                               // the owner's name
	RightTrustedBeneficiaries                    // the PSU's list of trusted beneficiaries
	RightIdentity                                // the PSU's identity (STET)
	RightFunds                                   // whether an amount is available, yes or no
	RightPayments                                // that payments be started (OAuth2 scope pisp)
	RightLongHistory                             // transactions of more than 90 days (extended_transaction_history)
)

// Has reports whether all of r's rights are in the set.
func (r Rights) Has(other Rights) bool { return r&other == other }

// Implied is the set with what it brings along: whoever may read balances or
// transactions of an account may see the account itself (XS2A IG 1.3.x §6.3.1).
func (r Rights) Implied() Rights {
	if r&(RightBalances|RightTransactions) != 0 {
		return r | RightAccounts
	}
	return r
}

// Scope says how the accounts of a consent are found. It keeps apart what the
// wire forms muddle: an empty list means "all, the PSU chooses" in one dialect
// and "none" in another, and neither reaches the domain.
type Scope string

// The scopes.
const (
	ScopeDedicated         Scope = "dedicated"         // the accounts that the TPP names
	ScopeBankOffered       Scope = "bankOffered"       // the PSU chooses at the bank
	ScopeAllPSD2           Scope = "allPsd2"           // all payment accounts, at every decision anew
	ScopeAvailable         Scope = "availableAccounts" // the list of accounts, nothing of their content
	ScopeAvailableBalances Scope = "availableAccountsWithBalance"
)

// Reference names an account as people and TPPs do. At least one identifier is
// set; Currency picks a sub-account of a multi-currency account.
type Reference struct {
	IBAN            string `json:"iban,omitempty"`
	BBAN            string `json:"bban,omitempty"`
	PAN             string `json:"pan,omitempty"`
	MaskedPAN       string `json:"maskedPan,omitempty"`
	MSISDN          string `json:"msisdn,omitempty"`
	Other           Other  `json:"other,omitzero"`
	Currency        string `json:"currency,omitempty"`
	CashAccountType string `json:"cashAccountType,omitempty"`
}

// aggregated is the currency under which a bank reports a multi-currency account
// as a whole (XS2A IG 1.3.x §4.5).
const aggregated = "XXX"

// Whole is the reference by which an account is looked for: the aggregated
// currency means all of its sub-accounts, like none.
func (r Reference) Whole() Reference {
	if r.Currency == aggregated {
		r.Currency = ""
	}
	return r
}

// Other identifies an account by a scheme that has no field of its own.
type Other struct {
	Identification string `json:"identification"`
	SchemeCode     string `json:"schemeNameCode,omitempty"`
	SchemeName     string `json:"schemeNameProprietary,omitempty"`
	Issuer         string `json:"issuer,omitempty"`
}

// Asked is one account that a dedicated consent names, with the rights that are
// asked for it.
type Asked struct {
	Reference Reference `json:"reference"`
	Rights    Rights    `json:"rights"`
}

// Grant is one account that the customer shares, with the rights on it. It
// refers to the account by its opaque id; Reference comes with it on reads, for display.
type Grant struct {
	AccountID uuid.UUID
	Rights    Rights
	Reference Reference
}

// Access is what a consent opens: what was asked for, and once it is
// authorised what was granted.
type Access struct {
	Scope     Scope
	OwnerName bool   // …WithOwnerName of the global and available-accounts models
	Rights    Rights // the rights asked for in the scopes that name no account
	// Asked is as the TPP sent it, in its order; dedicated only.
	Asked []Asked
	// Only restricts to these cash account types (ExternalCashAccountType1Code).
	Only []string
	// Grants is empty before the authorisation, and stays so for the scopes
	// that are resolved at every decision.
	Grants []Grant
}

// Chosen reports whether the PSU picks the accounts.
func (a Access) Chosen() bool { return a.Scope == ScopeBankOffered }

// reachable tells whether a PSU who is reached so can agree to the access. Fails
// with CodeServiceInvalid where they would have to choose and have no page to.
func (a Access) reachable(by Approach) error {
	if by == Embedded && a.Chosen() && len(a.Grants) == 0 {
		return At(CodeServiceInvalid, "access", "the PSU cannot choose accounts in the embedded approach")
	}
	return nil
}

// Open reports whether the accounts are found anew at each decision instead of
// being written down once.
func (a Access) Open() bool {
	switch a.Scope {
	case ScopeAllPSD2, ScopeAvailable, ScopeAvailableBalances:
		return true
	default:
		return false
	}
}

// AllRights is every right that the consent opens on any account.
func (a Access) AllRights() Rights {
	all := a.Rights
	for _, x := range a.Asked {
		all |= x.Rights
	}
	return all
}

// Allows reports whether an account of this type may be in the consent.
func (a Access) Allows(cashAccountType string) bool {
	return len(a.Only) == 0 || slices.Contains(a.Only, cashAccountType)
}
