package storage

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// TestTighten: connections set aside what they need, unless the URL says otherwise.
func TestTighten(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][2]int{
		"postgres://x@127.0.0.1/x":                                              {256, 0},
		"postgres://x@127.0.0.1/x?statement_cache_capacity=400":                 {400, 0},
		"postgres://x@127.0.0.1/x?default_query_exec_mode=cache_describe":       {256, 512},
		"postgres://x@127.0.0.1/x?statement_cache_capacity=0":                   {0, 0},
		"postgres://x@127.0.0.1/x?default_query_exec_mode=exec&sslmode=disable": {256, 0},
	} {
		c, err := pgx.ParseConfig(url)
		require.NoError(t, err, url)
		tighten(c)
		require.Equal(t, want, [2]int{c.StatementCacheCapacity, c.DescriptionCacheCapacity}, url)
	}
}
