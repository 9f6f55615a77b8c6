package demotpp

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMasked(t *testing.T) {
	t.Parallel()
	for sent, shown := range map[string]string{
		`{"psuData":{"password":"s\"3"}}`:                      `{"psuData":{"password":"••••••"}}`,
		`{"psuData":{"password":"a","encryptedPassword":"b"}}`: `{"psuData":{"password":"••••••","encryptedPassword":"••••••"}}`,
		`{"scaAuthenticationData":"123456"}`:                   `{"scaAuthenticationData":"••••••"}`,
		`{"confirmationCode":"c"}`:                             `{"confirmationCode":"••••••"}`,
		`{"authenticationMethodId":"SMS_OTP"}`:                 `{"authenticationMethodId":"SMS_OTP"}`,
		`{"access":{}}`:                                        `{"access":{}}`,
		``:                                                     ``,
		`not JSON`:                                             `not JSON`,
	} {
		assert.Equal(t, shown, string(masked([]byte(sent))))
	}
}

// What opens something is neither in a request of OAuth2 nor in its answer.
func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for sent, shown := range map[string]string{
		"client_id=x&code=a&code_verifier=b": "client_id=x&code=••••••&code_verifier=••••••",
		"refresh_token=a%2Fb&scope=aisp":     "refresh_token=••••••&scope=aisp",
		"token=a":                            "token=••••••",
		"":                                   "",
	} {
		assert.Equal(t, shown, string(withoutSecrets(form+"; charset=utf-8", []byte(sent))))
	}
	assert.JSONEq(t, `{"token":"a"}`, string(withoutSecrets("application/json", []byte(`{"token":"a"}`))), "no form")
	for sent, shown := range map[string]string{
		`{"access_token" : "a","scope":"aisp","refresh_token":"b\"c"}`: `{"access_token" : "••••••","scope":"aisp","refresh_token":"••••••"}`,
		`{"accounts":[]}`: `{"accounts":[]}`,
		`not JSON`:        `not JSON`,
	} {
		assert.Equal(t, shown, string(withoutTokens([]byte(sent))))
	}
	h := http.Header{"Authorization": {"Bearer a"}, "X-Request-Id": {"1"}}
	assert.Equal(t, http.Header{"Authorization": {"Bearer ••••••"}, "X-Request-Id": {"1"}}, withoutToken(h))
	assert.Equal(t, "Bearer a", h.Get("Authorization"), "as it is sent")
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	v := &visitor{}
	for range maxConnections + 5 {
		v.connect(connection{})
	}
	assert.Len(t, v.allConnections(), maxConnections)
	for number, want := range map[string]bool{"5": false, "6": true, "x": false} {
		_, kept := v.connection(number)
		assert.Equal(t, want, kept, number)
	}
	assert.True(t, v.takes(6))
	assert.False(t, v.takes(6), "once only")
	v.clear()
	assert.Empty(t, v.allConnections())
}

func TestCurl(t *testing.T) {
	t.Parallel()
	x := exchange{
		Method: http.MethodPost, Secure: true, URL: "https://localhost:8443/v1/consents",
		Request: shownAs(http.Header{"Psu-Id": {"it's"}, "Signature": {strings.Repeat("x", 200)}}, []byte(`{"a":"'"}`)),
	}
	assert.Equal(t, "curl -i -X POST 'https://localhost:8443/v1/consents' \\\n"+
		"  --cert demo/qwac.pem --key demo/qwac.key --cacert demo/ca.pem \\\n"+
		`  -H 'PSU-ID: it'\''s'`+" \\\n"+
		"  -H 'Signature: "+strings.Repeat("x", 200)+"' \\\n"+
		`  --data-raw '{"a":"'\''"}'`, x.Curl())
	assert.Equal(t, []string{"{", `  "a": "'"`, "}"}, strings.Split(x.Request.Body, "\n"), "people read it indented")
	assert.Equal(t, strings.Repeat("x", 60)+"… (200 characters, whole in the curl)", x.Request.Header[1].Short())
	assert.Empty(t, exchange{}.Curl(), "nothing was sent")
}

func TestLongBodiesAreCut(t *testing.T) {
	t.Parallel()
	m := shownAs(nil, []byte(strings.Repeat("x", maxShown+1)))
	assert.True(t, m.Cut)
	assert.Len(t, m.Body, maxShown)
}

// Polling is one line of the log.
func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	v := &visitor{}
	poll := exchange{Method: http.MethodGet, URL: "u", Status: http.StatusOK, polled: true}
	other := exchange{Method: http.MethodGet, URL: "o", Status: http.StatusOK, polled: true}
	for range 3 {
		assert.Equal(t, 1, v.note(poll))
		assert.Equal(t, 2, v.note(other), "two things that are asked by turns")
	}
	require.Len(t, v.all(), 2)
	assert.Equal(t, 3, v.all()[0].Times)
	poll.Answer.sent = "changed"
	assert.Equal(t, 3, v.note(poll))
	for range maxExchanges {
		v.note(exchange{Method: http.MethodPost, URL: "u"})
	}
	assert.Len(t, v.all(), maxExchanges)
	assert.Nil(t, v.exchange(1))
	assert.NotNil(t, v.exchange(3+maxExchanges))
}

func TestVisitorsAreBounded(t *testing.T) {
	t.Parallel()
	var known visitors
	for i := range maxVisitors {
		known.add(strconv.Itoa(i))
	}
	require.NotNil(t, known.find("0"), "seen again")
	known.add("more")
	assert.NotNil(t, known.find("0"))
	assert.Nil(t, known.find("1"), "was not seen for the longest time")
	v := known.find("more")
	for range maxDeals + 5 {
		v.open(deal{})
	}
	assert.Len(t, v.begunDeals(), maxDeals)
	_, kept := v.deal("5")
	assert.False(t, kept)
	_, kept = v.deal("6")
	assert.True(t, kept)
	_, kept = v.deal("x")
	assert.False(t, kept)
}
