package e2e

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/xs2a"
)

// nginx runs the example of deployments in front of a server, and returns where
// it is reached. It calls the server from 127.0.0.2.
func nginx(t *testing.T, s *trusted) string {
	t.Helper()
	dir := t.TempDir()
	now := time.Now()
	server, err := s.ca.Server([]string{"localhost", "127.0.0.1"}, now.Add(-time.Hour), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	save(t, dir, "server", server)
	example, err := os.ReadFile("../../deployments/nginx.conf")
	require.NoError(t, err)
	address := freeAddress(t)
	site := strings.NewReplacer(
		"listen 443 ssl", "listen "+address+" ssl", "/etc/nginx/tpp.crt", dir+"/server.pem", "/etc/nginx/tpp.key", dir+"/server.key",
		"http://192.0.2.20:8443;", "http://127.0.0.1:"+portOf(t, s.url("tpp"))+"; proxy_bind 127.0.0.2;",
	).Replace(string(example))
	runNginx(t, dir, address, site)
	return "https://" + address
}

// runNginx runs nginx, which keeps its files in dir, with what site says of http,
// until the test ends. It returns once nginx listens.
func runNginx(t *testing.T, dir, address, site string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // where only root looks
	}
	var temporary strings.Builder
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary.WriteString("  " + name + "_temp_path " + dir + "/" + name + ";\n")
	}
	conf := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, []byte("daemon off;\nmaster_process off;\npid "+dir+"/pid;\nerror_log stderr;\nevents {}\nhttp {\n  access_log off;\n"+
		temporary.String()+site+"}\n"), 0o600))
	var said bytes.Buffer
	cmd := exec.Command(program, "-p", dir, "-c", conf) // ended below, gracefully
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), said.String())
		if t.Failed() {
			t.Logf("nginx said: %s", said.String())
		}
	})
	ready := func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		return err == nil && conn.Close() == nil
	}
	require.Eventually(t, ready, patience, 20*time.Millisecond)
}

// TestNginx has nginx end TLS and pass the certificate on; the same header is
// worth nothing from anybody else.
func TestNginx(t *testing.T) {
	s := trusting(t, "tpps: {anchors: [CAFILE], proxy: {header: ssl-client-cert, addresses: [127.0.0.2]}}", "urls: {tpp: 'https://xs2a.bank.example'}")
	front := nginx(t, s)
	dir, web := s.kit(s.ca, nil, nil)
	kit, err := client.LoadKit(dir)
	require.NoError(t, err)
	tpp, err := client.New(front, client.WithHTTPClient(s.over(kit)), client.WithSigner(kit.Signer()))
	require.NoError(t, err)
	created, meta, err := tpp.CreateConsent(t.Context(), s.offered(), tppOptions())
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(meta.Location(), "https://xs2a.bank.example/v1/consents/"), meta.Location())
	require.Equal(t, "received", s.status(tpp, created.ConsentID))
	out := newCurl(t).create("https://localhost:"+portOf(t, front), dir)
	require.Equal(t, "201", curlStatus(t, out), out)

	for name, c := range map[string]struct {
		qwac func(*issue.Order)
		code xs2a.Code
	}{
		"expired": {func(o *issue.Order) {
			o.NotBefore, o.NotAfter = time.Now().AddDate(0, -2, 0), time.Now().AddDate(0, -1, 0)
		}, xs2a.CertificateExpired},
		"not yet valid": {func(o *issue.Order) { o.NotBefore = time.Now().Add(time.Hour) }, xs2a.CertificateInvalid},
	} {
		faulty, _ := s.kit(s.ca, c.qwac, nil)
		kit, err := client.LoadKit(faulty)
		require.NoError(t, err)
		tpp, err := client.New(front, client.WithHTTPClient(s.over(kit)), client.WithSigner(kit.Signer()))
		require.NoError(t, err)
		_, _, err = tpp.CreateConsent(t.Context(), s.offered(), tppOptions())
		require.Error(t, err, name)
		requireCode(t, err, http.StatusUnauthorized, c.code)
	}

	forged := url.PathEscape(string(web.CertificatePEM()))
	for name, base := range map[string]string{"past nginx": s.url("tpp"), "through nginx": front} {
		bare := *kit
		bare.QWAC.Certificate = nil
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, base+"/v1/consents/"+created.ConsentID+"/status", nil)
		require.NoError(t, err)
		r.Header.Set("X-Request-ID", uuid.NewString())
		r.Header.Set("Accept", "application/json")
		r.Header.Set("ssl-client-cert", forged)
		_, err = kit.Signer().Sign(r, nil)
		require.NoError(t, err)
		res, err := s.over(&bare).Do(r)
		require.NoError(t, err, name)
		body := drained(t, res)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
		require.Contains(t, string(body), "CERTIFICATE_MISSING", name)
	}
}
