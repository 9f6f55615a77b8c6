package e2e

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/points"
)

// alternating are two servers over one database behind nginx, which passes the
// requests to them by turns.
type alternating struct {
	*program          // as nginx reaches it
	calls    [2]int64 // of flows, at each server
}

func startAlternating(t *testing.T) *alternating {
	t.Helper()
	a, started := &alternating{}, 0
	r := startTwo(t, func(o *app.SandboxOptions) {
		mine := &a.calls[started%2]
		started++
		o.Reached = func(at points.Point) {
			if strings.HasPrefix(string(at), "flow.") && strings.HasSuffix(string(at), ".before") {
				atomic.AddInt64(mine, 1)
			}
		}
	})
	if r == nil {
		return nil
	}
	address := freeAddress(t)
	runNginx(t, t.TempDir(), address, `
  upstream replicas {
    server 127.0.0.1:`+portOf(t, r.one.base)+`;
    server 127.0.0.1:`+portOf(t, r.two.base)+`;
  }
  server {
    listen `+address+`;
    location / {
      proxy_pass http://replicas;
      proxy_set_header Host $http_host;
      add_header X-Served-By $upstream_addr always;
    }
  }
`)
	p := *r.one
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	p.base = "http://localhost:" + port
	p.tpp = p.as("demo")
	a.program = &p
	return a
}

// both asserts that each server has called the flow.
func (a *alternating) both() {
	a.t.Helper()
	for i := range a.calls {
		require.NotZero(a.t, atomic.LoadInt64(&a.calls[i]), "server %d has called no flow", i+1)
	}
	a.t.Logf("calls of the flow at each server: %v", a.calls)
}

// turns notes which server has answered each request.
type turns struct {
	http.RoundTripper
	by []string
}

// RoundTrip implements http.RoundTripper.
func (s *turns) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if err == nil {
		s.by = append(s.by, res.Header.Get("X-Served-By"))
	}
	return res, err
}

func (s *turns) last() string {
	if len(s.by) == 0 {
		return ""
	}
	return s.by[len(s.by)-1]
}

// probe sends a request that asks for nothing.
func (u *psu) probe() error {
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.base+"/healthz", nil)
	if err != nil {
		return err
	}
	res, err := u.jar.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// TestAlternateServers walks a redirect whose every request is served by the
// other server than the one before.
func TestAlternateServers(t *testing.T) {
	a := startAlternating(t)
	if a == nil {
		return // asked for SQLite alone, which has no second server
	}
	var first []string
	for range 2 { // each server has each step once
		id, link := a.create(a.tpp, a.offered())
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		served := &turns{RoundTripper: http.DefaultTransport}
		u := &psu{program: a.program, link: link, jar: &http.Client{Jar: jar, CheckRedirect: a.http.CheckRedirect, Transport: served}}
		for len(first) > 0 && served.last() != first[0] { // whoever began the first walk has just served
			require.NoError(t, u.probe())
		}
		served.by = nil
		u.look()
		u.at("login", http.StatusOK)
		u.send("psuId=omar", "password=sandbox")
		u.at("accounts", http.StatusOK)
		u.send("account=" + omarIBAN)
		u.at("consent", http.StatusOK)
		u.agree()
		code := a.phone("omar").Messages
		a.phone("omar") // so that the next is the other server's turn
		u.send("otp=" + code[len(code)-1].Code)
		require.Equal(t, http.StatusSeeOther, u.status, u.body)
		require.Equal(t, "valid", a.status(a.tpp, id))
		require.Greater(t, len(served.by), 5)
		for i := range served.by[1:] {
			require.NotEqual(t, served.by[i], served.by[i+1], "%v", served.by)
		}
		first = append(first, served.by[0])
	}
	require.NotEqual(t, first[0], first[1], "the same server began both")
	a.both()
}

// TestBrowserAlternateServers is the same walk in a real browser, which asks for
// pages, styles and the phone as it likes.
func TestBrowserAlternateServers(t *testing.T) {
	a := startAlternating(t)
	if a == nil {
		return // asked for SQLite alone, which has no second server
	}
	for range 3 {
		a.browse().authoriseOffered()
	}
	a.both()
}
