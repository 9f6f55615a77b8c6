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
// The flow is called outside any transaction, and what it answers is saved only
// if the run still stands at the step that the call was made for (Run.Seq).
// Tries are counted before the flow judges an answer.
package sca
