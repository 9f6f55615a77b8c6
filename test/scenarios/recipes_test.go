package scenarios

import (
	"maps"
	"net/http"

	"github.com/stretchr/testify/require"
)

// recipes are how a consent gets into a state.
func recipes() map[string]func(*world, given) {
	return map[string]func(*world, given){
		// Consents.
		"received":            received,
		"unstarted":           unstarted, // received, and nobody has started an authorisation
		"partiallyAuthorised": func(w *world, g given) { received(w, g); w.approves("sarl-ceo") },
		"valid":               valid,
		"rejected":            func(w *world, g given) { received(w, g); w.refuses(g.who()) },
		"terminatedByTpp":     func(w *world, g given) { valid(w, g); terminate(w) },
		"withdrawn":           func(w *world, g given) { received(w, g); terminate(w) }, // before it was authorised
		"replaced":            replaced,
		"expired":             expired,
		"neverAuthorised":     func(w *world, g given) { received(w, g); w.turn("25h") },

		// Authorisations, by redirect.
		"loggedIn":     func(w *world, g given) { received(w, g); w.logsIn(g.who()) },
		"codeSent":     func(w *world, g given) { received(w, g); w.reviews(g.who()) },
		"lockedOut":    func(w *world, g given) { received(w, g); w.mistypes(g.who()) },
		"timedOut":     func(w *world, g given) { received(w, g); w.turn("11m") },
		"unconfirmed":  unconfirmed,
		"misconfirmed": misconfirmed,

		// Authorisations in the app: the PSU is named when the consent is created.
		"waitingInApp": waitingInApp,
		"askedInApp":   askedInApp,
		"deniedInApp":  deniedInApp,

		// Authorisations that the TPP carries through (embedded).
		"embedded":        embedded, // the PSU is named, and nothing else
		"embeddedUnnamed": embeddedUnnamed,
		"chooseMethod":    chooseMethod, // the password was right, and there are several methods
		"challenged":      challenged,   // a code is out
		"embeddedDone": func(w *world, g given) {
			challenged(w, g)
			w.update("authorise", map[string]any{"scaAuthenticationData": "<code:" + g.who() + ">"})
		},
	}
}

// who is the PSU of a recipe.
func (g given) who() string {
	if g.PSU == "" {
		return "lea"
	}
	return g.PSU
}

// received is the beginning of all: a consent is created.
func received(w *world, g given) {
	w.t.Helper()
	r := w.book.requests[g.Create]
	w.send(Step{Call: g.Create, Change: g.Change})
	require.Equal(w.t, r.OK, w.last.status, w.last.raw)
}

// prefers adds headers to those of the request that creates the consent.
func (g given) prefers(headers map[string]any) given {
	maps.Copy(headers, g.Headers)
	g.Headers = headers
	return g
}

func unstarted(w *world, g given) {
	w.t.Helper()
	received(w, g.prefers(map[string]any{"TPP-Explicit-Authorisation-Preferred": "true"}))
	require.Empty(w.t, w.authorisation)
}

func valid(w *world, g given) {
	w.t.Helper()
	received(w, g)
	w.approves(g.who())
	require.Equal(w.t, "valid", w.statusOf(w.consent))
}

func terminate(w *world) {
	w.t.Helper()
	w.send(Step{Call: "delete", Path: w.family + "/<consent>"})
	require.Equal(w.t, http.StatusNoContent, w.last.status, w.last.raw)
}

// replaced is a recurring consent that a later one of the same PSU and TPP ended.
func replaced(w *world, g given) {
	w.t.Helper()
	g.Set = with(g.Set, "recurringIndicator", true)
	valid(w, g)
	first, authorisation := w.consent, w.authorisation
	valid(w, g)
	w.consent, w.former, w.authorisation, w.link = first, w.consent, authorisation, ""
}

// expired is a consent whose last day is over.
func expired(w *world, g given) {
	w.t.Helper()
	g.Set = with(g.Set, "validUntil", "<today+1>")
	valid(w, g)
	w.turn("48h")
}

// unconfirmed is an authorisation that waits for the TPP to hand in the code that
// the browser brought. The program asks for confirmation.
func unconfirmed(w *world, g given) {
	w.t.Helper()
	received(w, g)
	w.approves(g.who())
	require.NotEmpty(w.t, w.confirmation, "no confirmationCode came back")
}

func misconfirmed(w *world, g given) {
	w.t.Helper()
	unconfirmed(w, g)
	w.update("confirm", map[string]any{"confirmationCode": "wrong"})
}

func waitingInApp(w *world, g given) {
	w.t.Helper()
	received(w, g.prefers(map[string]any{"TPP-Redirect-Preferred": "false", "PSU-ID": g.who()}))
	require.NotEmpty(w.t, w.authorisation, "no authorisation was started: %s", w.last.raw)
}

// askedInApp waits for the worker that has the app ask, so that no state moves
// under the case.
func askedInApp(w *world, g given) {
	w.t.Helper()
	waitingInApp(w, g)
	w.checkStates(&want{SCA: "started", Soon: true})
}

func deniedInApp(w *world, g given) {
	w.t.Helper()
	waitingInApp(w, g)
	w.answersApp(g.who(), decision{"decision": "deny"})
	w.checkStates(&want{Consent: "rejected", Soon: true}) // a worker asks the app
}

func embedded(w *world, g given) {
	w.t.Helper()
	received(w, g.prefers(map[string]any{"TPP-Redirect-Preferred": "false", "TPP-Decoupled-Preferred": "false", "PSU-ID": g.who()}))
	require.NotEmpty(w.t, w.authorisation, "no authorisation was started: %s", w.last.raw)
}

// embeddedUnnamed is started without a word of who the PSU is.
func embeddedUnnamed(w *world, g given) {
	w.t.Helper()
	embeddedPreferred := map[string]any{"TPP-Redirect-Preferred": "false", "TPP-Decoupled-Preferred": "false"}
	received(w, g.prefers(maps.Clone(embeddedPreferred)))
	if w.authorisation == "" {
		w.send(Step{Call: "start", Path: w.family + "/<consent>/authorisations", Change: Change{Headers: embeddedPreferred}})
		require.Equal(w.t, http.StatusCreated, w.last.status, w.last.raw)
	}
}

func chooseMethod(w *world, g given) {
	w.t.Helper()
	g.PSU = "omar" // has two
	embedded(w, g)
	w.update("password", nil)
}

func challenged(w *world, g given) {
	w.t.Helper()
	embedded(w, g)
	w.update("password", nil)
}

// update sends what the TPP has to say to the authorisation.
func (w *world) update(call string, set map[string]any) {
	w.t.Helper()
	w.send(Step{Call: call, Path: w.family + "/<consent>/authorisations/<authorisation>", Change: Change{Set: set}})
	require.Equal(w.t, http.StatusOK, w.last.status, w.last.raw)
}
