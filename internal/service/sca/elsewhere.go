package sca

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	flow "consentd/pkg/sca"
)

// returnPath is where browsers come back to below the origin of our pages: one
// address for all runs, which an identity provider can be told.
const returnPath = "/sca/return"

// The purposes for which a run is named to others, sealed.
const (
	sealReturn   = "return of a browser"
	sealCallback = "call-back for a run"
)

// seal64 makes a name of what is not to be read on its way through others.
func (s *Dispatcher) seal64(purpose string, plain []byte) string {
	return base64.RawURLEncoding.EncodeToString(s.Keys.Seal(purpose, plain))
}

// open64 reads such a name. Fails with CodeNotFound for what is none of ours.
func (s *Dispatcher) open64(purpose, name string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(name)
	if err == nil {
		var plain []byte
		if plain, err = s.Keys.Open(purpose, sealed); err == nil {
			return plain, nil
		}
	}
	return nil, consent.E(consent.CodeNotFound, "not an address of ours").Because(err)
}

// place tells the flow where the browser may come back to, and the bank's backend.
func (s *Dispatcher) place(w *walk, req *flow.Request) {
	if w.handle != "" && w.origin != "" {
		req.ReturnURL, req.ReturnState = w.origin+returnPath, s.seal64(sealReturn, []byte(w.handle))
	}
	if s.Callbacks == nil {
		return
	}
	if base := s.Callbacks(); base != "" {
		req.CallbackURL = base + "/" + s.seal64(sealCallback, w.run.ID[:])
	}
}

// Return takes a browser that comes back from where a flow has sent it, with the
// state that it took along and what it brings. It returns the handle of the run,
// where it can be told, so that the browser can be shown how the run stands; one
// that has moved on meanwhile takes nothing. Fails like Open; with CodeForbidden
// for a browser that was not sent from here.
func (s *Dispatcher) Return(ctx context.Context, state string, v Visitor, fields map[string]string) (string, *View, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	plain, err := s.open64(sealReturn, state)
	if err != nil {
		return "", nil, err
	}
	handle := string(plain)
	w, err := s.load(ctx, handle, v)
	if err != nil {
		return handle, nil, err
	}
	if err := s.shut(ctx, w); err != nil {
		return handle, turnedAway(w), err
	}
	if w.former {
		view, err := s.left(w, v.digest())
		return handle, view, err
	}
	if back, ok := s.collect(ctx, w, v.digest()); ok {
		return handle, back, nil
	}
	if err := s.usable(w, v.digest()); err != nil {
		return handle, s.view(w), err
	}
	switch {
	case !w.run.Bound():
		return handle, s.view(w), consent.E(consent.CodeForbidden, "the browser was not sent from here")
	case w.run.Stage != consent.StageFlow || w.memo.Step.Outcome != flow.Redirect:
		return handle, s.view(w), nil
	}
	explain.Note(ctx, "the browser is back")
	step, err := s.ask(ctx, w, flow.Input{Kind: flow.Returned, Fields: fields})
	if err != nil {
		return handle, s.view(w), err
	}
	view, err := s.settle(ctx, handle, v, s.apply(ctx, w, step))
	return handle, view, err
}

// maxURL is the longest address, in bytes, to which browsers and what stands
// between them and others can be trusted to go.
const maxURL = 8 << 10

// away checks where a flow sends the browser: only where what it takes along is
// protected on its way.
func away(w *walk, step flow.Step) error {
	if step.Outcome != flow.Redirect {
		return nil
	}
	u, err := url.Parse(step.URL)
	if err != nil || w.handle == "" || len(step.URL) > maxURL || strings.ContainsFunc(step.URL, unicode.IsControl) || !flow.Protected(u) {
		return fmt.Errorf("flow %q sends the browser where it cannot go", w.run.Flow)
	}
	return nil
}

// movable tells whether another device may go on: before anybody has logged in,
// so that whoever takes a picture of the screen gets no further than its owner. What
// a PSU confirms who is logged in, they confirm where they are.
func (w *walk) movable() bool {
	begun := w.run.Stage == consent.StageStart || w.run.Stage == consent.StageFlow
	return begun && w.memo.Step.Outcome != flow.Wait && !w.run.Approved && !w.run.Moved() && w.memo.PSU == "" &&
		w.memo.Only == "" && w.approach() == consent.Redirect
}

// move lets another device go on. The flow begins anew there: what it has said so
// far may be meant for this browser.
func (s *Dispatcher) move(ctx context.Context, w *walk, v Visitor) (*View, error) {
	if !w.movable() {
		return s.view(w), nil
	}
	handle := secret.Handle()
	w.memo.Step, w.memo.Device, w.memo.Proved = flow.Step{}, handle, false
	now := s.Now()
	res := s.change(ctx, w, func(run *consent.Run, c *consent.Consent, sealed []byte) error {
		if err := run.Usable(v.digest(), now); err != nil { // another browser has answered meanwhile
			return err
		}
		run.Step(consent.StageStart, sealed)
		run.Move(secret.Digest(handle), v.digest(), s.Policy.OpenWithin, now)
		return c.Extend(run.Authorisation, run.OpenBy)
	})
	if res.err != nil {
		return s.settle(ctx, w.handle, v, res)
	}
	explain.Note(ctx, "the run goes on, on another device")
	res.w.former = true
	return s.left(res.w, v.digest())
}

// left is what the device sees from which a run has moved to another.
func (s *Dispatcher) left(w *walk, browser consent.Digest) (*View, error) {
	view := s.view(w)
	view.Page, view.ReturnTo, view.CanMove = PageDevice, "", false
	switch {
	case w.run.FormerBrowser != browser:
		return view, consent.E(consent.CodeUsed, "this link has been used")
	case w.run.Stage == consent.StageEnded:
		view.Page = PageEnded
	case !s.Now().Before(w.run.Deadline()), !w.c.Status.Pending():
		return view, consent.E(consent.CodeExpired, "this link has expired")
	case !w.run.Bound():
		view.Handle = w.memo.Device
	}
	return view, nil
}

// Link is where the PSU's browser is sent for a run by redirect: to the bank's own
// pages, where the flow of that approach has such; empty for ours.
func (s *Dispatcher) Link(handle string) string {
	if l, ok := capability[flow.Linked](s.Flows[s.Serves[consent.Redirect]]); ok {
		return l.Link(url.QueryEscape(handle))
	}
	return ""
}
