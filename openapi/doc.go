// Package openapi holds our own OpenAPI 3.1 descriptions, one file for each
// surface, embedded into the binary.
//
//	xs2a.yaml        what a TPP can ask of consentd (Berlin Group, version 1.3.x)
//	accounts.yaml    what a TPP reads under a consent, as the sandbox's bank serves it
//	stet.yaml        consents and account data in the STET dialect, version 1.4.2
//	oauth.yaml       the authorization server: how a TPP gets its tokens
//	aspsp.yaml       what the bank's own systems and desks can ask of consentd
//	manager.yaml     the Consent Manager API: what the bank reads of consents, and does to them
//	bank.yaml        what consentd asks of the bank's own systems, as their client
//	sca-remote.yaml  what it asks of a flow that is written in another language
//
// The files are the one place where the wire is described. internal/docs serves
// and renders them; test/contract holds every exchange of the other tests
// against them. Field names and codes follow the standards; the words are ours.
package openapi
