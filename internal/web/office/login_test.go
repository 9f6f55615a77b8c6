package office_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/staff"
)

func TestLogInAndOut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.browser()
	got := b.get(consentPath + one.String())
	require.Contains(t, got.body, "Who are you?")
	got = b.post("/sandbox/idp/authorize", fields(got.body, "person", "mia"))
	require.Equal(t, consentPath+one.String(), got.path, "back to the page that was asked for")
	require.Contains(t, got.body, "Mia Care")
	require.Contains(t, got.body, "customer care")

	got = b.post("/back-office/logout", fields(got.body))
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "/back-office/left", got.path)
	require.NotContains(t, got.body, "Mia")
	require.Contains(t, b.get("/back-office").path, "/sandbox/idp/authorize")
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.overTLS()
	b := w.as("mia")
	got := b.get("/back-office")
	require.NotEmpty(t, got.header.Get("Strict-Transport-Security"))
	require.Contains(t, got.header.Get("Set-Cookie"), "__Host-consentd-staff=")
	for _, attribute := range []string{"; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"} {
		require.Contains(t, got.header.Get("Set-Cookie"), attribute)
	}
}

// A log-in that begins under another name of ours goes on under the one that the
// provider sends the browser back to.
func TestLogInUnderAnotherName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.browser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.pages.Secure = func(*http.Request) bool { return true } // as if a proxy had taken the https off
	got := b.get("/back-office/login?back=/back-office/bulk")
	require.Equal(t, w.url+"/back-office/login?at=1&back=%2Fback-office%2Fbulk", got.header.Get("Location"))
	got = b.get("/back-office/login?at=1&back=%2Fback-office%2Fbulk")
	require.Contains(t, got.header.Get("Location"), "/sandbox/idp/authorize", "and not round in circles")
}

func TestLogInThatFails(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.browser()
	got := b.get("/back-office")
	got = b.post("/sandbox/idp/authorize", fields(got.body, "person", ""))
	require.Equal(t, http.StatusForbidden, got.status)
	require.Contains(t, got.body, "You are not logged in")

	got = b.get("/back-office/callback?state=made-up&code=x")
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, "could not be finished")
}

func TestLogInWithoutARole(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *staff.Config) { delete(c.Groups, staff.Care) })
	b := w.browser()
	got := b.post("/sandbox/idp/authorize", fields(b.get("/back-office").body, "person", "mia"))
	require.Equal(t, http.StatusForbidden, got.status)
	require.Contains(t, got.body, "You have no role here")
	require.NotContains(t, got.body, "Mia")
	require.Contains(t, b.get("/back-office").path, "/sandbox/idp/authorize", "nobody is logged in")
}

func TestLogInWhileTheProviderIsDown(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *staff.Config) { c.HTTP = &http.Client{Transport: down{}} })
	got := w.browser().get("/back-office")
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "5", got.header.Get("Retry-After"))
	require.Contains(t, got.body, "Log-in is not available")
	require.Contains(t, w.log.String(), "level=ERROR")
}

// down is a network that is not there.
type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestOnlyPathsOfOursAreGoneBackTo(t *testing.T) {
	t.Parallel()
	for back, want := range map[string]string{
		"/back-office/approvals":                        "/back-office/approvals",
		"/back-office?tpp=acme":                         "/back-office?tpp=acme",
		"https://evil.example/back-office":              "/back-office",
		"//evil.example/back-office":                    "/back-office",
		"/\\evil.example":                               "/back-office",
		"/psu/consents":                                 "/back-office",
		"/back-officer":                                 "/back-office",
		"javascript:alert(1)":                           "/back-office",
		"/back-office/login?back=/x":                    "/back-office",
		"/back-office/callback?code=x":                  "/back-office",
		"/back-office/../psu/consents":                  "/back-office",
		"/back-office?tpp=" + strings.Repeat("x", 2000): "/back-office",
		"/back-office/consents/x\r\nSet-A:b":            "/back-office",
	} {
		b := setup(t).browser()
		got := b.get("/back-office/login?" + url.Values{"back": {back}}.Encode())
		got = b.post("/sandbox/idp/authorize", fields(got.body, "person", "ada"))
		require.Equal(t, want, got.path, back)
	}
}
