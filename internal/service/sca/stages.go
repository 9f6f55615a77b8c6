package sca

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// load reads the run of a handle, with its consent and its memory.
func (s *Dispatcher) load(ctx context.Context, handle string, v Visitor) (*walk, error) {
	r, err := s.Store.Run(ctx, secret.Digest(handle))
	if err != nil {
		return nil, err
	}
	w, err := s.walk(ctx, r, v)
	if err != nil {
		return nil, err
	}
	w.handle, w.origin = handle, v.Origin
	w.former = r.Handle != secret.Digest(handle)
	return w, nil
}

func (s *Dispatcher) walk(ctx context.Context, r *consent.Run, v Visitor) (*walk, error) {
	c, err := s.consentOf(ctx, r)
	if err != nil {
		return nil, err
	}
	c.Settle(s.Now())
	m, err := s.open(r)
	if err != nil {
		return nil, err
	}
	w := &walk{run: r, c: c, memo: m, language: spoken(cmp.Or(v.Chosen, m.Hint.Language, m.Spoken, v.Accepts))}
	w.cause.By = consent.ByPSU
	if r.PSU != uuid.Nil {
		w.known(r.PSU)
	}
	return w, nil
}

// spoken is the language that a list of languages, as browsers and TPPs send it,
// puts first.
func spoken(list string) string {
	tags, _, err := language.ParseAcceptLanguage(list)
	if err != nil || len(tags) == 0 {
		return list
	}
	return tags[0].String()
}

// known says in the audit who the PSU is. What a worker does from there on it
// does on their answer, and a TPP or the bank in their name.
func (w *walk) known(psu uuid.UUID) {
	if w.cause.By == consent.ByTPP || w.cause.By == consent.ByASPSP {
		w.cause.For = psu.String()
		return
	}
	w.cause.By, w.cause.Who = consent.ByPSU, psu.String()
}

// usable tells whether this browser may go on. A consent that ended meanwhile,
// by its TPP for instance, ends its runs too.
func (s *Dispatcher) usable(w *walk, browser consent.Digest) error {
	if err := w.run.Usable(browser, s.Now()); err != nil {
		return err
	}
	if s.Flows[w.run.Flow] == nil {
		return consent.E(consent.CodeExpired, "the link belongs to a former version of the program")
	}
	if !w.c.Status.Pending() {
		return consent.E(consent.CodeExpired, "the consent is %s", w.c.Status)
	}
	w.admitted = true
	return nil
}

// bind gives the run to the browser that answers first, and the authorisation
// the time to finish.
func (s *Dispatcher) bind(ctx context.Context, w *walk, browser consent.Digest) error {
	if w.run.Bound() {
		return nil
	}
	now := s.Now()
	return s.Store.Change(ctx, w.run.ID, func(r *consent.Run, c *consent.Consent) error {
		if err := r.Bind(browser, s.Policy.FinishWithin, now); err != nil {
			return err
		}
		w.run.Browser, w.run.FinishBy = r.Browser, r.FinishBy
		c.Because(w.cause)
		return c.Extend(r.Authorisation, r.FinishBy)
	})
}

// change saves a step of the run, with its memory sealed, unless the run has moved on.
func (s *Dispatcher) change(ctx context.Context, w *walk, step func(r *consent.Run, c *consent.Consent, memo []byte) error) result {
	sealed, err := s.seal(w.run, w.memo)
	if err != nil {
		return result{w: w, err: err}
	}
	stands := w.stands()
	err = s.Store.Change(ctx, w.run.ID, func(r *consent.Run, c *consent.Consent) error {
		if !stands(r) {
			return errMoved
		}
		c.Because(w.cause)
		c.Settle(s.Now())
		if err := step(r, c, sealed); err != nil {
			return err
		}
		w.run, w.c = r, c
		w.answer()
		return nil
	})
	return result{w: w, err: err}
}

// stands makes the question whether a run still is as this walk has found it: at
// the same step, and with the same memory, in which the TPP may have named the PSU.
func (w *walk) stands() func(*consent.Run) bool {
	seq, memory := w.run.Seq, w.run.Memo
	return func(r *consent.Run) bool { return r.Seq == seq && bytes.Equal(r.Memo, memory) }
}

// answer keeps what the caller is told, with the change that brings the walk to
// where it rests. Where nobody is asked to choose or to read, it goes on.
func (w *walk) answer() {
	if w.tell != nil && w.run.Stage != consent.StageAccounts && w.run.Stage != consent.StageReview {
		w.c.Answered(w.tell(w.standing()))
	}
}

// identify finds the customer for whom the PSU acts and the accounts that the
// consent is about. Only what is the customer's to share is ever offered; a
// consent that asks for anything else is rejected, and tells nobody more.
func (s *Dispatcher) identify(ctx context.Context, w *walk, psu string) result {
	w.memo.PSU = psu
	if w.run.Visits() {
		return s.letIn(ctx, w)
	}
	known, err := s.lookUp(ctx, w)
	if consent.CodeOf(err) == consent.CodeCorporate {
		return s.fail(ctx, w, consent.RunFailed, err)
	}
	if errors.Is(err, service.ErrUnknownPSU) && w.cause.By != consent.ByASPSP { // a flow of another directory than the bank's
		known, err = false, nil
	}
	if err != nil {
		return result{w: w, err: service.Unavailable(err)}
	}
	if !known {
		return s.fail(ctx, w, consent.RunFailed, consent.E(consent.CodeForbidden, "the PSU may not sign for this customer"))
	}
	psuID, err := s.Identities.PSU(ctx, psu)
	if err != nil {
		return result{w: w, err: err}
	}
	if err := s.mayConfirm(ctx, w, psuID); err != nil {
		return result{w: w, err: err}
	}
	customerID, err := s.Identities.Customer(ctx, w.memo.Customer.ID)
	if err != nil {
		return result{w: w, err: err}
	}
	offered, complete, err := s.offers(ctx, w.c, w.memo.Customer.ID, customerID)
	if err != nil {
		return result{w: w, err: service.Unavailable(err)}
	}
	w.known(psuID)
	tie := s.tie(w, psuID, customerID)
	if !complete || len(offered) == 0 && w.c.Kind != consent.Connection {
		explain.Note(ctx, "the consent asks for accounts that are not this customer's to share")
		now := s.Now()
		return s.end(ctx, w, consent.RunRefused, consent.E(consent.CodeResourceUnknown, "there are no such accounts to share"),
			func(r *consent.Run, c *consent.Consent) error {
				if err := tie(r, c); err != nil {
					return err
				}
				return c.Refuse(r.Authorisation, consent.BySystem, consent.ReasonNotEntitled, now)
			})
	}
	w.memo.Offered = offered
	next := consent.StageReview
	if w.c.Access.Chosen() && len(w.c.Access.Grants) == 0 {
		next = consent.StageAccounts
	}
	res := s.change(ctx, w, func(r *consent.Run, c *consent.Consent, sealed []byte) error {
		r.PSU, r.Customer = psuID, customerID
		r.Progress(next, sealed)
		s.keepPolled(w, r)
		return tie(r, c)
	})
	return s.orFail(ctx, res)
}

// tie makes the change that ties the authorisation to the PSU who logged in.
func (s *Dispatcher) tie(w *walk, psu, customer uuid.UUID) func(*consent.Run, *consent.Consent) error {
	name, _ := service.Hint{PSU: w.memo.Login}.Digests(s.Keys)
	now := s.Now()
	return func(r *consent.Run, c *consent.Consent) error {
		if err := c.Identify(r.Authorisation, psu, customer, now); err != nil || name == (consent.Digest{}) {
			return err
		}
		return c.LoggedInAs(r.Authorisation, name)
	}
}

// orFail ends the run when the domain says that this PSU cannot go on with it:
// the consent is another customer's, or what they were shown is no longer so.
func (s *Dispatcher) orFail(ctx context.Context, res result) result {
	if errors.Is(res.err, errMoved) {
		return res
	}
	switch consent.CodeOf(res.err) {
	case consent.CodeForbidden, consent.CodeStale:
		return s.fail(ctx, res.w, consent.RunFailed, res.err)
	case consent.CodeStatusInvalid:
		if res.w.cause.By == consent.ByTPP {
			return res
		}
		res.err = consent.E(consent.CodeExpired, "the consent ended meanwhile").Because(res.err)
	}
	return res
}

// lookUp asks the bank for whom the PSU acts and who must sign, and reports
// whether the PSU is among them.
func (s *Dispatcher) lookUp(ctx context.Context, w *walk) (bool, error) {
	customers, err := s.Signers.Customers(ctx, w.memo.PSU)
	if err != nil {
		return false, fmt.Errorf("customers of a PSU: %w", err)
	}
	if len(customers) == 0 {
		return false, nil
	}
	w.memo.Customer = customers[0]
	if hint := w.memo.Hint.Corporate; hint != "" {
		i := slices.IndexFunc(customers, func(x service.Customer) bool { return x.OrganisationID == hint || x.ID == hint })
		if i < 0 {
			return false, consent.At(consent.CodeCorporate, "Header.PSU-Corporate-ID", "names no company for which this PSU may act")
		}
		w.memo.Customer = customers[i]
	}
	w.memo.Signers, err = s.Signers.Signers(ctx, w.memo.Customer.ID)
	if err != nil {
		return false, fmt.Errorf("signers of a customer: %w", err)
	}
	if w.c.Kind == consent.Connection {
		return w.alone(), nil
	}
	return slices.Contains(w.memo.Signers, w.memo.PSU), nil
}

// alone tells whether the PSU may connect a TPP by themselves, and makes them the
// only one who has to agree: anybody may who may act for the customer, but for those
// who can sign only together with others.
func (w *walk) alone() bool {
	if !service.ActsAlone(w.memo.PSU, w.memo.Signers) {
		return false
	}
	w.memo.Signers = []string{w.memo.PSU}
	return true
}

// pick keeps the PSU's choice of accounts.
func (s *Dispatcher) pick(ctx context.Context, w *walk, a Answer) result {
	if len(a.Accounts) == 0 {
		return result{w: w, wrong: true}
	}
	for _, key := range a.Accounts {
		if !slices.ContainsFunc(w.memo.Offered, func(o Offer) bool { return o.Key == key }) {
			return result{w: w, err: consent.E(consent.CodeForbidden, "an account that was not offered")}
		}
	}
	w.memo.Picked = a.Accounts
	return s.change(ctx, w, func(r *consent.Run, _ *consent.Consent, sealed []byte) error {
		r.Step(consent.StageReview, sealed)
		s.keepPolled(w, r)
		return nil
	})
}

// approve takes the PSU's yes: on to the last factor, or to the end. A visitor has
// nothing to say yes to.
func (s *Dispatcher) approve(ctx context.Context, w *walk, a Answer) result {
	if !a.Approve && !w.run.Visits() {
		return result{w: w} // neither yes nor no: show it again
	}
	w.run.Approved = true
	if w.memo.Authenticated || s.exempt(w) {
		return s.finish(ctx, w)
	}
	if err := s.mayConfirm(ctx, w, w.run.PSU); err != nil {
		return result{w: w, err: err}
	}
	step, err := s.ask(ctx, w, flow.Input{Kind: flow.Approved})
	if err != nil {
		return result{w: w, err: err}
	}
	return s.apply(ctx, w, step)
}

// exempt tells whether the bank lets the walk do without the last factor (XS2A IG
// 1.3.x, scaStatus exempted): that of a one-off consent to the list of accounts,
// whose PSU has shown another factor on a form. Away from any, in the bank's app for
// instance, nobody has.
func (s *Dispatcher) exempt(w *walk) bool {
	list := w.c.Access.Scope == consent.ScopeAvailable || w.c.Access.Scope == consent.ScopeAvailableBalances
	return s.Policy.ExemptAvailable && list && !w.c.Recurring && w.c.Kind == consent.AccountAccess && w.memo.Proved
}

// finish makes the consent valid, or partially authorised, and ends what it
// replaces, in one transaction.
func (s *Dispatcher) finish(ctx context.Context, w *walk) result {
	if w.run.Visits() {
		return s.orFail(ctx, s.conclude(ctx, w, consent.Agreement{Signers: []uuid.UUID{w.run.PSU}}))
	}
	signers := make([]uuid.UUID, len(w.memo.Signers))
	for i, ref := range w.memo.Signers {
		id, err := s.Identities.PSU(ctx, ref)
		if err != nil {
			return result{w: w, err: err}
		}
		signers[i] = id
	}
	grants, err := s.grants(ctx, w)
	if err != nil {
		return result{w: w, err: err}
	}
	agreed := consent.Agreement{
		Customer: w.run.Customer, Grants: grants, Signers: signers, Exempted: !w.memo.Authenticated && s.exempt(w),
		Terms: w.memo.terms(),
	}
	if s.Policy.Confirmation && w.approach() == consent.Redirect && !w.forTokens() {
		return s.hold(ctx, w, agreed)
	}
	return s.orFail(ctx, s.conclude(ctx, w, agreed))
}

// conclude makes the consent what an agreement makes it, and ends the run.
func (s *Dispatcher) conclude(ctx context.Context, w *walk, agreed consent.Agreement) result {
	stands, now := w.stands(), s.Now()
	err := s.Store.Finish(ctx, w.run.ID, now, func(r *consent.Run, c *consent.Consent, former []*consent.Consent) error {
		if !stands(r) {
			return errMoved
		}
		c.Because(w.cause)
		c.Settle(now)
		if err := c.Authorise(r.Authorisation, agreed, now); err != nil {
			return err
		}
		r.Approved = true
		r.End(consent.RunDone, now)
		r.Returned = !w.byWorker
		w.run, w.c = r, c
		w.answer()
		if s.Policy.MultipleConsents {
			return nil
		}
		return c.Supersede(former, now)
	})
	if err == nil {
		explain.Note(ctx, "consent %s is %s", w.c.ID, w.c.Status)
		s.seen(ctx, w)
	}
	return result{w: w, err: err}
}
