package register

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// Store is what the register needs of storage. Implementations pass storagetest.
type Store interface {
	Ender
	// Standing reads what admitting a TPP needs: its certificate, its block, and
	// since when it is known; for one without a row, nothing but the id. Look-ups
	// that wait at the same moment share a statement.
	Standing(ctx context.Context, id string) (*TPP, error)
	// TPP reads a row. Fails with CodeNotFound.
	TPP(ctx context.Context, id string) (*TPP, error)
	// TPPs reads those that fit a filter at now, in the order of their ids.
	TPPs(ctx context.Context, f Filter, now time.Time) ([]TPP, error)
	// Clients reads those TPPs that have a text as their id or as their
	// organizationIdentifier, at most two. One that has neither an organisation nor
	// redirect URIs counts only where it is alone.
	Clients(ctx context.Context, clientID string) ([]TPP, error)
	// ChangeTPP applies change to a TPP, which is new to it when it has nothing but
	// an id, and writes the row together with the entry that change returns, at the
	// end of the TPP's chain. Without an entry nothing is written. change may run
	// more than once, so it must have no other effect; its error is returned as it
	// is. Two that change one TPP come one after the other.
	ChangeTPP(ctx context.Context, id string, change func(*TPP) (*consent.Entry, error)) (*TPP, error)
	// History reads a chain of the audit from its first entry.
	History(ctx context.Context, chain string) ([]consent.Entry, error)
}

// Register holds the use cases.
type Register struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger

	once  sync.Once
	shown *lru.Cache[showing, struct{}]
}

// showing is a certificate that a TPP has shown, to this process or another,
// and that is not the newest.
type showing struct{ id, certificate string }

// remembered bounds the showings that a process keeps. A TPP has few
// certificates at a time.
const remembered = 4096

// Filter says which TPPs are listed.
type Filter struct {
	Blocked *bool  // nil: whether or not
	Text    string // part of the id or the name, whatever its capitals; empty: all
	After   string // ids that follow this one; empty: from the first
	Limit   int    // at most that many; 0: 50
}

const defaultLimit = 50

// Chain is the name of a TPP's chain in the audit.
func Chain(id string) string { return "tpp/" + id }

// What the entries of a TPP's chain say: between which states it moved, and why.
// A block that has run out is one until it is lifted.
const (
	stateKnown   = "known"
	stateBlocked = "blocked"

	reasonEntered     = "entered"
	reasonCertificate = "certificate" // it showed one for the first time
	reasonUnblocked   = "unblocked"
)

// Admit lets a call of a TPP in. The first one enters it; a certificate that it
// has not shown before is noted, and the row takes over the name and the roles
// that stand there. requestID is the X-Request-ID of the call, empty where it has
// none. Fails with CodeCertificateBlocked, and with CodeUnavailable when nobody can
// tell.
func (r *Register) Admit(ctx context.Context, t TPP, requestID string) error {
	now := r.Now()
	standing, err := r.Store.Standing(ctx, t.ID)
	if err != nil {
		return err
	}
	if standing.Blocked(now) {
		explain.Refuse(ctx, "register: %s is blocked by the bank", t.ID)
		return errBlocked()
	}
	explain.Note(ctx, "register: %s is not blocked", t.ID)
	news, err := r.news(ctx, standing, &t)
	if err != nil || !news {
		return err
	}
	_, err = r.Store.ChangeTPP(ctx, t.ID, func(row *TPP) (*consent.Entry, error) {
		if row.Blocked(now) {
			explain.Refuse(ctx, "register: %s has just been blocked by the bank", t.ID)
			return nil, errBlocked()
		}
		from, reason := row.State(), row.meet(&t, now)
		if reason == "" {
			return nil, nil //nolint:nilnil // no entry, nothing to write: another call was first
		}
		return &consent.Entry{
			At: now, From: from, To: row.State(), Reason: reason,
			Cause: consent.Cause{By: consent.ByTPP, Who: t.ID, Certificate: t.Certificate, RequestID: requestID},
		}, nil
	})
	if err == nil {
		explain.Note(ctx, "register: %s is entered now, or its new certificate is", t.ID)
	}
	return err
}

func errBlocked() error {
	return consent.E(consent.CodeCertificateBlocked, "the bank has blocked this TPP")
}

// news reports whether a call tells anything that the register does not know.
func (r *Register) news(ctx context.Context, standing, t *TPP) (bool, error) {
	if standing.FirstSeen.IsZero() {
		return true, nil
	}
	if t.Certificate == "" || t.Certificate == standing.Certificate {
		return false, nil
	}
	shown := r.showings()
	if _, known := shown.Get(showing{t.ID, t.Certificate}); known {
		return false, nil
	}
	// Once per process: another one, or this one before it was started again, may
	// have noted the certificate, and then it is not the newest.
	entries, err := r.Store.History(ctx, Chain(t.ID))
	if err != nil {
		return false, err
	}
	before := slices.ContainsFunc(entries, func(e consent.Entry) bool {
		return e.By == consent.ByTPP && e.Certificate == t.Certificate
	})
	if before {
		shown.Add(showing{t.ID, t.Certificate}, struct{}{})
	}
	return !before, nil
}

func (r *Register) showings() *lru.Cache[showing, struct{}] {
	r.once.Do(func() {
		r.shown, _ = lru.New[showing, struct{}](remembered) // fails for sizes below one only
	})
	return r.shown
}

// meet takes over what a call tells, and says what that is; empty for nothing.
func (t *TPP) meet(call *TPP, now time.Time) (reason string) {
	switch {
	case t.FirstSeen.IsZero():
		t.FirstSeen, reason = now, reasonEntered
	case call.Certificate == "" || call.Certificate == t.Certificate:
		return ""
	default:
		reason = reasonCertificate
	}
	t.Name, t.Organisation, t.NCAID, t.NCAName = call.Name, call.Organisation, call.NCAID, call.NCAName
	t.Roles, t.Certificate, t.CertificateSeen = call.Roles, call.Certificate, time.Time{}
	if t.Certificate != "" {
		t.CertificateSeen = now
	}
	return reason
}

// Enter enters a TPP that a hub brings, and that may never call itself: what is known
// of it is its id and a name. The entry says who has brought it; there is none where it
// was entered before. Fails with CodeCertificateBlocked.
func (t *TPP) Enter(name string, cause consent.Cause, now time.Time) (*consent.Entry, error) {
	if t.Blocked(now) {
		return nil, errBlocked()
	}
	if !t.FirstSeen.IsZero() {
		return nil, nil //nolint:nilnil // no entry, nothing to write
	}
	from := t.State()
	t.FirstSeen, t.Name = now, name
	return &consent.Entry{At: now, Cause: cause, From: from, To: t.State(), Reason: reasonEntered}, nil
}

// List reads the TPPs that fit a filter, in the order of their ids. Fails with
// CodeFormat.
func (r *Register) List(ctx context.Context, f Filter) ([]TPP, error) {
	if !storable(f.Text) {
		return nil, consent.At(consent.CodeFormat, "text", "must be text")
	}
	if !storable(f.After) {
		return nil, consent.At(consent.CodeFormat, "after", "must be the id of a TPP")
	}
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	now := r.Now()
	list, err := r.Store.TPPs(ctx, f, now)
	for i := range list {
		list[i].settle(now)
	}
	return list, err
}

// Get reads one TPP. Fails with CodeNotFound.
func (r *Register) Get(ctx context.Context, id string) (*TPP, error) {
	if !storable(id) {
		return nil, errUnknown()
	}
	t, err := r.Store.TPP(ctx, id)
	if consent.CodeOf(err) == consent.CodeNotFound {
		return nil, errUnknown()
	}
	if err != nil {
		return nil, err
	}
	t.settle(r.Now())
	return t, nil
}

func errUnknown() error { return consent.E(consent.CodeNotFound, "no such TPP") }

// settle leaves out a block that has run out.
func (t *TPP) settle(now time.Time) {
	if !t.Blocked(now) {
		t.Block = nil
	}
}
