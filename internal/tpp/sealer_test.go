package tpp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/tpp"
	"consentd/pkg/httpsig"
)

// TestSealedAnswers signs what a surface answers, its errors and empty answers
// too, and leaves other paths and panics alone.
func TestSealedAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	signer := &httpsig.JWSSigner{Certificate: b.qseal.Certificate, Key: b.qseal.Key, Now: time.Now}
	sealer := &tpp.Sealer{
		Owns:   func(path string) bool { return strings.HasPrefix(path, "/v1/") },
		Signer: func() *httpsig.JWSSigner { return signer },
	}
	e := echo.New()
	caught := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				if recover() != nil {
					err = echo.NewHTTPError(http.StatusInternalServerError)
				}
			}()
			return next(c)
		}
	}
	e.Use(caught, sealer.Sign)
	e.GET("/v1/text", func(c echo.Context) error { return c.String(http.StatusOK, "text") })
	e.GET("/v1/nothing", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	e.GET("/v1/panic", func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		panic("in the middle")
	})
	e.GET("/docs", func(c echo.Context) error { return c.String(http.StatusOK, "docs") })

	profile := httpsig.DefaultJWSProfile(time.Now)
	for path, want := range map[string]struct {
		status int
		sealed bool
	}{
		"/v1/text": {http.StatusOK, true}, "/v1/nothing": {http.StatusNoContent, true}, "/v1/none": {http.StatusNotFound, true},
		"/v1/panic": {http.StatusInternalServerError, false}, "/docs": {http.StatusOK, false},
	} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		w := httptest.NewRecorder()
		w.Header().Set("X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
		e.ServeHTTP(w, r)
		require.Equal(t, want.status, w.Code, path)
		require.Equal(t, want.sealed, w.Header().Get(httpsig.HeaderJWS) != "", path)
		if want.sealed {
			require.NoError(t, profile.VerifyResponse(w.Header(), w.Body.Bytes(), b.qseal.Certificate), path)
		}
	}
	plain := (*tpp.Sealer)(nil).Sign(func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	w := httptest.NewRecorder()
	require.NoError(t, plain(e.NewContext(httptest.NewRequest(http.MethodGet, "/v1/text", nil), w)))
	require.Empty(t, w.Header())
}
