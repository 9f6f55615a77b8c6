// Package remote is the built-in flow for banks whose own flow is not written in
// Go: each call goes to a server of the bank's, which answers with the step.
//
//	Start, Continue ──► JSON ──► POST url ──► JSON ──► Step
//
// openapi/sca-remote.yaml describes the exchange, test/remote/server.mjs is a
// server in forty lines. What the server says is taken as the bank's word, so it
// is believed only when it is certain who says it: both sides sign with a secret
// that they share (HMAC), or show each other a certificate (mutual TLS), or both.
// An answer belongs to one call: its signature covers the signature of the call.
//
// The package owns the wire, the time-out, the one repetition that is safe, and
// the circuit breaker. It owns no rule of authentication: those are the server's,
// and package sca says which. It never logs, and no error of its carries what a
// PSU typed or what a server wrote.
package remote
