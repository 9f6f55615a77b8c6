package httpsig

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// attributeTypes are the types of attributes by the names under which the common
// libraries write them (RFC 4519, and what OpenSSL, Java and .NET add); those of
// other types are written as OIDs.
var attributeTypes = map[string]string{
	"CN": "2.5.4.3", "COMMONNAME": "2.5.4.3",
	"SN": "2.5.4.4", "SURNAME": "2.5.4.4",
	"SERIALNUMBER": "2.5.4.5",
	"C":            "2.5.4.6", "COUNTRYNAME": "2.5.4.6",
	"L": "2.5.4.7", "LOCALITYNAME": "2.5.4.7",
	"ST": "2.5.4.8", "S": "2.5.4.8", "SP": "2.5.4.8", "STATEORPROVINCENAME": "2.5.4.8",
	"STREET": "2.5.4.9", "STREETADDRESS": "2.5.4.9",
	"O": "2.5.4.10", "ORGANIZATIONNAME": "2.5.4.10",
	"OU": "2.5.4.11", "ORGANIZATIONALUNITNAME": "2.5.4.11",
	"T": "2.5.4.12", "TITLE": "2.5.4.12",
	"DESCRIPTION":      "2.5.4.13",
	"BUSINESSCATEGORY": "2.5.4.15",
	"POSTALCODE":       "2.5.4.17",
	"NAME":             "2.5.4.41",
	"GN":               "2.5.4.42", "G": "2.5.4.42", "GIVENNAME": "2.5.4.42",
	"INITIALS":                "2.5.4.43",
	"GENERATIONQUALIFIER":     "2.5.4.44",
	"DNQ":                     "2.5.4.46",
	"DNQUALIFIER":             "2.5.4.46",
	"PSEUDONYM":               "2.5.4.65",
	"ORGANIZATIONIDENTIFIER":  "2.5.4.97",
	"ORGANISATIONIDENTIFIER":  "2.5.4.97",
	"E":                       "1.2.840.113549.1.9.1",
	"EMAIL":                   "1.2.840.113549.1.9.1",
	"EMAILADDRESS":            "1.2.840.113549.1.9.1",
	"UID":                     "0.9.2342.19200300.100.1.1",
	"DC":                      "0.9.2342.19200300.100.1.25",
	"JURISDICTIONL":           "1.3.6.1.4.1.311.60.2.1.1",
	"JURISDICTIONST":          "1.3.6.1.4.1.311.60.2.1.2",
	"JURISDICTIONC":           "1.3.6.1.4.1.311.60.2.1.3",
	"JURISDICTIONCOUNTRYNAME": "1.3.6.1.4.1.311.60.2.1.3",
}

// isIssuer compares the text of a distinguished name with a name: as the set of
// their attributes, whatever their order, the case and the blanks. The text may be
// percent-encoded, wholly or in its values, or form-encoded.
func isIssuer(text string, name pkix.Name) bool {
	want := make([]string, 0, len(name.Names))
	for _, a := range name.Names {
		want = append(want, attribute(a.Type.String(), fmt.Sprint(a.Value)))
	}
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

// attribute is the form in which attributes are compared. What is not UTF-8 is
// Latin-1, in which older HTTP libraries write headers.
func attribute(oid, value string) string {
	if !utf8.ValidString(value) {
		runes := make([]rune, 0, len(value))
		for _, b := range []byte(value) {
			runes = append(runes, rune(b))
		}
		value = string(runes)
	}
	return oid + "=" + strings.ToLower(strings.Join(strings.Fields(value), " "))
}

// attributesOf reads the attributes of a name (RFC 4514, RFC 2253), sorted. Two
// things are read that these do not allow: a comma or plus that no backslash
// protects belongs to the value where no type follows it ("O=Bank, Inc"), and a
// name that begins with a bare value begins with the common name.
func attributesOf(text string, decode func(string) (string, error)) ([]string, bool) {
	var found []span
	for _, part := range split(text) {
		name, _, ok := strings.Cut(text[part.from:part.to], "=")
		oid, known := typeOf(name)
		switch {
		case ok && known:
			found = append(found, span{oid, part.from + len(name) + 1, part.to})
		case len(found) == 0:
			found = append(found, span{attributeTypes["CN"], part.from, part.to})
		default:
			found[len(found)-1].to = part.to // the separator between them too
		}
	}
	read := make([]string, 0, len(found))
	for _, f := range found {
		plain, err := decode(unescape(strings.TrimSpace(text[f.from:f.to])))
		if err != nil {
			return nil, false
		}
		read = append(read, attribute(f.oid, plain))
	}
	slices.Sort(read)
	return read, true
}

// typeOf is the OID of an attribute type: by name, or as dotted numbers with or
// without OID. before them.
func typeOf(name string) (oid string, ok bool) {
	name = strings.ToUpper(strings.TrimSpace(name))
	if oid, ok = attributeTypes[name]; ok {
		return oid, true
	}
	oid = strings.TrimPrefix(name, "OID.")
	return oid, strings.Contains(oid, ".") && strings.Trim(oid, "0123456789.") == ""
}

// span is a piece of a name, and the type of the attribute of which it is the value.
type span struct {
	oid      string
	from, to int
}

// split parts a name at the separators that neither a backslash nor quotation
// marks protect.
func split(text string) []span {
	var parts []span
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++ // what follows is protected
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ';' || c == '+'):
			parts = append(parts, span{from: start, to: i})
			start = i + 1
		}
	}
	return append(parts, span{from: start, to: len(text)})
}

// unescape reads a value of a name: quoted, as # and the hexadecimal of its DER,
// or with characters behind backslashes, themselves or their hexadecimal.
func unescape(value string) string {
	if der, ok := strings.CutPrefix(value, "#"); ok {
		if s, ok := textOf(der); ok {
			return s
		}
	}
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	if !strings.Contains(value, `\`) {
		return value
	}
	var plain strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			plain.WriteByte(value[i])
			continue
		}
		if b, err := hex.DecodeString(value[i+1 : min(i+3, len(value))]); err == nil && len(b) == 1 {
			plain.WriteByte(b[0])
			i += 2
			continue
		}
		i++
		plain.WriteByte(value[i])
	}
	return plain.String()
}

// textOf is the text of an ASN.1 string in hexadecimal.
func textOf(encoded string) (string, bool) {
	der, err := hex.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	var text string
	rest, err := asn1.Unmarshal(der, &text)
	return text, err == nil && len(rest) == 0
}
