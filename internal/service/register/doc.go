// Package register keeps the register of TPPs: who has called, with which
// certificate, whom the bank has shut out, and what it has noted of them as
// clients of OAuth2: where they may lead a PSU's browser back to, and their seals.
//
// A TPP is entered by its first call, and every call asks whether it is blocked:
// nothing of that is remembered in the process, so that a block holds at all
// replicas from the moment at which it is written. What is remembered, within
// bounds, is which certificates a TPP has shown, so that one with several does
// not write each time that it changes between them.
//
// Every change of a row writes an entry of the audit, in a chain of the TPP's
// own, in the same transaction. A block may end all consents of its TPP: it is
// written first and lets no new call in, then the consents are ended one by one,
// each in a transaction that holds the block in place. What a crash leaves, and
// what a call that was let in before has made since, is ended by Finish. A block
// that is lifted ends nothing any more.
package register
