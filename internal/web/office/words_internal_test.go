package office

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
)

// What staff read is said in words, whatever it is.
func TestEverythingHasAWord(t *testing.T) {
	t.Parallel()
	require.Len(t, statuses, len(consent.Transitions()))
	for s := range consent.Transitions() {
		require.Contains(t, statusWords, s)
		require.Contains(t, statuses, s)
	}
	for _, r := range append(consent.BankReasons(), consent.ReasonAmended, consent.ReasonPayment) {
		require.Contains(t, reasonWords, r)
	}
	for _, v := range service.Verbs() {
		require.Contains(t, verbWords, v)
		require.Contains(t, doneWords, v)
		require.Contains(t, consequences, v)
	}
	for _, k := range []consent.Kind{consent.AccountAccess, consent.FundsConfirmation, consent.Payments, consent.Connection} {
		require.Contains(t, kindWords, k)
	}
	all := consent.Rights(0)
	for _, w := range rightWords {
		all |= w.right
	}
	require.Equal(t, consent.RightLongHistory<<1-1, all)
	require.Equal(t, "new", word(kindWords, "new"), "what has no word is itself")
}

func TestNumbersAreMasked(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]consent.Reference{
		"DE40 •••• 8608 EUR": {IBAN: "DE40 1001 0010 3307 1186 08", Currency: "EUR"},
		"5254 •••• 3241":     {MaskedPAN: "525412******3241"},
		"••••67":             {MSISDN: "1234567"},
		"••••b":              {Other: consent.Other{Identification: "ab"}},
		"••••a":              {BBAN: "a"},
		"":                   {},
	} {
		require.Equal(t, want, number(r))
	}
}

func TestWhatAnActIsAbout(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0195508a-3a00-7000-8000-000000000001")
	for want, a := range map[string]service.Act{
		"all consents of TPP acme":                     {TPP: "acme"},
		"all consents on account r1":                   {Account: "r1"},
		"consent 0195508a-3a00-7000-8000-000000000001": {Consents: []uuid.UUID{id}},
		"2 consents": {Consents: []uuid.UUID{id, id}},
	} {
		require.Equal(t, want, about(a))
	}
	require.Equal(t, "0195508a…0001", short(id))
}
