package sandbox

import (
	"context"
	"encoding/json"
	"fmt"

	"consentd/pkg/sca"
)

// load reads a list from a store; nil when there is none.
func load[T any](ctx context.Context, store sca.Store, psu, key string) ([]T, error) {
	list, _, err := loadRaw[T](ctx, store, psu, key)
	return list, err
}

// loadRaw reads a list, and what it is made of.
func loadRaw[T any](ctx context.Context, store sca.Store, psu, key string) (list []T, raw []byte, err error) {
	raw, err = store.Get(ctx, psu, key)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s of the sandbox: %w", key, err)
	}
	if raw == nil {
		return nil, nil, nil
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, nil, fmt.Errorf("decode %s of the sandbox: %w", key, err)
	}
	return list, raw, nil
}

// change reads a list, lets edit change it, and writes it, unless somebody else
// has written in between: then it begins anew. So two programs over one database
// lose nothing. edit may be run again and must have no other effect; its error
// leaves the list as it is.
func change[T any](ctx context.Context, store sca.Store, psu, key string, edit func([]T) ([]T, error)) error {
	for {
		list, old, err := loadRaw[T](ctx, store, psu, key)
		if err != nil {
			return err
		}
		if list, err = edit(list); err != nil {
			return err
		}
		raw, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("encode %s of the sandbox: %w", key, err)
		}
		swapped, err := store.Swap(ctx, psu, key, old, raw)
		if err != nil {
			return fmt.Errorf("write %s of the sandbox: %w", key, err)
		}
		if swapped {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("write %s of the sandbox: %w", key, err)
		}
	}
}

// save writes a list to a store, over what is there.
func save[T any](ctx context.Context, store sca.Store, psu, key string, list []T) error {
	raw, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("encode %s of the sandbox: %w", key, err)
	}
	if err := store.Put(ctx, psu, key, raw); err != nil {
		return fmt.Errorf("write %s of the sandbox: %w", key, err)
	}
	return nil
}
