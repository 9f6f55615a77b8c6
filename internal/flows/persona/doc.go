// Package persona is the built-in flow of a password, then a code that is sent to
// the PSU. The sandbox's personas log in with it; a bank that lends its log-in and
// its way to phones (openapi/bank.yaml) can use it as well.
//
//	Start           → Prompt(psuId, password)
//	Form            → Identified      Denied and blocked, or Wrong
//	Approved        → Prompt(methods) for a PSU who has several
//	Form            → Prompt(otp)     Denied when the bank refuses to send
//	Form            → Done, or Wait   Wrong
//	Poll, Callback  → Done, or Wait   for a bank that takes its time
//
// With one method or none, Approved leads to Prompt(otp) at once.
//
// It owns the code: how it is made, how long it is good for and how it is
// compared. Who the PSU is and how a code reaches them is the bank's business,
// behind [Directory] and [Phone]. Tries are counted by the service.
package persona
