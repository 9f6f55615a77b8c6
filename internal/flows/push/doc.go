// Package push is the built-in flow in which the bank's app asks the PSU, away
// from any page of ours.
//
//	Start           → Wait            where the TPP named the PSU and there is no page
//	                → Prompt(psuId)   otherwise: opening a page disturbs nobody yet
//	Form(psuId)     → Wait            Wrong for what can be no name
//	Poll, Callback  → Done, or Wait   Denied when the PSU says no, or took the wrong number
//	Cancel          → Denied          the question is withdrawn
//
// A name that the bank does not know and a PSU whom it has blocked are always
// answered alike: by a page like any other, which waits in vain, so that it tells
// nobody who banks here; and at Start, where a TPP has given the name, by Denied,
// as Blocked.
//
// With number matching the PSU reads a number where they began, on our page or
// with the TPP, and has to repeat it in the app. So nobody approves by habit what
// somebody else began: they do not know the number. The flow compares it too,
// and takes an approval without the right number for a refusal.
//
// How the app authenticates its user is the bank's business, behind [Approvals].
// A question that nobody answers waits until the run's time is over, which is
// the service's to say.
package push
