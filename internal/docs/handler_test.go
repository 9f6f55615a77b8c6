package docs_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/docs"
	"consentd/openapi"
)

func setup(t *testing.T, names ...string) func(method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	(&docs.Handler{Names: names}).Mount(e)
	return func(method, path string, headers ...string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, path, http.NoBody)
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		return rec
	}
}

func TestDescriptionIsServedAsItIs(t *testing.T) {
	t.Parallel()
	get := setup(t)
	res := get(http.MethodGet, "/openapi/xs2a.yaml")
	want, err := openapi.Read("xs2a")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, res.Code)
	assert.Equal(t, "application/yaml; charset=utf-8", res.Header().Get("Content-Type"))
	assert.Equal(t, string(want), res.Body.String())

	again := get(http.MethodGet, "/openapi/xs2a.yaml", "If-None-Match", res.Header().Get("ETag"))
	assert.Equal(t, http.StatusNotModified, again.Code)
	head := get(http.MethodHead, "/openapi/xs2a.yaml")
	assert.Equal(t, http.StatusOK, head.Code)
}

// A base path stands in the served description, which programs are generated of.
func TestDescriptionNamesItsBasePath(t *testing.T) {
	t.Parallel()
	e := echo.New()
	(&docs.Handler{BasePath: "/psd2"}).Mount(e)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/openapi/xs2a.yaml", http.NoBody))
	assert.Contains(t, rec.Body.String(), "\nservers:\n  - url: /psd2\n")

	// The bank's own calls lie where they lie, whatever comes before the dialect's.
	rec = httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/openapi/aspsp.yaml", http.NoBody))
	assert.Contains(t, rec.Body.String(), "\nservers:\n  - url: /\n")
	rec = httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://localhost:8080/docs/aspsp", http.NoBody))
	assert.Contains(t, entities.Replace(rec.Body.String()), "'http://localhost:8080/aspsp/v1/tpps'")
}

// A dialect with a prefix of its own keeps it, unless the bank has chosen another.
func TestDescriptionWithARootOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handler *docs.Handler
		root    string
	}{
		{&docs.Handler{BasePath: "/psd2"}, "/stet/psd2/v1.4.2"},
		{&docs.Handler{Roots: map[string]string{"stet": "/fr/v1"}}, "/fr/v1"},
	} {
		e := echo.New()
		c.handler.Mount(e)
		get := func(path string) string {
			rec := httptest.NewRecorder()
			e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "https://bank.example"+path, http.NoBody))
			return entities.Replace(rec.Body.String())
		}
		assert.Contains(t, get("/openapi/stet.yaml"), "\nservers:\n  - url: "+c.root+"\n")
		assert.Contains(t, get("/docs/stet"), "curl -X PUT 'https://bank.example"+c.root+"/consents' \\\n  -H 'Authorization: Bearer ACCESS-TOKEN' ")
		assert.Contains(t, get("/docs/oauth"), "curl 'https://bank.example/oauth2/token' ")
	}
}

// Forms are sent as forms, and null is a type.
func TestFormsAndNulls(t *testing.T) {
	t.Parallel()
	get := setup(t)
	assert.Contains(t, entities.Replace(get(http.MethodGet, "/docs/oauth").Body.String()), `-H 'Content-Type: application/x-www-form-urlencoded' \
  -d 'grant_type=authorization_code&client_id=PSDFR-ACPR-13807&code=5ZsQ0tq0Jk7mW2v8&redirect_uri=https%3A%2F%2Ftpp.example%2Fcb&code_verifier=`)
	assert.Contains(t, get(http.MethodGet, "/docs/stet").Body.String(),
		`<code class="name">balances</code> <span class="type">array or null of object</span>`)
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	get := setup(t, "xs2a")
	for _, path := range []string{
		"/openapi/none.yaml", "/openapi/xs2a.json", "/openapi/xs2a", "/openapi/..%2Fxs2a.yaml",
		"/docs/none", "/docs/xs2a.yaml",
		// There, but not among the names that this handler shows.
		"/openapi/bank.yaml", "/docs/bank",
	} {
		res := get(http.MethodGet, path)
		assert.Equal(t, http.StatusNotFound, res.Code, path)
		assert.Contains(t, res.Body.String(), "<h1>Not found</h1>", path)
	}
	assert.NotContains(t, get(http.MethodGet, "/docs").Body.String(), "/docs/bank")
}

func TestPagesNeedNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	get := setup(t)
	outside := regexp.MustCompile(`(?i)<script|<img|<iframe|<form|@import|url\(|\son[a-z]+=|\sstyle=|(src|href)="(https?:)?//`)
	for _, path := range []string{"/docs", "/docs/accounts", "/docs/aspsp", "/docs/xs2a", "/docs/bank", "/docs/sca-remote", "/docs/style.css"} {
		res := get(http.MethodGet, path)
		page := res.Body.String()
		require.Equal(t, http.StatusOK, res.Code, path)
		assert.Empty(t, outside.FindAllString(page, -1), path)
		policy := res.Header().Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'; style-src 'self'", path)
		assert.Contains(t, policy, "frame-ancestors 'none'", path)
		assert.Equal(t, "nosniff", res.Header().Get("X-Content-Type-Options"), path)
	}
}

// Everything that a description says must be found on its page.
func TestPageShowsTheWholeDescription(t *testing.T) {
	t.Parallel()
	get := setup(t)
	for _, name := range openapi.Names() {
		page := plain(get(http.MethodGet, "/docs/"+name).Body.String())
		data, err := openapi.Read(name)
		require.NoError(t, err)
		var description any
		require.NoError(t, yaml.Unmarshal(data, &description))
		for _, words := range sentences(description, "") {
			// Not Contains, which would print the page.
			assert.True(t, strings.Contains(page, words), "%s: %s", name, words) //nolint:testifylint // see above
		}
	}
}

// sentences collects what an author wrote to be read. A type's own description
// that every use replaces (Link and the like) isn't shown, hence the exception.
func sentences(value any, key string) []string {
	var found []string
	switch v := value.(type) {
	case map[string]any:
		for name, below := range v {
			found = append(found, sentences(below, name)...)
		}
	case []any:
		for _, below := range v {
			found = append(found, sentences(below, key)...)
		}
	case string:
		switch key {
		case "description", "summary", "operationId", "pattern":
			for part := range strings.SplitSeq(v, "\n\n") {
				part = strings.Join(strings.Fields(strings.ReplaceAll(part, "`", "")), " ")
				if part != "An opaque id of the bank's." {
					found = append(found, part)
				}
			}
		}
	}
	return found
}

var (
	tags     = regexp.MustCompile(`<[^>]*>`)
	entities = strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&#43;", "+", "&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// plain is the text of a page, with its ids, which are in attributes.
func plain(page string) string {
	ids := strings.Join(regexp.MustCompile(`id="[^"]*"`).FindAllString(page, -1), " ")
	return strings.Join(strings.Fields(entities.Replace(tags.ReplaceAllString(page, ""))), " ") + ids
}

func TestPageHoldsTogether(t *testing.T) {
	t.Parallel()
	get := setup(t)
	for _, name := range openapi.Names() {
		page := get(http.MethodGet, "/docs/"+name).Body.String()

		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(page, -1) {
			assert.False(t, ids[m[1]], "%s: id %s twice", name, m[1])
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
			assert.True(t, ids[m[1]], "%s: link to %s leads nowhere", name, m[1])
		}

		// Headings go down one level at a time, for those who hear them.
		level := 0
		for _, m := range regexp.MustCompile(`<h([1-6])`).FindAllStringSubmatch(page, -1) {
			next := int(m[1][0] - '0')
			assert.LessOrEqual(t, next, level+1, name)
			level = next
		}
		assert.Equal(t, 1, strings.Count(page, "<h1"), name)
		assert.NotContains(t, page, "ZgotmplZ", name)
	}
}

func TestCallsCanBePasted(t *testing.T) {
	t.Parallel()
	get := setup(t)
	page := entities.Replace(get(http.MethodGet, "http://localhost:8080/docs/xs2a").Body.String())
	assert.Contains(t, page, `curl 'http://localhost:8080/v1/consents' \
  -H 'X-Request-ID: 99391c7e-ad88-49ec-a2ad-99ddcb1f7721' \
  -H 'PSU-IP-Address: 192.168.8.78' \
  -H 'TPP-Redirect-URI: https://tpp.example/cb' \
  -H 'Content-Type: application/json' \
  -d '{
  "access": {
    "balances": [
      {
        "iban": "FR7617515000920400430518020",`)
	assert.Contains(t, page, "curl -X DELETE 'http://localhost:8080/v1/consents/0198f2c4-")

	// What the query must hold stands in them, too.
	accounts := entities.Replace(get(http.MethodGet, "http://localhost:8080/docs/accounts").Body.String())
	assert.Contains(t, accounts, "curl 'http://localhost:8080/v1/accounts/r1/transactions?dateFrom=2026-01-01&bookingStatus=both'")

	// The token that the calls need stands in them.
	bank := entities.Replace(get(http.MethodGet, "http://localhost:8080/docs/aspsp").Body.String())
	assert.Contains(t, bank, `curl -X PUT 'http://localhost:8080/aspsp/v1/tpps/DE-BAFIN:PSDDE-BAFIN-125314/block' \
  -H 'Authorization: Bearer sandbox-back-office' \
  -H 'Content-Type: application/json' \
  -d '{
  "reason": "licence withdrawn on 20 November 2026",`)
	assert.NotContains(t, page, "Authorization: Bearer")

	// The bank's systems are elsewhere, whatever the host of this page.
	assert.Contains(t, get(http.MethodGet, "/docs/bank").Body.String(), "https://bank.example/psu-authentications")
}

// A server answers the bank on a listener of its own, which the pages name.
func TestCallsThatAreAnsweredOnAnotherListener(t *testing.T) {
	t.Parallel()
	e := echo.New()
	(&docs.Handler{Elsewhere: map[string]string{"aspsp": "https://bank.internal:8445"}}).Mount(e)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "https://tpp.example/docs/aspsp", http.NoBody))
	page := entities.Replace(rec.Body.String())
	assert.Contains(t, page, "'https://bank.internal:8445/aspsp/v1/tpps'")
	assert.NotContains(t, page, "tpp.example")
}

// Parameters of the query are told apart from headers.
func TestQueryIsShown(t *testing.T) {
	t.Parallel()
	page := setup(t)(http.MethodGet, "/docs/aspsp").Body.String()
	_, operation, found := strings.Cut(page, `id="listTpps"`)
	assert.True(t, found)
	_, query, found := strings.Cut(operation, "<h4>Query</h4>")
	assert.True(t, found)
	query, headers, found := strings.Cut(query, "<h4>Headers</h4>")
	assert.True(t, found)
	assert.Contains(t, query, `<code class="name">blocked</code>`)
	assert.Contains(t, headers, "1 optional header</summary>")
}

func TestHostIsNeverTrusted(t *testing.T) {
	t.Parallel()
	e := echo.New()
	(&docs.Handler{}).Mount(e)
	req := httptest.NewRequest(http.MethodGet, "/docs/xs2a", http.NoBody)
	req.Host = `x';<script>alert(1)</script>`
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	page := rec.Body.String()
	assert.NotContains(t, page, "<script")
	assert.NotContains(t, entities.Replace(page), `x';`, "the quote must not end the shell's word")
}
