// Package books makes up what happens on the accounts of the sandbox's personas:
// two years of entries that are the same on every run and wherever the clock stands,
// and add up to the balances that are documented.
//
//	Ledger    the entries and balances of one account, as one reader sees them
//	Movement  one entry, pending or booked
//	Order     what an entry was made by: to or from whom, and what for
//	Money     an amount
//
// It knows accounts by their resourceIds only. Whose they are, and what of an entry
// may be told to whom and in what form, is package sandbox's.
package books
