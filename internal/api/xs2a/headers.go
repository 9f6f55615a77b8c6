package xs2a

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service"
	"consentd/internal/service/consents"
)

// place is a set of operations that take the same headers.
type place int

const (
	onCreate      place = 1 << iota // POST /v1/consents
	onStart                         // POST …/authorisations of such a consent
	onFundsCreate                   // POST /v2/consents/confirmation-of-funds
	onFundsStart                    // POST …/authorisations of such a consent
	onPut                           // PUT …/authorisations/{authorisationId} of either
	onRead                          // GET and DELETE of either
	onFundsCheck                    // POST /v1/funds-confirmations
	onAccounts                      // GET of account data

	onCreates = onCreate | onFundsCreate
	onStarts  = onStart | onFundsStart
	onPosts   = onCreates | onStarts
	onPSU     = onPosts | onPut             // where the TPP may say who the PSU is
	onContext = onPSU | onRead | onAccounts // where it may say how the PSU reaches it
	onAll     = onContext | onFundsCheck
	// onNotify leaves out the creation of funds consents, whose description
	// declares these headers for the start alone.
	onNotify = onCreate | onStarts
)

// rule is what a header must be (NextGenPSD2 1.3.x §4.9, §6.3, §7.1, and the
// confirmation of funds consent 2.0). The headers of the signature are judged
// before it, by tpp.Signatures.
type rule struct {
	name string // as the standard spells it
	key  string // as net/http keys it
	on   place  // where it is taken; elsewhere it is ignored
	must place  // where it is required
	max  int    // characters; 0 for no limit of ours
	list bool   // a list, which HTTP allows to come in several lines
	// own is where the operation judges it by itself, whatever it holds.
	own place
	// check says what is wrong with a value, nothing when it is right; nil for
	// any text.
	check func(Options, string) string
}

// rules hold every header that the operations take.
var rules = []rule{
	{name: edge.HeaderRequestID, key: edge.KeyRequestID, on: onAll, must: onAll, check: checkRequestID},
	{name: "Consent-ID", key: keyConsentID, on: onFundsCheck | onAccounts, must: onAccounts, own: onFundsCheck},
	{name: "PSU-IP-Address", key: keyIPAddress, on: onContext, must: onCreate, max: 140, check: checkIPAddress},
	{name: "TPP-Redirect-URI", key: keyRedirectURI, on: onPosts, must: onCreates, max: consent.MaxRedirectURI, check: checkRedirectURI},
	{name: "TPP-Nok-Redirect-URI", key: keyNokRedirectURI, on: onPosts, max: consent.MaxRedirectURI, check: checkRedirectURI},
	{name: "TPP-Redirect-Preferred", key: keyRedirectPreferred, on: onPosts, check: checkBoolean},
	{name: "TPP-Decoupled-Preferred", key: keyDecoupledPreferred, on: onCreate | onStart, check: checkBoolean},
	{name: "TPP-Explicit-Authorisation-Preferred", key: keyExplicitPreferred, on: onCreates, check: checkBoolean},
	{name: "PSU-ID", key: keyPSU, on: onPSU, max: 50},
	{name: "PSU-ID-Type", key: "Psu-Id-Type", on: onPSU, max: 50},
	{name: "PSU-Corporate-ID", key: keyCorporate, on: onPSU, max: 50},
	{name: "PSU-Corporate-ID-Type", key: "Psu-Corporate-Id-Type", on: onPSU, max: 50},
	{name: "TPP-Brand-Logging-Information", key: "Tpp-Brand-Logging-Information", on: onCreate, max: 255},
	{name: "TPP-Notification-URI", key: keyNotificationURI, on: onNotify, max: consent.MaxRedirectURI, check: checkNotificationURI},
	{name: "TPP-Notification-Content-Preferred", key: "Tpp-Notification-Content-Preferred", on: onNotify, check: checkNotificationContent},
	{name: "PSU-IP-Port", key: "Psu-Ip-Port", on: onContext, check: checkPort},
	{name: "PSU-Accept", key: "Psu-Accept", on: onContext, list: true},
	{name: "PSU-Accept-Charset", key: "Psu-Accept-Charset", on: onContext, list: true},
	{name: "PSU-Accept-Encoding", key: "Psu-Accept-Encoding", on: onContext, list: true},
	{name: "PSU-Accept-Language", key: keyLanguage, on: onContext, list: true},
	{name: "PSU-User-Agent", key: "Psu-User-Agent", on: onContext},
	{name: "PSU-Http-Method", key: "Psu-Http-Method", on: onContext, check: checkMethod},
	{name: "PSU-Device-ID", key: "Psu-Device-Id", on: onContext, check: checkDeviceID},
	{name: "PSU-Geo-Location", key: "Psu-Geo-Location", on: onContext, check: checkGeoLocation},
}

// The headers that are used beyond their check, as net/http keys them.
const (
	keyRedirectURI        = "Tpp-Redirect-Uri"
	keyNokRedirectURI     = "Tpp-Nok-Redirect-Uri"
	keyNotificationURI    = "Tpp-Notification-Uri"
	keyRedirectPreferred  = "Tpp-Redirect-Preferred"
	keyDecoupledPreferred = "Tpp-Decoupled-Preferred"
	keyExplicitPreferred  = "Tpp-Explicit-Authorisation-Preferred"
	keyPSU                = "Psu-Id"
	keyCorporate          = "Psu-Corporate-Id"
	keyLanguage           = "Psu-Accept-Language"
	keyConsentID          = "Consent-Id"
	keyIPAddress          = "Psu-Ip-Address"
)

// maxLanguage is the longest list of languages that is kept for the pages.
const maxLanguage = 200

// checkHeaders collects the faults of all headers that the operations at a place
// take.
func checkHeaders(o Options, header http.Header, at place) consent.Faults {
	var faults consent.Faults
	for i := range rules {
		r := &rules[i]
		if r.on&at == 0 || r.own&at != 0 {
			continue
		}
		values := header[r.key]
		if len(values) == 0 && r.must&at == 0 {
			continue
		}
		if wrong := r.judge(o, values); wrong != "" {
			faults = append(faults, &consent.Error{Code: consent.CodeFormat, Path: "Header." + r.name, Text: wrong})
		}
	}
	return faults
}

// judge says what is wrong with a header, in words that never repeat its value.
func (r *rule) judge(o Options, values []string) string {
	switch {
	case len(values) == 0:
		return "is required"
	case len(values) > 1 && !r.list:
		return "must be sent once"
	}
	for _, v := range values {
		if wrong := r.judgeOne(o, v); wrong != "" {
			return wrong
		}
	}
	return ""
}

func (r *rule) judgeOne(o Options, v string) string {
	switch {
	case strings.TrimSpace(v) == "":
		return "must not be blank"
	case !printable(v):
		return "must be UTF-8 without control characters"
	case r.max > 0 && utf8.RuneCountInString(v) > r.max:
		return fmt.Sprintf("must not be longer than %d characters", r.max)
	case r.check != nil:
		return r.check(o, v)
	default:
		return ""
	}
}

// printable tells valid UTF-8 without control characters.
func printable(s string) bool {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || unsafeRune(r) {
			return false
		}
		i += size
	}
	return true
}

// taken is the value of a header at a place: empty where it is absent, and where
// the operation does not take it, so that what is not judged has no effect.
func taken(header http.Header, at place, key string) string {
	for i := range rules {
		if r := &rules[i]; r.key == key && r.on&at != 0 {
			return header.Get(key)
		}
	}
	return ""
}

// meaningful lists the headers of a call that say something to its operation, as
// "name: value" in the order of the rules: with the body they tell whether a
// call is the same as an earlier one. X-Request-ID, by which the earlier one is
// found, is left out, and so is every header that the operation ignores.
func meaningful(header http.Header, at place) []string {
	var lines []string
	for i := range rules {
		r := &rules[i]
		if values := header[r.key]; r.on&at != 0 && r.key != edge.KeyRequestID && len(values) > 0 {
			lines = append(lines, r.name+": "+strings.Join(values, ", "))
		}
	}
	return lines
}

// wishOf reads how the TPP would like the authorisation to be; the headers have
// passed their checks.
func wishOf(header http.Header) consents.Wish {
	w := consents.Wish{Hint: service.Hint{PSU: header.Get(keyPSU), Corporate: header.Get(keyCorporate)}}
	if l := strings.Join(header[keyLanguage], ", "); len(l) <= maxLanguage {
		w.Hint.Language = l
	}
	return w
}
