// Package demotpp is the demo TPP: a small web application, served by the sandbox
// below /tpp, that does what a third party does. Its visitors ask for consents with
// every option there is, have the PSU authorise them in each approach, read the
// accounts at the end, and see each request and answer on the way.
//
// It is a TPP like any other: it knows the bank only by pkg/client, over mutual TLS
// with a kit of certificates, and signs what it sends. Where the sandbox has no
// listener with TLS it says by a header who it is, and its pages say so.
//
//	GET /tpp                     form of a new consent, filled by presets
//	POST /tpp/consents           ask the bank for it
//	GET /tpp/consents/{n}        where it stands, and the next step
//	GET /tpp/return              the PSU's browser comes back
//	GET /tpp/consents/{n}/data   read what it gives access to
//	GET /tpp/log                 every exchange of this visitor
//
// What a visitor has done lies in memory, under a random cookie: a bounded number
// of visitors, of consents and of exchanges each. What a PSU told this TPP (a
// password, a code) is sent on and kept nowhere; exchanges are shown without it.
package demotpp
