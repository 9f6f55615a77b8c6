package sandbox_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"consentd/internal/sandbox"
	"consentd/pkg/eidas"
)

// leaf is the certificate of a pair, whose key must be its own.
func leaf(t *testing.T, p sandbox.Pair) *x509.Certificate {
	t.Helper()
	both, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.PrivateKey))
	require.NoError(t, err)
	return both.Leaf
}

// order makes a TPP over HTTP.
func (b *bundle) order(t *testing.T, body string, status int) sandbox.Kit {
	t.Helper()
	got := b.call(t, http.MethodPost, "/sandbox/tpps", body)
	require.Equal(t, status, got.status, got.body)
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
	var k sandbox.Kit
	if status < http.StatusBadRequest {
		got.json(t, &k)
		if status == http.StatusCreated {
			assert.Equal(t, "/sandbox/tpps/"+k.TPP, got.header.Get("Location"))
		}
	}
	return k
}

// verifier judges by the sandbox's authority, and asks it over HTTP.
func (b *bundle) verifier() *eidas.Verifier {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(b.url, "http://"))
	}
	return eidas.NewVerifier(eidas.Options{
		Anchors: eidas.NewAnchors(b.tpps.CA.Certificate()), Now: b.clock.Now,
		Revocation: &eidas.Revocation{HTTP: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, Timeout: 5 * time.Second},
	})
}

func TestMakeTPP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const body = `{"name":"mint","roles":["PSP_AI","PSP_IC"],"domains":["mint.example","*.mint.example","192.0.2.7"]}`
	k := b.order(t, body, http.StatusCreated)
	assert.Equal(t, "mint", k.TPP)
	assert.Equal(t, "XX-SANDBOX:PSDXX-SANDBOX-MINT", k.ID)
	assert.Equal(t, b.call(t, http.MethodGet, "/sandbox/ca.pem", "").body, k.CA)

	web, err := b.verifier().Verify(t.Context(), eidas.Web, leaf(t, k.QWAC).Raw)
	require.NoError(t, err)
	assert.Equal(t, k.ID, web.ID())
	assert.Equal(t, "Sandbox Authority", web.NCAName)
	assert.Equal(t, []eidas.Role{eidas.RoleAI, eidas.RoleIC}, web.Roles)
	for host, covered := range map[string]bool{"mint.example": true, "a.mint.example": true, "192.0.2.7": true, "localhost": false, "other.example": false} {
		assert.Equal(t, covered, web.Covers(host), host)
	}
	assert.Equal(t, start().Add(-time.Hour).Truncate(time.Second), web.X509.NotBefore, "by the sandbox's clock")
	assert.Equal(t, start().AddDate(0, 0, 730).Truncate(time.Second), web.X509.NotAfter)
	assert.Equal(t, []string{"http://localhost:8080/sandbox/ocsp"}, web.X509.OCSPServer)
	assert.Equal(t, []string{"http://localhost:8080/sandbox/ca.crl"}, web.X509.CRLDistributionPoints)
	seal, err := b.verifier().Verify(t.Context(), eidas.Seal, leaf(t, k.QSEAL).Raw)
	require.NoError(t, err)
	assert.Equal(t, k.ID, seal.ID())

	assert.Equal(t, k, b.order(t, body, http.StatusOK), "the same order finds what it made")
	var read sandbox.Kit
	got := b.call(t, http.MethodGet, "/sandbox/tpps/mint", "")
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
	got.json(t, &read)
	assert.Equal(t, k, read)
	b.order(t, `{"name":"mint"}`, http.StatusConflict)

	got = b.call(t, http.MethodGet, "/sandbox/tpps", "")
	assert.NotContains(t, got.body, "PRIVATE")
	assert.Contains(t, got.body, `{"tpp":"mint","id":"XX-SANDBOX:PSDXX-SANDBOX-MINT","name":"mint","roles":["PSP_AI","PSP_IC"],`+
		`"domains":["mint.example","*.mint.example","192.0.2.7"],"certified":true}]`)
	assert.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, "/sandbox/tpps/mallory", "").status)
}

// TestDefects are always in the QWAC, and the QSEAL is good.
func TestDefects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for defect, want := range map[string]eidas.Reason{
		"expired": eidas.Expired, "notYetValid": eidas.NotYetValid, "revoked": eidas.Revoked, "untrusted": eidas.Untrusted, "noStatement": eidas.NoStatement,
	} {
		t.Run(defect, func(t *testing.T) {
			t.Parallel()
			name := strings.ToLower(defect)
			k := b.order(t, `{"name":"`+name+`","defect":"`+defect+`"}`, http.StatusCreated)
			_, err := b.verifier().Verify(t.Context(), eidas.Web, leaf(t, k.QWAC).Raw)
			assert.Equal(t, want, eidas.ReasonOf(err), "%v", err)
			seal, err := b.verifier().Verify(t.Context(), eidas.Seal, leaf(t, k.QSEAL).Raw)
			require.NoError(t, err)
			assert.Equal(t, "XX-SANDBOX:PSDXX-SANDBOX-"+strings.ToUpper(name), seal.ID())
		})
	}
}

func TestOrderRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, path := range map[string]string{
		`{}`:                 "name",
		`{"name":"Acme"}`:    "name",
		`{"name":"../demo"}`: "name",
		`{"name":"` + strings.Repeat("a", 41) + `"}`:                                     "name",
		`{"name":"x","roles":["PSP_XX"]}`:                                                "roles",
		`{"name":"x","roles":["PSP_AI","PSP_AI"]}`:                                       "roles",
		`{"name":"x","roles":"PSP_AI"}`:                                                  "roles",
		`{"name":"x","defect":"late"}`:                                                   "defect",
		`{"name":"x","domains":["https://x"]}`:                                           "domains",
		`{"name":"x","domains":["a.*.example"]}`:                                         "domains",
		`{"name":"x","domains":["."]}`:                                                   "domains",
		`{"name":"x","domains":[` + strings.Repeat(`"a.example",`, 20) + `"b.example"]}`: "domains",
		`{"name":"x","key":"mine"}`:                                                      "key",
		`[]`:                                                                             "",
	} {
		got := b.call(t, http.MethodPost, "/sandbox/tpps", body)
		assert.Equal(t, http.StatusBadRequest, got.status, body)
		var fault struct{ Error, Path string }
		got.json(t, &fault)
		assert.Equal(t, path, fault.Path, body)
		assert.NotEmpty(t, fault.Error)
	}
}

// TestFounders are there from the start with every role, and take one order even
// when they have certificates.
func TestFounders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var first sandbox.Kit
	b.call(t, http.MethodGet, "/sandbox/tpps/acme", "").json(t, &first)
	web, err := eidas.Parse(leaf(t, first.QWAC))
	require.NoError(t, err)
	assert.Equal(t, "Acme Money", web.Name)
	assert.Len(t, web.Roles, 4)

	second := b.order(t, `{"name":"acme","roles":["PSP_AI"]}`, http.StatusCreated)
	assert.Equal(t, first.ID, second.ID)
	assert.NotEqual(t, first.QWAC.Certificate, second.QWAC.Certificate)
	b.order(t, `{"name":"acme","roles":["PSP_IC"]}`, http.StatusConflict)
	for _, k := range []sandbox.Kit{first, second} {
		_, err = b.verifier().Verify(t.Context(), eidas.Web, leaf(t, k.QWAC).Raw)
		require.NoError(t, err, "what was handed out before is still good")
	}
}

// TestTPPsSurvive: a sandbox that is started again knows them.
func TestTPPsSurvive(t *testing.T) {
	t.Parallel()
	_, clock := newBank()
	before := newTPPs(t, clock)
	order := sandbox.Order{Name: "mint", Defect: "revoked"}
	k, fresh, err := before.Order(t.Context(), order)
	require.NoError(t, err)
	require.True(t, fresh)

	b := setup(t, func(s *sandbox.Sandbox) {
		s.TPPs = &sandbox.TPPs{CA: before.CA, Store: before.Store, Now: clock.Now, URL: before.URL}
		require.NoError(t, s.TPPs.Load(t.Context()))
	})
	b.tpps = before
	assert.Equal(t, k, b.order(t, `{"name":"mint","defect":"revoked"}`, http.StatusOK))
	_, err = b.verifier().Verify(t.Context(), eidas.Web, leaf(t, k.QWAC).Raw)
	assert.Equal(t, eidas.Revoked, eidas.ReasonOf(err))

	list, err := x509.ParseRevocationList([]byte(b.call(t, http.MethodGet, "/sandbox/ca.crl", "").body))
	require.NoError(t, err)
	require.NoError(t, list.CheckSignatureFrom(before.CA.Certificate()))
	require.Len(t, list.RevokedCertificateEntries, 1)
	assert.Equal(t, leaf(t, k.QWAC).SerialNumber, list.RevokedCertificateEntries[0].SerialNumber)
	assert.Equal(t, start().Truncate(time.Second), list.ThisUpdate, "dated by the sandbox's clock")

	broken := &sandbox.TPPs{Store: brokenStore{}}
	require.ErrorIs(t, broken.Load(t.Context()), errDown)
}

// TestOneKit: however many ask at once, a TPP gets one set of certificates.
func TestOneKit(t *testing.T) {
	t.Parallel()
	_, clock := newBank()
	tpps := newTPPs(t, clock)
	kits := make([]sandbox.Kit, 4)
	var all sync.WaitGroup
	for i := range kits {
		all.Go(func() {
			var err error
			kits[i], err = tpps.Kit(t.Context(), "demo")
			assert.NoError(t, err)
		})
	}
	all.Wait()
	for _, k := range kits {
		assert.Equal(t, kits[0], k)
	}
}

// TestOCSP answers in both of the protocol's ways, and about its own
// certificates only.
func TestOCSP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good, bad := b.order(t, `{"name":"good"}`, http.StatusCreated), b.order(t, `{"name":"bad","defect":"revoked"}`, http.StatusCreated)
	stranger := b.order(t, `{"name":"other","defect":"untrusted"}`, http.StatusCreated)
	ca := b.tpps.CA.Certificate()
	for name, c := range map[string]struct {
		pair sandbox.Pair
		want int
	}{
		"good": {good.QWAC, ocsp.Good}, "its seal": {good.QSEAL, ocsp.Good}, "revoked": {bad.QWAC, ocsp.Revoked}, "the seal of that": {bad.QSEAL, ocsp.Good},
	} {
		request, err := ocsp.CreateRequest(leaf(t, c.pair), ca, nil)
		require.NoError(t, err)
		encoded := base64.StdEncoding.EncodeToString(request)
		for _, got := range []answer{
			b.call(t, http.MethodPost, "/sandbox/ocsp", string(request), "Content-Type", "application/ocsp-request"),
			b.call(t, http.MethodGet, "/sandbox/ocsp/"+encoded, ""),
			b.call(t, http.MethodGet, "/sandbox/ocsp/"+strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(encoded), ""),
		} {
			require.Equal(t, http.StatusOK, got.status, got.body)
			assert.Equal(t, "application/ocsp-response", got.header.Get("Content-Type"))
			told, err := ocsp.ParseResponseForCert([]byte(got.body), leaf(t, c.pair), ca)
			require.NoError(t, err)
			assert.Equal(t, c.want, told.Status, name)
		}
	}
	// The serial number that another authority gave is none of ours.
	request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: ca.SerialNumber}, ca, nil)
	require.NoError(t, err)
	told, err := ocsp.ParseResponse([]byte(b.call(t, http.MethodPost, "/sandbox/ocsp", string(request)).body), ca)
	require.NoError(t, err)
	assert.Equal(t, ocsp.Unknown, told.Status)
	_, err = ocsp.ParseResponse([]byte(b.call(t, http.MethodPost, "/sandbox/ocsp", "nonsense").body), ca)
	require.ErrorContains(t, err, "malformed")
	assert.Equal(t, http.StatusBadRequest, b.call(t, http.MethodGet, "/sandbox/ocsp/***", "").status)
	require.Error(t, leaf(t, stranger.QWAC).CheckSignatureFrom(ca))

	block, _ := pem.Decode([]byte(b.call(t, http.MethodGet, "/sandbox/ca.pem", "").body))
	require.NotNil(t, block)
	assert.Equal(t, ca.Raw, block.Bytes)
}

// full is a store that takes nothing more.
type full struct{ sandbox.Memory }

func (*full) Put(context.Context, string, string, []byte) error { return errDown }

// TestStoreFails: certificates that were not written down are nobody's.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tpps.Store = &full{}
	got := b.call(t, http.MethodPost, "/sandbox/tpps", `{"name":"mint"}`)
	assert.Equal(t, http.StatusInternalServerError, got.status)
	assert.NotContains(t, got.body, "PRIVATE")
	assert.NotContains(t, got.body, errDown.Error())
	assert.NotContains(t, b.call(t, http.MethodGet, "/sandbox/tpps", "").body, "mint")
}
