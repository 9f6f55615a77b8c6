package access

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

// maxShares is how many consents are remembered until they are written.
const maxShares = 10_000

// shares are when data was shared last by which consent, until it is written: one
// statement for many consents instead of one for each read.
type shares struct {
	mu sync.Mutex
	at map[uuid.UUID]time.Time
}

// shared remembers that data is shared by a consent. Where too much is remembered
// it is written at once; that this fails is no reason to refuse a read, and what is
// remembered stays.
func (a *Access) shared(ctx context.Context, id uuid.UUID, now time.Time) {
	if a.shares.add(id, now) {
		_ = a.Flush(context.WithoutCancel(ctx)) // the next one tells
	}
}

// Flush writes what was shared when. It is called every so often, and when the
// program stops, so that nothing is lost then; what cannot be written is kept for
// the next time.
func (a *Access) Flush(ctx context.Context) error {
	at := a.shares.take()
	if len(at) == 0 {
		return nil
	}
	err := a.Store.NoteShared(ctx, at)
	if err != nil {
		for id, t := range at {
			a.shares.add(id, t)
		}
	}
	return err
}

// add remembers when, the latest of each consent, and reports whether it is time
// to write.
func (s *shares) add(id uuid.UUID, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[uuid.UUID]time.Time{}
	}
	if at.After(s.at[id]) {
		s.at[id] = at
	}
	return len(s.at) >= maxShares
}

func (s *shares) take() map[uuid.UUID]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at
	s.at = nil
	return at
}
