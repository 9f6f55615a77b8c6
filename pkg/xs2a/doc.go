// Package xs2a holds the bodies of the Berlin Group's XS2A interface
// (NextGenPSD2, version 1.3.x) for consents and account data, as Go types: what a
// TPP sends and what the bank answers. Server and client share it, so that
// neither can drift from the other. It holds no behaviour, and no rule beyond a
// member's name, type and presence.
//
// In [AccountAccess] an absent list and an empty one are different things: nil
// is absent, an empty slice that is not nil is sent as [] and asks for all
// accounts, of which the PSU chooses.
//
// Member names and codes follow the Berlin Group's published description
// (CC BY 4.0).
package xs2a
