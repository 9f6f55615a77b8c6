package sandbox_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
	"consentd/internal/service"
)

// send posts a form as a browser does.
func (b *bundle) send(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.call(t, http.MethodPost, path, form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Origin", b.url, "Accept", "text/html")
}

// card is what the start page says of a tool.
func (b *bundle) card(t *testing.T, path string) (word, note string) {
	t.Helper()
	got := b.page(t, "/sandbox/tools")
	require.Equal(t, http.StatusOK, got.status, got.body)
	assert.Equal(t, "5", got.header.Get("Refresh"))
	found := regexp.MustCompile(`(?s)<a href="` + path + `" target="_top">.*?<strong[^>]*>(.*?)</strong>.*?<span class="quiet"[^>]*>(.*?)</span>`).FindStringSubmatch(got.body)
	require.NotNil(t, found, got.body)
	return found[1], found[2]
}

// TestToolsAtAGlance: each card says how things stand.
func TestToolsAtAGlance(t *testing.T) {
	t.Parallel()
	going := map[string]bool{"anna": true, "lea": true}
	b := setup(t, waits(going))
	for path, want := range map[string][]string{
		"/sandbox/requests": {"None yet", "Every call, and why it was answered so"},
		"/sandbox/clock":    {"12:00", "4 May 2026, not turned"},
		"/sandbox/faults":   {"None", "Errors and delays, by route and rate"},
		"/sandbox/psus":     {"Quiet", "Codes and questions arrive here"},
	} {
		word, note := b.card(t, path)
		assert.Equal(t, want, []string{word, note}, path)
	}

	b.call(t, http.MethodGet, "/v1/consents/unknown", "")
	word, note := b.card(t, "/sandbox/requests")
	assert.Equal(t, []string{"403", "GET /v1/consents/unknown"}, []string{word, note})

	require.Less(t, b.call(t, http.MethodPut, "/sandbox/faults", `{"match":"POST /v1/consents","status":503,"rate":1}`).status, 300)
	word, _ = b.card(t, "/sandbox/faults")
	assert.Equal(t, "1 active", word)

	b.ring(t, "anna")
	b.ring(t, "lea")
	_, _, err := b.bank.Ask(t.Context(), service.Approval{Login: "lea", Key: "q", Text: "Is this you?"})
	require.NoError(t, err)
	word, note = b.card(t, "/sandbox/psus")
	assert.Equal(t, []string{"3 waiting", "1 question, 2 codes"}, []string{word, note})
	b.ring(t, "lea")
	_, note = b.card(t, "/sandbox/psus")
	assert.Equal(t, "1 question, 2 codes", note, "a newer code of one run takes the place of the older")
	delete(going, "lea")
	word, note = b.card(t, "/sandbox/psus")
	assert.Equal(t, []string{"2 waiting", "1 question, 1 code"}, []string{word, note}, "what was used does not wait")
	require.NoError(t, b.clock.Advance(5*time.Minute))
	word, note = b.card(t, "/sandbox/psus")
	assert.Equal(t, []string{"1 waiting", "1 question"}, []string{word, note}, "old codes are good for nothing")
}

// waits has the runs go on that are named as the PSUs in them.
func waits(going map[string]bool) func(*sandbox.Sandbox) {
	return func(s *sandbox.Sandbox) {
		s.Waits = func(_ context.Context, key string) (bool, error) {
			run, _, _ := strings.Cut(key, "/")
			return going[run], nil
		}
	}
}

// ring has a code arrive on a phone.
func (b *bundle) ring(t *testing.T, psu string) {
	t.Helper()
	_, err := b.bank.SendCode(t.Context(), service.CodeMessage{PSU: psu, Key: psu + "/" + rand.Text(), Code: "123456", Text: "123456 is your code"})
	require.NoError(t, err)
}

// TestHowFarTheClockIs: in words, by its two largest units.
func TestHowFarTheClockIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for by, want := range map[time.Duration]string{
		30 * time.Second:           "30 s ahead",
		10 * time.Minute:           "10 min ahead",
		-2 * time.Hour:             "2 h behind",
		-150 * time.Minute:         "2 h 30 min behind",
		24 * time.Hour:             "1 day ahead",
		90 * 24 * time.Hour:        "90 days ahead",
		49*time.Hour + time.Minute: "2 days 1 h ahead",
	} {
		b.clock.Reset()
		require.NoError(t, b.clock.Advance(by))
		assert.Contains(t, b.page(t, "/sandbox/clock/time").body, "Turned</strong>: "+want+" of the right time")
		_, note := b.card(t, "/sandbox/clock")
		assert.Contains(t, note, want)
	}
	b.clock.Reset()
	got := b.page(t, "/sandbox/clock/time")
	assert.Contains(t, got.body, "UTC · the right time")
	assert.Equal(t, "5", got.header.Get("Refresh"))
}

// TestClockButtons: days are the bank's, with the hours that they have there.
func TestClockButtons(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	b := setup(t, func(s *sandbox.Sandbox) { s.Zone = paris })
	before := time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC) // half past midnight on the day on which summer time begins
	for name, c := range map[string]struct {
		form []string
		want time.Time
	}{
		"an hour":           {[]string{"turn", "hour"}, before.Add(time.Hour)},
		"a day":             {[]string{"turn", "1d"}, time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC)},
		"tomorrow":          {[]string{"turn", "tomorrow"}, time.Date(2026, 3, 29, 22, 5, 0, 0, time.UTC)},
		"90 days":           {[]string{"turn", "90d"}, time.Date(2026, 6, 26, 22, 30, 0, 0, time.UTC)},
		"180 days":          {[]string{"turn", "180d"}, time.Date(2026, 9, 24, 22, 30, 0, 0, time.UTC)},
		"own time":          {[]string{"turn", "to", "to", "2027-01-01T12:30"}, time.Date(2027, 1, 1, 11, 30, 0, 0, time.UTC)},
		"own, with seconds": {[]string{"turn", "to", "to", "2027-07-01T12:30:15"}, time.Date(2027, 7, 1, 10, 30, 15, 0, time.UTC)},
		"right":             {[]string{"turn", "right"}, start().Truncate(time.Microsecond)},
	} {
		require.NoError(t, b.clock.Turn(before))
		got := b.send(t, "/sandbox/clock", c.form...)
		assert.Equal(t, []any{http.StatusSeeOther, "/sandbox/clock"}, []any{got.status, got.header.Get("Location")}, name)
		assert.Equal(t, c.want, b.clock.Now(), name)
	}
}

// TestClockButtonsRefuse: what was not taken stands in the field, with the reason
// beside it, and nothing is turned.
func TestClockButtonsRefuse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for to, says := range map[string]string{
		"tomorrow":         "Give a date and a time, such as 2026-12-31T23:59.",
		"":                 "Give a date and a time, such as 2026-12-31T23:59.",
		"1999-12-31T23:59": "The time must lie between the years 2000 and 2200.",
	} {
		got := b.send(t, "/sandbox/clock", "turn", "to", "to", to)
		assert.Equal(t, http.StatusBadRequest, got.status, to)
		assert.Contains(t, got.body, `aria-invalid="true" aria-describedby="fault-to" autofocus`)
		assert.Contains(t, got.body, says)
		if to != "" {
			assert.Contains(t, got.body, `value="`+to+`"`)
		}
	}
	assert.Equal(t, http.StatusBadRequest, b.send(t, "/sandbox/clock", "turn", "back").status)
	assert.Equal(t, http.StatusBadRequest, b.call(t, http.MethodPost, "/sandbox/clock", `{"advance":"1h"}`).status, "programs send PUT")
	foreign := b.call(t, http.MethodPost, "/sandbox/clock", "turn=hour", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example")
	assert.Equal(t, http.StatusForbidden, foreign.status)
	assert.Equal(t, start().Truncate(time.Microsecond), b.clock.Now(), "nothing was turned")
}

// TestForPeopleAndPrograms: one address is a page for the ones and JSON for the others.
func TestForPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/sandbox/clock", "/sandbox/psus", "/sandbox/psus/lea"} {
		page, data := b.page(t, path), b.call(t, http.MethodGet, path, "")
		assert.Equal(t, "text/html; charset=UTF-8", page.header.Get("Content-Type"), path)
		assert.Equal(t, "application/json", data.header.Get("Content-Type"), path)
		for _, got := range []answer{page, data} {
			assert.Equal(t, []any{http.StatusOK, "Accept"}, []any{got.status, got.header.Get("Vary")}, path)
		}
	}
	assert.Equal(t, http.StatusNotFound, b.page(t, "/sandbox/psus/eve").status)
	assert.Contains(t, b.page(t, "/sandbox/psus/eve").body, "This did not work")
}

// TestPeoplePage: who waits for what is seen at a glance, and by itself.
func TestPeoplePage(t *testing.T) {
	t.Parallel()
	b := setup(t, waits(map[string]bool{"anna": true}))
	got := b.page(t, "/sandbox/psus")
	assert.Equal(t, "5", got.header.Get("Refresh"))
	assert.NotContains(t, got.body, "<form", "it loads itself again")
	assert.NotContains(t, got.body, `class="badge"`)
	assert.Equal(t, 1, strings.Count(got.body, "48310.55 EUR"), "a company's accounts are shown once")

	b.ring(t, "anna")
	got = b.page(t, "/sandbox/psus")
	_, anna, found := strings.Cut(got.body, `id="anna"`)
	require.True(t, found)
	anna, _, _ = strings.Cut(anna, `id="omar"`)
	assert.Contains(t, anna, `<span class="badge">1 code</span>`)
	assert.Equal(t, 1, strings.Count(got.body, `class="badge"`))
}

// TestPersonPage: what one needs to be this person.
func TestPersonPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for psu, parts := range map[string][]string{
		"omar":     {"OMAR SANDBOXE", "<code>user of omar</code>", "Authenticator (TOTP)", "Passkey", "AE07 0331 2345 6789 0123 456", "<code>r41</code>", "themselves"},
		"sarl-ceo": {"<code>sarl</code>, the company", "48310.55 EUR"},
		"slow":     {"30 seconds of the sandbox&#39;s clock"},
		"noa":      {"None."},
	} {
		got := b.page(t, "/sandbox/psus/"+psu).body
		for _, part := range parts {
			assert.Contains(t, got, part, psu)
		}
		assert.Contains(t, got, `action="/sandbox/psus/`+psu+`/accounts"`)
		assert.Contains(t, got, `name="resourceId" value="r61"`, "one that is free")
	}
	assert.Empty(t, b.page(t, "/sandbox/psus/omar").header.Get("Refresh"), "somebody may be typing")
}

func TestOpenAccountByForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	form := []string{"iban", " fr76 1751 5000 9204 0043 0518 214", "currency", "eur", "name", "Livret", "resourceId", "r61", "balance", "12.50"}
	got := b.send(t, "/sandbox/psus/lea/accounts", form...)
	require.Equal(t, []any{http.StatusSeeOther, "/sandbox/psus/lea?opened=r61"}, []any{got.status, got.header.Get("Location")}, got.body)
	after := b.page(t, "/sandbox/psus/lea?opened=r61").body
	assert.Contains(t, after, `<p class="note good" role="status">Livret is open, as <code>r61</code>.</p>`)
	assert.Contains(t, after, "FR76 1751 5000 9204 0043 0518 214")
	assert.Contains(t, after, "12.50 EUR")
	assert.Contains(t, after, `name="resourceId" value="r62"`)
	assert.NotContains(t, b.page(t, "/sandbox/psus/lea?opened=r99").body, "role=\"status\"")

	for name, c := range map[string]struct {
		field, value string
		status       int
		says         string
	}{
		"no IBAN":         {"iban", "", 400, "IBAN must be an IBAN in capitals, without spaces."},
		"IBAN of enzo":    {"iban", "FR7617515900000400430518379", 409, "An account with this IBAN and currency exists."},
		"no currency":     {"currency", "EURO", 400, "Currency must be three capital letters."},
		"no name":         {"name", " ", 400, "Name must have 1 to 70 characters."},
		"taken":           {"resourceId", "r1", 409, "An account with this resourceId exists."},
		"not a number":    {"balance", "1/3", 400, "Balance must be a decimal number."},
		"hostile to HTML": {"name", strings.Repeat("<script>", 10), 400, "Name must have 1 to 70 characters."},
	} {
		form := map[string]string{"iban": "FR7617515000920400430518311", "currency": "EUR", "name": "Livret", "resourceId": "r62", "balance": "0.00"}
		form[c.field] = c.value
		var pairs []string
		for k, v := range form {
			pairs = append(pairs, k, v)
		}
		got := b.send(t, "/sandbox/psus/lea/accounts", pairs...)
		assert.Equal(t, c.status, got.status, name)
		assert.Contains(t, got.body, `<span class="fault" id="fault-`+c.field+`">`+c.says+`</span>`, name)
		assert.Equal(t, 1, strings.Count(got.body, `aria-invalid="true"`), name)
		assert.Contains(t, got.body, "<title>Not opened yet: lea", name)
		assert.NotContains(t, got.body, "<script", name)
		if c.field != "iban" {
			assert.Contains(t, got.body, `value="FR7617515000920400430518311"`, "nothing has to be filled in twice")
		}
	}
	assert.Equal(t, http.StatusNotFound, b.send(t, "/sandbox/psus/eve/accounts", form...).status)
}

// TestBehindAProxy: whatever others are to use is the proxy's address, and calls to
// this server itself are not.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	const public = "https://sandbox.bank.example"
	var own string
	b := setup(t, func(s *sandbox.Sandbox) {
		s.Public, s.Hosts = public, []string{"sandbox.bank.example"}
		s.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, own)
		}}}
	})
	own = strings.TrimPrefix(b.url, "http://")
	through := func(method, path string, headers ...string) answer {
		return b.call(t, method, path, "", append(headers, "Host", "sandbox.bank.example", "Accept", "text/html")...)
	}
	for _, path := range []string{"/", "/sandbox/faults", "/sandbox/clock", "/sandbox/return?consent=" + consentID} {
		page := through(http.MethodGet, path)
		require.Equal(t, http.StatusOK, page.status, path)
		assert.Contains(t, page.body, public, path)
		assert.NotContains(t, page.body, "http://sandbox.bank.example", path)
		assert.NotContains(t, page.body, "Redirect addresses with http are for loopback only", path)
	}
	sent := through(http.MethodPost, "/sandbox/demo", "Origin", public)
	require.Equal(t, http.StatusSeeOther, sent.status, sent.body)
	b.api.mu.Lock()
	defer b.api.mu.Unlock()
	assert.True(t, strings.HasPrefix(b.api.headers.Get("TPP-Redirect-URI"), public+"/sandbox/return?demo="))
}

// TestOriginBehindAProxy: a proxy may name the sandbox otherwise than browsers do.
func TestOriginBehindAProxy(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *sandbox.Sandbox) { s.Public = "https://sandbox.bank.example" })
	for origin, want := range map[string]int{
		"https://sandbox.bank.example": http.StatusNoContent, "http://sandbox.bank.example": http.StatusForbidden,
		"https://evil.example": http.StatusForbidden, "null": http.StatusForbidden,
	} {
		assert.Equal(t, want, b.call(t, http.MethodDelete, "/sandbox/requests", "", "Origin", origin).status, origin)
	}
}

// TestForgottenBasePath: who leaves it out is told.
func TestForgottenBasePath(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *sandbox.Sandbox) {
		s.BasePath, s.Owns = "/psd2", func(path string) bool { return strings.HasPrefix(path, "/psd2/v1/") }
	})
	got := b.call(t, http.MethodGet, "/v1/accounts", "")
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Contains(t, got.body, "begin with /psd2, as "+b.url+"/psd2/v1/accounts")
	for _, path := range []string{"/nothing", "/psd2/v1/nothing"} {
		assert.Equal(t, http.StatusTeapot, b.call(t, http.MethodGet, path, "").status, path)
	}
	b = setup(t)
	assert.Equal(t, http.StatusTeapot, b.call(t, http.MethodGet, "/v1/accounts", "").status, "there is none")
}
