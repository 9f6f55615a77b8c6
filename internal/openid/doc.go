// Package openid is how consentd reaches the OpenID providers of a bank, its
// customers' and its staff's: it owns discovery (OpenID Connect Discovery 1.0), a client
// within bounds, and errors that repeat nothing of what was sent or answered. What an ID
// token has to show is for those who ask for it.
package openid
