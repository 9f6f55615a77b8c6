package xs2a_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

func BenchmarkStatus(b *testing.B) {
	benchmark(b, http.MethodGet, http.StatusOK, "")
}

func BenchmarkCreate(b *testing.B) {
	benchmark(b, http.MethodPost, http.StatusCreated, bankOffered)
}

func benchmark(b *testing.B, method string, want int, body string) {
	b.Helper()
	w := newWorld()
	e := echo.New()
	w.handler.Mount(e)
	path := "/v1/consents"
	if method == http.MethodGet {
		c := consent.Consent{
			ID: uuid.New(), TPP: "demo", Rail: consent.RailXS2A, Kind: consent.AccountAccess, Status: consent.Valid,
			EndsAt: w.clock.Add(time.Hour),
		}
		w.store.byID[c.ID] = c
		path += "/" + c.ID.String() + "/status"
	}
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
		req.Header.Set("X-Request-ID", requestID)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("PSU-IP-Address", "192.0.2.7")
		req.Header.Set("TPP-Redirect-URI", "https://tpp.example/back")
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		require.Equal(b, want, rec.Code)
	}
}

// BenchmarkAdmit is all that a read costs but its decision.
func BenchmarkAdmit(b *testing.B) {
	w := newWorld()
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/accounts/r1/transactions", nil)
		req.Header.Set("X-Request-ID", requestID)
		req.Header.Set("Consent-ID", readConsent)
		req.Header.Set("PSU-IP-Address", "192.0.2.7")
		w.reads.asked = w.reads.asked[:0]
		d, refusal := w.handler.Admit(req, nil)
		require.Nil(b, refusal)
		require.NotNil(b, d)
	}
}
