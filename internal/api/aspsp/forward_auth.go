package aspsp

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service"
	callers "consentd/internal/tpp"
)

// pathForwardAuth is where gateways ask; some with the path of the TPP's request
// behind it.
const pathForwardAuth = prefix + "/forward-auth"

// In which headers gateways say what the TPP asked for.
const (
	headerOriginalMethod  = "X-Original-Method"
	headerForwardedMethod = "X-Forwarded-Method"
	headerOriginalURI     = "X-Original-URI"
	headerForwardedURI    = "X-Forwarded-Uri"
	// headerAuthorization is the TPP's own Authorization; the one that comes under
	// that name is the gateway's.
	headerAuthorization = "X-Original-Authorization"
)

// pathHeader stands before the name of a header that is at fault.
const pathHeader = "Header."

const (
	queryDenials = "denials"
	denials403   = "403"
)

// gateway is the handler of /aspsp/v1/forward-auth, behind the gate.
func (h *Handler) gateway() echo.HandlerFunc {
	return h.answered(h.Gate.Require(service.ResourceServer)(h.forwardAuth))
}

// forwardAuth answers a gateway that asks whether to let a TPP's request through.
func (h *Handler) forwardAuth(c echo.Context) error {
	r := c.Request()
	behind := strings.TrimPrefix(r.URL.EscapedPath(), pathForwardAuth)
	alike := false // whether all denials are 403
	if behind == "" {
		var err error
		if alike, err = denialsAlike(r.URL.RawQuery); err != nil {
			return err
		}
	}
	// What is counted does not end with a gateway that hangs up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), checkPatience)
	defer cancel()
	original, err := h.original(r.WithContext(ctx), behind)
	if err != nil {
		refusal := h.Dialect.RefusalOf(err, r.Header["Accept"])
		explain.Conclude(ctx, refusal.Code, "what the TPP asked for cannot be told: "+strings.TrimSpace(refusal.Path+" "+refusal.Text))
		return h.refuse(c, refusal, alike)
	}
	d, refusal := h.Dialect.Admit(original, nil)
	if refusal != nil || d == nil {
		return h.refuse(c, refusal, alike)
	}
	explain.Note(ctx, "forward-auth: %s allowed, %d accounts", d.Question.Operation, len(d.Accounts))
	admit(c.Response().Header(), d)
	return c.NoContent(http.StatusOK)
}

// denialsAlike reads the query of a gateway, where it is the gateway's own.
func denialsAlike(query string) (bool, error) {
	if query == "" {
		return false, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return false, fault("Query", "must be a query string")
	}
	for _, name := range sortedKeys(values) {
		if name != queryDenials {
			return false, fault(queryPath(plain(name)), "is not known here")
		}
	}
	if given := values[queryDenials]; len(given) != 1 || given[0] != denials403 {
		return false, fault(queryPath(queryDenials), "must be "+denials403)
	}
	return true, nil
}

// original is the request as the TPP sent it to the gateway: what the dialect
// judges. All that is the gateway's own is taken out of it, but for the
// certificate. It has no body: a read has none, and what was signed says so.
func (h *Handler) original(r *http.Request, behind string) (*http.Request, error) {
	uri, err := originalURI(r, behind)
	if err != nil {
		return nil, err
	}
	method, err := originalMethod(r, behind)
	if err != nil {
		return nil, err
	}
	target, err := plainTarget(uri)
	if err != nil {
		return nil, err
	}
	o := r.Clone(r.Context())
	o.Method, o.URL, o.RequestURI = method, target, uri
	o.Body, o.ContentLength, o.TransferEncoding = http.NoBody, 0, nil
	o.TLS = nil // the gateway's connection is not the TPP's
	o.Form, o.PostForm, o.Pattern = nil, nil, ""
	delete(o.Header, echo.HeaderAuthorization)
	if own := r.Header.Values(headerAuthorization); len(own) > 0 {
		o.Header[echo.HeaderAuthorization] = own
	}
	for _, name := range []string{headerOriginalMethod, headerForwardedMethod, headerOriginalURI, headerForwardedURI, headerAuthorization, "Content-Length"} {
		o.Header.Del(name)
	}
	for _, name := range callers.CertificateHeaders() { // in any but the configured one it is the TPP's invention
		if !strings.EqualFold(name, h.CertificateHeader) {
			o.Header.Del(name)
		}
	}
	return o, nil
}

// originalURI is what the TPP asked for: path and query.
func originalURI(r *http.Request, behind string) (string, error) {
	var said []source
	for _, name := range []string{headerOriginalURI, headerForwardedURI} {
		said = appendHeader(said, r, name)
	}
	if behind != "" {
		said = append(said, source{"the path", strings.TrimPrefix(r.RequestURI, pathForwardAuth)})
	}
	if len(said) == 0 {
		return "", consent.At(consent.CodeFormat, pathHeader+headerOriginalURI, "is required, from the gateway")
	}
	return agreed(said)
}

// originalMethod is how the TPP asked. A gateway that has the path behind ours asks
// with the method itself; of others it says nothing: some ask with GET whatever it
// was.
func originalMethod(r *http.Request, behind string) (string, error) {
	var said []source
	for _, name := range []string{headerOriginalMethod, headerForwardedMethod} {
		said = appendHeader(said, r, name)
	}
	if len(said) == 0 && behind == "" {
		return "", consent.At(consent.CodeFormat, pathHeader+headerOriginalMethod, "is required, from the gateway")
	}
	if behind != "" || r.Method != http.MethodGet {
		said = append(said, source{"the method", r.Method})
	}
	return agreed(said)
}

// source is one way in which the gateway, or a TPP in its place, says what was asked:
// a header, or how it asks.
type source struct{ name, value string }

func appendHeader(said []source, r *http.Request, name string) []source {
	for _, value := range r.Header.Values(name) {
		said = append(said, source{pathHeader + name, value})
	}
	return said
}

// agreed is what all sources say. A TPP's headers reach us too, so where two differ
// nobody can tell which one the gateway wrote. Of two that differ the fault is at a
// header.
func agreed(said []source) (string, error) {
	for _, other := range said[1:] {
		if other.value == said[0].value {
			continue
		}
		at, from := other, said[0]
		if !strings.HasPrefix(at.name, pathHeader) {
			at, from = from, at
		}
		return "", consent.At(consent.CodeFormat, at.name, "differs from %s: one of them is not the gateway's", strings.TrimPrefix(from.name, pathHeader))
	}
	return said[0].value, nil
}

// plainTarget reads a target that cannot mean two things: gateways, we and the
// resource server might otherwise each take it for another path. Whatever else it
// is, it is no path of ours.
func plainTarget(uri string) (*url.URL, error) {
	path, query, asked := strings.Cut(uri, "?")
	if !plainPath(path) || !plainQuery(query) {
		return nil, edge.ErrPath()
	}
	decoded, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(decoded) {
		return nil, edge.ErrPath()
	}
	target := &url.URL{Path: decoded, RawQuery: query, ForceQuery: asked && query == ""}
	if target.EscapedPath() != path {
		target.RawPath = path
	}
	return target, nil
}

// plainPath tells an absolute path of segments that are neither empty nor dots, in
// which nothing is encoded that would mean something else when it is decoded
// earlier, later or twice.
func plainPath(path string) bool {
	rest, absolute := strings.CutPrefix(path, "/")
	if !absolute {
		return false
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if segment == "" || segment == "." || segment == ".." || !plainSegment(segment) {
			return false
		}
	}
	return true
}

func plainSegment(segment string) bool {
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~!$&'()*+,=:@", c) >= 0:
		case c == '%':
			decoded, ok := octet(segment[i:])
			if !ok || decoded < ' ' || decoded == 0x7F || strings.IndexByte(`/\.%;?#`, decoded) >= 0 {
				return false
			}
			i += 2
		default:
			return false
		}
	}
	return true
}

// octet decodes what begins with a percent sign.
func octet(s string) (byte, bool) {
	var decoded [1]byte
	if len(s) < 3 {
		return 0, false
	}
	_, err := hex.Decode(decoded[:], []byte(s[1:3]))
	return decoded[0], err == nil
}

// plainQuery tells a query of visible ASCII, which some take apart otherwise at a
// semicolon, or where a percent sign is no encoding.
func plainQuery(query string) bool {
	for i := range len(query) {
		c := query[i]
		if c <= ' ' || c >= 0x7F || c == '#' || c == ';' || c == '\\' {
			return false
		}
		if c == '%' {
			if decoded, ok := octet(query[i:]); !ok || decoded == 0 {
				return false
			}
		}
	}
	return true
}
