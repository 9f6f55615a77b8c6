package faults_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox/faults"
)

// TestRatesAreCounted: any share of the calls comes out exactly.
func TestRatesAreCounted(t *testing.T) {
	t.Parallel()
	for rate, want := range map[string]int{"0": 0, "0.01": 1, "0.1": 10, "0.3": 30, "0.7": 70, "0.99": 99, "1": 100} {
		f := &faults.Faults{Owns: func(path string) bool { return path == "/v1/x" }}
		e := echo.New()
		e.Use(f.Middleware())
		(&faults.Handler{Faults: f}).Mount(e.Group("/sandbox"), func(next echo.HandlerFunc) echo.HandlerFunc { return next })
		e.GET("/v1/x", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
		do := func(method, path, body string) int {
			res := httptest.NewRecorder()
			r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
			e.ServeHTTP(res, r)
			return res.Code
		}
		require.Equal(t, http.StatusOK, do(http.MethodPut, "/sandbox/faults", `{"match":"GET /v1/x","status":503,"rate":`+rate+`}`))
		n := 0
		for range 100 {
			if do(http.MethodGet, "/v1/x", "") == http.StatusServiceUnavailable {
				n++
			}
		}
		assert.Equal(t, want, n, rate)
	}
}
