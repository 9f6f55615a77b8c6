// Package push is the built-in flow of the decoupled approach: the bank's app
// asks the PSU, away from any page of ours.
//
//	Start           → Wait            Denied, as Blocked, for a PSU whom the TPP did not
//	                                  name, whom the bank does not know, or has blocked
//	Poll, Callback  → Done, or Wait   Denied when the PSU says no
//	Cancel          → Denied          the question is withdrawn
//
// How the app authenticates its user is the bank's business, behind [Approvals].
// A question that nobody answers waits until the run's time is over, which is
// the service's to say.
package push
