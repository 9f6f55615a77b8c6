package httpsig

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Bounds of a Signature header: net/http takes up to a megabyte of headers.
const (
	maxSignature = 16 << 10
	maxHeaders   = 64  // names that one signature covers
	maxName      = 100 // characters of one of them
)

// requestTarget names the method and the target among what is covered.
const requestTarget = "(request-target)"

// Signature is a Signature header (draft-cavage-http-signatures-10 §2.1).
type Signature struct {
	KeyID     string
	Algorithm string
	Headers   []string // the names that are covered, lower case, in their order
	String    string   // what was signed; empty until it has been built from a message
	Value     []byte
}

// parseSignature reads the value of a Signature header. The four parameters of
// the standard must be there, each once and quoted; others are passed over. Fails
// with [Malformed].
func parseSignature(value string) (*Signature, error) {
	if len(value) > maxSignature {
		return nil, malformed("must not be longer than 16 KiB")
	}
	found, err := parameters(value)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"keyId", "algorithm", "headers", "signature"} {
		if found[strings.ToLower(name)] == "" {
			return nil, malformed("must have a value for " + name)
		}
	}
	s := &Signature{KeyID: found["keyid"], Algorithm: strings.ToLower(found["algorithm"])}
	if s.Headers, err = namesOf(found["headers"]); err != nil {
		return nil, err
	}
	if s.Value, err = base64.StdEncoding.DecodeString(found["signature"]); err != nil {
		return nil, malformed("must have a signature that is base64")
	}
	return s, nil
}

func malformed(text string) *Error {
	return &Error{Reason: Malformed, Header: HeaderSignature, Text: text}
}

// parameters reads name="value" pairs that commas part. Names are of either case,
// as those of every authentication parameter (RFC 7235 §2.1); they come back in
// lower case.
func parameters(s string) (map[string]string, error) {
	found := make(map[string]string, 4)
	for {
		name, rest, ok := strings.Cut(strings.TrimLeft(s, " \t"), "=")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		if !ok || !isToken(name) {
			return nil, malformed(`must be a list of <name>="<value>"`)
		}
		value, rest, quoted, ok := valueAt(strings.TrimLeft(rest, " \t"))
		if !ok {
			return nil, malformed("must have its values in quotation marks")
		}
		if slices.Contains([]string{"keyid", "algorithm", "headers", "signature"}, name) {
			switch _, twice := found[name]; {
			case twice:
				return nil, malformed("must have each parameter once")
			case !quoted:
				return nil, malformed("must have its values in quotation marks")
			}
			found[name] = value
		}
		if rest = strings.TrimLeft(rest, " \t"); rest == "" {
			return found, nil
		}
		if rest[0] != ',' {
			return nil, malformed("must have commas between its parameters")
		}
		s = rest[1:]
	}
}

// valueAt reads the quoted string, or the token, that s begins with. A backslash
// makes the quotation mark or the backslash after it plain; before anything else
// it stands for itself, since names of issuers bring backslashes of their own and
// are often put into the header as they are.
func valueAt(s string) (value, rest string, quoted, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], false, isToken(s[:end])
	}
	var plain strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			return plain.String(), s[i+1:], true, true
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			c = s[i]
		case (c < ' ' && c != '\t') || c == 0x7f:
			return "", "", true, false
		}
		plain.WriteByte(c)
	}
	return "", "", true, false // never closed
}

// namesOf reads a list of header names, or (request-target), that blanks part.
func namesOf(list string) ([]string, error) {
	names := strings.Fields(strings.ToLower(list))
	if len(names) == 0 || len(names) > maxHeaders {
		return nil, malformed("must cover 1 to 64 headers")
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		switch {
		case len(name) > maxName || name != requestTarget && !isToken(name):
			return nil, malformed("must cover headers by their names")
		case seen[name]:
			return nil, malformed("must cover " + name + " once")
		}
		seen[name] = true
	}
	return names, nil
}

// isToken reports whether s is a token of HTTP (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
