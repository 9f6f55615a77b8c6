package tpp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
)

// post is what a TPP sends, before it is signed.
func post() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://bank.example/v1/consents", strings.NewReader(body))
	for name, value := range map[string]string{
		"X-Request-ID": "99391c7e-ad88-49ec-a2ad-99ddcb1f7721", "TPP-Redirect-URI": "https://acme.example/cb", "PSU-IP-Address": "192.0.2.7", "Date": "Mon, 04 May 2026 12:00:00 GMT",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// sign signs a request with a seal.
func (b *bundle) sign(r *http.Request, with *issue.Issued, covered ...string) {
	b.t.Helper()
	profile := httpsig.DefaultProfile()
	profile.Required = append(profile.Required, covered...)
	signer := httpsig.Signer{Certificate: with.Certificate, Key: with.Key, Profile: profile}
	_, err := signer.Sign(r, []byte(body))
	require.NoError(b.t, err)
}

// Each way in which a signature is no good has its code, and names the header.
func TestSignatures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(b *bundle, r *http.Request)
		want  consent.Code
		path  string
	}{
		"good":               {},
		"body of another":    {func(_ *bundle, r *http.Request) { r.Header.Set("Digest", httpsig.Digest("SHA-256", nil)) }, consent.CodeSignatureInvalid, "Header.Digest"},
		"header changed":     {func(_ *bundle, r *http.Request) { r.Header.Set("TPP-Redirect-URI", "https://evil.example/") }, consent.CodeSignatureInvalid, "Header.Signature"},
		"header added":       {func(_ *bundle, r *http.Request) { r.Header.Set("PSU-ID", "anna") }, consent.CodeSignatureInvalid, "Header.Signature"},
		"request id changed": {func(_ *bundle, r *http.Request) { r.Header.Set("X-Request-ID", "00000000-ad88-49ec-a2ad-99ddcb1f7721") }, consent.CodeSignatureInvalid, "Header.Signature"},
		"not a signature":    {func(_ *bundle, r *http.Request) { r.Header.Set("Signature", "x") }, consent.CodeSignatureInvalid, "Header.Signature"},
		"no certificate":     {func(_ *bundle, r *http.Request) { r.Header.Del("TPP-Signature-Certificate") }, consent.CodeCertificateMissing, "Header.TPP-Signature-Certificate"},
		"not a certificate":  {func(_ *bundle, r *http.Request) { r.Header.Set("TPP-Signature-Certificate", "***") }, consent.CodeCertificateInvalid, "Header.TPP-Signature-Certificate"},
		"no DER":             {func(_ *bundle, r *http.Request) { r.Header.Set("TPP-Signature-Certificate", "AAAA") }, consent.CodeCertificateInvalid, "Header.TPP-Signature-Certificate"},
		"no signature": {func(_ *bundle, r *http.Request) {
			for _, name := range []string{"Digest", "Signature", "TPP-Signature-Certificate"} {
				r.Header.Del(name)
			}
		}, consent.CodeSignatureMissing, "Header.Signature"},
		"sealed with a QWAC": {func(b *bundle, r *http.Request) { b.sign(r, b.qwac) }, consent.CodeCertificateInvalid, "Header.TPP-Signature-Certificate"},
		"expired seal": {func(b *bundle, r *http.Request) {
			b.sign(r, b.issue(eidas.Seal, func(o *issue.Order) { o.NotAfter = start.Add(-time.Minute) }))
		}, consent.CodeCertificateExpired, "Header.TPP-Signature-Certificate"},
		"seal of another": {func(b *bundle, r *http.Request) {
			b.sign(r, b.issue(eidas.Seal, func(o *issue.Order) { o.Organisation = "PSDDE-BAFIN-999999" }))
		}, consent.CodeSignatureInvalid, "Header.TPP-Signature-Certificate"},
		"covers too much":        {func(b *bundle, r *http.Request) { b.sign(r, b.qseal, "psu-ip-address") }, consent.CodeSignatureInvalid, "Header.Signature"},
		"covers date and target": {func(b *bundle, r *http.Request) { b.sign(r, b.qseal, "date", "(request-target)") }, "", ""},
		"sent to another resource": {func(b *bundle, r *http.Request) {
			b.sign(r, b.qseal, "(request-target)")
			r.URL.Path, r.RequestURI = "/v1/x", "/v1/x"
		}, consent.CodeSignatureInvalid, "Header.Signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := post()
			b.sign(r, b.qseal)
			if c.spoil != nil {
				c.spoil(b, r)
			}
			err := b.signatures().Check(r, []byte(body), b.caller())
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			var e *consent.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.want, e.Code, e.Text)
			require.Equal(t, c.path, e.Path)
		})
	}
}

// A detached JWS does in place of Signature, where the bank takes it; where both
// are sent, both must be right.
func TestDetachedJWS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	profile := httpsig.DefaultJWSProfile(func() time.Time { return b.now })
	with := b.signatures()
	with.JWS = &profile
	r := post()
	signer := httpsig.JWSSigner{Certificate: b.qseal.Certificate, Key: b.qseal.Key, Now: func() time.Time { return start }}
	require.NoError(t, signer.SignRequest(r, []byte(body)))
	require.NoError(t, with.Check(r, []byte(body), b.caller()))
	require.Equal(t, consent.CodeFormat, consent.CodeOf(b.signatures().Check(r, []byte(body), b.caller())), "a Digest without a Signature that this bank knows")

	b.now = start.Add(2 * time.Minute)
	require.Equal(t, consent.CodeSignatureInvalid, consent.CodeOf(with.Check(r, []byte(body), b.caller())), "too old")
	b.now = start

	jws := r.Header.Get(httpsig.HeaderJWS)
	b.sign(r, b.qseal)
	r.Header.Set(httpsig.HeaderJWS, jws)
	require.NoError(t, with.Check(r, []byte(body), b.caller()))
	r.Header.Set(httpsig.HeaderJWS, jws[:len(jws)-4]+"AAAA")
	require.Equal(t, consent.CodeSignatureInvalid, consent.CodeOf(with.Check(r, []byte(body), b.caller())))
	r.Header.Set(httpsig.HeaderJWS, jws)
	r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), "x-request-id", "psu-ip-address", 1))
	require.Equal(t, consent.CodeSignatureInvalid, consent.CodeOf(with.Check(r, []byte(body), b.caller())))
}

// Verifying a signed call costs less than 0.2 ms: one signature, two look-ups of
// certificates that are known.
func BenchmarkSignedCall(b *testing.B) {
	setup := setup(&testing.T{})
	r := post()
	setup.sign(r, setup.qseal)
	setup.connected(r, setup.qwac)
	signatures := setup.signatures()
	for b.Loop() {
		who, err := setup.callers.Identify(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := signatures.Check(r, []byte(body), who); err != nil {
			b.Fatal(err)
		}
	}
}
