package bankauth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
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
	b := &bundle{book: &book{}, log: &bytes.Buffer{}, echo: echo.New(), now: noon}
	b.gate = &bankauth.Gate{
		Callers: bankauth.Any{
			bankauth.Fixed{
				"desk": {ID: "token/1", Name: "Desk", Role: service.BackOffice},
				"hub":  {ID: "token/2", Name: "Hub", Role: service.Hub},
				"odd":  {ID: "token/3", Name: "Odd", Role: "odd"},
			},
			certificates(t),
		},
		Ledger: b.book, Log: slog.New(slog.NewTextHandler(b.log, nil)),
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

// paper is the store of a ledger that takes nothing but refusals.
type paper struct {
	ledger.Store
	mu      sync.Mutex
	written []consent.Entry
}

func (p *paper) Refuse(_ context.Context, e consent.Entry, _ *consent.Receipt) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = append(p.written, e)
	return nil
}

// bounded gives the gate the program's own ledger.
func (b *bundle) bounded() *paper {
	p := &paper{}
	b.gate.Ledger = &ledger.Ledger{Store: p, Now: func() time.Time { return b.now }, Zone: time.UTC}
	return p
}

// Neither strangers nor a caller of another role can fill the audit, nor keep
// what others are refused out of it.
func TestFloodsAreLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.bounded()
	for _, token := range []string{"x", "hub"} {
		for range 1000 {
			b.send(put(t, "/desk/7", token))
			require.Error(t, b.err)
		}
	}
	require.Len(t, p.written, 60+60)
	b.send(withCertificate(put(t, "/desk/7", ""), core))
	require.Len(t, p.written, 121)
	assert.Equal(t, "certificate/core", p.written[120].Who, "another caller's refusal is kept")
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
	p := b.bounded()
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
	assert.Len(t, p.written, 60)
}
