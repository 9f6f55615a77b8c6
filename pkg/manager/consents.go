package manager

import (
	"encoding/json"
	"time"
)

// Consent is a consent with all that is known of it.
type Consent struct {
	ID              string          `json:"id"`
	ParID           string          `json:"parId,omitempty"`
	RARType         string          `json:"rarType,omitempty"`
	StandardVersion string          `json:"standardVersion,omitempty"`
	GroupID         string          `json:"consentGroupId,omitempty"`
	RequestURL      string          `json:"requestUrl,omitempty"`
	Type            string          `json:"consentType"`
	Status          Status          `json:"status"`
	RequestHeaders  json.RawMessage `json:"requestHeaders"`
	Body            Body            `json:"consentBody"`
	InteractionID   string          `json:"interactionId,omitempty"`
	TPP             TPP             `json:"tpp"`
	UpdatedAt       int64           `json:"updatedAt"` // milliseconds since 1970
	PSU             *PSU            `json:"psuIdentifiers,omitempty"`
	Accounts        []string        `json:"accountIds,omitempty"`
	Supplementary   json.RawMessage `json:"supplementaryInformation,omitempty"`
	Usage           *Usage          `json:"consentUsage,omitempty"`
	Channel         string          `json:"authorizationChannel,omitempty"`
	// Request is what was asked for: type, consent and subscription. AppendJSON
	// writes it as it is.
	Request json.RawMessage `json:"request,omitempty"`
}

// Body is the consent as it stands. The members of Data are those of the request, and
// what has become of it.
type Body struct {
	Data         json.RawMessage `json:"Data"`
	Meta         json.RawMessage `json:"Meta,omitempty"`
	Subscription json.RawMessage `json:"Subscription,omitempty"`
}

// Data are the members of Body.Data that are not of the request.
type Data struct {
	ConsentID     string       `json:"ConsentId"`
	BaseConsentID string       `json:"BaseConsentId,omitempty"`
	Permissions   []string     `json:"Permissions,omitempty"`
	Status        Status       `json:"Status"`
	RevokedBy     RevokedBy    `json:"RevokedBy,omitempty"`
	CreatedAt     *time.Time   `json:"CreationDateTime,omitempty"`
	ChangedAt     *time.Time   `json:"StatusUpdateDateTime,omitempty"`
	ExpiresAt     *time.Time   `json:"ExpirationDateTime,omitempty"`
	Consumption   *Consumption `json:"PaymentConsumption,omitempty"`
}

// TPP is who has asked.
type TPP struct {
	ClientID            string   `json:"clientId"`
	OrgID               string   `json:"orgId"`
	SoftwareStatementID string   `json:"softwareStatementId"`
	ID                  string   `json:"tppId"`
	Name                string   `json:"tppName"`
	Software            Software `json:"decodedSsa"`
	DirectoryRecord     string   `json:"directoryRecord,omitempty"` // base64
}

// Software is what the TPP's software statement says.
type Software struct {
	RedirectURIs   []string `json:"redirect_uris,omitempty"`
	ClientName     string   `json:"client_name,omitempty"`
	ClientURI      string   `json:"client_uri,omitempty"`
	LogoURI        string   `json:"logo_uri,omitempty"`
	JWKSURI        string   `json:"jwks_uri,omitempty"`
	ClientID       string   `json:"client_id,omitempty"`
	Roles          []string `json:"roles,omitempty"`
	SectorURI      string   `json:"sector_identifier_uri,omitempty"`
	Application    string   `json:"application_type,omitempty"`
	OrganisationID string   `json:"organisation_id,omitempty"`
}

// PSU is the user whose consent it is, by an opaque id.
type PSU struct {
	UserID string `json:"userId"`
}

// Usage is when a consent was used last.
type Usage struct {
	DataShared *time.Time `json:"lastDataShared,omitempty"`
	Attempt    *time.Time `json:"lastServiceInitiationAttempt,omitempty"`
}

// Amount is money: two decimals and an ISO 4217 code.
type Amount struct {
	Amount   string `json:"Amount"`
	Currency string `json:"Currency"`
}

// Consumption is what has been paid by a consent, or is under way.
type Consumption struct {
	Count         int     `json:"CumulativeNumberOfPayments"`
	Value         Amount  `json:"CumulativeValueOfPayments"`
	CountInPeriod *int    `json:"CumulativeNumberOfPaymentsInCurrentPeriod,omitempty"`
	ValueInPeriod *Amount `json:"CumulativeValueOfPaymentsInCurrentPeriod,omitempty"`
}

// MultipleAuthorizers are those who must agree, and how each has decided.
type MultipleAuthorizers struct {
	TotalRequired  int          `json:"TotalRequired,omitempty"`
	Authorizations []Authorizer `json:"Authorizations,omitempty"`
}

// Authorizer is one of them. Status is Pending, Approved or Rejected.
type Authorizer struct {
	ID     string     `json:"AuthorizerId,omitempty"`
	Type   string     `json:"AuthorizerType,omitempty"`
	At     *time.Time `json:"AuthorizationDate,omitempty"`
	Status string     `json:"AuthorizationStatus,omitempty"`
}

// Meta is what a page of a list says of all pages. The standard wants PageSize, the
// number of rows on this page, to be at least 1: an empty page has none.
type Meta struct {
	PageNumber   int `json:"pageNumber,omitempty"`
	PageSize     int `json:"pageSize,omitempty"`
	TotalPages   int `json:"totalPages"`
	TotalRecords int `json:"totalRecords"`
	// Next is consentd's own: where the next page begins, for the parameter after.
	Next string `json:"next,omitempty"`
}

// Page is a page of consents.
type Page struct {
	Data []Consent `json:"data"`
	Meta Meta      `json:"meta"`
}

// One is an answer about one thing.
type One[T any] struct {
	Data T        `json:"data"`
	Meta struct{} `json:"meta"`
}

// Revocation is the body of the action revoke.
type Revocation struct {
	RevokedBy RevokedBy `json:"revokedBy"`
	PSU       *PSU      `json:"revokedByPsu,omitempty"`
}

// AuditRow is one line of the audit of a consent.
type AuditRow struct {
	ID            string `json:"id"`
	ProviderID    string `json:"providerId"`
	Operation     string `json:"operation"` // create or patch
	Timestamp     int64  `json:"timestamp"` // milliseconds since 1970
	MongoID       string `json:"fkMongoId"` // the consent's id, as is the next
	ConsentID     string `json:"fkId"`
	InteractionID string `json:"ozoneInteractionId"`
	Caller        Caller `json:"callerDetails,omitzero"`
	// Patch is what was changed: JSON.
	Patch string `json:"patch,omitempty"`
}

// Caller is who has called.
type Caller struct {
	OrgID    string `json:"callerOrgId,omitempty"`
	ClientID string `json:"callerClientId,omitempty"`
}
