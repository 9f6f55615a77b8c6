package manager

import (
	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/office"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
)

// revoke serves POST /consents/{id}/action/revoke.
func (h *Handler) revoke(k *call) (said, error) {
	by, psu, o, err := k.revocation()
	if err != nil {
		return said{}, err
	}
	if !k.staff() {
		return said{}, h.Staging.Revoke(k.ctx(), k.cause(), k.viewer, k.ids[0], by, psu, "")
	}
	r, err := h.one(k, k.ids[0])
	if err != nil {
		return said{}, err
	}
	if r.Status == consent.Revoked {
		return said{}, nil // the same again
	}
	if r.Status.Final() {
		return said{}, consent.E(consent.CodeStatusInvalid, "a consent that is %s cannot become %s", r.Status, consent.Revoked)
	}
	return h.act(k, office.Act{Verb: office.Revoke, Consents: []uuid.UUID{r.ID}}, o, said{})
}

// revokeGroup serves POST /consent-groups/{id}/consents/action/revoke.
func (h *Handler) revokeGroup(k *call) (said, error) {
	by, psu, o, err := k.revocation()
	if err != nil {
		return said{}, err
	}
	if !k.staff() {
		_, err := h.Staging.RevokeGroup(k.ctx(), k.cause(), k.viewer, k.ids[0], by, psu, "")
		return said{}, err
	}
	if err := h.look(k); err != nil {
		return said{}, err
	}
	ids, err := h.members(k, k.ids[0])
	if err != nil || len(ids) == 0 {
		return said{}, err
	}
	return h.act(k, office.Act{Verb: office.Revoke, Consents: ids}, o, said{})
}

// revocation reads who revokes. A dashboard always brings the wish of its user, and
// the back office that of the bank.
func (k *call) revocation() (by staging.RevokedBy, psu string, o map[string]any, err error) {
	if o, err = k.object(); err != nil {
		return "", "", nil, err
	}
	rules := map[string]rule{"revokedBy": oneOf(revokers), "revokedByPsu": psuRule}
	required := "revokedBy"
	switch {
	case k.staff():
		required = ""
		rules["revokedBy"] = oneOf(string(wire.ByLFI))
		rules[keyReason], rules[keyNote] = reasonRule, text(maxNote)
	case k.user != "":
		required = ""
	}
	if err := k.wrong(judge("", o, required, rules)); err != nil {
		return "", "", nil, err
	}
	psu = textIn(objectIn(o, "revokedByPsu"), "userId")
	if k.user != "" {
		if psu != "" && psu != k.user {
			return "", "", nil, otherUserError{}
		}
		return staging.RevokedByUserAtLFI, k.user, o, nil
	}
	return staging.RevokedBy(textIn(o, "revokedBy")), psu, o, nil
}
