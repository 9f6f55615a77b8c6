package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
)

// outsideClaims are what a token says, or the bank's server of it, as read.
type outsideClaims struct {
	issuer   string
	audience []string
	client   string // client_id, else azp
	psu      string
	customer string
	scopes   []string
	// certificate is x5t#S256 of cnf, as it came; empty where the token is not bound.
	certificate string

	issuedAt, expires   time.Time
	notBefore, authTime time.Time // zero where it does not say
}

// outsideNames are the claims whose names the bank chooses.
type outsideNames struct{ psu, customer string }

// outsideKinds are the names that access tokens go by where they say what they are:
// in typ, token_use and token_type. ID tokens and refresh tokens of the same server go by
// others.
var outsideKinds = map[string]bool{
	"": true, "bearer": true, "access": true, "access_token": true, "jwt": true, "at+jwt": true, "application/at+jwt": true,
}

// maxOutsideText is how long, in bytes, the texts may be by which somebody is known.
const maxOutsideText = 512

var errOutsideJSON = errors.New("not a JSON object")

// decodeOutside reads one JSON object. The error quotes nothing of it.
func decodeOutside(raw []byte) (map[string]any, error) {
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&members); err != nil || members == nil {
		return nil, errOutsideJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errOutsideJSON
	}
	return members, nil
}

// readOutside reads the claims of a token (RFC 9068 §2.2) or of the answer about one
// (RFC 7662 §2.2). Fails with an outsideError.
func readOutside(members map[string]any, names outsideNames) (outsideClaims, error) {
	r := outsideReader{members: members}
	for _, kind := range []string{"typ", "token_use", "token_type"} {
		if !outsideKinds[strings.ToLower(r.text(kind))] {
			r.refuse("is no access token by its " + kind)
		}
	}
	c := outsideClaims{
		issuer: r.text("iss"), audience: r.list("aud"), client: r.text("client_id"), psu: r.text(names.psu),
		scopes: r.scopes(), certificate: r.certificate(),
		issuedAt: r.date("iat"), expires: r.date("exp"), notBefore: r.date("nbf"), authTime: r.date("auth_time"),
	}
	if c.client == "" {
		c.client = r.text("azp")
	}
	if names.customer != "" {
		c.customer = r.text(names.customer)
	}
	for _, required := range []struct {
		missing bool
		name    string
	}{{c.client == "", "client_id"}, {c.psu == "", names.psu}, {c.issuedAt.IsZero(), "iat"}, {c.expires.IsZero(), "exp"}} {
		if required.missing {
			r.refuse("lacks " + required.name)
		}
	}
	return c, r.err
}

// outsideReader reads members, and keeps the first thing that is wrong with them.
type outsideReader struct {
	members map[string]any
	err     error
}

func (r *outsideReader) refuse(why string) {
	if r.err == nil {
		r.err = outsideError(why)
	}
}

// text reads a text; empty where there is none.
func (r *outsideReader) text(name string) string {
	value := r.members[name]
	if value == nil {
		return ""
	}
	text, ok := value.(string)
	if !ok || len(text) > maxOutsideText || strings.ContainsFunc(text, unicode.IsControl) {
		r.refuse("has a " + name + " that is no text, or too long")
	}
	return text
}

// list reads a text or a list of texts.
func (r *outsideReader) list(name string) []string {
	switch value := r.members[name].(type) {
	case nil:
		return nil
	case string:
		return []string{value}
	case []any:
		list := make([]string, 0, len(value))
		for _, element := range value {
			text, ok := element.(string)
			if !ok {
				break
			}
			list = append(list, text)
		}
		if len(list) == len(value) {
			return list
		}
	}
	r.refuse("has a " + name + " that is neither a text nor a list of texts")
	return nil
}

// scopes reads scope: words in one text (RFC 8693 §4.2), or, as some servers have it, a
// list. Each is there once.
func (r *outsideReader) scopes() []string {
	words := strings.Fields(strings.Join(r.list("scope"), " "))
	slices.Sort(words)
	return slices.Compact(words)
}

// endOfTimes bounds what is a date: the end of the year 9999, in seconds.
const endOfTimes = 253402300800

// date reads a NumericDate (RFC 7519 §2), to the microsecond.
func (r *outsideReader) date(name string) time.Time {
	value := r.members[name]
	if value == nil {
		return time.Time{}
	}
	number, _ := value.(json.Number)
	seconds, err := number.Float64()
	if err != nil || seconds <= 0 || seconds >= endOfTimes {
		r.refuse("has a " + name + " that is no date")
		return time.Time{}
	}
	return time.UnixMicro(int64(seconds * 1e6)).UTC()
}

// certificate reads the certificate that the token is bound to. Bound to anything
// else, it is nothing that we could check.
func (r *outsideReader) certificate() string {
	cnf := r.members["cnf"]
	if cnf == nil {
		return ""
	}
	members, _ := cnf.(map[string]any)
	thumbprint, _ := members["x5t#S256"].(string)
	if thumbprint == "" {
		r.refuse("is bound to something else than a certificate")
	}
	return thumbprint
}
