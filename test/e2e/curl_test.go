package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas/issue"
)

// script is the shell script in README by which an integrator signs without any
// of our code.
var script = regexp.MustCompile("(?s)```sh\n(#!/bin/sh\n# sign.sh.*?)```")

// curl runs the script of README as it is printed there.
type curl struct {
	t    *testing.T
	path string
}

func newCurl(t *testing.T) *curl {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	found := script.FindSubmatch(readme)
	require.NotNil(t, found, "README has no sign.sh")
	path := filepath.Join(t.TempDir(), "sign.sh")
	require.NoError(t, os.WriteFile(path, found[1], 0o600))
	return &curl{t: t, path: path}
}

// create posts a consent with the certificates in dir; more are arguments of
// curl. It returns everything that came.
func (c *curl) create(base, dir string, more ...string) string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "consent.json")
	require.NoError(c.t, os.WriteFile(file, []byte(consentBody), 0o600))
	cmd := exec.CommandContext(c.t.Context(), "sh", append([]string{c.path, dir, base, file}, more...)...)
	cmd.Env = append(os.Environ(), "no_proxy=*")
	out, err := cmd.CombinedOutput()
	require.NoError(c.t, err, "%s", out)
	return string(out)
}

// consentBody is a consent to one account, with bytes that careless joining of
// lines would change.
const consentBody = "{\r\n  \"access\": {\"balances\": [{\"iban\": \"DE40100100103307118608\"}]},\r\n\n" +
	`  "recurringIndicator": true, "validUntil": "9999-12-31", "frequencyPerDay": 4}`

// curlStatus is the status of the last answer that curl printed.
func curlStatus(t *testing.T, out string) string {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^HTTP/[0-9.]+ ([0-9]{3})`).FindAllStringSubmatch(out, -1)
	require.NotEmpty(t, lines, out)
	return lines[len(lines)-1][1]
}

// TestCurl creates a consent over mutual TLS with curl and openssl alone.
func TestCurl(t *testing.T) {
	s := trusting(t)
	c := newCurl(t)
	base := "https://localhost:" + portOf(t, s.url("tpp"))
	dir, _ := s.kit(s.ca, nil, nil)
	out := c.create(base, dir)
	require.Equal(t, "201", curlStatus(t, out), out)
	require.Contains(t, out, `"consentStatus":"received"`)

	out = c.create(base, dir, "-H", "PSU-ID: anna")
	require.Equal(t, "401", curlStatus(t, out), out)
	require.Contains(t, out, `"SIGNATURE_INVALID"`, "a header that must be covered is not")
	require.Contains(t, out, "psu-id", "and the answer says which")

	expired, _ := s.kit(s.ca, func(o *issue.Order) { o.NotAfter = o.NotBefore.Add(1) }, nil)
	out = c.create(base, expired)
	require.Equal(t, "401", curlStatus(t, out), out)
	require.Contains(t, out, `"CERTIFICATE_EXPIRED"`)
}

// TestCurlOfSandbox takes a new TPP from the sandbox, with each of the defects that
// it offers, and gets the code of each.
func TestCurlOfSandbox(t *testing.T) {
	p := start(t, "sqlite")
	c := newCurl(t)
	for defect, want := range map[string]string{
		"": "201", "expired": "CERTIFICATE_EXPIRED", "notYetValid": "CERTIFICATE_INVALID", "revoked": "CERTIFICATE_REVOKE",
		"untrusted": "CERTIFICATE_INVALID", "noStatement": "CERTIFICATE_INVALID",
	} {
		var made struct {
			TPP   string
			QWAC  struct{ Certificate, PrivateKey string }
			QSEAL struct{ Certificate, PrivateKey string }
			CA    string
		}
		order := map[string]any{"name": "tpp-" + strings.ToLower(defect) + "x", "roles": []string{"PSP_AI"}}
		if defect != "" {
			order["defect"] = defect
		}
		p.call(http.MethodPost, "/sandbox/tpps", order, &made)
		dir := t.TempDir()
		for name, text := range map[string]string{
			"qwac.pem": made.QWAC.Certificate, "qwac.key": made.QWAC.PrivateKey,
			"qseal.pem": made.QSEAL.Certificate, "qseal.key": made.QSEAL.PrivateKey, "ca.pem": made.CA,
		} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		out := c.create(p.secure, dir)
		if want == "201" {
			require.Equal(t, want, curlStatus(t, out), out)
			continue
		}
		require.Equal(t, "401", curlStatus(t, out), out)
		require.Contains(t, out, `"`+want+`"`, defect)
	}
}
