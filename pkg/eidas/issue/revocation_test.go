package issue_test

import (
	"crypto"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"consentd/pkg/eidas/issue"
)

func TestRevocationList(t *testing.T) {
	b := setup(t)
	now, next := b.from.AddDate(0, 1, 0), b.from.AddDate(0, 1, 1)
	issued, err := b.authority.Issue(b.order)
	require.NoError(t, err)
	der, err := b.authority.RevocationList(7, now, next, []issue.Revoked{{Serial: issued.Certificate.SerialNumber, At: b.from}})
	require.NoError(t, err)

	list, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	require.NoError(t, list.CheckSignatureFrom(b.authority.Certificate()))
	require.Equal(t, big.NewInt(7), list.Number)
	require.True(t, list.ThisUpdate.Equal(now))
	require.True(t, list.NextUpdate.Equal(next))
	require.Len(t, list.RevokedCertificateEntries, 1)
	require.Equal(t, issued.Certificate.SerialNumber, list.RevokedCertificateEntries[0].SerialNumber)
	require.True(t, list.RevokedCertificateEntries[0].RevocationTime.Equal(b.from))
	require.Equal(t, b.authority.Certificate().SubjectKeyId, list.AuthorityKeyId)

	der, err = b.authority.RevocationList(8, now, next, nil)
	require.NoError(t, err)
	list, err = x509.ParseRevocationList(der)
	require.NoError(t, err)
	require.Empty(t, list.RevokedCertificateEntries)

	_, err = b.authority.RevocationList(9, next, now, nil)
	require.ErrorContains(t, err, "issue list of revoked certificates")
}

func TestAnswerOCSP(t *testing.T) {
	b := setup(t)
	now, next := b.from.AddDate(0, 1, 0), b.from.AddDate(0, 1, 1)
	issued, err := b.authority.Issue(b.order)
	require.NoError(t, err)
	revokedAt := b.from.AddDate(0, 0, 3)

	for title, c := range map[string]struct {
		revokedAt *time.Time
		known     bool
		hash      crypto.Hash
		want      int
	}{
		"good":             {nil, true, crypto.SHA1, ocsp.Good},
		"good, by SHA-256": {nil, true, crypto.SHA256, ocsp.Good},
		"revoked":          {&revokedAt, true, crypto.SHA1, ocsp.Revoked},
		"unknown":          {nil, false, crypto.SHA1, ocsp.Unknown},
	} {
		t.Run(title, func(t *testing.T) {
			request, err := ocsp.CreateRequest(issued.Certificate, b.authority.Certificate(), &ocsp.RequestOptions{Hash: c.hash})
			require.NoError(t, err)
			der, err := b.authority.AnswerOCSP(request, now, next, func(serial *big.Int) (*time.Time, bool) {
				require.Equal(t, issued.Certificate.SerialNumber, serial)
				return c.revokedAt, c.known
			})
			require.NoError(t, err)
			answer, err := ocsp.ParseResponseForCert(der, issued.Certificate, b.authority.Certificate())
			require.NoError(t, err)
			require.Equal(t, c.want, answer.Status)
			require.Equal(t, c.hash, answer.IssuerHash)
			require.True(t, answer.ThisUpdate.Equal(now))
			require.True(t, answer.NextUpdate.Equal(next))
			if c.revokedAt != nil {
				require.True(t, answer.RevokedAt.Equal(revokedAt))
			}
		})
	}

	notAsked := func(*big.Int) (*time.Time, bool) {
		require.Fail(t, "asked about a certificate that is not ours")
		return &revokedAt, true
	}
	t.Run("of another authority", func(t *testing.T) {
		other := setup(t) // of the same name, with another key
		request, err := ocsp.CreateRequest(issued.Certificate, other.authority.Certificate(), nil)
		require.NoError(t, err)
		der, err := b.authority.AnswerOCSP(request, now, next, notAsked)
		require.NoError(t, err)
		require.Equal(t, ocsp.UnauthorizedErrorResponse, der)
	})
	t.Run("unreadable", func(t *testing.T) {
		der, err := b.authority.AnswerOCSP([]byte("x"), now, next, notAsked)
		require.NoError(t, err)
		require.Equal(t, ocsp.MalformedRequestErrorResponse, der)
	})
}
