// Package connections holds the use cases of OAuth2: what a TPP may do in the name of
// a PSU, by which tokens, and how that ends.
//
// A grant is a consent aggregate, like everything that a customer gives. For STET it
// is a connection (kind connection); for the Berlin Group dialect, whose tokens are of
// one consent (scope AIS:<consentId>), that consent itself. A token opens something
// only as long as its grant is valid, which is looked up with every use and copied
// nowhere: ending a grant by whatever way ends its tokens, on every replica, at once.
//
// What a token is by which somebody calls, and how it is made, is for internal/oauth,
// which has a library for that; here it is a digest.
package connections
