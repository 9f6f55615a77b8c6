package stet

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"consentd/internal/service"
	"consentd/internal/service/consents"
	wire "consentd/pkg/stet"
)

// putConsents replaces what the TPP has forwarded for the PSU (STET part II §4.4).
// There is nothing to tell of it: neither an id nor a body.
func (h *Handler) putConsents(k *call) (*answer, error) {
	if err := h.name(k.ctx(), k.principal.CustomerID, k.document.Asked); err != nil {
		return nil, err
	}
	p := k.principal
	by := consents.Giver{
		PSU: p.PSU, Customer: p.Customer, CustomerID: p.CustomerID, Connection: p.Grant,
		SCA: p.SCA, Until: p.Until, IssuedAt: p.IssuedAt,
	}
	if _, err := h.Forwarder.Forward(k.ctx(), k.by(), by, k.document); err != nil {
		return nil, err
	}
	return &answer{Status: http.StatusCreated}, nil
}

// name gives the accounts that are named by their resourceId the reference by which
// the bank knows them; one that is not the customer's stays as it is, and is refused
// with all others that the bank does not know.
func (h *Handler) name(ctx context.Context, customer string, asked []consents.Named) error {
	byID := func(n consents.Named) bool { return n.Reference.Other.SchemeName == wire.SchemeBank }
	if !slices.ContainsFunc(asked, byID) {
		return nil
	}
	owned, err := h.owned(ctx, customer)
	if err != nil {
		return err
	}
	for i := range asked {
		ref := &asked[i].Reference
		at := slices.IndexFunc(owned, func(x service.Account) bool {
			return x.ID == ref.Other.Identification && (ref.Currency == "" || ref.Currency == x.Reference.Currency)
		})
		if byID(asked[i]) && at >= 0 {
			*ref = owned[at].Reference
		}
	}
	return nil
}

// owned lists the accounts that a customer may share: those that are eligible.
func (h *Handler) owned(ctx context.Context, customer string) ([]service.Account, error) {
	owned, err := h.Accounts.List(ctx, customer)
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("accounts of a customer: %w", err))
	}
	return owned, nil
}
