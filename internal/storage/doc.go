// Package storage keeps consents, authorisations and flow runs in PostgreSQL or
// SQLite, behind the ports that the use cases declare.
//
// It owns rows, SQL and transactions, and nothing else: every rule about when a
// consent may change is in package consent, and runs here inside the
// transaction, as the function that Update, Change or Finish is handed. Rows
// are private; no gorm type and no driver error leaves. Hot statements are
// written by hand on the same pool.
//
// # Concurrency
//
// PostgreSQL runs at READ COMMITTED with row locks, SQLite with one connection
// and immediate transactions. Whoever changes an aggregate locks its consent
// row first. Finish, which may end other consents, first shares the lock of the
// TPP's row, so that no block comes between, then writes the row of
// current_consents for this rail, TPP and customer, and then locks consents in
// the order of their ids: there is one order, hence no deadlock. Forward keeps the
// same order, with the row of forwarded_consents for this TPP, PSU and customer. So
// does whoever changes a consent of the rail stet, whose ending may end others
// (kin.go): the rows of forwarded_consents of its TPP and PSU in the order of the
// customers, then all those consents by their ids, then tokens. Whoever stages a
// consent, amends one or makes a payment shares the lock of the TPP's row first; who
// amends one then locks the row of its line (consent_groups), and the consents after
// that. Whoever follows a payment locks its consent alone. Whoever changes a TPP
// or a token locks its chain of the audit first, then its row; whoever ends a consent
// because its TPP is blocked shares the lock of the TPP's row, so that the block stays
// as it is, and then locks the consent. Accesses are counted by statements of their
// own, which lock no consent and meet their rows in the order of the keys; what is
// spent of a one-off consent is counted under its lock. Every other write is
// conditional on the version that was read, so a mistake in all this would fail loudly
// rather than lose an update.
package storage
