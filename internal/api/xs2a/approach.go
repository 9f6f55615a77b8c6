package xs2a

import (
	"context"
	"net/http"
	"slices"

	"consentd/internal/consent"
	"consentd/internal/explain"
	wire "consentd/pkg/xs2a"
)

// approaches is what this program can do so far. The first is the fallback.
var approaches = []consent.Approach{consent.Redirect}

// chosenApproach is the value of ASPSP-SCA-Approach for a call that started an
// authorisation.
func chosenApproach(k *call) string {
	return string(wireApproaches[approach(k.ctx(), k.req.Header, approaches)])
}

// approach chooses how the PSU is reached, from the TPP's preferences; the
// headers have passed their checks. A preference is never a reason to refuse.
func approach(ctx context.Context, header http.Header, offered []consent.Approach) consent.Approach {
	preferred := preferredApproach(header.Get(keyRedirectPreferred), header.Get(keyDecoupledPreferred))
	if slices.Contains(offered, preferred) {
		explain.Note(ctx, "approach: %s, by the TPP's preferences", preferred)
		return preferred
	}
	explain.Note(ctx, "approach: %s would be preferred and is not offered: %s", preferred, offered[0])
	return offered[0]
}

// preferredApproach is what the two headers ask for. Redirect wins where both
// are wanted or nothing is said; embedded is what remains where both are unwanted.
func preferredApproach(redirect, decoupled string) consent.Approach {
	switch {
	case redirect != "false":
		return consent.Redirect
	case decoupled != "false":
		return consent.Decoupled
	default:
		return consent.Embedded
	}
}

// wireApproaches is the value of ASPSP-SCA-Approach.
var wireApproaches = map[consent.Approach]wire.Approach{
	consent.Redirect:  wire.ApproachRedirect,
	consent.Decoupled: wire.ApproachDecoupled,
	consent.Embedded:  wire.ApproachEmbedded,
}
