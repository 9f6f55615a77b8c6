package mandated

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// same are the words that a language has in common with English.
var same = map[string][]string{
	"fr": {"Commission"},
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	parts := map[string]func(words) map[string]string{
		"headings":    func(w words) map[string]string { return w.Headings },
		"permissions": func(w words) map[string]string { return w.Permissions },
		"payment":     func(w words) map[string]string { return w.Payment },
		"purposes":    func(w words) map[string]string { return w.Purposes },
	}
	require.ElementsMatch(t, []string{"en", "fr", "de", "es", "it", "ar"}, slices.Collect(maps.Keys(spoken)))
	for language, said := range spoken {
		for part, of := range parts {
			english := of(spoken["en"])
			require.ElementsMatch(t, slices.Collect(maps.Keys(english)), slices.Collect(maps.Keys(of(said))), "%s: %s", language, part)
			for code, text := range of(said) {
				require.NotEmpty(t, text, "%s: %s", language, code)
				require.Equal(t, strings.Join(strings.Fields(text), " "), text, "%s: %s", language, code)
				if language != "en" && !slices.Contains(same[language], text) {
					require.NotEqual(t, english[code], text, "%s: %s", language, code)
				}
			}
		}
	}
}

// Two purposes that read alike would be one to the PSU, but for their codes.
func TestPurposesDiffer(t *testing.T) {
	for language, said := range spoken {
		by := map[string]string{}
		for code, text := range said.Purposes {
			require.Empty(t, by[text], "%s: %s and %s", language, code, by[text])
			by[text] = code
		}
	}
}

// Only names that Arabic writes in Latin letters may stand in its texts.
func TestArabicIsInArabic(t *testing.T) {
	said := spoken["ar"]
	for _, texts := range []map[string]string{said.Headings, said.Permissions, said.Payment, said.Purposes} {
		for code, text := range texts {
			require.False(t, strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Latin, r) }), code)
		}
	}
}

func TestPublishedTablesAreWhole(t *testing.T) {
	require.Len(t, published.Clusters, 7)
	require.Len(t, spoken["en"].Purposes, 100)
	require.Len(t, spoken["en"].Permissions, 18+len(placed))
	for code := range spoken["en"].Payment {
		require.Contains(t, spoken["en"].Permissions, code)
	}
}

func TestPurpose(t *testing.T) {
	for _, c := range []struct{ code, language, want string }{
		{"ACM", "en", "Agency Commission (ACM)"},
		{"ACM", "fr", "Commission d’agence (ACM)"},
		{"ACM", "de-CH", "Vermittlungsprovision (ACM)"},
		{"ACM", "nl", "Agency Commission (ACM)"},
		{"ACM", "", "Agency Commission (ACM)"},
		{"SAL", "ar", "راتب (SAL)"},
		{"XYZ", "en", "XYZ"},
		{"", "en", ""},
	} {
		require.Equal(t, c.want, Purpose(c.code, c.language))
	}
}
