package xs2a

// StartAuthorisationResponse is the answer 201 to POST
// /v1/consents/{consentId}/authorisations.
type StartAuthorisationResponse struct {
	ScaStatus       ScaStatus `json:"scaStatus"`
	AuthorisationID string    `json:"authorisationId"`
	Links           Links     `json:"_links"`
	// ScaMethods are to choose from, where the PSU has more than one.
	ScaMethods []AuthenticationObject `json:"scaMethods,omitempty"`
	// ChosenScaMethod is the method that ChallengeData belongs to.
	ChosenScaMethod *AuthenticationObject `json:"chosenScaMethod,omitempty"`
	ChallengeData   *ChallengeData        `json:"challengeData,omitempty"`
	PSUMessage      string                `json:"psuMessage,omitempty"`
	TPPMessages     []TPPMessage          `json:"tppMessages,omitempty"`
}

// Authorisations is the answer 200 to GET
// /v1/consents/{consentId}/authorisations.
type Authorisations struct {
	AuthorisationIDs []string `json:"authorisationIds"`
}

// ScaStatusResponse is the answer 200 to GET
// /v1/consents/{consentId}/authorisations/{authorisationId}.
type ScaStatusResponse struct {
	ScaStatus   ScaStatus    `json:"scaStatus"`
	PSUMessage  string       `json:"psuMessage,omitempty"`
	PSUName     string       `json:"psuName,omitempty"` // at most 140 characters
	TPPMessages []TPPMessage `json:"tppMessages,omitempty"`
	Links       Links        `json:"_links,omitempty"`
}

// UpdateRequest is the body of PUT
// /v1/consents/{consentId}/authorisations/{authorisationId}: exactly one of its
// members, or none for the identification of the PSU, which is in the headers.
// POST …/authorisations takes PSUData in the same form.
type UpdateRequest struct {
	PSUData                *PSUData `json:"psuData,omitempty"`
	AuthenticationMethodID string   `json:"authenticationMethodId,omitempty"` // one of ScaMethods
	// ScaAuthenticationData is the answer to the challenge, such as the code from
	// an SMS; base64 where it is binary.
	ScaAuthenticationData string `json:"scaAuthenticationData,omitempty"`
	// ConfirmationCode came back with the browser after a redirect.
	ConfirmationCode string `json:"confirmationCode,omitempty"`
}

// PSUData is what the PSU knows, given to the TPP (embedded approach).
type PSUData struct {
	Password                    string `json:"password,omitempty"`
	EncryptedPassword           string `json:"encryptedPassword,omitempty"`
	AdditionalPassword          string `json:"additionalPassword,omitempty"`
	AdditionalEncryptedPassword string `json:"additionalEncryptedPassword,omitempty"`
}

// UpdateResponse is the answer 200 to the PUT. Which members there are depends
// on what was sent and on what comes next.
type UpdateResponse struct {
	ScaStatus       ScaStatus `json:"scaStatus"`
	AuthorisationID string    `json:"authorisationId,omitempty"`
	Links           Links     `json:"_links,omitempty"`
	// ScaMethods are to choose from, where the PSU has more than one.
	ScaMethods []AuthenticationObject `json:"scaMethods,omitempty"`
	// ChosenScaMethod is the method that ChallengeData belongs to.
	ChosenScaMethod *AuthenticationObject `json:"chosenScaMethod,omitempty"`
	ChallengeData   *ChallengeData        `json:"challengeData,omitempty"`
	PSUMessage      string                `json:"psuMessage,omitempty"`
	TPPMessages     []TPPMessage          `json:"tppMessages,omitempty"`
}

// AuthenticationObject is one method of authentication that a PSU has.
type AuthenticationObject struct {
	AuthenticationType     AuthenticationType `json:"authenticationType"`
	AuthenticationVersion  string             `json:"authenticationVersion,omitempty"`
	AuthenticationMethodID string             `json:"authenticationMethodId"` // at most 35 characters
	Name                   string             `json:"name,omitempty"`         // for the PSU, such as "SMS to +49160 xxxxx 28"
	Explanation            string             `json:"explanation,omitempty"`
}

// AuthenticationType is the kind of a method; banks may have further ones.
type AuthenticationType string

// The kinds that the standard names.
const (
	SMSOTP   AuthenticationType = "SMS_OTP"   // a code by SMS
	ChipOTP  AuthenticationType = "CHIP_OTP"  // a code that a card reader computes
	PhotoOTP AuthenticationType = "PHOTO_OTP" // a code computed from a picture
	PushOTP  AuthenticationType = "PUSH_OTP"  // a code shown, or a request answered, in an app
	SMTPOTP  AuthenticationType = "SMTP_OTP"  // a code by e-mail
)

// ChallengeData is what the PSU is shown, to answer it.
type ChallengeData struct {
	Image                 string    `json:"image,omitempty"` // PNG in base64, at most 512 kB
	Data                  []string  `json:"data,omitempty"`
	ImageLink             string    `json:"imageLink,omitempty"`
	OTPMaxLength          int       `json:"otpMaxLength,omitempty"` // characters
	OTPFormat             OTPFormat `json:"otpFormat,omitempty"`
	AdditionalInformation string    `json:"additionalInformation,omitempty"` // the TPP must show it to the PSU
}

// OTPFormat is what the answer to a challenge consists of.
type OTPFormat string

// The formats.
const (
	OTPCharacters OTPFormat = "characters"
	OTPInteger    OTPFormat = "integer"
)

// ScaStatus is how far an authorisation is.
type ScaStatus string

// The statuses, in the order in which they come; steps may be skipped. The last
// three are final.
const (
	ScaReceived         ScaStatus = "received"
	ScaPsuIdentified    ScaStatus = "psuIdentified"
	ScaPsuAuthenticated ScaStatus = "psuAuthenticated"
	ScaMethodSelected   ScaStatus = "scaMethodSelected"
	ScaStarted          ScaStatus = "started"
	ScaUnconfirmed      ScaStatus = "unconfirmed"
	ScaFinalised        ScaStatus = "finalised"
	ScaFailed           ScaStatus = "failed"
	ScaExempted         ScaStatus = "exempted"
)

// Approach is the value of the response header ASPSP-SCA-Approach.
type Approach string

// The approaches.
const (
	ApproachRedirect  Approach = "REDIRECT"
	ApproachDecoupled Approach = "DECOUPLED"
	ApproachEmbedded  Approach = "EMBEDDED"
)
