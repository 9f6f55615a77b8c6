package tpp_test

import (
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/tpp"
	"consentd/pkg/eidas/issue"
)

// What a proxy may write into the header for one and the same certificate.
func TestForwardedCertificate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	armoured := string(b.qwac.CertificatePEM())
	chain := armoured + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.ca.Certificate().Raw}))
	cert := `Cert="` + url.PathEscape(armoured) + `"`
	other := url.PathEscape(string(b.qseal.CertificatePEM()))
	stranger, err := issue.New("Nobody's CA", start.AddDate(-1, 0, 0), start.AddDate(9, 0, 0))
	require.NoError(t, err)
	own := url.PathEscape(string(stranger.CertificatePEM()))
	oneLine := strings.TrimSpace(strings.ReplaceAll(armoured, "\n", " "))
	bare := base64.StdEncoding.EncodeToString(b.qwac.Certificate.Raw)
	const traefik = "X-Forwarded-Tls-Client-Cert"
	for name, c := range map[string]struct {
		header, value string
		want          consent.Code
	}{
		"Traefik":                       {traefik, bare, ""},
		"Traefik, escaped":              {traefik, url.QueryEscape(bare), ""},
		"Traefik, with chain":           {traefik, bare + "," + base64.StdEncoding.EncodeToString(b.ca.Certificate().Raw), ""},
		"Traefik, half of it":           {traefik, bare[:400], consent.CodeCertificateInvalid},
		"Traefik, nothing behind it":    {traefik, bare + ",", consent.CodeCertificateInvalid},
		"Traefik, line breaks":          {traefik, bare[:64] + " " + bare[64:], consent.CodeCertificateInvalid},
		"nginx":                         {"ssl-client-cert", url.PathEscape(armoured), ""},
		"query escaped":                 {"ssl-client-cert", strings.ReplaceAll(url.QueryEscape(armoured), "+", "%20"), ""},
		"one line":                      {"ssl-client-cert", oneLine, ""},
		"a chain":                       {"ssl-client-cert", url.PathEscape(chain), ""},
		"Envoy":                         {tpp.HeaderXFCC, `By=spiffe://a/b;Hash=00ff;` + cert + `;Subject="CN=a,O=\"x; y\"";URI=a;URI=b;DNS=c`, ""},
		"Envoy, the certificate alone":  {tpp.HeaderXFCC, cert, ""},
		"Envoy with chain":              {tpp.HeaderXFCC, `Hash=00;` + cert + `;Chain="` + url.PathEscape(chain) + `";URI=a`, ""},
		"Envoy, another's chain":        {tpp.HeaderXFCC, cert + `;Chain="` + other + `"`, consent.CodeCertificateInvalid},
		"Envoy, no certificate":         {tpp.HeaderXFCC, `By=spiffe://a/b;Hash=00ff`, consent.CodeCertificateInvalid},
		"Envoy, appended":               {tpp.HeaderXFCC, cert + `,By=x;` + cert, consent.CodeCertificateInvalid},
		"Envoy, appended to a subject":  {tpp.HeaderXFCC, cert + `;Subject="CN=a",By=x;Hash=00;` + cert, consent.CodeCertificateInvalid},
		"Envoy, appended without quote": {tpp.HeaderXFCC, `Hash=00,` + cert, consent.CodeCertificateInvalid},
		"Envoy, two certificates":       {tpp.HeaderXFCC, `Cert="` + other + `";` + cert, consent.CodeCertificateInvalid},
		"Envoy, an open quote":          {tpp.HeaderXFCC, strings.TrimSuffix(cert, `"`), consent.CodeCertificateInvalid},
		// What the client wrote into names of a certificate that it made itself.
		"Envoy, a certificate in a URI":                       {tpp.HeaderXFCC, `Hash=00;URI=x:y;` + cert, consent.CodeCertificateInvalid},
		"Envoy, a certificate in a name":                      {tpp.HeaderXFCC, `Hash=00;DNS=x;` + cert + `;DNS=y`, consent.CodeCertificateInvalid},
		"Envoy, a chain in a URI":                             {tpp.HeaderXFCC, `Cert="` + own + `";URI=x:y;Chain="` + url.PathEscape(chain) + `"`, consent.CodeCertificateInvalid},
		"Envoy, a chain in a subject":                         {tpp.HeaderXFCC, `Cert="` + own + `";Subject="";Chain="` + url.PathEscape(chain) + `"`, consent.CodeCertificateInvalid},
		"Envoy, appended to a claim that ends in a backslash": {tpp.HeaderXFCC, cert + `;X=\,By=x;Hash=00;Cert="` + own + `";Subject="CN=a"`, consent.CodeCertificateInvalid},
		"Envoy, appended to a claim that is a backslash":      {tpp.HeaderXFCC, cert + `;\,By=x;Hash=00;Cert="` + own + `"`, consent.CodeCertificateInvalid},
		"Envoy, appended to a claim with a quote":             {tpp.HeaderXFCC, cert + `;X=",By=x;Hash=00;Cert="` + own + `";Subject="CN=a\"b"`, consent.CodeCertificateInvalid},
		"Envoy, appended to a claim in quotes":                {tpp.HeaderXFCC, cert + `;X="\",By=x;Hash=00;Cert="` + own + `"`, consent.CodeCertificateInvalid},
		"Envoy, an element in a URI":                          {tpp.HeaderXFCC, `Cert="` + own + `";URI=x:y,` + cert, consent.CodeCertificateInvalid},
		"nothing":                                             {"ssl-client-cert", "", consent.CodeCertificateMissing},
		"blank":                                               {"ssl-client-cert", "  ", consent.CodeCertificateMissing},
		"no PEM":                                              {"ssl-client-cert", "(null)", consent.CodeCertificateInvalid},
		"a key":                                               {"ssl-client-cert", url.PathEscape("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), consent.CodeCertificateInvalid},
		"something after it":                                  {"ssl-client-cert", url.PathEscape(armoured + "x"), consent.CodeCertificateInvalid},
		"bad escapes":                                         {"ssl-client-cert", "%zz", consent.CodeCertificateInvalid},
		"far too long":                                        {"ssl-client-cert", strings.Repeat("A", 40<<10), consent.CodeCertificateInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			callers := b.callers
			callers.Proxy = &tpp.Proxy{Header: c.header, From: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "10.1.2.3:4444"
			if c.value != "" {
				r.Header.Set(c.header, c.value)
			}
			who, err := callers.Identify(r)
			if c.want != "" {
				require.Error(t, err)
				require.Equal(t, c.want, consent.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, b.id, who.ID)
		})
	}
}

// The header of a proxy is worth nothing from anybody else, whatever else they
// show, and the proxy's own certificate is nobody's but its own.
func TestForgedHeader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	forged := url.PathEscape(string(b.qwac.CertificatePEM()))
	proxy := &tpp.Proxy{Header: "ssl-client-cert", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("::1/128")}}
	for name, c := range map[string]struct {
		proxy  *tpp.Proxy
		from   string
		header string
		tls    bool
		kept   bool
		want   consent.Code
	}{
		"from the proxy":                     {proxy: proxy, from: "10.0.0.1:1", header: "ssl-client-cert", kept: true},
		"from the proxy, IPv4 in IPv6":       {proxy: proxy, from: "[::ffff:10.0.0.1]:1", header: "Ssl-Client-Cert", kept: true},
		"from the proxy by IPv6":             {proxy: proxy, from: "[::1]:1", header: "ssl-client-cert", kept: true},
		"from the proxy, in another header":  {proxy: proxy, from: "10.0.0.1:1", header: "X-Forwarded-Client-Cert", want: consent.CodeCertificateMissing},
		"from elsewhere":                     {proxy: proxy, from: "10.0.0.2:1", header: "ssl-client-cert", want: consent.CodeCertificateMissing},
		"from elsewhere, with a certificate": {proxy: proxy, from: "10.0.0.2:1", header: "ssl-client-cert", tls: true},
		"without a proxy":                    {from: "10.0.0.1:1", header: "ssl-client-cert", want: consent.CodeCertificateMissing},
		"a proxy's own certificate":          {proxy: proxy, from: "10.0.0.1:1", header: "x-none", tls: true, kept: true, want: consent.CodeCertificateMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			callers := b.callers
			callers.Proxy = c.proxy
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.from
			r.Header.Set(c.header, forged)
			if c.tls {
				b.connected(r, b.qwac)
			}
			var err error
			strip := c.proxy.Strip(func(echo.Context) error {
				_, err = callers.Identify(r)
				return nil
			})
			require.NoError(t, strip(echo.New().NewContext(r, httptest.NewRecorder())))
			assert.Equal(t, c.kept, r.Header.Get(c.header) != "")
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, c.want, consent.CodeOf(err))
		})
	}
}
