package xs2a

import (
	"strings"

	"golang.org/x/text/language"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

// The messages that a TPP shows to a PSU whom the bank reaches without a page of
// its own, by language; the first is for everybody else.
var (
	psuLanguages = []language.Tag{
		language.English, language.French, language.German, language.Spanish, language.Italian, language.Arabic,
	}
	inYourApp = []string{
		"Please open your banking app and confirm there.",
		"Veuillez ouvrir l’application de votre banque et y confirmer.",
		"Bitte öffnen Sie Ihre Banking-App und bestätigen Sie dort.",
		"Abra la aplicación de su banco y confirme allí.",
		"Apra l’app della sua banca e confermi lì.",
		"يُرجى فتح تطبيق البنك الذي تتعامل معه والتأكيد هناك.",
	}
)

// psuMessage is what a TPP tells the PSU of an authorisation that was started;
// empty where the PSU sees a page of ours, or of the TPP.
func psuMessage(k *call, started *consents.Started) string {
	if started.Approach != consent.Decoupled || started.Status != consent.ScaPSUIdentified {
		return ""
	}
	return told(k, started.Message)
}

// told is what the flow tells the PSU, else that they should look at their app.
func told(k *call, message string) string {
	if message != "" {
		return shorten(message)
	}
	return textFor(k)
}

// textFor picks the language by PSU-Accept-Language, else by Accept-Language.
func textFor(k *call) string {
	accepts := k.req.Header[keyLanguage]
	if len(accepts) == 0 {
		accepts = k.req.Header["Accept-Language"]
	}
	_, i := language.MatchStrings(language.NewMatcher(psuLanguages), strings.Join(accepts, ", "))
	return inYourApp[i]
}
