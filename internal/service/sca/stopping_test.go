package sca_test

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// stopping is a store that is gone as soon as a run stands at a stage, as it is
// for a program that is killed there.
type stopping struct {
	sca.Store
	stage consent.Stage
	gone  bool
}

var errGone = errors.New("the program was stopped")

func (s *stopping) Change(ctx context.Context, run uuid.UUID, change func(*consent.Run, *consent.Consent) error) error {
	if s.gone {
		return errGone
	}
	var at consent.Stage
	err := s.Store.Change(ctx, run, func(r *consent.Run, c *consent.Consent) error {
		err := change(r, c)
		at = r.Stage
		return err
	})
	s.gone = err == nil && at == s.stage
	return err
}

func (s *stopping) Finish(ctx context.Context, run uuid.UUID, now time.Time, change func(*consent.Run, *consent.Consent, []*consent.Consent) error) error {
	if s.gone {
		return errGone
	}
	return s.Store.Finish(ctx, run, now, change)
}

// stopAt lets the program be stopped in a call, right after it has reached a stage.
func (b *bundle) stopAt(stage consent.Stage, call func() error) {
	b.t.Helper()
	store := b.walks.Store
	b.walks.Store = &stopping{Store: store, stage: stage}
	require.ErrorIs(b.t, call(), errGone)
	b.walks.Store = store
}
