package xs2a_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	wire "consentd/pkg/xs2a"
)

const (
	lea  = `{"iban":"` + ibanLea + `"}`
	anna = `{"iban":"` + ibanAnna + `"}`
)

// body makes a request of members that replace those of a good one; a member
// "-" is taken away.
func body(members map[string]string) string {
	all := map[string]string{"access": `{"balances":[]}`, "recurringIndicator": "true", "validUntil": `"2026-04-01"`, "frequencyPerDay": "4"}
	maps.Copy(all, members)
	var parts []string
	for name, value := range all {
		if value != "-" {
			parts = append(parts, `"`+name+`":`+value)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestBodyMembers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, c := range map[string]struct {
		member, value string
		want          string // the fault; empty for none
	}{
		"no access":                        {"access", "-", "FORMAT_ERROR access"},
		"access null":                      {"access", "null", "FORMAT_ERROR access"},
		"access a list":                    {"access", "[]", "FORMAT_ERROR access"},
		"access a string":                  {"access", `"allAccounts"`, "FORMAT_ERROR access"},
		"no recurringIndicator":            {"recurringIndicator", "-", "FORMAT_ERROR recurringIndicator"},
		"recurringIndicator quoted":        {"recurringIndicator", `"true"`, "FORMAT_ERROR recurringIndicator"},
		"recurringIndicator a number":      {"recurringIndicator", "1", "FORMAT_ERROR recurringIndicator"},
		"recurringIndicator null":          {"recurringIndicator", "null", "FORMAT_ERROR recurringIndicator"},
		"no validUntil":                    {"validUntil", "-", "FORMAT_ERROR validUntil"},
		"validUntil a number":              {"validUntil", "20260401", "FORMAT_ERROR validUntil"},
		"validUntil empty":                 {"validUntil", `""`, "FORMAT_ERROR validUntil"},
		"validUntil a timestamp":           {"validUntil", `"2026-04-01T00:00:00Z"`, "FORMAT_ERROR validUntil"},
		"validUntil without zeros":         {"validUntil", `"2026-4-1"`, "FORMAT_ERROR validUntil"},
		"validUntil no day of the year":    {"validUntil", `"2026-02-29"`, "FORMAT_ERROR validUntil"},
		"validUntil day 0":                 {"validUntil", `"2026-04-00"`, "FORMAT_ERROR validUntil"},
		"validUntil beyond year 9999":      {"validUntil", `"10000-01-01"`, "FORMAT_ERROR validUntil"},
		"validUntil negative":              {"validUntil", `"-0001-01-01"`, "FORMAT_ERROR validUntil"},
		"validUntil in year 0":             {"validUntil", `"0000-01-01"`, "FORMAT_ERROR validUntil"},
		"validUntil with a blank":          {"validUntil", `" 2026-04-01"`, "FORMAT_ERROR validUntil"},
		"validUntil yesterday":             {"validUntil", `"2026-02-28"`, "FORMAT_ERROR validUntil"},
		"validUntil today":                 {"validUntil", `"2026-03-01"`, ""},
		"validUntil the last day there is": {"validUntil", `"9999-12-31"`, ""},
		"no frequencyPerDay":               {"frequencyPerDay", "-", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay quoted":           {"frequencyPerDay", `"4"`, "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay 4.0":              {"frequencyPerDay", "4.0", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay 4e0":              {"frequencyPerDay", "4e0", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay 0":                {"frequencyPerDay", "0", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay -0":               {"frequencyPerDay", "-0", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay -1":               {"frequencyPerDay", "-1", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay true":             {"frequencyPerDay", "true", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay very small":       {"frequencyPerDay", "-99999999999999999999", "FORMAT_ERROR frequencyPerDay"},
		"frequencyPerDay very large":       {"frequencyPerDay", "99999999999999999999", ""},
		"combined null":                    {"combinedServiceIndicator", "null", "FORMAT_ERROR combinedServiceIndicator"},
		"combined quoted":                  {"combinedServiceIndicator", `"false"`, "FORMAT_ERROR combinedServiceIndicator"},
		"combined true":                    {"combinedServiceIndicator", "true", "SESSIONS_NOT_SUPPORTED combinedServiceIndicator"},
		"combined false":                   {"combinedServiceIndicator", "false", ""},
		"an unknown member":                {"somethingElse", `{"a":[1,2,{"b":null}]}`, ""},
		"a member in another case":         {"FrequencyPerDay", `"x"`, ""},
		"a member twice":                   {"somethingElse", `1,"somethingElse":2`, "FORMAT_ERROR somethingElse"},
	} {
		a := w.create(t, body(map[string]string{c.member: c.value}), nil)
		if c.want == "" {
			assert.Equal(t, http.StatusCreated, a.status, "%s: %s", name, a.body)
			continue
		}
		assert.Equal(t, http.StatusBadRequest, a.status, name)
		assert.Equal(t, []string{c.want}, a.messages(t), name)
	}
}

func TestOneOffTakesOneAccess(t *testing.T) {
	t.Parallel()
	w := setup(t)
	once := map[string]string{"recurringIndicator": "false", "frequencyPerDay": "2"}
	assert.Equal(t, []string{"FORMAT_ERROR frequencyPerDay"}, w.create(t, body(once), nil).messages(t))
	once["frequencyPerDay"] = "1"
	assert.Equal(t, http.StatusCreated, w.create(t, body(once), nil).status)
	// What cannot be read is not judged by what depends on it.
	once["recurringIndicator"], once["frequencyPerDay"] = `"false"`, "2"
	assert.Equal(t, []string{"FORMAT_ERROR recurringIndicator"}, w.create(t, body(once), nil).messages(t))
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	a := setup(t).create(t, `{
		"access": {"accounts": [{"iban": "x"}, {}, 5, {"iban": "`+ibanLea+`", "bban": "1", "currency": "eur"}], "restrictedTo": ["cacc"]},
		"recurringIndicator": false, "validUntil": "2020-01-01", "frequencyPerDay": 3, "combinedServiceIndicator": true
	}`, with{"PSU-IP-Address": "x", "PSU-Http-Method": "x", "TPP-Redirect-URI": "-"})
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Equal(t, []string{
		"FORMAT_ERROR Header.PSU-IP-Address", "FORMAT_ERROR Header.TPP-Redirect-URI", "FORMAT_ERROR Header.PSU-Http-Method",
		"FORMAT_ERROR access.accounts[0].iban", "FORMAT_ERROR access.accounts[1]", "FORMAT_ERROR access.accounts[2]",
		"FORMAT_ERROR access.accounts[3]", "FORMAT_ERROR access.accounts[3].currency", "FORMAT_ERROR access.restrictedTo[0]",
		"FORMAT_ERROR access.restrictedTo", "SESSIONS_NOT_SUPPORTED combinedServiceIndicator",
		"FORMAT_ERROR validUntil", "FORMAT_ERROR frequencyPerDay",
	}, a.messages(t))
}

func TestBodyForm(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, c := range map[string]struct{ body, want string }{
		"not JSON":            {`{"access":`, "FORMAT_ERROR body"},
		"blank":               {" ", "FORMAT_ERROR body"},
		"null":                {"null", "FORMAT_ERROR body"},
		"a list":              {"[]", "FORMAT_ERROR body"},
		"a string":            {`"x"`, "FORMAT_ERROR body"},
		"trailing data":       {bankOffered + "{}", "FORMAT_ERROR body"},
		"trailing comma":      {`{"access":{},}`, "FORMAT_ERROR body"},
		"a comment":           {"/**/" + bankOffered, "FORMAT_ERROR body"},
		"a byte order mark":   {"\ufeff" + bankOffered, "FORMAT_ERROR body"},
		"not UTF-8":           {`{"x":"` + "\xff" + `"}`, "FORMAT_ERROR body"},
		"too deep":            {strings.Replace(bankOffered, "{", `{"x":`+strings.Repeat("[", 16)+strings.Repeat("]", 16)+",", 1), "FORMAT_ERROR body"},
		"far too deep":        {strings.Repeat("[", 30000) + strings.Repeat("]", 30000), "FORMAT_ERROR body"},
		"a member twice":      {`{"access":{"balances":[],"balances":[` + lea + `]}}`, "FORMAT_ERROR access.balances"},
		"twice, in a list":    {`{"x":[{},{"y":1,"y":1}]}`, "FORMAT_ERROR x[1].y"},
		"twice, a wild name":  {`{"FR76 <x>":1,"FR76 <x>":1}`, "FORMAT_ERROR ?"},
		"twice, by an escape": {`{"x":1,"\u0078":1}`, "FORMAT_ERROR x"},
	} {
		a := w.create(t, c.body, nil)
		assert.Equal(t, http.StatusBadRequest, a.status, name)
		assert.Equal(t, []string{c.want}, a.messages(t), name)
	}
	deep := strings.Replace(bankOffered, "{", `{"x":`+strings.Repeat("[", 15)+strings.Repeat("]", 15)+",", 1)
	assert.Equal(t, http.StatusCreated, w.create(t, deep, nil).status, "16 deep")
}

func TestLenientDates(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) { h.Options.LenientDates = true })
	for value, want := range map[string]string{
		"2026-04-01":                "2026-04-01",
		"2026-04-01T23:30:00Z":      "2026-04-01",
		"2026-04-01T23:30:00-12:00": "2026-04-01",
		"2026-04-01T00:00:00.123Z":  "2026-04-01",
		"2026-04-01T25:00:00Z":      "",
		"2026-04-01T00:00:00":       "",
		"2026-04-01 00:00:00Z":      "",
		"2026-04-01Tx":              "",
	} {
		a := w.create(t, body(map[string]string{"validUntil": `"` + value + `"`}), nil)
		if want == "" {
			assert.Equal(t, []string{"FORMAT_ERROR validUntil"}, a.messages(t), value)
			continue
		}
		require.Equal(t, http.StatusCreated, a.status, "%s: %s", value, a.body)
		assert.Equal(t, want, w.get(t, a).ValidUntil)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) { h.Options.Sessions = true })
	assert.Equal(t, http.StatusCreated, w.create(t, body(map[string]string{"combinedServiceIndicator": "true"}), nil).status)
}

// get reads the consent that an answer is about.
func (w *world) get(t *testing.T, created answer) wire.ConsentInformation {
	t.Helper()
	var c wire.ConsentsResponse
	require.NoError(t, json.Unmarshal([]byte(created.body), &c))
	info, _, err := w.demo(t).Consent(t.Context(), c.ConsentID)
	require.NoError(t, err)
	return *info
}

// stored is the only consent of the store.
func (w *world) stored(t *testing.T) consent.Consent {
	t.Helper()
	require.Len(t, w.store.byID, 1)
	for _, c := range w.store.byID {
		return c
	}
	return consent.Consent{}
}
