package persona

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"consentd/pkg/sca"
)

// The keys under which a PSU's factors lie in the store.
const (
	keyApp      = "totp"
	keyPasskeys = "passkeys"
)

// usesKept is how many uses of a factor are remembered: more than the time steps
// in which a code of an app counts, and enough calls that may yet be repeated.
const usesKept = 8

// verdict is what becomes of a code, or a signature, that was presented.
type verdict int

const (
	refuse   verdict = iota
	stale            // it was right once
	repeated         // it is right, and this call has used it before
	accept
)

// use is one that was judged right.
type use struct {
	Mark int64  `json:"mark"` // the time step of an app's code, the counter of a passkey
	By   string `json:"by"`   // StepKey of the call
}

// used appends a use, and forgets those of long ago.
func used(uses []use, u use) []use {
	uses = append(uses, u)
	return uses[max(len(uses)-usesKept, 0):]
}

// read reads a factor of a PSU; nil when there is none.
func read[T any](ctx context.Context, store sca.Store, psu, key string) (*T, error) {
	v, _, err := load[T](ctx, store, psu, key)
	return v, err
}

func load[T any](ctx context.Context, store sca.Store, psu, key string) (*T, []byte, error) {
	raw, err := store.Get(ctx, psu, key)
	if err != nil || raw == nil {
		return nil, nil, err
	}
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, nil, fmt.Errorf("what is kept as %s cannot be read", key) // the cause may quote a key
	}
	return v, raw, nil
}

// overtakings is how often a change begins anew because another run of the same
// PSU changed the factor meanwhile.
const overtakings = 20

var errOvertaken = errors.New("other runs keep changing what is kept")

// amend changes a factor of a PSU. judge is given what is kept, nil for nothing,
// may change it or make one, and returns what to keep; nil to leave things as
// they are. It runs again when another run came between.
func amend[T any](ctx context.Context, store sca.Store, psu, key string, judge func(*T) (*T, error)) error {
	for range overtakings {
		v, old, err := load[T](ctx, store, psu, key)
		if err != nil {
			return err
		}
		if v, err = judge(v); err != nil || v == nil {
			return err
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode what is kept: %w", err)
		}
		if swapped, err := store.Swap(ctx, psu, key, old, raw); err != nil || swapped {
			return err
		}
	}
	return fmt.Errorf("%s: %w", key, errOvertaken)
}
