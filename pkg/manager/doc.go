// Package manager holds the wire types of the Consent Manager API of the UAE's open
// finance (version 2.1.9), which banks and their consent pages read: consents with
// what has become of them, the log of payments, the audit.
//
// consentd serves it below BasePath on the bank's listener, with what
// openapi/manager.yaml describes besides: paging by cursor, a back office, a call to
// record payments. Names and codes are the standard's. It says little about what may
// be left out; where it does, the type is a pointer or has omitempty.
//
// A consent's request is the one member that must stay as it came, to the byte:
// encoding/json changes spaces and escapes when it writes, so Consent and Payment
// are written by AppendJSON.
package manager

// BasePath is where consentd serves the API.
const BasePath = "/consent-manager"
