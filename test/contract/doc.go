// Package contract holds what goes over the wire against our own OpenAPI
// descriptions in openapi/. It is a normal package, so that every other test
// can use it; nothing of it is in the released binary.
//
//	v := contract.Load(t, "xs2a")
//	client.Transport = &contract.Transport{Validators: []*contract.Validator{v}, T: t}
//
// From then on each exchange whose path belongs to a description is checked,
// and a difference fails the test: an undeclared status, a missing or malformed
// header, a wrong content type, a body that its schema doesn't allow, a body
// where none is described, another X-Request-ID than the one that was sent.
// Requests are checked as well, but only where the server accepted them: tests
// send wrong ones on purpose.
//
// Paths and methods under a description's prefix that it doesn't declare may
// only be answered by the errors that all its operations share. Paths of other
// prefixes (pages, health checks) are left alone.
//
// Its own tests hold the descriptions against the facts of the standard; the
// table of all of them is testdata/xs2a.facts, which package facts makes and
// compares.
package contract
