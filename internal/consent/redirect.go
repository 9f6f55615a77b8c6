package consent

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxRedirectURI is how many characters a redirect URI may have.
const MaxRedirectURI = 500

// RedirectURI is what was checked of an address to which the PSU's browser may
// be led. One rule says what that is, for those who take such an address and for
// those who follow it: else a PSU could end on a page that leads nowhere.
type RedirectURI struct {
	Scheme string // in lower case
	Host   string // a name or an address without brackets, in lower case; empty: an app's
	Port   uint16 // 0: the scheme's own
}

// ParseRedirectURI takes an absolute https URI, http on the machine itself, and
// the schemes of apps that are listed, in lower case. A host is a DNS name or an
// IP address. User-info is how a link lies about its host, and a fragment would
// swallow what is appended. What is wrong is a [CodeFormat] without a path, in
// words that never repeat the text.
func ParseRedirectURI(text string, apps []string) (RedirectURI, error) {
	if utf8.RuneCountInString(text) > MaxRedirectURI {
		return RedirectURI{}, E(CodeFormat, "must not be longer than %d characters", MaxRedirectURI)
	}
	u, err := ParseURI(text)
	switch {
	case err != nil:
		return RedirectURI{}, err
	case u.User != nil:
		return RedirectURI{}, E(CodeFormat, "must not hold user-info")
	case strings.Contains(text, "#"):
		return RedirectURI{}, E(CodeFormat, "must not hold a fragment")
	case u.Scheme == "https" || u.Scheme == "http":
		return webAddress(u)
	case !slices.Contains(apps, u.Scheme):
		return RedirectURI{}, E(CodeFormat, "must be an absolute https URI")
	case u.Host == "" && u.Path == "" && u.Opaque == "":
		return RedirectURI{}, E(CodeFormat, "must say more than its scheme")
	}
	return RedirectURI{Scheme: u.Scheme}, nil
}

// ParseURI reads an absolute URI (RFC 3986), which may hold printable characters
// beyond ASCII too (RFC 3987). net/url is more lenient than that, and browsers
// are more lenient still, so that both could see different hosts; hence the
// characters are looked at first.
func ParseURI(text string) (*url.URL, error) {
	if utf8.ValidString(text) && uriCharacters(text) {
		if u, err := url.Parse(text); err == nil && u.IsAbs() {
			return u, nil
		}
	}
	return nil, E(CodeFormat, "must be an absolute URI") // without the cause, which repeats the text
}

func uriCharacters(text string) bool {
	for i, r := range text {
		switch {
		case r >= utf8.RuneSelf:
			if !unicode.IsPrint(r) {
				return false
			}
		case r == '%':
			if len(text) < i+3 || !hexadecimal(text[i+1:i+3]) {
				return false
			}
		case !alphanumeric(r) && !strings.ContainsRune("-._~:/?#[]@!$&'()*+,;=", r):
			return false
		}
	}
	return true
}

func webAddress(u *url.URL) (RedirectURI, error) {
	host := strings.ToLower(u.Hostname())
	port, ok := portOf(u)
	switch {
	case !ok || !validHost(host, strings.HasPrefix(u.Host, "[")):
		return RedirectURI{}, E(CodeFormat, "must be an absolute https URI with a host: a DNS name or an IP address, and a port from 1 to 65535 if any")
	case u.Scheme == "http" && !loopback(host):
		return RedirectURI{}, E(CodeFormat, "must be https; http is for loopback addresses only")
	}
	return RedirectURI{Scheme: u.Scheme, Host: host, Port: port}, nil
}

func portOf(u *url.URL) (uint16, bool) {
	port := u.Port()
	if port == "" {
		return 0, !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return uint16(n), err == nil && n > 0 && len(port) <= 5
}

// validHost tells an IP address, in brackets if and only if it is of version 6,
// and a DNS name. A zone means something on one machine only.
func validHost(host string, brackets bool) bool {
	if brackets || endsInNumber(host) {
		addr, err := netip.ParseAddr(host)
		return err == nil && addr.Zone() == "" && addr.Is6() == brackets
	}
	host = strings.TrimSuffix(host, ".") // the root
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

// endsInNumber tells what browsers read as an IPv4 address, in whatever spelling
// (127.1, 0x7f.1, 2130706433), or refuse (WHATWG URL §3.5).
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, ok := strings.CutPrefix(last, "0x"); ok {
		return hexadecimal(digits)
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// validLabel takes letters, digits and hyphens, of every alphabet. An underscore
// is no part of a host name (RFC 1123 §2.1): no public authority certifies such a
// name, and a Content-Security-Policy cannot name it.
func validLabel(label string) bool {
	if label == "" || utf8.RuneCountInString(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i, r := range label {
		switch {
		case r == '-' || alphanumeric(r):
		case r < utf8.RuneSelf:
			return false
		case unicode.IsLetter(r) || unicode.IsDigit(r) || i > 0 && unicode.IsMark(r):
		default:
			return false
		}
	}
	return true
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func hexadecimal(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }
