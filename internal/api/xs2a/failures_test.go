package xs2a_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/tpp"
)

// failing reads a consent while the store answers err.
func (w *world) failing(t *testing.T, err error) answer {
	t.Helper()
	w.store.err = err
	defer func() { w.store.err = nil }()
	return w.send(t, http.MethodGet, "/v1/consents/"+uuid.NewString(), "", nil)
}

func TestOwnFaultsTellNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.failing(t, errors.New("pq: password of consentd is wrong"))
	assert.Equal(t, http.StatusInternalServerError, a.status)
	assert.Empty(t, a.body)
	assert.Contains(t, w.log.String(), requestID)
	assert.Contains(t, w.log.String(), "password of consentd is wrong", "for us alone")

	unavailable := consent.E(consent.CodeUnavailable, "x").Because(errors.New("y"))
	for _, err := range []error{unavailable, fmt.Errorf("query: %w", context.DeadlineExceeded)} {
		a = w.failing(t, err)
		assert.Equal(t, http.StatusServiceUnavailable, a.status)
		assert.Empty(t, a.body)
		assert.Equal(t, "1", a.header.Get("Retry-After"))
	}
}

type panicking struct{ with any }

func (p panicking) Identify(*http.Request) (tpp.TPP, error) { panic(p.with) }

func TestPanic(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) { h.Callers = panicking{"a secret"} })
	a := w.send(t, http.MethodGet, "/v1/consents/x", "", nil)
	assert.Equal(t, http.StatusInternalServerError, a.status)
	assert.Empty(t, a.body)
	assert.Equal(t, requestID, a.header.Get("X-Request-ID"))
	var line struct{ Msg, RequestID, Stack string }
	require.NoError(t, json.Unmarshal(w.log.Bytes(), &line))
	assert.Equal(t, "panic", line.Msg)
	assert.Equal(t, requestID, line.RequestID)
	assert.Contains(t, line.Stack, "failures_test.go", "where it was")

	w = setup(t, func(h *xs2a.Handler) { h.Callers = panicking{http.ErrAbortHandler} })
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/consents/x", nil)
	e := echo.New()
	w.handler.Mount(e)
	assert.PanicsWithError(t, http.ErrAbortHandler.Error(), func() { e.ServeHTTP(httptest.NewRecorder(), req) })
}

// What Echo's middleware refuses is answered in our form too.
func TestHTTPError(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, c := range []struct {
		err  error
		want int
		code string
	}{
		{echo.ErrNotFound, http.StatusNotFound, "RESOURCE_UNKNOWN"},
		{echo.ErrMethodNotAllowed, http.StatusMethodNotAllowed, "SERVICE_INVALID"},
		{echo.NewHTTPError(http.StatusBadRequest, "x"), http.StatusBadRequest, "FORMAT_ERROR"},
		{echo.ErrStatusRequestEntityTooLarge, http.StatusBadRequest, "FORMAT_ERROR body"},
		{fmt.Errorf("wrapped: %w", echo.ErrNotFound), http.StatusNotFound, "RESOURCE_UNKNOWN"},
		{consent.E(consent.CodeBlocked, "blocked"), http.StatusForbidden, "SERVICE_BLOCKED"},
		{echo.ErrRequestTimeout, http.StatusRequestTimeout, ""},
		{echo.ErrUnsupportedMediaType, http.StatusUnsupportedMediaType, ""},
		{echo.ErrServiceUnavailable, http.StatusServiceUnavailable, ""},
		{echo.ErrTeapot, http.StatusInternalServerError, ""},
		{errors.New("x"), http.StatusInternalServerError, ""},
	} {
		rec := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/x", nil)
		w.handler.HTTPError(c.err, echo.New().NewContext(req, rec))
		assert.Equal(t, c.want, rec.Code, c.err)
		require.NoError(t, uuid.Validate(rec.Header().Get("X-Request-ID")))
		if c.code == "" {
			assert.Empty(t, rec.Body.String())
			continue
		}
		assert.Equal(t, []string{c.code}, answer{body: rec.Body.String()}.messages(t))
	}
	rec := httptest.NewRecorder()
	c := echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/x", nil), rec)
	require.NoError(t, c.String(http.StatusOK, "said"))
	w.handler.HTTPError(errors.New("too late"), c)
	assert.Equal(t, "said", rec.Body.String(), "an answer that has begun is not changed")
}

// broken is a body that breaks.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestBodiesThatBreak(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := echo.New()
	w.handler.Mount(e)
	for _, c := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("read: %w", os.ErrDeadlineExceeded), http.StatusRequestTimeout},
		{context.DeadlineExceeded, http.StatusRequestTimeout},
		{errors.New("unexpected EOF"), http.StatusBadRequest},
		{&http.MaxBytesError{Limit: 5}, http.StatusBadRequest},
	} {
		rec := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/consents", broken{c.err})
		e.ServeHTTP(rec, req)
		assert.Equal(t, c.want, rec.Code, c.err)
	}
}

func TestNotesSayWhy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := echo.New()
	w.handler.Mount(e)
	ask := func(change func(*http.Request)) string {
		ctx, notes := explain.Listen(t.Context())
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/consents", strings.NewReader(bankOffered))
		for name, value := range map[string]string{
			"X-Request-ID": requestID, "Content-Type": "application/json", "PSU-IP-Address": "192.0.2.7",
			"TPP-Redirect-URI": "https://tpp.example/back", "PSU-ID": "lea",
		} {
			req.Header.Set(name, value)
		}
		change(req)
		e.ServeHTTP(httptest.NewRecorder(), req)
		return strings.Join(notes.Lines(), "\n")
	}
	notes := ask(func(r *http.Request) { r.Header.Set("TPP-Redirect-Preferred", "false") })
	for _, want := range []string{"caller: demo (Demo)", "bankOffered", "explicit false", "approach: decoupled would be preferred and is not offered: redirect"} {
		assert.Contains(t, notes, want)
	}
	assert.NotContains(t, notes, "lea")
	assert.NotContains(t, notes, "secret-handle")
	notes = ask(func(r *http.Request) { r.Header.Set("PSU-IP-Address", "my.address") })
	assert.Contains(t, notes, "wrong: Header.PSU-IP-Address: must be an IP address, version 4 or 6 → FORMAT_ERROR")
	assert.NotContains(t, notes, "my.address")
}
