package access

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// maxShares is how many consents are remembered before somebody writes them
	// without waiting for the job.
	maxShares = 10_000
	// mostShares is how many are remembered while they cannot be written; of consents
	// beyond it the time is lost, and the next read of theirs has another one.
	mostShares = 10 * maxShares
	// sharesPatience is how long a read may be held up by writing.
	sharesPatience = 2 * time.Second
)

// shares are when data was shared last by which consent, until it is written: one
// statement for many consents instead of one for each read.
type shares struct {
	mu sync.Mutex
	at map[uuid.UUID]time.Time
	// flushing is held by the read that writes.
	flushing sync.Mutex
}

// shared remembers that data is shared by a consent. Where much is remembered one
// read writes it; that this fails is no reason to refuse it, what is remembered
// stays, and the job says in the log what is wrong.
func (a *Access) shared(ctx context.Context, id uuid.UUID, now time.Time) {
	if !a.shares.add(id, now) || !a.shares.flushing.TryLock() {
		return
	}
	defer a.shares.flushing.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharesPatience)
	defer cancel()
	_ = a.Flush(ctx)
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
// to write: at maxShares, and while that fails every thousand after.
func (s *shares) add(id uuid.UUID, at time.Time) (due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[uuid.UUID]time.Time{}
	}
	known, ok := s.at[id]
	if !ok && len(s.at) >= mostShares {
		return false
	}
	if at.After(known) {
		s.at[id] = at
	}
	return !ok && len(s.at) >= maxShares && len(s.at)%1000 == 0
}

func (s *shares) take() map[uuid.UUID]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at
	s.at = nil
	return at
}
