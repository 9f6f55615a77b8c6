// Package aspsp is the interface for the bank's own systems and desks, below
// /aspsp/v1, as openapi/aspsp.yaml describes it. Whoever serves account data, or the
// gateway in front of it, asks whether a TPP may have it. The back office lists the
// register of TPPs, shuts one out, and lets it in again. The bank's own pages take
// over an authorisation that is handed to them, go on with it and end it; they show
// a PSU their consents and end one; and the bank's backend reports what a flow waits
// for.
//
// It owns the paths, the JSON and the problem answers (RFC 9457). Who calls is
// told by package bankauth; what a TPP may read is service/access's to say, what a
// block does is service/register's, where a walk on the bank's pages stands is
// service/sca's, and what a PSU may see is service/consents'. Whose an access token
// is, is package oauth's. How a TPP is answered whose read is denied is its dialect's
// (Dialect).
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
//   - A denial is the answer to a check of access, 200. What the TPP has sent and
//     the bank hands on (Consent-ID, PSU-IP-Address, X-Request-ID, its access token,
//     the ids in its path) is never the bank's fault: what is wrong with it is a
//     denial in the TPP's words, and 400 is left for what the bank itself has made
//     wrong. So requestId is a UUID like X-Request-ID, and may be left out.
//   - An access token that comes with a check counts for a consent that takes one,
//     as in the TPP's own request (Tokens), and is not looked at for any other.
//   - A check counts to its end even when the client hangs up. Of a batch, those
//     are left that were not begun.
//
// # For gateways
//
// A gateway asks at /aspsp/v1/forward-auth with the headers of the TPP's request;
// the dialect judges that request as if it had come to us. So the one question is
// what the gateway says and what the TPP says in its place:
//
//   - Gateway and TPP share all headers but Authorization, which is the gateway's.
//     It must set X-Original-URI and X-Original-Method (or X-Forwarded-Uri and
//     X-Forwarded-Method, or ask at the TPP's path behind forward-auth, with the
//     TPP's method), and the header of the certificate, on every request: what it
//     leaves to be sent by the TPP, the TPP decides. Without a method on the bare
//     path the answer is 400: auth_request asks with GET, whatever it was.
//   - Where several of them are there they must say the same, to the last byte.
//     One that the TPP slips in is either harmless or refused: 400, in the TPP's
//     form, since it is the TPP who gets to see it.
//   - A path counts as it came, undecoded. One that anybody could take for another
//     is no path of ours, 404: no dots, no empty segments, no full URLs, no
//     semicolons, nothing encoded that parts or ends a path when it is decoded. So it
//     is the same path for a gateway that cleans it and a resource server that
//     does not.
//   - The body of the TPP's request is not read, nor its length: a read has none,
//     and the digest that is signed says so.
//   - The query is the TPP's where the path is; on the bare path it is the
//     gateway's, who may say denials=403 there.
//   - All X-Consent headers are on every 200, so that a gateway that copies them
//     leaves none of the TPP's. X-Consent-Tpp and X-Consent-Customer are
//     percent-encoded as in a path, X-Consent-Accounts is JSON in ASCII.
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
