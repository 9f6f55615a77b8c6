package app

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/config"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// TestReload changes the certificate of a listener while it serves, and spoils it.
func TestReload(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca, err := issue.New("Example CA", now.Add(-time.Hour), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	dir := t.TempDir()
	files := config.KeyPair{CertificateFile: filepath.Join(dir, "a.pem"), KeyFile: filepath.Join(dir, "a.key")}
	write := func(at time.Time) {
		server, err := ca.Server([]string{"localhost"}, now.Add(-time.Hour), now.AddDate(0, 1, 0))
		require.NoError(t, err)
		key, err := server.KeyPEM()
		require.NoError(t, err)
		for name, text := range map[string][]byte{files.CertificateFile: server.CertificatePEM(), files.KeyFile: key} {
			require.NoError(t, os.WriteFile(name, text, 0o600))
			require.NoError(t, os.Chtimes(name, at, at))
		}
	}
	write(now)
	p, err := loadPair(files)
	require.NoError(t, err)
	serial := func() string {
		c, err := serverTLS(p.certificate, tls.NoClientCert).GetCertificate(nil)
		require.NoError(t, err)
		return c.Leaf.SerialNumber.String()
	}
	first := serial()
	changed, err := p.Reload()
	require.NoError(t, err)
	require.False(t, changed)

	write(now.Add(time.Minute))
	changed, err = p.Reload()
	require.NoError(t, err)
	require.True(t, changed)
	second := serial()
	require.NotEqual(t, first, second)

	require.NoError(t, os.WriteFile(files.KeyFile, []byte("half of a key"), 0o600))
	_, err = p.Reload()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "half of a key")
	require.Equal(t, second, serial(), "what was good stays in use")
	_, err = p.Reload()
	require.Error(t, err, "and it is said again until it is mended")
	require.NoError(t, os.Remove(files.KeyFile))
	_, err = p.Reload()
	require.Error(t, err)
	require.Equal(t, second, serial())
}

// TestSeal takes no key that cannot sign, and keeps the former seal.
func TestSeal(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca, err := issue.New("Example CA", now.Add(-time.Hour), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	_, cannot, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	can, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	dir := t.TempDir()
	files := config.KeyPair{CertificateFile: filepath.Join(dir, "a.pem"), KeyFile: filepath.Join(dir, "a.key")}
	write := func(key crypto.Signer, at time.Time) {
		made, err := ca.Issue(issue.Order{
			Type: eidas.Seal, Name: "Bank", Organisation: "PSDDE-BAFIN-1", NCAID: "DE-BAFIN", NCAName: "BaFin", Roles: []eidas.Role{eidas.RoleAS},
			Key: key, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 1, 0),
		})
		require.NoError(t, err)
		pem, err := made.KeyPEM()
		require.NoError(t, err)
		for name, text := range map[string][]byte{files.CertificateFile: made.CertificatePEM(), files.KeyFile: pem} {
			require.NoError(t, os.WriteFile(name, text, 0o600))
			require.NoError(t, os.Chtimes(name, at, at))
		}
	}
	write(cannot, now)
	_, err = loadSeal(files, time.Now)
	require.ErrorContains(t, err, "cannot sign")
	write(can, now.Add(time.Minute))
	s, err := loadSeal(files, time.Now)
	require.NoError(t, err)
	good := s.current.Load()
	write(cannot, now.Add(2*time.Minute))
	for range 2 {
		_, err = s.Reload()
		require.ErrorContains(t, err, "cannot sign")
		require.Same(t, good, s.current.Load())
	}
}
