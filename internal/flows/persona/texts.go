package persona

import (
	"fmt"
	"strings"
)

// words are the flow's texts in one language.
type words struct {
	Language string
	Code     string // the message: code, what it is for
	Bare     string // the message when nothing is known of what it is for
	Choose   string // the page: what was chosen is no method of theirs
	Sent     string // the page: where the code went
	Renewed  string // the page: the code came too late, where a new one went
	Wait     string
}

var texts = map[string]words{
	"en": {
		Language: "en",
		Code:     "%s is your code for: %s. Give it to nobody.",
		Bare:     "%s is your code. Give it to nobody.",
		Choose:   "Choose one of these ways.",
		Sent:     "We have sent a code to %s.",
		Renewed:  "That code had expired. We have sent a new one to %s.",
		Wait:     "Your bank is checking this. It may take a minute.",
	},
	"fr": {
		Language: "fr",
		Code:     "%s est votre code pour : %s. Ne le communiquez à personne.",
		Bare:     "%s est votre code. Ne le communiquez à personne.",
		Choose:   "Choisissez l'un de ces moyens.",
		Sent:     "Nous avons envoyé un code au %s.",
		Renewed:  "Ce code avait expiré. Nous en avons envoyé un nouveau au %s.",
		Wait:     "Votre banque vérifie votre demande. Cela peut prendre une minute.",
	},
	"de": {
		Language: "de",
		Code:     "%s ist Ihr Code für: %s. Geben Sie ihn niemandem.",
		Bare:     "%s ist Ihr Code. Geben Sie ihn niemandem.",
		Choose:   "Wählen Sie einen dieser Wege.",
		Sent:     "Wir haben einen Code an %s gesendet.",
		Renewed:  "Dieser Code war abgelaufen. Wir haben einen neuen an %s gesendet.",
		Wait:     "Ihre Bank prüft die Anfrage. Das kann eine Minute dauern.",
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

// message is what arrives on the phone. It names what the code is for, so that
// the PSU sees if they are being led to agree to something else (RTS art. 5,
// dynamic linking).
func (w words) message(code, summary string) string {
	summary = strings.TrimRight(strings.TrimSpace(summary), ".")
	if summary == "" {
		return fmt.Sprintf(w.Bare, code)
	}
	return fmt.Sprintf(w.Code, code, summary)
}
