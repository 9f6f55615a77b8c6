package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
)

// running is a sandbox, by the URLs of its two listeners.
func running(t *testing.T) (plain, secure string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := app.NewSandbox(ctx, app.SandboxOptions{Listen: "127.0.0.1:0", TLSListen: "127.0.0.1:0", Data: t.TempDir(), Strict: true}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return a.URL("sandbox"), a.URL("sandbox-tls")
}

// parts are the sections of what `tpp call` printed, by their titles.
func parts(t *testing.T, out string) (titles []string, text map[string]string) {
	t.Helper()
	text = map[string]string{}
	marks := regexp.MustCompile(`(?m)^# (\w+)\n\n`).FindAllStringSubmatchIndex(out, -1)
	for i, m := range marks {
		end := len(out)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		titles = append(titles, out[m[2]:m[3]])
		text[out[m[2]:m[3]]] = strings.TrimSuffix(out[m[1]:end], "\n\n")
	}
	return titles, text
}

const consentBody = `{"access":{"balances":[]},"recurringIndicator":true,"validUntil":"9999-12-31","frequencyPerDay":4}`

func TestTPP(t *testing.T) {
	plain, secure := running(t)
	dir := filepath.Join(t.TempDir(), "kits", "acme")
	out, err := run(t, "tpp", "new", "--name", "acme", "--roles", "PSP_AI", "--out", dir, "--sandbox", plain+"/")
	require.NoError(t, err)
	require.Equal(t, "acme is XX-SANDBOX:PSDXX-SANDBOX-ACME, with PSP_AI; its certificates and keys are in "+dir+"\n", out)
	var keys []string
	for _, name := range []string{client.FileQWAC, client.FileQWACKey, client.FileQSEAL, client.FileQSEALKey, client.FileCA} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
		if strings.HasSuffix(name, ".key") {
			key, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			keys = append(keys, strings.Split(string(key), "\n")[1])
		}
	}

	file := filepath.Join(t.TempDir(), "consent.json")
	require.NoError(t, os.WriteFile(file, []byte(consentBody+"\n"), 0o600))
	out, err = run(t, "tpp", "call", "post", secure+"/v1/consents", "--tpp", dir, "--body", "@"+file,
		"-H", "PSU-IP-Address: 192.0.2.7", "-H", "TPP-Redirect-URI:https://acme.example/back", "-H", "X-Request-ID: 9b9bb5f4-97c6-447c-807c-96c2a37851c1")
	require.NoError(t, err, out)
	titles, text := parts(t, out)
	require.Equal(t, []string{"Request", "Signed", "Answer"}, titles)
	head, body, _ := strings.Cut(text["Request"], "\n\n")
	assert.True(t, body == consentBody, body) //nolint:testifylint // the very bytes, not only the same JSON
	lines := strings.Split(head, "\n")
	assert.Equal(t, "POST /v1/consents HTTP/1.1", lines[0])
	assert.Equal(t, "Host: "+strings.TrimPrefix(secure, "https://"), lines[1])
	for _, want := range []string{"Content-Type: application/json", "Accept: application/json", "Psu-Ip-Address: 192.0.2.7", "Tpp-Redirect-Uri: https://acme.example/back"} {
		assert.Contains(t, lines, want)
	}
	digest := regexp.MustCompile(`(?m)^Digest: (SHA-256=\S+)$`).FindStringSubmatch(head)
	require.NotNil(t, digest)
	about, signed, _ := strings.Cut(text["Signed"], "\n\n")
	assert.Regexp(t, `^keyId      SN=[0-9A-F]+,CA=\S+\nalgorithm  rsa-sha256\nheaders    digest x-request-id tpp-redirect-uri$`, about)
	assert.Equal(t, "digest: "+digest[1]+`\n`+"\nx-request-id: 9b9bb5f4-97c6-447c-807c-96c2a37851c1"+`\n`+"\ntpp-redirect-uri: https://acme.example/back", signed)
	assert.Contains(t, text["Answer"], "HTTP/1.1 201 Created\n")
	assert.Contains(t, text["Answer"], "\n\n{\"consentStatus\":\"received\"")
	for _, key := range keys {
		assert.NotContains(t, out, key)
	}

	out, err = run(t, "tpp", "call", "GET", secure+"/v1/consents/unknown", "--tpp", dir)
	require.EqualError(t, err, "the answer is 403 Forbidden")
	_, text = parts(t, out)
	assert.NotContains(t, text["Request"], "Content-Type")
	assert.Contains(t, text["Answer"], "CONSENT_UNKNOWN")
}

// TestTPPBodies: what --body may be, and -H.
func TestTPPBodies(t *testing.T) {
	dir := kitOf(t)
	var got, host string
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := &bytes.Buffer{}
		_, _ = b.ReadFrom(r.Body)
		got, host = b.String(), r.Host
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
	}))
	defer bank.Close()
	for flag, want := range map[string]string{"": "", "text": "text", "-": "from\r\n\r\nstandard input"} {
		cmd, out := command(), &bytes.Buffer{}
		cmd.SetArgs([]string{"tpp", "call", "POST", bank.URL + "/x?a=b", "--tpp", dir, "--body", flag, "-H", "Host: bank.example"})
		cmd.SetIn(strings.NewReader("from\r\n\r\nstandard input"))
		cmd.SetOut(out)
		require.NoError(t, cmd.ExecuteContext(t.Context()))
		assert.Equal(t, want, got)
		assert.Equal(t, "bank.example", host)
		_, text := parts(t, out.String())
		assert.True(t, strings.HasPrefix(text["Request"], "POST /x?a=b HTTP/1.1\nHost: bank.example\n"), out)
		assert.True(t, strings.HasSuffix(text["Request"], "\n\n"+want) || want == "", out)
		assert.Contains(t, text["Answer"], "HTTP/1.1 302 Found\n", "redirects are shown, not followed")
	}
}

func TestTPPJWS(t *testing.T) {
	dir := kitOf(t)
	bank := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer bank.Close()
	out, err := run(t, "tpp", "call", "GET", bank.URL, "--tpp", dir, "--jws")
	require.NoError(t, err)
	_, text := parts(t, out)
	value := regexp.MustCompile(`(?m)^X-Jws-Signature: ([\w-]+)\.\.[\w-]+$`).FindStringSubmatch(text["Request"])
	require.NotNil(t, value, text["Request"])
	protected, err := base64.RawURLEncoding.DecodeString(value[1])
	require.NoError(t, err)
	about, signed, _ := strings.Cut(text["Signed"], "\n\n")
	assert.Equal(t, "protected  "+string(protected), about)
	assert.True(t, strings.HasPrefix(signed, value[1]+"."), signed)
	assert.Contains(t, signed, "digest: SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	assert.NotContains(t, text["Request"], "\nSignature: ")
}

// kitOf is a folder of a TPP of a sandbox.
func kitOf(t *testing.T) string {
	t.Helper()
	plain, _ := running(t)
	dir := t.TempDir()
	_, err := run(t, "tpp", "new", "--name", "mint", "--out", dir, "--sandbox", plain)
	require.NoError(t, err)
	return dir
}

func TestTPPNewKeepsWhatIsThere(t *testing.T) {
	plain, _ := running(t)
	dir := t.TempDir()
	order := func(name string, more ...string) error {
		_, err := run(t, append([]string{"tpp", "new", "--name", name, "--out", dir, "--sandbox", plain}, more...)...)
		return err
	}
	require.NoError(t, order("one"))
	require.NoError(t, order("one"), "the same again changes nothing")
	before, err := os.ReadFile(filepath.Join(dir, client.FileQWACKey))
	require.NoError(t, err)
	require.ErrorContains(t, order("two"), "--force")
	after, err := os.ReadFile(filepath.Join(dir, client.FileQWACKey))
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoError(t, os.Chmod(filepath.Join(dir, client.FileQWACKey), 0o644))
	require.NoError(t, order("two", "--force"))
	info, err := os.Stat(filepath.Join(dir, client.FileQWACKey))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "whoever could read the one before")
}

func TestTPPRefusals(t *testing.T) {
	plain, _ := running(t)
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer pages.Close()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no name":          {[]string{"new", "--out", dir}, `"name" not set`},
		"bad name":         {[]string{"new", "--out", dir, "--name", "X", "--sandbox", plain}, "400 Bad Request: name must be"},
		"bad role":         {[]string{"new", "--out", dir, "--name", "x", "--roles", "AISP", "--sandbox", plain}, "roles must be"},
		"bad defect":       {[]string{"new", "--out", dir, "--name", "x", "--defect", "late", "--sandbox", plain}, "defect must be"},
		"no sandbox":       {[]string{"new", "--out", dir, "--name", "x", "--sandbox", "http://127.0.0.1:1"}, "is the sandbox running?"},
		"another program":  {[]string{"new", "--out", dir, "--name", "x", "--sandbox", elsewhere.URL}, "answered 404"},
		"one that is open": {[]string{"new", "--out", dir, "--name", "x", "--sandbox", pages.URL}, "did not answer as a sandbox does"},
		"no kit":           {[]string{"call", "GET", plain, "--tpp", dir}, client.FileQWAC},
		"no tpp":           {[]string{"call", "GET", plain}, `"tpp" not set`},
		"no url":           {[]string{"call", "GET", "--tpp", dir}, "2 arg"},
	} {
		_, err := run(t, append([]string{"tpp"}, c.args...)...)
		require.ErrorContains(t, err, c.want, name)
	}
	kit := kitOf(t)
	_, err := run(t, "tpp", "call", "GET", plain, "--tpp", kit, "-H", "nonsense")
	require.ErrorContains(t, err, "Name: value")
	_, err = run(t, "tpp", "call", "GET", plain, "--tpp", kit, "--body", "@"+filepath.Join(dir, "none"))
	require.ErrorContains(t, err, "no such file")
	out, err := run(t, "tpp", "call", "GET", "http://127.0.0.1:1", "--tpp", kit)
	require.ErrorContains(t, err, "connection refused")
	require.Contains(t, out, "# Signed", "what would have been sent is shown")
}
