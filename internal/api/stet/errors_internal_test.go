package stet

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

// Every domain code has an answer, and no answer is for a code that is gone.
func TestTableIsTotal(t *testing.T) {
	t.Parallel()
	codes := consent.Codes()
	for _, code := range codes {
		assert.Contains(t, messages, code)
	}
	for code := range messages {
		assert.Contains(t, codes, code)
	}
}

// The statuses are those that the standard lists, and short codes have four letters or
// digits.
func TestTableIsTheStandards(t *testing.T) {
	t.Parallel()
	statuses := []int{400, 401, 403, 404, 405, 406, 408, 429, 500, 501, 503}
	for code, m := range messages {
		assert.True(t, slices.Contains(statuses, m.status), "%s: %d", code, m.status)
		assert.True(t, m.message == "" || len(m.message) == 4, "%s: %s", code, m.message)
		assert.True(t, m.bearer == "" || m.status == http.StatusUnauthorized || code == consent.CodeScope, code)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"header":      {consent.At(consent.CodeFormat, "Header.X-Request-ID", "is required"), "X-Request-ID: is required"},
		"several":     {consent.Faults{consent.At(consent.CodeFormat, "balances", "must be an array"), consent.E(consent.CodeFormat, "x")}, "balances: must be an array (and 1 more)"},
		"in the body": {consent.At(consent.CodeAccountUnknown, "balances[0]", "names no account"), "AC01: balances[0]: names no account"},
		"ours":        {errors.New("connection to 10.0.0.1 refused"), "INTE: internal error"},
		"no place":    {consent.E(consent.CodeRole, "the certificate has not the role"), "the certificate has not the role"},
		"cause":       {consent.E(consent.CodeUnavailable, "the database says no").Because(errors.New("10.0.0.1")), "the bank cannot answer now"},
		"long":        {consent.E(consent.CodeFormat, "%s", strings.Repeat("ü", 300)), strings.Repeat("ü", maxText)},
		"too long":    {consent.E(consent.CodeTooOften, "%s", strings.Repeat("ü", 300)), "TMRQ: " + strings.Repeat("ü", maxText-6)},
	} {
		require.Equal(t, c.want, entryOf(c.err).text(c.err), name)
	}
	require.Equal(t, http.StatusBadRequest, entryOf(consent.At(consent.CodeAccountUnknown, "balances[0]", "x")).status)
	require.Equal(t, http.StatusNotFound, entryOf(errAccount()).status)
}

// What others answer in the dialect's place.
func TestRefusalOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.May, 4, 10, 15, 30, 0, time.UTC)
	h := &Handler{Options: DefaultOptions(), Now: func() time.Time { return now }}
	denial := &access.Denial{Err: consent.E(consent.CodeTooOften, "no more today"), Until: now.Add(90*time.Minute + time.Millisecond)}
	r := h.RefusalOf(denial, []string{"text/html"})
	require.Equal(t, http.StatusTooManyRequests, r.Status)
	require.Equal(t, "TMRQ", r.Code)
	require.Equal(t, "5401", r.Header.Get("Retry-After"))
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	require.JSONEq(t, `{"timestamp":"2026-05-04T10:15:30Z","status":429,"error":"Too Many Requests","message":"TMRQ: no more today","path":"/stet/psd2/v1.4.2"}`, string(r.Body))
	r = h.RefusalOf(consent.At(consent.CodeTokenInvalid, "Header.Authorization", "has ended"), nil)
	require.Equal(t, `Bearer realm="stet", error="invalid_token"`, r.Header.Get("WWW-Authenticate"))
	require.Equal(t, "401", r.Code)
	r = h.RefusalOf(consent.E(consent.CodeUnavailable, "x"), nil)
	require.Equal(t, "1", r.Header.Get("Retry-After"))
	r = h.RefusalOf(consent.At(consent.CodeReferenceUnknown, "Header.Consent-ID", "is not known"), nil)
	require.Contains(t, string(r.Body), `"message":"NGAC: the consent does not open this"`)
}

// A label is the product's, whatever the customer has called the account.
func TestLabels(t *testing.T) {
	t.Parallel()
	for label, told := range map[string]bool{
		"LEA SANDBOXA": true, "SandboxA, Léa": true, "Compte de Léa": true, "LEASANDBOXA": true, "LÉA-SANDBOXA 2": true,
		"Compte courant": false, "Leasing": false, "Compte de dépôt": false, "": false,
	} {
		require.Equal(t, told, tells(label, "Mme Lea de SANDBOXA") || tells(label, "LEA SANDBOXA"), label)
	}
	require.False(t, tells("Compte courant", ""))
}
