package httpsig

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// certificate has a serial number of hexadecimal digits, and an issuer as in the
// example of the standard.
func certificate(serial string, names ...pkix.AttributeTypeAndValue) *x509.Certificate {
	n, _ := new(big.Int).SetString(serial, 16)
	c := &x509.Certificate{SerialNumber: n}
	c.Issuer.FillFromRDNSequence(&pkix.RDNSequence{names})
	return c
}

func named(oid asn1.ObjectIdentifier, value string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: value}
}

var (
	oidC   = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidO   = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidCN  = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidOrg = asn1.ObjectIdentifier{2, 5, 4, 97}
)

func TestKeyIDForms(t *testing.T) {
	t.Parallel()
	trust := certificate("9FA1", named(oidC, "DE"), named(oidO, "D-Trust GmbH"), named(oidCN, "D-TRUST CA 2-1 2015"))
	const dn = "CN=D-TRUST CA 2-1 2015,O=D-Trust GmbH,C=DE"
	for name, keyID := range map[string]string{
		"of the standard":        "SN=9FA1,CA=CN=D-TRUST%20CA%202-1%202015,O=D-Trust%20GmbH,C=DE",
		"plain":                  "SN=9FA1,CA=" + dn,
		"lower case":             "sn=9fa1,ca=" + strings.ToLower(dn),
		"leading noughts":        "SN=0009fA1,CA=" + dn,
		"0x":                     "SN=0x9FA1,CA=" + dn,
		"colons":                 "SN=9F:A1,CA=" + dn,
		"decimal":                "SN=40865,CA=" + dn,
		"reversed":               "SN=9FA1,CA=C=DE,O=D-Trust GmbH,CN=D-TRUST CA 2-1 2015",
		"of OpenSSL":             "SN=9FA1,CA=C = DE, O = D-Trust GmbH, CN = D-TRUST CA 2-1 2015",
		"blanks after commas":    "SN=9FA1, CA=CN=D-TRUST CA 2-1 2015, O=D-Trust GmbH, C=DE",
		"blanks within":          "SN=9FA1,CA=CN=D-TRUST  CA 2-1 2015 ,O= D-Trust GmbH,C=DE",
		"semicolons":             "SN=9FA1,CA=CN=D-TRUST CA 2-1 2015;O=D-Trust GmbH;C=DE",
		"OIDs":                   "SN=9FA1,CA=2.5.4.3=D-TRUST CA 2-1 2015,OID.2.5.4.10=D-Trust GmbH,oid.2.5.4.6=DE",
		"DER":                    "SN=9FA1,CA=CN=D-TRUST CA 2-1 2015,O=D-Trust GmbH,2.5.4.6=#13024445",
		"long names":             "SN=9FA1,CA=commonName=D-TRUST CA 2-1 2015,organizationName=D-Trust GmbH,countryName=DE",
		"quoted":                 `SN=9FA1,CA=CN="D-TRUST CA 2-1 2015",O="D-Trust GmbH",C=DE`,
		"without CN=":            "SN=9FA1,CA=D-TRUST CA 2-1 2015,O=D-Trust GmbH,C=DE",
		"escapes":                `SN=9FA1,CA=CN=D-TRUST CA 2\2D1 2015,O=D\-Trust GmbH,C=DE`,
		"wholly percent-encoded": "SN=9FA1,CA=" + url.PathEscape(dn),
		"form-encoded":           "SN=9FA1,CA=" + url.QueryEscape(dn),
		"encoded from the start": "SN%3D9FA1%2CCA%3DCN%3DD-TRUST%20CA%202-1%202015%2CO%3DD-Trust%20GmbH%2CC%3DDE",
		"several in one step":    "SN=9FA1,CA=CN=D-TRUST CA 2-1 2015+O=D-Trust GmbH,C=DE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, checkKeyID(keyID, trust))
		})
	}
}

func TestKeyIDOfHardNames(t *testing.T) {
	t.Parallel()
	hard := certificate("1234", named(oidOrg, "NTRDE-HRB74346"), named(oidO, `Söder, "Trust" + 100% \ Co`), named(oidCN, "#1=CA"))
	for name, keyID := range map[string]string{
		"our own":            keyIDOf(hard),
		"RFC 2253":           "SN=1234,CA=" + hard.Issuer.String(),
		"organizationId":     `SN=1234,CA=organizationIdentifier=NTRDE-HRB74346,O=Söder\, \"Trust\" \+ 100% \\ Co,CN=\#1=CA`,
		"nothing is escaped": `SN=1234,CA=2.5.4.97=NTRDE-HRB74346,CN=#1=CA,O=S%C3%B6der, \"Trust\" + 100%25 \\ Co`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, checkKeyID(keyID, hard))
		})
	}
}

// A serial number of digits alone is two numbers, and either may be meant.
func TestKeyIDOfDigits(t *testing.T) {
	t.Parallel()
	cn := named(oidCN, "CA")
	require.NoError(t, checkKeyID("SN=1000,CA=CN=CA", certificate("1000", cn)))
	require.NoError(t, checkKeyID("SN=1000,CA=CN=CA", certificate("3E8", cn)))
	require.NoError(t, checkKeyID("SN="+strings.Repeat("f", 40)+",CA=CN=CA", certificate(strings.Repeat("F", 40), cn)))
}

func TestKeyIDRefused(t *testing.T) {
	t.Parallel()
	cert := certificate("9FA1", named(oidCN, "CA"), named(oidC, "DE"))
	for name, test := range map[string]struct{ keyID, text string }{
		"another number":      {"SN=9FA2,CA=CN=CA,C=DE", "serial number"},
		"a sign":              {"SN=-9FA1,CA=CN=CA,C=DE", "serial number"},
		"underscores":         {"SN=9F_A1,CA=CN=CA,C=DE", "serial number"},
		"no digits":           {"SN=0x,CA=CN=CA,C=DE", "serial number"},
		"too many digits":     {"SN=" + strings.Repeat("0", 200) + "9FA1,CA=CN=CA,C=DE", "serial number"},
		"another issuer":      {"SN=9FA1,CA=CN=CA 2,C=DE", "issuer"},
		"another type":        {"SN=9FA1,CA=O=CA,C=DE", "issuer"},
		"half the issuer":     {"SN=9FA1,CA=CN=CA", "issuer"},
		"more of an issuer":   {"SN=9FA1,CA=CN=CA,C=DE,C=DE", "issuer"},
		"a broken escape":     {"SN=9FA1,CA=CN=CA%2,C=DE", "issuer"},
		"an unknown type":     {"SN=9FA1,CA=CN=CA,country=DE", "issuer"},
		"no number":           {"CA=CN=CA,C=DE", "SN=<serial number>,CA=<issuer>"},
		"an empty number":     {"SN=,CA=CN=CA,C=DE", "SN=<serial number>,CA=<issuer>"},
		"no issuer":           {"SN=9FA1", "SN=<serial number>,CA=<issuer>"},
		"an empty issuer":     {"SN=9FA1,CA=", "SN=<serial number>,CA=<issuer>"},
		"the name of a key":   {"Test", "SN=<serial number>,CA=<issuer>"},
		"an address":          {"https://tpp.example/key.pem", "SN=<serial number>,CA=<issuer>"},
		"the other way round": {"CA=CN=CA,C=DE,SN=9FA1", "SN=<serial number>,CA=<issuer>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault, ok := As(checkKeyID(test.keyID, cert))
			require.True(t, ok)
			require.Equal(t, Invalid, fault.Reason)
			require.Equal(t, HeaderSignature, fault.Header)
			require.Contains(t, fault.Text, test.text)
		})
	}
}
