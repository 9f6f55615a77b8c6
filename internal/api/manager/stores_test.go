package manager_test

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/office"
	"consentd/internal/service/payments"
)

// log keeps payments.
type log struct {
	staging *memory
	now     func() time.Time
	failed  error
}

func (l *log) Record(_ context.Context, _ consent.Cause, p consent.Payment) (*consent.Payment, bool, error) {
	for _, r := range l.staging.all {
		if r.ID != p.Consent {
			continue
		}
		for i := range r.Payments {
			if r.Payments[i].Key == p.Key {
				return &r.Payments[i], false, nil
			}
		}
		p.ID = uuid.New()
		if err := r.Pay(&p, r.Payments, time.UTC, l.now()); err != nil {
			return nil, false, err
		}
		r.Payments = append(r.Payments, p)
		return &p, true, nil
	}
	return nil, false, consent.E(consent.CodeNotFound, "no such consent")
}

func (l *log) Follow(_ context.Context, _ consent.Cause, id uuid.UUID, report payments.Report) (*consent.Payment, error) {
	for _, r := range l.staging.all {
		for i := range r.Payments {
			p := &r.Payments[i]
			if p.ID != id {
				continue
			}
			through := p.Status.Final()
			if err := r.FollowPayment(p, report.Status, r.Payments, time.UTC, l.now()); err != nil {
				return nil, err
			}
			p.TransactionID, p.Rejections = report.TransactionID, append(p.Rejections, report.Rejections...)
			if report.Edit == nil {
				return p, nil
			}
			var err error
			p.Origin, err = report.Edit(p.Origin, through)
			return p, err
		}
	}
	return nil, consent.E(consent.CodeResourceUnknown, "no such payment")
}

func (l *log) Of(_ context.Context, id uuid.UUID) ([]consent.Payment, error) {
	for _, r := range l.staging.all {
		if r.ID == id {
			return r.Payments, nil
		}
	}
	return nil, l.failed
}

// desk is the back office.
type desk struct {
	staging *memory
	now     func() time.Time
	looked  []string
	causes  []consent.Cause
	acts    []office.Act
	open    []office.Proposal
	four    bool
	failed  error
}

func (d *desk) FourEyesOn() bool { return d.four }

func (d *desk) Do(_ context.Context, cause consent.Cause, a office.Act) (office.Outcome, error) {
	d.acts = append(d.acts, a)
	if d.failed != nil {
		return office.Outcome{}, d.failed
	}
	if d.four {
		p := office.Proposal{ID: uuid.New(), Act: a, ProposedBy: cause.Who, ProposedAt: d.now(), State: office.Open}
		d.open = append(d.open, p)
		return office.Outcome{Proposal: p.ID}, nil
	}
	for _, r := range d.staging.all {
		if !slices.Contains(a.Consents, r.ID) {
			continue
		}
		err := map[office.Verb]func() error{
			office.Suspend: func() error { return r.Suspend(a.Reason, d.now()) },
			office.Resume:  func() error { return r.Resume(d.now()) },
			office.Revoke:  func() error { return r.Revoke(a.Reason, d.now()) },
		}[a.Verb]()
		if err != nil {
			return office.Outcome{}, err
		}
	}
	return office.Outcome{Count: max(len(a.Consents), 3)}, nil
}

func (d *desk) Open(context.Context) ([]office.Proposal, error) { return d.open, d.failed }

func (d *desk) Decide(_ context.Context, cause consent.Cause, id uuid.UUID, how office.State) (*office.Proposal, error) {
	for i := range d.open {
		p := &d.open[i]
		if p.ID == id {
			if how != office.Withdrawn || p.ProposedBy != cause.Who {
				return nil, consent.E(consent.CodeForbidden, "only who has proposed it may withdraw it")
			}
			p.State, p.DecidedBy, p.DecidedAt = how, cause.Who, d.now()
			return p, nil
		}
	}
	return nil, consent.E(consent.CodeNotFound, "no such proposal")
}

func (d *desk) Looked(_ context.Context, cause consent.Cause, what string) error {
	d.looked, d.causes = append(d.looked, what), append(d.causes, cause)
	return d.failed
}
