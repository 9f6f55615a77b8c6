package httpsig_test

import (
	"bufio"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

func TestOfWhatCame(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ line, target, host string }{
		"origin form":   {"POST /v1/consents?x=%20y&z HTTP/1.1", "/v1/consents?x=%20y&z", "bank.example"},
		"as it came":    {"POST //v1/../a%2fb? HTTP/1.1", "//v1/../a%2fb?", "bank.example"},
		"absolute form": {"POST http://other.example/v1/consents?x HTTP/1.1", "/v1/consents?x", "other.example"},
		"asterisk form": {"OPTIONS * HTTP/1.1", "*", "bank.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(test.line + "\r\nHost: bank.example\r\nX-Request-ID: 1\r\n\r\n")))
			require.NoError(t, err)
			m := httpsig.Of(r)
			require.Equal(t, test.target, m.Target)
			require.Equal(t, test.host, m.Host)
			require.Equal(t, "1", m.Header.Get("X-Request-ID"))
		})
	}
}

func TestOfWhatWillBeSent(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest("", "https://bank.example:8443/v1?x#part", http.NoBody)
	require.NoError(t, err)
	r.Method, r.Host = "", ""
	require.Equal(t, httpsig.Message{Method: "GET", Target: "/v1?x", Host: "bank.example:8443", Header: r.Header}, httpsig.Of(r))
	r.Host = "other.example"
	require.Equal(t, "other.example", httpsig.Of(r).Host)
}

func TestText(t *testing.T) {
	t.Parallel()
	text, err := httpsig.Of(post(t)).Text([]string{"(request-target)", "host", "content-type"})
	require.NoError(t, err)
	require.Equal(t, "(request-target): post /v1/consents?x=1%20y\nhost: xs2a.bank.example\ncontent-type: application/json", text)
	_, err = httpsig.Of(post(t)).Text([]string{"host", "date"})
	require.ErrorContains(t, err, "no date")
}

func TestAs(t *testing.T) {
	t.Parallel()
	fault := &httpsig.Error{Reason: httpsig.Invalid, Header: "Digest", Text: "is not the hash of the body"}
	got, ok := httpsig.As(fmt.Errorf("refused: %w", fault))
	require.True(t, ok)
	require.Same(t, fault, got)
	require.EqualError(t, got, "Digest is not the hash of the body")
	_, ok = httpsig.As(errors.New("another"))
	require.False(t, ok)
}

// A key of another kind fits no algorithm, on either side.
func TestKeysOfAnotherKind(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	cert := seal(t, edwards)
	_, err = (&httpsig.Signer{Certificate: cert, Key: edwards}).Sign(post(t), nil)
	require.ErrorContains(t, err, "not an algorithm for the key")

	key, r := ecKey(t, elliptic.P256()), post(t)
	_, err = (&httpsig.Signer{Certificate: seal(t, key), Key: key}).Sign(r, nil)
	require.NoError(t, err)
	_, err = httpsig.DefaultProfile().Verify(httpsig.Of(r), cert)
	requireFault(t, err, httpsig.Invalid, "Signature", "for the key of the certificate")
}

// A profile may ask for what every request has, without a header of that name.
func TestIfPresentOfHostAndTarget(t *testing.T) {
	t.Parallel()
	key, r := ecKey(t, elliptic.P256()), post(t)
	profile := httpsig.Profile{Required: []string{"digest"}, IfPresent: []string{"host", "(request-target)", "date"}}
	signed, err := (&httpsig.Signer{Certificate: seal(t, key), Key: key, Profile: profile}).Sign(r, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"digest", "host", "(request-target)"}, signed.Headers)
}
