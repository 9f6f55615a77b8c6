package httpsig

import (
	"crypto/x509/pkix"
	"net/url"
	"slices"
	"strings"

	"consentd/pkg/dn"
)

// isIssuer compares the text of a distinguished name with a name: as the set of
// their attributes, whatever their order, the case and the blanks. The text may be
// percent-encoded, wholly or in its values, or form-encoded.
func isIssuer(text string, name pkix.Name) bool {
	want := dn.Attributes(name)
	slices.Sort(want)
	readings := []func(string) ([]string, bool){asItIs}
	if strings.ContainsAny(text, "%+") { // it can be read in more than one way; the usual one first
		readings = []func(string) ([]string, bool){withPlainValues, percentDecoded, asItIs, formDecoded}
	}
	for _, read := range readings {
		if got, ok := read(text); ok && slices.Equal(got, want) {
			return true
		}
	}
	return false
}

func asItIs(text string) ([]string, bool) {
	return attributesOf(text, func(v string) (string, error) { return v, nil })
}

func withPlainValues(text string) ([]string, bool) { return attributesOf(text, url.PathUnescape) }

func percentDecoded(text string) ([]string, bool) {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return nil, false
	}
	return asItIs(plain)
}

func formDecoded(text string) ([]string, bool) {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return nil, false
	}
	return asItIs(plain)
}

// attributesOf reads the attributes of a name (RFC 4514, RFC 2253), sorted. Two
// things are read that these do not allow: a comma or plus that no backslash
// protects belongs to the value where no type follows it ("O=Bank, Inc"), and a
// name that begins with a bare value begins with the common name.
func attributesOf(text string, decode func(string) (string, error)) ([]string, bool) {
	var found []span
	for _, part := range dn.Split(text, ",;+") {
		name, _, ok := strings.Cut(text[part.From:part.To], "=")
		oid, known := dn.Type(name)
		switch {
		case ok && known:
			part.From += len(name) + 1
			found = append(found, span{oid, part})
		case len(found) == 0:
			found = append(found, span{commonName, part})
		default:
			found[len(found)-1].To = part.To // the separator between them too
		}
	}
	read := make([]string, 0, len(found))
	for _, f := range found {
		plain, err := decode(unescape(strings.TrimSpace(text[f.From:f.To])))
		if err != nil {
			return nil, false
		}
		read = append(read, dn.Attribute(f.oid, plain))
	}
	slices.Sort(read)
	return read, true
}

// span is a piece of a name, and the type of the attribute of which it is the value.
type span struct {
	oid string
	dn.Part
}

const commonName = "2.5.4.3"

// unescape reads a value of a name: quoted, as # and the hexadecimal of its DER,
// or with characters behind backslashes, themselves or their hexadecimal.
func unescape(value string) string {
	if der, ok := strings.CutPrefix(value, "#"); ok {
		if s, ok := dn.DER(der); ok {
			return s
		}
	}
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	return dn.Unescape(value)
}
