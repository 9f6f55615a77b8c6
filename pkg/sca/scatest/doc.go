// Package scatest is what every [sca.Flow] must pass, a bank's own too: the
// rules of package sca that consentd relies on, as checks that run against the
// flow and a bank made for the test.
//
//	func TestFlow(t *testing.T) {
//		scatest.Run(t, scatest.Harness{New: newBench, Prompts: 2, Languages: []string{"en", "fr"}})
//	}
//
// The kit plays consentd: it walks through the flow with the answers that the
// [Bench] gives, each call served by a fresh instance and the state stored as
// bytes in between, and does to it what production does: calls are repeated,
// overtaken, cancelled, made in parallel and out of order.
package scatest
