// Package oidc is the flow of a bank whose identity provider authenticates its
// customers: OpenID Connect, the code flow with PKCE. The provider does the
// strong authentication in one trip; consentd's review follows, and approving
// ends the run.
//
//	Start              → Redirect    to the provider's authorization endpoint
//	Returned (code)    → Done        Redirect again where the provider no longer knows the code
//	Returned (error)   → Denied      for access_denied; Redirect again where the PSU may try once more
//	Cancel             → Denied
//
// Whom the provider authenticated, how and when, says its ID token, which is
// believed only if it is signed by one of the provider's present keys, was made
// for this client and this run (nonce), is not expired, names one of the acr
// values that were asked for, and tells of a log-in not older than maxAge. An
// answer that fails any of this is an error, not a refusal: the provider is
// broken or somebody meddles, and the run stays where it was.
//
// The nonce and the PKCE verifier are derived from a key and the StepKey of the
// call that sent the browser away, so a call that is repeated sends it to the
// same address. A code can be exchanged once only; therefore the flow notes, in
// its store, whom the last exchanges named, and a call that is repeated after a
// crash finds the answer there. If the crash came before the note, the PSU is
// asked to log in again.
//
// The provider is looked up when it is first needed and again after an hour, so
// the program starts without it. No redirect of the provider's is followed, no
// answer above 1 MiB is read, and no error carries a code, a token or what the
// provider wrote about them.
//
// Standards: OpenID Connect Core 1.0 §3.1 and Discovery 1.0, RFC 7636 (PKCE),
// RFC 9207 (iss in the authorization response).
package oidc
