// Package stet holds the bodies of the French STET PSD2 interface, version 1.4.2,
// for third parties that read accounts (AISP), as Go types: what they send and
// what the bank answers. Server and client share it, so that neither can drift
// from the other. It holds no rule beyond a member's name, type and presence.
//
// In [Access] a list that is absent and one that is empty mean the same: nothing
// is granted. That is the opposite of the Berlin Group's interface, where an empty
// list asks for all accounts.
//
// Amounts are strings here; from version 1.5 on they are numbers. Dates are
// YYYY-MM-DD, and times RFC 3339.
//
// Member names and codes follow STET's published description (CC BY 3.0 FR).
package stet
