package push

import (
	"fmt"
	"strings"
)

// words are the flow's texts in one language.
type words struct {
	Language string
	Ask      string // in the app: what is asked for
	Bare     string // in the app, when nothing is known of what it is for
	Wait     string // to the PSU, through the TPP or on a page
}

var texts = map[string]words{
	"en": {
		Language: "en",
		Ask:      "Request: %s. Approve it only if it is yours.",
		Bare:     "Somebody asks for access to your accounts. Approve it only if it is you.",
		Wait:     "Please confirm in your bank's app.",
	},
	"fr": {
		Language: "fr",
		Ask:      "Demande : %s. Ne l'approuvez que si elle vient de vous.",
		Bare:     "Un accès à vos comptes est demandé. Ne l'approuvez que si la demande vient de vous.",
		Wait:     "Veuillez confirmer dans l'application de votre banque.",
	},
	"de": {
		Language: "de",
		Ask:      "Anfrage: %s. Geben Sie sie nur frei, wenn sie von Ihnen kommt.",
		Bare:     "Jemand bittet um Zugriff auf Ihre Konten. Geben Sie das nur frei, wenn Sie es selbst sind.",
		Wait:     "Bitte bestätigen Sie in der App Ihrer Bank.",
	},
}

// textsFor finds the texts for a language tag; English for one that we lack.
func textsFor(tag string) words {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if t, ok := texts[primary]; ok {
		return t
	}
	return texts["en"]
}

// question is what the app shows. It names what is agreed to, so that the PSU
// sees if they are being led to agree to something else (RTS art. 5).
func (w words) question(summary string) string {
	summary = strings.TrimRight(strings.TrimSpace(summary), ".")
	if summary == "" {
		return w.Bare
	}
	return fmt.Sprintf(w.Ask, summary)
}
