package client

import "net/http"

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

// CreateOptions are the headers of [Client.CreateConsent] and of
// [Client.CreateFundsConsent].
type CreateOptions struct {
	RequestID string // empty for a fresh one
	// PSUIPAddress is the customer's, version 4 or 6; the TPP's own where that is
	// not known. Required, but for a consent to the confirmation of funds.
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
	// against it; nil says nothing. Banks may choose otherwise. A consent to the
	// confirmation of funds knows the first only.
	RedirectPreferred  *bool
	DecoupledPreferred *bool

	Header http.Header // sent as well; wins over everything else
}

// StartOptions are what [Client.StartAuthorisation] and
// [Client.StartFundsAuthorisation] say: headers as those of CreateOptions, and a
// password. All may be empty.
type StartOptions struct {
	RequestID          string
	PSUIPAddress       string
	PSUID              string
	PSUCorporateID     string
	PSULanguage        string
	RedirectPreferred  *bool
	DecoupledPreferred *bool
	// Password goes with the start where the link is
	// startAuthorisationWithPsuAuthentication (embedded approach).
	Password string
	Header   http.Header
}

// UpdateOptions are the headers of [Client.UpdateAuthorisation] and of
// [Client.UpdateFundsAuthorisation], as those of CreateOptions. All may be empty,
// but for PSUID with [Identification].
type UpdateOptions struct {
	RequestID      string
	PSUIPAddress   string
	PSUID          string
	PSUCorporateID string
	PSULanguage    string
	Header         http.Header
}

// ConfirmOptions are the headers of [Client.ConfirmFunds].
type ConfirmOptions struct {
	RequestID string
	// ConsentID is the customer's consent to such questions. Banks may find it by
	// the account where it is empty.
	ConsentID string
	Header    http.Header
}
