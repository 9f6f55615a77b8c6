// Package staff logs the bank's staff in, by the bank's own OpenID provider: the code
// flow with PKCE, state and nonce. It owns the trip to the provider, what a group of
// the provider's means here, and the session that the browser carries.
//
//	Begin   → an address at the provider; a sealed cookie remembers the trip
//	Finish  → a Session, from what the browser brought back and that cookie
//	Who     → the Session of a request; idle 15 minutes, 8 hours at most
//
// Who somebody is and what they may do says the ID token, which is believed only if one
// of the provider's present keys has signed it, for this client and this very trip. A
// person without a group that has a role here is nobody: ErrNoRole.
//
// The session is a sealed cookie; nothing of it is stored. So a change of groups counts
// from the next log-in on, and logging out takes the cookie from the browser: a copy
// that somebody has made of it ends with the idle time.
//
// The provider is looked up when it is first needed and again after an hour. No
// redirect of its endpoints is followed, no answer above 1 MiB is read, and no error
// carries a code, a token or what the provider wrote about them.
//
// Standards: OpenID Connect Core 1.0 §3.1 and Discovery 1.0, RFC 7636 (PKCE), RFC 9207
// (iss in the authorization response).
package staff
