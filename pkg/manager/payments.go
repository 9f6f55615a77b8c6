package manager

import (
	"encoding/json"
	"time"
)

// Payment is a row of the payment log.
type Payment struct {
	ConsentID      string          `json:"consentId"` // as the TPP calls it
	Type           string          `json:"paymentType"`
	ID             string          `json:"paymentId"`
	Key            string          `json:"idempotencyKey"`
	Response       PaymentResponse `json:"paymentResponse"`
	TPP            TPP             `json:"tpp"`
	Account        string          `json:"accountId"`
	PSU            PSU             `json:"psuIdentifiers"`
	Interaction    Interaction     `json:"interactionId"`
	Code           Code            `json:"authorizationCode"`
	RequestHeaders json.RawMessage `json:"requestHeaders"`
	// RequestBody is what the TPP has sent. AppendJSON writes it as it is.
	RequestBody json.RawMessage `json:"requestBody,omitempty"`
}

// PaymentResponse is how a payment stands.
type PaymentResponse struct {
	ID            string          `json:"id"`
	Status        PaymentStatus   `json:"status"`
	CreatedAt     time.Time       `json:"creationDateTime"`
	ChangedAt     time.Time       `json:"statusUpdateDateTime"`
	Billing       *PaymentBilling `json:"OpenFinanceBilling,omitempty"`
	Rejections    []Rejection     `json:"rejectReasonCode,omitempty"`
	TransactionID string          `json:"paymentTransactionId,omitempty"`
}

// PaymentBilling is how a payment is billed.
type PaymentBilling struct {
	Type       string `json:"Type,omitempty"`
	MerchantID string `json:"MerchantId,omitempty"`
	Successful *int   `json:"NumberOfSuccessfulTransactions,omitempty"`
}

// Rejection is a reason for which a payment was rejected; its code begins with the
// name of the payment system.
type Rejection struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Interaction names the calls.
type Interaction struct {
	Hub    string `json:"ozoneInteractionId"`
	Client string `json:"clientInteractionId,omitempty"`
}

// Code is by which authorization a payment was made.
type Code struct {
	PaymentID string     `json:"paymentId,omitempty"`
	TokenHash string     `json:"accessTokenHash,omitempty"`
	At        *time.Time `json:"currentDateTime,omitempty"`
}
