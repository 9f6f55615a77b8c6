package persona

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

var places = regexp.MustCompile(`%s`)

// TestCatalogue: no language lacks a text, none was left in another one's, and all
// have the same places for what is put in.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	english := reflect.ValueOf(texts["en"])
	for _, language := range []string{"en", "fr", "de", "es", "it", "ar"} {
		its := reflect.ValueOf(texts[language])
		for i := range its.NumField() {
			name, text := its.Type().Field(i).Name, its.Field(i).String()
			assert.NotEmpty(t, text, "%s %s", language, name)
			assert.Equal(t, strings.TrimSpace(text), text, "%s %s", language, name)
			assert.Len(t, places.FindAllString(text, -1), len(places.FindAllString(english.Field(i).String(), -1)), "%s %s", language, name)
			if language != "en" && name != "KeyName" {
				assert.NotEqual(t, english.Field(i).String(), text, "%s %s", language, name)
			}
			if language != "en" {
				assert.NotContains(t, text, "'", "%s %s", language, name)
			}
			if language == "ar" && name != "Language" {
				assert.Regexp(t, `\p{Arabic}`, text, name)
			}
		}
		assert.Equal(t, language, texts[language].Language)
	}
	assert.Len(t, texts, 6)
}

// TestArabicIsolates: what may be in Latin letters or a telephone number keeps its
// order.
func TestArabicIsolates(t *testing.T) {
	t.Parallel()
	w := texts["ar"]
	for _, text := range []string{w.ForApp, w.ForKey, w.Sent, w.FirstApp, w.FirstKey, w.Again, w.Renewed} {
		assert.Contains(t, text, "\u2068%s\u2069")
	}
	assert.Contains(t, w.message("123456", "Demo TPP"), "\u2068Demo TPP\u2069")
}
