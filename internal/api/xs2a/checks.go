package xs2a

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

func checkRequestID(_ Options, v string) string {
	if isRequestID(v) {
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

func checkNotificationURI(_ Options, v string) string {
	u, wrong := parseURI(v)
	if wrong != "" {
		return wrong
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" {
		return "must be an absolute https URI"
	}
	return ""
}

// checkRedirectURI takes what a browser may be sent to: an absolute https URI,
// http on the machine itself, and the app schemes that the bank lists. User-info
// is how a link lies about its host, and a fragment would swallow what is
// appended.
func checkRedirectURI(o Options, v string) string {
	u, wrong := parseURI(v)
	if wrong != "" {
		return wrong
	}
	switch {
	case u.User != nil:
		return "must not hold user-info"
	case strings.Contains(v, "#"):
		return "must not hold a fragment"
	case u.Scheme == "https" || u.Scheme == "http":
		return checkWebURI(u)
	case slices.Contains(o.AppSchemes, u.Scheme):
		if u.Host == "" && u.Path == "" && u.Opaque == "" {
			return "must say more than its scheme"
		}
		return ""
	default:
		return "must be an absolute https URI"
	}
}

func checkWebURI(u *url.URL) string {
	if u.Hostname() == "" || !validPort(u) {
		return "must be an absolute https URI with a host"
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "must be https; http is for loopback addresses only"
	}
	return ""
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// parseURI reads a URI of RFC 3986. net/url is more lenient than that, and
// browsers are more lenient still, so that both could see different hosts; hence
// the characters are looked at first.
func parseURI(v string) (*url.URL, string) {
	const wrong = "must be an absolute URI"
	for i := range len(v) {
		if !uriCharacter(v[i]) || v[i] == '%' && !escape.MatchString(v[i:]) {
			return nil, wrong
		}
	}
	u, err := url.Parse(v)
	if err != nil || !u.IsAbs() {
		return nil, wrong
	}
	return u, ""
}

var escape = regexp.MustCompile(`^%[0-9A-Fa-f]{2}`)

func uriCharacter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("-._~:/?#[]@!$&'()*+,;=%", c) >= 0
}
