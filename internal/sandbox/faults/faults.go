package faults

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/sandbox/pages"
)

// Header marks every answer that a fault made or delayed.
const Header = "X-Sandbox-Fault"

// Faults answer calls with errors, or late, as they are told to. They act on the
// paths that they own and, where their pattern names them, on the pages of the
// PSU; never on the sandbox's own paths, so that they can always be lifted.
type Faults struct {
	// Owns tells the paths on which faults act.
	Owns func(path string) bool
	// BasePath may be left out of patterns.
	BasePath string
	// Dialects are those in which errors are worded. What Owns has besides is the
	// interface for the bank's own systems, which is answered with problems. Without them, and elsewhere,
	// an injected error is a line of text, as proxies send one.
	Dialects []Dialect
	// Stop ends all delays, when the program ends; nil for never.
	Stop <-chan struct{}

	mu    sync.Mutex
	rules []*rule
}

// Dialect is an interface that words errors in its own way.
type Dialect interface {
	// Owns tells its paths.
	Owns(path string) bool
	// RefusalOf words an error for callers who accept certain formats; nil, or with
	// another status, where there are no words for it.
	RefusalOf(err error, accept []string) *edge.Refusal
}

// anyStatus is a Dialect that has words for statuses which none of its errors has.
type anyStatus interface {
	RefusalWith(status int, text string) *edge.Refusal
}

// rule is a fault, and what came of it.
type rule struct {
	pattern

	Status int           // 0 for none: the call goes on after the delay
	Delay  time.Duration // of real time: the sandbox's clock may stand or jump
	Rate   float64       // of the calls that match
	Times  int           // after how many injections it is gone; 0 for never
	// Matched and Injected count calls since it was set.
	Matched, Injected int
}

// maxFaults bounds how many are set at a time.
const maxFaults = 100

// put adds a fault, or replaces that of the same pattern and begins to count anew.
// Fails with CodeFormat when there are too many.
func (f *Faults) put(r rule) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.rules, func(old *rule) bool { return old.pattern == r.pattern })
	switch {
	case i >= 0:
		f.rules[i] = &r
	case len(f.rules) == maxFaults:
		return consent.At(consent.CodeFormat, memberMatch, "there are %d faults already", maxFaults)
	default:
		f.rules = append(f.rules, &r)
	}
	return nil
}

// Count is how many faults are set.
func (f *Faults) Count() int { return len(f.list()) }

// list returns all faults, in the order in which they were added.
func (f *Faults) list() []rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]rule, len(f.rules))
	for i, r := range f.rules {
		list[i] = *r
	}
	return list
}

// remove takes a fault away. Fails with pages.ErrUnknown.
func (f *Faults) remove(p pattern) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.rules)
	f.rules = slices.DeleteFunc(f.rules, func(r *rule) bool { return r.pattern == p })
	if len(f.rules) == before {
		return fmt.Errorf("fault: %w", pages.ErrUnknown)
	}
	return nil
}

// clear takes all faults away.
func (f *Faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// due finds the fault for a call, if there is one: the first that matches and
// whose turn it is. Those that match count the call, up to that one.
func (f *Faults) due(method, path string) (rule, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if !f.meets(r.pattern, method, path) {
			continue
		}
		r.Matched++
		if !turn(r.Matched, r.Rate) {
			continue
		}
		r.Injected++
		if r.Injected == r.Times {
			f.rules = slices.Delete(f.rules, i, i+1)
		}
		return *r, true
	}
	return rule{}, false
}

// meets reports whether a fault may act on a call.
func (f *Faults) meets(p pattern, method, path string) bool {
	if !f.Owns(path) && (!isPage(path) || !p.pages()) {
		return false
	}
	short, ok := strings.CutPrefix(path, f.BasePath)
	return p.matches(method, path) || ok && p.matches(method, short)
}

// turn reports whether the nth call is among those that a rate picks. It is no
// matter of chance, so that tests can count on it: of 0.5 it is every second call,
// of 0.25 every fourth.
func turn(n int, rate float64) bool {
	const slack = 1e-9 // of what fractions lose
	return math.Floor(float64(n)*rate+slack) > math.Floor(float64(n-1)*rate+slack)
}

// Middleware injects what is due.
func (f *Faults) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			due, ok := f.due(r.Method, r.URL.Path)
			if !ok {
				return next(c)
			}
			explain.Note(r.Context(), "fault: injected %s, by %s", due.effect(), due.pattern)
			c.Response().Header().Set(Header, "true")
			if !f.wait(r, due.Delay) {
				explain.Note(r.Context(), "fault: the client went away meanwhile")
				return c.NoContent(http.StatusRequestTimeout)
			}
			if due.Status == 0 {
				return next(c)
			}
			return f.answer(c, due.Status)
		}
	}
}

// wait lets real time pass, but for a program that ends. It is false when the
// client has gone away.
func (f *Faults) wait(r *http.Request, delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.Stop:
	case <-r.Context().Done():
		return false
	}
	return true
}

// answer sends an injected status, in the form of the dialect where that has one.
func (f *Faults) answer(c echo.Context, status int) error {
	r := c.Request()
	if f.Owns(r.URL.Path) {
		edge.StampID(c)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	if refusal := f.refusal(r, status); refusal != nil {
		refusal.Header.Del(edge.HeaderRequestID) // the answer has the caller's
		return refusal.Send(c.Response())
	}
	if len(f.Dialects) > 0 && f.Owns(r.URL.Path) && f.dialect(r.URL.Path) == nil {
		return bankProblem(c, status)
	}
	return c.String(status, injectedText+"\n")
}

// injectedText says where an answer came from.
const injectedText = "injected by the sandbox, see /sandbox/faults"

// bankProblem is an injected error in the form of the interface for the bank's own
// systems (RFC 9457).
func bankProblem(c echo.Context, status int) error {
	body := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": injectedText}
	if codes := injectedCodes[status]; len(codes) > 0 {
		body["code"] = codes[0]
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("injected problem: %w", err)
	}
	return c.Blob(status, "application/problem+json", raw)
}

// refusal is a status in the words of the dialect; nil where it has none for it.
func (f *Faults) refusal(r *http.Request, status int) *edge.Refusal {
	dialect := f.dialect(r.URL.Path)
	if dialect == nil {
		return nil
	}
	for _, code := range injectedCodes[status] {
		refusal := dialect.RefusalOf(consent.E(code, injectedText), r.Header.Values(echo.HeaderAccept))
		if refusal != nil && refusal.Status == status {
			return refusal
		}
	}
	if d, ok := dialect.(anyStatus); ok {
		return d.RefusalWith(status, injectedText)
	}
	return nil
}

// dialect is the one in which a path is answered; nil for none.
func (f *Faults) dialect(path string) Dialect {
	for _, d := range f.Dialects {
		if d.Owns(path) {
			return d
		}
	}
	return nil
}

// injectedCodes are what a status may be called: the first that has it in a dialect is
// it. Statuses that dialects have several codes for have the plainest.
var injectedCodes = map[int][]consent.Code{
	http.StatusBadRequest:           {consent.CodeFormat},
	http.StatusUnauthorized:         {consent.CodeNotUsable, consent.CodeUnauthenticated},
	http.StatusForbidden:            {consent.CodeBlocked, consent.CodeRole},
	http.StatusNotFound:             {consent.CodePathUnknown},
	http.StatusMethodNotAllowed:     {consent.CodeMethodNotAllowed},
	http.StatusNotAcceptable:        {consent.CodeNotAcceptable},
	http.StatusRequestTimeout:       {consent.CodeTimeout},
	http.StatusConflict:             {consent.CodeStatusInvalid},
	http.StatusUnsupportedMediaType: {consent.CodeMediaType},
	http.StatusTooManyRequests:      {consent.CodeTooOften},
	http.StatusInternalServerError:  {consent.CodeInternal},
	http.StatusServiceUnavailable:   {consent.CodeUnavailable},
}

// effect says in words what a fault does.
func (r rule) effect() string {
	switch {
	case r.Status == 0:
		return "a delay of " + r.Delay.String()
	case r.Delay == 0:
		return fmt.Sprintf("status %d", r.Status)
	default:
		return fmt.Sprintf("status %d after %s", r.Status, r.Delay)
	}
}
