package xs2a

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"consentd/internal/consent"
)

// said is a list of faults as "code path".
func said(faults consent.Faults) []string {
	var all []string
	for _, f := range faults {
		all = append(all, string(f.Code)+" "+f.Path)
	}
	return all
}

func quoted(s string) string { return `"` + s + `"` }

// of repeats a character that is two bytes long: characters count, not bytes.
func of(n int) string { return strings.Repeat("ü", n) }

func TestUpdateKinds(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]update{
		``:                                     {},
		`{}`:                                   {},
		` { } `:                                {},
		`{"somethingElse":{"password":"x"}}`:   {},
		`{"PSUDATA":{"password":"x"}}`:         {},
		`{"psuData":{"password":"sandbox"}}`:   {kind: updatePassword, password: "sandbox"},
		`{"psuData":{"password":" s b "}}`:     {kind: updatePassword, password: " s b "}, // as it was sent
		`{"psuData":{"password":"x","y":1}}`:   {kind: updatePassword, password: "x"},
		`{"authenticationMethodId":"sms"}`:     {kind: updateMethod, method: "sms"},
		`{"scaAuthenticationData":"123456"}`:   {kind: updateData, data: "123456"},
		`{"confirmationCode":"2f77a1","x":[]}`: {kind: updateConfirmation, code: "2f77a1"},
	} {
		u, faults := readUpdate([]byte(body))
		assert.Empty(t, faults, body)
		assert.Equal(t, want, u, body)
	}
}

func TestUpdateBodiesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		` `, `null`, `[]`, `"x"`, `5`, `{`, `{}{}`, "\xff", `{"psuData":{"password":"x"}`,
		`{"psuData":{"password":"x"},"confirmationCode":"y"}`,
		`{"psuData":null,"authenticationMethodId":null}`, // two wishes, whatever they are
		`{"authenticationMethodId":"sms","scaAuthenticationData":"123456"}`,
		`{"scaAuthenticationData":"1","confirmationCode":"2"}`,
		`{"psuData":{"password":"x"},"authenticationMethodId":"m","scaAuthenticationData":"1","confirmationCode":"2"}`,
	} {
		u, faults := readUpdate([]byte(body))
		assert.Equal(t, []string{"format body"}, said(faults), body)
		assert.Zero(t, u, body)
	}
	_, faults := readUpdate([]byte(`{"confirmationCode":"1","confirmationCode":"2"}`))
	assert.Equal(t, []string{"format confirmationCode"}, said(faults))
}

// Each text member: absent is another kind of update, so what is left is wrong
// types, nothing in it, what cannot be text, and its length.
func TestUpdateTexts(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"authenticationMethodId": 35, "scaAuthenticationData": 4096, "confirmationCode": 500, "password": 500} {
		wrap := func(value string) []byte { return []byte(`{"` + name + `":` + value + `}`) }
		path := name
		if name == "password" {
			path = "psuData.password"
			wrap = func(value string) []byte { return []byte(`{"psuData":{"password":` + value + `}}`) }
		}
		for _, wrong := range []string{
			`null`, `5`, `true`, `[]`, `["x"]`, `{}`, `""`, `"  "`, `"a\u0000b"`, `"a\nb"`, `"\ud800"`, quoted(of(limit + 1)),
		} {
			u, faults := readUpdate(wrap(wrong))
			assert.Equal(t, []string{"format " + path}, said(faults), "%s: %.40s", name, wrong)
			assert.Empty(t, u.password+u.method+u.data+u.code)
			for _, f := range faults {
				assert.NotContains(t, f.Text, "ü", "a fault never repeats what was sent")
			}
		}
		u, faults := readUpdate(wrap(quoted(of(limit))))
		assert.Empty(t, faults, name)
		assert.Equal(t, of(limit), u.password+u.method+u.data+u.code, name)
	}
}

func TestUpdatePSUData(t *testing.T) {
	t.Parallel()
	for data, want := range map[string][]string{
		`null`:                                {"format psuData"},
		`"secret"`:                            {"format psuData"},
		`[]`:                                  {"format psuData"},
		`{}`:                                  {"format psuData.password"},
		`{"Password":1}`:                      {"format psuData.password"},
		`{"encryptedPassword":"x"}`:           {"not_supported psuData.encryptedPassword"},
		`{"encryptedPassword":null}`:          {"not_supported psuData.encryptedPassword"},
		`{"additionalPassword":"x"}`:          {"not_supported psuData.additionalPassword"},
		`{"additionalEncryptedPassword":"x"}`: {"not_supported psuData.additionalEncryptedPassword"},
		`{"password":"x","additionalPassword":"y"}`:               {"not_supported psuData.additionalPassword"},
		`{"password":5,"encryptedPassword":"y"}`:                  {"not_supported psuData.encryptedPassword", "format psuData.password"},
		`{"encryptedPassword":"x","additionalPassword":"secret"}`: {"not_supported psuData.encryptedPassword", "not_supported psuData.additionalPassword"},
	} {
		u, faults := readUpdate([]byte(`{"psuData":` + data + `}`))
		assert.Equal(t, want, said(faults), data)
		assert.Equal(t, updatePassword, u.kind)
		for _, f := range faults {
			assert.NotContains(t, f.Text, "secret")
		}
	}
}

// A PUT that holds nothing needs the header that says it all; a start does not.
func TestPutNeedsSomething(t *testing.T) {
	t.Parallel()
	h := &Handler{}
	for body, want := range map[string][]string{
		``: {"format Header.PSU-ID"}, `{}`: {"format Header.PSU-ID"}, `{"x":1}`: {"format Header.PSU-ID"},
		`[]`: {"format body"}, `{"psuData":{}}`: {"format psuData.password"}, `{"confirmationCode":"1"}`: nil,
	} {
		unnamed := &call{body: []byte(body), req: httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/", nil)}
		assert.Equal(t, want, said(h.readPut(unnamed)), body)
		named := &call{body: []byte(body), req: unnamed.req.Clone(t.Context())}
		named.req.Header.Set("PSU-ID", "lea")
		assert.NotContains(t, said(h.readPut(named)), "format Header.PSU-ID", body)
		start := &call{body: []byte(body), req: unnamed.req}
		assert.NotContains(t, said(h.readUpdate(start)), "format Header.PSU-ID", body)
	}
}
