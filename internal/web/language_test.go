package web_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

func TestLanguageOfAPage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query, cookie, psu, accept string
		want                       string
	}{
		"nothing said":                {want: "en"},
		"the browser":                 {accept: "fr-CA,fr;q=0.9,en;q=0.8", want: "fr"},
		"the browser's second":        {accept: "ka,de-AT;q=0.7", want: "de"},
		"a browser that speaks none":  {accept: "ka", want: "en"},
		"the PSU's, as the TPP says":  {psu: "de", accept: "fr", want: "de"},
		"the PSU's, a region of it":   {psu: "fr-BE", want: "fr"},
		"the PSU's, not spoken":       {psu: "ka", accept: "fr", want: "fr"},
		"chosen before":               {cookie: "fr", psu: "de", accept: "de", want: "fr"},
		"chosen now":                  {query: "?lang=en", cookie: "fr", psu: "de", want: "en"},
		"chosen, but not spoken":      {query: "?lang=xx", cookie: "fr", want: "fr"},
		"chosen, and no language":     {query: "?lang=%22%3E", psu: "de", want: "de"},
		"nonsense from everywhere":    {query: "?lang=1", cookie: "???", psu: "-", accept: ";;;", want: "en"},
		"kin to one that is spoken":   {accept: "lb", want: "de"},
		"any language will do":        {accept: "*", want: "en"},
		"Arabic of the Gulf":          {accept: "ar-AE,en;q=0.5", want: "ar"},
		"Spanish of Mexico":           {psu: "es-MX", want: "es"},
		"Italian of Switzerland":      {psu: "it-CH", accept: "de-CH", want: "it"},
		"the TPP sends a whole list ": {psu: "ka, de;q=0.5", want: "de"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = view(sca.PageLogin, func(v *sca.View) { v.Language = c.psu })
			if c.cookie != "" {
				b.cookies["lang"] = c.cookie
			}
			res := b.get(t, c.query, "Accept-Language", c.accept)
			require.Equal(t, c.want, read(t, res).attribute("html", "lang"))
			require.Equal(t, c.want, res.Header().Get("Content-Language"))
		})
	}
}

// TestSwitchingLanguage: a link changes the language, for the pages after it too,
// and the run goes on where it was.
func TestSwitchingLanguage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = view(sca.PageConsent)
	page := read(t, b.get(t, ""))
	nav := page.all("nav")
	require.Len(t, nav, 1)
	require.Equal(t, "header", nav[0].Parent.Data, "outside main")
	var links []string
	for _, n := range page.all("a") {
		links = append(links, value(n, "href")+" "+contents(n)+" "+value(n, "aria-current"))
	}
	require.Equal(t, []string{
		"?lang=en EnglishEN true", "?lang=fr FrançaisFR ", "?lang=de DeutschDE ", "?lang=es EspañolES ", "?lang=it ItalianoIT ", "?lang=ar العربيةع ",
	}, links)

	french := read(t, b.get(t, "?lang=fr"))
	require.Contains(t, french.text, "Vérifiez ce que vous acceptez")
	require.Equal(t, "/sca/"+handle, french.attribute("form", "action"), "the answer goes to the same run")
	require.Equal(t, "fr", b.cookies["lang"])
	require.Equal(t, "fr", read(t, b.post(t, url.Values{})).attribute("html", "lang"))
	require.Len(t, b.walks.answered, 1)
}

func TestDates(t *testing.T) {
	t.Parallel()
	first := consent.Date{Year: 2027, Month: 3, Day: 1}
	second := consent.Date{Year: 2027, Month: 8, Day: 22}
	for _, c := range []struct {
		lang string
		date consent.Date
		want string
	}{
		{"en", first, "Until 1 March 2027"},
		{"fr", first, "Jusqu’au 1er mars 2027"},
		{"de", first, "Bis zum 1. März 2027"},
		{"en", second, "Until 22 August 2027"},
		{"fr", second, "Jusqu’au 22 août 2027"},
		{"de", second, "Bis zum 22. August 2027"},
		{"es", first, "Hasta el 1 de marzo de 2027"},
		{"es", second, "Hasta el 22 de agosto de 2027"},
		{"it", first, "Ultimo giorno: 1º marzo 2027"},
		{"it", second, "Ultimo giorno: 22 agosto 2027"},
		{"ar", first, "حتى 1 مارس 2027"},
		{"ar", second, "حتى 22 أغسطس 2027"},
	} {
		b := setup(t)
		b.walks.view = view(sca.PageConsent)
		b.walks.view.Consent.ValidUntil = c.date
		require.Contains(t, read(t, b.get(t, "?lang="+c.lang)).text, c.want)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"en": "1,440 times", "fr": "1\u00a0440 fois", "de": "1.440-mal", "es": "1.440 veces", "it": "1.440 volte", "ar": "1,440 مرة"} {
		b := setup(t)
		b.walks.view = view(sca.PageConsent)
		b.walks.view.Consent.FrequencyPerDay = 1440
		require.Contains(t, b.get(t, "?lang="+lang).Body.String(), want)
	}
}
