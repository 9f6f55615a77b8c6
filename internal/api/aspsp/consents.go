package aspsp

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
)

// Consents shows and ends consents; see service/consents for what the methods do
// and how they fail.
type Consents interface {
	List(ctx context.Context, f consents.Filter) ([]consents.Seen, error)
	Get(ctx context.Context, id uuid.UUID) (*consents.Seen, error)
	Revoke(ctx context.Context, cause consent.Cause, id uuid.UUID, psu string) (*consents.Seen, error)
}

const (
	pathConsents   = prefix + "/consents"
	pathConsent    = pathConsents + "/:" + paramConsent
	pathRevocation = pathConsent + "/revocation"

	paramConsent = "consentId"

	queryPSU     = "psu"
	queryStatus  = "status"
	queryTPP     = "tpp"
	queryAccount = "account"

	memberPSU = "psu"

	// maxBankID is the length, in characters, of the longest id of the bank's own.
	maxBankID = 300
)

// consentRoles may see and end the consents of PSUs.
func consentRoles() []service.Role { return []service.Role{service.SCA} }

// listConsents serves GET /aspsp/v1/consents.
func (h *Handler) listConsents(k *call) (any, error) {
	filter, faults := k.consentFilter()
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	limit := filter.Limit
	filter.Limit++ // one more tells whether there are more
	found, err := h.Consents.List(k.ctx(), filter)
	if err != nil {
		return nil, err
	}
	page := consentList{Consents: []consentView{}}
	if len(found) > limit {
		found = found[:limit]
		page.Next = found[limit-1].ID.String()
	}
	for i := range found {
		page.Consents = append(page.Consents, viewOf(&found[i]))
	}
	return page, nil
}

// consentFilter reads the query.
func (k *call) consentFilter() (f consents.Filter, faults consent.Faults) {
	for _, x := range []struct {
		name  string
		limit int
		into  *string
	}{{queryPSU, maxBankID, &f.PSU}, {queryAccount, maxBankID, &f.Account}, {queryTPP, maxID, &f.TPP}} {
		if k.query.Has(x.name) {
			*x.into = k.query.Get(x.name)
			faults = append(faults, checkText(queryPath(x.name), *x.into, x.limit)...)
		}
	}
	if !k.query.Has(queryPSU) && !k.query.Has(queryAccount) {
		faults = append(faults, fault(queryPath(queryPSU), "is required where no account is named"))
	}
	if k.query.Has(queryStatus) {
		f.Status = consent.Status(k.query.Get(queryStatus))
		if _, known := consent.Transitions()[f.Status]; !known {
			faults = append(faults, fault(queryPath(queryStatus), "must be a status of a consent"))
		}
	}
	if k.query.Has(queryAfter) {
		var err error
		if f.After, err = uuid.Parse(k.query.Get(queryAfter)); err != nil || f.After == uuid.Nil {
			faults = append(faults, fault(queryPath(queryAfter), "must be the id of a consent"))
		}
	}
	limit, wrong := k.limit()
	f.Limit = limit
	return f, slices.Concat(faults, wrong)
}

// getConsent serves GET /aspsp/v1/consents/{consentId}.
func (h *Handler) getConsent(k *call) (any, error) {
	if err := k.wrong(nil); err != nil {
		return nil, err
	}
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	s, err := h.Consents.Get(k.ctx(), id)
	if err != nil {
		return nil, err
	}
	return wholeOf(s), nil
}

// revokeConsent serves PUT /aspsp/v1/consents/{consentId}/revocation.
func (h *Handler) revokeConsent(k *call) (any, error) {
	psu, faults := readPSU(k.body)
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	s, err := h.Consents.Revoke(k.ctx(), k.cause(), id, psu)
	if err != nil {
		return nil, err
	}
	return wholeOf(s), nil
}

// readPSU reads who ends a consent.
func readPSU(body []byte) (string, consent.Faults) {
	members, faults := object(body, memberPSU)
	if members == nil {
		return "", faults
	}
	raw, ok := members[memberPSU]
	if !ok {
		return "", append(faults, fault(memberPSU, "is required"))
	}
	psu, wrong := text(memberPSU, raw, maxBankID)
	return psu, append(faults, wrong...)
}

// consentID is the id in the path. Ids are UUIDs in 36 characters.
func (k *call) consentID() (uuid.UUID, error) {
	text := k.id
	id, err := uuid.Parse(text)
	if err != nil || len(text) != len(id.String()) {
		return uuid.Nil, consent.E(consent.CodeNotFound, "no such consent")
	}
	return id, nil
}
