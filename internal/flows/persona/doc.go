// Package persona is the built-in flow of a password and one more factor: a code
// that is sent to the PSU, a code of their authenticator app (TOTP, RFC 6238), or
// a passkey (WebAuthn level 3). The sandbox's personas log in with it; a bank that
// lends its log-in and its way to phones (openapi/bank.yaml) can use it as well.
//
//	Start           → Prompt(psuId, password)
//	Form            → Identified       Denied and blocked, or Wrong
//	Approved        → Prompt(methods)  for a PSU who has several
//	Form            → Prompt(otp)      a code was sent, or the app shows one;
//	                                   Denied when the bank refuses to send
//	                → Prompt(passkey)
//	Form            → Done, or Wait    Wrong
//	Poll, Callback  → Done, or Wait    for a bank that takes its time
//
// With one method or none, Approved leads to its page at once. On each of these
// pages the PSU may choose again: another method, or the same one for a new code.
// The chosen one comes first in Methods; where there is no page of ours (embedded)
// it is the only one.
//
// # First use
//
// App and passkey are set up when they are first used, and only behind a code that
// was sent to the PSU: who knows no more than the password adds no factor (RTS
// 2018/389, art. 24). So a method of these that is not set up is offered only
// beside one of the bank's, and only on a page, since the app's key is nothing for
// a TPP.
//
//	Form(method)    → Prompt(otp)      the code that protects the setting up
//	Form            → Prompt(otp, QR)  or Prompt(passkey), to be created
//	Form            → Done             the new factor has proven itself
//
// # What is kept where
//
// The flow owns the codes: how they are made, how long they are good for and how
// they are compared. Codes, keys of apps and challenges are derived from
// Config.Key and the name of the step, so that a call that is repeated makes no
// second one; the state holds that name and no code and no key. The page of the
// setting up shows the app's key, so that step, which consentd stores sealed until
// it is answered, contains it.
//
// What lasts lies in Config.Store per PSU: the key of the app with the time steps
// whose codes were used, so that each counts once, and the public keys of passkeys
// with their counters. All of it changes by Swap, so that of two runs with the same
// code one gets through.
//
// Who the PSU is and how a code reaches them is the bank's business, behind
// [Directory] and [Phone]. Tries are counted by the service.
package persona
