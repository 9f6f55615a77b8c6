package sca

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Somebody who logs in to the bank's own pages, or confirms there what they do, walks
// the same way with nothing to share and nothing to read: from the first factor they go
// on to the last one at once.

// The pages of ours from which a run without a consent comes, and to which it leads.
const (
	frontPath     = "/psu"
	enterPath     = "/psu/enter/"
	confirmedPath = "/psu/confirmed/"
)

// consentOf is what a run authorises; of one that visits, made up.
func (s *Dispatcher) consentOf(ctx context.Context, r *consent.Run) (*consent.Consent, error) {
	if r.Visits() {
		return r.Visit(), nil
	}
	return s.Store.Get(ctx, r.Consent)
}

// waysIn are where the browser goes for a good and for a bad result of a visit.
func (w *walk) waysIn() (ok, nok string) {
	path := enterPath
	if w.run.Purpose == consent.ForAction {
		path = confirmedPath
	}
	return w.origin + path + w.handle, w.origin + frontPath
}

// halfIn reports whether a visit has stopped between the factors, when the bank did not
// answer for instance: nobody is asked there, whoever looks goes on.
func (w *walk) halfIn() bool { return w.run.Visits() && w.run.Stage == consent.StageReview }

// letIn goes on with a visitor whom the flow knows: anybody who may act for a customer
// of the bank, alone or with others.
func (s *Dispatcher) letIn(ctx context.Context, w *walk) result {
	customers, err := s.Signers.Customers(ctx, w.memo.PSU)
	if err != nil && !errors.Is(err, service.ErrUnknownPSU) { // a flow may know others than the bank does
		return result{w: w, err: service.Unavailable(err)}
	}
	if len(customers) == 0 {
		return s.fail(ctx, w, consent.RunFailed, consent.E(consent.CodeForbidden, "the PSU acts for no customer of the bank"))
	}
	w.memo.Customer = customers[0]
	psu, err := s.Identities.PSU(ctx, w.memo.PSU)
	if err != nil {
		return result{w: w, err: err}
	}
	if err := s.mayConfirm(ctx, w, psu); err != nil {
		return result{w: w, err: err}
	}
	w.known(psu)
	now := s.Now()
	res := s.orFail(ctx, s.change(ctx, w, func(r *consent.Run, c *consent.Consent, sealed []byte) error {
		r.PSU = psu
		r.Progress(consent.StageReview, sealed)
		return c.Identify(r.Authorisation, psu, uuid.Nil, now)
	}))
	if res.err != nil {
		return res
	}
	return s.approve(ctx, res.w, Answer{Approve: true})
}

// seen logs how a visit has ended. No consent keeps an audit of it.
func (s *Dispatcher) seen(ctx context.Context, w *walk) {
	if !w.run.Visits() {
		return
	}
	s.Log.InfoContext(ctx, "visit ended", "run", w.run.ID, "purpose", string(w.run.Purpose), "outcome", string(w.run.Outcome), "psu", w.run.PSU)
}
