// Package mandated holds the words that the UAE's Open Finance prescribes for what a
// bank shows its customers of their consents: the status labels of the Consent
// Management Interface, the permissions in clusters, and the purposes of payments.
//
// The English wording is the published one, letter for letter, out of two tables
// (permission-clusters.json and aani-purpose-codes.json; see NOTICE for their source
// and licence). The other languages are our translations of it, and words/en.json
// has what the tables leave open. All are part of the program; the tests prove that
// no language lacks a word.
//
// It owns no words of pages: those are the catalogues of package web.
package mandated
