package explain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/explain"
)

func TestNotes(t *testing.T) {
	explain.Note(t.Context(), "nobody listens to %s", "this")
	ctx, notes := explain.Listen(t.Context())
	require.Empty(t, notes.Lines())
	explain.Note(ctx, "first: %d", 1)
	lines := notes.Lines()
	explain.Note(ctx, "second")
	require.Equal(t, []string{"first: 1"}, lines, "a copy")
	require.Equal(t, []string{"first: 1", "second"}, notes.Lines())
}
