package register_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

// certificate is the DER of a certificate.
func certificate(t *testing.T, serial int64) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: begin, NotAfter: begin.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return der
}

func (b *bundle) set(c register.Client) *register.TPP {
	b.t.Helper()
	t, err := b.SetClient(b.t.Context(), officer(), acme, c)
	require.NoError(b.t, err)
	return t
}

func TestSetClient(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.admit(shows("A"))
		client := register.Client{RedirectURIs: []string{"https://acme.example/cb", "com.acme:/cb"}, Seals: [][]byte{certificate(t, 1), certificate(t, 2)}}
		want := shows("A")
		want.FirstSeen, want.CertificateSeen, want.RedirectURIs, want.Seals = begin, begin, client.RedirectURIs, client.Seals
		require.Equal(t, &want, b.set(client))
		require.Equal(t, want, b.get())
		b.set(client)
		require.Len(t, b.history(), 2, "the same again")

		b.admit(shows("B"))
		require.Equal(t, client.RedirectURIs, b.get().RedirectURIs, "a call changes nothing of that")
		b.block()
		require.Equal(t, client.Seals, b.get().Seals, "nor does a block")
		client.RedirectURIs = client.RedirectURIs[1:]
		require.NotNil(t, b.set(client).Block)
		require.Equal(t, client.RedirectURIs, b.get().RedirectURIs)
		b.set(register.Client{})
		require.Empty(t, b.get().RedirectURIs)
		require.Empty(t, b.get().Seals)
		require.Equal(t, []string{
			"tpp A " + callID + ": >known entered", "aspsp cc r2: known>known client", "tpp B " + callID + ": known>known certificate",
			"aspsp cc r2: known>blocked for ever licence withdrawn", "aspsp cc r2: blocked for ever>blocked for ever client",
			"aspsp cc r2: blocked for ever>blocked for ever client",
		}, b.history())
	})
}

// TestClientBeforeItCalls sets up a TPP that has never called.
func TestClientBeforeItCalls(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		_, err := b.SetClient(t.Context(), officer(), acme, register.Client{})
		codeOf(t, consent.CodeNotFound, err)
		_, err = b.Client(t.Context(), acme)
		codeOf(t, consent.CodeNotFound, err)
		seals, err := b.Seals(t.Context(), acme)
		require.NoError(t, err)
		require.Empty(t, seals)

		der := certificate(t, 1)
		b.set(register.Client{RedirectURIs: []string{"https://acme.example/cb"}, Seals: [][]byte{der}})
		require.Zero(t, b.get().FirstSeen)
		seals, err = b.Seals(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, [][]byte{der}, seals)
		found, err := b.Client(t.Context(), "PSDDE-BAFIN-125314")
		require.NoError(t, err)
		require.Equal(t, []any{acme, "DE-BAFIN"}, []any{found.ID, found.NCAID})

		b.admit(shows("A"))
		require.Equal(t, []any{"Acme A", begin, 1}, []any{b.get().Name, b.get().FirstSeen, len(b.get().Seals)})
		require.Equal(t, []string{"aspsp cc r2: > client", "tpp A " + callID + ": >known entered"}, b.history())
	})
}

func TestClient(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.admit(shows("A"))
		b.block(func(x *register.Block) { x.Until = begin.Add(time.Hour) })
		for _, id := range []string{acme, "PSDDE-BAFIN-125314"} {
			found, err := b.Client(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, b.get(), *found)
			require.NotNil(t, found.Block)
		}
		b.now = begin.Add(time.Hour)
		found, err := b.Client(t.Context(), acme)
		require.NoError(t, err)
		require.Nil(t, found.Block, "it has run out")

		for _, id := range []string{"", "x", "BAFIN:125314", "\xff", "a\x00"} {
			_, err := b.Client(t.Context(), id)
			codeOf(t, consent.CodeNotFound, err)
		}
		twin := shows("B")
		twin.ID, twin.NCAID = "FR-ACPR:PSDDE-BAFIN-125314", "FR-ACPR"
		b.admit(twin)
		_, err = b.Client(t.Context(), "PSDDE-BAFIN-125314")
		codeOf(t, consent.CodeNotFound, err)
		found, err = b.Client(t.Context(), twin.ID)
		require.NoError(t, err)
		require.Equal(t, twin.ID, found.ID)
	})
}

func TestSetClientRefuses(t *testing.T) {
	b := setup(t, "sqlite")
	one, two := certificate(t, 1), certificate(t, 2)
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("https://acme.example/%d", i))
		}
		return list
	}
	var seals [][]byte
	for i := range register.MaxSeals + 1 {
		seals = append(seals, certificate(t, int64(i+1)))
	}
	for name, x := range map[string]struct {
		client register.Client
		want   []string // paths
	}{
		"http":               {register.Client{RedirectURIs: []string{"http://acme.example/cb"}}, []string{"redirectUris[0]"}},
		"no URI":             {register.Client{RedirectURIs: []string{"acme.example", "", " ", "/cb"}}, []string{"redirectUris[0]", "redirectUris[1]", "redirectUris[2]", "redirectUris[3]"}},
		"a fragment":         {register.Client{RedirectURIs: []string{"https://acme.example/cb#"}}, []string{"redirectUris[0]"}},
		"user-info":          {register.Client{RedirectURIs: []string{"https://me@acme.example/cb"}}, []string{"redirectUris[0]"}},
		"no dot":             {register.Client{RedirectURIs: []string{"acme:/cb", "javascript:alert(1)//a.b", "data:text/html.x"}}, []string{"redirectUris[0]", "redirectUris[1]", "redirectUris[2]"}},
		"an app's fragment":  {register.Client{RedirectURIs: []string{"com.acme:/cb#x"}}, []string{"redirectUris[0]"}},
		"an app's nothing":   {register.Client{RedirectURIs: []string{"com.acme:"}}, []string{"redirectUris[0]"}},
		"a pattern":          {register.Client{RedirectURIs: []string{"https://*.acme.example/cb"}}, []string{"redirectUris[0]"}},
		"a line break":       {register.Client{RedirectURIs: []string{"https://acme.example/\nhttps://evil.example/"}}, []string{"redirectUris[0]"}},
		"beyond ASCII":       {register.Client{RedirectURIs: []string{"https://acmé.example/"}}, []string{"redirectUris[0]"}},
		"a long one":         {register.Client{RedirectURIs: []string{"https://acme.example/" + strings.Repeat("x", 480)}}, []string{"redirectUris[0]"}},
		"twice":              {register.Client{RedirectURIs: []string{"https://acme.example/", "https://acme.example/"}}, []string{"redirectUris[1]"}},
		"too many":           {register.Client{RedirectURIs: many(21)}, []string{"redirectUris"}},
		"no certificate":     {register.Client{Seals: [][]byte{{0x30, 0}, one[:20]}}, []string{"sealCertificates[0]", "sealCertificates[1]"}},
		"a certificate more": {register.Client{Seals: [][]byte{one, two, one}}, []string{"sealCertificates[2]"}},
		"too many seals":     {register.Client{Seals: seals}, []string{"sealCertificates"}},
		"all of it":          {register.Client{RedirectURIs: []string{"x"}, Seals: [][]byte{nil}}, []string{"redirectUris[0]", "sealCertificates[0]"}},
	} {
		_, err := b.SetClient(t.Context(), officer(), acme, x.client)
		codeOf(t, consent.CodeFormat, err)
		faults, ok := errors.AsType[consent.Faults](err)
		require.True(t, ok, name)
		var paths []string
		for _, f := range faults {
			paths = append(paths, f.Path)
		}
		require.Equal(t, x.want, paths, name)
	}
	for _, id := range []string{"PSDDE-BAFIN-125314", "DE/BAFIN:1", "DE-BAFIN: ", "DE-BAFIN:\xff"} {
		_, err := b.SetClient(t.Context(), officer(), id, register.Client{RedirectURIs: many(1)})
		codeOf(t, consent.CodeNotFound, err)
	}
	_, err := b.Get(t.Context(), acme)
	codeOf(t, consent.CodeNotFound, err)
	b.set(register.Client{Seals: seals[1:], RedirectURIs: append(many(15),
		"http://localhost:8080/cb", "http://127.0.0.1/", "http://[::1]:1/", "Com.Acme.App:/cb", "https://acme.example/"+strings.Repeat("x", 479),
	)})
	require.Len(t, b.get().RedirectURIs, register.MaxRedirectURIs)
}
