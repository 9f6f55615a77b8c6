package xs2a

// ConsentsRequest is the body of POST /v1/consents.
type ConsentsRequest struct {
	Access             AccountAccess `json:"access"`
	RecurringIndicator bool          `json:"recurringIndicator"`
	// ValidUntil is the last day of use, YYYY-MM-DD, in the bank's time zone.
	// 9999-12-31 asks for the longest time that the bank allows.
	ValidUntil string `json:"validUntil"`
	// FrequencyPerDay is the number of accesses a day without the PSU; 1 for a
	// one-off consent.
	FrequencyPerDay int `json:"frequencyPerDay"`
	// CombinedServiceIndicator announces a payment in the same session.
	CombinedServiceIndicator bool `json:"combinedServiceIndicator"`
}

// AccountAccess says which data of which accounts. One of five models, which
// cannot be mixed: lists that name accounts (dedicated), empty lists
// (bank-offered), or one of AllPSD2, AvailableAccounts and
// AvailableAccountsWithBalance.
type AccountAccess struct {
	Accounts                     []AccountReference     `json:"accounts,omitzero"`
	Balances                     []AccountReference     `json:"balances,omitzero"`
	Transactions                 []AccountReference     `json:"transactions,omitzero"`
	AdditionalInformation        *AdditionalInformation `json:"additionalInformation,omitempty"`
	AvailableAccounts            AllAccounts            `json:"availableAccounts,omitempty"`
	AvailableAccountsWithBalance AllAccounts            `json:"availableAccountsWithBalance,omitempty"`
	AllPSD2                      AllAccounts            `json:"allPsd2,omitempty"`
	// RestrictedTo holds account types (ISO 20022 ExternalCashAccountType1Code);
	// not together with accounts that are named.
	RestrictedTo []string `json:"restrictedTo,omitempty"`
}

// AdditionalInformation asks for further data, for accounts that one of the
// three lists beside it names as well. As there, nil is absent.
type AdditionalInformation struct {
	OwnerName            []AccountReference `json:"ownerName,omitzero"`
	TrustedBeneficiaries []AccountReference `json:"trustedBeneficiaries,omitzero"`
}

// AllAccounts is the value of the members that ask for all accounts.
type AllAccounts string

// The values of AllAccounts.
const (
	AllAccountsOnly          AllAccounts = "allAccounts"
	AllAccountsWithOwnerName AllAccounts = "allAccountsWithOwnerName"
)

// AccountReference names an account by exactly one identifier. An IBAN without
// a currency means every sub-account under it.
type AccountReference struct {
	IBAN            string                        `json:"iban,omitempty"`
	BBAN            string                        `json:"bban,omitempty"`
	PAN             string                        `json:"pan,omitempty"`
	MaskedPAN       string                        `json:"maskedPan,omitempty"`
	MSISDN          string                        `json:"msisdn,omitempty"`
	Other           *GenericAccountIdentification `json:"other,omitempty"`
	Currency        string                        `json:"currency,omitempty"`        // ISO 4217
	CashAccountType string                        `json:"cashAccountType,omitempty"` // ExternalCashAccountType1Code
}

// GenericAccountIdentification names an account by a scheme that has no member
// of its own.
type GenericAccountIdentification struct {
	Identification        string `json:"identification"`
	SchemeNameCode        string `json:"schemeNameCode,omitempty"`
	SchemeNameProprietary string `json:"schemeNameProprietary,omitempty"`
	Issuer                string `json:"issuer,omitempty"`
}

// ConsentsResponse is the answer 201 to POST /v1/consents, and to POST
// /v2/consents/confirmation-of-funds.
type ConsentsResponse struct {
	ConsentStatus ConsentStatus `json:"consentStatus"`
	ConsentID     string        `json:"consentId"`
	Links         Links         `json:"_links"`
	// ScaStatus is that of the authorisation which the consent came with.
	ScaStatus ScaStatus `json:"scaStatus,omitempty"`
	// ScaMethods are to choose from, where the PSU has more than one.
	ScaMethods []AuthenticationObject `json:"scaMethods,omitempty"`
	// ChosenScaMethod is the method that ChallengeData belongs to.
	ChosenScaMethod *AuthenticationObject `json:"chosenScaMethod,omitempty"`
	ChallengeData   *ChallengeData        `json:"challengeData,omitempty"`
	PSUMessage      string                `json:"psuMessage,omitempty"`
	TPPMessages     []TPPMessage          `json:"tppMessages,omitempty"`
}

// ConsentInformation is the answer 200 to GET /v1/consents/{consentId}: the
// consent as it is in force, which may be less than was asked for.
type ConsentInformation struct {
	Access             AccountAccess `json:"access"`
	RecurringIndicator bool          `json:"recurringIndicator"`
	ValidUntil         string        `json:"validUntil"`
	FrequencyPerDay    int           `json:"frequencyPerDay"`
	// LastActionDate is the day of the last change of status, YYYY-MM-DD.
	LastActionDate string        `json:"lastActionDate"`
	ConsentStatus  ConsentStatus `json:"consentStatus"`
	Links          Links         `json:"_links,omitempty"`
}

// ConsentStatusResponse is the answer 200 to GET
// /v1/consents/{consentId}/status.
type ConsentStatusResponse struct {
	ConsentStatus ConsentStatus `json:"consentStatus"`
	PSUMessage    string        `json:"psuMessage,omitempty"`
}

// ConsentStatus is where a consent stands.
type ConsentStatus string

// The statuses. All but the first three are final. TerminatedByAspsp is an
// extension of this program, not a value of the standard.
const (
	Received            ConsentStatus = "received"
	PartiallyAuthorised ConsentStatus = "partiallyAuthorised"
	Valid               ConsentStatus = "valid"
	Rejected            ConsentStatus = "rejected"
	RevokedByPsu        ConsentStatus = "revokedByPsu"
	Expired             ConsentStatus = "expired"
	TerminatedByTpp     ConsentStatus = "terminatedByTpp"
	TerminatedByAspsp   ConsentStatus = "terminatedByAspsp"
)
