// Package ledger keeps account of what callers did and were told, whatever the
// dialect: it answers a call that is repeated as it was answered the first time,
// writes down calls that were refused, and proves that nothing of the audit was
// changed. Of what one caller is refused over and over it writes down so much that
// nobody can fill the audit, and counts the rest.
//
// # What the entries of TPPs and tokens say
//
// The chain of a TPP (tpp/<id>) or of a token (token/<id>) tells of one row, and
// Verify holds the row against it: a row that was edited, removed or put in by
// anything but this program is a fault, and stays one when the program changes
// the row after that. In such a chain
//
//   - From and To are the state of the row before and after, in words:
//     of a TPP "known", "blocked for ever" or "blocked until <time>", the last two
//     followed by ", consents end" where the block ends them, and empty for one
//     that nothing is known of but that it was on the stop list;
//     of a token "<role> for ever", "<role> until <time>" or "revoked";
//     times are RFC 3339, in UTC, to the microsecond.
//   - Reason is, of an entry by the bank that ends in a block, the bank's words
//     for it, and else "entered", "certificate" or "unblocked".
//   - Operation is a print of the row before the change, none where there was no
//     row, the sign ">", and a print of the row after it. A print is a MAC over
//     all columns.
//
// Nothing is read out of the words: they are compared with those that the row
// gives, and the prints with its own.
//
// # Calls that come twice
//
// A call that changes something is recorded by whoever changes it: the receipt
// and the audit entries travel with the consent and are written in its
// transaction. Nothing is looked up before a call is carried out. A repeated one
// runs into its own receipt, and its change is undone by the database; so two
// that come at the same instant, at two replicas, are decided by the database
// too, and a call that comes once pays for no look-up.
package ledger
