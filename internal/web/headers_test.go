package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
	"consentd/internal/web"
)

const strict = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = viewOfLogin()
	page := b.get(t, "")
	answers := map[string]*httptest.ResponseRecorder{
		"page":    page,
		"post":    b.post(t, url.Values{}),
		"forged":  b.submit(url.Values{}),
		"asset":   b.send(httptest.NewRequest(http.MethodGet, read(t, page).attribute("link", "href"), nil)),
		"missing": b.send(httptest.NewRequest(http.MethodGet, "/psu/assets/nothing.css", nil)),
	}
	b.walks.view = view(sca.PageEnded)
	answers["leave"] = b.get(t, "")
	b.walks.view, b.walks.err = nil, failure(consent.CodeNotFound)
	answers["unknown"] = b.get(t, "")
	for name, res := range answers {
		h := res.Header()
		require.True(t, strings.HasPrefix(h.Get("Content-Security-Policy"), strict), name)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), name)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), name)
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"), name)
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"), name)
		require.Contains(t, h.Get("Permissions-Policy"), "camera=()", name)
		require.Empty(t, h.Get("Strict-Transport-Security"), name)
		if name != "asset" {
			require.Equal(t, "no-store", h.Get("Cache-Control"), name)
		}
	}
	b.https = true
	require.Equal(t, "max-age=31536000", b.get(t, "").Header().Get("Strict-Transport-Security"))
}

func TestAssets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = viewOfLogin()
	page := read(t, b.get(t, ""))
	for _, link := range page.all("link") {
		res := b.send(httptest.NewRequest(http.MethodGet, value(link, "href"), nil))
		require.Equal(t, http.StatusOK, res.Code)
		require.Equal(t, "public, max-age=31536000, immutable", res.Header().Get("Cache-Control"))
		require.NotEmpty(t, res.Body.Bytes())
		want := "text/css; charset=utf-8"
		if value(link, "rel") == "icon" {
			want = "image/svg+xml"
		}
		require.Equal(t, want, res.Header().Get("Content-Type"))
	}
	require.Equal(t, http.StatusNotFound, b.send(httptest.NewRequest(http.MethodGet, "/psu/assets/style.css", nil)).Code)
}

// TestFormAction: the last POST may lead to this run's TPP, and no address adds
// anything else to the policy.
func TestFormAction(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ ok, nok, want string }{
		"one origin":            {"https://tpp.example/a?b=c", "https://tpp.example/d", " https://tpp.example"},
		"only one address":      {"https://tpp.example/a", "", " https://tpp.example"},
		"two origins":           {"https://tpp.example/", "https://nok.example:8443/", " https://nok.example:8443 https://tpp.example"},
		"capitals":              {"HTTPS://TPP.Example/", "", " https://tpp.example"},
		"loopback":              {"http://127.0.0.1:3000/cb", "http://localhost:3000/cb", " http://127.0.0.1:3000 http://localhost:3000"},
		"an app":                {"acmeapp://done", "acmeapp:nok", " acmeapp:"},
		"IPv6":                  {"http://[::1]:3000/cb", "", " http:"},
		"another alphabet":      {"https://bücher.example/", "", " https:"},
		"a foreign app":         {"otherapp://done", "", ""},
		"script":                {"javascript:alert(1)", "data:text/html,x", ""},
		"a directive":           {"https://tpp.example;script-src *", "https://tpp.example;default-src", ""},
		"a directive in a path": {"https://tpp.example/;script-src%20*", "", " https://tpp.example"},
		"a second source":       {"https://tpp.example evil.example/", "https://tpp.example,evil.example/", ""},
		"a wildcard":            {"https://*.example/", "https://*/", ""},
		"a keyword":             {"https://'unsafe-inline'/", "'unsafe-inline'", ""},
		"a scheme alone":        {"https:", "http:", ""},
		"no host":               {"https:///path", "https:tpp.example", ""},
		"a user":                {"https://user@tpp.example/", "", ""},
		"a port that is none":   {"https://tpp.example:8;x/", "https://tpp.example:x/", ""},
		"a broken line":         {"https://tpp.example\r\nX: y/", "", ""},
		"an escaped host":       {"https://tpp%2eexample%3bx/", "https://%3bscript-src%20*/", ""},
		"a zone":                {"http://[fe80::1%25;script-src]/", "http://[::1%25eth0]/", ""},
		"http elsewhere":        {"http://tpp.example/", "http://192.0.2.1/", ""},
		"a fragment":            {"https://tpp.example/#", "", ""},
		"an underscore":         {"https://tpp_1.example/", "", ""},
		"the root":              {"https://tpp.example./", "https://./", " https://tpp.example."},
		"ports":                 {"https://tpp.example:0443/", "https://tpp.example:65536/", " https://tpp.example:443"},
		"an app with a policy":  {"acmeapp;script-src:x", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = viewOfLogin()
			b.walks.view.Consent.RedirectURI, b.walks.view.Consent.NokRedirectURI = c.ok, c.nok
			require.Equal(t, strict+c.want, b.get(t, "").Header().Get("Content-Security-Policy"))
		})
	}
}

func TestOnwardOrigins(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *web.SCA) { s.Onward = []string{"https://idp.bank.example", "https:", "nonsense"} })
	b.walks.view = viewOfLogin()
	b.walks.view.Consent.NokRedirectURI = ""
	want := strict + " https: https://idp.bank.example https://tpp.example"
	require.Equal(t, want, b.get(t, "").Header().Get("Content-Security-Policy"))
}

// TestBeyond: where a run returns to an address of ours, what that leads to counts too.
func TestBeyond(t *testing.T) {
	t.Parallel()
	const ours = "https://sca.bank.example/oauth2/authorize/name"
	b := setup(t, func(s *web.SCA) {
		s.Beyond = func(_ *http.Request, address string) string {
			if address == ours {
				return "https://app.acme.example/back"
			}
			return ""
		}
	})
	b.walks.view = viewOfLogin()
	b.walks.view.Consent.RedirectURI, b.walks.view.Consent.NokRedirectURI = ours, ours
	require.Equal(t, strict+" https://app.acme.example https://sca.bank.example", b.get(t, "").Header().Get("Content-Security-Policy"))
	b.walks.view.Consent.RedirectURI, b.walks.view.Consent.NokRedirectURI = "https://tpp.example/ok", ""
	require.Equal(t, strict+" https://tpp.example", b.get(t, "").Header().Get("Content-Security-Policy"))
}

// TestFormActionIsOfItsRun: what one run allows, another does not.
func TestFormActionIsOfItsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = viewOfLogin()
	require.Contains(t, b.get(t, "").Header().Get("Content-Security-Policy"), "tpp.example")
	b.walks.view, b.walks.err = nil, failure(consent.CodeNotFound)
	require.Equal(t, strict, b.get(t, "").Header().Get("Content-Security-Policy"))
}
