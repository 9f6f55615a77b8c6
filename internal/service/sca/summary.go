package sca

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"consentd/internal/consent"
)

// wording is how a language says in one line what a PSU agrees to.
type wording struct {
	accounts, balances, transactions, owner, beneficiaries string
	comma, join                                            string // between several, and before the last
	account, chosen, all                                   string // whose data; account takes the last characters of its number
	reads, once, until, funds, connects                    string
	login                                                  string // what a PSU does who logs in to the bank's own pages
	day                                                    string // how a date is written, as time.Format takes it
}

// In Arabic the name of who asks stands isolated (U+2068, U+2069): it may be
// written the other way.
func wordings() ([]language.Tag, []wording) {
	tags := []language.Tag{
		language.English, language.French, language.German, language.Spanish, language.Italian, language.Arabic,
	}
	return tags, []wording{
		{
			accounts: "account details", balances: "balances", transactions: "transactions", owner: "the owner's name",
			beneficiaries: "trusted beneficiaries", comma: ", ", join: " and ", account: "account …%s", chosen: "accounts that you choose",
			all: "all your accounts", reads: "%s reads %s of %s, %s", once: "once", until: "until %s", day: "2 January 2006",
			funds:    "%s asks whether amounts are available on %s, until you withdraw it",
			connects: "%s connects with your accounts, until %s",
			login:    "logging in to see and end your consents",
		},
		{
			accounts: "coordonnées", balances: "soldes", transactions: "opérations", owner: "nom du titulaire",
			beneficiaries: "bénéficiaires de confiance", comma: ", ", join: " et ", account: "compte …%s", chosen: "comptes de votre choix",
			all: "tous vos comptes", reads: "%s lit : %s ; %s, %s", once: "une fois", until: "jusqu’au %s", day: "02/01/2006",
			funds:    "%s demande si des montants sont disponibles : %s, jusqu’à votre révocation",
			connects: "%s se relie à vos comptes, jusqu’au %s",
			login:    "connexion pour voir et arrêter vos consentements",
		},
		{
			accounts: "Kontodaten", balances: "Salden", transactions: "Umsätze", owner: "Name des Inhabers",
			beneficiaries: "vertrauenswürdige Empfänger", comma: ", ", join: " und ", account: "Konto …%s", chosen: "Konten Ihrer Wahl",
			all: "alle Ihre Konten", reads: "%s liest: %s; %s, %s", once: "einmal", until: "bis %s", day: "02.01.2006",
			funds:    "%s fragt, ob Beträge verfügbar sind: %s, bis Sie es widerrufen",
			connects: "%s wird mit Ihren Konten verbunden, bis %s",
			login:    "Anmeldung, um Ihre Einwilligungen zu sehen und zu beenden",
		},
		{
			accounts: "datos de la cuenta", balances: "saldos", transactions: "movimientos", owner: "nombre del titular",
			beneficiaries: "beneficiarios de confianza", comma: ", ", join: " y ", account: "cuenta …%s", chosen: "cuentas que usted elija",
			all: "todas sus cuentas", reads: "%s lee: %s; %s, %s", once: "una vez", until: "hasta el %s", day: "02/01/2006",
			funds:    "%s pregunta si hay fondos disponibles: %s, hasta que usted lo revoque",
			connects: "%s se conecta con sus cuentas, hasta el %s",
			login:    "inicio de sesión para ver y finalizar sus consentimientos",
		},
		{
			accounts: "dati del conto", balances: "saldi", transactions: "movimenti", owner: "nome dell’intestatario",
			beneficiaries: "beneficiari di fiducia", comma: ", ", join: " e ", account: "conto …%s", chosen: "conti a sua scelta",
			all: "tutti i suoi conti", reads: "%s legge: %s; %s, %s", once: "una volta", until: "fino a tutto il %s", day: "02/01/2006",
			funds:    "%s chiede se gli importi sono disponibili: %s, finché lei non lo revoca",
			connects: "%s si collega ai suoi conti, fino a tutto il %s",
			login:    "accesso per vedere e terminare i suoi consensi",
		},
		{
			accounts: "بيانات الحساب", balances: "الأرصدة", transactions: "المعاملات", owner: "اسم صاحب الحساب",
			beneficiaries: "المستفيدين الموثوقين", comma: "، ", join: " و", account: "الحساب …%s", chosen: "الحسابات التي تختارها",
			all: "جميع حساباتك", reads: "يطّلع \u2068%s\u2069 على: %s؛ %s، %s", once: "مرة واحدة", until: "حتى %s", day: "02/01/2006",
			funds:    "يسأل \u2068%s\u2069 عما إذا كانت المبالغ متوفرة: %s، إلى أن تلغي ذلك",
			connects: "يتصل \u2068%s\u2069 بحساباتك، حتى %s",
			login:    "تسجيل الدخول للاطلاع على موافقاتك وإنهائها",
		},
	}
}

// summary is what the PSU agrees to, in one line. Once they have read it on a page
// of ours, who asks is enough; before, and elsewhere, it is all that they see. Of
// an account it shows the end of its number: whoever the TPP named reads it.
func summary(w *walk) string {
	if w.approach() == consent.Redirect && w.run.Approved && !w.run.Visits() {
		return w.c.TPPName
	}
	tags, all := wordings()
	_, i := language.MatchStrings(language.NewMatcher(tags), w.language)
	t, c := all[i], w.c
	if w.run.Visits() {
		return cmp.Or(w.memo.What, t.login)
	}
	if c.Kind == consent.FundsConfirmation {
		return fmt.Sprintf(t.funds, c.TPPName, t.whose(c.Access))
	}
	if c.Kind == consent.Connection {
		return fmt.Sprintf(t.connects, c.TPPName, t.date(c.ValidUntil))
	}
	how := t.once
	if c.Recurring {
		how = fmt.Sprintf(t.until, t.date(c.ValidUntil))
	}
	return fmt.Sprintf(t.reads, c.TPPName, t.what(c.Access), t.whose(c.Access), how)
}

// date writes a day in digits, but for English, whose readers do not agree on
// their order.
func (t wording) date(d consent.Date) string {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Format(t.day)
}

// what lists the data that a consent opens.
func (t wording) what(a consent.Access) string {
	var words []string
	for _, x := range []struct {
		right consent.Rights
		word  string
	}{
		{consent.RightAccounts, t.accounts},
		{consent.RightBalances, t.balances},
		{consent.RightTransactions, t.transactions},
		{consent.RightOwnerName, t.owner},
		{consent.RightTrustedBeneficiaries, t.beneficiaries},
	} {
		if a.AllRights().Implied().Has(x.right) {
			words = append(words, x.word)
		}
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], t.comma) + t.join + words[n-1]
	}
	return strings.Join(words, "")
}

// whose says which accounts a consent is about.
func (t wording) whose(a consent.Access) string {
	switch {
	case a.Chosen():
		return t.chosen
	case a.Open():
		return t.all
	}
	var accounts []string
	for _, x := range a.Asked {
		number := []rune(identifier(x.Reference))
		name := fmt.Sprintf(t.account, string(number[max(len(number)-4, 0):]))
		if !slices.Contains(accounts, name) {
			accounts = append(accounts, name)
		}
	}
	const most = 3
	if len(accounts) > most {
		return strings.Join(accounts[:most], t.comma) + fmt.Sprintf(" +%d", len(accounts)-most)
	}
	return strings.Join(accounts, t.comma)
}
