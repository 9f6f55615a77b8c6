package eidas

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of qualified certificates: RFC 3739 §3.2.6, ETSI EN
// 319 412-5, ETSI TS 119 495 §5.1.
const (
	oidQcStatements = "1.3.6.1.5.5.7.1.3"
	oidQcCompliance = "0.4.0.1862.1.1"
	oidQcType       = "0.4.0.1862.1.6"
	oidPSD2         = "0.4.0.19495.2"
)

// maxStatements bounds the extension, in bytes. The whole of it takes some 300
// in the field, most of that links to the conditions of the issuer.
const maxStatements = 8 << 10

var (
	roleByOID = map[string]Role{
		"0.4.0.19495.1.1": RoleAS,
		"0.4.0.19495.1.2": RolePI,
		"0.4.0.19495.1.3": RoleAI,
		"0.4.0.19495.1.4": RoleIC,
	}
	typeByOID = map[string]Type{
		"0.4.0.1862.1.6.1": Esign,
		"0.4.0.1862.1.6.2": Seal,
		"0.4.0.1862.1.6.3": Web,
	}
)

// statements is what the extension qcStatements says.
type statements struct {
	compliant bool
	types     []Type
	// of the PSD2 statement
	psd2           bool // whether there was one
	roles          []Role
	ncaName, ncaID string
}

// qcStatements is the value of the extension.
func qcStatements(cert *x509.Certificate) ([]byte, error) {
	var found [][]byte
	for _, e := range cert.Extensions {
		if e.Id.String() == oidQcStatements {
			found = append(found, e.Value)
		}
	}
	switch len(found) {
	case 0:
		return nil, fault(NoStatement, "it has no qcStatements", nil)
	case 1:
		return found[0], nil
	default:
		return nil, unreadable("it has qcStatements more than once")
	}
}

// readStatements reads the extension to its last byte.
func readStatements(extension []byte) (*statements, error) {
	if len(extension) > maxStatements {
		return nil, unreadable("qcStatements are longer than 8 KiB")
	}
	rest, list := cryptobyte.String(extension), cryptobyte.String(nil)
	if !rest.ReadASN1(&list, casn1.SEQUENCE) || !rest.Empty() {
		return nil, unreadable("qcStatements must be one SEQUENCE")
	}
	var all statements
	if list.PeekASN1Tag(casn1.OBJECT_IDENTIFIER) { // bare: the SEQUENCE is the statement
		if err := all.read(list); err != nil {
			return nil, err
		}
		list = nil
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1(&one, casn1.SEQUENCE) {
			return nil, unreadable("each of qcStatements must be a SEQUENCE")
		}
		if err := all.read(one); err != nil {
			return nil, err
		}
	}
	if !all.psd2 {
		return nil, fault(NoStatement, "its qcStatements have no PSD2 statement", nil)
	}
	return &all, nil
}

// read reads one statement. What others than ours hold is not looked at.
func (all *statements) read(one cryptobyte.String) error {
	id, ok := readOID(&one)
	if !ok {
		return unreadable("each of qcStatements must begin with an OID")
	}
	switch id {
	case oidQcCompliance:
		all.compliant = true
		return nil
	case oidQcType:
		return all.readTypes(one)
	case oidPSD2:
		if all.psd2 {
			return unreadable("it has more than one PSD2 statement")
		}
		all.psd2 = true
		return all.readPSD2(one)
	default:
		return nil
	}
}

// readTypes reads a SEQUENCE of OIDs. It keeps a type that has no name here, so
// that a certificate of that type alone does not pass for one of no type.
func (all *statements) readTypes(info cryptobyte.String) error {
	var list cryptobyte.String
	if !info.ReadASN1(&list, casn1.SEQUENCE) || !info.Empty() || list.Empty() {
		return unreadable("QcType must be one SEQUENCE of OIDs")
	}
	for !list.Empty() {
		id, ok := readOID(&list)
		if !ok {
			return unreadable("QcType must hold OIDs alone")
		}
		t, known := typeByOID[id]
		if !known {
			t = Type(id)
		}
		if !slices.Contains(all.types, t) {
			all.types = append(all.types, t)
		}
	}
	return nil
}

// readPSD2 reads rolesOfPSP, nCAName and nCAId, from the SEQUENCE that the
// standard puts around them or without it.
func (all *statements) readPSD2(info cryptobyte.String) error {
	var roles cryptobyte.String
	if !info.ReadASN1(&roles, casn1.SEQUENCE) {
		return unreadable("the PSD2 statement must begin with a SEQUENCE")
	}
	if info.Empty() { // that was the SEQUENCE around
		info = roles
		if !info.ReadASN1(&roles, casn1.SEQUENCE) {
			return unreadable("rolesOfPSP must be a SEQUENCE")
		}
	}
	if err := all.readRoles(roles); err != nil {
		return err
	}
	var okName, okID bool
	all.ncaName, okName = readText(&info)
	all.ncaID, okID = readText(&info)
	if !okName || !okID || !info.Empty() {
		return unreadable("the PSD2 statement must be rolesOfPSP, nCAName and nCAId, the latter printable texts")
	}
	return nil
}

// readRoles reads SEQUENCEs of an OID and a name (or of several such pairs), or
// the pairs alone, but not a mixture of both.
func (all *statements) readRoles(list cryptobyte.String) error {
	if list.PeekASN1Tag(casn1.OBJECT_IDENTIFIER) {
		return all.readPairs(list)
	}
	for !list.Empty() {
		var pairs cryptobyte.String
		if !list.ReadASN1(&pairs, casn1.SEQUENCE) || pairs.Empty() {
			return unreadable("a role must be an OID and a name")
		}
		if err := all.readPairs(pairs); err != nil {
			return err
		}
	}
	if len(all.roles) == 0 {
		return unreadable("the PSD2 statement has no roles")
	}
	return nil
}

// readPairs reads OIDs and names by turns. A name may be any text: it is not
// compared, for issuers write PSP_AI, AISP, or what they like.
func (all *statements) readPairs(list cryptobyte.String) error {
	for !list.Empty() {
		id, okID := readOID(&list)
		_, okName := readText(&list)
		if !okID || !okName {
			return unreadable("a role must be an OID and a name")
		}
		role, known := roleByOID[id]
		if !known {
			return unreadable("the PSD2 statement has a role that is not known")
		}
		if !slices.Contains(all.roles, role) {
			all.roles = append(all.roles, role)
		}
	}
	return nil
}

func readOID(s *cryptobyte.String) (string, bool) {
	var id asn1.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&id) {
		return "", false
	}
	return id.String(), true
}

// Tags of strings that cryptobyte has no name for.
const (
	tagVisibleString = casn1.Tag(26)
	tagBMPString     = casn1.Tag(30)
)

// readText reads a printable text of any of the string types that are met where
// the standard wants UTF8String. It may be empty.
func readText(s *cryptobyte.String) (string, bool) {
	var raw cryptobyte.String
	var tag casn1.Tag
	if !s.ReadAnyASN1(&raw, &tag) {
		return "", false
	}
	var text string
	switch tag {
	case casn1.UTF8String:
		text = string(raw)
	case casn1.PrintableString, casn1.IA5String, tagVisibleString:
		text = string(raw)
		if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return "", false
		}
	case casn1.T61String: // Latin-1 in truth, wherever it is met
		text = fromLatin1(raw)
	case tagBMPString:
		if len(raw)%2 != 0 {
			return "", false
		}
		text = fromUTF16(raw)
	default:
		return "", false
	}
	return text, printable(text, maxName)
}

func fromLatin1(raw []byte) string {
	runes := make([]rune, len(raw))
	for i, b := range raw {
		runes[i] = rune(b)
	}
	return string(runes)
}

func fromUTF16(raw []byte) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	return string(utf16.Decode(units))
}

func unreadable(text string) *Error { return fault(Malformed, text, nil) }
