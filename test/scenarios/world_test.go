package scenarios

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/pkg/xs2a"
)

// world is what a case knows while it runs.
type world struct {
	t       *testing.T
	book    *book
	program *program
	http    *http.Client
	scene   *scenario

	family        string // the path of the consents: of account access or of funds
	caller        string // the TPP of the last consent
	consent       string
	former        string // the consent before that one
	authorisation string
	link          string // the last scaRedirect
	confirmation  string // the last confirmationCode that came back with a browser
	same          string // one UUID
	app           func() // what a PSU goes on doing in the app of the bank
	last, before  answer
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any // nil where there is none
}

func newWorld(t *testing.T, b *book, p *program, c *scenario) *world {
	t.Helper()
	return &world{t: t, book: b, program: p, http: p.client(t), scene: c, same: uuid.NewString()}
}

// run plays a case.
func (w *world) run() {
	w.t.Helper()
	if g := w.scene.Given; g.State != "" {
		if g.Create == "" {
			g.Create = "create"
		}
		recipes()[g.State](w, g)
	}
	for i, s := range w.scene.all() {
		for range max(s.Times, 1) {
			w.play(s)
		}
		if w.t.Failed() {
			w.t.Fatalf("in step %d; the last answer was %d %s", i+1, w.last.status, w.last.raw)
		}
	}
}

func (w *world) play(s Step) {
	w.t.Helper()
	switch {
	case s.PSU != "":
		w.act(s.PSU)
	case s.Clock != "":
		w.turn(s.Clock)
	case s.Call != "" || s.Path != "":
		w.send(s)
	}
	w.check(&s.Want)
}

// send makes a request and remembers its answer, and what it names.
func (w *world) send(s Step) {
	w.t.Helper()
	r := w.book.requests[s.Call]
	if s.Method != "" {
		r.Method = s.Method
	}
	if s.Path != "" {
		r.Path = s.Path
	}
	req, err := http.NewRequestWithContext(w.t.Context(), r.Method, w.url(r.Path), w.content(r, s.Change))
	require.NoError(w.t, err)
	w.header(req.Header, merged(w.scene.accept, r.Headers, s.Headers))
	w.before, w.last = w.last, w.do(req)
	w.remember(req)
}

// url makes an address of a path, which may be an address already.
func (w *world) url(path string) string {
	path = w.text(path)
	if strings.HasPrefix(path, "http") {
		return path
	}
	if strings.HasPrefix(path, "/v") {
		path = w.program.BasePath + path
	}
	return w.program.base + path
}

// merged are the headers of a request: what comes later replaces.
func merged(accept string, headers ...map[string]any) map[string]any {
	all := map[string]any{}
	if accept != "" {
		all["Accept"] = accept
	}
	for _, some := range headers {
		for name, value := range some {
			all[http.CanonicalHeaderKey(name)] = value
		}
	}
	return all
}

// header puts headers on a request: a list comes in several lines, null is none.
func (w *world) header(into http.Header, headers map[string]any) {
	for name, value := range headers {
		switch v := value.(type) {
		case nil:
		case []any:
			for _, line := range v {
				into.Add(name, w.text(line.(string)))
			}
		case string:
			into.Set(name, w.text(v))
		default:
			into.Set(name, strings.TrimSpace(encoded(w.t, v)))
		}
	}
}

func (w *world) do(req *http.Request) answer {
	w.t.Helper()
	res, err := w.http.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	a := answer{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if len(raw) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		require.NoError(w.t, d.Decode(&a.body))
	}
	return a
}

// remember takes over which consent, authorisation and page an answer names.
func (w *world) remember(req *http.Request) {
	w.t.Helper()
	if w.last.status != http.StatusCreated {
		return
	}
	if id, ok := w.last.body["consentId"].(string); ok && id != w.consent {
		w.former, w.consent, w.authorisation, w.link = w.consent, id, "", ""
		w.caller = req.Header.Get("X-Sandbox-TPP")
		w.family = strings.TrimPrefix(req.URL.Path, w.program.BasePath)
	}
	links := w.last.links(w.t)
	if href := links["scaStatus"].Href; href != "" {
		w.authorisation = href[strings.LastIndex(href, "/")+1:]
	}
	if href := links["scaRedirect"].Href; href != "" {
		w.link = href
	}
}

func (a answer) links(t *testing.T) xs2a.Links {
	t.Helper()
	var body struct {
		Links xs2a.Links `json:"_links"`
	}
	if a.body != nil {
		require.NoError(t, json.Unmarshal([]byte(a.raw), &body))
	}
	return body.Links
}

// ask reads one member of what the interface says, for the TPP whose consent it
// is. It is no step of the case: what the answers are is remembered nowhere.
func (w *world) ask(path, member string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.program.base+w.program.BasePath+w.family+path, http.NoBody)
	require.NoError(w.t, err)
	req.Header.Set("X-Request-ID", uuid.NewString())
	if w.caller != "" {
		req.Header.Set("X-Sandbox-TPP", w.caller)
	}
	a := w.do(req)
	value, _ := a.body[member].(string)
	require.NotEmpty(w.t, value, "%s: %d %s", path, a.status, a.raw)
	return value
}

func (w *world) statusOf(consent string) string {
	w.t.Helper()
	require.NotEmpty(w.t, consent, "there is no such consent in this case")
	return w.ask("/"+consent+"/status", "consentStatus")
}

func (w *world) scaStatus() string {
	w.t.Helper()
	require.NotEmpty(w.t, w.authorisation, "there is no authorisation in this case")
	return w.ask("/"+w.consent+"/authorisations/"+w.authorisation, "scaStatus")
}

// sandbox uses one of the sandbox's own calls.
func (w *world) sandbox(method, path string, in, out any) int {
	w.t.Helper()
	var body io.Reader = http.NoBody
	if in != nil {
		body = strings.NewReader(encoded(w.t, in))
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.program.base+"/sandbox/"+path, body)
	require.NoError(w.t, err)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	a := w.do(req)
	if out != nil {
		require.Equal(w.t, http.StatusOK, a.status, a.raw)
		require.NoError(w.t, json.Unmarshal([]byte(a.raw), out))
	}
	return a.status
}

// turn moves the program's clock.
func (w *world) turn(by string) {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, w.sandbox(http.MethodPut, "clock", map[string]string{"advance": by}, nil))
}

// today is the program's date, days later.
func (w *world) today(days int) string {
	w.t.Helper()
	var clock struct{ Now time.Time }
	w.sandbox(http.MethodGet, "clock", nil, &clock)
	return clock.Now.UTC().AddDate(0, 0, days).Format(time.DateOnly)
}

// code is the last code that came to a persona's phone.
func (w *world) code(psu string) string {
	w.t.Helper()
	var phone struct {
		Messages []struct{ Code string }
	}
	w.sandbox(http.MethodGet, "psus/"+url.PathEscape(psu)+"/phone", nil, &phone)
	require.NotEmpty(w.t, phone.Messages, "no code came")
	return phone.Messages[len(phone.Messages)-1].Code
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
