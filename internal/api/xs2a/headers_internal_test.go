package xs2a

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
)

// A key in another spelling would never be found in a request.
func TestKeysAreAsNetHTTPSpellsThem(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		assert.Equal(t, http.CanonicalHeaderKey(r.name), r.key)
		assert.Equal(t, r.must, r.must&r.on, "%s is required where it is not taken", r.name)
	}
}

// A language list that no browser sends is not kept.
func TestLongLanguageIsNoHint(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	header.Set("PSU-Accept-Language", strings.Repeat("fr,", 100))
	assert.Empty(t, wishOf(header).Hint.Language)
	header = http.Header{keyLanguage: {"fr", "de"}}
	assert.Equal(t, "fr, de", wishOf(header).Hint.Language)
}

// net/http refuses most control characters before us; other servers in front
// may not.
func TestControlCharactersInHeaders(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"a\x00b", "a\tb", "a\x7fb", "a\r\nb", "a\u0085b", "a\xffb"} {
		header := http.Header{edge.KeyRequestID: {"99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}, "Psu-User-Agent": {value}}
		faults := checkHeaders(DefaultOptions(), header, onRead)
		if assert.Len(t, faults, 1, "%q", value) {
			assert.Equal(t, consent.CodeFormat, faults[0].Code)
			assert.Equal(t, "Header.PSU-User-Agent", faults[0].Path)
		}
	}
}

// every place, in the order of the columns of the matrix below.
var places = []place{onCreate, onStart, onFundsCreate, onFundsStart, onPut, onRead, onFundsCheck}

// matrix says which operation takes which header: M where it is required, o
// where it may be sent, - where it is ignored, and ! where the operation judges
// it by itself.
var matrix = map[string]string{
	//                                      create start fundsCreate fundsStart put read check
	"X-Request-ID":                         "M M M M M M M",
	"Consent-ID":                           "- - - - - - !",
	"PSU-IP-Address":                       "M o o o o o -",
	"TPP-Redirect-URI":                     "M o M o - - -",
	"TPP-Nok-Redirect-URI":                 "o o o o - - -",
	"TPP-Redirect-Preferred":               "o o o o - - -",
	"TPP-Decoupled-Preferred":              "o o - - - - -",
	"TPP-Explicit-Authorisation-Preferred": "o - o - - - -",
	"TPP-Brand-Logging-Information":        "o - - - - - -",
	"TPP-Notification-URI":                 "o o - o - - -",
	"TPP-Notification-Content-Preferred":   "o o - o - - -",
	"PSU-ID":                               "o o o o o - -",
	"PSU-ID-Type":                          "o o o o o - -",
	"PSU-Corporate-ID":                     "o o o o o - -",
	"PSU-Corporate-ID-Type":                "o o o o o - -",
	"PSU-IP-Port":                          "o o o o o o -",
	"PSU-Accept":                           "o o o o o o -",
	"PSU-Accept-Charset":                   "o o o o o o -",
	"PSU-Accept-Encoding":                  "o o o o o o -",
	"PSU-Accept-Language":                  "o o o o o o -",
	"PSU-User-Agent":                       "o o o o o o -",
	"PSU-Http-Method":                      "o o o o o o -",
	"PSU-Device-ID":                        "o o o o o o -",
	"PSU-Geo-Location":                     "o o o o o o -",
}

// wrongWith is what is wrong with one header.
func wrongWith(header http.Header, at place, name string) []string {
	var texts []string
	for _, f := range checkHeaders(DefaultOptions(), header, at) {
		if f.Path == "Header."+name {
			texts = append(texts, string(f.Code)+" "+f.Text)
		}
	}
	return texts
}

func TestEveryHeaderAtEveryPlace(t *testing.T) {
	t.Parallel()
	assert.Len(t, rules, len(matrix))
	for name, row := range matrix {
		columns := strings.Fields(row)
		require.Len(t, columns, len(places), name)
		key := http.CanonicalHeaderKey(name)
		for i, at := range places {
			absent := wrongWith(http.Header{}, at, name)
			malformed := wrongWith(http.Header{key: {"\x80"}}, at, name)
			header := http.Header{key: {"x"}}
			switch columns[i] {
			case "M":
				assert.Equal(t, []string{"format is required"}, absent, "%s, column %d", name, i)
				assert.Len(t, malformed, 1)
			case "o":
				assert.Empty(t, absent)
				assert.Len(t, malformed, 1, "%s, column %d", name, i)
			default:
				assert.Empty(t, absent)
				assert.Empty(t, malformed, "%s, column %d", name, i)
			}
			takes := columns[i] != "-"
			assert.Equal(t, takes, taken(header, at, key) == "x", "%s, column %d", name, i)
			assert.Equal(t, takes && name != "X-Request-ID", slices.Contains(meaningful(header, at), name+": x"), "%s, column %d", name, i)
		}
	}
}

// A header means the same wherever it is taken: each value, the limits and their
// edges among them, is judged in the same words.
func TestTheSameJudgementEverywhere(t *testing.T) {
	t.Parallel()
	values := []string{
		"", " ", "x", "true", "True", "false", "::1", "192.0.2.7", "192.0.2.7:80", "fe80::1%eth0", "0", "1", "65535", "65536",
		"https://tpp.example/cb", "http://tpp.example/cb", "https://a@b/", "app:x", "status=SCA, LAST", "status=SCA,SCA", "GET", "get",
		"GEO:52.506931;13.144558", "GEO:52.506931,13.144558", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721", "99391c7ead8849eca2ad99ddcb1f7721",
		"\x80", "a\x00b", strings.Repeat("ü", 50), strings.Repeat("ü", 51), strings.Repeat("ü", 255), strings.Repeat("ü", 256),
		"https://tpp.example/" + strings.Repeat("x", 480), "https://tpp.example/" + strings.Repeat("x", 481), strings.Repeat("1", 141),
	}
	for name, row := range matrix {
		key := http.CanonicalHeaderKey(name)
		headers := []http.Header{{key: {"true", "true"}}}
		for _, v := range values {
			headers = append(headers, http.Header{key: {v}})
		}
		for _, header := range headers {
			var first []string
			judged := false
			for i, column := range strings.Fields(row) {
				if column != "M" && column != "o" {
					continue
				}
				got := wrongWith(header, places[i], name)
				if judged {
					require.Equal(t, first, got, "%s %q", name, header[key])
				}
				first, judged = got, true
			}
		}
	}
}

func TestLongestHeaders(t *testing.T) {
	t.Parallel()
	uri := "https://tpp.example/"
	for name, c := range map[string]struct {
		prefix string
		limit  int
	}{
		"PSU-ID": {"", 50}, "PSU-ID-Type": {"", 50}, "PSU-Corporate-ID": {"", 50}, "PSU-Corporate-ID-Type": {"", 50},
		"TPP-Brand-Logging-Information": {"", 255},
		"TPP-Redirect-URI":              {uri, 500}, "TPP-Nok-Redirect-URI": {uri, 500}, "TPP-Notification-URI": {uri, 500},
	} {
		fits := c.prefix + strings.Repeat("x", c.limit-len(c.prefix))
		key := http.CanonicalHeaderKey(name)
		assert.Empty(t, wrongWith(http.Header{key: {fits}}, onCreate, name), name)
		assert.Equal(t, []string{fmt.Sprintf("format must not be longer than %d characters", c.limit)}, wrongWith(http.Header{key: {fits + "x"}}, onCreate, name))
	}
}

// The fingerprint of a repeated call: what means something, in one order,
// however the client ordered it; the case of a name means nothing.
func TestMeaningfulHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	for _, line := range [][2]string{
		{"psu-user-agent", "Firefox"},
		{"PSU-ACCEPT-LANGUAGE", "fr"},
		{"PSU-Accept-Language", "de"},
		{"TPP-Redirect-URI", "https://tpp.example/cb"},
		{"PSU-ID", "lea"},
		{"PSU-IP-Address", "192.0.2.7"},
		{"X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"},
		{"Date", "now"},
		{"Authorization", "Bearer t"},
		{"User-Agent", "tpp/1"},
		{"Consent-ID", "c1"},
		{"Digest", "SHA-256=x"},
	} {
		header.Add(line[0], line[1])
	}
	assert.Equal(t, []string{
		"PSU-IP-Address: 192.0.2.7", "TPP-Redirect-URI: https://tpp.example/cb", "PSU-ID: lea", "PSU-Accept-Language: fr, de", "PSU-User-Agent: Firefox",
	}, meaningful(header, onCreate))
	assert.Equal(t, []string{
		"PSU-IP-Address: 192.0.2.7", "PSU-ID: lea", "PSU-Accept-Language: fr, de", "PSU-User-Agent: Firefox",
	}, meaningful(header, onPut))
	assert.Equal(t, []string{"PSU-IP-Address: 192.0.2.7", "PSU-Accept-Language: fr, de", "PSU-User-Agent: Firefox"}, meaningful(header, onRead))
	assert.Equal(t, []string{"Consent-ID: c1"}, meaningful(header, onFundsCheck))
	assert.Empty(t, meaningful(http.Header{}, onCreate))

	joined := http.Header{keyLanguage: {"fr, de"}}
	apart := http.Header{keyLanguage: {"fr", "de"}}
	assert.Equal(t, meaningful(joined, onPut), meaningful(apart, onPut), "HTTP's own rule for lists")
}
