package remote_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/remote"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/sca"
)

// put writes a file into a folder and returns its name.
func put(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestParse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "sca.secret", []byte(secret+"\n"))
	env := func(name string) string {
		return map[string]string{"SECRET": " " + secret + " "}[name]
	}
	defaults := remote.Config{
		URL: "https://sca.bank.example/step", Secret: []byte(secret), Timeout: 10 * time.Second,
		Approaches: []sca.Approach{sca.InRedirect}, Breaker: remote.Breaker{Failures: 5, OpenFor: 30 * time.Second},
	}
	for section, want := range map[string]func(c *remote.Config){
		`{"url": "https://sca.bank.example/step", "secretFile": "` + dir + `/sca.secret"}`: func(*remote.Config) {},
		`{"url": "http://localhost:9000", "secretEnv": "SECRET"}`:                          func(c *remote.Config) { c.URL = "http://localhost:9000" },
		`{"url": "https://sca.bank.example/step", "tls": {"certificateFile": "/a.crt", "keyFile": "/a.key", "caFile": "/ca.pem"},
		  "timeout": "3s", "approaches": ["decoupled", "redirect"], "breaker": {"failures": 2, "openFor": "1m"}}`: func(c *remote.Config) {
			c.Secret, c.Timeout = nil, 3*time.Second
			c.TLS = remote.TLS{CertificateFile: "/a.crt", KeyFile: "/a.key", CAFile: "/ca.pem"}
			c.Approaches = []sca.Approach{sca.InDecoupled, sca.InRedirect}
			c.Breaker = remote.Breaker{Failures: 2, OpenFor: time.Minute}
		},
	} {
		expected := defaults
		want(&expected)
		got, err := remote.Parse(json.RawMessage(section), env)
		require.NoError(t, err, section)
		assert.Equal(t, expected, got, section)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	short := put(t, dir, "short", []byte("too-short"))
	env := func(name string) string { return map[string]string{"SECRET": secret, "SHORT": "too-short"}[name] }
	const good = `"url": "https://sca.bank.example", "secretEnv": "SECRET"`
	for section, says := range map[string]string{
		`[]`:                          "must be a section",
		`{` + good + `, "secret": 1}`: "secret: no such key",
		`{` + good + `, "breaker": {"opensFor": 1}}`:                                           "breaker.opensFor: no such key",
		`{"secretEnv": "SECRET"}`:                                                              "url: must be",
		`{"url": "http://sca.bank.example", "secretEnv": "SECRET"}`:                            "url: must be",
		`{"url": "https://me:pw@sca.bank.example", "secretEnv": "SECRET"}`:                     "url: must be",
		`{"url": "https://sca.bank.example"}`:                                                  "the server must know who calls",
		`{"url": "https://sca.bank.example", "tls": {"caFile": "/ca.pem"}}`:                    "the server must know who calls",
		`{"url": "https://sca.bank.example", "secretEnv": "NONE"}`:                             "at least 32 characters",
		`{"url": "https://sca.bank.example", "secretEnv": "SHORT"}`:                            "at least 32 characters",
		`{"url": "https://sca.bank.example", "secretFile": "` + short + `"}`:                   "at least 32 characters",
		`{"url": "https://sca.bank.example", "secretFile": "/none/such"}`:                      "no such file",
		`{"url": "https://sca.bank.example", "secretFile": "` + short + `", "secretEnv": "S"}`: "set only one",
		`{` + good + `, "tls": {"certificateFile": "/a.crt"}}`:                                 "needs both",
		`{"url": "http://localhost", "secretEnv": "SECRET", "tls": {"caFile": "/ca.pem"}}`:     "of no use",
		`{` + good + `, "timeout": "soon"}`:                                                    "timeout: must be a duration",
		`{` + good + `, "timeout": "-1s"}`:                                                     "timeout: must be a duration",
		`{` + good + `, "timeout": 10}`:                                                        "timeout: must be a text",
		`{` + good + `, "approaches": "redirect"}`:                                             "approaches: must be a list of texts",
		`{` + good + `, "breaker": {"failures": "2"}}`:                                         "breaker.failures: must be a whole number",
		`{` + good + `, "breaker": 3}`:                                                         "breaker: must be a section",
		`{` + good + `, "URL": "https://sca.bank.example"}`:                                    "URL: no such key",
		`{` + good + `, "breaker": {"openFor": "0s"}}`:                                         "breaker.openFor: must be a duration",
		`{` + good + `, "breaker": {"failures": -1}}`:                                          "breaker.failures: must be 1 to 1000",
		`{` + good + `, "approaches": ["redirect", "oauth"]}`:                                  "approaches: must be of",
	} {
		_, err := remote.Parse(json.RawMessage(section), env)
		require.ErrorContains(t, err, says, section)
		assert.NotContains(t, err.Error(), secret)
		assert.NotContains(t, err.Error(), "too-short")
	}
	_, err := remote.Parse(json.RawMessage(`{"url": "ftp://a", "timeout": "x", "secretEnv": "SHORT"}`), env)
	for _, each := range []string{"url:", "timeout:", "32 characters"} {
		require.ErrorContains(t, err, each, "all at once")
	}
	assert.NotContains(t, err.Error(), "must know who calls", "one mistake, one problem")
	for section, all := range map[string]string{
		`{"url": 3, "timeout": 3, "x": 1, "breaker": {"failures": 0.5, "openFor": "x"}, "approaches": ["oauth"]}`: `approaches: must be of redirect, decoupled, embedded
breaker.failures: must be a whole number
breaker.openFor: must be a duration such as 10s
the server must know who calls: set secretFile or secretEnv, or certificateFile and keyFile of tls
timeout: must be a text
url: must be a text
x: no such key`,
		`{"url": "https://a.example", "secretEnv": 3}`: `secretEnv: must be a text`,
		`{"url": "https://a.example", "tls": 3}`:       `tls: must be a section: keys with values`,
		`{"url": "https://a.example", "tls": {"certificateFile": "/a.crt", "keyFile": 3}, "timeout": "x"}`: `timeout: must be a duration such as 10s
tls.keyFile: must be a text`,
	} {
		_, err := remote.Parse(json.RawMessage(section), env)
		require.Error(t, err, section)
		assert.ElementsMatch(t, strings.Split(all, "\n"), strings.Split(err.Error(), "\n"), "each mistake once, all together")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	junk := put(t, dir, "junk", []byte("junk"))
	for name, c := range map[string]struct {
		config remote.Config
		says   string
	}{
		"nothing":        {remote.Config{}, "no clock"},
		"a short secret": {remote.Config{URL: "https://a", Secret: []byte("short"), Now: now}, "at least 32 bytes"},
		"no certificate": {remote.Config{URL: "https://a", TLS: remote.TLS{CertificateFile: "/none", KeyFile: "/none"}, Now: now}, "no such file"},
		"no authorities": {remote.Config{URL: "https://a", Secret: []byte(secret), TLS: remote.TLS{CAFile: "/none"}, Now: now}, "no such file"},
		"junk":           {remote.Config{URL: "https://a", Secret: []byte(secret), TLS: remote.TLS{CAFile: junk}, Now: now}, "holds no certificate"},
	} {
		_, err := remote.New(c.config)
		require.ErrorContains(t, err, c.says, name)
	}
}

// authority is a CA with its certificate in a file.
func authority(t *testing.T, dir, name string) (*issue.Authority, string) {
	t.Helper()
	a, err := issue.New(name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	require.NoError(t, err)
	return a, put(t, dir, name+".pem", a.CertificatePEM())
}

// client is a certificate for the flow, in files.
func client(t *testing.T, a *issue.Authority, dir, name string) remote.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	issued, err := a.Issue(issue.Order{
		Type: eidas.Web, Name: name, NoStatement: true, Domains: []string{"consentd.bank.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), Key: key,
	})
	require.NoError(t, err)
	pem, err := issued.KeyPEM()
	require.NoError(t, err)
	return remote.TLS{
		CertificateFile: put(t, dir, name+".crt", issued.CertificatePEM()), KeyFile: put(t, dir, name+".key", pem),
	}
}

// mutual is a server that lets in whom the authority knows, and says who came.
func mutual(t *testing.T, a *issue.Authority) *bank {
	t.Helper()
	b := &bank{answer: func(x exchange) {
		x.w.Header().Set("Content-Type", "application/json")
		_, _ = x.w.Write([]byte(done))
	}}
	b.Server = httptest.NewUnstartedServer(b)
	own, err := a.Server([]string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate())
	b.TLS = &tls.Config{
		Certificates: []tls.Certificate{own.TLS()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	}
	b.EnableHTTP2 = true
	b.StartTLS()
	t.Cleanup(b.Close)
	return b
}

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, caFile := authority(t, dir, "ours")
	theirs, otherFile := authority(t, dir, "theirs")
	b := mutual(t, ours)
	known, foreign := client(t, ours, dir, "known"), client(t, theirs, dir, "foreign")
	flow := func(own remote.TLS, ca string, secret []byte) *remote.Flow {
		own.CAFile = ca
		return flowTo(t, b.URL, func(c *remote.Config) { c.TLS, c.Secret = own, secret })
	}

	step, err := flow(known, caFile, nil).Start(t.Context(), request())
	require.NoError(t, err, "neither side signs")
	assert.Equal(t, "psu-1", step.PSU)
	assert.Empty(t, b.calls[0].r.Header.Get(header))
	assert.Equal(t, "HTTP/2.0", b.calls[0].r.Proto)

	for name, f := range map[string]*remote.Flow{
		"a certificate of others":             flow(foreign, caFile, nil),
		"none":                                flow(remote.TLS{}, caFile, []byte(secret)),
		"a server of others":                  flow(known, otherFile, nil),
		"a server that the machine knows not": flow(known, "", nil),
	} {
		_, err := f.Continue(t.Context(), request(), nil, input())
		require.ErrorIs(t, err, remote.ErrNoAnswer, name)
		mute(t, err)
	}
	assert.Len(t, b.calls, 1, "none of them came through")

	_, err = flow(known, caFile, []byte(secret)).Start(t.Context(), request())
	require.ErrorContains(t, err, "not signed", "both are wanted where both are configured")
	b.set(says(done))
	_, err = flow(known, caFile, []byte(secret)).Start(t.Context(), request())
	require.NoError(t, err)
}

// TestRenewedCertificate: connections from then on show the new one.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, caFile := authority(t, dir, "ours")
	theirs, _ := authority(t, dir, "theirs")
	b := mutual(t, ours)
	own := client(t, theirs, dir, "consentd")
	own.CAFile = caFile
	f := flowTo(t, b.URL, func(c *remote.Config) { c.TLS, c.Secret = own, nil })
	_, err := f.Start(t.Context(), request())
	require.ErrorIs(t, err, remote.ErrNoAnswer)
	client(t, ours, dir, "consentd")
	_, err = f.Start(t.Context(), request())
	require.NoError(t, err)
}

// TestServerOfNoTLS: nothing that was typed goes out before the server has shown who it is.
func TestServerOfNoTLS(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	heard := make(chan string, 2)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			first := make([]byte, 4096)
			n, _ := conn.Read(first) // what came is what matters
			heard <- string(first[:n])
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	f := flowTo(t, "https://"+l.Addr().String())
	_, err = f.Continue(t.Context(), request(), nil, input())
	require.ErrorIs(t, err, remote.ErrNoAnswer)
	mute(t, err)
	assert.False(t, strings.Contains(<-heard, typed)) //nolint:testifylint // it is binary: do not print it
}
