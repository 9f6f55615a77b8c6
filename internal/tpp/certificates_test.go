package tpp_test

import (
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// Each way in which a certificate is no good has its code (XS2A 1.3.x §14.11.2).
func TestCertificates(t *testing.T) {
	t.Parallel()
	stranger, err := issue.New("Nobody's CA", start.AddDate(-1, 0, 0), start.AddDate(9, 0, 0))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		order     func(*issue.Order)
		untrusted bool
		kind      eidas.Type
		want      consent.Code
		named     bool // in the audit
	}{
		"good":               {kind: eidas.Web, named: true},
		"expired":            {kind: eidas.Web, order: func(o *issue.Order) { o.NotAfter = start.Add(-time.Second) }, want: consent.CodeCertificateExpired, named: true},
		"not yet valid":      {kind: eidas.Web, order: func(o *issue.Order) { o.NotBefore = start.Add(time.Second) }, want: consent.CodeCertificateInvalid},
		"without statement":  {kind: eidas.Web, order: func(o *issue.Order) { o.NoStatement = true }, want: consent.CodeCertificateInvalid},
		"a seal":             {kind: eidas.Seal, want: consent.CodeCertificateInvalid},
		"untrusted":          {kind: eidas.Web, untrusted: true, want: consent.CodeCertificateInvalid},
		"untrusted, expired": {kind: eidas.Web, untrusted: true, order: func(o *issue.Order) { o.NotAfter = start.Add(-time.Second) }, want: consent.CodeCertificateInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if c.untrusted {
				b.ca = stranger
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			b.connected(r, b.issue(c.kind, c.order))
			who, err := b.callers.Identify(r)
			if c.named {
				require.Equal(t, b.id, who.ID)
				require.Len(t, who.Fingerprint(), 64)
			} else {
				require.Empty(t, who.ID)
			}
			if c.want != "" {
				require.Equal(t, c.want, consent.CodeOf(err))
				require.Empty(t, b.register.seen, "nobody who is refused is entered")
				return
			}
			require.NoError(t, err)
			require.True(t, who.May(eidas.RoleAI))
			require.False(t, who.May(eidas.RoleIC))
			require.True(t, who.Covers("www.acme.example"))
			require.Equal(t, []string{"PSP_AI"}, b.register.seen[0].Roles)
			require.Equal(t, who.Fingerprint(), b.register.seen[0].Certificate)
		})
	}
}

func TestNoCertificate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	_, err := b.callers.Identify(r)
	require.Equal(t, consent.CodeCertificateMissing, consent.CodeOf(err))
	b.connected(r, b.qwac)
	r.TLS.PeerCertificates = nil
	_, err = b.callers.Identify(r)
	require.Equal(t, consent.CodeCertificateMissing, consent.CodeOf(err))
	require.True(t, tpp.TPP{}.Covers("anything.example"), "who shows none has no domain to be held against")
}

// Who is shut out is refused with a good certificate, and named.
func TestBlocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register.err = consent.E(consent.CodeCertificateBlocked, "no")
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	b.connected(r, b.qwac)
	who, err := b.callers.Identify(r)
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
	require.Equal(t, b.id, who.ID)
}

// The register is told of a call by its id, and of nothing else that stands there.
func TestCallOfTheRegister(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, sent := range []string{"99391c7e-ad88-49ec-a2ad-99ddcb1f7721", "FR7617515000920400430518020 Lea Sandboxa"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Request-ID", sent)
		b.connected(r, b.qwac)
		_, err := b.callers.Identify(r)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"99391c7e-ad88-49ec-a2ad-99ddcb1f7721", ""}, b.register.ids)
}

// Every reason of package eidas has a code of the domain.
func TestReasonsAreTotal(t *testing.T) {
	t.Parallel()
	codes := map[eidas.Reason]consent.Code{
		eidas.Malformed: consent.CodeCertificateInvalid, eidas.NoStatement: consent.CodeCertificateInvalid,
		eidas.Unusable: consent.CodeCertificateInvalid, eidas.NotYetValid: consent.CodeCertificateInvalid,
		eidas.Untrusted: consent.CodeCertificateInvalid, eidas.Expired: consent.CodeCertificateExpired,
		eidas.Revoked: consent.CodeCertificateRevoked, eidas.Blocked: consent.CodeCertificateBlocked,
		eidas.Unknown: consent.CodeUnavailable,
	}
	require.Equal(t, codes, tpp.Reasons())
}

// A revoked certificate, and one whose state nobody tells.
func TestRevocation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var list []byte
	crl := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(list)
	}))
	t.Cleanup(crl.Close)
	addressed := func(o *issue.Order) { o.CRL = []string{crl.URL + "/list"} }
	good, bad := b.issue(eidas.Web, addressed), b.issue(eidas.Web, addressed)
	revoked := []issue.Revoked{{Serial: bad.Certificate.SerialNumber, At: start.Add(-time.Hour)}, {Serial: big.NewInt(1), At: start}}
	var err error
	list, err = b.ca.RevocationList(7, start.Add(-time.Minute), start.Add(time.Hour), revoked)
	require.NoError(t, err)
	b.callers.Verifier = eidas.NewVerifier(eidas.Options{
		Anchors: eidas.NewAnchors(b.ca.Certificate()), Now: func() time.Time { return b.now },
		Revocation: &eidas.Revocation{HTTP: crl.Client(), Timeout: 5 * time.Second},
	})
	of := func(i *issue.Issued) (tpp.TPP, error) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		b.connected(r, i)
		return b.callers.Identify(r)
	}
	_, err = of(good)
	require.NoError(t, err)
	who, err := of(bad)
	require.Equal(t, consent.CodeCertificateRevoked, consent.CodeOf(err))
	require.Equal(t, b.id, who.ID)
	list = nil
	_, err = of(b.issue(eidas.Web, func(o *issue.Order) { o.CRL = []string{crl.URL + "/other"} }))
	require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
	var e *consent.Error
	require.ErrorAs(t, err, &e)
	require.NotContains(t, e.Text, "http", "where it was asked is nobody's business")
}
