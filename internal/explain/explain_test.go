package explain_test

import (
	"context"
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

// The code of an answer ends the line that decided, or a line of its own.
func TestConclude(t *testing.T) {
	explain.Refuse(t.Context(), "nobody listens")
	explain.Conclude(t.Context(), "CODE", "nor to this")
	for name, c := range map[string]struct {
		write func(ctx context.Context)
		want  []string
	}{
		"decided":          {func(ctx context.Context) { explain.Refuse(ctx, "role: %s needed", "PSP_AI") }, []string{"role: PSP_AI needed → CODE"}},
		"nothing before":   {func(context.Context) {}, []string{"text → CODE"}},
		"a passed step":    {func(ctx context.Context) { explain.Note(ctx, "step") }, []string{"step", "text → CODE"}},
		"said already":     {func(ctx context.Context) { explain.Note(ctx, "quota → CODE") }, []string{"quota → CODE"}},
		"with another":     {func(ctx context.Context) { explain.Note(ctx, "quota → OTHER") }, []string{"quota → OTHER", "text → CODE"}},
		"gone on after it": {func(ctx context.Context) { explain.Refuse(ctx, "try"); explain.Note(ctx, "again") }, []string{"try", "again", "text → CODE"}},
		"twice":            {func(ctx context.Context) { explain.Refuse(ctx, "no"); explain.Conclude(ctx, "CODE", "text") }, []string{"no → CODE"}},
	} {
		ctx, notes := explain.Listen(t.Context())
		c.write(ctx)
		explain.Conclude(ctx, "CODE", "text")
		require.Equal(t, c.want, notes.Lines(), name)
	}
}
