package storage

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// TestTallies adds up calls that came together, and hands out what was granted.
func TestTallies(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, b := countKey{consent: uuid.UUID{1}}, countKey{consent: uuid.UUID{2}}
	tallies, index := tallyUp([]countCall{
		{a, 4, noon, "0123456789abcdef"}, {b, 2, noon, ""}, {a, 3, noon.Add(time.Minute), "fedcba9876543210"}, {a, 5, noon.Add(time.Second), ""},
	})
	require.Equal(t, map[countKey]int{a: 0, b: 1}, index)
	require.Equal(t, []tally{
		{key: a, wanted: 3, allowed: 3, at: noon.Add(time.Minute), lists: "0123456789abcdef" + "fedcba9876543210" + unnamed}, {key: b, wanted: 1, allowed: 2, at: noon, lists: unnamed},
	}, tallies, "where they differ about the limit, the lowest holds")
	for name, x := range map[string]struct {
		former, n int
		want      []countAnswer
	}{
		"all":           {0, 3, []countAnswer{{2, true}, {1, true}, {0, true}, {0, false}}},
		"those in time": {2, 3, []countAnswer{{0, true}, {0, false}, {0, false}}},
		"none":          {0, 0, []countAnswer{{0, false}, {0, false}}},
	} {
		tally := tallies[0]
		tally.former, tally.n = x.former, x.n
		for _, want := range x.want {
			require.Equal(t, want, tally.hand(), name)
		}
	}
}
