package xs2a_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
)

// headerCase is what one header takes and refuses.
type headerCase struct {
	good, bad []string
	max       int // the longest value; 0 where there is no limit
	list      bool
}

var uris = headerCase{
	good: []string{
		"https://tpp.example/cb", "https://tpp.example", "https://tpp.example:8443/cb?a=b&c=%20d", "https://[2001:db8::1]/cb",
		"http://localhost:3000/cb", "http://127.0.0.1/cb", "http://127.8.8.8:1/", "http://[::1]:8080/cb", "HTTPS://TPP.example/cb",
		"https://tpp.example/~a;b=1,2/(c)'!*+$@:", "https://tpp.example./cb", "https://xn--bcher-kva.example/cb", "https://192.0.2.7:65535/",
	},
	bad: []string{
		"tpp.example/cb", "/cb", "//tpp.example/cb", "https:", "https://", "https:///cb", "https:tpp.example", "https://:443/cb",
		"http://tpp.example/cb", "http://localhost.tpp.example/cb", "http://192.0.2.1/cb", "ftp://tpp.example/cb",
		"javascript:alert(1)", "data:text/html,x", "urn:x:y", "tppapp://callback",
		"https://tpp@bank.example/", "https://a:b@tpp.example/", "https://@tpp.example/",
		"https://tpp.example/#", "https://tpp.example/#frag", "https://tpp.example/a b", `https://tpp.example\@evil.example/`,
		"https://tpp.example/<x>", "https://tpp.example/{x}", "https://tpp.example/ü", "https://tpp.example/%zz", "https://tpp.example/?a=%4",
		"https://tpp.example:/", "https://tpp.example:0/", "https://tpp.example:65536/", "https://tpp.example:port/", "https://[::1/",
		"https://tpp.example/^", "https://tpp.example/|", "https://tpp.example/\"",
		"https://*/x", "https://$evil/", "https://tpp..example/cb", "https://'self'/x", "https://(x)/", "https://tpp.example;default-src/",
		"https://./", "https://[2001:db8::1%25eth0]/x", "https://tpp_1.example/", "https://bücher.example/", "https://127.1/",
	},
	max: 500,
}

var booleans = headerCase{good: []string{"true", "false"}, bad: []string{"True", "FALSE", "1", "0", "yes", "true,false", "truefalse", `"true"`}}

func headerCases() map[string]headerCase {
	anyText := headerCase{good: []string{"x", "ünïcode"}}
	short := headerCase{good: anyText.good, max: 50}
	forwarded := headerCase{good: []string{"text/html, */*;q=0.1"}, list: true}
	return map[string]headerCase{
		"PSU-IP-Address": {
			good: []string{"192.0.2.7", "2001:db8::1", "::1", "::ffff:192.0.2.7", "0.0.0.0", "2001:0db8:0000:0000:0000:0000:0000:0001"},
			bad:  []string{"192.0.2", "192.0.2.256", "192.0.2.07", "192.0.2.7:80", "[::1]", "fe80::1%eth0", "localhost", "192.0.2.7, 192.0.2.8", "::1::"},
		},
		"TPP-Redirect-URI":                     uris,
		"TPP-Nok-Redirect-URI":                 uris,
		"TPP-Redirect-Preferred":               booleans,
		"TPP-Decoupled-Preferred":              booleans,
		"TPP-Explicit-Authorisation-Preferred": booleans,
		"PSU-ID":                               short,
		"PSU-ID-Type":                          short,
		"PSU-Corporate-ID":                     short,
		"PSU-Corporate-ID-Type":                short,
		"TPP-Brand-Logging-Information":        {good: anyText.good, max: 255},
		"TPP-Notification-URI": {
			good: []string{"https://tpp.example/notify", "http://localhost:9/notify"},
			bad:  []string{"tpp.example", "/notify", "https://", "mailto:a@b.example", "https://tpp.example/a b"},
			max:  500,
		},
		"TPP-Notification-Content-Preferred": {
			good: []string{"status=SCA", "status=SCA,LAST", "status=SCA, PROCESS, LAST", "status=LAST,SCA,PROCESS"},
			bad:  []string{"SCA", "status=", "status=NONE", "status=SCA,SCA", "status=SCA,", "status=sca", "Status=SCA", "status=SCA,  LAST", "status=SCA;LAST"},
		},
		"PSU-IP-Port":         {good: []string{"1", "1234", "65535", "00080"}, bad: []string{"0", "65536", "-1", "+1", "1.5", "http", "0x50", "000080", "99999999999999999999"}},
		"PSU-Accept":          forwarded,
		"PSU-Accept-Charset":  forwarded,
		"PSU-Accept-Encoding": forwarded,
		"PSU-Accept-Language": forwarded,
		"PSU-User-Agent":      anyText,
		"PSU-Http-Method":     {good: []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, bad: []string{"get", "HEAD", "OPTIONS", "GET POST"}},
		"PSU-Device-ID": {
			good: []string{"99435c7e-ad88-49ec-a2ad-99ddcb1f5555", "00000000-0000-0000-0000-000000000000", "99435C7E-AD88-79EC-A2AD-99DDCB1F5555"},
			bad:  []string{"99435c7ead8849eca2ad99ddcb1f5555", "x", "{99435c7e-ad88-49ec-a2ad-99ddcb1f5555}", "99435c7e-ad88-49ec-a2ad-99ddcb1f555g"},
		},
		"PSU-Geo-Location": {
			good: []string{"GEO:52.506931;13.144558", "GEO:-52.506931;-113.144558"},
			bad: []string{
				"GEO:52.506931,13.144558", "GEO: 52.506931;13.144558", "geo:52.506931;13.144558", "52.506931;13.144558", "GEO:52.50693;13.144558",
				"GEO:152.506931;13.144558", "GEO:52.506931;13.144558x", "xGEO:52.506931;13.144558", "GEO:52.506931;1313.144558", "GEO:+52.506931;13.144558",
			},
		},
	}
}

// Every header, at the place that takes most of them.
func TestHeaderValues(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, c := range headerCases() {
		for _, good := range c.good {
			a := w.create(t, bankOffered, with{name: good})
			require.Equal(t, http.StatusCreated, a.status, "%s: %s: %s", name, good, a.body)
		}
		bad := append([]string{"", "   ", "\xff\xfe", "\u0085"}, c.bad...)
		if c.max > 0 {
			prefix := c.good[0]
			if !strings.HasPrefix(prefix, "https:") {
				prefix = "ü" // characters count, not bytes
			}
			fits := prefix + strings.Repeat("x", c.max-len([]rune(prefix)))
			require.Equal(t, http.StatusCreated, w.create(t, bankOffered, with{name: fits}).status, "%s: %d characters", name, c.max)
			bad = append(bad, fits+"x")
		}
		for _, value := range bad {
			a := w.create(t, bankOffered, with{name: value})
			require.Equal(t, http.StatusBadRequest, a.status, "%s: %q", name, value)
			require.Equal(t, []string{"FORMAT_ERROR Header." + name}, a.messages(t), "%q", value)
			if strings.TrimSpace(value) != "" && len(value) > 12 {
				require.NotContains(t, a.body, value, "a fault never repeats the value")
			}
		}
	}
}

func TestHeaderIsTooLongForAnAddress(t *testing.T) {
	t.Parallel()
	a := setup(t).create(t, bankOffered, with{"PSU-IP-Address": strings.Repeat("1", 141)})
	assert.Contains(t, a.body, "140 characters")
}

// A header that comes twice has no value that both sides agree on.
func TestRepeatedHeaders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, c := range headerCases() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/v1/consents", strings.NewReader(bankOffered))
		require.NoError(t, err)
		for header, value := range map[string]string{
			"X-Request-ID": requestID, "Content-Type": "application/json",
			"PSU-IP-Address": "192.0.2.7", "TPP-Redirect-URI": "https://tpp.example/back",
		} {
			req.Header.Set(header, value)
		}
		req.Header.Set(name, c.good[0])
		req.Header.Add(name, c.good[0])
		a := w.do(t, req)
		if c.list {
			require.Equal(t, http.StatusCreated, a.status, "%s: %s", name, a.body)
			continue
		}
		require.Equal(t, []string{"FORMAT_ERROR Header." + name}, a.messages(t))
	}
}

// Which headers a call takes and which it needs: those of other calls are
// ignored, whatever they hold.
func TestHeadersByPlace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	consentPath := "/v1/consents/" + w.created(t, `{"balances":[]}`)
	everywhere := []string{"PSU-IP-Address", "PSU-IP-Port", "PSU-Http-Method", "PSU-Device-ID", "PSU-Geo-Location", "PSU-User-Agent", "PSU-Accept", "PSU-Accept-Charset", "PSU-Accept-Encoding", "PSU-Accept-Language"}
	starts := append([]string{
		"PSU-ID", "PSU-ID-Type", "PSU-Corporate-ID", "PSU-Corporate-ID-Type", "TPP-Redirect-URI", "TPP-Nok-Redirect-URI",
		"TPP-Redirect-Preferred", "TPP-Decoupled-Preferred", "TPP-Notification-URI", "TPP-Notification-Content-Preferred",
	}, everywhere...)
	creates := append([]string{"TPP-Explicit-Authorisation-Preferred", "TPP-Brand-Logging-Information"}, starts...)
	without := func(names []string, left ...string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(left, name) })
	}
	fundsStarts := without(starts, "TPP-Decoupled-Preferred")
	fundsCreates := append(without(fundsStarts, "TPP-Notification-URI", "TPP-Notification-Content-Preferred"), "TPP-Explicit-Authorisation-Preferred")
	puts := append([]string{"PSU-ID", "PSU-ID-Type", "PSU-Corporate-ID", "PSU-Corporate-ID-Type"}, everywhere...)
	const funds, account, code = "/v2/consents/confirmation-of-funds", `{"account":` + lea + `}`, `{"confirmationCode":"1"}`
	for _, call := range []struct {
		method, path, body string
		takes, needs       []string
	}{
		{http.MethodPost, "/v1/consents", bankOffered, creates, []string{"PSU-IP-Address", "TPP-Redirect-URI"}},
		{http.MethodPost, consentPath + "/authorisations", "{}", starts, nil},
		{http.MethodGet, consentPath, "", everywhere, nil},
		{http.MethodGet, consentPath + "/status", "", everywhere, nil},
		{http.MethodGet, consentPath + "/authorisations", "", everywhere, nil},
		{http.MethodGet, consentPath + "/authorisations/x", "", everywhere, nil},
		{http.MethodPut, consentPath + "/authorisations/x", code, puts, nil},
		{http.MethodPut, consentPath + "/authorisations/x", "", puts, []string{"PSU-ID"}},
		{http.MethodDelete, consentPath, "", everywhere, nil},
		{http.MethodPost, funds, account, fundsCreates, []string{"TPP-Redirect-URI"}},
		{http.MethodPost, funds + "/x/authorisations", "{}", fundsStarts, nil},
		{http.MethodGet, funds + "/x", "", everywhere, nil},
		{http.MethodGet, funds + "/x/status", "", everywhere, nil},
		{http.MethodGet, funds + "/x/authorisations", "", everywhere, nil},
		{http.MethodGet, funds + "/x/authorisations/x", "", everywhere, nil},
		{http.MethodPut, funds + "/x/authorisations/x", code, puts, nil},
		{http.MethodDelete, funds + "/x", "", everywhere, nil},
		{http.MethodPost, "/v1/funds-confirmations", `{"account":` + lea + `,"instructedAmount":{"currency":"EUR","amount":"1"}}`, nil, nil},
	} {
		faulty := with{}
		for name := range headerCases() {
			faulty[name] = "\x80"
		}
		a := w.send(t, call.method, call.path, call.body, faulty)
		assert.ElementsMatch(t, prefixed(call.takes), a.headerFaults(t), "%s %s", call.method, call.path)
		a = w.send(t, call.method, call.path, call.body, nil)
		assert.ElementsMatch(t, prefixed(call.needs), a.headerFaults(t), "%s %s", call.method, call.path)
	}
}

// headerFaults are the faults of an answer that lie in the form of headers.
func (a answer) headerFaults(t *testing.T) []string {
	t.Helper()
	if a.status != http.StatusBadRequest {
		return nil
	}
	return slices.DeleteFunc(a.messages(t), func(m string) bool { return !strings.HasPrefix(m, "FORMAT_ERROR Header.") })
}

func prefixed(names []string) []string {
	faults := make([]string, len(names))
	for i, name := range names {
		faults[i] = "FORMAT_ERROR Header." + name
	}
	return faults
}

func TestAppSchemes(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) { h.Options.AppSchemes = []string{"tppapp", "com.example.app"} })
	for uri, ok := range map[string]bool{
		"tppapp://callback": true, "tppapp:/callback": true, "tppapp:callback": true, "TPPAPP://callback?a=b": true, "com.example.app:/cb": true,
		"tppapp:": false, "tppapp://": false, "tppapp://user@callback": false, "tppapp://callback#x": false, "other://callback": false, "tppapp": false,
	} {
		a := w.create(t, bankOffered, with{"TPP-Redirect-URI": uri, "TPP-Nok-Redirect-URI": uri})
		if ok {
			assert.Equal(t, http.StatusCreated, a.status, "%s: %s", uri, a.body)
			continue
		}
		assert.Equal(t, prefixed([]string{"TPP-Redirect-URI", "TPP-Nok-Redirect-URI"}), a.messages(t), uri)
	}
}
