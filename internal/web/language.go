package web

import (
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/unicode/bidi"

	"consentd/internal/consent"
)

//go:embed locales/*.json
var locales embed.FS

// catalogues names the languages of the pages, the one to fall back on first.
var catalogues = []string{"en", "fr", "de", "es", "it", "ar"}

// numerals are the languages whose numbers are written otherwise than their tag
// says. Arabic has digits of its own; account numbers, dates and codes come in
// ours, as in the banks of the Gulf and the Maghreb, and a page has one kind.
var numerals = map[string]string{"ar": "ar-u-nu-latn"}

// leftward are the languages that are written from right to left.
var leftward = []string{"ar"}

// languageCookie keeps the language that a person chose on a page.
const languageCookie = "lang"

// speech is one language: its words, dates and numbers.
type speech struct {
	Tag     string // BCP 47
	Dir     string // ltr or rtl
	words   *i18n.Localizer
	numbers *message.Printer
}

// speeches are all languages of the pages.
type speeches struct {
	all     []*speech
	matcher language.Matcher
}

// newSpeeches reads the catalogues. They are part of the program, so a fault in
// them is a fault of the build.
func newSpeeches() (*speeches, error) {
	bundle := i18n.NewBundle(language.English)
	s := &speeches{}
	var tags []language.Tag
	for _, name := range catalogues {
		if _, err := bundle.LoadMessageFileFS(locales, "locales/"+name+".json"); err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", name, err)
		}
		tag := language.MustParse(name)
		tags = append(tags, tag)
		s.all = append(s.all, &speech{
			Tag:     name,
			Dir:     direction(name),
			words:   i18n.NewLocalizer(bundle, name),
			numbers: message.NewPrinter(language.MustParse(first(numerals[name], name))),
		})
	}
	s.matcher = language.NewMatcher(tags)
	return s, nil
}

func direction(name string) string {
	if slices.Contains(leftward, name) {
		return "rtl"
	}
	return "ltr"
}

// find is the first of the wishes, each a BCP 47 tag or an Accept-Language
// header, that is spoken; else what readers of a wished one often know as well
// (Luxembourgish: German); else the first language.
func (s *speeches) find(wishes ...string) *speech {
	for _, wish := range wishes {
		if found := s.spoken(wish); found != nil {
			return found
		}
	}
	for _, wish := range wishes {
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := s.matcher.Match(tags...); confidence > language.No {
			return s.all[i]
		}
	}
	return s.all[0]
}

// spoken is the first language in a wish that the pages speak, of whatever
// region; nil for none.
func (s *speeches) spoken(wish string) *speech {
	tags, _, err := language.ParseAcceptLanguage(wish)
	if err != nil {
		return nil
	}
	for _, tag := range tags {
		base, _ := tag.Base()
		i := slices.Index(catalogues, base.String())
		if i >= 0 && tag != language.Und {
			return s.all[i]
		}
	}
	return nil
}

// Say is a message of the catalogue. The values for its places come as pairs of
// name and value; Count chooses the plural form.
func (s *speech) Say(id string, pairs ...any) (string, error) {
	cfg := &i18n.LocalizeConfig{MessageID: id}
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := fmt.Sprint(pairs[i]), pairs[i+1]
		if n, ok := value.(int); ok {
			if name == "Count" {
				cfg.PluralCount = n
			}
			value = s.numbers.Sprintf("%d", n)
		}
		if text, ok := value.(string); ok {
			value = s.isolate(text)
		}
		data[name] = value
	}
	cfg.TemplateData = data
	text, err := s.words.Localize(cfg)
	if err != nil {
		return "", fmt.Errorf("say %s in %s: %w", id, s.Tag, err)
	}
	return text, nil
}

// isolate keeps a value that runs against the direction of the sentence, such as
// a name in another script, from mixing up what stands around it (Unicode
// Bidirectional Algorithm, UAX #9 §2.4). Other values stay as they are.
func (s *speech) isolate(value string) string {
	value = straight(value)
	if !strings.ContainsFunc(value, s.against) {
		return value
	}
	return "\u2068" + value + "\u2069"
}

// against tells the characters that are written the other way.
func (s *speech) against(r rune) bool {
	p, _ := bidi.LookupRune(r)
	if s.Dir == "rtl" {
		return p.Class() == bidi.L
	}
	return slices.Contains([]bidi.Class{bidi.R, bidi.AL, bidi.AN}, p.Class())
}

// straight leaves out the characters that turn the direction of what follows
// them: by them a name could rewrite the sentence in which it stands.
func straight(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, text)
}

// Date is a day in words.
func (s *speech) Date(d consent.Date) (string, error) {
	month, err := s.Say(months[d.Month-1])
	if err != nil {
		return "", err
	}
	id := "date.day"
	if d.Day == 1 {
		id = "date.first" // French counts the first day, and no other
	}
	return s.Say(id, "Day", d.Day, "Month", month, "Year", fmt.Sprint(d.Year))
}

var months = [...]string{
	"date.january", "date.february", "date.march", "date.april", "date.may", "date.june",
	"date.july", "date.august", "date.september", "date.october", "date.november", "date.december",
}

// chosenLanguage is what the person chose on a page, now or before; empty if
// they never did.
func (f *frame) chosenLanguage(r *http.Request) string {
	wishes := []string{r.URL.Query().Get("lang")}
	if cookie, err := r.Cookie(languageCookie); err == nil {
		wishes = append(wishes, cookie.Value)
	}
	for _, wish := range wishes {
		if found := f.pages.speeches.spoken(wish); found != nil {
			return found.Tag
		}
	}
	return ""
}

// chooseLanguage is chosenLanguage, and keeps a choice made by this request.
func (f *frame) chooseLanguage(c echo.Context) string {
	choice := f.chosenLanguage(c.Request())
	if choice != "" && c.QueryParam("lang") != "" {
		cookie := f.cookie(c.Request(), languageCookie, choice) //nolint:gosec // G124: set by cookie
		cookie.MaxAge = 365 * 24 * 60 * 60
		c.SetCookie(cookie)
	}
	return choice
}

// speech is the language of a page: the person's choice, what the TPP said of
// the PSU, what the browser asks for.
func (s *SCA) speech(v *visit) *speech {
	hint := ""
	if v.view != nil {
		hint = v.view.Language
	}
	return s.pages.speeches.find(v.choice, hint, v.c.Request().Header.Get("Accept-Language"))
}
