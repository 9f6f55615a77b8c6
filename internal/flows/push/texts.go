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
	Number   string // the same, with the number that they have to repeat
	Nobody   string // on the page: nobody of that name can be asked
}

var texts = map[string]words{
	"en": {
		Language: "en",
		Ask:      "Request: %s. Approve it only if it is yours.",
		Bare:     "Somebody asks for access to your accounts. Approve it only if it is you.",
		Wait:     "Please confirm in your bank's app.",
		Number:   "Please confirm in your bank's app. Your number there is %s.",
		Nobody:   "We cannot ask anybody of this name in the app. Please check the user name.",
	},
	"fr": {
		Language: "fr",
		Ask:      "Demande : %s. Ne l’approuvez que si elle vient de vous.",
		Bare:     "Un accès à vos comptes est demandé. Ne l’approuvez que si la demande vient de vous.",
		Wait:     "Veuillez confirmer dans l’application de votre banque.",
		Number:   "Veuillez confirmer dans l’application de votre banque. Le numéro à y saisir est %s.",
		Nobody:   "Nous ne pouvons interroger personne de ce nom dans l’application. Veuillez vérifier l’identifiant.",
	},
	"de": {
		Language: "de",
		Ask:      "Anfrage: %s. Geben Sie sie nur frei, wenn sie von Ihnen kommt.",
		Bare:     "Jemand bittet um Zugriff auf Ihre Konten. Geben Sie das nur frei, wenn Sie es selbst sind.",
		Wait:     "Bitte bestätigen Sie in der App Ihrer Bank.",
		Number:   "Bitte bestätigen Sie in der App Ihrer Bank. Ihre Nummer dort ist %s.",
		Nobody:   "Unter diesem Namen können wir niemanden in der App fragen. Bitte prüfen Sie den Benutzernamen.",
	},
	"es": {
		Language: "es",
		Ask:      "Solicitud: %s. Apruébela solo si es suya.",
		Bare:     "Alguien solicita acceso a sus cuentas. Apruébelo solo si es usted.",
		Wait:     "Confirme en la aplicación de su banco.",
		Number:   "Confirme en la aplicación de su banco. El número que debe introducir allí es %s.",
		Nobody:   "No podemos preguntar a nadie con ese nombre en la aplicación. Compruebe el nombre de usuario.",
	},
	"it": {
		Language: "it",
		Ask:      "Richiesta: %s. La approvi solo se proviene da lei.",
		Bare:     "Qualcuno chiede l’accesso ai suoi conti. Approvi solo se è stato lei.",
		Wait:     "Confermi nell’app della sua banca.",
		Number:   "Confermi nell’app della sua banca. Il numero da inserire è %s.",
		Nobody:   "Non possiamo chiedere conferma nell’app a nessuno con questo nome. Controlli il nome utente.",
	},
	"ar": {
		Language: "ar",
		Ask:      "طلب: %s. لا توافق عليه إلا إذا كان صادرًا عنك.",
		Bare:     "هناك من يطلب الوصول إلى حساباتك. لا توافق إلا إذا كنت أنت صاحب الطلب.",
		Wait:     "يُرجى التأكيد في تطبيق البنك الذي تتعامل معه.",
		Number:   "يُرجى التأكيد في تطبيق البنك الذي تتعامل معه. الرقم المطلوب إدخاله هناك هو %s.",
		Nobody:   "لا يمكننا توجيه السؤال في التطبيق إلى أحد بهذا الاسم. يُرجى التحقق من اسم المستخدم.",
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

// wait tells the PSU to look at the app, and the number to type there, if any.
func (w words) wait(number string) string {
	if number == "" {
		return w.Wait
	}
	return fmt.Sprintf(w.Number, number)
}
