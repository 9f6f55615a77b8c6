package secret_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/secret"
)

func keys(t *testing.T) *secret.Keys {
	t.Helper()
	k, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	return k
}

func TestSeal(t *testing.T) {
	k := keys(t)
	plain := []byte("DE40100100103307118608")
	sealed := k.Seal("run 1", plain)
	require.NotContains(t, string(sealed), string(plain))
	require.NotEqual(t, sealed, k.Seal("run 1", plain), "the same twice looks different")
	got, err := k.Open("run 1", sealed)
	require.NoError(t, err)
	require.Equal(t, plain, got)

	for name, open := range map[string]func() ([]byte, error){
		"another purpose": func() ([]byte, error) { return k.Open("run 2", sealed) },
		"another key":     func() ([]byte, error) { return keys(t).Open("run 1", sealed) },
		"a changed byte": func() ([]byte, error) {
			changed := bytes.Clone(sealed)
			changed[len(changed)-1] ^= 1
			return k.Open("run 1", changed)
		},
		"cut short": func() ([]byte, error) { return k.Open("run 1", sealed[:5]) },
		"nothing":   func() ([]byte, error) { return k.Open("run 1", nil) },
	} {
		_, err := open()
		require.Error(t, err, name)
	}
}

func TestMAC(t *testing.T) {
	k := keys(t)
	mac := k.MAC("csrf", []byte("ab"), []byte("c"))
	require.Equal(t, mac, k.MAC("csrf", []byte("ab"), []byte("c")))
	for name, other := range map[string][]byte{
		"a byte moved":    k.MAC("csrf", []byte("a"), []byte("bc")),
		"one part":        k.MAC("csrf", []byte("abc")),
		"another purpose": k.MAC("csr", []byte("fab"), []byte("c")),
		"another key":     keys(t).MAC("csrf", []byte("ab"), []byte("c")),
	} {
		require.NotEqual(t, mac, other, name)
	}
}

func TestHandle(t *testing.T) {
	h := secret.Handle()
	require.Len(t, h, 43, "256 bits in base64")
	require.NotEqual(t, h, secret.Handle())
	require.NotEqual(t, secret.Digest(h), secret.Digest(h+"x"))
}

func TestNewRefuses(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		_, err := secret.New(make([]byte, n))
		require.Error(t, err, n)
	}
}
