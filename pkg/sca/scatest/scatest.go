package scatest

import (
	"testing"

	"consentd/pkg/sca"
)

// Harness is what the kit must know of a flow.
type Harness struct {
	// New makes a bank of its own for each check, with one PSU who can get
	// through, and the flow in front of it.
	New func(t testing.TB) Bench
	// Prompts is how many Prompts that PSU answers between Start and Done.
	Prompts int
	// SingleTrip says that the flow goes to Done without Identified.
	SingleTrip bool
	// Languages are those in which the flow has texts, as primary subtags. Leave
	// it empty for a flow that shows none.
	Languages []string
	// Pageless says that the runs have no page of consentd's, as in the decoupled
	// and the embedded approach: Request.Paged is false, and no ReturnURL is there.
	Pageless bool
}

// Bench is one bank and the flow in front of it. Its functions are called in
// parallel.
type Bench struct {
	// Flow makes an instance. The instances share the bank and nothing else.
	Flow func() sca.Flow
	// PSU is the id under which the right answers log in.
	PSU string
	// Hint names that PSU as a TPP does, for a flow that asks nobody who they are.
	Hint string
	// Right answers a Prompt, a Redirect or a Wait so that the flow goes on;
	// for a Wait it may turn the bench's clock. Runs are told apart by
	// [sca.Request].RunID.
	Right func(req sca.Request, step sca.Step) sca.Input
	// Wrong answers a Prompt in a way that the flow must refuse.
	Wrong func(req sca.Request, step sca.Step) sca.Input
	// Effects counts what the flow has done to the world so far, such as
	// messages sent. Nil when it does nothing.
	Effects func() int
}

// Check is one rule that a flow must keep.
type Check struct {
	Name string
	Run  func(t testing.TB, h Harness)
}

// Checks lists the rules, for a test that wants to run them one by one.
func Checks() []Check {
	return []Check{
		{"starts by asking", checkStart},
		{"walks to the end", checkWalk},
		{"repeats take effect once", checkRepeat},
		{"looks without an effect", checkLooks},
		{"refuses wrong answers", checkWrong},
		{"finishes by answers alone", checkOrder},
		{"refuses broken state", checkState},
		{"keeps secrets out of its state", checkSecrets},
		{"stops with its context", checkContext},
		{"takes a cancel anywhere", checkCancel},
		{"speaks the language", checkLanguage},
		{"serves runs in parallel", checkParallel},
	}
}

// Run runs every check as a subtest.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, h) })
	}
}
