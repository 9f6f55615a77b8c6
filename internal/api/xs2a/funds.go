package xs2a

import (
	"net/http"

	"github.com/google/uuid"

	"consentd/internal/service/funds"
	wire "consentd/pkg/xs2a"
)

// confirmFunds serves POST /v1/funds-confirmations.
func (h *Handler) confirmFunds(k *call) (*answer, error) {
	id, err := k.namedConsent()
	if err != nil {
		return nil, err
	}
	yes, err := h.Funds.Confirm(k.ctx(), k.by(), id, funds.Question{Account: k.question.account, Amount: k.question.amount})
	if err != nil {
		return nil, err
	}
	return reply(http.StatusOK, wire.FundsConfirmationResponse{FundsAvailable: yes}), nil
}

// namedConsent is the consent in the header Consent-ID, nil where there is none.
func (k *call) namedConsent() (*uuid.UUID, error) {
	values := k.req.Header[keyConsentID]
	if len(values) == 0 {
		return nil, nil
	}
	id, ok := parseID(values[0])
	if len(values) > 1 || !ok {
		return nil, funds.ErrUnknown()
	}
	return &id, nil
}
