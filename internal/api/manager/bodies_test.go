package manager_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/api/manager"
	"consentd/internal/service/office"
	"consentd/internal/service/payments"
	"consentd/internal/service/staging"
)

// The use cases are what the ports ask for.
var (
	_ manager.Staging  = (*staging.Staging)(nil)
	_ manager.Payments = (*payments.Payments)(nil)
	_ manager.Office   = (*office.Office)(nil)
)

// Bodies that are right but for something are taken or refused, never our fault, and
// what is taken is answered by documents that are valid.
func TestOddBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bodies := []string{
		dataRequest, paymentRequest(multi), paymentRequest(single), paymentRequest(file), payment("rent", "k", "1.00"), authorized(omar, "r1"),
		`{"revokedBy":"LFI"}`, `{"data":{"status":"Rejected","rejectReasonCode":[{"Code":"LFI.X","Message":"m"}]}}`, `{"reason":"legal","tppId":"t"}`,
		`{"consentBody":{"Data":{"Status":"Revoked","RevokedBy":"TPP"},"Meta":{"MultipleAuthorizers":{"Authorizations":[{"AuthorizationStatus":"Pending"}]}}},"authorizationChannel":"App"}`,
	}
	rapid.Check(t, func(r *rapid.T) {
		w.staging.all, w.staging.tokens = nil, nil
		w.call("hub POST /consents", paymentRequest(multi))
		var tree any
		d := json.NewDecoder(strings.NewReader(rapid.SampledFrom(bodies).Draw(r, "body")))
		d.UseNumber()
		require.NoError(r, d.Decode(&tree))
		body, err := json.Marshal(mutated(r, tree))
		require.NoError(r, err)
		call := rapid.SampledFrom([]string{
			"hub POST /consents", "hub PATCH /consents/rent", "back-office PATCH /consents/rent", "hub POST /payment-log", "hub PATCH /payment-log/x",
			"hub POST /consents/rent/action/revoke", "back-office POST /consents/action/suspend",
		}).Draw(r, "call")
		got := w.call(call, string(body))
		require.Less(r, got.status, http.StatusInternalServerError, "%s %s: %s", call, body, got.body)
		require.Equal(r, http.StatusOK, w.call("hub GET /consents", "").status)
		require.Equal(r, http.StatusOK, w.call("hub GET /payment-log?consentId=rent", "").status)
	})
}

// mutated changes one place of a tree of JSON, or none.
func mutated(t *rapid.T, v any) any {
	odd := []any{nil, "", "x", "0.00", "1.00", "2026-03-02", json.Number("0"), json.Number("-1"), json.Number("1e999"), true, []any{}, map[string]any{}, "\u202e", strings.Repeat("x", 200)}
	switch x := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(x))
		if len(names) == 0 || rapid.IntRange(0, 5).Draw(t, "here") == 0 {
			break
		}
		name := rapid.SampledFrom(names).Draw(t, "member")
		switch rapid.IntRange(0, 9).Draw(t, "how") {
		case 0:
			delete(x, name)
		case 1:
			x[strings.ToLower(name)] = x[name]
		default:
			x[name] = mutated(t, x[name])
		}
		return x
	case []any:
		if len(x) == 0 || rapid.IntRange(0, 5).Draw(t, "here") == 0 {
			break
		}
		i := rapid.IntRange(0, len(x)-1).Draw(t, "element")
		x[i] = mutated(t, x[i])
		return x
	}
	return rapid.SampledFrom(odd).Draw(t, "value")
}
