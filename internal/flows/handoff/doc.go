// Package handoff is the built-in flow of a bank that authenticates its customers
// on pages of its own: the browser goes there instead of to ours, and the bank's
// backend says, by calls of its own to consentd, who the customer is and how it
// ended.
//
//	Start                          → Wait            for who it is
//	Callback psu                   → Identified
//	Approved                       → Wait            for how it ends
//	Callback result=authorised     → Done
//	Callback result=refused        → Denied          from either Wait
//	Callback result=failed         → Denied, blocked from either Wait
//
// It owns the address of the bank's page, [Flow.Link]. The calls of the bank's
// backend and what they may say when are the service's; this flow only holds to
// the order: nothing is authorised before it is known by whom.
package handoff
