package sca

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"consentd/internal/consent"
)

// TestSummary reads what a PSU sees who has no page of ours before them.
func TestSummary(t *testing.T) {
	t.Parallel()
	named := func(ibans ...string) consent.Access {
		a := consent.Access{Scope: consent.ScopeDedicated}
		for _, iban := range ibans {
			a.Asked = append(a.Asked, consent.Asked{Reference: consent.Reference{IBAN: iban}, Rights: consent.RightBalances})
		}
		return a
	}
	until := consent.Date{Year: 2026, Month: 12, Day: 31}
	for name, x := range map[string]struct {
		language string
		approach consent.Approach
		consent  consent.Consent
		want     string
	}{
		"before the page that says it": {
			"en", consent.Redirect,
			consent.Consent{Access: named("DE001234")},
			"Acme reads account details and balances of account …1234, once",
		},
		"one account": {
			"en", consent.Decoupled,
			consent.Consent{Access: named("DE001234"), Recurring: true, ValidUntil: until},
			"Acme reads account details and balances of account …1234, until 31 December 2026",
		},
		"twice the same, and many": {
			"fr-CH", consent.Embedded,
			consent.Consent{Access: named("DE001234", "FR001234", "A1", "B2", "C3", "D4")},
			"Acme lit : coordonnées et soldes ; compte …1234, compte …A1, compte …B2 +2, une fois",
		},
		"chosen in the app": {
			"de, en", consent.Decoupled,
			consent.Consent{
				Access: consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightTransactions | consent.RightOwnerName},
			},
			"Acme liest: Kontodaten, Umsätze und Name des Inhabers; Konten Ihrer Wahl, einmal",
		},
		"all, in a language that we don't have": {
			"ja", consent.Decoupled,
			consent.Consent{Access: consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts}},
			"Acme reads account details of all your accounts, once",
		},
		"a list in Spanish": {
			"es-AR", consent.Decoupled,
			consent.Consent{
				Access:    consent.Access{Scope: consent.ScopeAllPSD2, Rights: consent.RightTransactions | consent.RightBalances},
				Recurring: true, ValidUntil: until,
			},
			"Acme lee: datos de la cuenta, saldos y movimientos; todas sus cuentas, hasta el 31/12/2026",
		},
		"several accounts in Italian": {
			"it", consent.Decoupled,
			consent.Consent{Access: named("IT001234", "IT005678"), Recurring: true, ValidUntil: until},
			"Acme legge: dati del conto e saldi; conto …1234, conto …5678, fino a tutto il 31/12/2026",
		},
		"a list in Arabic": {
			"ar-AE", consent.Decoupled,
			consent.Consent{Access: named("AE001234", "AE005678")},
			"يطّلع \u2068Acme\u2069 على: بيانات الحساب والأرصدة؛ الحساب …1234، الحساب …5678، مرة واحدة",
		},
		"a connection": {
			"de", consent.Decoupled,
			consent.Consent{Kind: consent.Connection, Access: consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightPayments}, ValidUntil: until},
			"Acme wird mit Ihren Konten verbunden, bis 31.12.2026",
		},
		"funds in Arabic": {
			"ar", consent.Decoupled,
			consent.Consent{Kind: consent.FundsConfirmation, Access: named("AE001234")},
			"يسأل \u2068Acme\u2069 عما إذا كانت المبالغ متوفرة: الحساب …1234، إلى أن تلغي ذلك",
		},
		"funds": {
			"", consent.Decoupled,
			consent.Consent{Kind: consent.FundsConfirmation, Access: named("FR9999")},
			"Acme asks whether amounts are available on account …9999, until you withdraw it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, id := x.consent, uuid.New()
			c.TPPName, c.Authorisations = "Acme", []consent.Authorisation{{ID: id, Approach: x.approach}}
			assert.Equal(t, x.want, summary(&walk{c: &c, run: &consent.Run{Authorisation: id}, language: x.language}))
		})
	}
}

// TestSummaryOfRead: who has read a page that says the rest is told only who asks.
func TestSummaryOfRead(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for approach, want := range map[consent.Approach]string{
		consent.Redirect:  "Acme",
		consent.Decoupled: "Acme reads account details of all your accounts, once",
	} {
		c := consent.Consent{
			TPPName: "Acme", Authorisations: []consent.Authorisation{{ID: id, Approach: approach}},
			Access: consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts},
		}
		assert.Equal(t, want, summary(&walk{c: &c, run: &consent.Run{Authorisation: id, Approved: true}, language: "en"}))
	}
}

// TestSummaryDates: a day is written as people of the language read it.
func TestSummaryDates(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{
		"en": "until 4 March 2027", "fr": "jusqu’au 04/03/2027", "de": "bis 04.03.2027", "es": "hasta el 04/03/2027",
		"it": "fino a tutto il 04/03/2027", "ar": "حتى 04/03/2027", "ja": "until 4 March 2027",
	} {
		id := uuid.New()
		c := consent.Consent{
			TPPName: "Acme", Authorisations: []consent.Authorisation{{ID: id, Approach: consent.Decoupled}},
			Access:    consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts},
			Recurring: true, ValidUntil: consent.Date{Year: 2027, Month: 3, Day: 4},
		}
		got := summary(&walk{c: &c, run: &consent.Run{Authorisation: id}, language: language})
		assert.True(t, strings.HasSuffix(got, want), "%s: %s", language, got)
	}
}

// TestSummaryHasNoGap: every language words everything, with the same places.
func TestSummaryHasNoGap(t *testing.T) {
	t.Parallel()
	tags, all := wordings()
	assert.Len(t, all, len(tags))
	for i, w := range all {
		texts := reflect.ValueOf(w)
		for f := range texts.NumField() {
			text, first := texts.Field(f).String(), reflect.ValueOf(all[0]).Field(f).String()
			assert.NotEmpty(t, text, "%s: %s", tags[i], texts.Type().Field(f).Name)
			assert.Equal(t, strings.Count(first, "%s"), strings.Count(text, "%s"), "%s: %s", tags[i], text)
		}
	}
}

// TestSummaryOfVisits: there is nobody who asks, and the words are the same on each page.
func TestSummaryOfVisits(t *testing.T) {
	t.Parallel()
	of := func(run consent.Run, what, language string) string {
		return summary(&walk{c: run.Visit(), run: &run, memo: memo{What: what}, language: language})
	}
	for language, want := range map[string]string{
		"en-GB": "logging in to see and end your consents", "fr": "connexion pour voir et arrêter vos consentements",
		"de": "Anmeldung, um Ihre Einwilligungen zu sehen und zu beenden", "es": "inicio de sesión para ver y finalizar sus consentimientos",
		"it": "accesso per vedere e terminare i suoi consensi", "ar-AE": "تسجيل الدخول للاطلاع على موافقاتك وإنهائها",
		"ja": "logging in to see and end your consents",
	} {
		for _, approved := range []bool{false, true} {
			assert.Equal(t, want, of(consent.Run{Purpose: consent.ForLogin, Approved: approved}, "", language))
			assert.Equal(t, "stop A", of(consent.Run{Purpose: consent.ForAction, Approved: approved}, "stop A", language))
		}
	}
}
