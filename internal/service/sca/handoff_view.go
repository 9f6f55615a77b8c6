package sca

import (
	"time"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// HandOff is where a walk on the bank's pages stands.
type HandOff struct {
	Consent       *consent.Consent
	Authorisation consent.Authorisation
	// Until is when the walk ends by itself; zero for one that has ended.
	Until time.Time
	Waits Waiting
	Hint  service.Hint // who the TPP says that the PSU is
	// PSU and Customer are who the bank has said. They are forgotten with the end,
	// after which Look alone finds the PSU again, from the authorisation.
	PSU      string
	Customer service.Customer
	Method   string
	Offers   []Offer  // what is asked for, or may be chosen, once the customer is known
	Picked   []string // keys of the Offers that were chosen; empty where all are shared
	// Terms are what the PSU agrees to.
	Terms consent.Terms
	// Signers is how many must agree, 0 before that is known, and Signed how many have.
	Signers, Signed int
	// ReturnTo is where the browser goes; empty as long as the walk goes on. With a
	// confirmation code, and where tokens come of it, SetResult alone tells, since that
	// is for the browser in which the PSU was authenticated.
	ReturnTo string
}

// Waiting is what a walk on the bank's pages waits for.
type Waiting string

// What a walk may wait for.
const (
	WaitsForNothing  Waiting = ""
	WaitsForLookUp   Waiting = "lookup"
	WaitsForPSU      Waiting = "psu"
	WaitsForAccounts Waiting = "accounts"
	WaitsForResult   Waiting = "result"
	// WaitsForTPP is for the TPP to bring the confirmation code.
	WaitsForTPP Waiting = "confirmation"
)

func (s *Dispatcher) handOff(w *walk) *HandOff {
	m := w.memo
	if w.run.Stage == consent.StageEnded {
		m = memo{} // as every later look finds it
	}
	h := &HandOff{
		Consent: w.c, Hint: m.Hint, PSU: m.PSU, Customer: m.Customer, Offers: m.Offered, Picked: m.Picked, Terms: w.c.Terms(),
		Signers: len(m.Signers), Signed: w.c.Signatures(),
	}
	if a, err := w.c.Authorisation(w.run.Authorisation); err == nil {
		h.Authorisation = *a
	}
	ok, nok := w.c.Return(w.run.Authorisation)
	over := w.run.Stage == consent.StageEnded || !s.Now().Before(w.run.Deadline()) || !w.c.Status.Pending() || h.Authorisation.Status.Final()
	switch {
	case w.run.Outcome == consent.RunDone && w.forTokens():
	case w.run.Outcome == consent.RunDone:
		h.ReturnTo = ok
	case over:
		h.ReturnTo = nok
	default:
		h.Until, h.Waits = w.run.Deadline(), waitsFor(w)
	}
	if m.HandOff != nil {
		h.Method = m.HandOff.Method
	}
	if t := m.terms(); t != nil {
		h.Terms = *t
	}
	return h
}

// forTokens tells whether the browser comes back to our authorization server, with
// what the TPP changes for tokens.
func (w *walk) forTokens() bool { return w.c.ByToken || w.c.Kind == consent.Connection }

func waitsFor(w *walk) Waiting {
	switch {
	case w.run.Stage == consent.StageConfirm:
		return WaitsForTPP
	case w.memo.HandOff == nil:
		return WaitsForLookUp
	case w.memo.PSU == "":
		return WaitsForPSU
	case w.run.Stage == consent.StageAccounts:
		return WaitsForAccounts
	default:
		return WaitsForResult
	}
}
