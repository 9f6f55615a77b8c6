package inspector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// masked stands for what is not shown. It means nothing in a URL, a header, JSON
// or a shell.
const masked = "****"

// place is where a secret may stand.
type place int

const (
	inRequest place = 1 << iota // a member of the body of a request
	inAnswer                    // a member of the body of an answer
	inHeader                    // a header, of either
	inQuery                     // a parameter of a URL, wherever that stands
	inPath                      // what follows a segment of a path, wherever that stands
)

// hiding is how much of a secret is hidden.
type hiding int

const (
	nothing hiding = iota
	whole          // all of it
	start4         // all but the first four characters, by which two can be told apart
	token          // the same, behind the scheme of a credential
	link           // the handles in it
	digits         // the digits in it
)

// secretRule says that what has this name in one of these places is a secret.
// Letters count alike in both cases: decoders take either.
type secretRule struct {
	in   place
	name string
	how  hiding
}

// secretRules is all that must not be kept of a call, on whatever surface it is
// sent or answered. What a call-back says is a secret as a whole: what is in it is
// the affair of a flow, and is the PSU's answer.
var secretRules = []secretRule{
	{inHeader, "Authorization", token},
	{inHeader, "Proxy-Authorization", token},
	{inHeader, "X-Original-Authorization", token}, // the TPP's, as a gateway hands it on
	{inHeader, "Cookie", whole},
	{inHeader, "Set-Cookie", whole},
	{inHeader, "Location", link},

	// The PSU's factors, embedded and in call-backs.
	{inRequest, "password", whole},
	{inRequest, "encryptedPassword", whole},
	{inRequest, "additionalPassword", whole},
	{inRequest, "additionalEncryptedPassword", whole},
	{inRequest, "scaAuthenticationData", whole},
	{inRequest | inQuery, "confirmationCode", whole},
	{inRequest, "code", whole}, // an answer's code is that of an error
	{inQuery, "code", start4},  // of OAuth2, on its way back
	{inRequest, "otp", whole},
	{inRequest, "pin", whole},
	{inRequest, "number", whole},
	{inAnswer, "psuMessage", digits}, // the number that is to be repeated in the app

	// What opens the pages of a PSU.
	{inRequest | inQuery, "handle", start4},
	{inAnswer, "scaRedirect", link},
	{inAnswer, "scaOAuth", link},
	{inAnswer, "redirectUri", link},
	{inPath, "sca", start4},

	{inPath, "sca-callbacks", start4},

	// Of OAuth2.
	{inPath, "tokens", start4},
	{inPath, "authorize", start4}, // the name by which the browser comes back
	{inRequest | inQuery, "code_verifier", whole},
	{inRequest | inQuery, "client_secret", whole},
	{inRequest | inQuery, "client_assertion", whole},
	{inRequest, "accessToken", start4}, // the TPP's, as a resource server hands it on
	{inRequest | inAnswer | inQuery, "token", start4},
	{inRequest | inAnswer | inQuery, "access_token", start4},
	{inRequest | inAnswer | inQuery, "refresh_token", start4},
	{inRequest | inAnswer, "privateKey", whole},

	// Of the Consent Manager.
	{inHeader, "X-User-Token", start4},
	{inRequest, "ConnectToken", start4},
	{inRequest | inAnswer, "PersonalIdentifiableInformation", start4},
}

// pathCallbacks is where all that is said is a secret.
const pathCallbacks = "/sca-callbacks/"

// ruleFor finds how a name is hidden in a place.
func ruleFor(in place, name string) hiding {
	for _, r := range secretRules {
		if r.in&in != 0 && strings.EqualFold(r.name, name) {
			return r.how
		}
	}
	return nothing
}

// namesIn are the names in a place, as alternatives of a pattern.
func namesIn(in place) string {
	var names []string
	for _, r := range secretRules {
		if r.in&in != 0 {
			names = append(names, regexp.QuoteMeta(r.name))
		}
	}
	return strings.Join(names, "|")
}

var (
	secretSegment = regexp.MustCompile(`(?i)(/(?:` + namesIn(inPath) + `)/)([^/?#\s"'<>]+)`)
	secretQuery   = regexp.MustCompile(`(?i)([?&](?:` + namesIn(inQuery) + `)=)([^&#\s"'<>]+)`)
	secretKey     = regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|$)`)
	// A handle is 256 bits, in base64.
	secretHandle = regexp.MustCompile(`[A-Za-z0-9_-]{43,}`)
	secretDigits = regexp.MustCompile(`\p{Nd}+`)
	// What looks like a member with a value, in what is no JSON, or a form.
	secretMember = regexp.MustCompile(`(?i)(^|[^a-z0-9_])((?:` + namesIn(inRequest|inAnswer) + `)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^,&}\]\r\n]+)`)
)

// hide applies a way of hiding to a text.
func hide(text string, how hiding) string {
	switch how {
	case whole:
		return masked
	case start4:
		return beginning(text)
	case token:
		scheme, credential, ok := strings.Cut(text, " ")
		if !ok {
			return beginning(text)
		}
		return scheme + " " + beginning(credential)
	case link:
		return maskText(secretHandle.ReplaceAllStringFunc(text, beginning))
	case digits:
		return secretDigits.ReplaceAllString(text, masked[:2])
	default:
		return maskText(text)
	}
}

// beginning leaves the first four characters, of what is long enough to be safe
// without the rest. It leaves alone what it has masked before.
func beginning(secret string) string {
	if len(secret) == 4+len(masked) && strings.HasSuffix(secret, masked) {
		return secret
	}
	if len(secret) <= 2*4 || !utf8.ValidString(secret[:4]) {
		return masked
	}
	return secret[:4] + masked
}

// maskText hides what is a secret wherever it stands.
func maskText(text string) string {
	for _, pattern := range []*regexp.Regexp{secretSegment, secretQuery} {
		text = pattern.ReplaceAllStringFunc(text, func(found string) string {
			part := pattern.FindStringSubmatch(found)
			return part[1] + beginning(part[2])
		})
	}
	return secretKey.ReplaceAllString(text, "${1}"+masked+"${2}")
}

// maskTarget hides the secrets in the target of a request, also those behind a
// segment that is spelt with escapes.
func maskTarget(target string) string {
	path, query, asked := strings.Cut(target, "?")
	segments, secret := strings.Split(path, "/"), false
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil {
			plain = s
		}
		if secret && s != "" {
			segments[i] = beginning(s)
		}
		secret = secret || ruleFor(inPath, plain) != nothing
	}
	if path = strings.Join(segments, "/"); !asked {
		return maskText(path)
	}
	return maskText(path + "?" + query)
}

// exchanged is a request or an answer, without its secrets.
type exchanged struct {
	Headers   http.Header `json:"headers"`
	Body      string      `json:"body,omitempty"`
	Truncated bool        `json:"truncated,omitempty"` // only the beginning of the body is there
	NoText    bool        `json:"-"`                   // the body is not shown: it is no text
}

// maskMessage hides the secrets of a request or an answer, to or from a path.
func (i *Inspector) maskMessage(h http.Header, body kept, in place, path string) exchanged {
	m := exchanged{Headers: http.Header{}, Truncated: body.more}
	for name, values := range h {
		how := ruleFor(inHeader, name)
		for _, value := range values {
			if how != token || !i.knows(value) {
				value = hide(value, how)
			}
			m.Headers[name] = append(m.Headers[name], value)
		}
	}
	text := body.bytes
	if body.more { // perhaps in the middle of a character
		for range utf8.UTFMax - 1 {
			if r, n := utf8.DecodeLastRune(text); r == utf8.RuneError && n == 1 {
				text = text[:len(text)-1]
			}
		}
	}
	if !utf8.Valid(text) {
		m.Body, m.NoText = fmt.Sprintf("(%d bytes that are no text)", len(body.bytes)), true
		return m
	}
	all := nothing
	if in == inRequest && strings.Contains(path, pathCallbacks) {
		all = whole
	}
	m.Body = maskBody(text, in, all)
	return m
}

// knows reports whether a header holds a credential that is no secret.
func (i *Inspector) knows(header string) bool {
	_, credential, ok := strings.Cut(header, " ")
	return ok && i.Known != nil && i.Known(credential)
}

// maskBody hides the secrets in a body; all is how every member is hidden. All
// else stays as it was sent, so that a signature over it still holds where there
// was nothing to hide.
func maskBody(body []byte, in place, all hiding) string {
	if json.Valid(body) {
		m := &jsonMask{d: json.NewDecoder(bytes.NewReader(body)), body: body, in: in}
		m.d.UseNumber()
		if err := m.value(all); err == nil {
			return string(append(m.out, body[m.copied:]...))
		}
	}
	switch {
	case len(body) == 0:
		return ""
	case all == whole, bytes.Contains(body, []byte(`\u`)):
		return masked // whatever it is: names may be spelt with escapes in it
	default:
		return maskText(secretMember.ReplaceAllString(string(body), `${1}${2}"`+masked+`"`))
	}
}

// jsonMask copies JSON, with other values in place of secrets.
type jsonMask struct {
	d      *json.Decoder
	body   []byte
	in     place
	out    []byte
	copied int64 // how far of body is in out
}

// value copies the next value, hidden in a certain way.
func (m *jsonMask) value(how hiding) error {
	before := m.d.InputOffset()
	t, err := m.d.Token()
	if err != nil {
		return fmt.Errorf("mask JSON: %w", err)
	}
	switch v := t.(type) {
	case json.Delim:
		return m.inside(v, how)
	case string:
		if to := hide(v, how); to != v {
			return m.replace(before, to)
		}
	case json.Number:
		if how != nothing {
			return m.replace(before, masked)
		}
	}
	return nil
}

// inside copies what is in an object or a list.
func (m *jsonMask) inside(opened json.Delim, how hiding) error {
	for m.d.More() {
		each := how
		if opened == '{' {
			t, err := m.d.Token()
			if err != nil {
				return fmt.Errorf("mask JSON: %w", err)
			}
			if name, ok := t.(string); ok && each == nothing {
				each = ruleFor(m.in, name)
			}
		}
		if err := m.value(each); err != nil {
			return err
		}
	}
	_, err := m.d.Token()
	if err != nil {
		return fmt.Errorf("mask JSON: %w", err)
	}
	return nil
}

// replace puts a text in place of the value that was read last, which began
// somewhere behind an offset.
func (m *jsonMask) replace(before int64, text string) error {
	for strings.IndexByte(" \t\r\n:,", m.body[before]) >= 0 {
		before++
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return fmt.Errorf("mask JSON: %w", err)
	}
	m.out = append(append(m.out, m.body[m.copied:before]...), quoted...)
	m.copied = m.d.InputOffset()
	return nil
}
