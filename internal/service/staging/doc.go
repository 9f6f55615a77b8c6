// Package staging holds the use cases of a hub, which stages consents for TPPs that
// have asked it and not the bank, and of the bank, which says what became of them
// (Consent Manager API 2.1). Consents of all rails are listed, read, suspended, resumed
// and revoked here alike; only those that a hub has staged are attached to users and
// accounts, authorised, rejected and consumed.
//
// A consent is named by our id or by the TPP's own name for it. Consents of other kinds
// than account access and payments are unknown here, and so is, to a Viewer who is a
// PSU, what is not in their sight.
package staging
