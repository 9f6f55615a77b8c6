package tpp_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
)

const keyBase = "https://acme.example/keys/seal"

// stet are signatures as a bank with the STET dialect requires them, with these
// seals of the TPP registered.
func (b *bundle) stet(registered ...*issue.Issued) tpp.Signatures {
	return tpp.Signatures{
		Required: true, Seals: b.verifier, Profile: httpsig.STETProfile(), BareDigest: true,
		Registered: func(_ context.Context, id string) ([][]byte, error) {
			require.Equal(b.t, b.id, id)
			var ders [][]byte
			for _, one := range registered {
				ders = append(ders, one.Certificate.Raw)
			}
			return ders, nil
		},
	}
}

// forward is a PUT of STET, signed as our client signs, or with another keyId.
func (b *bundle) forward(with *issue.Issued, keyID string) *http.Request {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodPut, "https://bank.example/stet/psd2/v1.4.2/consents", strings.NewReader(body))
	r.Header.Set("X-Request-ID", "a")
	signer := httpsig.NewSTETSigner(with.Certificate, with.Key, keyBase)
	if keyID != "" {
		signer.KeyID = keyID
	}
	_, err := signer.Sign(r, []byte(body))
	require.NoError(b.t, err)
	return r
}

// A signature of STET is judged by the seal that was registered and that its keyId
// names, or by the one that comes along, which need not be registered.
func TestRegisteredSeals(t *testing.T) {
	t.Parallel()
	expired := func(o *issue.Order) { o.NotAfter = start.Add(-time.Minute) }
	other := func(o *issue.Order) { o.Organisation = "PSDDE-BAFIN-999999" }
	attach := func(r *http.Request, with *issue.Issued) {
		r.Header.Set("TPP-Signature-Certificate", base64.StdEncoding.EncodeToString(with.Certificate.Raw))
	}
	for name, c := range map[string]struct {
		send func(b *bundle) (*http.Request, tpp.Signatures)
		want consent.Code
		path string
	}{
		"by fingerprint": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			return b.forward(b.qseal, ""), b.stet(b.issue(eidas.Seal, nil), b.qseal)
		}},
		"by client id, one of several": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			return b.forward(b.qseal, "PSDDE-BAFIN-125314"), b.stet(b.issue(eidas.Seal, expired), b.qseal)
		}},
		"as XS2A names it": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			r := post()
			b.sign(r, b.qseal, "(request-target)")
			r.Header.Del("TPP-Signature-Certificate")
			return r, b.stet(b.qseal)
		}},
		"the certificate came along, none is registered": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			r := b.forward(b.qseal, "")
			attach(r, b.qseal)
			return r, b.stet()
		}},
		"none registered": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			return b.forward(b.qseal, ""), b.stet()
		}, want: consent.CodeCertificateMissing, path: "Header.TPP-Signature-Certificate"},
		"another registered": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			return b.forward(b.qseal, ""), b.stet(b.issue(eidas.Seal, nil))
		}, want: consent.CodeSignatureInvalid, path: "Header.Signature"},
		"another that is registered named, and the digest changed": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			r := b.forward(b.qseal, "")
			second := b.issue(eidas.Seal, nil)
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), httpsig.STETKeyID(keyBase, b.qseal.Certificate),
				httpsig.STETKeyID(keyBase, second.Certificate), 1))
			r.Header.Set("Digest", httpsig.Digest("SHA-512", []byte(body)))
			return r, b.stet(b.qseal, second)
		}, want: consent.CodeSignatureInvalid, path: "Header.Signature"},
		"expired": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			old := b.issue(eidas.Seal, expired)
			return b.forward(old, ""), b.stet(old)
		}, want: consent.CodeCertificateExpired, path: "Header.Signature"},
		"a signature that does not hold, beside a seal that is over": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			r := b.forward(b.qseal, "PSDDE-BAFIN-125314")
			r.Header.Set("X-Request-ID", "b")
			return r, b.stet(b.qseal, b.issue(eidas.Seal, expired))
		}, want: consent.CodeSignatureInvalid, path: "Header.Signature"},
		"registered for one, but of another": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			foreign := b.issue(eidas.Seal, other)
			return b.forward(foreign, ""), b.stet(foreign)
		}, want: consent.CodeSignatureInvalid, path: "Header.Signature"},
		"a QWAC registered": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			return b.forward(b.qwac, ""), b.stet(b.qwac)
		}, want: consent.CodeCertificateInvalid, path: "Header.Signature"},
		"the certificate that came along decides": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			r := b.forward(b.qseal, "")
			attach(r, b.issue(eidas.Seal, nil))
			return r, b.stet(b.qseal)
		}, want: consent.CodeSignatureInvalid, path: "Header.Signature"},
		"not a signature": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			r := b.forward(b.qseal, "")
			r.Header.Set("Signature", "bad")
			return r, b.stet(b.qseal)
		}, want: consent.CodeSignatureInvalid, path: "Header.Signature"},
		"the register is away": {send: func(b *bundle) (*http.Request, tpp.Signatures) {
			s := b.stet()
			s.Registered = func(context.Context, string) ([][]byte, error) {
				return nil, consent.E(consent.CodeUnavailable, "away")
			}
			return b.forward(b.qseal, ""), s
		}, want: consent.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r, s := c.send(b)
			err := s.Check(r, []byte(body), b.caller())
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			e, ok := errors.AsType[*consent.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.want, e.Code, e.Text)
			require.Equal(t, c.path, e.Path)
		})
	}
}

// Where the certificate must come along, it must, whatever the profile.
func TestNoRegister(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.stet()
	s.Registered = nil
	r := b.forward(b.qseal, "")
	require.Equal(t, consent.CodeCertificateMissing, consent.CodeOf(s.Present(r)))
	require.NoError(t, b.stet().Present(r))
}

// A digest is asked for where there is a body, and held against it where it comes.
func TestBareDigest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		body     string
		covered  []string
		drop     []string
		optional bool
		digest   string // that is sent in its place
		want     consent.Code
		path     string
	}{
		"a body with its digest":          {body: body, covered: []string{"digest"}},
		"a body without":                  {body: body, drop: []string{"Digest"}, want: consent.CodeFormat, path: "Header.Digest"},
		"no body, no digest":              {drop: []string{"Digest"}},
		"no body, and its digest":         {covered: []string{"digest"}},
		"no body, the digest of another":  {covered: []string{"digest"}, digest: "SHA-256=" + sha256OfBody(), want: consent.CodeSignatureInvalid, path: "Header.Digest"},
		"a digest that is not covered":    {body: body, want: consent.CodeSignatureInvalid, path: "Header.Signature"},
		"a digest alone":                  {body: body, drop: []string{"Signature"}, want: consent.CodeSignatureMissing, path: "Header.Signature"},
		"a digest alone, nothing asked":   {body: body, drop: []string{"Signature"}, optional: true},
		"another's alone, nothing asked":  {body: body, drop: []string{"Signature"}, optional: true, digest: empty256, want: consent.CodeSignatureInvalid, path: "Header.Digest"},
		"nothing at all":                  {body: body, drop: []string{"Signature", "Digest"}, want: consent.CodeSignatureMissing, path: "Header.Signature"},
		"nothing at all, and none asked":  {body: body, drop: []string{"Signature", "Digest"}, optional: true},
		"a digest that cannot be read":    {covered: []string{"digest"}, digest: "SHA-256", want: consent.CodeFormat, path: "Header.Digest"},
		"a blank digest beside signature": {digest: " ", want: consent.CodeFormat, path: "Header.Digest"},
	} {
		r := httptest.NewRequest(http.MethodPut, "https://bank.example/consents", strings.NewReader(c.body))
		signer := httpsig.NewSTETSigner(b.qseal.Certificate, b.qseal.Key, keyBase)
		signer.Profile = httpsig.Profile{Required: append([]string{"(request-target)"}, c.covered...), KeyID: httpsig.KeyIDSTET}
		_, err := signer.Sign(r, []byte(c.body))
		require.NoError(t, err)
		for _, header := range c.drop {
			r.Header.Del(header)
		}
		if c.digest != "" {
			r.Header.Set("Digest", c.digest)
		}
		s := b.stet(b.qseal)
		s.Required = !c.optional
		err = s.Check(r, []byte(c.body), b.caller())
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		fault, ok := errors.AsType[*consent.Error](err)
		if faults, many := errors.AsType[consent.Faults](err); many {
			fault, ok = faults[0], true
		}
		require.True(t, ok, name)
		require.Equal(t, c.want, fault.Code, name)
		require.Equal(t, c.path, fault.Path, name)
	}
}

func TestNotesOfRegisteredSeals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, notes := listened(t, b.forward(b.qseal, ""))
	err := b.stet(b.issue(eidas.Seal, nil), b.qseal).Check(r, []byte(body), b.caller())
	require.Equal(t, []string{
		"Digest: fits the body", "seal: none was sent; 2 registered for " + b.id + ", of which keyId names 1", "seal: " + b.id,
		"Signature: rsa-sha256, covers (request-target), digest, x-request-id",
	}, notes(err != nil))

	r, notes = listened(t, b.forward(b.qseal, ""))
	err = b.stet(b.issue(eidas.Seal, nil)).Check(r, []byte(body), b.caller())
	require.Equal(t, []string{
		"Digest: fits the body", "seal: none was sent; 1 registered for " + b.id + ", of which keyId names 0",
		"Signature: must name a seal that is registered for the caller in keyId → CODE",
	}, notes(err != nil))
}

func TestReadSeal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw := b.qseal.Certificate.Raw
	for name, text := range map[string]string{
		"base64": base64.StdEncoding.EncodeToString(raw),
		"PEM":    string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
	} {
		der, owner, err := tpp.ReadSeal(text)
		require.NoError(t, err, name)
		require.Equal(t, raw, der, name)
		require.Equal(t, b.id, owner, name)
	}
	for name, text := range map[string]string{
		"empty": "", "no base64": "***", "no certificate": "MAA=",
		"no PSD2": base64.StdEncoding.EncodeToString(b.ca.Certificate().Raw),
	} {
		_, _, err := tpp.ReadSeal(text)
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err), "%s: %v", name, err)
	}
}
