package httpsig_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

// The digests of nothing, as the standard prints them.
const (
	nothing256 = "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	nothing512 = "SHA-512=z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
)

func TestDigest(t *testing.T) {
	t.Parallel()
	require.Equal(t, nothing256, httpsig.Digest(httpsig.SHA256, nil))
	require.Equal(t, nothing512, httpsig.Digest(httpsig.SHA512, nil))
	require.Equal(t, nothing512, httpsig.Digest("sha-512", nil))
	require.Equal(t, nothing256, httpsig.Digest("MD5", nil))
	require.Equal(t, "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=", httpsig.Digest(httpsig.SHA256, []byte(`{"hello": "world"}`)))
}

func TestCheckDigest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header string
		body   string
		reason httpsig.Reason
		text   string
	}{
		"SHA-256":              {header: nothing256},
		"SHA-512":              {header: nothing512},
		"another case":         {header: "sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
		"another body":         {header: nothing256, body: " ", reason: httpsig.Invalid, text: "is not the hash"},
		"the hash of another":  {header: "SHA-256=z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c4=", reason: httpsig.Invalid, text: "is not the hash"},
		"half a hash":          {header: "SHA-256=47DEQpj8HBSa+/TImW+5JA==", reason: httpsig.Invalid, text: "is not the hash"},
		"MD5":                  {header: "MD5=1B2M2Y8AsgTpgAmY7PhCfg==", reason: httpsig.Invalid, text: "must use SHA-256 or SHA-512"},
		"no algorithm":         {header: "47DEQpj8HBSa+/TImW", reason: httpsig.Malformed, text: "<algorithm>=<base64>"},
		"not base64":           {header: "SHA-256=?", reason: httpsig.Malformed, text: "<algorithm>=<base64>"},
		"two, and both right":  {header: nothing256 + "," + nothing512, reason: httpsig.Malformed, text: "<algorithm>=<base64>"},
		"nothing":              {header: "", reason: httpsig.Malformed, text: "<algorithm>=<base64>"},
		"blanks before base64": {header: "SHA-256= 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", reason: httpsig.Malformed, text: "<algorithm>=<base64>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := httpsig.CheckDigest(test.header, []byte(test.body))
			if test.reason == "" {
				require.NoError(t, err)
				return
			}
			requireFault(t, err, test.reason, "Digest", test.text)
		})
	}
}
