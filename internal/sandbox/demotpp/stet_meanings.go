package demotpp

import (
	"errors"
	"net/http"
	"time"

	"consentd/pkg/client"
	"consentd/pkg/stet"
)

// answered tells an error that the bank gave as its answer.
func answered(err error) bool {
	_, xs2a := errors.AsType[*client.Error](err)
	_, french := errors.AsType[*client.STETError](err)
	_, oauth := errors.AsType[*client.OAuth2Error](err)
	return xs2a || french || oauth
}

// stetFaults say what a code of STET means to a TPP, and what to do next.
var stetFaults = map[string]string{
	stet.MessageIncorrectAccount: "The customer has no such account, and the consent is as it was before.",
	stet.MessageClosedAccount:    "The account is closed.",
	stet.MessageBlockedAccount:   "The account is blocked.",
	stet.MessageUnknownAISP:      "The bank does not know this TPP.",
	stet.MessageBadScope:         "The access token is for something else: connect with the scope aisp.",
	stet.MessageNoAccount:        "The customer has no account that could be shown.",
	stet.MessageNotGranted:       "The customer does not share this: their consent does not open it.",
	stet.MessageNotImplemented:   "The bank does not offer this.",
	stet.MessageTooManyRequests:  "Too often today without the customer, for these data of this account. With the customer there it is not counted.",
	stet.MessageInvalidPage:      "There is no such page.",
}

// stetStatuses say what a status means where no code says more.
var stetStatuses = map[int]string{
	http.StatusBadRequest:      "The bank cannot take the request as it was sent.",
	http.StatusUnauthorized:    "The access token, or the signature, is not good (any more). Refresh the token, or connect again.",
	http.StatusForbidden:       "The bank does not allow this.",
	http.StatusTooManyRequests: stetFaults[stet.MessageTooManyRequests],
}

// oauthFaults say what a code of OAuth2 means.
var oauthFaults = map[string]string{
	"invalid_request":         "The bank cannot take the request as it was sent.",
	"invalid_client":          "The certificate is not this client's, or not trusted.",
	"invalid_grant":           "The code or the token is used up, expired or ended: connect again.",
	"invalid_scope":           "The bank does not give this scope, or more of it than before.",
	"unauthorized_client":     "This TPP may not do this.",
	"access_denied":           "The customer, or the bank, said no.",
	"server_error":            "Something went wrong at the bank.",
	"temporarily_unavailable": "The bank asks to try again later.",
}

// stetMeaning says in a sentence what an answer of the STET interface, or of the
// authorization server, means; false where it is neither.
func stetMeaning(err error) (means string, wait time.Duration, ok bool) {
	if refused, is := errors.AsType[*client.STETError](err); is {
		means, known := stetFaults[refused.Code()]
		if !known {
			means, known = stetStatuses[refused.Status]
		}
		if !known {
			means = unexplained(refused.Status)
		}
		return means, refused.RetryAfter, true
	}
	refused, is := errors.AsType[*client.OAuth2Error](err)
	if !is {
		return "", 0, false
	}
	means, known := oauthFaults[refused.Code]
	if !known {
		means = unexplained(refused.Status)
	}
	return means, refused.RetryAfter, true
}
