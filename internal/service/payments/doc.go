// Package payments keeps the payments that were made by consents: a bank records
// each, follows it until it is through, and reads what they come to.
package payments
