// Package aspsp is the interface for the bank's own systems and desks, below
// /aspsp/v1, as openapi/aspsp.yaml describes it. The back office lists the register
// of TPPs, shuts one out, and lets it in again. The bank's own pages take over an
// authorisation that is handed to them, go on with it and end it; they show a PSU
// their consents and end one; and the bank's backend reports what a flow waits for.
//
// It owns the paths, the JSON and the problem answers (RFC 9457). Who calls is
// told by package bankauth; what a block does is service/register's, where a walk
// on the bank's pages stands is service/sca's, and what a PSU may see is
// service/consents'.
//
// A request is judged in this order: caller 401, then, for whoever is known,
// path 404 and method 405, role 403, Content-Type 415, size 413, headers, query
// and body together 400, and what was asked for 404. Nothing but 401 is told to
// a stranger, not even which paths there are.
//
// # Choices
//
//   - Accept is not judged: all that there is, is JSON.
//   - X-Request-ID may be left out. Calls that are repeated are not known again by
//     it: each has the same effect when it comes twice.
//   - Members and query parameters that are not described are refused, so that a
//     misspelt filter does not list everything, and a misspelt "until" does not
//     shut a TPP out for ever.
//   - JSON's null is no way to leave a member out.
//   - PUT and DELETE are carried to their end even when the client hangs up.
//   - What ends a walk on the bank's pages answers where the browser goes, errors
//     too (redirectUri), so that a page has one rule: go there once it is said.
//
// # For those who come from the CMS-PSU interface
//
// A bank whose pages talk to the account-information part of the CMS-PSU API of
// another server (psu-api/v1/ais/consent) finds each call again:
//
//	P1   consent and authorisation of a redirect id    POST /authorisations/lookups
//	P2   a consent, for display                        GET  /consents/{consentId}
//	P3   an authorisation                              GET  /authorisations/{authorisationId}
//	P4   the PSU of an authorisation                   PUT  /authorisations/{authorisationId}/psu
//	P5   its scaStatus, and the method                 PUT  /authorisations/{authorisationId}/status
//	P6   confirm the consent                           PUT  /authorisations/{authorisationId}/result authorised
//	P7   reject the consent                            PUT  /authorisations/{authorisationId}/result refused
//	P8   revoke the consent                            PUT  /consents/{consentId}/revocation
//	P9   authorise it partially                        PUT  /authorisations/{authorisationId}/result authorised
//	P10  the accounts that the PSU picked, narrower    PUT  /authorisations/{authorisationId}/accounts
//	     validUntil, frequency and recurring
//	P11  the consents of a PSU                         GET  /consents?psu=
//	P12  the PSUs of a consent and how far they are    GET  /consents/{consentId}
//
// What differs: the handle of P1 is a secret of the browser's and not the id of the
// authorisation, which the TPP knows, so nothing can be said of an authorisation
// before its handle has been looked up. P5 does not finish or fail one; P6, P7 and a
// failure are one call, which says where the browser goes. Whether a consent is valid
// or waits for more signers (P9) is not the page's to say: the bank names the signers.
// P10 takes nothing that is wider than what the TPP asked for.
package aspsp
