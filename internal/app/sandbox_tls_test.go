package app_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/sandbox"
	"consentd/pkg/client"
	"consentd/pkg/httpsig"
	"consentd/pkg/xs2a"
)

// box is a running sandbox with both listeners.
type box struct {
	plain, secure string // URLs
	stop          func()
}

func run(t *testing.T, edit ...func(*app.SandboxOptions)) *box {
	t.Helper()
	o := app.SandboxOptions{Listen: "127.0.0.1:0", TLSListen: "127.0.0.1:0", Data: t.TempDir()}
	for _, e := range edit {
		e(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a, err := app.NewSandbox(ctx, o, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stopped := false
	b := &box{plain: a.URL("sandbox"), secure: a.URL("sandbox-tls"), stop: func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		require.NoError(t, <-ended)
	}}
	t.Cleanup(b.stop)
	require.Contains(t, a.Greeting(), b.secure)
	return b
}

func strict(o *app.SandboxOptions) { o.Strict = true }

// call is a plain call, whose answer is decoded into out unless that is nil.
func (b *box) call(t *testing.T, method, path, body string, out any, headers ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.plain+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	if out != nil {
		require.NoError(t, json.Unmarshal(raw, out), string(raw))
	}
	return res.StatusCode
}

// kit has a TPP made, and loads what was handed out as its files.
func (b *box) kit(t *testing.T, order string) *client.Kit {
	t.Helper()
	var made sandbox.Kit
	require.Less(t, b.call(t, http.MethodPost, "/sandbox/tpps", order, &made), http.StatusBadRequest)
	dir := t.TempDir()
	for name, text := range map[string]string{
		client.FileQWAC: made.QWAC.Certificate, client.FileQWACKey: made.QWAC.PrivateKey,
		client.FileQSEAL: made.QSEAL.Certificate, client.FileQSEALKey: made.QSEAL.PrivateKey, client.FileCA: made.CA,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	k, err := client.LoadKit(dir)
	require.NoError(t, err)
	return k
}

func create(t *testing.T, base string, options ...client.Option) (*xs2a.ConsentsResponse, error) {
	t.Helper()
	c, err := client.New(base, options...)
	require.NoError(t, err)
	created, _, err := c.CreateConsent(t.Context(), xs2a.ConsentsRequest{
		Access: xs2a.AccountAccess{Balances: []xs2a.AccountReference{}}, ValidUntil: "9999-12-31", FrequencyPerDay: 1,
	}, client.CreateOptions{PSUIPAddress: "192.0.2.7", RedirectURI: "https://mint.example/back"})
	return created, err
}

// refused asserts that a call was refused with a status and a code.
func refused(t *testing.T, err error, status int, code xs2a.Code) {
	t.Helper()
	var e *client.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, status, e.Status, "%v", e)
	assert.True(t, e.Has(code), "%s: %v", code, e)
}

func TestSandboxOverTLS(t *testing.T) {
	t.Parallel()
	b := run(t)
	kit := b.kit(t, `{"name":"mint"}`)
	created, err := create(t, b.secure, kit.Options()...)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(created.Links[xs2a.LinkSelf].Href, b.secure+"/v1/consents/"), "links over TLS: %v", created.Links)
	assert.True(t, strings.HasPrefix(created.Links[xs2a.LinkScaRedirect].Href, b.plain+"/sca/"), "browsers over plain http: %v", created.Links)

	// By any of its names, and over either listener it is the same TPP.
	secure, err := url.Parse(b.secure)
	require.NoError(t, err)
	c, err := client.New("https://127.0.0.1:"+secure.Port(), client.WithCertificate(kit.QWAC, kit.Roots))
	require.NoError(t, err)
	_, _, err = c.Consent(t.Context(), created.ConsentID)
	require.NoError(t, err, "unsigned is allowed where the sandbox is not strict")
	path := "/v1/consents/" + created.ConsentID + "/status"
	id := client.NewRequestID
	assert.Equal(t, http.StatusOK, b.call(t, http.MethodGet, path, "", nil, "X-Request-ID", id(), "X-Sandbox-TPP", "mint"))
	assert.Equal(t, http.StatusForbidden, b.call(t, http.MethodGet, path, "", nil, "X-Request-ID", id(), "X-Sandbox-TPP", "acme"))
}

func TestSandboxJudgesCertificates(t *testing.T) {
	t.Parallel()
	b := run(t)
	for order, code := range map[string]xs2a.Code{
		`{"name":"a","defect":"expired"}`:     "CERTIFICATE_EXPIRED",
		`{"name":"b","defect":"notYetValid"}`: "CERTIFICATE_INVALID",
		`{"name":"c","defect":"revoked"}`:     "CERTIFICATE_REVOKE",
		`{"name":"d","defect":"untrusted"}`:   "CERTIFICATE_INVALID",
		`{"name":"e","defect":"noStatement"}`: "CERTIFICATE_INVALID",
		`{"name":"f","roles":["PSP_IC"]}`:     "ROLE_INVALID",
	} {
		_, err := create(t, b.secure, b.kit(t, order).Options()...)
		refused(t, err, http.StatusUnauthorized, code)
	}

	good := b.kit(t, `{"name":"good"}`)
	nobody, err := client.New(b.secure, client.WithCertificate(good.QWAC, good.Roots))
	require.NoError(t, err)
	_, _, err = nobody.Consent(t.Context(), "x")
	refused(t, err, http.StatusForbidden, "CONSENT_UNKNOWN")
	none := *good
	none.QWAC.Certificate = nil
	_, err = create(t, b.secure, client.WithCertificate(none.QWAC, good.Roots), client.WithSandboxTPP("good"))
	refused(t, err, http.StatusUnauthorized, "CERTIFICATE_MISSING")

	require.Equal(t, http.StatusOK, b.call(t, http.MethodPut, "/sandbox/clock", `{"advance":"26280h"}`, nil)) // three years
	_, err = create(t, b.secure, good.Options()...)
	refused(t, err, http.StatusUnauthorized, "CERTIFICATE_EXPIRED")
	_, err = create(t, b.secure, b.kit(t, `{"name":"later"}`).Options()...)
	require.NoError(t, err, "certificates follow the sandbox's clock")
}

func TestSandboxJudgesSignatures(t *testing.T) {
	t.Parallel()
	b := run(t, strict)
	kit, other := b.kit(t, `{"name":"mint"}`), b.kit(t, `{"name":"other"}`)
	connected := client.WithCertificate(kit.QWAC, kit.Roots)
	less := kit.Signer()
	less.Profile = httpsig.Profile{Required: []string{"digest"}}
	for name, c := range map[string]struct {
		options []client.Option
		code    xs2a.Code // empty for none
	}{
		"signed":                  {kit.Options(), ""},
		"by JWS":                  {[]client.Option{connected, client.WithJWSSigner(kit.JWSSigner(time.Now))}, ""},
		"not signed":              {[]client.Option{connected}, "SIGNATURE_MISSING"},
		"by somebody else's seal": {[]client.Option{connected, client.WithSigner(other.Signer())}, "SIGNATURE_INVALID"},
		"not all that must be":    {[]client.Option{connected, client.WithSigner(less)}, "SIGNATURE_INVALID"},
	} {
		_, err := create(t, b.secure, c.options...)
		if c.code == "" {
			require.NoError(t, err, name)
			continue
		}
		refused(t, err, http.StatusUnauthorized, c.code)
	}
	// Over plain http a TPP signs with the same seal.
	plain := []client.Option{client.WithSandboxTPP("mint"), client.WithSigner(kit.Signer())}
	_, err := create(t, b.plain, plain...)
	require.NoError(t, err)
	_, err = create(t, b.plain, append(plain, client.WithHTTPClient(&http.Client{Transport: altering{}}))...)
	refused(t, err, http.StatusUnauthorized, "SIGNATURE_INVALID")
}

// altering replaces the X-Request-ID of what is signed already.
type altering struct{}

func (altering) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Request-ID", client.NewRequestID())
	return http.DefaultTransport.RoundTrip(r)
}

// TestSandboxBlocks: the bank shuts a TPP out of both listeners.
func TestSandboxBlocks(t *testing.T) {
	t.Parallel()
	b := run(t)
	kit := b.kit(t, `{"name":"mint"}`)
	_, err := create(t, b.secure, kit.Options()...)
	require.NoError(t, err)
	path := "/aspsp/v1/tpps/" + url.PathEscape("XX-SANDBOX:PSDXX-SANDBOX-MINT") + "/block"
	const block = `{"reason":"a test","endConsents":true}`
	assert.Equal(t, http.StatusUnauthorized, b.call(t, http.MethodPut, path, block, nil))
	assert.Equal(t, http.StatusForbidden, b.call(t, http.MethodPut, path, block, nil, "Authorization", "Bearer sandbox-dashboard"))
	var answer struct{ EndedConsents int }
	require.Equal(t, http.StatusOK, b.call(t, http.MethodPut, path, block, &answer, "Authorization", "Bearer sandbox-back-office"))
	assert.Equal(t, 1, answer.EndedConsents)
	_, err = create(t, b.secure, kit.Options()...)
	refused(t, err, http.StatusUnauthorized, "CERTIFICATE_BLOCKED")
	_, err = create(t, b.plain, client.WithSandboxTPP("mint"))
	refused(t, err, http.StatusUnauthorized, "CERTIFICATE_BLOCKED")
}

// TestSandboxIsTheSameAgain: what was handed out is good after a restart, on
// other ports too: the sandbox asks itself whether it was revoked.
func TestSandboxIsTheSameAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := func(o *app.SandboxOptions) { o.Data = dir }
	b := run(t, kept)
	kit := b.kit(t, `{"name":"mint"}`)
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	b.stop()
	for _, file := range []string{"ca.pem", "ca.key"} {
		info, err := os.Stat(filepath.Join(dir, file))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}

	b = run(t, kept)
	_, err = create(t, b.secure, kit.Options()...)
	require.NoError(t, err)
	again := b.kit(t, `{"name":"mint"}`)
	assert.Equal(t, kit.QWAC.Certificate, again.QWAC.Certificate)
	after, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(ca, after))
	b.stop()

	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.key"), []byte("spoilt"), 0o600))
	_, err = app.NewSandbox(t.Context(), app.SandboxOptions{Listen: "127.0.0.1:0", Data: dir}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "certification authority in "+dir)
	assert.NotContains(t, err.Error(), "spoilt")
}

func TestSandboxWithoutTLS(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "off"} {
		a, err := app.NewSandbox(t.Context(), app.SandboxOptions{Listen: "127.0.0.1:0", TLSListen: address}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		assert.Empty(t, a.Address("sandbox-tls"))
		assert.NotContains(t, a.Greeting(), "https")
		require.NoError(t, a.Close())
	}
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, err = app.NewSandbox(t.Context(), app.SandboxOptions{Listen: "127.0.0.1:0", TLSListen: taken.Addr().String()}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "--tls-listen off")
}

// TestSandboxPagesOverTLS: a browser is sent to where it meets no certificate
// that it does not know.
func TestSandboxPagesOverTLS(t *testing.T) {
	t.Parallel()
	b := run(t)
	kit := b.kit(t, `{"name":"mint"}`)
	c := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: kit.Roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(c.CloseIdleConnections)
	for accept, want := range map[string]int{"text/html": http.StatusFound, "application/json": http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.secure+"/sandbox/psus/lea/phone?x=1", nil)
		require.NoError(t, err)
		req.Header.Set("Accept", accept)
		res, err := c.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, want, res.StatusCode)
		if want == http.StatusFound {
			assert.Equal(t, b.plain+"/sandbox/psus/lea/phone?x=1", res.Header.Get("Location"))
		}
	}
}
