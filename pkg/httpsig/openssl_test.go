package httpsig_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

// A client in a shell, with nothing of ours: OpenSSL makes the key and the
// certificate, prints the issuer and the serial number, hashes and signs.
func TestVerifyWhatOpenSSLSigned(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ key, hash, algorithm, digest string }{
		"RSA":        {"rsa:2048", "-sha256", "rsa-sha256", httpsig.SHA256},
		"RSA, 512":   {"rsa:2048", "-sha512", "rsa-sha512", httpsig.SHA512},
		"ECDSA":      {"ec:P-256", "-sha256", "ecdsa-sha256", httpsig.SHA256},
		"ECDSA, 512": {"ec:P-521", "-sha512", "ecdsa-sha512", httpsig.SHA512},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			certificate := opensslSeal(t, dir, test.key)
			body := filepath.Join(dir, "body")
			require.NoError(t, os.WriteFile(body, []byte(consent), 0o600))
			digest := test.digest + "=" + base64.StdEncoding.EncodeToString([]byte(openssl(t, "dgst", test.hash, "-binary", body)))

			text := filepath.Join(dir, "text")
			signed := "digest: " + digest + "\nx-request-id: 1\npsu-id: anna"
			require.NoError(t, os.WriteFile(text, []byte(signed), 0o600))
			value := openssl(t, "dgst", test.hash, "-sign", filepath.Join(dir, "key"), text)

			serial := strings.TrimSpace(strings.TrimPrefix(openssl(t, "x509", "-in", certificate, "-noout", "-serial"), "serial="))
			pemText, err := os.ReadFile(certificate)
			require.NoError(t, err)
			block, _ := pem.Decode(pemText)
			cert, err := x509.ParseCertificate(block.Bytes)
			require.NoError(t, err)
			for _, notation := range []string{"RFC2253", "oneline", "RFC2253,sep_comma_plus_space", "esc_ctrl,sep_comma_plus,oid"} {
				issuer := openssl(t, "x509", "-in", certificate, "-noout", "-issuer", "-nameopt", notation)
				keyID := "SN=" + serial + ",CA=" + strings.TrimSpace(strings.TrimPrefix(issuer, "issuer="))
				m := httpsig.Message{Header: http.Header{"Digest": {digest}, "X-Request-Id": {"1"}, "Psu-Id": {"anna"}}}
				m.Header.Set("Signature", `keyId="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(keyID)+`",algorithm="`+test.algorithm+
					`",headers="digest x-request-id psu-id",signature="`+base64.StdEncoding.EncodeToString([]byte(value))+`"`)
				got, err := httpsig.DefaultProfile().Verify(m, cert)
				require.NoError(t, err, "%s: %s", notation, issuer)
				require.Equal(t, signed, got.String)
			}
			require.NoError(t, httpsig.CheckDigest(digest, []byte(consent)))
		})
	}
}

// And the other way round: what we sign, OpenSSL verifies.
func TestOpenSSLVerifiesWhatWeSigned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := rsaKey(t)
	r := post(t)
	signed, err := (&httpsig.Signer{Certificate: seal(t, key), Key: key}).Sign(r, []byte(consent))
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		"public": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), "text": []byte(signed.String), "signature": signed.Value,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	answer := openssl(t, "dgst", "-sha256", "-verify", filepath.Join(dir, "public"), "-signature", filepath.Join(dir, "signature"), filepath.Join(dir, "text"))
	require.Equal(t, "Verified OK\n", answer)
}

// opensslSeal makes a key and a certificate that it signed itself, in dir.
func opensslSeal(t *testing.T, dir, kind string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "certificate")
	args := []string{"req", "-x509", "-nodes", "-days", "1", "-keyout", filepath.Join(dir, "key"), "-out", path}
	args = append(args, "-subj", "/C=DE/O=Söder, Trust \"GmbH\"/organizationIdentifier=NTRDE-HRB74346/CN=SÖDER CA 2-1 2015", "-utf8")
	algorithm, curve, _ := strings.Cut(kind, ":")
	if algorithm == "ec" {
		openssl(t, append(args, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:"+curve)...)
		return path
	}
	openssl(t, append(args, "-newkey", kind)...)
	return path
}

// openssl is what a command printed.
func openssl(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command("openssl", args...)
	var faults strings.Builder
	command.Stderr = &faults
	out, err := command.Output()
	require.NoError(t, err, "openssl %v: %s", args, faults.String())
	return string(out)
}
