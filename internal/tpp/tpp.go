// Package tpp tells who is calling and whether what they sent is what they
// signed: the edge's answer to "which TPP is this?", handed to every dialect.
package tpp

import "net/http"

// TPP is a caller, as it is known to consents and to people.
type TPP struct {
	ID   string
	Name string
}

// Identifier tells which TPP sent a request. Fails with
// consent.CodeCertificateMissing or CodeCertificateInvalid.
type Identifier interface {
	Identify(r *http.Request) (TPP, error)
}

// Unverified takes every caller for the same TPP. It is for servers that only
// their own machine can reach.
type Unverified struct{ As TPP }

// Identify implements Identifier.
func (u Unverified) Identify(*http.Request) (TPP, error) { return u.As, nil }
