// Package bankauth tells who of the bank's own is calling, lets in whom a call is
// for, and has the others written down.
//
//	request ──► Authenticator ──► Caller ──► Gate (role) ──► the surface's handler
//	               │ 401                        │ 403
//	               └──────────► Ledger.Refused ◄┘
//
// A caller shows a bearer token (RFC 6750), or a certificate that the listener
// has verified while it shook hands (RFC 8446 §4.4.2). Who sends a token is
// judged by the token, whatever certificate the connection has: a wrong one is
// refused, so that a caller with several roles never gets another than it asked
// for. Tokens belong to service/tokens; how a refusal looks belongs to the
// surface: what is returned here is an error of the domain, and nothing but
// WWW-Authenticate is written to the answer.
//
// Every refusal of a caller that is known is in the audit. Anybody who reaches
// the listener can be refused as unknown, as often as they like, so of those the
// audit takes strangerBurst at once and one a second after that, in each process.
// What is left out is counted in the log, and like every call in its line of the
// log and in the metrics.
package bankauth
