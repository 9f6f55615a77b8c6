package xs2a

import (
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/consents"
	wire "consentd/pkg/xs2a"
)

// approach chooses how the PSU is reached, from the TPP's preferences; the
// headers have passed their checks. A preference is never a reason to refuse.
func (h *Handler) approach(k *call) consent.Approach {
	preferred := preferredApproach(
		taken(k.req.Header, k.ep.place, keyRedirectPreferred), taken(k.req.Header, k.ep.place, keyDecoupledPreferred))
	if slices.Contains(h.Options.Approaches, preferred) {
		explain.Note(k.ctx(), "approach: %s, by the TPP's preferences", preferred)
		return preferred
	}
	explain.Note(k.ctx(), "approach: %s would be preferred and is not offered: %s", preferred, h.Options.Approaches[0])
	return h.Options.Approaches[0]
}

// startApproach chooses for a start: what was preferred when the consent was made
// stands, unless the TPP says anything else now. Fails with CodeServiceInvalid for a
// consent that is authorised at the OAuth2 server.
func (h *Handler) startApproach(k *call, id uuid.UUID) (consent.Approach, error) {
	c, err := h.Consents.Get(k.ctx(), k.by(), id)
	if err != nil {
		return "", err
	}
	if c.ByToken {
		return "", errByOAuth()
	}
	offered := slices.Contains(h.Options.Approaches, c.Approach)
	says := taken(k.req.Header, k.ep.place, keyRedirectPreferred) + taken(k.req.Header, k.ep.place, keyDecoupledPreferred)
	if says != "" || !offered {
		if now := h.approach(k); !offered || !h.byOAuth(k, now) { // by OAuth2 it would be another consent
			return now, nil
		}
	}
	explain.Note(k.ctx(), "approach: %s, as when the consent was made", c.Approach)
	return c.Approach, nil
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

// explicit decides whether the authorisation of a new consent is started later: by
// the OAuth2 server, or by the TPP itself. Where the bank reaches the PSU without a
// page of its own, it has to be told first who that is.
func (h *Handler) explicit(k *call, wish consents.Wish) bool {
	if k.draft.ByToken {
		explain.Note(k.ctx(), "start: at the OAuth2 server, by scope %s", consentScope)
		return true
	}
	prefers := k.req.Header.Get(keyExplicitPreferred) == "true"
	unknown := wish.Approach != consent.Redirect && wish.Hint.PSU == ""
	explicit := h.Options.Start == StartExplicit || h.Options.Start == StartAuto && (prefers || unknown)
	explain.Note(k.ctx(), "start: explicit %t (mode %s, preferred by the TPP: %t, PSU unknown: %t)", explicit, h.Options.Start, prefers, unknown)
	return explicit
}

// wireApproaches is the value of ASPSP-SCA-Approach.
var wireApproaches = map[consent.Approach]wire.Approach{
	consent.Redirect:  wire.ApproachRedirect,
	consent.Decoupled: wire.ApproachDecoupled,
	consent.Embedded:  wire.ApproachEmbedded,
}
