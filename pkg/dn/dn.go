// Package dn reads the parts of distinguished names as RFC 4514 and RFC 2253 write
// them, and gives attributes a form in which they can be compared. How strict a
// reader of a whole name is, is its caller's: what a TPP writes into a keyId is read
// as kindly as it can be, what an operator writes into a configuration to its last
// character.
package dn

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// types are the types of attributes by the names under which the common
// libraries write them (RFC 4519, and what OpenSSL, Java and .NET add); those of
// other types are written as OIDs.
var types = map[string]string{
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

var dotted = regexp.MustCompile(`^(?:OID\.)?([0-2](?:\.(?:0|[1-9][0-9]*))+)$`)

// Type is the OID of an attribute type: by keyword, in any case, or as dotted
// numbers with or without OID. before them.
func Type(keyword string) (oid string, known bool) {
	keyword = strings.ToUpper(strings.TrimSpace(keyword))
	if oid, known = types[keyword]; known {
		return oid, true
	}
	if found := dotted.FindStringSubmatch(keyword); found != nil {
		return found[1], true
	}
	return "", false
}

// Attribute is the form in which attributes are compared: whatever the case and the
// blanks. What is not UTF-8 is Latin-1, in which older HTTP libraries write headers.
func Attribute(oid, value string) string {
	if !utf8.ValidString(value) {
		runes := make([]rune, 0, len(value))
		for _, b := range []byte(value) {
			runes = append(runes, rune(b))
		}
		value = string(runes)
	}
	return oid + "=" + strings.ToLower(strings.Join(strings.Fields(value), " "))
}

// Attributes are those of a name, in its order and in the form of [Attribute].
func Attributes(name pkix.Name) []string {
	list := make([]string, len(name.Names))
	for i, a := range name.Names {
		list[i] = Attribute(a.Type.String(), fmt.Sprint(a.Value))
	}
	return list
}

// Part is a piece of a text, from one byte to before another.
type Part struct{ From, To int }

// Split parts a name at the separators that neither a backslash nor quotation marks
// protect.
func Split(text, separators string) []Part {
	var parts []Part
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++ // what follows is protected
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(separators, c) >= 0:
			parts = append(parts, Part{start, i})
			start = i + 1
		}
	}
	return append(parts, Part{start, len(text)})
}

// Unescape takes the backslashes out of a value: before characters, or before two
// hexadecimal digits that stand for a byte.
func Unescape(value string) string {
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

// DER is the text of an ASN.1 string in hexadecimal, as it stands behind a #.
func DER(digits string) (text string, ok bool) {
	der, err := hex.DecodeString(digits)
	if err != nil {
		return "", false
	}
	rest, err := asn1.Unmarshal(der, &text)
	return text, err == nil && len(rest) == 0
}
