package eidas_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// list makes a list of an authority, good but for what is changed.
func (w *world) list(by *issue.Authority, change ...func(*x509.RevocationList)) []byte {
	w.t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: w.now(), NextUpdate: w.now().Add(day)}
	for _, f := range change {
		f(l)
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, by.Certificate(), keyOf(w.t, by))
	require.NoError(w.t, err)
	return der
}

// extended adds an extension to a list, its value in hexadecimal.
func extended(critical bool, value string, oid ...int) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) {
		der, err := hex.DecodeString(value)
		if err != nil {
			panic(err)
		}
		l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: oid, Critical: critical, Value: der})
	}
}

// scoped adds an IssuingDistributionPoint.
func scoped(value string) func(*x509.RevocationList) { return extended(true, value, 2, 5, 29, 28) }

// TestListsThatTellNothing must not clear a certificate, whatever else they are.
func TestListsThatTellNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twin, other := w.authority("Test Root"), w.authority("Other")
	tests := []struct {
		name  string
		list  []byte
		cause string
	}{
		{"nothing", nil, "malformed"},
		{"HTML", []byte("<html>"), "malformed"},
		{"of another authority", w.list(other), "another issuer"},
		{"of another authority of the same name", w.list(twin), ""},
		{"stale", w.list(w.root, func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = w.now().Add(-2*day), w.now() }), "out of date"},
		{"of tomorrow", w.list(w.root, func(l *x509.RevocationList) { l.ThisUpdate = w.now().Add(6 * time.Minute) }), "dated ahead"},
		{"signed by SHA-1", w.list(w.root, func(l *x509.RevocationList) { l.SignatureAlgorithm = x509.ECDSAWithSHA1 }), "signed by ECDSA-SHA1"},
		{"a delta", w.list(w.root, extended(true, "020101", 2, 5, 29, 27)), "only what changed"},
		{"a delta that does not say how much it matters", w.list(w.root, extended(false, "020101", 2, 5, 29, 27)), "only what changed"},
		{"a critical extension", w.list(w.root, extended(true, "0500", 1, 2, 3)), "unknown critical extension 1.2.3"},
		{"only authorities", w.list(w.root, scoped("30038201ff")), "other kinds"},
		{"only some reasons", w.list(w.root, scoped("300483020640")), "does not tell all"},
		{"indirect", w.list(w.root, scoped("30038401ff")), "does not tell all"},
		{"only attribute certificates", w.list(w.root, scoped("30038501ff")), "does not tell all"},
		{"users alone and authorities alone", w.list(w.root, scoped("30068101ff8201ff")), "does not tell all"},
		{"another distribution point", w.list(w.root, scoped(point("http://other.example/crl"))), "another distribution point"},
		{"a point by directory name", w.list(w.root, scoped("300aa008a006a404310030008101ff")), "malformed"},
		{"a point without an address", w.list(w.root, scoped("3006a004a0028200")), "another distribution point"},
		{"a point relative to the issuer", w.list(w.root, scoped("3004a002a100")), "without a full name"},
		{"a flag of two bytes", w.list(w.root, scoped("30048102ffff")), "malformed"},
		{"something behind the scope", w.list(w.root, scoped("30000500")), "malformed"},
		{"an entry of another issuer", w.list(w.root, func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = []x509.RevocationListEntry{{
				SerialNumber: big.NewInt(1), RevocationTime: w.now(),
				ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: []byte{0x30, 0}}},
			}}
		}), "an entry with the unknown critical extension 2.5.29.29"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			leaf := w.issue(w.root, at("", d.on("/crl", serve(tt.list))))
			_, err := w.verify(w.verifier(asking(&eidas.Revocation{Timeout: 30 * time.Second})), leaf)
			requireReason(t, eidas.Unknown, err)
			require.ErrorContains(t, err, tt.cause)
		})
	}
}

// point is an IssuingDistributionPoint with one address, in hexadecimal.
func point(address string) string {
	nested := []byte(address)
	for _, tag := range []byte{0x86, 0xa0, 0xa0, 0x30} {
		nested = append([]byte{tag, byte(len(nested))}, nested...)
	}
	return hex.EncodeToString(nested)
}

// TestListsThatTell has lists for all, or for just such certificates.
func TestListsThatTell(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(w *world, l *x509.RevocationList, serial *big.Int)
		reason eidas.Reason
	}{
		{"empty", func(*world, *x509.RevocationList, *big.Int) {}, ""},
		{"for users", func(_ *world, l *x509.RevocationList, _ *big.Int) { scoped("30038101ff")(l) }, ""},
		{"for users, said at length", func(_ *world, l *x509.RevocationList, _ *big.Int) { scoped("300c8101ff820100840100850100")(l) }, ""},
		{"for this distribution point", func(w *world, l *x509.RevocationList, _ *big.Int) { scoped(point(w.desk.URL + "/crl"))(l) }, ""},
		{"with an extension that does not matter", func(_ *world, l *x509.RevocationList, _ *big.Int) { extended(false, "0500", 1, 2, 3)(l) }, ""},
		{"revoked", func(w *world, l *x509.RevocationList, serial *big.Int) {
			l.RevokedCertificateEntries = entry(w, serial, 1)
		}, eidas.Revoked},
		{"on hold", func(w *world, l *x509.RevocationList, serial *big.Int) {
			l.RevokedCertificateEntries = entry(w, serial, 6)
		}, eidas.Revoked},
		{"taken off", func(w *world, l *x509.RevocationList, serial *big.Int) {
			l.RevokedCertificateEntries = entry(w, serial, 8)
		}, ""},
		{"for this distribution point, revoked", func(w *world, l *x509.RevocationList, serial *big.Int) {
			scoped(point(w.desk.URL + "/crl"))(l)
			l.RevokedCertificateEntries = entry(w, serial, 0)
		}, eidas.Revoked},
	}
	for _, tt := range tests {
		for _, armoured := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				leaf := w.issue(w.root, at("", w.desk.URL+"/crl"))
				list := w.list(w.root, func(l *x509.RevocationList) { tt.change(w, l, leaf.Certificate.SerialNumber) })
				if armoured {
					list = pemOf("X509 CRL", list)
				}
				w.desk.on("/crl", serve(list))
				_, err := w.verify(w.verifier(asking(&eidas.Revocation{Timeout: 30 * time.Second})), leaf)
				requireReason(t, tt.reason, err)
			})
		}
	}
}

func entry(w *world, serial *big.Int, reason int) []x509.RevocationListEntry {
	return []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: w.now().Add(-time.Hour), ReasonCode: reason}}
}

// TestListsGoByTurns takes the next address where the first one's list is not for
// the certificate.
func TestListsGoByTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authorities := w.desk.on("/authorities", serve(w.list(w.root, scoped("30038201ff"))))
	users := w.desk.on("/users", serve(w.list(w.root, scoped("30038101ff"))))
	middle := w.below(w.root, "Middle", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{users, authorities} })
	leaf := w.issue(middle, at("", w.desk.on("/middle", w.crl(middle))))
	_, err := w.verify(w.verifier(asking(&eidas.Revocation{})), leaf)
	require.NoError(t, err)
	for _, path := range []string{"/authorities", "/users", "/middle"} {
		require.Equal(t, 1, w.desk.asked(path), path)
	}
}

// TestListsOfManyAuthorities has more than are kept at a time.
func TestListsOfManyAuthorities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.desk.on("/crl", w.crl(w.root))
	v := w.verifier(asking(&eidas.Revocation{}))
	for i := range 65 {
		leaf := w.issue(w.root, at("", w.desk.URL+"/crl?part="+big.NewInt(int64(i)).String()))
		_, err := w.verify(v, leaf)
		require.NoError(t, err)
	}
	require.Equal(t, 65, w.desk.asked("/crl"))
	for _, part := range []string{"64", "0"} {
		_, err := w.verify(v, w.issue(w.root, at("", w.desk.URL+"/crl?part="+part)))
		require.NoError(t, err)
	}
	require.Equal(t, 66, w.desk.asked("/crl"), "the newest is kept, the oldest was given up")
}
