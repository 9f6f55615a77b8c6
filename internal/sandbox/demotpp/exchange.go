package demotpp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// maxShown is how much of a body is kept to be shown, in bytes.
	maxShown = 32 << 10
	// maxAnswer is how much of an answer is read here; the client reads no more.
	maxAnswer = 1 << 20
	// longHeader is from which length on the value of a header is shown shortened.
	longHeader = 120
)

// exchange is a request and its answer, as they are shown.
type exchange struct {
	Number int // within the visitor's log
	At     time.Time
	Took   time.Duration
	What   string // what it was for
	Means  string // what came of it
	// Trouble is why there is no answer, or none that can be read.
	Trouble string

	Method, URL, Path string
	Request, Answer   message
	Status            int // 0 without an answer
	// Times is how often the same was asked and answered, one after the other, where
	// it was asked to show a page.
	Times  int
	polled bool
	// Secure tells that certificates are to be shown where the call goes.
	Secure bool
	// Masked says that something in the request is not shown.
	Masked bool
}

// message is one of the two sides.
type message struct {
	Header []header
	Body   string // for people: indented where it is JSON
	sent   string // as it went over the line; masked, where something is
	Cut    bool   // the body was longer
}

type header struct{ Name, Value string }

// spelling are parts of headers that the standard writes in other letters than
// HTTP libraries do, which mean the same.
var spelling = map[string]string{
	"Psu": "PSU", "Tpp": "TPP", "Aspsp": "ASPSP", "Sca": "SCA", "Ip": "IP", "Id": "ID", "Uri": "URI",
}

// spelt is the name of a header as the standard writes it.
func spelt(name string) string {
	parts := strings.Split(name, "-")
	for i, part := range parts {
		parts[i] = cmp.Or(spelling[part], part)
	}
	return strings.Join(parts, "-")
}

// Short is a value that fits on a page.
func (h header) Short() string {
	if len(h.Value) <= longHeader || !slices.Contains([]string{"Signature", "TPP-Signature-Certificate"}, h.Name) {
		return h.Value
	}
	return fmt.Sprintf("%s… (%d characters, whole in the curl)", h.Value[:longHeader-60], len(h.Value))
}

// Good tells a success.
func (x exchange) Good() bool { return x.Status >= 200 && x.Status < 300 && x.Trouble == "" }

// StatusText is the status as HTTP has it.
func (x exchange) StatusText() string {
	if x.Status == 0 {
		return "no answer"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status)))
}

// Millis is how long it took.
func (x exchange) Millis() int64 { return x.Took.Milliseconds() }

// same tells whether an exchange only repeats another: polling would fill the log.
func (x exchange) same(other exchange) bool {
	return x.polled && other.polled && x.URL == other.URL && x.Status == other.Status && x.Trouble == other.Trouble && x.Answer.sent == other.Answer.sent
}

// Curl is the request as a command to paste. The certificates are those that
// `consentd tpp new` writes.
func (x exchange) Curl() string {
	if x.Method == "" {
		return ""
	}
	lines := []string{"curl -i -X " + x.Method + " " + quoted(x.URL)}
	if x.Secure {
		lines = append(lines, "--cert demo/qwac.pem --key demo/qwac.key --cacert demo/ca.pem")
	}
	for _, h := range x.Request.Header {
		lines = append(lines, "-H "+quoted(h.Name+": "+h.Value))
	}
	if x.Request.sent != "" {
		lines = append(lines, "--data-raw "+quoted(x.Request.sent))
	}
	return strings.Join(lines, " \\\n  ")
}

// RequestID is the X-Request-ID that was sent: by it the sandbox's inspector finds
// the call.
func (x exchange) RequestID() string {
	for _, h := range x.Request.Header {
		if h.Name == "X-Request-ID" {
			return h.Value
		}
	}
	return ""
}

// quoted is a word that a shell takes as it is.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// recorder keeps the last exchange that went through it.
type recorder struct {
	next http.RoundTripper
	now  func() time.Time
	// secure tells that certificates are to be shown where the calls seem to go. What
	// a proxy in front of the bank takes is not known.
	secure bool
	last   *exchange
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	x := &exchange{At: r.now(), Method: req.Method, URL: req.URL.String(), Path: req.URL.RequestURI(), Times: 1, Secure: r.secure}
	r.last = x
	body, err := bodyOf(req)
	if err != nil {
		return nil, err
	}
	header, shown := withoutToken(req.Header), withoutSecrets(req.Header.Get("Content-Type"), body)
	x.Request, x.Masked = shownAs(header, shown), !bytes.Equal(shown, body) || header.Get("Authorization") != ""
	res, err := r.next.RoundTrip(req)
	x.Took = r.now().Sub(x.At)
	if err != nil {
		return nil, err
	}
	x.Status = res.StatusCode
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		_ = res.Body.Close() // the fault above is what is told
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	x.Answer = shownAs(res.Header, withoutTokens(answer))
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(answer), res.Body), res.Body}
	return res, nil
}

// bodyOf is what a request sends; it stays to be sent.
func bodyOf(req *http.Request) ([]byte, error) {
	if req.GetBody == nil {
		return nil, nil
	}
	copied, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("the request's body: %w", err)
	}
	defer func() { _ = copied.Close() }() // in memory
	return io.ReadAll(copied)
}

func shownAs(h http.Header, body []byte) message {
	m := message{Cut: len(body) > maxShown}
	for name, values := range h {
		for _, value := range values {
			m.Header = append(m.Header, header{spelt(name), value})
		}
	}
	slices.SortFunc(m.Header, func(a, b header) int { return strings.Compare(a.Name+a.Value, b.Name+b.Value) })
	m.sent = string(body[:min(len(body), maxShown)])
	m.Body = m.sent
	var indented bytes.Buffer
	if !m.Cut && json.Indent(&indented, body, "", "  ") == nil {
		m.Body = indented.String()
	}
	return m
}
