package eidas_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

func FuzzVerify(f *testing.F) {
	w := &world{t: nil, time: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	root, err := issue.New("Test Root", w.time.Add(-day), w.time.Add(day))
	require.NoError(f, err)
	leaf, err := root.Issue(issue.Order{
		Type: eidas.Web, Organisation: "PSDDE-BAFIN-1", NCAName: "BaFin", NCAID: "DE-BAFIN", Roles: []eidas.Role{eidas.RoleAI},
		NotBefore: w.time.Add(-day), NotAfter: w.time.Add(day), Key: newKey(f),
	})
	require.NoError(f, err)
	f.Add(leaf.Certificate.Raw, root.Certificate().Raw)
	f.Add(root.Certificate().Raw, leaf.Certificate.Raw)
	v := eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(root.Certificate()), Now: w.now})
	f.Fuzz(func(t *testing.T, der, intermediate []byte) {
		cert, err := v.Verify(t.Context(), eidas.Web, der, intermediate)
		if err == nil {
			require.Equal(t, leaf.Certificate.Raw, cert.X509.Raw, "only what the authority signed is good")
			return
		}
		require.NotEmpty(t, eidas.ReasonOf(err))
	})
}

func BenchmarkVerifyKept(b *testing.B) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	root, err := issue.New("Test Root", now.Add(-day), now.Add(day))
	require.NoError(b, err)
	middle, err := root.Subordinate("Middle", now.Add(-day), now.Add(day))
	require.NoError(b, err)
	leaf, err := middle.Issue(issue.Order{
		Type: eidas.Web, Organisation: "PSDDE-BAFIN-1", NCAName: "BaFin", NCAID: "DE-BAFIN", Roles: []eidas.Role{eidas.RoleAI},
		NotBefore: now.Add(-day), NotAfter: now.Add(day),
	})
	require.NoError(b, err)
	chain := raw(leaf.Chain...)
	for _, kept := range []bool{true, false} {
		name := map[bool]string{true: "kept", false: "anew"}[kept]
		b.Run(name, func(b *testing.B) {
			clock := now
			v := eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(root.Certificate()), Now: func() time.Time { return clock }})
			b.ReportAllocs()
			for b.Loop() {
				if !kept {
					clock = clock.Add(-time.Millisecond) // before what was learnt
				}
				if _, err := v.Verify(b.Context(), eidas.Web, leaf.Certificate.Raw, chain...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
