package oidc_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/oidc"
)

// environment is where the test's secrets are.
func environment(t *testing.T) (env func(string) string, file string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(file, []byte("from a file\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), []byte(" \n"), 0o600))
	values := map[string]string{"IDP_SECRET": " from the environment "}
	return func(name string) string { return values[name] }, file
}

func TestParse(t *testing.T) {
	t.Parallel()
	env, file := environment(t)
	defaults := oidc.Config{
		Issuer: "https://login.bank.example", ClientID: "consentd", ClientSecret: "from the environment",
		Scopes: []string{"openid"}, MaxAge: 5 * time.Minute, PSUClaim: "sub", Prompt: "login",
	}
	got, err := oidc.Parse(json.RawMessage(`{"issuer":"https://login.bank.example","clientId":"consentd","clientSecretEnv":"IDP_SECRET"}`), env)
	require.NoError(t, err)
	assert.Equal(t, defaults, got)

	all, err := json.Marshal(map[string]any{
		"issuer": "http://127.0.0.1:9000/realms/bank", "clientId": "consentd", "clientSecretFile": file,
		"scopes": []string{"openid", "profile"}, "acrValues": []string{"a", "b"}, "maxAge": "90s", "psuClaim": "customer", "prompt": "",
	})
	require.NoError(t, err)
	got, err = oidc.Parse(all, env)
	require.NoError(t, err)
	assert.Equal(t, oidc.Config{
		Issuer: "http://127.0.0.1:9000/realms/bank", ClientID: "consentd", ClientSecret: "from a file",
		Scopes: []string{"openid", "profile"}, ACRValues: []string{"a", "b"}, MaxAge: 90 * time.Second, PSUClaim: "customer",
	}, got)
}

func TestParseSecretFiles(t *testing.T) {
	t.Parallel()
	env, file := environment(t)
	for name, want := range map[string]string{"secret": "", "missing": "clientSecretFile: ", "empty": "empty is empty"} {
		section := `{"issuer":"https://login.bank.example","clientId":"consentd","clientSecretFile":"` + filepath.Join(filepath.Dir(file), name) + `"}`
		got, err := oidc.Parse(json.RawMessage(section), env)
		if want == "" {
			require.NoError(t, err)
			assert.Equal(t, "from a file", got.ClientSecret)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	env, _ := environment(t)
	right := map[string]any{"issuer": "https://login.bank.example", "clientId": "consentd", "clientSecretEnv": "IDP_SECRET"}
	for name, c := range map[string]struct {
		key   string
		value any
		want  string
	}{
		"unknown key":         {"clientid", "x", "clientid: no such key"},
		"not a text":          {"issuer", 3, "issuer: must be a text"},
		"not a list":          {"scopes", "openid", "scopes: must be a list of texts"},
		"issuer over http":    {"issuer", "http://login.bank.example", "issuer: must be an https address"},
		"issuer with query":   {"issuer", "https://login.bank.example?a=b", "issuer: must be an https address"},
		"issuer with user":    {"issuer", "https://a:b@login.bank.example", "issuer: must be an https address"},
		"no issuer":           {"issuer", "", "issuer: must be an https address"},
		"no client":           {"clientId", "", "clientId: must be set"},
		"two secrets":         {"clientSecretFile", "secret", "set one of clientSecretFile, clientSecretEnv"},
		"no secret":           {"clientSecretEnv", "", "set one of clientSecretFile, clientSecretEnv"},
		"secret not there":    {"clientSecretEnv", "MISSING", "clientSecretEnv: the environment variable MISSING is not set"},
		"scopes lack openid":  {"scopes", []string{"profile"}, "scopes: must be words"},
		"scopes in one":       {"scopes", []string{"openid profile"}, "scopes: must be words"},
		"acr values in one":   {"acrValues", []string{"a b"}, "acrValues: must be words"},
		"an empty acr value":  {"acrValues", []string{""}, "acrValues: must be words"},
		"no duration":         {"maxAge", "soon", "maxAge: must be a duration"},
		"a negative duration": {"maxAge", "-1s", "maxAge: must be whole seconds"},
		"half a second":       {"maxAge", "1500ms", "maxAge: must be whole seconds"},
		"two days":            {"maxAge", "48h", "maxAge: must be whole seconds"},
		"no claim":            {"psuClaim", "", "psuClaim: must be set"},
		"no prompt":           {"prompt", "none", "prompt: must be login"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			section := map[string]any{c.key: c.value}
			for key, value := range right {
				if _, given := section[key]; !given {
					section[key] = value
				}
			}
			raw, err := json.Marshal(section)
			require.NoError(t, err)
			_, err = oidc.Parse(raw, env)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := oidc.Parse(json.RawMessage(`[]`), env)
	require.ErrorContains(t, err, "must be a section")
	_, err = oidc.Parse(json.RawMessage(`{}`), env)
	for _, want := range []string{"issuer:", "clientId:", "set one of"} {
		require.ErrorContains(t, err, want, "all at once")
	}
	for section, all := range map[string]string{
		`{"issuer": 3, "clientid": "x", "clientSecretEnv": 3, "scopes": "openid", "maxAge": "x", "prompt": null}`: `clientSecretEnv: must be a text
clientid: no such key
issuer: must be a text
prompt: must be a text
scopes: must be a list of texts
clientId: must be set
maxAge: must be a duration, such as 5m`,
		`{"Issuer": "https://login.bank.example", "clientSecretEnv": "IDP_SECRET", "maxAge": 3}`: `Issuer: no such key
maxAge: must be a text
issuer: must be an https address, or http on loopback, without query and fragment
clientId: must be set`,
	} {
		_, err := oidc.Parse(json.RawMessage(section), env)
		require.EqualError(t, err, all, "each mistake once, all together")
	}
}

func TestNewWantsAllItNeeds(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*oidc.Config){
		"secret":     func(c *oidc.Config) { c.ClientSecret = "" },
		"key":        func(c *oidc.Config) { c.Key = bytes.Repeat([]byte("k"), 31) },
		"store":      func(c *oidc.Config) { c.Store = nil },
		"clock":      func(c *oidc.Config) { c.Now = nil },
		"its issuer": func(c *oidc.Config) { c.Issuer = "http://login.bank.example" },
	} {
		cfg := oidc.Config{
			Issuer: "https://login.bank.example", ClientID: "consentd", ClientSecret: "s", Scopes: []string{"openid"},
			PSUClaim: "sub", Key: bytes.Repeat([]byte("k"), 32), Store: &store{}, Now: time.Now,
		}
		_, err := oidc.New(cfg)
		require.NoError(t, err)
		spoil(&cfg)
		_, err = oidc.New(cfg)
		require.Error(t, err, name)
	}
}
