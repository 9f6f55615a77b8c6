package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/config"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// TestSignaturesAreTheBanks: what must be covered is the configuration's, in both
// forms of signature, and where callers are not verified nothing is judged.
func TestSignaturesAreTheBanks(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Signature.Covered = []string{"digest", "x-request-id", "(request-target)"}
	cfg.Signature.CoveredIfSent = []string{"consent-id"}
	cfg.Signature.MayCover = []string{"date"}
	cfg.Signature.JWS, cfg.Signature.JWSMaxAge = true, time.Second
	v := eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(), Now: time.Now})
	s := signatures(cfg, v, time.Now)
	require.True(t, s.Required)
	require.Equal(t, cfg.Signature.Covered, s.Profile.Required)
	require.Equal(t, cfg.Signature.CoveredIfSent, s.Profile.IfPresent)
	require.Equal(t, cfg.Signature.MayCover, s.Profile.Others)
	require.Equal(t, cfg.Signature.Covered, s.JWS.Required)
	require.Equal(t, cfg.Signature.CoveredIfSent, s.JWS.IfPresent)
	require.Equal(t, time.Second, s.JWS.MaxAge)

	cfg.Signature.JWS = false
	require.Nil(t, signatures(cfg, v, time.Now).JWS)
	cfg.Insecure = true
	require.Equal(t, tpp.Signatures{}, signatures(cfg, v, time.Now))
}
