// Package oauth is the authorization server (RFC 6749) and what a bearer of its
// tokens is judged by.
//
//	browser  GET /oauth2/authorize ──► the library validates; our policy makes a connection,
//	                                   or starts an authorisation of the consent AIS:<id> names
//	         303 ──► the pages of SCA, which lead back by themselves
//	         GET /oauth2/authorize/{callback} ──► how did it end, in this browser? code, or access_denied
//	TPP      POST /oauth2/token, /revoke, /introspect
//
// The grants themselves are the library's, github.com/luikyv/go-oidc: it validates
// requests, makes codes and opaque tokens, and binds them (RFC 7636, 7009, 7662,
// 8705, 9207). This package owns what the library asks for: who the client is, where
// the PSU agrees, and where all of that is kept, by adapters that live as long as one
// call (exchange). What a token opens is for package connections.
//
// A client is the TPP of a certificate, and known by its organizationIdentifier or
// by our id of it. There are no secrets: who calls is told before the library is
// asked (tpp.Identifier). Where a caller showed no certificate, as in a sandbox over
// plain http, the client is a public one, and its tokens are bound to nothing.
//
// Nothing that opens anything is stored: codes, tokens and the names by which
// browsers come back are SHA-256 digests, and the library's sessions are sealed.
//
// # Time
//
// The library reads the machine's clock, we do not. What it gives a time to is given
// one by the adapters, from Server.Now, when it is stored; what it reads is judged by
// them before, and handed to it as something that never expires. The times that it
// tells a TPP are put right in the same place.
//
// # Refresh tokens are not rotated
//
// A refresh token is good as long as its grant, which is looked up whenever it comes.
// Rotation is for clients that cannot prove who they are (RFC 9700 §4.14.2): ours
// come with their certificates, so that a token that was stolen opens nothing. And a
// TPP that lost the answer to a refresh, or refreshed twice at once, would lose its
// connection, and the PSU would have to log in again.
//
// # Who may connect
//
// Whoever the bank lists as acting for a customer (service.Signers.Customers) may
// connect a TPP for them, a signer or not: they see the accounts themselves, and what
// the TPP forwards stays within those that the bank lists for the customer. Those who
// can sign only together with others may not, since nobody would ask the others. A
// consent of scope AIS:<consentId> is for its signers, as ever.
//
// While the bank has suspended a connection, the TPP gets no tokens by connecting the
// same PSU for the same customer anew.
//
// # Which browser gets the code
//
// On our pages, the one in which the PSU agreed: its cookie is that of the run. Pages
// of the bank's own see no cookie of ours, and are told the way back with the result
// alone, so that only the browser that they send on can come by it.
//
// # What is written down
//
// An authorization request is brought by a browser, and anybody can make one do so: the
// audit names the system as the author of what it begins, not the TPP.
//
// A code is taken in the transaction that issues its tokens. Where the request for them
// is wrong the code is used up by that; where we are at fault it stays as it is. A TPP that
// has lost a good answer, and brings the code again, ends what was issued for it.
//
// # Divergences
//
//   - An unknown, ended or expired refresh token is 400 invalid_grant (RFC 6749 §5.2),
//     whatever the library says.
//   - A refresh with a renewed certificate of the same TPP is taken, and binds the new
//     access token to it. RFC 8705 §6.3 leaves that to the server; certificates live
//     shorter than connections.
//   - Of response modes there is query alone: form_post would run a script on a page of
//     the bank's.
//   - A code that its client brings again ends what was issued for it (RFC 6749 §4.1.2:
//     should).
//   - POST /oauth2/revoke ends the connection with its tokens; a consent of scope
//     AIS:<consentId> loses its tokens only.
package oauth
