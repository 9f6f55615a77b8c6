// Package office holds what the bank's staff do: they look consents up, pause, resume
// and end them, one by one or all of a TPP or an account. All that they see and do is
// written down: looks in a chain of each person and day, acts in the audit of each
// consent.
//
// Where the bank wants four eyes, Do only proposes, and another person decides:
//
//	Do → Proposal, open ─┬─ Decide(Confirmed), by another person → done; Finish, after a crash
//	                     ├─ Decide(Refused), by another person
//	                     └─ Decide(Withdrawn), by the same person
//
// Persons are told apart by Cause.Who, which begins with staff/ for a person: no program
// proposes or decides in a name of its own. Who has a role for what is the business of the
// callers: internal/web/office for people, internal/api/manager for programs.
package office
