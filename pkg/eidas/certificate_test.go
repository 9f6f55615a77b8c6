package eidas_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

func TestParse(t *testing.T) {
	authority, order := setup(t)
	for name, encoding := range map[string]issue.Encoding{
		"standard": issue.Standard, "flat": issue.Flat, "unwrapped": issue.Unwrapped, "bare": issue.Bare,
	} {
		for _, kind := range []eidas.Type{eidas.Web, eidas.Seal, eidas.Esign} {
			t.Run(fmt.Sprintf("%s %s", name, kind), func(t *testing.T) {
				order := order
				order.Encoding, order.Type = encoding, kind
				issued, err := authority.Issue(order)
				require.NoError(t, err)
				c, err := eidas.Parse(issued.Certificate)
				require.NoError(t, err)
				want := &eidas.Certificate{
					X509:         issued.Certificate,
					Fingerprint:  c.Fingerprint,
					Organisation: "PSDDE-BAFIN-125314",
					Name:         "Ácme Zahlungen GmbH",
					NCAName:      "Federal Financial Supervisory Authority",
					NCAID:        "DE-BAFIN",
					Roles:        []eidas.Role{eidas.RoleAI, eidas.RoleIC, eidas.RolePI},
				}
				if encoding != issue.Bare {
					want.Types, want.Compliant = []eidas.Type{kind}, true
				}
				require.Equal(t, want, c)
				require.Equal(t, "DE-BAFIN:PSDDE-BAFIN-125314", c.ID())
				require.True(t, c.Has(eidas.RoleIC))
				require.False(t, c.Has(eidas.RoleAS))
			})
		}
	}
}

// The certificate was made by openssl alone, its statement is flat. The
// fingerprint is what openssl says.
func TestParseOfAnotherIssuer(t *testing.T) {
	text, err := os.ReadFile("testdata/certificates/flat.pem")
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	c, err := eidas.Parse(cert)
	require.NoError(t, err)
	require.Equal(t, "DE-BAFIN:PSDDE-BAFIN-125314", c.ID())
	require.Equal(t, "Acme Zahlungen GmbH", c.Name)
	require.Equal(t, []eidas.Role{eidas.RolePI, eidas.RoleAI, eidas.RoleIC}, c.Roles)
	require.Equal(t, "e6a0d34673e80092afce10d67b65426decd10f13afe65a618fa7a1d2c62e93db", c.Fingerprint)
	require.Equal(t, []string{"acme.example", "*.acme.test", "api.acme.example", "192.0.2.7"}, c.Domains())
}

func TestParseSubject(t *testing.T) {
	authority, order := setup(t)
	organisation := func(value any) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: value}
	}
	parse := func(t *testing.T, change func(*x509.Certificate)) (*eidas.Certificate, error) {
		t.Helper()
		order := order
		order.Change = change
		issued, err := authority.Issue(order)
		require.NoError(t, err)
		return eidas.Parse(issued.Certificate)
	}

	for title, value := range map[string]string{
		"of no authority":                "NTRDE-HRB 12345",
		"a text like any other":          "Überweiser & Söhne",
		"an authority's, not quite":      "PSDDE-bafin-1",
		"of an authority with long name": "PSDDE-AUTHORITYX-1",
		"as long as may be":              strings.Repeat("ü", 200),
	} {
		t.Run(title, func(t *testing.T) {
			c, err := parse(t, func(cert *x509.Certificate) {
				cert.Subject.ExtraNames = []pkix.AttributeTypeAndValue{organisation(value)}
			})
			require.NoError(t, err)
			require.Equal(t, value, c.Organisation)
			require.Equal(t, "DE-BAFIN:"+value, c.ID())
		})
	}

	for title, values := range map[string][]any{
		"missing":                 {},
		"twice":                   {"PSDDE-BAFIN-1", "PSDDE-BAFIN-1"},
		"empty":                   {""},
		"blank":                   {"   "},
		"blank before":            {" PSDDE-BAFIN-1"},
		"blank behind":            {"PSDDE-BAFIN-1 "},
		"too long":                {strings.Repeat("ü", 201)},
		"a control character":     {"PSDDE-BAFIN-1\x00"},
		"a line break":            {"PSDDE-BAFIN-1\n2"},
		"nothing to see":          {"PSDDE-BAFIN-1\u200b"},
		"another authority":       {"PSDFR-ACPR-1"},
		"another country":         {"PSDFR-BAFIN-1"},
		"another, of same letter": {"PSDDE-BAFI-1"},
	} {
		t.Run(title, func(t *testing.T) {
			c, err := parse(t, func(cert *x509.Certificate) {
				cert.Subject.ExtraNames = nil
				for _, v := range values {
					cert.Subject.ExtraNames = append(cert.Subject.ExtraNames, organisation(v))
				}
			})
			require.Equal(t, eidas.Malformed, eidas.ReasonOf(err), "%v", err)
			require.Nil(t, c)
		})
	}

	t.Run("named by its commonName", func(t *testing.T) {
		c, err := parse(t, func(cert *x509.Certificate) {
			cert.Subject.Organization, cert.Subject.CommonName = nil, "Acme"
		})
		require.NoError(t, err)
		require.Equal(t, "Acme", c.Name)
	})
	t.Run("a name with control characters", func(t *testing.T) {
		_, err := parse(t, func(cert *x509.Certificate) { cert.Subject.Organization = []string{"Ac\x1bme"} })
		require.Equal(t, eidas.Malformed, eidas.ReasonOf(err))
	})
	t.Run("no statement", func(t *testing.T) {
		order := order
		order.NoStatement = true
		issued, err := authority.Issue(order)
		require.NoError(t, err)
		_, err = eidas.Parse(issued.Certificate)
		require.Equal(t, eidas.NoStatement, eidas.ReasonOf(err))
	})
	t.Run("a server's, of neither statement nor organisation", func(t *testing.T) {
		issued, err := authority.Server([]string{"bank.example"}, order.NotBefore, order.NotAfter)
		require.NoError(t, err)
		_, err = eidas.Parse(issued.Certificate)
		require.Equal(t, eidas.NoStatement, eidas.ReasonOf(err))
	})
}

func TestParseRole(t *testing.T) {
	for _, r := range []eidas.Role{eidas.RoleAS, eidas.RolePI, eidas.RoleAI, eidas.RoleIC} {
		got, err := eidas.ParseRole(string(r))
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
	for _, s := range []string{"", "psp_ai", "PSP_AI ", "AISP", "PSP_XX"} {
		got, err := eidas.ParseRole(s)
		require.Error(t, err)
		require.Empty(t, got)
	}
}

func TestErrors(t *testing.T) {
	_, err := eidas.Parse(stating(nil))
	wrapped := fmt.Errorf("proxy: %w", err)
	require.Equal(t, eidas.Malformed, eidas.ReasonOf(wrapped))
	var e *eidas.Error
	require.ErrorAs(t, wrapped, &e)
	require.NotEmpty(t, e.Text)
	require.ErrorContains(t, err, "certificate malformed: "+e.Text)
	require.Empty(t, eidas.ReasonOf(nil))
	require.Empty(t, eidas.ReasonOf(errors.New("another")))
}

// FuzzParse reads any DER that is a certificate.
func FuzzParse(f *testing.F) {
	authority, order := setup(f)
	for _, encoding := range []issue.Encoding{issue.Standard, issue.Flat, issue.Unwrapped, issue.Bare} {
		for _, kind := range []eidas.Type{eidas.Web, eidas.Seal} {
			order.Encoding, order.Type = encoding, kind
			issued, err := authority.Issue(order)
			require.NoError(f, err)
			f.Add(issued.Certificate.Raw)
		}
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		checkParsed(t, cert)
	})
}

// setup is an authority, and an order of which the key is made already.
func setup(tb testing.TB) (*issue.Authority, issue.Order) {
	tb.Helper()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(2, 0, 0)
	authority, err := issue.New("Test CA", from, until)
	require.NoError(tb, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return authority, issue.Order{
		Type: eidas.Web, Name: "Ácme Zahlungen GmbH", Organisation: "PSDDE-BAFIN-125314",
		NCAName: "Federal Financial Supervisory Authority", NCAID: "DE-BAFIN",
		Roles:   []eidas.Role{eidas.RoleAI, eidas.RoleIC, eidas.RolePI},
		Domains: []string{"acme.example"}, NotBefore: from, NotAfter: until, Key: key,
	}
}
