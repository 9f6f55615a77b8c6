package edge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/edge"
)

// The narrowest range that fits decides, and what cannot be read allows nothing.
func TestPrefers(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]edge.Preference{
		"":                                     {Q: 1000},
		"*/*;q=0.5":                            {Q: 500},
		"text/html":                            {Specificity: -1},
		"application/*;q=0.25, */*":            {Q: 250, Specificity: 1},
		"application/hal+json;q=0, */*":        {Specificity: 2},
		"Application/HAL+JSON;charset=utf-8":   {Q: 1000, Specificity: 2},
		"application/hal+json;q=0.1234":        {Specificity: 2},
		"application/hal+json;q=2":             {Specificity: 2},
		"application/hal+json;q=x":             {Specificity: 2},
		";;, application/hal+json;q=0.001":     {Q: 1, Specificity: 2},
		"application/json, application/xml, x": {Specificity: -1},
	} {
		require.Equal(t, want, edge.Prefers([]string{accept}, "application/hal+json"), accept)
	}
	require.Equal(t, edge.Preference{Q: 1000}, edge.Prefers(nil, "text/html"))
}
