package xs2a

// Links are the relations of an answer by name.
type Links map[string]Link

// Link is one relation. Href is absolute, or a path at the same host, as the
// bank chooses.
type Link struct {
	Href string `json:"href"`
}

// The relations that answers about consents carry. Those of the first group say
// what comes next; the standard has more.
const (
	// LinkScaRedirect is where the PSU's browser goes.
	LinkScaRedirect = "scaRedirect"
	// LinkScaOAuth is where the bank's OAuth2 server is described (RFC 8414), which
	// authorises the consent by scope AIS:<consentId>.
	LinkScaOAuth = "scaOAuth"
	// LinkConfirmation takes the code that came back with the browser, by PUT.
	LinkConfirmation = "confirmation"

	// The links that start an authorisation, by POST: with nothing, with PSU-ID,
	// or with PSU-ID and the password.
	LinkStartAuthorisation                      = "startAuthorisation"
	LinkStartAuthorisationWithPsuIdentification = "startAuthorisationWithPsuIdentification"
	LinkStartAuthorisationWithPsuAuthentication = "startAuthorisationWithPsuAuthentication"

	// The links that carry an authorisation on, by PUT, in the order in which they
	// come.
	LinkUpdatePsuIdentification    = "updatePsuIdentification"
	LinkUpdatePsuAuthentication    = "updatePsuAuthentication"
	LinkSelectAuthenticationMethod = "selectAuthenticationMethod"
	LinkAuthoriseTransaction       = "authoriseTransaction"

	LinkSelf      = "self"
	LinkStatus    = "status"
	LinkScaStatus = "scaStatus"
	LinkAccount   = "account"
)
