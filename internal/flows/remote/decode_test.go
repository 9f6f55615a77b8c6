package remote_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/remote"
	"consentd/openapi"
)

// schemaOf is a schema of the description.
func schemaOf(t *testing.T, name string) *openapi3.Schema {
	t.Helper()
	data, err := openapi.Read("sca-remote")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	return doc.Components.Schemas[name].Value
}

func stateOf(bytes int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", bytes)))
}

// shows is a Prompt with one more member.
func shows(more string) string {
	return `{"outcome":"prompt","methods":[{"id":"1","type":"T","name":"N"}],` + more + `}`
}

// TestStrictAnswers holds the flow and the description together: what the one
// refuses, the other does not allow, and the other way round.
func TestStrictAnswers(t *testing.T) {
	t.Parallel()
	step := schemaOf(t, "Step")
	prompt := func(field string) string { return `{"outcome":"prompt","fields":[` + field + `]}` }
	sends := func(url string) string { return `{"outcome":"redirect","url":"` + url + `"}` }
	shows := func(more string) string {
		return `{"outcome":"prompt","methods":[{"id":"1","type":"T","name":"N"}],` + more + `}`
	}
	for body, fault := range map[string]string{ // "" is taken
		`{}`:                                "outcome: is missing or unknown",
		`[]`:                                "not a JSON object",
		`null`:                              "outcome: is missing or unknown",
		`"done"`:                            "not a JSON object",
		`{"outcome":"perhaps"}`:             "outcome: is missing or unknown",
		`{"outcome":"Done","psu":"psu-1"}`:  "outcome: is missing or unknown",
		`{"Outcome":"done","psu":"psu-1"}`:  "outcome: is missing or unknown",
		`{"outcome":"done"}`:                "psu: is missing with outcome done",
		`{"outcome":"done","psu":""}`:       "psu: is no id",
		`{"outcome":"done","psu":null}`:     "psu: is no id",
		`{"outcome":"done","psu":7}`:        "wrong type",
		`{"outcome":"done","PSU":"psu-1"}`:  "psu: is missing",
		`{"outcome":"done","psu":"LEA S"}`:  "psu: is no id",
		`{"outcome":"identified"}`:          "psu: is missing with outcome identified",
		`{"outcome":"denied","psu":"p"}`:    "does not belong to outcome denied",
		`{"outcome":"denied","wrong":true}`: "does not belong to outcome denied",
		`{"outcome":"denied","stolen":1}`:   "unknown or of the wrong type",
		`{"outcome":"denied"}`:              "",
		`{"outcome":"done","psu":"` + strings.Repeat("p", 128) + `"}`: "",
		`{"outcome":"done","psu":"` + strings.Repeat("p", 129) + `"}`: "psu: is no id",
		`{"outcome":"done","psu":"p","wrong":true}`:                   "does not belong to outcome done",
		`{"outcome":"done","psu":"p","blocked":false}`:                "does not belong to outcome done",
		`{"outcome":"done","psu":"p","accounts":["a b"]}`:             "accounts: one is no id",
		`{"outcome":"done","psu":"p","accounts":"a"}`:                 "wrong type",
		`{"outcome":"wait"}`:                                           "pollAfter: is missing with outcome wait",
		`{"outcome":"wait","pollAfter":0}`:                             "pollAfter: must be 1 to 86400",
		`{"outcome":"wait","pollAfter":86401}`:                         "pollAfter: must be 1 to 86400",
		`{"outcome":"wait","pollAfter":1.5}`:                           "wrong type",
		`{"outcome":"wait","pollAfter":"2s"}`:                          "wrong type",
		`{"outcome":"wait","pollAfter":2,"number":"4 2"}`:              "number: must be",
		`{"outcome":"wait","pollAfter":2,"number":42}`:                 "wrong type",
		`{"outcome":"wait","pollAfter":2,"psu":"p"}`:                   "does not belong to outcome wait",
		`{"outcome":"redirect"}`:                                       "url: is missing with outcome redirect",
		sends(""):                                                      "url: must be an absolute address",
		sends("/login"):                                                "url: must be an absolute address",
		sends("javascript:alert(1)"):                                   "url: must be an absolute address",
		sends("ftp://bank.example/"):                                   "url: must be https",
		sends("http://bank.example/"):                                  "url: must be https",
		sends("http://localhost.bank.example/"):                        "url: must be https",
		sends("http://127.0.0.1.bank.example/"):                        "url: must be https",
		sends("https://bank.example/login?a=b"):                        "",
		sends("http://127.0.0.1:8080/login"):                           "",
		sends("http://[::1]/"):                                         "",
		sends("https://bank.example/" + strings.Repeat("a", 4096)):     "url: must be",
		`{"outcome":"prompt"}`:                                         "fields, methods: both are missing",
		`{"outcome":"prompt","wrong":true}`:                            "",
		`{"outcome":"prompt","wrong":"yes"}`:                           "wrong type",
		`{"outcome":"prompt","wrong":true,"psu":"p"}`:                  "does not belong to outcome prompt",
		`{"outcome":"prompt","methods":[{"id":"1","type":"SMS_OTP"}]}`: "methods: one has no id, type or name",
		prompt(`{"name":"otp","kind":"code"}`):                         "",
		prompt(`{"name":"otp"}`):                                       "fields: one is of no kind",
		prompt(`{"name":"otp","kind":"retina"}`):                       "fields: one is of no kind",
		prompt(`{"kind":"code"}`):                                      "fields: one has no name",
		prompt(`{"name":"otp","kind":"code","max":6}`):                 "unknown or of the wrong type",
		prompt(`{"name":"k","kind":"passkey-get","options":[]}`):       "fields: a passkey has no options",
		shows(`"challenge":{}`):                                        "",
		shows(`"challenge":"c"`):                                       "challenge: must be an object",
		shows(`"qr":{"content":"c"}`):                                  "qr: needs text",
		shows(`"qr":{"content":"","text":"t"}`):                        "qr: needs text",
		shows(`"number":"42"`):                                         "does not belong to outcome prompt",
		shows(`"message":"` + strings.Repeat("é", 500) + `"`):          "",
		shows(`"message":"` + strings.Repeat("é", 501) + `"`):          "message: more than 500 characters",
		shows(`"state":"` + stateOf(64<<10) + `"`):                     "",
		shows(`"state":"` + stateOf(64<<10+3) + `"`):                   "state: more than 65536 bytes",
		shows(`"state":7`):                                             "wrong type",
	} {
		_, err := flowTo(t, newBank(t, says(body)).URL).Start(t.Context(), request())
		var value any
		require.NoError(t, json.Unmarshal([]byte(body), &value))
		described := step.VisitJSON(value, openapi3.EnableJSONSchema2020())
		if fault == "" {
			require.NoError(t, err, body)
			require.NoError(t, described, body)
			continue
		}
		require.ErrorIs(t, err, remote.ErrNoAnswer, body)
		require.ErrorContains(t, err, fault, body)
		mute(t, err)
		require.Error(t, described, "the description allows %s", body)
	}
}

// TestStricterThanDescribed: what a schema cannot say.
func TestStricterThanDescribed(t *testing.T) {
	t.Parallel()
	for body, fault := range map[string]string{
		done + done: "not a JSON object",
		`{"outcome":"redirect","url":"https://lea@bank.example/"}`:                                         "without user name",
		`{"outcome":"redirect","url":"https:///login"}`:                                                    "absolute",
		shows(`"state":"` + stateOf(64<<10+1) + `"`):                                                       "state: more than 65536 bytes",
		`{"outcome":"prompt","fields":[]}`:                                                                 "both are missing",
		`{"outcome":"prompt","wrong":false}`:                                                               "both are missing",
		`{"outcome":"prompt","fields":[{"name":"k","kind":"passkey-create"}]}`:                             "a passkey has no options",
		`{"outcome":"prompt","fields":[{"name":"k","kind":"text","options":{}}]}`:                          "options are for passkeys",
		`{"outcome":"prompt","state":"no base64","methods":[{"id":"1","type":"T","name":"N"}]}`:            "wrong type",
		`{"outcome":"wait","pollAfter":2,"qr":{"content":"` + strings.Repeat("é", 1166) + `","text":"t"}}`: "at most 2331 bytes",
	} {
		_, err := flowTo(t, newBank(t, says(body)).URL).Start(t.Context(), request())
		require.ErrorIs(t, err, remote.ErrNoAnswer, body)
		require.ErrorContains(t, err, fault, body)
	}
}

// TestDescriptionKnowsTheWords: the closed sets of package sca and of the
// description are the same.
func TestDescriptionKnowsTheWords(t *testing.T) {
	t.Parallel()
	for schema, members := range map[string]map[string][]string{
		"Step":    {"outcome": {"prompt", "identified", "redirect", "wait", "done", "denied"}},
		"Field":   {"kind": {"text", "password", "code", "passkey-create", "passkey-get"}},
		"Input":   {"kind": {"form", "approved", "returned", "callback", "poll", "cancel"}},
		"Request": {"purpose": {"consent", "login", "grant", "action"}},
		"Call":    {"call": {"start", "continue"}},
	} {
		properties := schemaOf(t, schema).Properties
		for _, member := range slices.Sorted(maps.Keys(members)) {
			var got []string
			for _, word := range properties[member].Value.Enum {
				got = append(got, fmt.Sprint(word))
			}
			assert.Equal(t, members[member], got, "%s.%s", schema, member)
		}
	}
}
