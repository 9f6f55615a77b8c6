package sessions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Session is somebody who is logged in, in one browser.
type Session struct {
	Key       consent.Digest // of what the browser shows
	Run       uuid.UUID      // by which they have logged in
	PSU       uuid.UUID
	CreatedAt time.Time
	SeenAt    time.Time // at most a minute late
	EndsAt    time.Time // whatever they do
}

// Store is what these use cases need of storage. Implementations pass storagetest.
type Store interface {
	// AddVisit writes a run that is of no consent.
	AddVisit(ctx context.Context, run *consent.Run) error
	// Run reads a run by the digest of its handle. Fails with CodeNotFound.
	Run(ctx context.Context, handle consent.Digest) (*consent.Run, error)
	// AddSession keeps a session. Fails with CodeUsed where its run has opened one.
	AddSession(ctx context.Context, s Session) error
	// Session reads one by its key, ended or not. Fails with CodeNotFound.
	Session(ctx context.Context, key consent.Digest) (*Session, error)
	// SeeSession notes that a session was seen, unless later times are known.
	SeeSession(ctx context.Context, key consent.Digest, at time.Time) error
	// EndSession lets it end at an instant, unless it ends before; one that is not there
	// is no error. It is kept for a time, so that its run opens no other.
	EndSession(ctx context.Context, key consent.Digest, at time.Time) error
	// ForgetSessions removes at most limit of those that have ended by then, and returns
	// how many it was.
	ForgetSessions(ctx context.Context, by time.Time, limit int) (int, error)
	// ForgetVisits does so with runs that are of no consent, and have ended, or could not
	// go on, by then. Those of which a flow has yet to be told stay.
	ForgetVisits(ctx context.Context, by time.Time, limit int) (int, error)
	// BankIDs turns our ids of PSUs back into the bank's. Those that are not known are
	// left out.
	BankIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}

// Runs makes runs.
type Runs interface {
	// New makes a run that is not written yet.
	New(o service.Opening) (service.Opened, error)
	// Link is where a browser is sent that walks on pages of the bank's own; empty where
	// it walks on ours.
	Link(handle string) string
}
