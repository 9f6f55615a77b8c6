package client

import (
	"context"
	"net/http"
	"net/url"

	"consentd/pkg/xs2a"
)

// CallOptions are what a call that reads or ends may say. The zero value says
// nothing.
type CallOptions struct {
	// RequestID is sent as X-Request-ID; empty for a fresh one. Sending the same
	// one again asks the bank for the answer that it gave before.
	RequestID string
	// PSUIPAddress is the customer's, when they are there and asked for this call.
	PSUIPAddress string
	// Header is sent as well, and wins over everything else.
	Header http.Header
}

// CreateOptions are the headers of [Client.CreateConsent].
type CreateOptions struct {
	RequestID string // empty for a fresh one
	// PSUIPAddress is the customer's, version 4 or 6; the TPP's own where that is
	// not known. Required.
	PSUIPAddress string
	// RedirectURI is where the customer's browser returns. Banks of the redirect
	// approach require it.
	RedirectURI string
	// NokRedirectURI is where it returns when the customer refuses or fails;
	// empty for RedirectURI.
	NokRedirectURI string
	// ExplicitAuthorisation asks the bank to start no authorisation yet:
	// [Client.StartAuthorisation] will.
	ExplicitAuthorisation bool

	PSUID          string // the customer's login name at the bank
	PSUCorporateID string // the company for which they act
	PSULanguage    string // PSU-Accept-Language
	// RedirectPreferred and DecoupledPreferred are wishes for an approach, or
	// against it; nil says nothing. Banks may choose otherwise.
	RedirectPreferred  *bool
	DecoupledPreferred *bool

	Header http.Header // sent as well; wins over everything else
}

// StartOptions are the headers of [Client.StartAuthorisation], as those of
// CreateOptions. All may be empty.
type StartOptions struct {
	RequestID          string
	PSUIPAddress       string
	PSUID              string
	PSUCorporateID     string
	PSULanguage        string
	RedirectPreferred  *bool
	DecoupledPreferred *bool
	Header             http.Header
}

// CreateConsent asks for a consent. Send the customer's browser to the link
// scaRedirect of the answer, or start an authorisation by the link
// startAuthorisation, whichever is there.
func (c *Client) CreateConsent(ctx context.Context, body xs2a.ConsentsRequest, o CreateOptions) (*xs2a.ConsentsResponse, *Meta, error) {
	h := headers{}
	h.set("TPP-Redirect-URI", o.RedirectURI)
	h.set("TPP-Nok-Redirect-URI", o.NokRedirectURI)
	if o.ExplicitAuthorisation {
		h.set("TPP-Explicit-Authorisation-Preferred", "true")
	}
	h.start(StartOptions{
		RequestID: o.RequestID, PSUIPAddress: o.PSUIPAddress,
		PSUID: o.PSUID, PSUCorporateID: o.PSUCorporateID, PSULanguage: o.PSULanguage,
		RedirectPreferred: o.RedirectPreferred, DecoupledPreferred: o.DecoupledPreferred,
		Header: o.Header,
	})
	return call[xs2a.ConsentsResponse](ctx, c, request{
		method: http.MethodPost, path: "/v1/consents", header: http.Header(h), body: body, want: http.StatusCreated,
	})
}

// Consent reads a consent as it is in force.
func (c *Client) Consent(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.ConsentInformation, *Meta, error) {
	return call[xs2a.ConsentInformation](ctx, c, read(http.MethodGet, consentPath(consentID), o))
}

// ConsentStatus reads the status of a consent.
func (c *Client) ConsentStatus(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.ConsentStatusResponse, *Meta, error) {
	return call[xs2a.ConsentStatusResponse](ctx, c, read(http.MethodGet, consentPath(consentID)+"/status", o))
}

// DeleteConsent ends a consent. One that has ended already stays as it is, and
// that is no error.
func (c *Client) DeleteConsent(ctx context.Context, consentID string, o ...CallOptions) (*Meta, error) {
	in := read(http.MethodDelete, consentPath(consentID), o)
	in.want = http.StatusNoContent
	return c.do(ctx, in, nil)
}

// StartAuthorisation starts an authorisation of a consent: after an explicit
// start, for a second signer, or anew after one that failed.
func (c *Client) StartAuthorisation(ctx context.Context, consentID string, o StartOptions) (*xs2a.StartAuthorisationResponse, *Meta, error) {
	h := headers{}
	h.start(o)
	return call[xs2a.StartAuthorisationResponse](ctx, c, request{
		method: http.MethodPost, path: consentPath(consentID) + "/authorisations",
		header: http.Header(h), body: struct{}{}, want: http.StatusCreated,
	})
}

// Authorisations lists the ids of a consent's authorisations, the oldest first.
func (c *Client) Authorisations(ctx context.Context, consentID string, o ...CallOptions) (*xs2a.Authorisations, *Meta, error) {
	return call[xs2a.Authorisations](ctx, c, read(http.MethodGet, consentPath(consentID)+"/authorisations", o))
}

// AuthorisationStatus reads how far an authorisation is.
func (c *Client) AuthorisationStatus(ctx context.Context, consentID, authorisationID string, o ...CallOptions) (*xs2a.ScaStatusResponse, *Meta, error) {
	path := consentPath(consentID) + "/authorisations/" + url.PathEscape(authorisationID)
	return call[xs2a.ScaStatusResponse](ctx, c, read(http.MethodGet, path, o))
}

// call is do with a typed answer; nil where there is none.
func call[T any](ctx context.Context, c *Client, in request) (*T, *Meta, error) {
	out := new(T)
	meta, err := c.do(ctx, in, out)
	if err != nil {
		return nil, meta, err
	}
	return out, meta, nil
}

func read(method, path string, options []CallOptions) request {
	h := headers{}
	for _, o := range options {
		h.call(o)
	}
	return request{method: method, path: path, header: http.Header(h), want: http.StatusOK}
}

func consentPath(id string) string { return "/v1/consents/" + url.PathEscape(id) }
