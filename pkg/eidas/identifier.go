package eidas

import (
	"crypto/x509"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	oidOrganisationIdentifier = "2.5.4.97"

	maxOrganisation = 200 // characters
	maxName         = 256 // characters, of organisations and authorities alike
)

var (
	// ncaID has neither a colon, which ends it in [Certificate.ID], nor a slash,
	// which parts the names of audit chains and the segments of paths.
	ncaID = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)
	// authorised is the form of an organizationIdentifier that a competent
	// authority gave (ETSI TS 119 495 §5.2.1): PSD, country-authority, its number.
	authorised = regexp.MustCompile(`^PSD([A-Z]{2}-[A-Z]{2,8})-`)
)

// organisationOf is the one organizationIdentifier of the subject.
func organisationOf(cert *x509.Certificate) (string, error) {
	var found []string
	for _, name := range cert.Subject.Names {
		if name.Type.String() != oidOrganisationIdentifier {
			continue
		}
		value, ok := name.Value.(string)
		if !ok {
			return "", fault(Malformed, "the organizationIdentifier must be a text", nil)
		}
		found = append(found, value)
	}
	if len(found) != 1 {
		return "", fault(Malformed, "the subject must have one organizationIdentifier (2.5.4.97)", nil)
	}
	if value := found[0]; value == "" || value != strings.TrimSpace(value) || !printable(value, maxOrganisation) {
		return "", fault(Malformed, "the organizationIdentifier must have 1 to 200 printable characters and no blanks around them", nil)
	}
	return found[0], nil
}

// checkIdentity says whether organisation and authority may be one identity: see
// the package's documentation.
func checkIdentity(organisation, nca string) error {
	if !ncaID.MatchString(nca) {
		return fault(Malformed, "nCAId must have 1 to 40 letters, digits or hyphens", nil)
	}
	if of := authorised.FindStringSubmatch(organisation); of != nil && of[1] != nca {
		return fault(Malformed, "the organizationIdentifier names another authority than nCAId", nil)
	}
	return nil
}

func holderOf(cert *x509.Certificate) (string, error) {
	name := cert.Subject.CommonName
	if of := cert.Subject.Organization; len(of) > 0 {
		name = of[0]
	}
	if !printable(name, maxName) {
		return "", fault(Malformed, "the subject's name must have at most 256 printable characters", nil)
	}
	return name, nil
}

// printable says whether a text of the certificate may be shown: at most so many
// characters, and no control or format characters among them.
func printable(s string, most int) bool {
	// RuneError is what stands for bytes that are not in the encoding.
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, unprintable)
}
