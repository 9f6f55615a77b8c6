// Package access holds the use case of every read of account data: may this TPP
// read this, now? The bank's resource server, or its gateway, asks before it
// answers a TPP.
//
//	Decide   one question → what may be shown, or a Denial with its reason
//	Flush    what was read when, which is written together, not per read
//
// A decision rests on what the database says at that moment, read in one
// statement, so a revocation, a suspension or a block is seen by the next decision
// of every replica. What is counted is counted by the database in one statement.
// Every doubt is a denial.
package access
