package stet

// The media types of bodies.
const (
	MediaTypeJSON = "application/json"     // of PUT /consents, and its errors
	MediaTypeHAL  = "application/hal+json" // of what GET answers
)

// ErrorModel is the body of every error (STET 1.4.2, part II, ErrorModel).
type ErrorModel struct {
	Timestamp string `json:"timestamp,omitempty"` // RFC 3339
	Status    int    `json:"status"`              // that of the answer
	Error     string `json:"error,omitempty"`     // what HTTP calls it; at most 140 characters
	// Message is one of the codes below where one fits, perhaps with words after it,
	// or else words alone; at most 140 characters.
	Message string `json:"message"`
	Path    string `json:"path,omitempty"` // of the request; at most 140 characters
}

// The codes of ErrorModel.Message. They are not STET's: French banks
// have them in common.
const (
	MessageIncorrectAccount = "AC01" // 400 in PUT /consents, 404 in a path: no such account
	MessageClosedAccount    = "AC04"
	MessageBlockedAccount   = "AC06"
	MessageUnknownAISP      = "BE05" // 401: the TPP is not known
	MessageBadScope         = "BADS" // 403: the token is for something else
	MessageNoAccount        = "NAAC" // 404: no account that could be shown
	MessageNotGranted       = "NGAC" // 403: the consent doesn't open this
	MessageNotImplemented   = "NIMP" // 405 and 501
	MessageTooManyRequests  = "TMRQ" // 429
	MessageInvalidPage      = "IPGN" // 400: no such page
	MessageInvalidPSU       = "IPSU"
	MessageInternal         = "INTE" // 500
)
