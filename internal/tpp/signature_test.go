package tpp_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/tpp"
)

const (
	body        = `{"access":{}}`
	certificate = "TUlJSEFEQ0NCT2lnQXdJQkFnSUVa"
	// The official description's digests of no bytes.
	empty256 = "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	empty512 = "SHA-512=z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
)

// The digests of body.
func sha256OfBody() string {
	sum := sha256.Sum256([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func sha512OfBody() string {
	sum := sha512.Sum512([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func request(headers map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/consents", nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r
}

// Which of the three headers must come together, and what a request without
// them is worth.
func TestPresence(t *testing.T) {
	t.Parallel()
	const digest, signature, cert = "Digest", "Signature", "TPP-Signature-Certificate"
	values := map[string]string{digest: "SHA-256=" + sha256OfBody(), signature: "x", cert: certificate}
	for _, c := range []struct {
		sent     []string
		optional consent.Code // empty for no error
		required consent.Code
		path     string
	}{
		{nil, "", consent.CodeSignatureMissing, signature},
		{[]string{digest}, consent.CodeFormat, consent.CodeFormat, signature},
		{[]string{signature}, consent.CodeFormat, consent.CodeFormat, digest},
		{[]string{cert}, "", consent.CodeSignatureMissing, signature},
		{[]string{digest, cert}, consent.CodeFormat, consent.CodeFormat, signature},
		{[]string{signature, cert}, consent.CodeFormat, consent.CodeFormat, digest},
		{[]string{digest, signature}, consent.CodeCertificateMissing, consent.CodeCertificateMissing, cert},
		{[]string{digest, signature, cert}, "", "", ""},
	} {
		headers := map[string]string{}
		for _, name := range c.sent {
			headers[name] = values[name]
		}
		for required, want := range map[bool]consent.Code{false: c.optional, true: c.required} {
			err := tpp.Signatures{Required: required}.Check(request(headers), []byte(body), tpp.TPP{})
			if want == "" {
				require.NoError(t, err, "%v, required %t", c.sent, required)
				continue
			}
			var e *consent.Error
			if assert.ErrorAs(t, err, &e, "%v, required %t", c.sent, required) {
				assert.Equal(t, want, e.Code, "%v, required %t", c.sent, required)
				assert.Equal(t, "Header."+c.path, e.Path)
			}
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		digest, body string
		want         consent.Code
	}{
		{"SHA-256=" + sha256OfBody(), body, ""},
		{"sha-256=" + sha256OfBody(), body, ""},
		{"SHA-512=" + sha512OfBody(), body, ""},
		{empty256, "", ""},
		{empty512, "", ""},
		{empty256, body, consent.CodeSignatureInvalid},
		{"SHA-256=" + sha256OfBody(), body + " ", consent.CodeSignatureInvalid},
		{"SHA-512=" + sha256OfBody(), body, consent.CodeSignatureInvalid},
		{"SHA-256=", body, consent.CodeSignatureInvalid},
		{"MD5=" + sha256OfBody(), body, consent.CodeSignatureInvalid},
		{"SHA-1=" + sha256OfBody(), body, consent.CodeSignatureInvalid},
		{"SHA256=" + sha256OfBody(), body, consent.CodeSignatureInvalid},
		{"SHA-256", body, consent.CodeFormat},
		{"SHA-256=***", body, consent.CodeFormat},
		{"SHA-256=" + sha256OfBody() + ",SHA-512=" + sha512OfBody(), body, consent.CodeFormat},
	} {
		r := request(map[string]string{"Digest": c.digest, "Signature": "x", "TPP-Signature-Certificate": certificate})
		err := tpp.Signatures{}.Check(r, []byte(c.body), tpp.TPP{})
		if c.want == "" {
			require.NoError(t, err, c.digest)
			continue
		}
		assert.Equal(t, c.want, consent.CodeOf(err), c.digest)
		assert.NoError(t, tpp.Signatures{}.Present(r), "the body is not looked at")
	}
}

func TestUnreadableSignatureHeaders(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(http.Header){
		"Digest":                    func(h http.Header) { h.Add("Digest", h.Get("Digest")) },
		"Signature":                 func(h http.Header) { h.Set("Signature", "  ") },
		"TPP-Signature-Certificate": func(h http.Header) { h.Set("TPP-Signature-Certificate", " ") },
	} {
		r := request(map[string]string{"Digest": empty256, "Signature": "x", "TPP-Signature-Certificate": certificate})
		spoil(r.Header)
		err := tpp.Signatures{Required: true}.Check(r, nil, tpp.TPP{})
		var faults consent.Faults
		require.ErrorAs(t, err, &faults, name)
		require.Len(t, faults, 1)
		assert.Equal(t, consent.CodeFormat, faults[0].Code)
		assert.Equal(t, "Header."+name, faults[0].Path)
	}
	r := request(map[string]string{"Digest": " ", "Signature": ""})
	var faults consent.Faults
	require.ErrorAs(t, tpp.Signatures{}.Present(r), &faults)
	assert.Len(t, faults, 2, "all at once")
}

func TestUnverifiedTakesEveryone(t *testing.T) {
	t.Parallel()
	who, err := tpp.Unverified{As: tpp.TPP{ID: "demo", Name: "Demo"}}.Identify(request(nil))
	require.NoError(t, err)
	assert.Equal(t, tpp.TPP{ID: "demo", Name: "Demo", Roles: tpp.Roles()}, who)
}
