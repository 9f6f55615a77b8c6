package eidas_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// hostile is what a stranger sends to make us compute: an expired certificate and
// four authorities of one name and one key, each of which may be the issuer of each
// other. With the anchor's name, they lead to it.
func hostile(t testing.TB, name pkix.Name, now time.Time) (leaf []byte, authorities [][]byte) {
	t.Helper()
	key := newKey(t)
	certify := func(number int64, change func(*x509.Certificate)) []byte {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(number), Subject: name, NotBefore: now.Add(-2 * day), NotAfter: now.Add(day),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte{byte(number)}, AuthorityKeyId: []byte{99},
			DNSNames: []string{fmt.Sprint(number, ".example")},
		}
		change(c)
		parent := &x509.Certificate{Subject: name, SubjectKeyId: []byte{99}}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), key)
		require.NoError(t, err)
		return der
	}
	for i := range 4 {
		authorities = append(authorities, certify(int64(i)+1, func(*x509.Certificate) {}))
	}
	leaf = certify(5, func(c *x509.Certificate) {
		c.Subject, c.NotAfter, c.IsCA = pkix.Name{CommonName: "Stranger"}, now.Add(-day), false
	})
	return leaf, authorities
}

// quickest is the least time that one call took.
func quickest(calls int, call func()) time.Duration {
	least := time.Hour
	for range calls {
		began := time.Now()
		call()
		least = min(least, time.Since(began))
	}
	return least
}

// TestStrangersCostLittle measures by the cost of one signature: before, a hostile
// chain had three hundred of them checked.
func TestStrangersCostLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newKey(t)
	sum := sha256.Sum256([]byte("signed"))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	require.NoError(t, err)
	one := quickest(50, func() {
		require.True(t, ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), sum[:], signature))
	})
	for name, subject := range map[string]pkix.Name{"of the anchor's name": w.root.Certificate().Subject, "of another name": {CommonName: "Nobody"}} {
		leaf, authorities := hostile(t, subject, w.now())
		v := w.verifier()
		cost := quickest(50, func() {
			w.turn(-time.Nanosecond) // before what was learnt
			_, err := v.Verify(t.Context(), eidas.Web, leaf, authorities...)
			requireReason(t, eidas.Untrusted, err)
			require.NotContains(t, err.Error(), "\n", "judged at one instant alone: another would change nothing")
		})
		require.Less(t, cost, 15*one, name)
		again := quickest(50, func() {
			_, err := v.Verify(t.Context(), eidas.Web, leaf, authorities...)
			requireReason(t, eidas.Untrusted, err)
		})
		require.Less(t, again, 3*one, "a verdict that is kept, %s", name)
	}
}

func BenchmarkVerifyHostile(b *testing.B) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	root, err := issue.New("Test Root", now.Add(-day), now.Add(day))
	require.NoError(b, err)
	leaf, authorities := hostile(b, root.Certificate().Subject, now)
	v := eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(root.Certificate()), Now: func() time.Time { return now }})
	for b.Loop() {
		now = now.Add(-time.Nanosecond) // before what was learnt
		_, err := v.Verify(b.Context(), eidas.Web, leaf, authorities...)
		requireReason(b, eidas.Untrusted, err)
	}
}

func TestVerifySelfSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newKey(t)
	statement := w.issue(w.root).Certificate
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, NotBefore: w.now().Add(-day), NotAfter: w.now().Add(day),
		ExtraExtensions: statement.Extensions,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	_, err = w.verifier().Verify(t.Context(), eidas.Web, der)
	requireReason(t, eidas.Untrusted, err)
}

// TestVerifyBelievesAnAuthoritysNextKey has a certificate that names itself as its
// issuer, but is signed by the authority's former key.
func TestVerifyBelievesAnAuthoritysNextKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next := w.authority("Test Root")
	c := *next.Certificate()
	c.AuthorityKeyId = w.root.Certificate().SubjectKeyId
	der, err := x509.CreateCertificate(rand.Reader, &c, w.root.Certificate(), c.PublicKey, keyOf(t, w.root))
	require.NoError(t, err)
	leaf := w.issue(next).Certificate.Raw
	_, err = w.verifier().Verify(t.Context(), eidas.Web, leaf, der)
	require.NoError(t, err)
	_, err = w.verifier().Verify(t.Context(), eidas.Web, leaf, next.Certificate().Raw)
	requireReason(t, eidas.Untrusted, err)
}

// TestVerifyKeepsRefusals keeps what is untrusted for ten seconds: until other anchors
// are there, or the clock goes back.
func TestVerifyKeepsRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "anchors.pem")
	write := func(a *issue.Authority) { require.NoError(t, os.WriteFile(file, a.CertificatePEM(), 0o600)) }
	other := w.authority("Other")
	write(other)
	anchors, err := eidas.LoadAnchors(file)
	require.NoError(t, err)
	v := w.verifier(func(o *eidas.Options) { o.Anchors = anchors })
	leaf, garbled := w.issue(w.root).Certificate.Raw, []byte("certificate")
	verify := func(der []byte) error { _, err := v.Verify(t.Context(), eidas.Web, der); return err }

	for _, der := range [][]byte{leaf, garbled} {
		first := verify(der)
		require.Error(t, first)
		w.turn(10*time.Second - time.Nanosecond)
		require.Same(t, first, verify(der), "kept")
		w.turn(time.Nanosecond)
		second := verify(der)
		require.NotSame(t, first, second, "ten seconds are over")
		w.turn(-time.Nanosecond)
		require.NotSame(t, second, verify(der), "before it was known")
	}

	write(w.root)
	requireReason(t, eidas.Untrusted, verify(leaf))
	changed, err := anchors.Reload()
	require.NoError(t, err)
	require.True(t, changed)
	requireReason(t, "", verify(leaf))
	write(other)
	_, err = anchors.Reload()
	require.NoError(t, err)
	requireReason(t, eidas.Untrusted, verify(leaf))
}

// TestVerifyKeepsNoRefusalForTimeAlone has an authority whose time comes in a second.
func TestVerifyKeepsNoRefusalForTimeAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	soon := w.below(w.root, "Soon", func(c *x509.Certificate) { c.NotBefore = w.now().Add(time.Second) })
	v, leaf := w.verifier(), w.issue(soon)
	_, err := w.verify(v, leaf)
	requireReason(t, eidas.Untrusted, err)
	w.turn(time.Second)
	_, err = w.verify(v, leaf)
	require.NoError(t, err)
}

// TestVerifyVerdictsAreNotPushedOut sends one certificate in thousands of variants,
// good and bad: a verdict on another stays.
func TestVerifyVerdictsAreNotPushedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	mine, yours := w.issue(w.root), w.issue(w.root).Certificate.Raw
	first, err := w.verify(v, mine)
	require.NoError(t, err)
	for i := range 5000 {
		rubbish := binary.BigEndian.AppendUint32(nil, uint32(i))
		_, err := v.Verify(t.Context(), eidas.Web, yours, rubbish)
		require.NoError(t, err)
		_, err = v.Verify(t.Context(), eidas.Web, rubbish)
		requireReason(t, eidas.Malformed, err)
	}
	again, err := w.verify(v, mine)
	require.NoError(t, err)
	require.Same(t, first, again)
}
