package web

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlurals says every message that counts with numbers of every form.
func TestPlurals(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	for _, sp := range s.all {
		for id, forms := range catalogue(t, sp.Tag) {
			if len(forms) == 1 {
				continue
			}
			heard := map[string]bool{}
			for _, n := range []int{0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 1_000_000} {
				text, err := sp.Say(id, "Count", n, "TPP", "X")
				require.NoError(t, err)
				heard[strings.ReplaceAll(text, sp.numbers.Sprintf("%d", n), "#")] = true
			}
			texts := map[string]bool{}
			for _, text := range forms {
				texts[text] = true
			}
			require.Len(t, heard, len(texts), "%s in %s", id, sp.Tag)
		}
	}
}

func TestArabicPlurals(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	for n, want := range map[int]string{
		0: "لم تتبقَّ لديك أي محاولة.", 1: "تبقّت لديك محاولة واحدة.", 2: "تبقّت لديك محاولتان.",
		3: "تبقّت لديك 3 محاولات.", 11: "تبقّت لديك 11 محاولة.", 100: "تبقّت لديك 100 محاولة.", 103: "تبقّت لديك 103 محاولات.",
	} {
		text, err := s.find("ar").Say("page.tries", "Count", n)
		require.NoError(t, err)
		require.Equal(t, want, text)
	}
}

// TestNamesInSentences: a name that runs the other way stands alone, and none can
// turn the sentence around it.
func TestNamesInSentences(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	for _, c := range []struct{ language, name, want string }{
		{"en", "Acme (UK) Ltd.", "Back to Acme (UK) Ltd."},
		{"en", "شركة أ (ش.م.)", "Back to \u2068شركة أ (ش.م.)\u2069"},
		{"ar", "Acme (UK) Ltd.", "العودة إلى \u2068Acme (UK) Ltd.\u2069"},
		{"ar", "شركة", "العودة إلى شركة"},
		{"en", "\u202eemcA\u2069\u200f", "Back to emcA"},
	} {
		text, err := s.find(c.language).Say("action.back", "TPP", c.name)
		require.NoError(t, err)
		require.Equal(t, c.want, text)
	}
}
