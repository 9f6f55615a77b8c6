package stet

// BasePath stands before all paths, where the bank doesn't choose another one.
const BasePath = "/stet/psd2/v1.4.2"

// Access is the body of PUT /consents (STET 1.4.2, part II, 4.4): all that the
// PSU lets the AISP read, from now on. It takes the place of the whole former
// document, and one without accounts revokes all.
//
// A bank reads it leniently: a member that is absent, or null, grants nothing.
// Some want every member to be there, so a client sends them all, which a list
// does that is not nil.
type Access struct {
	Balances     []AccountReference `json:"balances,omitzero"`     // whose balances may be read
	Transactions []AccountReference `json:"transactions,omitzero"` // whose history may be read
	// TrustedBeneficiaries opens the list of those whom the PSU pays without strong
	// customer authentication. Banks may ignore it.
	TrustedBeneficiaries bool `json:"trustedBeneficiaries"`
	// PSUIdentity opens the name of who is connected, which need not be an owner of
	// the accounts; of a company, its number in the register.
	PSUIdentity bool `json:"psuIdentity"`
}

// AccountReference names an account: by its IBAN or, as cards, otherwise.
type AccountReference struct {
	IBAN     string                 `json:"iban,omitempty"`
	Other    *GenericIdentification `json:"other,omitempty"`
	Currency string                 `json:"currency,omitempty"` // ISO 4217
}

// GenericIdentification is a number after a scheme other than IBAN.
type GenericIdentification struct {
	Identification string `json:"identification,omitempty"` // at most 70 characters
	SchemeName     string `json:"schemeName,omitempty"`     // at most 70 characters
	Issuer         string `json:"issuer,omitempty"`         // at most 35 characters
}

// The schemes of GenericIdentification that this interface uses.
const (
	SchemeBank      = "BANK" // the bank's own number
	SchemeCompany   = "COID" // a country's number for companies
	SchemeSIREN     = "SREN" // of a French company
	SchemeSIRET     = "SRET" // of one of its places
	SchemePersonal  = "NIDN" // a country's number for persons
	SchemeOAuth     = "OAUT" // an access token
	SchemeCardPAN   = "CPAN" // a card's number
	SchemeMaskedPAN = "MPAN" // a card's number with digits hidden; since 1.5
	SchemeTokenPAN  = "TPAN" // a number that stands for a card's; since 1.5
)

// The scopes of access tokens (STET 1.4.2, part I).
const (
	ScopeAISP = "aisp" // every call of this package
	// ScopeExtendedHistory comes beside ScopeAISP, and asks for transactions that are
	// older than 90 days.
	ScopeExtendedHistory = "extended_transaction_history"
	ScopeCBPII           = "cbpii" // confirmation of funds
	ScopePISP            = "pisp"  // payments
)
