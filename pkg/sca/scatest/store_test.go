package scatest_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/sca/scatest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var s scatest.Store

	value, err := s.Get(ctx, toyPSU, "passkeys")
	require.NoError(t, err)
	assert.Nil(t, value)

	kept := []byte("one")
	require.NoError(t, s.Put(ctx, toyPSU, "passkeys", kept))
	kept[0] = 'X' // the caller's own from then on
	for _, other := range [][2]string{{"psu-2", "passkeys"}, {toyPSU, "totp"}} {
		value, err = s.Get(ctx, other[0], other[1])
		require.NoError(t, err)
		assert.Nil(t, value, other)
	}

	for _, c := range []struct {
		key, old, value string
		nothing, want   bool // nothing: old is nil
	}{
		{key: "passkeys", nothing: true, value: "two"},
		{key: "passkeys", old: "none", value: "two"},
		{key: "passkeys", old: "one", value: "two", want: true},
		{key: "passkeys", old: "one", value: "three"},
		{key: "totp", old: "", value: "1"},
		{key: "totp", nothing: true, value: "", want: true},
		{key: "totp", nothing: true, value: "1"},
		{key: "totp", old: "", value: "1", want: true},
	} {
		old := []byte(c.old)
		if c.nothing {
			old = nil
		}
		swapped, err := s.Swap(ctx, toyPSU, c.key, old, []byte(c.value))
		require.NoError(t, err)
		assert.Equal(t, c.want, swapped, "%+v", c)
	}
	value, err = s.Get(ctx, toyPSU, "passkeys")
	require.NoError(t, err)
	assert.Equal(t, "two", string(value))
}

// TestStoreSwapsOnce: of several at once one succeeds.
func TestStoreSwapsOnce(t *testing.T) {
	t.Parallel()
	var s scatest.Store
	var won atomic.Int32
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			swapped, err := s.Swap(t.Context(), toyPSU, "counter", nil, fmt.Append(nil, i))
			if err == nil && swapped {
				won.Add(1)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, won.Load())
}

func TestStoreStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var s scatest.Store
	_, err := s.Get(ended, toyPSU, "a")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Put(ended, toyPSU, "a", []byte("1")), context.Canceled)
	_, err = s.Swap(ended, toyPSU, "a", nil, []byte("1"))
	require.ErrorIs(t, err, context.Canceled)
	value, err := s.Get(t.Context(), toyPSU, "a")
	require.NoError(t, err)
	assert.Nil(t, value)
}
