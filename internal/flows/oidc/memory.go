package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// slots is how many exchanges are noted at most. A note that is overwritten
	// too early costs a PSU whose call is repeated another log-in.
	slots = 1024
	// notedFor is how long a call may be repeated.
	notedFor = 15 * time.Minute
	// patience is how long a call waits for what the same call, made at the same
	// time, finds out; it looks again each glance.
	patience = 2 * time.Second
	glance   = 100 * time.Millisecond
)

// noted is what a slot holds.
type noted struct {
	Call  string    `json:"call"` // a digest of the StepKey and the code
	PSU   string    `json:"psu"`
	Until time.Time `json:"until"`
}

// slot is where the note about a trip lies, and what names the trip there.
func (t trip) slot() (key, call string) {
	sum := sha256.Sum256([]byte(t.key))
	return fmt.Sprintf("exchange %d", binary.BigEndian.Uint32(sum[:])%slots), digest(fmt.Sprintf("%q %q", t.key, t.code))
}

// recall returns whom the same call named before; nobody if it was not made.
// Notes belong to no PSU, since none is known when they are looked for.
func (f *Flow) recall(ctx context.Context, t trip) (string, error) {
	key, call := t.slot()
	raw, err := f.cfg.Store.Get(ctx, "", key)
	if err != nil {
		return "", fmt.Errorf("look for a former exchange: %w", err)
	}
	if raw == nil {
		return "", nil
	}
	var n noted
	if err := json.Unmarshal(raw, &n); err != nil {
		return "", errors.New("look for a former exchange: not a note of this flow") // the cause may quote it
	}
	if !equal(n.Call, call) || !f.cfg.Now().Before(n.Until) {
		return "", nil
	}
	return n.PSU, nil
}

// overhear returns whom the same call names that spent the code just now, as where
// a PSU loads the page of the return twice. Fails with errSpent if there is none.
func (f *Flow) overhear(ctx context.Context, t trip) (string, error) {
	for range patience / glance {
		if psu, err := f.recall(ctx, t); err != nil || psu != "" {
			return psu, err
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for another call: %w", ctx.Err())
		case <-time.After(glance):
		}
	}
	return "", errSpent
}

// note keeps whom an exchange named.
func (f *Flow) note(ctx context.Context, t trip, psu string) error {
	key, call := t.slot()
	raw, err := json.Marshal(noted{Call: call, PSU: psu, Until: f.cfg.Now().Add(notedFor)})
	if err != nil {
		return fmt.Errorf("encode a note: %w", err)
	}
	if err := f.cfg.Store.Put(ctx, "", key, raw); err != nil {
		return fmt.Errorf("note an exchange: %w", err)
	}
	return nil
}
