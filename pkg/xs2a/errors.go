package xs2a

// The media types of bodies.
const (
	MediaTypeJSON    = "application/json"
	MediaTypeProblem = "application/problem+json"
)

// Error is the body of an error as application/json.
type Error struct {
	TPPMessages []TPPMessage `json:"tppMessages"`
}

// TPPMessage is one fault, or a hint in an answer that is none.
type TPPMessage struct {
	Category Category `json:"category"`
	Code     Code     `json:"code"`
	// Path names the member (access.accounts[0].iban) or the header
	// (Header.PSU-IP-Address) at fault.
	Path string `json:"path,omitempty"`
	Text string `json:"text,omitempty"` // English, at most 500 characters
}

// Category says how grave a TPPMessage is.
type Category string

// The categories.
const (
	CategoryError   Category = "ERROR"
	CategoryWarning Category = "WARNING"
)

// Problem is the body of an error as application/problem+json (RFC 9457).
type Problem struct {
	Type             string         `json:"type"`
	Title            string         `json:"title,omitempty"`
	Detail           string         `json:"detail,omitempty"` // with the path at fault in front
	Code             Code           `json:"code"`
	AdditionalErrors []ProblemError `json:"additionalErrors,omitempty"`
}

// ProblemError is a further fault of the same request.
type ProblemError struct {
	Title  string `json:"title,omitempty"`
	Detail string `json:"detail,omitempty"`
	Code   Code   `json:"code"`
}

// Code is what went wrong, in the words of the standard.
type Code string

// The codes that answers about consents use, by HTTP status. The standard has
// more.
const (
	Warning               Code = "WARNING"                 // 201: of a message that is no error
	FormatError           Code = "FORMAT_ERROR"            // 400
	ParameterNotSupported Code = "PARAMETER_NOT_SUPPORTED" // 400
	SessionsNotSupported  Code = "SESSIONS_NOT_SUPPORTED"  // 400
	ServiceInvalid        Code = "SERVICE_INVALID"         // 400 and 405
	ScaMethodUnknown      Code = "SCA_METHOD_UNKNOWN"      // 400
	ScaInvalid            Code = "SCA_INVALID"             // 400: a confirmation of what failed
	NoPiisActivation      Code = "NO_PIIS_ACTIVATION"      // 400: no consent to the confirmation of funds

	CertificateInvalid Code = "CERTIFICATE_INVALID" // 401
	CertificateMissing Code = "CERTIFICATE_MISSING" // 401
	CertificateExpired Code = "CERTIFICATE_EXPIRED" // 401
	CertificateBlocked Code = "CERTIFICATE_BLOCKED" // 401: by the bank
	// CertificateRevoke is spelt as the official list of 1.3.x does.
	CertificateRevoke     Code = "CERTIFICATE_REVOKE"      // 401
	CertificateRevoked    Code = "CERTIFICATE_REVOKED"     // 401: the same, as later versions spell it
	RoleInvalid           Code = "ROLE_INVALID"            // 401
	TokenInvalid          Code = "TOKEN_INVALID"           // 401
	TokenUnknown          Code = "TOKEN_UNKNOWN"           // 401
	TokenExpired          Code = "TOKEN_EXPIRED"           // 401
	SignatureInvalid      Code = "SIGNATURE_INVALID"       // 401
	SignatureMissing      Code = "SIGNATURE_MISSING"       // 401
	PsuCredentialsInvalid Code = "PSU_CREDENTIALS_INVALID" // 401
	CorporateIDInvalid    Code = "CORPORATE_ID_INVALID"    // 401
	ConsentInvalid        Code = "CONSENT_INVALID"         // 401
	ConsentExpired        Code = "CONSENT_EXPIRED"         // 401

	ConsentUnknown  Code = "CONSENT_UNKNOWN"  // 403 when the id is in the path, 400 when it is in a header
	ServiceBlocked  Code = "SERVICE_BLOCKED"  // 403
	ResourceUnknown Code = "RESOURCE_UNKNOWN" // 403 in a path below a consent, 404
	ResourceExpired Code = "RESOURCE_EXPIRED" // 403

	RequestedFormatsInvalid Code = "REQUESTED_FORMATS_INVALID" // 406
	StatusInvalid           Code = "STATUS_INVALID"            // 409
	AccessExceeded          Code = "ACCESS_EXCEEDED"           // 429
)
