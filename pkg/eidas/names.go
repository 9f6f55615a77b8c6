package eidas

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"consentd/pkg/dn"
)

var (
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
	name := dn.Attributes(c.Subject)
	return slices.ContainsFunc(b.names, func(entry []string) bool {
		return !slices.ContainsFunc(entry, func(a string) bool { return !slices.Contains(name, a) })
	})
}

// nameIn reads a name as RFC 2253 writes it into the same form.
func nameIn(text string) ([]string, error) {
	var attributes []string
	for _, at := range dn.Split(text, ",+") {
		part := text[at.From:at.To]
		keyword, value, ok := strings.Cut(part, "=")
		oid, known := dn.Type(keyword)
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
		attributes = append(attributes, dn.Attribute(oid, plain))
	}
	return attributes, nil
}

// valueIn is the value of an attribute: in quotation marks, as # and the hexadecimal
// of its DER, or with backslashes before characters or their hexadecimal.
func valueIn(text string) (string, error) {
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "":
		return "", errors.New("empty")
	case trimmed[0] == '#':
		plain, ok := dn.DER(trimmed[1:])
		if !ok {
			return "", errors.New("not the hexadecimal of a DER string")
		}
		return plain, nil
	case quotedValue.MatchString(trimmed):
		return dn.Unescape(trimmed[1 : len(trimmed)-1]), nil
	case !plainValue.MatchString(text): // a blank at its end may be escaped
		return "", errors.New("semicolons, quotation marks and backslashes are escaped by a backslash, and attributes separated by commas")
	}
	for _, found := range runOn.FindAllStringSubmatch(text, -1) {
		if _, known := dn.Type(found[1]); known {
			return "", fmt.Errorf("%s= within it: attributes are separated by commas", found[1])
		}
	}
	return dn.Unescape(text), nil
}
