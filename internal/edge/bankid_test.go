package edge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/edge"
)

func TestBankID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"r1", "a/b", "c/d ü", "a%2Fb", "...", "a..b", ".x/x.", "kärt/2", strings.Repeat("ü", 100)} {
		require.True(t, edge.IsBankID(id), "%q", id)
	}
	for _, id := range []string{
		"", " ", "\u00a0", ".", "..", "../r2", "x/..", `x\..\y`, "a/./b", "/..", "a\x00", "a\nb", "a\x7f", "\xff", "a\u202eb", strings.Repeat("x", 101),
	} {
		require.False(t, edge.IsBankID(id), "%q", id)
	}
}
