package demotpp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// faults say what a code means to a TPP, and what to do next.
var faults = map[xs2a.Code]string{
	xs2a.FormatError:             "The bank cannot take a header or a member of the body as it was sent. The path names each.",
	xs2a.ParameterNotSupported:   "The bank does not support what a parameter asks for.",
	xs2a.SessionsNotSupported:    "The bank does not combine consents with payments: leave combinedServiceIndicator false.",
	xs2a.ServiceInvalid:          "The bank does not offer this service, or not for this resource.",
	xs2a.ScaMethodUnknown:        "This is none of the methods that the bank offered.",
	xs2a.ScaInvalid:              "The authorisation has failed, and what came back cannot confirm it.",
	xs2a.NoPiisActivation:        "There is no consent to the confirmation of funds for this account.",
	xs2a.CertificateInvalid:      "The bank does not accept this TPP's certificate.",
	xs2a.CertificateMissing:      "The bank asks for a certificate, or for the one of the signature.",
	xs2a.CertificateExpired:      "This TPP's certificate is out of date, by the bank's clock.",
	xs2a.CertificateBlocked:      "The bank has shut this TPP out.",
	xs2a.CertificateRevoke:       "This TPP's certificate was revoked.",
	xs2a.CertificateRevoked:      "This TPP's certificate was revoked.",
	xs2a.RoleInvalid:             "This TPP has no licence for this service.",
	xs2a.SignatureInvalid:        "The signature does not fit the request.",
	xs2a.SignatureMissing:        "The bank asks for a signature.",
	xs2a.PsuCredentialsInvalid:   "The customer's name, password or code is wrong. There are few tries.",
	xs2a.CorporateIDInvalid:      "The customer does not act for this company.",
	xs2a.ConsentInvalid:          "The consent does not allow this: it is not authorised (any more), or asks for less than what was read.",
	xs2a.ConsentExpired:          "The consent is over or used up. Ask for a new one.",
	xs2a.ConsentUnknown:          "The bank has no such consent of this TPP.",
	xs2a.ServiceBlocked:          "The bank has blocked this for the customer or for this consent. Ask the customer to talk to the bank.",
	xs2a.ResourceUnknown:         "There is no such resource: no such account, or no such authorisation of this consent.",
	xs2a.ResourceExpired:         "The resource is over.",
	xs2a.RequestedFormatsInvalid: "The bank answers in none of the formats that were asked for.",
	xs2a.StatusInvalid:           "This does not fit how far the consent or its authorisation is. Look at their status.",
	xs2a.AccessExceeded:          "Too often without the customer: frequencyPerDay is used up for today%s. With the PSU present it is not counted.",
}

// meaningOf says in a sentence what an error means that the call of a path was
// answered with.
func meaningOf(err error, path string) string {
	means, wait, ok := stetMeaning(err)
	if refused, is := errors.AsType[*client.Error](err); is {
		means, wait, ok = xs2aMeaning(refused, path), refused.RetryAfter, true
	}
	if !ok {
		return "There is no answer that could be read. Nobody knows whether the bank did anything: ask for the status, or send the same X-Request-ID again."
	}
	if wait > 0 {
		means += fmt.Sprintf(" It asks to wait for %s.", wait.Round(time.Second))
	}
	return means
}

func xs2aMeaning(refused *client.Error, path string) string {
	for _, m := range refused.Messages {
		if said, known := faults[m.Code]; known {
			return strings.ReplaceAll(said, "%s", countedFor(path))
		}
	}
	return unexplained(refused.Status)
}

func unexplained(status int) string {
	return fmt.Sprintf("The bank answered %d and gave no reason that can be read.", status)
}

var oneAccount = regexp.MustCompile(`/(?:card-)?accounts/[^/?]+`)

// countedFor says for what the call of a path is counted, where that is for an
// account.
func countedFor(path string) string {
	if oneAccount.MatchString(path) {
		return ", for these data of this account"
	}
	return ""
}

// standing says what the status of a consent means, and what to do next.
var standing = map[xs2a.ConsentStatus]string{
	xs2a.Received:            "The consent waits to be authorised by the customer.",
	xs2a.PartiallyAuthorised: "One signer has authorised it; another one must.",
	xs2a.Valid:               "It is in force.",
	xs2a.Rejected:            "The customer or the bank said no. It stays rejected: ask for a new consent.",
	xs2a.RevokedByPsu:        "The customer has withdrawn it at the bank. It stays ended: ask for a new consent.",
	xs2a.Expired:             "Its time is over, it is used up, or a newer consent has replaced it.",
	xs2a.TerminatedByTpp:     "This TPP has ended it.",
	xs2a.TerminatedByAspsp:   "The bank has ended it.",
}
