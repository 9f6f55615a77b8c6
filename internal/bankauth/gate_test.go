package bankauth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
)

const requestID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"

// book keeps what was refused.
type book struct {
	mu      sync.Mutex
	written []ledger.Refusal
	ended   bool // a context that had ended was used
	fails   error
}

func (b *book) Refused(ctx context.Context, r ledger.Refusal, receipt *consent.Receipt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = b.ended || ctx.Err() != nil || receipt != nil
	b.written = append(b.written, r)
	return b.fails
}

// bundle is a gate before three routes, with a clock that the test turns.
type bundle struct {
	gate *bankauth.Gate
	book *book
	log  *bytes.Buffer
	echo *echo.Echo
	now  time.Time
	seen bankauth.Caller
	err  error // that the surface was handed
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{book: &book{}, log: &bytes.Buffer{}, echo: echo.New(), now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}
	b.gate = &bankauth.Gate{
		Callers: bankauth.Any{
			bankauth.Fixed{
				"desk": {ID: "token/1", Name: "Desk", Role: service.BackOffice},
				"hub":  {ID: "token/2", Name: "Hub", Role: service.Hub},
				"odd":  {ID: "token/3", Name: "Odd", Role: "odd"},
			},
			certificates(t),
		},
		Ledger: b.book, Now: func() time.Time { return b.now }, Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	handler := func(c echo.Context) error {
		b.seen = bankauth.From(c)
		return c.NoContent(http.StatusNoContent)
	}
	b.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set("X-Request-ID", requestID)
			b.seen = bankauth.Caller{}
			if b.err = next(c); b.err != nil {
				return c.NoContent(http.StatusTeapot) // the surface's own form
			}
			return nil
		}
	})
	b.echo.PUT("/desk/:id", handler, b.gate.Require(service.BackOffice))
	b.echo.PUT("/nobody", handler, b.gate.Require())
	b.echo.Any("/known", handler, b.gate.RequireKnown())
	return b
}

func (b *bundle) send(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	b.echo.ServeHTTP(rec, r)
	return rec
}

func put(t *testing.T, path, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, path, http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func TestGateLetsIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	assert.Equal(t, http.StatusNoContent, b.send(put(t, "/desk/7", "desk")).Code)
	assert.Equal(t, bankauth.Caller{ID: "token/1", Name: "Desk", Role: service.BackOffice}, b.seen)
	assert.Equal(t, http.StatusNoContent, b.send(put(t, "/known", "hub")).Code)
	assert.Equal(t, service.Hub, b.seen.Role)

	// What a certificate shows is known of who sends a token too.
	assert.Equal(t, http.StatusNoContent, b.send(withCertificate(put(t, "/desk/7", "desk"), core)).Code)
	assert.Equal(t, fingerprint(core), b.seen.Certificate)
	assert.Equal(t, "token/1", b.seen.ID)
	assert.Empty(t, b.book.written)
}

func TestGateRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, token string
		certified   bool
		code        consent.Code
		challenge   string
		who         string
		operation   string
	}{
		"nothing shown":         {path: "/desk/7", code: consent.CodeUnauthenticated, challenge: "Bearer", operation: "PUT /desk/:id"},
		"wrong token":           {path: "/desk/7", token: "x", code: consent.CodeUnauthenticated, challenge: `Bearer error="invalid_token"`, operation: "PUT /desk/:id"},
		"wrong token, good tls": {path: "/known", token: "x", certified: true, code: consent.CodeUnauthenticated, challenge: `Bearer error="invalid_token"`, operation: "PUT /known"},
		"another role":          {path: "/desk/7", token: "hub", code: consent.CodeRole, who: "token/2", operation: "PUT /desk/:id"},
		"another role by tls":   {path: "/desk/7", certified: true, code: consent.CodeRole, who: "certificate/core", operation: "PUT /desk/:id"},
		"no role may":           {path: "/nobody", token: "desk", code: consent.CodeRole, who: "token/1", operation: "PUT /nobody"},
		"a role that is none":   {path: "/known", token: "odd", code: consent.CodeRole, who: "token/3", operation: "PUT /known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r, seen := put(t, c.path, c.token), ""
			if c.certified {
				r, seen = withCertificate(r, core), fingerprint(core)
			}
			gone, cancel := context.WithCancel(r.Context())
			cancel() // hanging up keeps nothing from being written down
			rec := b.send(r.WithContext(gone))
			assert.Equal(t, http.StatusTeapot, rec.Code)
			assert.Equal(t, c.code, consent.CodeOf(b.err))
			assert.Equal(t, c.challenge, rec.Header().Get("WWW-Authenticate"))
			assert.Zero(t, b.seen, "the handler is not reached")
			assert.Equal(t, []ledger.Refusal{{
				Cause:     consent.Cause{By: consent.ByASPSP, Who: c.who, Certificate: seen, RequestID: requestID},
				Operation: c.operation, Code: c.code,
			}}, b.book.written)
			assert.False(t, b.book.ended)
		})
	}
}

// A database that fails refuses nobody, and keeps nobody from being refused.
func TestGateInTrouble(t *testing.T) {
	t.Parallel()
	b := setup(t)
	down := consent.E(consent.CodeUnavailable, "down")
	b.gate.Callers = bankauth.Bearer{Tokens: shelf{fails: down}}
	b.send(put(t, "/desk/7", "desk"))
	require.ErrorIs(t, b.err, down)
	assert.Empty(t, b.book.written)

	b.book.fails = errors.New("disk full")
	b.send(put(t, "/desk/7", ""))
	assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(b.err))
	assert.Contains(t, b.log.String(), "a refusal could not be written down")
	assert.Contains(t, b.log.String(), "disk full")
}

// Strangers cannot fill the audit, nor keep what known callers are refused out
// of it; how much is left out is logged.
func TestFloodsAreLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 1000 {
		b.send(put(t, "/desk/7", "x"))
		require.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(b.err))
	}
	assert.Len(t, b.book.written, 60)
	assert.Equal(t, 1, strings.Count(b.log.String(), "there are too many"))

	b.send(put(t, "/desk/7", "hub"))
	assert.Len(t, b.book.written, 61, "a known caller's refusal is kept")

	for range 10 {
		b.now = b.now.Add(time.Second)
		b.send(put(t, "/desk/7", ""))
		b.send(put(t, "/desk/7", ""))
	}
	assert.Len(t, b.book.written, 71, "one a second")
	assert.Contains(t, b.log.String(), "count=940")
	assert.Contains(t, b.log.String(), "count=1")

	b.now = b.now.Add(time.Hour)
	for range 100 {
		b.send(put(t, "/desk/7", ""))
	}
	assert.Len(t, b.book.written, 131, "after a rest as many as at first")

	b.now = b.now.Add(-24 * time.Hour)
	b.send(put(t, "/desk/7", ""))
	assert.Len(t, b.book.written, 132, "a clock that was turned back shuts nothing out")
}

func TestMadeUpMethodsStayOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.echo.Add("BREW", "/desk/:id", func(echo.Context) error { return nil }, b.gate.Require(service.Hub))
	r := put(t, "/desk/7", "desk")
	r.Method = "BREW"
	b.send(r)
	require.Len(t, b.book.written, 1)
	assert.Equal(t, "other /desk/:id", b.book.written[0].Operation)
}

// Many at once: the bound holds, and nothing races.
func TestGateInParallel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gate := b.gate.Require(service.BackOffice)(func(echo.Context) error { return nil })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
				assert.Error(t, gate(echo.New().NewContext(r, httptest.NewRecorder())))
			}
		})
	}
	wg.Wait()
	assert.Len(t, b.book.written, 60)
}
