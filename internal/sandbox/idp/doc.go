// Package idp is the OpenID provider of the sandbox bank's staff: it plays the part that
// a bank's own provider has in production, so that the back-office pages can be tried
// without one. It owns the three people who work there, the page on which one says who
// one is, and the keys by which it signs, which are made when it starts.
//
// Nobody has a password here: whoever can reach the sandbox may be anyone. Everything
// else is as OpenID Connect Core 1.0 has it: discovery, the code flow with PKCE (S256,
// required), codes that work once and for a minute, ID tokens signed with ES256.
//
// It answers under the address by which it is called, as all of the sandbox does; the
// program asks it without leaving the process, see Client.
package idp
