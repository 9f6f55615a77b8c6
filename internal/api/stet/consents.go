package stet

import (
	"context"
	"fmt"
	"net/http"

	"consentd/internal/service"
	"consentd/internal/service/consents"
	wire "consentd/pkg/stet"
)

// putConsents replaces what the TPP has forwarded for the PSU (STET part II §4.4).
// There is nothing to tell of it: neither an id nor a body.
func (h *Handler) putConsents(k *call) (*answer, error) {
	byID(k.document.Asked)
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

// byID says of accounts that are named by their resourceId, which is the bank's id
// of them, that they are.
func byID(asked []consents.Named) {
	for i := range asked {
		if other := asked[i].Reference.Other; other.SchemeName == wire.SchemeBank {
			asked[i].ID = other.Identification
		}
	}
}

// owned lists the accounts that a customer may share: those that are eligible.
func (h *Handler) owned(ctx context.Context, customer string) ([]service.Account, error) {
	owned, err := h.Accounts.List(ctx, customer)
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("accounts of a customer: %w", err))
	}
	return owned, nil
}
