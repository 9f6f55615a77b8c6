// Package bankauth tells who of the bank's own is calling, lets in whom a call is
// for, and has the others written down.
//
//	request ──► Authenticator ──► Caller ──► Gate (role) ──► the surface's handler
//	               │ 401                        │ 403
//	               └──────────► Ledger.Refused ◄┘
//
// A caller shows a bearer token (RFC 6750), or a certificate, for which the
// listener asks and which Verify holds against the bank's authorities. Who sends a token is
// judged by the token, whatever certificate the connection has: a wrong one is
// refused, so that a caller with several roles never gets another than it asked
// for. Tokens belong to service/tokens; how a refusal looks belongs to the
// surface: what is returned here is an error of the domain, and nothing but
// WWW-Authenticate is written to the answer.
//
// Every refusal is handed to the ledger, which keeps anybody who is refused over
// and over from filling the audit. What it leaves out is counted there, and like
// every call has its line in the log and its place in the metrics.
//
// A certificate is verified, its times included, at every request, since a
// connection may outlive it. Whether its issuer has revoked it nobody is asked: the bank
// takes it out of the configuration.
package bankauth
