package eidas_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
)

func TestCheckBlockedIssuer(t *testing.T) {
	t.Parallel()
	good := []string{
		strings.Repeat("ab", 32), " " + strings.Repeat("AB:", 31) + "AB\n",
		"CN=Bad CA", "cn = Bad CA , o = Bad", "CN=Bad CA,O=Bad+C=DE", `CN=Bad\, Inc`, `CN=Bad\2C Inc`, `CN="Bad, Inc"`, `CN=Bad\ `,
		"O=#13024445", "2.5.4.97=VATDE-1", "OID.2.5.4.97=VATDE-1", "organizationIdentifier=VATDE-1", "CN=a=b", "CN=A/B", "CN=Müller", "GN=A,SN=B,CN=C",
	}
	for _, text := range good {
		require.NoError(t, eidas.CheckBlockedIssuer(text), text)
	}
	bad := map[string]string{
		"":                                   "no attribute",
		"x=":                                 "not the type",
		"x=y":                                "not the type",
		"Bad CA":                             "no attribute",
		"CN=":                                "empty",
		"CN= ,O=Bad":                         "empty",
		"CN=Bad CA,":                         "no attribute",
		"CN=Middle, Inc,O=Middle":            "no attribute",
		"CN=Bad CA,XX=Bad":                   "not the type",
		"CN=Bad CA;O=Bad":                    "separated by commas",
		"/C=DE/O=Bad Trust/CN=Bad CA":        "not the type",
		"C=DE/O=Bad Trust/CN=Bad CA":         "separated by commas",
		"CN=Bad CA O=Bad":                    "separated by commas",
		"subject=CN = Bad CA, O = Bad":       "not the type",
		"issuer=CN=Bad CA":                   "not the type",
		`CN="Bad CA`:                         "escaped",
		`CN=Bad "CA"`:                        "escaped",
		`CN=Bad CA\`:                         "escaped",
		`CN=Bad\xCA`:                         "escaped",
		"CN=#1302444":                        "hexadecimal",
		"CN=#ff":                             "hexadecimal",
		".=a":                                "not the type",
		"2.5.4.=a":                           "not the type",
		"2.05.4=a":                           "not the type",
		strings.Repeat("ab", 31):             "no attribute",
		"sha256=" + strings.Repeat("ab", 32): "not the type",
	}
	for text, says := range bad {
		require.ErrorContains(t, eidas.CheckBlockedIssuer(text), says, text)
	}
}

// TestCheckBlockedIssuerOfNobody keeps an entry that would shut out a country.
func TestCheckBlockedIssuerOfNobody(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"C=DE", "C=DE,L=Berlin", "OU=CA,C=DE"} {
		require.ErrorContains(t, eidas.CheckBlockedIssuer(entry), "names no authority", entry)
	}
}
