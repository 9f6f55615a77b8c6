package sca

import (
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
		"a page says the rest": {"en", consent.Redirect, consent.Consent{Access: named("DE1234")}, "Acme"},
		"one account": {
			"en", consent.Decoupled,
			consent.Consent{Access: named("DE001234"), Recurring: true, ValidUntil: until},
			"Acme reads account details and balances of account …1234, until 2026-12-31",
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
