// Command facts distils OpenAPI descriptions into a table of facts about
// consents and the confirmation of funds:
//
//	go run ./test/contract/facts -o test/contract/testdata/xs2a.facts FILE...
//
// A fact is a name and what a machine could check of it: an operation, a header
// and whether it is required, a member of a body with its type, its enumeration
// and its longest value, a status. No prose, no example and no pattern is taken.
//
// The table holds the facts of the Berlin Group's published descriptions, and is
// kept; the descriptions themselves are not part of this repository. Whoever has
// them makes the table anew with the command above. The test of this package
// distils openapi/xs2a.yaml in the same way and compares the two, both ways.
//
// A schema is taken for the union of what it allows: members of all alternatives
// count, and one is required only where every alternative requires it. A member
// that an alternative forbids is still a member.
package main
