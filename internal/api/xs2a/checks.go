package xs2a

import (
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/edge"
)

func checkRequestID(_ Options, v string) string {
	if edge.IsRequestID(v) {
		return ""
	}
	return "must be a UUID"
}

// checkIPAddress takes version 6 too, though the official description says
// ipv4: half of the PSUs have no other.
func checkIPAddress(_ Options, v string) string {
	addr, err := netip.ParseAddr(v)
	if err != nil || addr.Zone() != "" { // a zone means something on one machine only
		return "must be an IP address, version 4 or 6"
	}
	return ""
}

func checkPort(_ Options, v string) string {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil || n == 0 || len(v) > 5 {
		return "must be a port number from 1 to 65535"
	}
	return ""
}

// checkBoolean takes the two words only: True, 1 and yes are another program's.
func checkBoolean(_ Options, v string) string {
	if v == "true" || v == "false" {
		return ""
	}
	return "must be true or false"
}

func checkMethod(_ Options, v string) string {
	switch v {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return ""
	default:
		return "must be one of GET, POST, PUT, PATCH, DELETE"
	}
}

func checkDeviceID(_ Options, v string) string {
	if len(v) == 36 && uuid.Validate(v) == nil {
		return ""
	}
	return "must be a UUID"
}

var geoLocation = regexp.MustCompile(`^GEO:-?[0-9]{1,2}\.[0-9]{6};-?[0-9]{1,3}\.[0-9]{6}$`)

func checkGeoLocation(_ Options, v string) string {
	if geoLocation.MatchString(v) {
		return ""
	}
	return "must be GEO:<latitude>;<longitude>, each with six decimals"
}

// checkNotificationContent reads "status=X1, ..., Xn", each word at most once.
func checkNotificationContent(_ Options, v string) string {
	const wrong = "must be status= and a list of SCA, PROCESS and LAST, each at most once"
	list, ok := strings.CutPrefix(v, "status=")
	if !ok {
		return wrong
	}
	var seen []string
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimPrefix(word, " ")
		switch word {
		case "SCA", "PROCESS", "LAST":
		default:
			return wrong
		}
		if slices.Contains(seen, word) {
			return wrong
		}
		seen = append(seen, word)
	}
	return ""
}

// checkNotificationURI takes what a redirect may lead to, apps excepted.
func checkNotificationURI(_ Options, v string) string { return checkRedirectURI(Options{}, v) }

// checkRedirectURI takes what the pages will follow at the end of an
// authorisation: the rule is theirs too.
func checkRedirectURI(o Options, v string) string {
	if !ascii(v) {
		return notURI
	}
	_, err := consent.ParseRedirectURI(v, o.AppSchemes)
	if e, ok := errors.AsType[*consent.Error](err); ok {
		return e.Text
	}
	return ""
}

const notURI = "must be an absolute URI"

// ascii tells what a URI consists of (RFC 3986). Other alphabets come in Punycode
// or percent-encoded.
func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
