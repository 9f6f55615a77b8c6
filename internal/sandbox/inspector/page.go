package inspector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/pages"
)

// requestsPage is the list of the last calls.
type requestsPage struct {
	requestQuery

	Chips  []chip
	Calls  []callLine
	Turn   string // the same page, which then loads itself again, or no more
	Kept   int
	Filter bool
	Faults int // that are set
}

// chip is a link to some of the calls.
type chip struct {
	Name, Path string
	On         bool
}

// chips are the kinds of calls to choose from.
func (q requestQuery) chips() []chip {
	var list []chip
	for _, c := range []struct{ name, status string }{
		{"All", ""}, {"2xx", "2xx"}, {"4xx", "4xx"}, {"401", "401"}, {"403", "403"}, {"429", "429"}, {"5xx", "5xx"},
	} {
		query := url.Values{}
		if c.status != "" {
			query.Set("status", c.status)
		}
		if q.Part != "" {
			query.Set("path", q.Part)
		}
		if q.RequestID != "" {
			query.Set(queryRequestID, q.RequestID)
		}
		list = append(list, chip{Name: c.name, Path: requestsBy(query), On: q.Status == c.status})
	}
	return list
}

// callLine is a call in the list.
type callLine struct {
	*inspected

	Decided string // the step that decided, for a refused call
	Verdict string // what a system of the bank was told; empty where nothing was denied
}

// refreshRequests is after how many seconds the list loads itself again.
const refreshRequests = 3

func (h *Handler) requestsPage(c echo.Context, q requestQuery, calls []*inspected) error {
	page := requestsPage{
		requestQuery: q, Chips: q.chips(), Kept: maxInspected, Faults: h.Faults(), Filter: q.Status != "" || q.Part != "" || q.RequestID != "",
	}
	for _, call := range calls {
		line := callLine{inspected: call, Verdict: call.verdict()}
		if i := call.deciding(); i >= 0 {
			line.Decided = call.Path[i]
		}
		if call.Checks == 1 && len(call.Denials) == 1 && call.Denials[0].Reason != "" {
			line.Decided = call.Denials[0].Reason
		}
		page.Calls = append(page.Calls, line)
	}
	page.Turn = requestsBy(turned(c.QueryParams(), q.Still))
	if !q.Still {
		pages.Refresh(c, refreshRequests)
	}
	return h.Answers.Render(c, http.StatusOK, "requests", page)
}

// requestsBy is the address of the list, filtered.
func requestsBy(query url.Values) string {
	if len(query) == 0 {
		return pathRequests
	}
	return pathRequests + "?" + query.Encode()
}

// turned is a query with the reloading switched.
func turned(query url.Values, still bool) url.Values {
	query = maps.Clone(query)
	query.Del("still")
	if !still {
		query.Set("still", "1")
	}
	return query
}

// requestPage is one call, whole.
type requestPage struct {
	*inspected

	Verdict  string
	Steps    []step
	Sent     []header
	Answered []header
	Body     string // of the request, indented
	Answer   string // the same of the answer
	Curl     string
}

// header is one header of a message.
type header struct{ Name, Value string }

// step is one of a decision.
type step struct {
	Text    string
	Decides bool
}

func (h *Handler) requestPage(c echo.Context, call *inspected) error {
	page := requestPage{
		inspected: call, Verdict: call.verdict(), Sent: headersOf(call.Request.Headers), Answered: headersOf(call.Response.Headers),
		Body: indented(call.Request.Body), Answer: indented(call.Response.Body), Curl: call.curl(),
	}
	for i, text := range call.Path {
		page.Steps = append(page.Steps, step{Text: text, Decides: i == call.deciding()})
	}
	headers := c.Response().Header()
	// The one page of the sandbox with a script, which fills the clipboard; without
	// it the command can be marked and copied.
	headers.Set(echo.HeaderContentSecurityPolicy, headers.Get(echo.HeaderContentSecurityPolicy)+"; script-src 'self'")
	return h.Answers.Render(c, http.StatusOK, "request", page)
}

// headersOf lists headers by their names.
func headersOf(h http.Header) []header {
	var list []header
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			list = append(list, header{spelt(name), value})
		}
	}
	return list
}

// indented makes JSON easy to read; other texts stay as they are.
func indented(text string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return text
	}
	return b.String()
}

// Kind is the class of a call's status, for the style of its badge.
func (c *inspected) Kind() string { return "s" + strconv.Itoa(c.Status)[:1] }

// StatusText is the status in words.
func (c *inspected) StatusText() string { return http.StatusText(c.Status) }

// Who is the name of the caller; their whole id where they have none.
func (c *inspected) Who() string {
	_, name, ok := strings.Cut(c.Caller, "(")
	if name, _, closed := strings.Cut(name, ")"); ok && closed {
		return name
	}
	return c.Caller
}

// Time is when it came, without the day.
func (c *inspected) Time() string { return c.At.Format("15:04:05") }

// Duration is how long it took, as people write it.
func (c *inspected) Duration() string {
	took := time.Duration(c.Took * float64(time.Millisecond))
	switch {
	case took >= time.Second:
		return fmt.Sprintf("%.1f s", took.Seconds())
	case took >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", took.Milliseconds())
	case took < 100*time.Microsecond:
		return "< 0.1 ms"
	default:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", c.Took), ".0") + " ms"
	}
}
