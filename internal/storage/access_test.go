package storage

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// TestTallies adds up calls that came together, and hands out what was granted.
func TestTallies(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, b := countKey{consent: uuid.UUID{1}}, countKey{consent: uuid.UUID{2}}
	tallies, index := tallyUp([]countCall{
		{a, 4, noon, "0123456789abcdef"}, {b, 2, noon, ""}, {a, 3, noon.Add(time.Minute), "fedcba9876543210"}, {a, 5, noon.Add(time.Second), ""},
	})
	require.Equal(t, map[countKey]int{a: 0, b: 1}, index)
	require.Equal(t, []tally{
		{key: a, wanted: 3, allowed: 3, at: noon.Add(time.Minute), lists: "0123456789abcdef" + "fedcba9876543210" + unnamed}, {key: b, wanted: 1, allowed: 2, at: noon, lists: unnamed},
	}, tallies, "where they differ about the limit, the lowest holds")
	for name, x := range map[string]struct {
		former, n int
		want      []countAnswer
	}{
		"all":           {0, 3, []countAnswer{{2, true}, {1, true}, {0, true}, {0, false}}},
		"those in time": {2, 3, []countAnswer{{0, true}, {0, false}, {0, false}}},
		"none":          {0, 0, []countAnswer{{0, false}, {0, false}}},
	} {
		tally := tallies[0]
		tally.former, tally.n = x.former, x.n
		for _, want := range x.want {
			require.Equal(t, want, tally.hand(), name)
		}
	}
}

// TestReferences reads references in either way as the real parser does.
func TestReferences(t *testing.T) {
	for text, plain := range map[document]bool{
		`{"iban":"DE40100100103307118608","currency":"EUR"}`:             true,
		`{"iban": "DE40100100103307118608", "currency": "EUR"}`:          true,
		`{"bban": "B", "pan": "P", "maskedPan": "M", "msisdn": "+49 1"}`: true,
		`{"pan": "größer {, }: 😀", "cashAccountType": "CARD"}`:           true,
		`{"iban": ""}`:                       true,
		`{"iban": "a", "iban": "b"}`:         true,
		`{}`:                                 false,
		`null`:                               false,
		`{"iban": "\u003c\"x\""}`:            false,
		`{"iban": "a\\", "currency": "EUR"}`: false,
		`{"IBAN": "x"}`:                      false,
		`{"iban": "x", "later": "y"}`:        false,
		`{"iban" : "x"}`:                     false,
		`{"currency": "EUR", "other": {"identification": "i", "issuer": "{\"}"} }`: false,
	} {
		var want, got consent.Reference
		require.NoError(t, json.Unmarshal([]byte(text), &want), string(text))
		require.Equal(t, plain, text.plain(&got), string(text))
		got, err := text.reference()
		require.NoError(t, err)
		require.Equal(t, want, got, string(text))
	}
	for _, text := range []document{"", "{", `{"iban"`, `{"iban":`, `{"iban":"x`, `{"iban":"x"`, `{"iban":"x",`, `{"iban":"x"}}`, `{"iban":"x",}`, `["iban"]`} {
		_, err := text.reference()
		require.Error(t, err, string(text))
	}
}
