package aspsp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkAccessCheck(b *testing.B) {
	benchmark(b, http.MethodPost, checksPath, checkOf("operation", `"balances"`, "account", `"r1"`, "psuIpAddress", `"192.0.2.7"`, "requestId", `"`+requestID+`"`))
}

func BenchmarkForwardAuth(b *testing.B) {
	benchmark(b, http.MethodGet, forwardPath, "")
}

// benchmark measures what the interface itself costs, with a decision at hand.
func benchmark(b *testing.B, method, path, body string) {
	b.Helper()
	w := quiet()
	w.decider.decide = allowed
	d, err := allowed(w.question())
	require.NoError(b, err)
	w.dialect.decision = &d
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
		r.Header = http.Header{
			"Authorization": {"Bearer core"}, "X-Request-Id": {requestID}, "Content-Type": {"application/json"},
			"X-Original-Uri": {"/v1/accounts/r1/balances"}, "X-Original-Method": {"GET"},
		}
		rec := httptest.NewRecorder()
		w.echo.ServeHTTP(rec, r)
		require.Equal(b, http.StatusOK, rec.Code)
		w.decider.asked, w.dialect.admitted = w.decider.asked[:0], w.dialect.admitted[:0]
	}
}
