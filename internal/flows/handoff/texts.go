package handoff

import "strings"

// texts say to whoever comes to a page of ours that the bank's own page goes on.
var texts = map[string]string{
	"en": "Please go on in your online banking.",
	"fr": "Veuillez poursuivre dans votre banque en ligne.",
	"de": "Bitte machen Sie in Ihrem Online-Banking weiter.",
	"es": "Continúe en su banca en línea.",
	"it": "Prosegua nel suo servizio di banca online.",
	"ar": "يُرجى المتابعة في الخدمات المصرفية عبر الإنترنت الخاصة بك.",
}

// textFor finds the text for a language tag; English for one that we lack.
func textFor(tag string) string {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if t, ok := texts[primary]; ok {
		return t
	}
	return texts["en"]
}
