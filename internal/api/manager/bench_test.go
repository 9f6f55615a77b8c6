package manager_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkList writes a page of the longest size, all of it payment consents.
func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	for i := range 100 {
		require.Equal(b, http.StatusCreated, w.call("hub POST /consents", replaced(paymentRequest(multi), `"rent"`, fmt.Sprintf(`"rent-%d"`, i))).status)
	}
	r := httptest.NewRequest(http.MethodGet, "/consent-manager/consents?pageSize=100", http.NoBody)
	r.Header.Set("X-Test-Role", "hub")
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		w.echo.ServeHTTP(rec, r)
		n, err := io.Copy(io.Discard, rec.Body)
		require.NoError(b, err)
		require.Greater(b, n, int64(100_000))
	}
}
