package faults

import (
	"time"

	"consentd/internal/points"
)

// walk is a way of a consent, from its creation on.
type walk struct {
	order order
	nap   time.Duration
	// paged says that the PSU is before our pages, who after a crash may load the
	// page or send the form again: both are tried.
	paged bool
	// elsewhere says that PSUs are authenticated by a program of the bank's, on
	// pages of its own.
	elsewhere bool
	only      []points.Point // where to die; nil: at every point
	// run goes it to its end, whatever happens on the way, and asserts that end.
	run func(w *world)
}

// embeddedOnly is a sandbox whose PSUs tell the TPP.
func embeddedOnly() order { return order{Approaches: []string{"embedded"}} }

// nap is longer than a worker has a run to itself.
const nap = 2 * time.Minute

// factorPoints are those between the PSU's answer to the last factor and what
// comes of it.
var factorPoints = []points.Point{
	"flow.form.before", "flow.form.after", "commit.memory-swap.before", "commit.memory-swap.after",
	"commit.change.before", "commit.change.after", "commit.finish.before", "commit.finish.after",
}

// grantPoints are those at which a connection comes into being, and its tokens.
var grantPoints = []points.Point{
	"commit.create.before", "commit.create.after", "commit.finish.before", "commit.finish.after",
	"commit.request.before", "commit.request.after", "commit.request-take.before", "commit.request-take.after",
	"commit.issue.before", "commit.issue.after", "commit.exchange.before", "commit.exchange.after",
	"commit.end-pair.before", "commit.end-pair.after",
}

// walks are those that are interrupted.
var walks = map[string]walk{
	"redirect": {
		paged: true,
		run:   func(w *world) { redirect(w, "lea", dedicated(leaIBAN), false) },
	},
	"redirect, bank-offered, started by the TPP, methods": {
		paged: true,
		run:   func(w *world) { redirect(w, "omar", offered(), true) },
	},
	"redirect, an app that is set up": {
		paged: true,
		only:  factorPoints,
		run:   setUpApp,
	},
	"redirect, an app": {
		paged: true,
		only:  factorPoints,
		run:   useApp,
	},
	"redirect, confirmation": {
		order: order{Confirmation: true},
		paged: true,
		run:   confirmation,
	},
	"redirect, refused": {
		nap: nap, paged: true,
		run: refused,
	},
	"redirect, deleted": {
		nap: nap, paged: true,
		run: deleted,
	},
	"redirect, not theirs": {
		paged: true,
		run:   func(w *world) { turnedAway(w, "omar", "rejected") },
	},
	"redirect, blocked": {
		paged: true,
		run:   func(w *world) { turnedAway(w, "blocked", "received") },
	},
	"elsewhere": {
		paged: true, elsewhere: true,
		run: elsewhere,
	},
	"embedded": {
		order: embeddedOnly(),
		run:   func(w *world) { embedded(w, "lea", leaIBAN) },
	},
	"embedded, methods": {
		order: embeddedOnly(),
		run:   func(w *world) { embedded(w, "omar", omarIBAN) },
	},
	"decoupled": {
		nap: nap,
		run: func(w *world) { decoupled(w, "lea", dedicated(leaIBAN), 0) },
	},
	// The bank takes its time, so that a worker has to ask again.
	"decoupled, slow": {
		nap: nap, only: []points.Point{"flow.poll.before", "flow.poll.after"},
		run: func(w *world) { decoupled(w, "slow", offered(), 31*time.Second) },
	},
	"forwarded": {
		run: forwarded,
	},
	"staged": {
		run: staged,
	},
	"connected": {
		paged: true,
		only:  grantPoints,
		run:   connected,
	},
	"overdue": {
		only: []points.Point{"commit.settle.before", "commit.settle.after"},
		run:  overdue,
	},
}
