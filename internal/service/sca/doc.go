// Package sca walks a PSU through strong customer authentication.
//
// One dispatcher serves every flow and every purpose. A [consent.Run] holds the
// stage, the dispatcher looks at it and does one thing: asks the flow, lets the
// PSU choose accounts, shows what is agreed to, or ends. Stages never call one
// another, and nothing is kept in memory between two answers.
//
//	start ──▶ flow ──Identified──▶ (accounts ──▶) review ──Approved──▶ flow ──Done──▶ ended
//	            └──Done, in one trip──▶ (accounts ──▶) review ──approved──────────▶ ended
//
// That is the way of a browser of ours ([Dispatcher.Open], [Dispatcher.Answer]). Where
// the PSU has none, others go the same way: in the embedded approach the TPP
// brings what the PSU says ([Dispatcher.Update]), in the decoupled one a worker asks
// whether the bank's app has the answer ([Dispatcher.Poll]). The PSU reads and
// chooses elsewhere then, so these pass the stages of choice and review by
// themselves, and take up what was left there. With a confirmation code a walk by
// redirect ends at the stage confirm, and its consent waits for the TPP to bring
// the code back, which the PSU's browser alone is given.
//
// A bank with pages of its own takes a walk over from us by its handle
// ([Dispatcher.LookUp]). Its calls lead over the same stages: who has logged in
// ([Dispatcher.SetPSU]), what they share ([Dispatcher.SetAccounts]), and how it ended
// ([Dispatcher.SetResult]), which is the approval and the last factor in one.
//
// Who logs in to the bank's own pages, or confirms there what they do, walks by a run
// that is of no consent and only visits. There is nothing to choose and to read, so
// from Identified it goes on to the last factor at once. The browser is led to a page
// of ours, where service/sessions takes it over.
//
//	start ──▶ flow ──Identified──▶ review, passed ──Approved──▶ flow ──Done──▶ ended
//
// The flow is called outside any transaction, and what it answers is saved only
// if the run still stands at the step that the call was made for (Run.Seq).
// Tries are counted before the flow judges an answer.
//
// While the bank has blocked a TPP nothing of its is authorised, whoever brings
// the next input; the walk stands still, and its time runs on.
package sca
