package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/stretchr/testify/assert"
)

// watch notes what a browser reports: messages on the console, exceptions,
// violated policies, and every request.
type watch struct {
	mu       sync.Mutex
	origins  []string // that pages may be loaded from
	expected []string // statuses that the test asserted
	notes    []string
	refusals []refusal
	requests []string
}

// refusal is a failed request that the browser reports on the console.
type refusal struct {
	status string
	url    string
}

var failedLoad = regexp.MustCompile(`the server responded with a status of (\d{3})`)

// see takes an event. It runs in the loop that reads them, so it only notes.
func (w *watch) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests = append(w.requests, e.Request.URL)
	case *log.EventEntryAdded:
		if found := failedLoad.FindStringSubmatch(e.Entry.Text); found != nil {
			w.refusals = append(w.refusals, refusal{found[1], e.Entry.URL})
			return
		}
		w.notes = append(w.notes, fmt.Sprintf("log: %s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *runtime.EventExceptionThrown:
		w.notes = append(w.notes, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		w.notes = append(w.notes, "console: "+string(e.Type))
	case *audits.EventIssueAdded:
		details, err := json.Marshal(e.Issue.Details)
		w.notes = append(w.notes, fmt.Sprintf("issue: %s %s %v", e.Issue.Code, details, err))
	}
}

// allow names another site that the test leads to.
func (w *watch) allow(origin string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.origins = append(w.origins, origin)
}

func (w *watch) expect(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, strconv.Itoa(status))
}

// report fails the test for whatever it did not expect.
func (w *watch) report(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	assert.Empty(t, w.notes, "what the browser reports")
	for _, r := range w.refusals {
		assert.Contains(t, w.expected, r.status, r.url)
	}
	assert.NotEmpty(t, w.requests)
	for _, url := range w.requests {
		ours := strings.HasPrefix(url, "data:") || slices.ContainsFunc(w.origins, func(o string) bool { return strings.HasPrefix(url, o+"/") })
		assert.True(t, ours, "a request to %s", url)
	}
}
