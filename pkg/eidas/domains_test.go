package eidas_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
)

func TestDomains(t *testing.T) {
	for title, c := range map[string]struct {
		commonName string
		dns        []string
		ips        []string
		want       []string
	}{
		"none":                      {},
		"of subjectAltName":         {dns: []string{"tpp.example", "WWW.TPP.Example.", "*.tpp.test"}, want: []string{"tpp.example", "www.tpp.example", "*.tpp.test"}},
		"each once":                 {commonName: "TPP.example", dns: []string{"tpp.example", "tpp.example."}, want: []string{"tpp.example"}},
		"of the commonName":         {commonName: "tpp.example", want: []string{"tpp.example"}},
		"a wildcard commonName":     {commonName: "*.tpp.example", want: []string{"*.tpp.example"}},
		"a company's name":          {commonName: "Acme"},
		"a company's name, dotted":  {commonName: "Acme Inc."},
		"a company's name, longer":  {commonName: "Acme S.A. Paris"},
		"an address for commonName": {commonName: "192.0.2.7"},
		"a name without a dot":      {dns: []string{"localhost"}, want: []string{"localhost"}},
		"punycode":                  {dns: []string{"XN--Mnchen-3ya.example"}, want: []string{"xn--mnchen-3ya.example"}},
		"not in punycode":           {commonName: "münchen.example"},
		"Kelvin's sign":             {commonName: "ban\u212a.example"},
		"addresses":                 {ips: []string{"192.0.2.7", "2001:DB8::1"}, want: []string{"192.0.2.7", "2001:db8::1"}},
		"no domains": {dns: []string{
			"", ".", "*", "*.", "..", "a..example", ".example", "*tpp.example", "a*.example", "a.*.example", "*.*.example",
			"a b.example", "-a.example", "a-.example", "192.0.2.7", "1", "x.7", "tpp.example/", "tpp.example:443", "user@tpp.example",
			strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 126) + "example", "tpp.example\x00.evil.example",
		}},
	} {
		t.Run(title, func(t *testing.T) {
			require.Equal(t, c.want, withDomains(c.commonName, c.dns, c.ips).Domains())
		})
	}
	require.Empty(t, (&eidas.Certificate{}).Domains())
}

func TestCovers(t *testing.T) {
	plain := withDomains("tpp.example", nil, nil)
	wild := withDomains("Acme", []string{"*.tpp.example"}, nil)
	top := withDomains("", []string{"localhost", "*.example"}, nil)
	address := withDomains("192.0.2.9", nil, []string{"192.0.2.7", "2001:db8::1"})
	international := withDomains("", []string{"xn--mnchen-3ya.example"}, nil)
	nothing := withDomains("Acme", []string{"*"}, nil)

	for _, c := range []struct {
		title string
		of    *eidas.Certificate
		host  string
		want  bool
	}{
		{"itself", plain, "tpp.example", true},
		{"in other case", plain, "Tpp.EXAMPLE", true},
		{"with a dot at its end", plain, "tpp.example.", true},
		{"with two dots at its end", plain, "tpp.example..", false},
		{"below", plain, "www.tpp.example", true},
		{"far below", plain, "a.b.c.tpp.example", true},
		{"above", plain, "example", false},
		{"beside", plain, "other.example", false},
		{"the same end only", plain, "eviltpp.example", false},
		{"the same beginning only", plain, "tpp.example.evil.test", false},
		{"with a port", plain, "tpp.example:443", false},
		{"with a user", plain, "evil.test@tpp.example", false},
		{"with an empty label", plain, ".tpp.example", false},
		{"with a zero byte", plain, "evil.test\x00.tpp.example", false},
		{"with a blank", plain, "evil.test .tpp.example", false},
		{"a wildcard for host", plain, "*.tpp.example", false},
		{"no host", plain, "", false},
		{"a dot for host", plain, ".", false},
		{"below a wildcard", wild, "www.tpp.example", true},
		{"far below a wildcard", wild, "a.b.tpp.example", true},
		{"a wildcard's own domain", wild, "tpp.example", false},
		{"a wildcard's own domain, empty label", wild, ".tpp.example", false},
		{"a name without a dot", top, "localhost", true},
		{"below a name without a dot", top, "www.localhost", false},
		{"below a top-level domain", top, "tpp.example", false},
		{"an address", address, "192.0.2.7", true},
		{"an address in longer form", address, "2001:0db8:0:0::1", true},
		{"an address in IPv6", address, "::ffff:192.0.2.7", true},
		{"an address with a zone", address, "2001:db8::1%eth0", false},
		{"another address", address, "192.0.2.8", false},
		{"an address of the commonName", address, "192.0.2.9", false},
		{"below an address", address, "x.192.0.2.7", false},
		{"an address for a name", plain, "192.0.2.7", false},
		{"punycode", international, "api.XN--MNCHEN-3ya.example", true},
		{"not in punycode", international, "münchen.example", false},
		{"anything, where there is no domain", nothing, "tpp.example", false},
		{"nothing, where there is no domain", nothing, "", false},
		{"without a certificate", &eidas.Certificate{}, "tpp.example", false},
	} {
		t.Run(c.title, func(t *testing.T) { require.Equal(t, c.want, c.of.Covers(c.host)) })
	}
}

func withDomains(commonName string, dns, ips []string) *eidas.Certificate {
	cert := &x509.Certificate{Subject: pkix.Name{CommonName: commonName}, DNSNames: dns}
	for _, ip := range ips {
		cert.IPAddresses = append(cert.IPAddresses, net.ParseIP(ip))
	}
	return &eidas.Certificate{X509: cert}
}
