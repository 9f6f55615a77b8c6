package eidas_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// delegate is a certificate for answering OCSP requests, and its key.
type delegate struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (w *world) delegate(by *issue.Authority, change ...func(*x509.Certificate)) delegate {
	w.t.Helper()
	key := newKey(w.t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "Responder"},
		NotBefore: w.now().Add(-day), NotAfter: w.now().Add(day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
	}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.Certificate(), key.Public(), keyOf(w.t, by))
	require.NoError(w.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(w.t, err)
	return delegate{cert, key}
}

// said is an OCSP answer of the test's own making: who signs it, with which
// certificate sent along, on behalf of which issuer, and what it says.
type said struct {
	signer crypto.Signer
	sent   *x509.Certificate
	issuer *x509.Certificate
	answer ocsp.Response
}

// handler answers with what was said; without a serial number, for the one asked.
func (s said) handler(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	request, err := ocsp.ParseRequest(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	if s.answer.SerialNumber == nil {
		s.answer.SerialNumber = request.SerialNumber
	}
	s.answer.Certificate = s.sent
	responder := s.sent
	if responder == nil {
		responder = s.issuer
	}
	der, err := ocsp.CreateResponse(s.issuer, responder, s.answer, s.signer)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = rw.Write(der)
}

// TestOCSPAnswers has answers of responders that are right, wrong, and evil.
func TestOCSPAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root, key := w.root.Certificate(), keyOf(t, w.root)
	twin, other := w.authority("Test Root"), w.authority("Other")
	crossed := w.below(w.root, "Second")
	now := w.now()
	is := func(status int, this, next time.Duration) ocsp.Response {
		r := ocsp.Response{Status: status, ThisUpdate: now.Add(this), RevokedAt: now}
		if next != 0 {
			r.NextUpdate = now.Add(next)
		}
		return r
	}
	good := is(ocsp.Good, 0, day)
	by := func(d delegate) said { return said{d.key, d.cert, root, good} }
	change := func(r ocsp.Response, f func(*ocsp.Response)) ocsp.Response { f(&r); return r }
	sealed, answering := w.issue(w.root), w.delegate(w.root)
	tests := []struct {
		name   string
		said   said
		reason eidas.Reason
		cause  string
	}{
		{"by the issuer", said{key, nil, root, good}, "", ""},
		{"by the issuer, its certificate sent along", said{key, root, root, good}, "", ""},
		{"named by SHA-256", said{key, nil, root, change(good, func(r *ocsp.Response) { r.IssuerHash = crypto.SHA256 })}, "", ""},
		{"revoked", said{key, nil, root, is(ocsp.Revoked, 0, day)}, eidas.Revoked, ""},
		{"on hold", said{key, nil, root, change(is(ocsp.Revoked, 0, day), func(r *ocsp.Response) { r.RevocationReason = ocsp.CertificateHold })}, eidas.Revoked, ""},
		{"by a delegate", by(answering), "", ""},
		{"revoked, by a delegate", said{answering.key, answering.cert, root, is(ocsp.Revoked, 0, day)}, eidas.Revoked, ""},
		{"a delegate who is not sent along", said{answering.key, nil, root, good}, eidas.Unknown, "verification failure"},
		{"a delegate without the use", by(w.delegate(w.root, func(c *x509.Certificate) { c.ExtKeyUsage = nil })), eidas.Unknown, "not for OCSP"},
		{"a delegate for any use", by(w.delegate(w.root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })), eidas.Unknown, "not for OCSP"},
		{"a TPP as a delegate", said{sealed.Key, sealed.Certificate, root, good}, eidas.Unknown, "not for OCSP"},
		{"a delegate not for signatures", by(w.delegate(w.root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })), eidas.Unknown, "not for signatures"},
		{"an expired delegate", by(w.delegate(w.root, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Second) })), eidas.Unknown, "not valid now"},
		{"a delegate with a critical extension", by(w.delegate(w.root, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		})), eidas.Unknown, "unknown critical extension"},
		{"a delegate of another authority", by(w.delegate(other)), eidas.Unknown, "another issuer"},
		{"a delegate of another authority of the same name", by(w.delegate(twin)), eidas.Unknown, ""},
		{"a delegate of an authority below", by(w.delegate(crossed)), eidas.Unknown, "another issuer"},
		{"by another authority of the same name", said{keyOf(t, twin), nil, root, good}, eidas.Unknown, ""},
		{"by another authority, its certificate sent along", said{keyOf(t, twin), twin.Certificate(), root, good}, eidas.Unknown, ""},
		{"about another certificate", said{key, nil, root, change(good, func(r *ocsp.Response) { r.SerialNumber = big.NewInt(1) })}, eidas.Unknown, "no response matching"},
		{"about another authority's certificate of that number", said{key, root, crossed.Certificate(), good}, eidas.Unknown, "of another issuer"},
		{"of tomorrow", said{key, nil, root, is(ocsp.Good, 6*time.Minute, day)}, eidas.Unknown, "dated ahead"},
		{"of a clock that is a little ahead", said{key, nil, root, is(ocsp.Good, 4*time.Minute, day)}, "", ""},
		{"stale", said{key, nil, root, is(ocsp.Good, -2*time.Hour, -time.Hour)}, eidas.Unknown, "out of date"},
		{"ending now", said{key, nil, root, is(ocsp.Good, -2*time.Hour, time.Nanosecond)}, eidas.Unknown, "out of date"},
		{"critical extension", said{key, nil, root, change(good, func(r *ocsp.Response) {
			r.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		})}, eidas.Unknown, "critical extension"},
		{"signed by SHA-1", said{key, nil, root, change(good, func(r *ocsp.Response) { r.SignatureAlgorithm = x509.ECDSAWithSHA1 })}, eidas.Unknown, "signed by ECDSA-SHA1"},
		{"not known", said{key, nil, root, is(ocsp.Unknown, 0, day)}, eidas.Unusable, "does not know"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			address := d.on("/ocsp", tt.said.handler)
			_, err := w.verify(w.verifier(asking(&eidas.Revocation{Timeout: 30 * time.Second})), w.issue(w.root, at(address, "")))
			requireReason(t, tt.reason, err)
			if tt.cause != "" {
				require.ErrorContains(t, err, tt.cause)
			}
			if tt.reason != eidas.Unknown {
				return
			}
			// Whatever does not tell leaves it to the list.
			crl := d.on("/crl", w.crl(w.root))
			_, err = w.verify(w.verifier(asking(&eidas.Revocation{Timeout: 30 * time.Second})), w.issue(w.root, at(address, crl)))
			require.NoError(t, err)
			require.Equal(t, 1, d.asked("/crl"))
		})
	}
}

func TestOCSPUnreadableAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"nothing": nil, "HTML": []byte("<html>"), "try later": ocsp.TryLaterErrorResponse, "unauthorised": ocsp.UnauthorizedErrorResponse,
		"success and no more": {0x30, 0x03, 0x0A, 0x01, 0x00},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.verify(w.verifier(asking(&eidas.Revocation{})), w.issue(w.root, at(w.desk.on("/ocsp", serve(body)), "")))
			requireReason(t, eidas.Unknown, err)
		})
	}
}

// TestOCSPAnswerWithoutNextUpdate counts for five minutes from when it was made.
func TestOCSPAnswerWithoutNextUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := said{keyOf(t, w.root), nil, w.root.Certificate(), ocsp.Response{Status: ocsp.Good, ThisUpdate: w.now()}}
	leaf := w.issue(w.root, at(w.desk.on("/ocsp", made.handler), ""))
	v := w.verifier(asking(&eidas.Revocation{}))
	for _, s := range []struct {
		turn   time.Duration
		asked  int
		reason eidas.Reason
	}{{0, 1, ""}, {4 * time.Minute, 1, ""}, {time.Minute, 2, eidas.Unknown}} {
		w.turn(s.turn)
		_, err := w.verify(v, leaf)
		requireReason(t, s.reason, err)
		require.Equal(t, s.asked, w.desk.asked("/ocsp"))
	}
}

// TestOCSPKeepsWhatWasNotTold leaves a responder alone for a while that answers, but
// does not know the certificate; others are asked for all the same.
func TestOCSPKeepsWhatWasNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unknown := said{keyOf(t, w.root), nil, w.root.Certificate(), ocsp.Response{Status: ocsp.Unknown, ThisUpdate: w.now(), NextUpdate: w.now().Add(day)}}
	address := w.desk.on("/ocsp", unknown.handler)
	v, leaf := w.verifier(asking(&eidas.Revocation{})), w.issue(w.root, at(address, ""))
	for range 3 {
		_, err := w.verify(v, leaf)
		requireReason(t, eidas.Unusable, err)
	}
	require.Equal(t, 1, w.desk.asked("/ocsp"))
	_, err := w.verify(v, w.issue(w.root, at(address, "")))
	requireReason(t, eidas.Unusable, err)
	require.Equal(t, 2, w.desk.asked("/ocsp"))
	w.turn(10 * time.Second)
	_, err = w.verify(v, leaf)
	requireReason(t, eidas.Unusable, err)
	require.Equal(t, 3, w.desk.asked("/ocsp"))
	_, err = w.verify(w.verifier(asking(&eidas.Revocation{FailOpen: true})), leaf)
	requireReason(t, eidas.Unusable, err)
}
