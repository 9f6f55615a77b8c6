package eidas

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// attributeTypes are the types of a name's attributes by the keywords that RFC 4519
// and OpenSSL have for them; others are written as OIDs.
var attributeTypes = map[string]string{
	"CN": "2.5.4.3", "COMMONNAME": "2.5.4.3",
	"SN": "2.5.4.4", "SURNAME": "2.5.4.4",
	"SERIALNUMBER": "2.5.4.5",
	"C":            "2.5.4.6", "COUNTRYNAME": "2.5.4.6",
	"L": "2.5.4.7", "LOCALITYNAME": "2.5.4.7",
	"ST": "2.5.4.8", "S": "2.5.4.8", "STATEORPROVINCENAME": "2.5.4.8",
	"STREET": "2.5.4.9",
	"O":      "2.5.4.10", "ORGANIZATIONNAME": "2.5.4.10",
	"OU": "2.5.4.11", "ORGANIZATIONALUNITNAME": "2.5.4.11",
	"TITLE":            "2.5.4.12",
	"DESCRIPTION":      "2.5.4.13",
	"BUSINESSCATEGORY": "2.5.4.15",
	"POSTALCODE":       "2.5.4.17",
	"GN":               "2.5.4.42", "GIVENNAME": "2.5.4.42",
	"DNQUALIFIER":            "2.5.4.46",
	"PSEUDONYM":              "2.5.4.65",
	"ORGANIZATIONIDENTIFIER": "2.5.4.97",
	"E":                      "1.2.840.113549.1.9.1", "EMAILADDRESS": "1.2.840.113549.1.9.1",
	"UID": "0.9.2342.19200300.100.1.1",
	"DC":  "0.9.2342.19200300.100.1.25",
}

var (
	dottedOID = regexp.MustCompile(`^(?:OID\.)?([0-2](?:\.(?:0|[1-9][0-9]*))+)$`)
	// plainValue and quotedValue are what may stand behind a type (RFC 2253 §3).
	plainValue  = regexp.MustCompile(`^(?:[^"\\;]|\\[0-9A-Fa-f]{2}|\\[^0-9A-Za-z])+$`)
	quotedValue = regexp.MustCompile(`^"(?:[^"\\]|\\[0-9A-Fa-f]{2}|\\[^0-9A-Za-z])+"$`)
	// runOn is the next attribute behind a slash or a blank instead of a comma.
	runOn = regexp.MustCompile(`[/\s]([0-9A-Za-z.]+)\s*=`)
)

// CheckBlockedIssuer tells whether an entry of [Options].BlockedIssuers can be read:
// as the SHA-256 fingerprint of a certificate, in hexadecimal with colons or without,
// or to its last character as a name. A name has attributes TYPE=value, separated by
// commas or pluses; each type is a usual keyword (CN, O, C, …) or an OID; commas,
// pluses, semicolons, quotation marks and backslashes within a value are escaped.
// Names as other tools print them (/C=DE/O=…) are refused: they would block nobody.
func CheckBlockedIssuer(text string) error {
	if _, ok := fingerprintIn(text); ok {
		return nil
	}
	name, err := nameIn(text)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(name, distinguishes) {
		return errors.New("names no authority: CN, O or organizationIdentifier is needed, or every one of a country would be meant")
	}
	return nil
}

// distinguishes tells an attribute that says which authority it is.
func distinguishes(attribute string) bool {
	oid, _, _ := strings.Cut(attribute, "=")
	return oid == "2.5.4.3" || oid == "2.5.4.10" || oid == "2.5.4.97"
}

// blocklist holds authorities that are not trusted, by the fingerprints of their
// certificates or by their names. Names are compared as sets of attributes, since
// tools disagree on their order, on case and on blanks; an entry stands for all
// names that have its attributes, since one that fits nothing would block nobody.
type blocklist struct {
	fingerprints map[string]bool
	names        [][]string
}

func newBlocklist(entries []string) blocklist {
	b := blocklist{fingerprints: map[string]bool{}}
	for _, e := range entries {
		if sum, ok := fingerprintIn(e); ok {
			b.fingerprints[sum] = true
		} else if name, err := nameIn(e); err == nil && slices.ContainsFunc(name, distinguishes) {
			b.names = append(b.names, name)
		}
	}
	return b
}

// fingerprintIn reads a fingerprint into the form of Certificate.Fingerprint.
func fingerprintIn(text string) (string, bool) {
	sum := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	raw, err := hex.DecodeString(sum)
	return sum, err == nil && len(raw) == sha256.Size
}

// has tells whether an authority is on the list.
func (b blocklist) has(c *x509.Certificate) bool {
	if len(b.fingerprints) > 0 && b.fingerprints[fingerprint(c.Raw)] {
		return true
	}
	if len(b.names) == 0 {
		return false
	}
	name := nameOf(c.Subject)
	return slices.ContainsFunc(b.names, func(entry []string) bool {
		return !slices.ContainsFunc(entry, func(a string) bool { return !slices.Contains(name, a) })
	})
}

// nameOf is the form in which names are compared: their attributes.
func nameOf(name pkix.Name) []string {
	attributes := make([]string, len(name.Names))
	for i, a := range name.Names {
		attributes[i] = attribute(a.Type.String(), fmt.Sprint(a.Value))
	}
	return attributes
}

// nameIn reads a name as RFC 2253 writes it into the same form.
func nameIn(text string) ([]string, error) {
	var attributes []string
	for _, part := range parts(text) {
		keyword, value, ok := strings.Cut(part, "=")
		oid, known := attributeType(keyword)
		switch {
		case !ok:
			return nil, fmt.Errorf("%q is no attribute such as CN=…; a comma within a value is written \\,", strings.TrimSpace(part))
		case !known:
			return nil, fmt.Errorf("%q is not the type of an attribute that is known here; its OID can stand for it", strings.TrimSpace(keyword))
		}
		plain, err := valueIn(value)
		if err != nil {
			return nil, fmt.Errorf("the value of %s: %w", strings.TrimSpace(keyword), err)
		}
		attributes = append(attributes, attribute(oid, plain))
	}
	return attributes, nil
}

func attribute(oid, value string) string {
	return oid + "=" + strings.ToLower(strings.Join(strings.Fields(value), " "))
}

// attributeType is the OID of a keyword, or of dotted numbers.
func attributeType(keyword string) (string, bool) {
	keyword = strings.ToUpper(strings.TrimSpace(keyword))
	if oid, ok := attributeTypes[keyword]; ok {
		return oid, true
	}
	if found := dottedOID.FindStringSubmatch(keyword); found != nil {
		return found[1], true
	}
	return "", false
}

// parts splits a name at the commas and pluses that neither a backslash nor
// quotation marks protect.
func parts(text string) []string {
	var found []string
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '+'):
			found = append(found, text[start:i])
			start = i + 1
		}
	}
	return append(found, text[start:])
}

// valueIn is the value of an attribute: in quotation marks, as # and the hexadecimal
// of its DER, or with backslashes before characters or their hexadecimal.
func valueIn(text string) (string, error) {
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "":
		return "", errors.New("empty")
	case trimmed[0] == '#':
		return derIn(trimmed[1:])
	case quotedValue.MatchString(trimmed):
		return unescaped(trimmed[1 : len(trimmed)-1]), nil
	case !plainValue.MatchString(text): // a blank at its end may be escaped
		return "", errors.New("semicolons, quotation marks and backslashes are escaped by a backslash, and attributes separated by commas")
	}
	for _, found := range runOn.FindAllStringSubmatch(text, -1) {
		if _, known := attributeType(found[1]); known {
			return "", fmt.Errorf("%s= within it: attributes are separated by commas", found[1])
		}
	}
	return unescaped(text), nil
}

func derIn(digits string) (string, error) {
	der, err := hex.DecodeString(digits)
	if err != nil {
		return "", errors.New("not the hexadecimal of a DER string")
	}
	var text string
	if rest, err := asn1.Unmarshal(der, &text); err != nil || len(rest) > 0 {
		return "", errors.New("not the hexadecimal of a DER string")
	}
	return text, nil
}

// unescaped takes the backslashes out of a value.
func unescaped(value string) string {
	var plain strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			if raw, err := hex.DecodeString(value[i+1 : min(i+3, len(value))]); err == nil && len(raw) == 1 {
				plain.WriteByte(raw[0])
				i += 2
				continue
			}
			i++
		}
		plain.WriteByte(value[i])
	}
	return plain.String()
}
