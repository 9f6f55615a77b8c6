package tpp

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

// HeaderXFCC is Envoy's header for the certificate of a client.
const HeaderXFCC = "X-Forwarded-Client-Cert"

// maxForwarded is the size in bytes up to which a forwarded certificate is read.
const maxForwarded = 32 << 10

// CertificateHeaders are the headers in which proxies are known to pass a
// certificate on. Nobody but the configured proxy, in its one header, may say such
// a thing. The list is the caller's to change.
func CertificateHeaders() []string {
	return []string{
		"Ssl-Client-Cert", "X-Ssl-Client-Cert", "X-Client-Cert", "Client-Cert",
		"X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert", "Tpp-Qwac-Certificate",
	}
}

// Proxy is a reverse proxy that ends the TPPs' connections and passes their
// certificates on. A nil Proxy is none.
type Proxy struct {
	// Header holds a PEM, URL-encoded or in one line, or what stands between its
	// armour, as Traefik writes it; X-Forwarded-Client-Cert holds what Envoy writes.
	Header string
	// From are the addresses from which the header is believed.
	From []netip.Prefix
}

// Strip takes what only the proxy may say out of the requests of everybody else.
func (p *Proxy) Strip(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		for _, name := range p.headers() {
			if !p.sent(r) || name != http.CanonicalHeaderKey(p.Header) {
				delete(r.Header, name)
			}
		}
		return next(c)
	}
}

// headers are those that may come from the proxy only.
func (p *Proxy) headers() []string {
	all := CertificateHeaders()
	if p == nil || slices.Contains(all, http.CanonicalHeaderKey(p.Header)) {
		return all
	}
	return append(all, http.CanonicalHeaderKey(p.Header))
}

// sent reports whether the proxy sent a request: then the connection's own
// certificate is the proxy's.
func (p *Proxy) sent(r *http.Request) bool {
	if p == nil {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(p.From, func(from netip.Prefix) bool { return from.Contains(address) })
}

// read is the chain in the header, the leaf first; none where the client showed
// none. Fails with CodeCertificateInvalid.
func (p *Proxy) read(r *http.Request) ([][]byte, error) {
	values := r.Header.Values(p.Header)
	if len(values) == 0 || len(values) == 1 && strings.TrimSpace(values[0]) == "" {
		return nil, nil
	}
	if len(values) > 1 || len(values[0]) > maxForwarded {
		return nil, errForwarded()
	}
	var chain [][]byte
	if http.CanonicalHeaderKey(p.Header) == HeaderXFCC {
		chain = chainOf(values[0])
	} else {
		chain = certificatesIn(values[0])
	}
	if len(chain) == 0 {
		return nil, errForwarded()
	}
	return chain, nil
}

func errForwarded() error {
	return consent.E(consent.CodeCertificateInvalid, "the client certificate: cannot be read from what the proxy passed on")
}

// xfcc is how an element of X-Forwarded-Client-Cert begins that Envoy wrote: what
// it knows itself, then the certificate and the chain, in quotes and
// percent-encoded. What follows, URI and DNS above all, Envoy copies from the
// certificate as it stands, unquoted: whoever made the certificate could write
// anything there, keys included, so nothing of it is read.
var xfcc = regexp.MustCompile(`^(?:By=[^;,"]*;)*(?:Hash=[0-9A-Fa-f]*;)?Cert="([^",;]*)"(?:;Chain="([^",;]*)")?` +
	// Where another element follows, the proxy adds to what its clients claim, and
	// the first claim is the client's. So what is not read must be one element all
	// the same, to its end. A comma in a name, which Envoy does not quote, looks like
	// another element: better to refuse one of those.
	`(?:;[A-Za-z]+=(?:"(?:[^"\\]|\\.)*"|[^",;\\]*))*$`)

// chainOf is the chain in the one element of X-Forwarded-Client-Cert, or its
// certificate alone; none where it cannot be told.
func chainOf(value string) [][]byte {
	parts := xfcc.FindStringSubmatch(value)
	if parts == nil {
		return nil
	}
	leaf := certificatesIn(parts[1])
	if len(leaf) != 1 || parts[2] == "" {
		return leaf
	}
	chain := certificatesIn(parts[2])
	if len(chain) == 0 || !bytes.Equal(chain[0], leaf[0]) {
		return nil
	}
	return chain
}

// certificatesIn decodes the certificates of a PEM that came in one line: with
// percent-encoding, or with blanks in place of line breaks.
func certificatesIn(text string) [][]byte {
	if strings.Contains(text, "%") {
		decoded, err := url.PathUnescape(text) // a plus is part of base64, no blank
		if err != nil {
			return nil
		}
		text = decoded
	}
	if !strings.Contains(text, "-----") {
		return bareCertificates(text)
	}
	var chain [][]byte
	for rest := []byte(unfolded(text)); len(strings.TrimSpace(string(rest))) > 0; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil
		}
		chain = append(chain, block.Bytes)
	}
	return chain
}

// bareCertificates decodes PEMs without armour and line breaks, with commas between.
func bareCertificates(text string) (chain [][]byte) {
	for one := range strings.SplitSeq(text, ",") {
		der, err := base64.StdEncoding.DecodeString(one)
		if err != nil || len(der) == 0 {
			return nil
		}
		chain = append(chain, der)
	}
	return chain
}

// unfolded puts the line breaks back around the armour of a PEM.
func unfolded(text string) string {
	const begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
	text = strings.NewReplacer(begin, "\x00", end, "\x01").Replace(text)
	text = strings.Join(strings.Fields(text), "\n")
	return strings.NewReplacer("\x00", begin+"\n", "\x01", "\n"+end+"\n").Replace(text)
}
