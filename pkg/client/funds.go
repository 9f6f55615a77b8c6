package client

import (
	"context"
	"net/http"

	"consentd/pkg/xs2a"
)

// CreateFundsConsent asks for a consent to the confirmation of funds. Its links
// are those of [Client.CreateConsent].
func (c *Client) CreateFundsConsent(ctx context.Context, body xs2a.FundsConsentRequest, o CreateOptions) (*xs2a.ConsentsResponse, *Meta, error) {
	return call[xs2a.ConsentsResponse](ctx, c, create(pathFundsConsents, body, o))
}

// FundsConsent reads a consent to the confirmation of funds.
func (c *Client) FundsConsent(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.FundsConsentInformation, *Meta, error) {
	return call[xs2a.FundsConsentInformation](ctx, c, read(http.MethodGet, below(pathFundsConsents, consentID), o))
}

// FundsConsentStatus reads the status of a consent to the confirmation of funds.
func (c *Client) FundsConsentStatus(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.ConsentStatusResponse, *Meta, error) {
	return call[xs2a.ConsentStatusResponse](ctx, c, read(http.MethodGet, below(pathFundsConsents, consentID, "status"), o))
}

// DeleteFundsConsent ends a consent to the confirmation of funds, as
// [Client.DeleteConsent] does.
func (c *Client) DeleteFundsConsent(ctx context.Context, consentID string, o ...CallOptions) (*Meta, error) {
	return c.do(ctx, end(below(pathFundsConsents, consentID), o), nil)
}

// StartFundsAuthorisation starts an authorisation of a consent to the
// confirmation of funds, as [Client.StartAuthorisation] does.
func (c *Client) StartFundsAuthorisation(ctx context.Context, consentID string, o StartOptions) (*xs2a.StartAuthorisationResponse, *Meta, error) {
	return call[xs2a.StartAuthorisationResponse](ctx, c, start(below(pathFundsConsents, consentID, authorisations), o))
}

// FundsAuthorisations lists the ids of the authorisations of a consent to the
// confirmation of funds, the oldest first.
func (c *Client) FundsAuthorisations(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.Authorisations, *Meta, error) {
	return call[xs2a.Authorisations](ctx, c, read(http.MethodGet, below(pathFundsConsents, consentID, authorisations), o))
}

// FundsAuthorisationStatus reads how far such an authorisation is.
func (c *Client) FundsAuthorisationStatus(ctx context.Context, consentID, authorisationID string, o ...CallOptions) (*xs2a.ScaStatusResponse, *Meta, error) {
	return call[xs2a.ScaStatusResponse](ctx, c, read(http.MethodGet, below(pathFundsConsents, consentID, authorisations, authorisationID), o))
}

// UpdateFundsAuthorisation carries such an authorisation on, as
// [Client.UpdateAuthorisation] does.
func (c *Client) UpdateFundsAuthorisation(ctx context.Context, consentID, authorisationID string, body xs2a.UpdateRequest, o UpdateOptions) (*xs2a.UpdateResponse, *Meta, error) {
	return call[xs2a.UpdateResponse](ctx, c, update(below(pathFundsConsents, consentID, authorisations, authorisationID), body, o))
}

// ConfirmFunds asks whether an account covers an amount. Nothing is reserved.
func (c *Client) ConfirmFunds(ctx context.Context, body xs2a.FundsConfirmationRequest, o ConfirmOptions) (*xs2a.FundsConfirmationResponse, *Meta, error) {
	h := headers{}
	h.set("Consent-ID", o.ConsentID)
	h.call(CallOptions{RequestID: o.RequestID, Header: o.Header})
	return call[xs2a.FundsConfirmationResponse](ctx, c, request{
		method: http.MethodPost, path: "/v1/funds-confirmations", header: http.Header(h), body: body, want: http.StatusOK,
	})
}
