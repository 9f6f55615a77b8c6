package xs2a

// FundsConsentRequest is the body of POST /v2/consents/confirmation-of-funds
// (NextGenPSD2 confirmation of funds consent 2.0). Such a consent has no end
// date. All but the account is optional, for the PSU to read.
type FundsConsentRequest struct {
	Account                 AccountReference `json:"account"`
	CardNumber              string           `json:"cardNumber,omitempty"`              // at most 35 characters
	CardExpiryDate          string           `json:"cardExpiryDate,omitempty"`          // YYYY-MM-DD
	CardInformation         string           `json:"cardInformation,omitempty"`         // at most 140 characters
	RegistrationInformation string           `json:"registrationInformation,omitempty"` // at most 140 characters
}

// FundsConsentInformation is the answer 200 to GET
// /v2/consents/confirmation-of-funds/{consentId}. ConsentStatus is never
// partiallyAuthorised, which this part of the standard does not have.
type FundsConsentInformation struct {
	Account                 AccountReference `json:"account"`
	CardNumber              string           `json:"cardNumber,omitempty"`
	CardExpiryDate          string           `json:"cardExpiryDate,omitempty"`
	CardInformation         string           `json:"cardInformation,omitempty"`
	RegistrationInformation string           `json:"registrationInformation,omitempty"`
	ConsentStatus           ConsentStatus    `json:"consentStatus"`
}

// FundsConfirmationRequest is the body of POST /v1/funds-confirmations: is this
// amount available?
type FundsConfirmationRequest struct {
	CardNumber       string           `json:"cardNumber,omitempty"` // at most 35 characters
	Account          AccountReference `json:"account"`
	Payee            string           `json:"payee,omitempty"` // where the card is used; at most 70 characters
	InstructedAmount Amount           `json:"instructedAmount"`
}

// Amount is a sum of money. It is a string on the wire and stays one: a binary
// fraction could not hold it.
type Amount struct {
	Currency string `json:"currency"` // ISO 4217
	Amount   string `json:"amount"`   // up to 14 digits, a dot, up to 3 digits
}

// FundsConfirmationResponse is the answer 200 to POST /v1/funds-confirmations.
// Nothing is reserved.
type FundsConfirmationResponse struct {
	FundsAvailable bool `json:"fundsAvailable"`
}
