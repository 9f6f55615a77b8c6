package eidas

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// attributeTypes are the types of a name's attributes by the keywords that RFC 4519
// and OpenSSL have for them; others are written as OIDs.
var attributeTypes = map[string]string{
	"CN": "2.5.4.3", "COMMONNAME": "2.5.4.3",
	"SERIALNUMBER": "2.5.4.5",
	"C":            "2.5.4.6", "COUNTRYNAME": "2.5.4.6",
	"L": "2.5.4.7", "LOCALITYNAME": "2.5.4.7",
	"ST": "2.5.4.8", "S": "2.5.4.8", "STATEORPROVINCENAME": "2.5.4.8",
	"STREET": "2.5.4.9",
	"O":      "2.5.4.10", "ORGANIZATIONNAME": "2.5.4.10",
	"OU": "2.5.4.11", "ORGANIZATIONALUNITNAME": "2.5.4.11",
	"POSTALCODE":             "2.5.4.17",
	"ORGANIZATIONIDENTIFIER": "2.5.4.97",
	"E":                      "1.2.840.113549.1.9.1", "EMAILADDRESS": "1.2.840.113549.1.9.1",
	"UID": "0.9.2342.19200300.100.1.1",
	"DC":  "0.9.2342.19200300.100.1.25",
}

// blocklist holds authorities that are not trusted, by the fingerprints of their
// certificates or by their names. Names are compared as sets of attributes, since
// tools disagree on their order, on case and on blanks, and an entry that fits
// nothing would block nobody.
type blocklist map[string]bool

func newBlocklist(entries []string) blocklist {
	b := make(blocklist, len(entries))
	for _, e := range entries {
		sum := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(e), ":", ""))
		if raw, err := hex.DecodeString(sum); err == nil && len(raw) == 32 {
			b[sum] = true
			continue
		}
		if name := nameIn(e); name != "" {
			b[name] = true
		}
	}
	return b
}

// has tells whether an authority is on the list.
func (b blocklist) has(c *x509.Certificate) bool {
	return len(b) > 0 && (b[fingerprint(c.Raw)] || b[nameOf(c.Subject)])
}

// nameOf is the form in which names are compared.
func nameOf(name pkix.Name) string {
	attributes := make([]string, len(name.Names))
	for i, a := range name.Names {
		attributes[i] = attribute(a.Type.String(), fmt.Sprint(a.Value))
	}
	return joined(attributes)
}

// nameIn reads a name as RFC 2253 writes it into the same form. What stands between
// two commas without a type of its own belongs to the value before it.
func nameIn(text string) string {
	var types, values []string
	for _, part := range parts(text) {
		keyword, value, ok := strings.Cut(part, "=")
		oid, known := attributeType(keyword)
		if ok && known {
			types, values = append(types, oid), append(values, value)
		} else if len(values) > 0 {
			values[len(values)-1] += "," + part
		}
	}
	attributes := make([]string, len(types))
	for i := range types {
		attributes[i] = attribute(types[i], unescaped(strings.TrimSpace(values[i])))
	}
	return joined(attributes)
}

func attribute(oid, value string) string {
	return oid + "=" + strings.ToLower(strings.Join(strings.Fields(value), " "))
}

func joined(attributes []string) string {
	slices.Sort(attributes)
	return strings.Join(attributes, "\n")
}

// attributeType is the OID of a keyword, or of dotted numbers.
func attributeType(keyword string) (string, bool) {
	keyword = strings.ToUpper(strings.TrimSpace(keyword))
	if oid, ok := attributeTypes[keyword]; ok {
		return oid, true
	}
	oid := strings.TrimPrefix(keyword, "OID.")
	return oid, strings.Contains(oid, ".") && strings.Trim(oid, "0123456789.") == ""
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

// unescaped is the value of an attribute: in quotation marks, as # and the
// hexadecimal of its DER, or with backslashes before characters or their hexadecimal.
func unescaped(value string) string {
	if der, err := hex.DecodeString(strings.TrimPrefix(value, "#")); err == nil && strings.HasPrefix(value, "#") {
		var text string
		if rest, err := asn1.Unmarshal(der, &text); err == nil && len(rest) == 0 {
			return text
		}
	}
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
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
