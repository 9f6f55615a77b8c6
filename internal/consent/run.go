package consent

import (
	"time"

	"github.com/google/uuid"
)

// Purpose is what a PSU is authenticated for.
type Purpose string

// The purposes of a run.
const (
	ForConsent Purpose = "consent" // authorise a consent
	ForLogin   Purpose = "login"   // enter the dashboard
	ForGrant   Purpose = "grant"   // log in for an OAuth2 grant
	ForAction  Purpose = "action"  // confirm an act
)

// Stage is where a run stands: who has to act next, and on which page.
type Stage string

// The stages of a run.
const (
	StageStart    Stage = "start"    // the flow has not been asked yet
	StageFlow     Stage = "flow"     // the flow waits for the PSU
	StageAccounts Stage = "accounts" // the PSU chooses accounts
	StageReview   Stage = "review"   // the PSU reads what they agree to
	StageConfirm  Stage = "confirm"  // the PSU is through; the TPP has to confirm that the browser came back to it
	StageEnded    Stage = "ended"
)

// RunOutcome is how a run ended.
type RunOutcome string

// The outcomes.
const (
	RunDone    RunOutcome = "done"    // authenticated and agreed
	RunRefused RunOutcome = "refused" // the PSU, or the bank, said no
	RunLocked  RunOutcome = "locked"  // the tries were used up
	RunFailed  RunOutcome = "failed"  // it could not go on
)

// Digest is a SHA-256 of a secret that is never stored itself.
type Digest [32]byte

// Run is one walk of a PSU through an authentication flow. It is reached by a
// handle that nobody but the browser knows, belongs to the first browser that
// answers, and is used once. Whatever is private about it, the flow's state
// and the PSU's choices among it, is in Memo, sealed.
type Run struct {
	ID            uuid.UUID
	Purpose       Purpose
	Consent       uuid.UUID // zero for a run that Visits
	Authorisation uuid.UUID // of the consent; for an action, the act that is confirmed
	Flow          string    // the name under which the flow is registered
	Handle        Digest
	Browser       Digest // zero until bound
	// FormerHandle and FormerBrowser are those from which the run went on, on
	// another device; zero where it did not.
	FormerHandle, FormerBrowser Digest
	Stage                       Stage
	Approved                    bool      // the PSU has agreed to what was shown
	PSU, Customer               uuid.UUID // zero until identified
	Seq                         int       // counts the steps; a step that was overtaken finds another number
	Tries                       int       // wrong answers, and those being judged, since the last progress
	Memo                        []byte
	CreatedAt                   time.Time
	OpenBy                      time.Time // until then the first answer must come
	FinishBy                    time.Time // until then the run must end; zero until bound
	PollAt                      time.Time // when to ask a waiting flow again; zero when none waits
	EndedAt                     time.Time
	Outcome                     RunOutcome // empty while it runs
	// Returned says that the browser has been sent back; false when a worker
	// ended the run and the waiting browser has yet to learn of it.
	Returned bool
}

// Bound reports whether a browser owns the run.
func (r *Run) Bound() bool { return r.Browser != Digest{} }

// Deadline is when the run ends by itself.
func (r *Run) Deadline() time.Time {
	if r.Bound() {
		return r.FinishBy
	}
	return r.OpenBy
}

// Usable tells whether browser may go on with the run at now. Fails with
// CodeUsed, CodeExpired or CodeForbidden, looked at in this order: what has
// ended is ended in every browser.
func (r *Run) Usable(browser Digest, now time.Time) error {
	switch {
	case r.Stage == StageEnded:
		return E(CodeUsed, "this link has been used")
	case !now.Before(r.Deadline()):
		return E(CodeExpired, "this link has expired")
	case r.Bound() && r.Browser != browser:
		return E(CodeForbidden, "this link belongs to another browser")
	}
	return nil
}

// Bind gives the run to the browser that answers first. It is no error to bind
// it to the same one again.
func (r *Run) Bind(browser Digest, within time.Duration, now time.Time) error {
	if err := r.Usable(browser, now); err != nil || r.Bound() {
		return err
	}
	r.Browser, r.FinishBy = browser, now.Add(within)
	return nil
}

// Move lets the run go on, on another device, which opens it by handle within the
// given time. The former handle opens nothing any more, but tells browser so.
func (r *Run) Move(handle, browser Digest, within time.Duration, now time.Time) {
	r.FormerHandle, r.FormerBrowser = r.Handle, browser
	r.Handle, r.Browser = handle, Digest{}
	r.OpenBy, r.FinishBy = now.Add(within), time.Time{}
}

// Moved reports whether the run went on, on another device.
func (r *Run) Moved() bool { return r.FormerHandle != Digest{} }

// Step moves the run on to another page. Tries stay: a page that asks for more
// is no reason to begin counting anew.
func (r *Run) Step(to Stage, memo []byte) {
	r.Stage, r.Memo, r.PollAt = to, memo, time.Time{}
	r.Seq++
}

// Progress is a Step that the PSU has earned: logged in, or agreed. The tries
// begin anew.
func (r *Run) Progress(to Stage, memo []byte) {
	r.Step(to, memo)
	r.Tries = 0
}

// End ends the run for good; its memory is wiped.
func (r *Run) End(how RunOutcome, now time.Time) {
	r.Step(StageEnded, nil)
	r.Outcome, r.EndedAt = how, now
}

// Withdraw lets a worker tell the flow of a run that it is over, from what memo
// keeps, and wipe that.
func (r *Run) Withdraw(memo []byte, now time.Time) { r.Memo, r.PollAt = memo, now }
