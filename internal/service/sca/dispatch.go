package sca

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// Dispatcher holds the use cases: open a run, answer it, poll it.
type Dispatcher struct {
	Store      Store
	Guesses    Guesses
	Identities Identities
	Accounts   service.Accounts
	Signers    service.Signers
	Keys       *secret.Keys
	Flows      map[string]flow.Flow        // every flow that a run may name
	Serves     map[consent.Approach]string // the one that new runs take
	Policy     consent.Policy
	// Callbacks is the address, without a token, to which the bank's backend
	// reports; nil, or an empty answer, where it cannot.
	Callbacks func() string
	Now       func() time.Time
	Log       *slog.Logger
}

// Answer is what the PSU sent from a page.
type Answer struct {
	Refuse   bool     // on any page: no
	Approve  bool     // on the review, or before the browser is sent elsewhere: yes
	Device   bool     // go on, on another device
	Accounts []string // on the choice of accounts: keys of the offers
	Fields   map[string]string
	Method   string
	// Step is the View.Step of the page that is answered; 0 for whichever is
	// current. A page that the run has left, sent twice for instance, is not
	// judged: the current one is shown. Refuse counts from any.
	Step int
}

// Visitor is the browser that asks.
type Visitor struct {
	Browser string // its cookie
	Chosen  string // the language that the person chose, BCP 47; empty if they never did
	Accepts string // the one that the browser prefers; counts where neither the person nor the TPP says
	// Origin is that of our pages as this browser sees it, such as https://sca.bank.example.
	Origin string
}

func (v Visitor) digest() consent.Digest { return secret.Digest(v.Browser) }

// errMoved says that the run went on while this answer was being judged.
var errMoved = errors.New("the run has moved on")

// errBusy says that as many answers are being judged as there are tries left, or
// were when the program stopped: how they end is not known yet.
func errBusy() error {
	return consent.E(consent.CodeUnavailable, "other answers are still being judged")
}

// walk is one call's look at a run.
type walk struct {
	run  *consent.Run
	c    *consent.Consent
	memo memo
	// language is the PSU's: what they chose, what the TPP said, what the browser prefers.
	language string
	// right says that this answer was counted as a try and was none.
	right bool
	// byWorker says that no browser is there to be sent back when the run ends.
	byWorker bool
	// admitted says that the browser which looks may go on with the run.
	admitted bool
	// handle and origin are by what a browser of ours looks, and at which address.
	handle, origin string
	// former says that the run has gone on, on another device than the one that looks.
	former bool
	// foretell is what the flow tells the PSU when it waits; nil where nobody asks.
	foretell func() string
	// heard says that the flow itself has ended the run.
	heard bool
	// leave says that the browser is to go where the flow's step sends it.
	leave bool
	// cause says in the audit who moves the run on.
	cause consent.Cause
	// tell makes the receipt of the call that moves it, nil for none.
	tell Tell
}

// approach is how the PSU of the walk is reached.
func (w *walk) approach() consent.Approach {
	a, err := w.c.Authorisation(w.run.Authorisation)
	if err != nil {
		return consent.Redirect
	}
	return a.Approach
}

// patience bounds how long an answer may take, the bank's part included. An
// answer that has been counted is judged to its end even when the browser does
// not wait for it: otherwise a try would be used up and nobody the wiser.
const patience = 30 * time.Second

// New makes a run that is not written yet, and the handle by which a browser
// reaches it. Where the PSU is not reached by a browser of ours none ever will:
// the run belongs to nobody's, and its time begins at once.
func (s *Dispatcher) New(o service.Opening) (service.Opened, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return service.Opened{}, fmt.Errorf("run id: %w", err)
	}
	handle := secret.Handle()
	r := &consent.Run{
		ID:        id,
		Purpose:   o.Purpose,
		Flow:      s.Serves[o.Approach],
		Handle:    secret.Digest(handle),
		Stage:     consent.StageStart,
		CreatedAt: o.At,
		OpenBy:    o.At.Add(s.Policy.OpenWithin),
	}
	if o.Approach != consent.Redirect {
		r.Browser, r.FinishBy = secret.Digest(secret.Handle()), o.At.Add(s.Policy.FinishWithin)
	}
	if o.Approach == consent.Decoupled && o.Hint.PSU != "" {
		r.PollAt = o.At // a worker begins
	}
	opened := service.Opened{Run: r, Handle: handle}
	if o.Approach == consent.Decoupled {
		opened.Message = s.announce(r, o.Hint)
	}
	r.Memo, err = s.seal(r, memo{Hint: o.Hint, Only: o.PSU, What: o.What})
	return opened, err
}

// announce is what the flow of a run that has not begun tells the PSU when it
// waits for them; empty where it does not say.
func (s *Dispatcher) announce(r *consent.Run, hint service.Hint) string {
	f, ok := capability[flow.Announcing](s.Flows[r.Flow])
	if !ok || r.Stage != consent.StageStart {
		return ""
	}
	return f.Announce(flow.Request{
		RunID: r.ID.String(), StepKey: s.stepKey(r, flow.Input{}), Purpose: flow.Purpose(r.Purpose), Hint: hint.PSU,
		Language: spoken(hint.Language),
	})
}

// capability is what else a flow can do, if it can; some are wrapped by others.
func capability[T any](f flow.Flow) (T, bool) {
	for {
		if able, ok := f.(T); ok {
			return able, true
		}
		wrapper, ok := f.(interface{ Unwrap() flow.Flow })
		if !ok {
			var none T
			return none, false
		}
		f = wrapper.Unwrap()
	}
}

// Open shows where a run stands, and changes nothing that anyone could miss: it
// binds no browser and uses nothing up. Fails with CodeNotFound, CodeUsed,
// CodeExpired, CodeForbidden (another browser's) and CodeUnavailable; the View
// still says who asked and the way back, where the run is known. Fails with
// CodeCertificateBlocked while the bank has shut the TPP out, and names no way
// back then.
func (s *Dispatcher) Open(ctx context.Context, handle string, v Visitor) (*View, error) {
	w, err := s.load(ctx, handle, v)
	if err != nil {
		return nil, err
	}
	if err := s.shut(ctx, w); err != nil {
		return turnedAway(w), err
	}
	if w.former {
		return s.left(w, v.digest())
	}
	if back, ok := s.collect(ctx, w, v.digest()); ok {
		return back, nil
	}
	if err := s.usable(w, v.digest()); err != nil {
		return s.view(w), err
	}
	switch {
	case w.run.Stage == consent.StageStart:
		step, err := s.ask(ctx, w, flow.Input{})
		if err != nil {
			return s.view(w), err
		}
		return s.settle(ctx, handle, v, s.apply(ctx, w, step))
	case w.halfIn():
		return s.settle(ctx, handle, v, s.approve(ctx, w, Answer{Approve: true}))
	}
	return s.view(w), nil
}

// Answer applies what the PSU sent. The first answer binds the run to its
// browser, unless it lets another device go on. Fails like Open, and with CodeForbidden for an account that was not
// offered, CodeCredentials for a wrong password or code, CodeLocked when that
// was the last try, CodePSULocked after too many of this PSU's, CodeUnavailable while other answers may have used it up,
// CodeBlocked for a PSU who is blocked at the bank, CodeStale
// when another signer has agreed to other accounts meanwhile.
func (s *Dispatcher) Answer(ctx context.Context, handle string, v Visitor, a Answer) (*View, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	w, err := s.load(ctx, handle, v)
	if err != nil {
		return nil, err
	}
	if err := s.shut(ctx, w); err != nil {
		return turnedAway(w), err
	}
	if w.former {
		return s.left(w, v.digest())
	}
	if err := s.usable(w, v.digest()); err != nil {
		return s.view(w), err
	}
	if w.run.Stage == consent.StageConfirm || a.Step != 0 && a.Step != w.run.Seq && !a.Refuse {
		return s.view(w), nil
	}
	if a.Device {
		return s.move(ctx, w, v)
	}
	if err := s.bind(ctx, w, v.digest()); err != nil {
		return s.view(w), err
	}
	if a.Refuse {
		return s.decline(ctx, handle, v, w)
	}
	return s.settle(ctx, handle, v, s.answer(ctx, w, a))
}

// decline takes the PSU's no. It counts from wherever the run stands, so one
// that was overtaken is said again.
func (s *Dispatcher) decline(ctx context.Context, handle string, v Visitor, w *walk) (*View, error) {
	explain.Note(ctx, "the PSU refused")
	for {
		r := s.refuse(ctx, w, consent.ByPSU, consent.ReasonRefused, nil)
		if !errors.Is(r.err, errMoved) {
			return s.settle(ctx, handle, v, r)
		}
		var err error
		if w, err = s.load(ctx, handle, v); err != nil {
			return nil, err
		}
		if err := s.usable(w, v.digest()); err != nil {
			return s.view(w), err
		}
	}
}

// result is what a stage made of an answer.
type result struct {
	w       *walk
	wrong   bool
	refused bool   // the method that was chosen cannot be had
	message string // the flow's, on why
	err     error
}

// settle turns a result into what the browser sees. An answer that was
// overtaken is no fault of the PSU's: the page shows where the run stands.
func (s *Dispatcher) settle(ctx context.Context, handle string, by Visitor, r result) (*View, error) {
	if errors.Is(r.err, errMoved) {
		w, err := s.load(ctx, handle, by)
		if err != nil {
			return nil, err
		}
		err = s.usable(w, by.digest())
		if err == nil && w.run.Stage == consent.StageFlow && w.run.Tries >= s.Policy.MaxTries {
			err = errBusy()
		}
		return s.view(w), err
	}
	if consent.CodeOf(r.err) == consent.CodeCertificateBlocked { // while the answer was being judged
		return turnedAway(r.w), r.err
	}
	v := s.view(r.w)
	v.Wrong = r.wrong
	if r.message != "" {
		v.Message, v.Spoken = r.message, r.w.language
	}
	return v, r.err
}

// answer dispatches by the stage of the run: the one place that does.
func (s *Dispatcher) answer(ctx context.Context, w *walk, a Answer) result {
	switch w.run.Stage {
	case consent.StageAccounts:
		return s.pick(ctx, w, a)
	case consent.StageReview:
		return s.approve(ctx, w, a)
	case consent.StageFlow:
		return s.judge(ctx, w, a)
	default: // the first page was never shown: show it
		step, err := s.ask(ctx, w, flow.Input{})
		if err != nil {
			return result{w: w, err: err}
		}
		return s.apply(ctx, w, step)
	}
}
