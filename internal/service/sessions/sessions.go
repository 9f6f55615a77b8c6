package sessions

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
)

const (
	// Idle is for how long a session usually lasts without a request (RTS 2018/389 art. 4(3)(d)).
	Idle = 5 * time.Minute
	// Lifetime is for how long it lasts in any case.
	Lifetime = time.Hour
	// recent is for how long the end of a walk counts.
	recent = 5 * time.Minute
	// rounding is how exactly is known when a session was seen.
	rounding = time.Minute
	// kept is for how long walks and sessions are kept that are over. It is longer than
	// recent: no walk opens a second session when the first is forgotten.
	kept = time.Hour
)

// Sessions holds the use cases.
type Sessions struct {
	Store   Store
	Runs    Runs
	Signers service.Signers
	Keys    *secret.Keys
	Now     func() time.Time
	// Idle and Lifetime override the usual ones; zero does not.
	Idle, Lifetime time.Duration
}

// Visitor is a PSU who is logged in.
type Visitor struct {
	PSU    uuid.UUID
	BankID string // the bank's id of them
	Name   string // empty where the bank does not say
}

// Begin opens the walk of a log-in, and returns the handle of its page. Texts are in
// language (BCP 47), unless the person has chosen another. Fails with CodeNotSupported
// where no flow leads through pages of ours.
func (s *Sessions) Begin(ctx context.Context, language string) (handle string, err error) {
	return s.open(ctx, uuid.Nil, service.Opening{Purpose: consent.ForLogin, Hint: service.Hint{Language: language}})
}

// Confirm opens the walk by which a visitor, and nobody else, confirms what they do,
// as it is worded to them. It returns the handle of its page. Fails like Begin.
func (s *Sessions) Confirm(ctx context.Context, v Visitor, what, language string) (handle string, err error) {
	return s.open(ctx, s.act(v, what), service.Opening{
		Purpose: consent.ForAction, Hint: service.Hint{Language: language}, PSU: v.BankID, What: what,
	})
}

// act names what a visitor confirms, and says nothing of it.
func (s *Sessions) act(v Visitor, what string) uuid.UUID {
	return uuid.UUID(s.Keys.MAC("act of a psu", v.PSU[:], []byte(what))[:16])
}

func (s *Sessions) open(ctx context.Context, act uuid.UUID, o service.Opening) (string, error) {
	o.Approach, o.At = consent.Redirect, s.Now()
	opened, err := s.Runs.New(o)
	if err != nil {
		return "", err //nolint:wrapcheck // says which
	}
	if opened.Run.Flow == "" || s.Runs.Link(opened.Handle) != "" {
		return "", consent.E(consent.CodeNotSupported, "nobody can be authenticated on pages of ours here")
	}
	opened.Run.Authorisation = act
	if err := s.Store.AddVisit(ctx, opened.Run); err != nil {
		return "", err
	}
	return opened.Handle, nil
}

// Enter opens a session after a log-in, and returns what the browser is to show from now
// on. Fails with CodeNotFound for no log-in, CodeForbidden for one that has not ended
// well, or in another browser, CodeExpired for one that ended too long ago, and with
// CodeUsed for one that has opened a session.
func (s *Sessions) Enter(ctx context.Context, handle, browser string) (cookie string, err error) {
	run, err := s.through(ctx, handle, browser, consent.ForLogin)
	if err != nil {
		return "", err
	}
	fresh, now := secret.Handle(), s.Now()
	err = s.Store.AddSession(ctx, Session{
		Key: secret.Digest(fresh), Run: run.ID, PSU: run.PSU, CreatedAt: now, SeenAt: now, EndsAt: now.Add(cmp.Or(s.Lifetime, Lifetime)),
	})
	if err != nil {
		return "", err
	}
	return fresh, nil
}

// Confirmed tells whether a visitor has just confirmed what they do, in this browser. It
// may be asked again, for as long as it counts. Fails with CodeNotFound for no
// confirmation, CodeForbidden for one of something else, by somebody else, in another
// browser, or that has not ended well, and with CodeExpired for one that ended too long
// ago.
func (s *Sessions) Confirmed(ctx context.Context, v Visitor, handle, browser, what string) error {
	run, err := s.through(ctx, handle, browser, consent.ForAction)
	if err != nil {
		return err
	}
	if run.PSU != v.PSU || run.Authorisation != s.act(v, what) {
		return consent.E(consent.CodeForbidden, "something else was confirmed")
	}
	return nil
}

// through is the run of a walk for a purpose that has just ended well, in this browser.
func (s *Sessions) through(ctx context.Context, handle, browser string, purpose consent.Purpose) (*consent.Run, error) {
	run, err := s.Store.Run(ctx, secret.Digest(handle))
	switch {
	case err != nil:
		return nil, err
	case run.Purpose != purpose:
		return nil, consent.E(consent.CodeNotFound, "not known")
	case !run.Bound() || run.Browser != secret.Digest(browser):
		return nil, consent.E(consent.CodeForbidden, "this link belongs to another browser")
	case run.Outcome != consent.RunDone:
		return nil, consent.E(consent.CodeForbidden, "nobody has been authenticated")
	case !s.Now().Before(run.EndedAt.Add(recent)):
		return nil, consent.E(consent.CodeExpired, "this link has expired")
	}
	return run, nil
}

// Who is the visitor to whom a browser shows what it was given. That counts as something
// that they do. Fails with CodeUnauthenticated for a session that is none, or has ended,
// and for somebody whom the bank does not know any more.
func (s *Sessions) Who(ctx context.Context, cookie string) (*Visitor, error) {
	now := s.Now()
	session, err := s.current(ctx, cookie, now)
	if err != nil {
		return nil, err
	}
	known, err := s.Store.BankIDs(ctx, []uuid.UUID{session.PSU})
	if err != nil {
		return nil, err
	}
	v := &Visitor{PSU: session.PSU, BankID: known[session.PSU]}
	if v.BankID == "" {
		return nil, errNobody()
	}
	if v.Name, err = s.name(ctx, v.BankID); err != nil {
		return nil, err
	}
	if !now.Before(session.SeenAt.Add(rounding)) {
		if err := s.Store.SeeSession(ctx, session.Key, now); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func errNobody() error { return consent.E(consent.CodeUnauthenticated, "nobody is logged in") }

// current is the session of a browser, if it goes on.
func (s *Sessions) current(ctx context.Context, cookie string, now time.Time) (*Session, error) {
	session, err := s.Store.Session(ctx, secret.Digest(cookie))
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		return nil, errNobody()
	case err != nil:
		return nil, err
	case !now.Before(session.EndsAt) || !now.Before(session.SeenAt.Add(cmp.Or(s.Idle, Idle))):
		return nil, errNobody()
	}
	return session, nil
}

// name is what the bank calls a PSU who is a customer themselves; empty for others, and
// while it does not answer. Fails with CodeUnauthenticated for somebody who acts for
// nobody, or not any more.
func (s *Sessions) name(ctx context.Context, psu string) (string, error) {
	customers, err := s.Signers.Customers(ctx, psu)
	if errors.Is(err, service.ErrUnknownPSU) || err == nil && len(customers) == 0 {
		return "", errNobody()
	}
	for _, c := range customers {
		if c.ID == psu {
			return c.Name, nil
		}
	}
	return "", nil
}

// Leave ends the session of a browser. One that is none is no error.
func (s *Sessions) Leave(ctx context.Context, cookie string) error {
	return s.Store.EndSession(ctx, secret.Digest(cookie), s.Now())
}

// Forget removes walks and sessions that are over, at most limit of both together, and
// returns how many it was.
func (s *Sessions) Forget(ctx context.Context, limit int) (int, error) {
	by := s.Now().Add(-kept)
	n, err := s.Store.ForgetSessions(ctx, by, limit)
	if err != nil || n >= limit {
		return n, err
	}
	m, err := s.Store.ForgetVisits(ctx, by, limit-n)
	return n + m, err
}
