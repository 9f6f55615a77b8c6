// Package ledger keeps account of what callers did and were told, whatever the
// dialect: it answers a call that is repeated as it was answered the first time,
// writes down calls that were refused, and proves that nothing of the audit was
// changed.
//
// A call that changes something is recorded by whoever changes it: the receipt
// and the audit entries travel with the consent and are written in its
// transaction. Nothing is looked up before a call is carried out. A repeated one
// runs into its own receipt, and its change is undone by the database; so two
// that come at the same instant, at two replicas, are decided by the database
// too, and a call that comes once pays for no look-up.
package ledger
