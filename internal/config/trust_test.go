package config_test

import (
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/config"
)

// trustSet asserts what the file above says about callers.
func trustSet(t *testing.T, c *config.Config) {
	t.Helper()
	require.Equal(t, config.TLS{
		TPP:  config.KeyPair{CertificateFile: "/credentials/tpp.crt", KeyFile: "/keys/tpp.key"},
		Bank: config.KeyPair{CertificateFile: "/credentials/bank.crt", KeyFile: "/credentials/bank.key"},
	}, c.TLS)
	require.Equal(t, "anchors", filepath.Base(c.TPPs.Anchors[0]))
	require.NotEqual(t, "/credentials/anchors", c.TPPs.Anchors[0], "anchors lie beside the file")
	require.Equal(t, config.TPPs{
		Anchors: []string{c.TPPs.Anchors[0], "/etc/more.pem"}, BlockedIssuers: []string{"CN=Bad CA,C=XX"}, Revocation: config.RevocationAnswered,
		RevocationTimeout: time.Second, Proxy: config.Proxy{Header: "X-Forwarded-Client-Cert", Addresses: []string{"10.0.0.0/8", "::1"}}, Domains: "reject",
	}, c.TPPs)
	require.Equal(t, config.Signature{
		Covered: []string{"digest", "x-request-id", "date"}, CoveredIfSent: []string{}, MayCover: []string{"*"}, JWS: true, JWSMaxAge: 10 * time.Second,
		Answers: config.KeyPair{CertificateFile: "/credentials/seal.crt", KeyFile: "/credentials/seal.key"},
	}, c.Signature)
	require.Equal(t, "ca.pem", filepath.Base(c.BankCallers.CAFile))
	require.NotEqual(t, "/credentials/ca.pem", c.BankCallers.CAFile)
	require.Equal(t, config.BankCallers{CAFile: c.BankCallers.CAFile, Certificates: []config.BankCaller{
		{Name: "gateway", Role: "resource-server", Subject: "CN=gateway"},
		{Name: "desk", Role: "back-office", Fingerprint: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	}}, c.BankCallers)
}

func TestFormsOfTheMasterKey(t *testing.T) {
	t.Parallel()
	raw := []byte{0xfb, 0xff, 31: 1} // bytes that the two base64 alphabets write differently
	for name, text := range map[string]string{
		"base64":          base64.StdEncoding.EncodeToString(raw),
		"without padding": base64.RawStdEncoding.EncodeToString(raw),
		"for URLs":        base64.URLEncoding.EncodeToString(raw),
		"hexadecimal":     hex.EncodeToString(raw),
		"capitals":        strings.ToUpper(hex.EncodeToString(raw)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secrets := files()
			secrets["master.key"] = text + "\n"
			c, err := config.Load(write(t, valid, secrets), environment())
			require.NoError(t, err)
			require.Equal(t, string(raw), c.MasterKey.Reveal())
		})
	}
}

// Addresses of callers are compared as IPv4 where they are IPv4 in IPv6, so
// prefixes are too.
func TestParsePrefix(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1/32", "::ffff:10.0.0.1": "10.0.0.1/32", "10.0.0.0/8": "10.0.0.0/8", "::ffff:10.0.0.0/104": "10.0.0.0/8", "fd00::/8": "fd00::/8",
	} {
		got, err := config.ParsePrefix(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.String())
	}
	for _, text := range []string{"", "10.0.0.0/33", "bank.example", "::ffff:10.0.0.0/64"} {
		_, err := config.ParsePrefix(text)
		require.Error(t, err, text)
	}
}
