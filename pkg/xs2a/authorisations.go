package xs2a

// StartAuthorisationResponse is the answer 201 to POST
// /v1/consents/{consentId}/authorisations.
type StartAuthorisationResponse struct {
	ScaStatus       ScaStatus    `json:"scaStatus"`
	AuthorisationID string       `json:"authorisationId"`
	Links           Links        `json:"_links"`
	PSUMessage      string       `json:"psuMessage,omitempty"`
	TPPMessages     []TPPMessage `json:"tppMessages,omitempty"`
}

// Authorisations is the answer 200 to GET
// /v1/consents/{consentId}/authorisations.
type Authorisations struct {
	AuthorisationIDs []string `json:"authorisationIds"`
}

// ScaStatusResponse is the answer 200 to GET
// /v1/consents/{consentId}/authorisations/{authorisationId}.
type ScaStatusResponse struct {
	ScaStatus  ScaStatus `json:"scaStatus"`
	PSUMessage string    `json:"psuMessage,omitempty"`
	Links      Links     `json:"_links,omitempty"`
}

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
