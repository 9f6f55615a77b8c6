// Package sandbox is the world around consentd for somebody who wants to try
// it: a made-up bank with its customers, their accounts and phones, an authority
// that certifies TPPs, a clock that can be turned, and the pages from which to
// start and to which a PSU returns.
//
//	personas   who there is, and what they own
//	Bank       the bank's systems, as package service wants them, for these personas
//	Data       the data of their accounts, served to TPPs as a bank does
//	Clock      the program's clock
//	TPPs       the third parties, and the authority that certifies them
//	Callers    who calls: over TLS by certificate, else by X-Sandbox-TPP or access token
//	Tokens     access tokens without a browser, which the OAuth2 server makes
//	Sandbox    all of it over HTTP, the bank for other programs too
//
// What can be told apart from the bank lies in packages below:
//
//	books      the entries on the accounts, which are made up
//	inspector  the last calls, and why they were answered so
//	faults     errors and delays on demand
//	pages      the templates, and how calls and errors are answered
//	demotpp    a third party with pages, which knows no more than any other
//
// It owns no consents and no rules of theirs: whatever happens to a consent
// happens in the same code that a bank runs. Nothing here is ever mounted by
// `consentd serve`.
package sandbox
