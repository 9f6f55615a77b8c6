package inspector

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/edge"
	"consentd/internal/explain"
)

// The bounds of what the inspector keeps: calls, and bytes of each body.
const (
	maxInspected     = 200
	maxInspectedBody = 64 << 10
)

// Inspector keeps the last calls of TPPs and of the bank's own systems, with what
// was decided on them and why. It keeps them in memory only, and no secret: those
// are masked before anything is kept (see secretRules).
type Inspector struct {
	// Now dates the calls. How long they took is measured by Real, which nobody turns.
	Now, Real func() time.Time
	// Owns tells the paths whose calls are kept.
	Owns func(path string) bool
	// Public is where a proxy in front is reached, which stands for the host of calls
	// over plain http; empty for none.
	Public string
	// Known tells the credentials that are no secret, and are shown; nil for none.
	Known func(credential string) bool

	mu    sync.RWMutex
	calls []*inspected // the oldest first; none is changed once it is here
	last  int
}

// inspected is a call that was answered, without its secrets.
type inspected struct {
	ID        int       `json:"id"` // counts up from 1
	At        time.Time `json:"at"` // by the sandbox's clock
	Method    string    `json:"method"`
	Target    string    `json:"target"` // as it was asked for, with its query
	Origin    string    `json:"origin"` // scheme and host
	Protocol  string    `json:"protocol"`
	Subject   string    `json:"clientCertificate,omitempty"` // whom it names
	Status    int       `json:"status"`
	Took      float64   `json:"durationMs"`
	Caller    string    `json:"tpp,omitempty"` // or the bank's system that called
	RequestID string    `json:"requestId,omitempty"`
	Request   exchanged `json:"request"`
	Response  exchanged `json:"response"`
	Path      []string  `json:"path"` // of the decision, step by step
	// Checks are how many decisions a system of the bank asked for, and Denials those
	// that were denied, whatever the status of the answer that says so.
	Checks  int             `json:"checks,omitempty"`
	Denials []inspectedDeny `json:"denials,omitempty"`
}

// Middleware keeps the calls to the paths that the Inspector owns. It stands
// around all that can answer them, and answers errors itself, so that it sees
// what the caller sees.
func (i *Inspector) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !i.Owns(c.Request().URL.Path) {
				return next(c)
			}
			w := i.watch(c)
			defer w.keep(i)
			if err := next(c); err != nil {
				c.Error(err)
			}
			w.body.rest()
			w.answered = true
			return nil
		}
	}
}

// watched is a call under way.
type watched struct {
	c        echo.Context
	begin    time.Time
	call     *inspected
	header   http.Header // as it came: handlers may change it
	body     *bodyTap
	answer   *answerTap
	notes    *explain.Notes
	answered bool // and not ended by a panic
}

// watch lets itself be told of everything about a call.
func (i *Inspector) watch(c echo.Context) *watched {
	r := c.Request()
	ctx, notes := explain.Listen(r.Context())
	w := &watched{c: c, begin: i.Real(), header: r.Header.Clone(), notes: notes}
	w.call = &inspected{
		At: i.Now(), Method: r.Method, Target: maskTarget(r.RequestURI), Origin: i.originOf(r), Protocol: protocolOf(r), Subject: subjectOf(r),
	}
	w.body = tapBody(r)
	r = r.WithContext(ctx)
	r.Body = w.body
	c.SetRequest(r)
	w.answer = &answerTap{ResponseWriter: c.Response().Writer}
	c.Response().Writer = w.answer
	return w
}

// keep masks what was seen of a call, and keeps the rest. It runs also when the
// call ends by a panic, which somebody further out answers.
func (w *watched) keep(i *Inspector) {
	response := w.c.Response()
	response.Writer = w.answer.ResponseWriter
	call := w.call
	call.Status, call.RequestID = response.Status, cmp.Or(response.Header().Get(edge.HeaderRequestID), maskText(w.header.Get(edge.HeaderRequestID)))
	call.Took = float64(i.Real().Sub(w.begin).Microseconds()) / 1000
	for _, note := range w.notes.Lines() {
		call.Path = append(call.Path, maskText(note))
	}
	if !w.answered {
		call.Status = http.StatusInternalServerError
		call.Path = append(call.Path, "the program failed; its log says where")
	}
	call.Caller = callerIn(call.Path)
	call.Request = i.maskMessage(w.header, w.body.kept, inRequest, w.c.Request().URL.Path)
	call.Response = i.maskMessage(response.Header(), w.answer.kept, inAnswer, w.c.Request().URL.Path)
	call.Checks, call.Denials = denialsIn(w.c.Request().URL.Path, response.Header(), w.answer.bytes)
	i.add(call)
}

func (i *Inspector) add(call *inspected) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last++
	call.ID = i.last
	i.calls = append(i.calls, call)
	if over := len(i.calls) - maxInspected; over > 0 {
		i.calls = slices.Delete(i.calls, 0, over)
	}
}

// list returns the calls that fit, the newest first, and at most limit of them.
func (i *Inspector) list(limit int, fits func(*inspected) bool) []*inspected {
	i.mu.RLock()
	defer i.mu.RUnlock()
	found := []*inspected{}
	for _, call := range slices.Backward(i.calls) {
		if len(found) == limit {
			break
		}
		if fits(call) {
			found = append(found, call)
		}
	}
	return found
}

// Last returns the method, target and status of the last call; ok is false where none
// is kept.
func (i *Inspector) Last() (method, target string, status int, ok bool) {
	newest := i.list(1, func(*inspected) bool { return true })
	if len(newest) == 0 {
		return "", "", 0, false
	}
	return newest[0].Method, newest[0].Target, newest[0].Status, true
}

// find returns a call; nil for one that is not kept, or not any more.
func (i *Inspector) find(id int) *inspected {
	found := i.list(1, func(c *inspected) bool { return c.ID == id })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// empty forgets all calls.
func (i *Inspector) empty() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls = nil
}

// noteCallers begin the notes that say who is calling: a TPP, or a system of the
// bank's own.
var noteCallers = []string{"caller: ", "the caller is "}

// callerIn finds in the notes of a call who made it; empty where that was not
// found out.
func callerIn(path []string) string {
	for _, note := range path {
		for _, begins := range noteCallers {
			if who, ok := strings.CutPrefix(note, begins); ok {
				return who
			}
		}
	}
	return ""
}

// In the notes, noteCode stands before the code of a refusal, on the line that
// decided; noteAnswered begins a line of its own that only repeats the answer.
const (
	noteCode     = " → "
	noteAnswered = "answered "
)

// deciding is the step of a refused call at which it was decided. It is -1 for
// calls that were not refused, for those of which nothing is known, and for several
// decisions in one.
func (c *inspected) deciding() int {
	if c.Status < http.StatusBadRequest && (c.Checks != 1 || len(c.Denials) == 0) {
		return -1
	}
	last := len(c.Path) - 1
	for i, note := range slices.Backward(c.Path) {
		if strings.Contains(note, noteCode) {
			return i
		}
	}
	for last > 0 && strings.HasPrefix(c.Path[last], noteAnswered) {
		last--
	}
	return last
}
