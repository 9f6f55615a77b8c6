// Package eidas reads and judges the certificates by which third parties (TPPs)
// show who they are under PSD2 (ETSI TS 119 495): QWAC, for TLS, and QSEAL, for
// signatures.
//
// It owns what such a certificate says ([Parse]): organisation, competent
// authority, roles, kind, domains; and whether it is to be believed ([Verifier]):
// the chain to an anchor, the time, revocation and blocked issuers. Which role a
// call needs, and whom a bank blocks, is for its callers. Package issue issues
// such certificates for sandboxes and tests.
//
// # Encodings
//
// Roles are read by their object identifiers, never by their texts. Certificates
// in the field encode the PSD2 statement in several ways, and all of these are
// read, in any combination:
//
//   - as the standard says: each role is a SEQUENCE of its OID and its name;
//   - flat: rolesOfPSP holds OIDs and names by turns, itself or in one SEQUENCE
//     within it;
//   - unwrapped: rolesOfPSP, nCAName and nCAId stand directly behind the OID of
//     the statement, without the SEQUENCE around them;
//   - bare: the extension qcStatements is one statement instead of a SEQUENCE OF
//     statements.
//
// The texts may be of any of the usual string types. What cannot be read to its
// last byte is [Malformed]; so are a second PSD2 statement, a statement without
// roles, and a role that the standard does not know: a part that was left out
// might be the part that matters.
//
// # Identity
//
// A TPP is its competent authority and its organisation identifier together
// ([Certificate.ID]): an identifier is unique only within the authority that gave
// it out. Where the organisation identifier has the form PSDcc-NCA-id, its cc-NCA
// must be the authority of the statement. A certificate of which subject and
// statement contradict one another is [Malformed], since it would give one
// organisation two identities.
package eidas
