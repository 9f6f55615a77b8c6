// Package points names the places at which the program may stop, killed or
// without power, and nothing may come of it: before and after each call of a
// flow, and before and after each write of the use cases that move consents. It
// owns the names and the decorators that report them; what to do at a point is
// the caller's. A program that nobody watches is not decorated.
//
// A new writing method of a port needs a decorator here: a test holds every
// method against the list of those that only read.
package points

import (
	"slices"

	flow "consentd/pkg/sca"
)

// Point is one of the places, such as "flow.form.before" or "commit.finish.after".
type Point string

// moment is on which side of a call a point lies.
type moment string

const (
	before moment = ".before"
	after  moment = ".after"
)

// The writes, by what they are for. What a use case calls in one transaction is
// one of them.
const (
	commitCreate  = "commit.create"   // a consent, with or without its authorisation
	commitStart   = "commit.start"    // a further authorisation
	commitUpdate  = "commit.update"   // a consent, by its TPP for instance
	commitSettle  = "commit.settle"   // what time has ended
	commitTry     = "commit.try"      // an answer, counted before it is judged
	commitTryBack = "commit.try-back" // a try that was none
	commitChange  = "commit.change"   // a step of a run
	commitFinish  = "commit.finish"   // the step that makes a consent valid
	commitClaim   = "commit.claim"    // a worker takes waiting runs

	commitForward   = "commit.forward"    // what a TPP forwards, in the place of what it did before
	commitForwardIn = "commit.forward-in" // the same, in the middle of the transaction

	commitStage  = "commit.stage"  // a consent that a hub stages
	commitAmend  = "commit.amend"  // what the hub, or the bank, says of it
	commitPay    = "commit.pay"    // a payment that is made by it
	commitFollow = "commit.follow" // what became of the payment

	commitRequest     = "commit.request"      // an authorization request under way, new or changed
	commitRequestTake = "commit.request-take" // one that was refused, or for whose code somebody has not all that belongs to it
	commitIssue       = "commit.issue"        // tokens
	commitExchange    = "commit.exchange"     // an access token for a refresh token
	commitEndPair     = "commit.end-pair"     // tokens that are given back
	commitForgetOAuth = "commit.forget-oauth" // requests and tokens that are past their time

	commitGuess        = "commit.guess"         // an answer of a PSU, counted over all authorisations
	commitGuessBack    = "commit.guess-back"    // a guess that nobody has judged
	commitGuessForgive = "commit.guess-forgive" // after a right answer
	commitGuessForget  = "commit.guess-forget"  // what is past its time

	commitPSU      = "commit.psu" // ids, made at first sight
	commitCustomer = "commit.customer"
	commitAccounts = "commit.accounts"

	commitMemoryPut  = "commit.memory-put" // what a flow keeps of a PSU
	commitMemorySwap = "commit.memory-swap"
)

// flowStart is the call that opens a run; those that go on are named after the
// kind of input.
const flowStart flow.Kind = "start"

func flowCall(kind flow.Kind) string { return "flow." + string(kind) }

// All lists every point there is, in the order of their names.
func All() []Point {
	calls := []string{
		commitCreate, commitStart, commitUpdate, commitSettle, commitTry, commitTryBack, commitChange, commitFinish, commitClaim,
		commitGuess, commitGuessBack, commitGuessForgive, commitGuessForget, commitPSU, commitCustomer, commitAccounts,
		commitMemoryPut, commitMemorySwap, commitForward, commitForwardIn,
		commitStage, commitAmend, commitPay, commitFollow,
		commitRequest, commitRequestTake, commitIssue, commitExchange, commitEndPair, commitForgetOAuth,
	}
	for _, kind := range []flow.Kind{flowStart, flow.Form, flow.Approved, flow.Returned, flow.Callback, flow.Poll, flow.Cancel} {
		calls = append(calls, flowCall(kind))
	}
	var all []Point
	for _, call := range calls {
		all = append(all, Point(call+string(before)), Point(call+string(after)))
	}
	slices.Sort(all)
	return all
}

// observer is told of the points that are reached.
type observer func(Point)

// around reports a call's points and returns what is to be done after it.
func (o observer) around(call string) (done func()) {
	o(Point(call + string(before)))
	return func() { o(Point(call + string(after))) }
}
