package push

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTextsHaveNoGap: each language has each text, with the same places to fill.
func TestTextsHaveNoGap(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"ar", "de", "en", "es", "fr", "it"}, slices.Sorted(maps.Keys(texts)))
	want := reflect.ValueOf(texts["en"])
	for lang, w := range texts {
		assert.Equal(t, lang, w.Language)
		got := reflect.ValueOf(w)
		for i := range got.NumField() {
			name := lang + " " + got.Type().Field(i).Name
			assert.NotEmpty(t, got.Field(i).String(), name)
			if lang != "en" {
				assert.NotContains(t, got.Field(i).String(), "'", name)
			}
			assert.Equal(t, strings.Count(want.Field(i).String(), "%s"), strings.Count(got.Field(i).String(), "%s"), name)
		}
	}
}
