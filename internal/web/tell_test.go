package web

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	for lang, want := range map[string]string{
		"en": "AED 1,234,567.05", "fr": "1 234 567,05 AED", "de": "1.234.567,05 AED", "es": "1.234.567,05 AED", "it": "1.234.567,05 AED", "ar": "1,234,567.05 AED",
	} {
		got := s.find(lang).Money(consent.Money{Minor: 123456705, Currency: "AED"})
		for _, space := range []string{"\u00a0", "\u202f"} {
			got = strings.ReplaceAll(got, space, " ")
		}
		require.Equal(t, want, got, lang)
	}
	require.Equal(t, "AED\u00a00.00", s.find("en").Money(consent.Money{Currency: "AED"}))
	require.Equal(t, "EUR\u00a0−0.50", s.find("en").Money(consent.Money{Minor: -50, Currency: "EUR"}))
}

// TestTimesAreTheBanks: late in the evening, the day is the bank's.
func TestTimesAreTheBanks(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	at := time.Date(2026, time.May, 14, 21, 30, 0, 0, time.UTC)
	for lang, want := range map[string]string{
		"en": "15 May 2026, 01:30", "fr": "15 mai 2026 à 01:30", "de": "15. Mai 2026, 01:30 Uhr", "es": "15 de mayo de 2026, 01:30", "it": "15 maggio 2026, 01:30", "ar": "15 مايو 2026، 01:30",
	} {
		tell := &teller{speech: s.find(lang), zone: time.FixedZone("Gulf", 4*60*60)}
		require.Equal(t, want, tell.at(at), lang)
		require.Empty(t, tell.at(time.Time{}))
		require.NoError(t, tell.err)
	}
}

// TestTellerKeepsTheFirstFault: a message that is not there ends the page, not half of it.
func TestTellerKeepsTheFirstFault(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	tell := &teller{speech: s.find("en"), zone: time.UTC}
	require.Empty(t, tell.say("no.such.message"))
	require.Empty(t, tell.say("card.none"))
	require.ErrorContains(t, tell.err, "no.such.message")
}

// TestMasked: of no account number more is shown than its ends.
func TestMasked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-Z0-9]{1,34}`).Draw(t, "number")
		for _, r := range []consent.Reference{
			{IBAN: text}, {BBAN: text}, {PAN: text}, {MaskedPAN: text}, {MSISDN: text}, {Other: consent.Other{Identification: text}},
		} {
			got := masked(r)
			require.NotEqual(t, text, strings.ReplaceAll(got, " ", ""))
			require.LessOrEqual(t, len(strings.NewReplacer("•", "", " ", "").Replace(got)), 2*shown)
			require.Contains(t, got, "••••")
		}
	})
	require.Empty(t, masked(consent.Reference{}))
	require.Equal(t, "AE07 •••• 3456", masked(consent.Reference{IBAN: "AE07 0331 2345 6789 0123 456"}))
}

// TestInert: no cell of a table begins as a formula does.
func TestInert(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ \t\r\n=+@|%＝＋－＠;\-a-z0-9]{0,8}`).Draw(t, "cell")
		got := inert(text)
		require.Equal(t, strings.ReplaceAll(text, "\r", "\n"), strings.ReplaceAll(got, "'", ""), "nothing is lost")
		for part := range strings.SplitSeq(strings.ReplaceAll(got, "\n", ";"), ";") {
			if trimmed := strings.TrimSpace(part); trimmed != "" {
				require.NotContains(t, "=+-@|%＝＋－＠", string([]rune(trimmed)[0]))
			}
		}
	})
	for cell, want := range map[string]string{"=1": "'=1", "a;=1": "a;'=1", "a; @b;c": "a;' @b;c", "a\r-1": "a\n'-1", "1-2": "1-2"} {
		require.Equal(t, want, inert(cell))
	}
}

// TestZoneOf: the zone of a receipt is told so that it can be told years later.
func TestZoneOf(t *testing.T) {
	t.Parallel()
	for hours, want := range map[float64]string{0: "UTC", 4: "UTC+04:00", -3.5: "UTC-03:30"} {
		require.Equal(t, want, zoneOf(time.Unix(0, 0).In(time.FixedZone("", int(hours*3600)))))
	}
}

// TestEverythingHasWords: no state, reason, type or shape of payments goes untold.
func TestEverythingHasWords(t *testing.T) {
	t.Parallel()
	for status := range consent.Transitions() {
		require.Contains(t, statusWords, status)
		if status.Final() {
			require.Contains(t, endWords, status)
		}
	}
	for _, reason := range consent.BankReasons() {
		require.Contains(t, pausedWords, reason)
		require.Contains(t, endingWords, reason)
	}
	require.NotEmpty(t, pausedFor("of a newer version").what)
	for _, ty := range []overview.Type{overview.DataSharing, overview.SinglePayment, overview.FlexiPay, overview.Funds, overview.Connected} {
		require.Contains(t, typeWords, ty)
		require.Contains(t, stops, ty)
	}
	require.Len(t, scheduleWords, 9)
	require.Len(t, periodWords, 4)
	require.Len(t, eventWords, 10)
	var told consent.Rights
	for _, w := range rightNames {
		told |= w.right
	}
	require.Equal(t, consent.RightLongHistory<<1-1, told)
}

func TestEndings(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	tell := &teller{speech: s.find("en"), brand: "Sandbox Bank", tpp: "Acme"}
	by := func(actor consent.Actor, why consent.Reason) consent.Ending {
		return consent.Ending{By: actor, Reason: why}
	}
	for want, f := range map[string]finish{
		"You ended it with Sandbox Bank.":                                 {to: consent.Revoked, Ending: by(consent.ByPSU, consent.ReasonWithdrawn)},
		"You ended it with Acme.":                                         {to: consent.Revoked, Ending: by(consent.ByTPP, consent.ReasonAtTPP)},
		"Acme ended it.":                                                  {to: consent.Revoked, Ending: by(consent.ByTPP, "?")},
		"Sandbox Bank ended it.":                                          {to: consent.Revoked, Ending: by(consent.ByASPSP, "?")},
		"You said no.":                                                    {to: consent.Rejected, Ending: by(consent.ByPSU, consent.ReasonRefused), staged: true},
		"Somebody who had to agree said no.":                              {to: consent.Rejected, Ending: by(consent.ByPSU, consent.ReasonRefused), shared: true},
		"Sandbox Bank did not accept it.":                                 {to: consent.Rejected, Ending: by(consent.ByASPSP, consent.ReasonRefused), shared: true},
		"It was refused.":                                                 {to: consent.Rejected, Ending: by(consent.ByASPSP, consent.ReasonRefused), shared: true, staged: true},
		"All that it allowed has been used.":                              {to: consent.Consumed, Ending: by(consent.BySystem, consent.ReasonUsedUp)},
		"The payment failed, and nothing was paid.":                       {to: consent.Consumed, Ending: by(consent.BySystem, consent.ReasonUsedUp), failed: true},
		"Nobody agreed to it in time.":                                    {to: consent.Rejected, Ending: by(consent.BySystem, consent.ReasonNotAuthorised)},
		"Sandbox Bank ended it to protect you.":                           {to: consent.Revoked, Ending: by(consent.ByASPSP, consent.ReasonFraud)},
		"You, or somebody else who may sign, ended it with Sandbox Bank.": {to: consent.Revoked, Ending: by(consent.ByPSU, consent.ReasonWithdrawn), shared: true},
	} {
		require.Equal(t, want, tell.ended(f))
	}
	require.NoError(t, tell.err)
}
