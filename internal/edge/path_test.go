package edge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/edge"
)

func TestMatchPath(t *testing.T) {
	t.Parallel()
	const pattern = "/accounts/:id/transactions/:entry"
	for path, want := range map[string]*edge.PathIDs{
		"/accounts/r1/transactions/e1":     {"r1", "e1"},
		"/accounts/a%2Fb/transactions/%20": {"a%2Fb", "%20"},
		"/accounts//transactions/e1":       nil,
		"/accounts/r1/transactions/":       nil,
		"/accounts/r1/transactions":        nil,
		"/accounts/r1/transactions/e1/":    nil,
		"/accounts/r1/x/transactions/e1":   nil,
		"/Accounts/r1/transactions/e1":     nil,
		"":                                 nil,
	} {
		ids, ok := edge.MatchPath(pattern, path)
		require.Equal(t, want != nil, ok, path)
		if ok {
			require.Equal(t, *want, ids, path)
		}
	}
}
