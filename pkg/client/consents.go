package client

import (
	"context"
	"net/http"
	"net/url"

	"consentd/pkg/xs2a"
)

// CreateConsent asks for a consent. Which of the answer's links is there says
// what comes next: send the customer's browser to scaRedirect, or to the OAuth2
// server that scaOAuth describes, start an authorisation where it is a start link,
// carry on the one that the bank started where it is an update link, and wait where
// there is none of these.
func (c *Client) CreateConsent(ctx context.Context, body xs2a.ConsentsRequest, o CreateOptions) (*xs2a.ConsentsResponse, *Meta, error) {
	return call[xs2a.ConsentsResponse](ctx, c, create(pathConsents, body, o))
}

// Consent reads a consent as it is in force.
func (c *Client) Consent(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.ConsentInformation, *Meta, error) {
	return call[xs2a.ConsentInformation](ctx, c, read(http.MethodGet, below(pathConsents, consentID), o))
}

// ConsentStatus reads the status of a consent.
func (c *Client) ConsentStatus(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.ConsentStatusResponse, *Meta, error) {
	return call[xs2a.ConsentStatusResponse](ctx, c, read(http.MethodGet, below(pathConsents, consentID, "status"), o))
}

// DeleteConsent ends a consent. One that has ended already stays as it is, and
// that is no error.
func (c *Client) DeleteConsent(ctx context.Context, consentID string, o ...CallOptions) (*Meta, error) {
	return c.do(ctx, end(below(pathConsents, consentID), o), nil)
}

// StartAuthorisation starts an authorisation of a consent: after an explicit
// start, for a second signer, or anew after one that failed.
func (c *Client) StartAuthorisation(ctx context.Context, consentID string, o StartOptions) (*xs2a.StartAuthorisationResponse, *Meta, error) {
	return call[xs2a.StartAuthorisationResponse](ctx, c, start(below(pathConsents, consentID, authorisations), o))
}

// Authorisations lists the ids of a consent's authorisations, the oldest first.
func (c *Client) Authorisations(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.Authorisations, *Meta, error) {
	return call[xs2a.Authorisations](ctx, c, read(http.MethodGet, below(pathConsents, consentID, authorisations), o))
}

// AuthorisationStatus reads how far an authorisation is.
func (c *Client) AuthorisationStatus(ctx context.Context, consentID, authorisationID string, o ...CallOptions) (*xs2a.ScaStatusResponse, *Meta, error) {
	return call[xs2a.ScaStatusResponse](ctx, c, read(http.MethodGet, below(pathConsents, consentID, authorisations, authorisationID), o))
}

// UpdateAuthorisation carries an authorisation on, with one of [Identification],
// [Password], [Method], [Answer] and [Confirmation]. The answer's links say which
// of them comes next.
func (c *Client) UpdateAuthorisation(ctx context.Context, consentID, authorisationID string, body xs2a.UpdateRequest, o UpdateOptions) (*xs2a.UpdateResponse, *Meta, error) {
	return call[xs2a.UpdateResponse](ctx, c, update(below(pathConsents, consentID, authorisations, authorisationID), body, o))
}

// The roots of the resources.
const (
	pathConsents      = "/v1/consents"
	pathFundsConsents = "/v2/consents/confirmation-of-funds"
	authorisations    = "authorisations"
)

// below is a path under a root; ids are escaped.
func below(root string, segments ...string) string {
	for _, s := range segments {
		root += "/" + url.PathEscape(s)
	}
	return root
}
