package tpp_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/register"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
)

// listened is a request whose notes are kept, and what they are at the end: the
// line that decides is the one that waits for its code.
func listened(t *testing.T, r *http.Request) (*http.Request, func(refused bool) []string) {
	t.Helper()
	ctx, notes := explain.Listen(t.Context())
	return r.WithContext(ctx), func(refused bool) []string {
		if refused {
			explain.Conclude(ctx, "CODE", "nobody has said why")
		}
		return notes.Lines()
	}
}

// Why a certificate was taken or refused, with whose it is where that is proven.
func TestNotesOfCertificates(t *testing.T) {
	t.Parallel()
	const id = "DE-BAFIN:PSDDE-BAFIN-125314"
	past := func(o *issue.Order) { o.NotAfter = start.Add(-time.Second) }
	for name, c := range map[string]struct {
		show func(b *bundle, r *http.Request)
		want []string
	}{
		"good": {
			func(b *bundle, r *http.Request) { b.connected(r, b.qwac) },
			[]string{"certificate: " + id + " by the connection, roles PSP_AI"},
		},
		"several roles": {
			func(b *bundle, r *http.Request) {
				b.connected(r, b.issue(eidas.Web, func(o *issue.Order) { o.Roles = []eidas.Role{eidas.RolePI, eidas.RoleIC} }))
			},
			[]string{"certificate: " + id + " by the connection, roles PSP_PI, PSP_IC"},
		},
		"none": {
			func(*bundle, *http.Request) {},
			[]string{"certificate: none by the connection → CODE"},
		},
		"expired": {
			func(b *bundle, r *http.Request) { b.connected(r, b.issue(eidas.Web, past)) },
			[]string{"certificate: " + id + " by the connection, and its time of validity is over → CODE"},
		},
		"not yet valid": {
			func(b *bundle, r *http.Request) {
				b.connected(r, b.issue(eidas.Web, func(o *issue.Order) { o.NotBefore = start.Add(time.Second) }))
			},
			[]string{"certificate: one by the connection, and its time of validity has not begun → CODE"},
		},
		"a seal": {
			func(b *bundle, r *http.Request) { b.connected(r, b.qseal) },
			[]string{"certificate: one by the connection, and its type (QcType) is not web → CODE"},
		},
		"no statement": {
			func(b *bundle, r *http.Request) {
				b.connected(r, b.issue(eidas.Web, func(o *issue.Order) { o.NoStatement = true }))
			},
			[]string{"certificate: one by the connection, and its qcStatements have no PSD2 statement → CODE"},
		},
		"untrusted": {
			func(b *bundle, r *http.Request) {
				b.connected(r, b.qwac)
				b.callers.Verifier = eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(), Now: func() time.Time { return b.now }})
			},
			[]string{"certificate: one by the connection, and its chain does not end in an authority that is trusted here → CODE"},
		},
		"none by the proxy": {
			func(b *bundle, _ *http.Request) { b.callers.Proxy = here() },
			[]string{"certificate: none by the proxy's header → CODE"},
		},
		"nonsense by the proxy": {
			func(b *bundle, r *http.Request) {
				b.callers.Proxy = here()
				r.Header.Set("Ssl-Client-Cert", "non-sense")
			},
			[]string{"certificate: what came by the proxy's header cannot be read → CODE"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r, notes := listened(t, httptest.NewRequest(http.MethodGet, "/", nil))
			c.show(b, r)
			_, err := b.callers.Identify(r)
			require.Equal(t, c.want, notes(err != nil))
			require.Equal(t, err != nil, strings.HasSuffix(c.want[0], " → CODE"))
		})
	}
}

// here is a proxy at the address that httptest's requests come from.
func here() *tpp.Proxy {
	return &tpp.Proxy{Header: "ssl-client-cert", From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
}

// Who is revoked is named, and so is who is shut out, by the register itself.
func TestNotesOfWhoIsShutOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const id = "DE-BAFIN:PSDDE-BAFIN-125314"
	var list []byte
	crl := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) }))
	t.Cleanup(crl.Close)
	bad := b.issue(eidas.Web, func(o *issue.Order) { o.CRL = []string{crl.URL + "/list"} })
	var err error
	list, err = b.ca.RevocationList(7, start.Add(-time.Minute), start.Add(time.Hour), []issue.Revoked{{Serial: bad.Certificate.SerialNumber, At: start.Add(-time.Hour)}})
	require.NoError(t, err)
	b.callers.Verifier = eidas.NewVerifier(eidas.Options{
		Anchors: eidas.NewAnchors(b.ca.Certificate()), Now: func() time.Time { return b.now },
		Revocation: &eidas.Revocation{HTTP: crl.Client(), Timeout: 5 * time.Second},
	})
	r, notes := listened(t, httptest.NewRequest(http.MethodGet, "/", nil))
	b.connected(r, bad)
	_, err = b.callers.Identify(r)
	require.Equal(t, consent.CodeCertificateRevoked, consent.CodeOf(err))
	require.Equal(t, []string{"certificate: " + id + " by the connection, and its issuer has revoked it → CODE"}, notes(true))

	b = setup(t)
	b.callers.Register = &register.Register{Store: shut{}, Now: func() time.Time { return b.now }}
	r, notes = listened(t, httptest.NewRequest(http.MethodGet, "/", nil))
	b.connected(r, b.qwac)
	_, err = b.callers.Identify(r)
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
	require.Equal(t, []string{
		"certificate: " + id + " by the connection, roles PSP_AI",
		"register: " + id + " is blocked by the bank → CODE",
	}, notes(true))
}

// Why a signature was taken or refused: what was passed before, what it covers, and
// what is missing.
func TestNotesOfSignatures(t *testing.T) {
	t.Parallel()
	const (
		digest  = "Digest: fits the body"
		seal    = "seal: DE-BAFIN:PSDDE-BAFIN-125314"
		covered = "digest, x-request-id, tpp-redirect-uri"
	)
	for name, c := range map[string]struct {
		spoil func(b *bundle, r *http.Request)
		want  []string
	}{
		"good": {
			func(*bundle, *http.Request) {},
			[]string{digest, seal, "Signature: rsa-sha256, covers " + covered},
		},
		"covers too little": {
			func(b *bundle, r *http.Request) {
				r.Header.Del("TPP-Redirect-URI")
				b.sign(r, b.qseal)
				r.Header.Set("TPP-Redirect-URI", "https://acme.example/cb")
			},
			[]string{digest, seal, "Signature: covers digest, x-request-id; missing tpp-redirect-uri → CODE"},
		},
		"covers far too little": {
			func(b *bundle, r *http.Request) {
				r.Header.Set("PSU-ID", "anna")
				r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), "digest x-request-id", "digest", 1))
			},
			[]string{digest, seal, "Signature: covers digest, tpp-redirect-uri; missing x-request-id, psu-id → CODE"},
		},
		"covers too much": {
			func(b *bundle, r *http.Request) { b.sign(r, b.qseal, "psu-ip-address") },
			[]string{digest, seal, "Signature: covers digest, x-request-id, psu-ip-address, tpp-redirect-uri; must not cover psu-ip-address → CODE"},
		},
		"header changed": {
			func(_ *bundle, r *http.Request) { r.Header.Set("TPP-Redirect-URI", "https://evil.example/") },
			[]string{digest, seal, "Signature: covers " + covered + "; is not the signature of what it covers by the key of the certificate → CODE"},
		},
		"not a signature": {
			func(_ *bundle, r *http.Request) { r.Header.Set("Signature", "x") },
			[]string{digest, seal, `Signature: must be a list of <name>="<value>" → CODE`},
		},
		"body of another": {
			func(_ *bundle, r *http.Request) { r.Header.Set("Digest", httpsig.Digest("SHA-256", nil)) },
			[]string{"Digest: is not the hash of the body → CODE"},
		},
		"no signature": {
			func(_ *bundle, r *http.Request) {
				for _, name := range []string{"Digest", "Signature", "TPP-Signature-Certificate"} {
					r.Header.Del(name)
				}
			},
			[]string{"Signature: the request must be signed → CODE"},
		},
		"no certificate": {
			func(_ *bundle, r *http.Request) { r.Header.Del("TPP-Signature-Certificate") },
			[]string{"TPP-Signature-Certificate: is required where Signature is sent → CODE"},
		},
		"not a certificate": {
			func(_ *bundle, r *http.Request) { r.Header.Set("TPP-Signature-Certificate", "***") },
			[]string{digest, "TPP-Signature-Certificate: must be the base64 of a certificate → CODE"},
		},
		"expired seal": {
			func(b *bundle, r *http.Request) {
				b.sign(r, b.issue(eidas.Seal, func(o *issue.Order) { o.NotAfter = start.Add(-time.Minute) }))
			},
			[]string{digest, "TPP-Signature-Certificate: the seal certificate: its time of validity is over → CODE"},
		},
		"seal of another": {
			func(b *bundle, r *http.Request) {
				b.sign(r, b.issue(eidas.Seal, func(o *issue.Order) { o.Organisation = "PSDDE-BAFIN-999999" }))
			},
			[]string{
				digest, "seal: of DE-BAFIN:PSDDE-BAFIN-999999, but DE-BAFIN:PSDDE-BAFIN-125314 is calling",
				"TPP-Signature-Certificate: the seal is of another organisation than the caller → CODE",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r, notes := listened(t, post())
			b.sign(r, b.qseal)
			c.spoil(b, r)
			err := b.signatures().Check(r, []byte(body), b.caller())
			require.Equal(t, c.want, notes(err != nil))
		})
	}
}

// The other form of a signature is explained alike, and so is what is not judged.
func TestNotesOfJWS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	profile := httpsig.DefaultJWSProfile(func() time.Time { return b.now })
	with := b.signatures()
	with.JWS = &profile
	check := func(s tpp.Signatures, change func(r *http.Request)) []string {
		r, notes := listened(t, post())
		signer := httpsig.JWSSigner{Certificate: b.qseal.Certificate, Key: b.qseal.Key, Now: func() time.Time { return start }}
		require.NoError(t, signer.SignRequest(r, []byte(body)))
		change(r)
		return notes(s.Check(r, []byte(body), b.caller()) != nil)
	}
	const digest, seal = "Digest: fits the body", "seal: DE-BAFIN:PSDDE-BAFIN-125314"
	good := check(with, func(*http.Request) {})
	require.Len(t, good, 3)
	require.Equal(t, []string{digest, seal}, good[:2])
	require.Contains(t, good[2], "x-jws-signature: RS256, covers ")
	lacking := check(with, func(r *http.Request) { r.Header.Set("PSU-ID", "anna") })
	require.Equal(t, []string{digest, seal}, lacking[:2])
	require.Contains(t, lacking[2], "; missing psu-id → CODE")
	require.Equal(t, []string{digest, "x-jws-signature: must be a compact JWS with a detached payload: <header>..<signature> → CODE"}, check(with, func(r *http.Request) { r.Header.Set(httpsig.HeaderJWS, "x") }))

	require.Equal(t, []string{"Signature: none, and none is required"}, check(tpp.Signatures{}, func(r *http.Request) {
		r.Header.Del("Digest")
	}), "a bank that does not know the header")
	require.Equal(t, []string{digest, "Signature: not verified, for there is nothing to judge seals by"}, check(tpp.Signatures{}, func(r *http.Request) {
		r.Header.Set("Signature", "x")
		r.Header.Set("TPP-Signature-Certificate", "TUlJ")
	}))
}
