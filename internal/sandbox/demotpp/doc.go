// Package demotpp is the demo TPP: a small web application, served by the sandbox
// below /tpp, that does what a third party does. Its visitors ask for consents with
// every option there is, have the PSU authorise them in each approach, read the
// accounts at the end, and see each request and answer on the way. In the STET
// dialect they have a customer connect by OAuth2, say for them what is shared, and
// take it back.
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
// and in the STET dialect, where the bank has it:
//
//	GET /tpp/stet                     form of a new connection
//	POST /tpp/stet/connections        find the authorization server
//	GET /tpp/stet/connections/{n}     what is shared, and what can be read
//	GET /tpp/stet/connections/{n}/bank   send the customer's browser there
//	GET /tpp/stet/return              it comes back with a code: PathReturn
//	POST /tpp/stet/connections/{n}/{step}
//	GET /tpp/seal_{fingerprint}       the certificate that signatures name
//
// What a visitor has done lies in memory, under a random cookie: a bounded number
// of visitors, of consents, of connections with their tokens, and of exchanges each.
// What a PSU told this TPP (a password, a code) is sent on and kept nowhere;
// exchanges are shown without it, and without tokens.
//
// Browser tests rely on these names. Pages are <main data-page="…">: tpp-new,
// tpp-consent, tpp-return, tpp-data, tpp-log, tpp-problem, tpp-stet and
// tpp-stet-connection. The last has data-state: asked (#go leads to the bank),
// refused, bare, shared or ended. The form of a connection has the fields psu and
// history=true, and #connect. The form of what is shared has the boxes balances and
// transactions, whose values are the IBAN, with /USD where one IBAN has several
// currencies, and of cards the masked number; identity=true; iban for an account
// that is not in the list; #forward sends it, and #stop shares nothing. To read:
// present=true or false, from, to, #list, and the buttons named read with the values
// "balances {resourceId}", "transactions {resourceId}", "page {relation}" and
// "identity"; what came is below #answer, the exchanges are below #last. Besides:
// #refresh, #introspect, #disconnect.
package demotpp
