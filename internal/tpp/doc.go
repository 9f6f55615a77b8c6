// Package tpp tells who is calling and whether what they sent is what they
// signed: the edge's answer to "which TPP is this?", handed to every dialect.
//
// A TPP is who its website certificate (QWAC) says: the authority that licenses
// it and its identifier there, read by package eidas. The certificate comes with
// the connection, or in a header of a reverse proxy that the configuration
// names; the same header from anybody else is taken out before anyone reads it.
// A certificate that is good enters its TPP into the register, which may have
// shut it out. What was signed is judged by package httpsig, with the seal
// certificate (QSEAL) that the request carries, or with one that the bank has
// registered and the signature names: it must be the caller's own.
//
// The package owns the one table from what is wrong with a certificate or a
// signature to domain errors. It does not know which service needs which role,
// nor in which order a dialect asks: see [Signatures] and [TPP.May].
package tpp
