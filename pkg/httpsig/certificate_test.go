package httpsig_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

func TestDecodeCertificate(t *testing.T) {
	t.Parallel()
	der := seal(t, ecKey(t, elliptic.P256())).Raw
	armoured := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	second := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: seal(t, ecKey(t, elliptic.P256())).Raw}))
	body := strings.TrimSuffix(strings.TrimPrefix(armoured, "-----BEGIN CERTIFICATE-----\n"), "-----END CERTIFICATE-----\n")
	for name, value := range map[string]string{
		"base64 of the DER":            base64.StdEncoding.EncodeToString(der),
		"without padding":              base64.RawStdEncoding.EncodeToString(der),
		"the body of a PEM":            body,
		"its line breaks turned":       strings.ReplaceAll(body, "\n", " "),
		"a whole PEM":                  armoured,
		"without line breaks":          strings.ReplaceAll(armoured, "\n", ""),
		"with blanks for them":         strings.ReplaceAll(armoured, "\n", " "),
		"with tabs for them (nginx)":   strings.ReplaceAll(armoured, "\n", "\n\t"),
		`with \n for them`:             strings.ReplaceAll(armoured, "\n", `\n`),
		"of Windows":                   strings.ReplaceAll(armoured, "\n", "\r\n"),
		"URL-encoded":                  url.PathEscape(armoured),
		"URL-encoded by a form":        url.QueryEscape(armoured),
		"base64 of the DER, encoded":   url.QueryEscape(base64.StdEncoding.EncodeToString(der)),
		"base64 of a PEM":              base64.StdEncoding.EncodeToString([]byte(armoured)),
		"base64 of a PEM in one line":  base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(armoured, "\n", ""))),
		"the first of two":             armoured + second,
		"base64 of two":                base64.StdEncoding.EncodeToString([]byte(armoured + second)),
		"what stands before the first": " " + armoured,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := httpsig.DecodeCertificate(value)
			require.NoError(t, err)
			require.Equal(t, der, got)
		})
	}
}

func TestDecodeCertificateRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ value, text string }{
		"nothing":               {"", "base64 of a certificate"},
		"blanks":                {"  ", "base64 of a certificate"},
		"not base64":            {"?", "base64 of a certificate"},
		"not DER":               {base64.StdEncoding.EncodeToString([]byte("hello")), "DER of a certificate"},
		"a string in DER":       {base64.StdEncoding.EncodeToString([]byte{0x0c, 1, 'a'}), "DER of a certificate"},
		"DER and more":          {base64.StdEncoding.EncodeToString([]byte{0x30, 0, 0}), "DER of a certificate"},
		"DER cut off":           {base64.StdEncoding.EncodeToString([]byte{0x30, 5, 0}), "DER of a certificate"},
		"a broken escape":       {"%4", "URL-encoded"},
		"a PEM without end":     {"-----BEGIN CERTIFICATE-----MAA=", "whole PEM"},
		"a key":                 {"-----BEGIN PRIVATE KEY-----MAA=-----END PRIVATE KEY-----", "whole PEM"},
		"a PEM that is no such": {"-----BEGIN CERTIFICATE-----?-----END CERTIFICATE-----", "body is base64"},
		"a PEM of nothing":      {"-----BEGIN CERTIFICATE----------END CERTIFICATE-----", "body is base64"},
		"more than anyone has":  {strings.Repeat("A", 40<<10), "32 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpsig.DecodeCertificate(test.value)
			requireFault(t, err, httpsig.Malformed, "TPP-Signature-Certificate", test.text)
		})
	}
}

func FuzzDecodeCertificate(f *testing.F) {
	der := seal(f, ecKey(f, elliptic.P256())).Raw
	armoured := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	for _, value := range []string{
		base64.StdEncoding.EncodeToString(der), armoured, url.QueryEscape(armoured), base64.StdEncoding.EncodeToString([]byte(armoured)),
		"-----BEGIN CERTIFICATE-----", "%", "MAA=",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		der, err := httpsig.DecodeCertificate(value)
		if err != nil {
			requireFault(t, err, httpsig.Malformed, "TPP-Signature-Certificate", "must ")
			return
		}
		again, err := httpsig.DecodeCertificate(base64.StdEncoding.EncodeToString(der))
		require.NoError(t, err)
		require.Equal(t, der, again)
	})
}
