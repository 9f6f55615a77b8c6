package manager

// Types of consents.
const (
	DataSharing       = "cbuae-account-access-consents"
	ServiceInitiation = "cbuae-service-initiation-consents"
	Insurance         = "cbuae-insurance-consents"
)

// Status is the state of a consent (AEConsentStatus). It is always spelt so.
type Status string

// The states. Consumed is for payments only.
const (
	AwaitingAuthorization Status = "AwaitingAuthorization"
	Authorized            Status = "Authorized"
	Suspended             Status = "Suspended"
	Rejected              Status = "Rejected"
	Revoked               Status = "Revoked"
	Expired               Status = "Expired"
	Consumed              Status = "Consumed"
)

// Statuses lists every state.
func Statuses() []Status {
	return []Status{AwaitingAuthorization, Authorized, Suspended, Rejected, Revoked, Expired, Consumed}
}

// RevokedBy says who has revoked a consent (AERevokedBy).
type RevokedBy string

// Who can revoke.
const (
	ByLFI     RevokedBy = "LFI"                 // the bank
	ByTPP     RevokedBy = "TPP"                 // the TPP
	ByLFIUser RevokedBy = "LFI.InitiatedByUser" // the customer, at the bank
	ByTPPUser RevokedBy = "TPP.InitiatedByUser" // the customer, at the TPP
)

// Channels by which a customer decides.
const (
	App = "App"
	Web = "Web"
)

// PaymentStatus is how far a payment is.
type PaymentStatus string

// The states of a payment. The last three are final.
const (
	Pending                           PaymentStatus = "Pending"
	AcceptedSettlementCompleted       PaymentStatus = "AcceptedSettlementCompleted"
	AcceptedCreditSettlementCompleted PaymentStatus = "AcceptedCreditSettlementCompleted"
	AcceptedWithoutPosting            PaymentStatus = "AcceptedWithoutPosting"
	PaymentRejected                   PaymentStatus = "Rejected"
)

// Types of payments in the log.
const (
	OnePayment  = "cbuae-payment"
	FilePayment = "cbuae-file-payment"
)

// Codes of errors; the first eight are the standard's.
const (
	CodeScope        = "AccessToken.InvalidScope"
	CodeBody         = "Body.InvalidFormat"
	CodeResource     = "Resource.InvalidFormat"
	CodeConsent      = "Consent.Invalid"
	CodeBusinessRule = "Consent.BusinessRuleViolation"
	CodeUser         = "Consent.InvalidUserIdentifier"
	CodeControl      = "Consent.FailsControlParameters"
	CodeJWE          = "JWE.DecryptionError"

	CodeToken       = "AccessToken.Invalid"       // 401
	CodeUnknownPath = "Resource.NotFound"         // 404
	CodeMethod      = "Resource.MethodNotAllowed" // 405
	CodeAccept      = "Resource.NotAcceptable"    // 406
	CodeTimeout     = "Request.Timeout"           // 408
	CodeTooLarge    = "Body.TooLarge"             // 413
	CodeMedia       = "Body.UnsupportedMediaType" // 415
	CodeTooOften    = "Request.TooMany"           // 429
	CodeFailure     = "Server.Failure"            // 500
	CodeUnavailable = "Server.Unavailable"        // 503
)

// Error is the body of every answer that is an error.
type Error struct {
	Code    string `json:"errorCode"`
	Message string `json:"errorMessage"`
}
