package faults

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
)

// pathFaults is where faults are set.
const pathFaults = "/sandbox/faults"

// The members of a fault.
const (
	memberMatch  = "match"
	memberStatus = "status"
	memberDelay  = "delay"
	memberRate   = "rate"
	memberTimes  = "times"
)

// maxFaultDelay is the longest delay.
const maxFaultDelay = time.Minute

// faultOrder is the body of PUT /sandbox/faults.
type faultOrder struct {
	Match  *string  `json:"match"`
	Status *int     `json:"status"`
	Delay  *string  `json:"delay"` // as Go writes durations
	Rate   *float64 `json:"rate"`  // absent: 1
	Times  *int     `json:"times"` // absent: for ever
}

// faultView is a fault on the wire.
type faultView struct {
	Match    string  `json:"match"`
	Status   int     `json:"status,omitempty"`
	Delay    string  `json:"delay,omitempty"`
	Rate     float64 `json:"rate"`
	Times    int     `json:"times,omitempty"`
	Matched  int     `json:"matched"`  // calls since it was set
	Injected int     `json:"injected"` // those of them that it changed
}

// rule reads an order. Fails with all that is wrong with it, which adds to what was
// found wrong before.
func (o faultOrder) rule(found consent.Faults) (r rule, err error) {
	wrong := func(member, text string) { found = append(found, consent.At(consent.CodeFormat, member, "%s", text)) }
	known := func(member string) bool {
		return slices.ContainsFunc(found, func(e *consent.Error) bool { return e.Path == member })
	}
	switch {
	case o.Match == nil && !known(memberMatch):
		wrong(memberMatch, "match is missing")
	case o.Match != nil:
		if r.pattern, err = readPattern(*o.Match); err != nil {
			e, _ := errors.AsType[*consent.Error](err)
			found = append(found, e)
		}
	}
	if o.Status == nil && o.Delay == nil && !known(memberStatus) && !known(memberDelay) {
		wrong(memberStatus, "give a status, a delay, or both")
	}
	if o.Status != nil {
		if r.Status = *o.Status; r.Status < 400 || r.Status > 599 {
			wrong(memberStatus, wrongStatus)
		}
	}
	o.circumstances(&r, wrong)
	return r, found.Err()
}

// circumstances reads when and how late a fault acts.
func (o faultOrder) circumstances(r *rule, wrong func(member, text string)) {
	if o.Delay != nil {
		var err error
		r.Delay, err = time.ParseDuration(*o.Delay)
		if err != nil || r.Delay <= 0 || r.Delay > maxFaultDelay {
			wrong(memberDelay, wrongDelay)
		}
	}
	r.Rate = 1
	if o.Rate != nil {
		if r.Rate = *o.Rate; !(r.Rate >= 0 && r.Rate <= 1) {
			wrong(memberRate, wrongRate)
		}
	}
	if o.Times != nil {
		if r.Times = *o.Times; r.Times < 1 {
			wrong(memberTimes, wrongTimes)
		}
	}
}

// What is said of a member that has a wrong value, or one of a wrong type.
const (
	wrongStatus = "status must be from 400 to 599"
	wrongDelay  = "delay must be a duration of at most 60s, such as 2s or 250ms"
	wrongRate   = "rate must be from 0 to 1"
	wrongTimes  = "times must be 1 at least"
)

// readOrder reads an order, each member by itself. It returns what is wrong with the
// types of some and the names of others, and fails with CodeFormat for what is no
// JSON object at all.
func readOrder(r *http.Request) (o faultOrder, found consent.Faults, err error) {
	members := map[string]json.RawMessage{}
	if err := pages.Decode(r, &members); err != nil {
		return o, nil, err
	}
	known := map[string]struct {
		into any
		text string
	}{
		memberMatch: {&o.Match, "match must be a text"}, memberStatus: {&o.Status, wrongStatus}, memberDelay: {&o.Delay, wrongDelay},
		memberRate: {&o.Rate, wrongRate}, memberTimes: {&o.Times, wrongTimes},
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		member, there := known[name]
		switch {
		case !there:
			found = append(found, consent.At(consent.CodeFormat, name, "there is no member %q here", name))
		case json.Unmarshal(members[name], member.into) != nil:
			found = append(found, consent.At(consent.CodeFormat, name, "%s", member.text))
		}
	}
	for _, f := range found { // what was set before the fault was found is no value
		switch f.Path {
		case memberMatch:
			o.Match = nil
		case memberStatus:
			o.Status = nil
		case memberDelay:
			o.Delay = nil
		case memberRate:
			o.Rate = nil
		case memberTimes:
			o.Times = nil
		}
	}
	return o, found, nil
}

func viewOfFault(r rule) faultView {
	v := faultView{Match: r.String(), Status: r.Status, Rate: r.Rate, Times: r.Times, Matched: r.Matched, Injected: r.Injected}
	if r.Delay > 0 {
		v.Delay = r.Delay.String()
	}
	return v
}

// Handler is where faults are set and lifted, by people and by programs.
type Handler struct {
	Faults  *Faults
	Answers pages.Answers
	// Base is what addresses begin with that others are to use.
	Base func(*http.Request) string
}

// Mount registers the calls and the page; page is what stands before pages.
func (h *Handler) Mount(g *echo.Group, page echo.MiddlewareFunc) {
	g.GET("/faults", h.listFaults, page)
	g.PUT("/faults", h.putFault)
	g.POST("/faults", h.formFaults, page)
	g.DELETE("/faults", h.deleteFaults)
}

// listFaults shows all faults, to people or to programs.
func (h *Handler) listFaults(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	if pages.WantsHTML(c.Request()) {
		return h.faultsPage(c, http.StatusOK, faultForm{})
	}
	return h.sendFaults(c)
}

// sendFaults answers with all faults there are.
func (h *Handler) sendFaults(c echo.Context) error {
	views := []faultView{}
	for _, r := range h.Faults.list() {
		views = append(views, viewOfFault(r))
	}
	return c.JSON(http.StatusOK, map[string]any{"faults": views})
}

// putFault adds a fault, or replaces one.
func (h *Handler) putFault(c echo.Context) error {
	order, found, err := readOrder(c.Request())
	if err == nil {
		err = h.setFault(order, found)
	}
	if err != nil {
		return h.Answers.Fail(c, err)
	}
	return h.sendFaults(c)
}

func (h *Handler) setFault(order faultOrder, found consent.Faults) error {
	r, err := order.rule(found)
	if err != nil {
		return err
	}
	return h.Faults.put(r)
}

// deleteFaults takes away all faults, or the one that the query names.
func (h *Handler) deleteFaults(c echo.Context) error {
	if !c.QueryParams().Has(memberMatch) {
		h.Faults.clear()
		return h.sendFaults(c)
	}
	p, err := readPattern(c.QueryParam(memberMatch))
	if err == nil {
		err = h.Faults.remove(p)
	}
	if err != nil {
		return h.Answers.Fail(c, err)
	}
	return h.sendFaults(c)
}

// faultForm is the form of the page as it was sent, and what is wrong with it.
type faultForm struct {
	Match, Status, Delay, Rate, Times string

	// Wrong says what is wrong with a field, as a sentence without its end; of none
	// of them where First is empty, which is the one to begin with.
	Wrong map[string]string
	First string
}

// faultsPage is the page of the faults.
type faultsPage struct {
	Base   string
	Form   faultForm
	Faults []faultLine
}

// faultLine is a fault in the list.
type faultLine struct {
	faultView

	Effect string
	Share  string // of the calls; empty for all
}

func (h *Handler) faultsPage(c echo.Context, status int, form faultForm) error {
	page := faultsPage{Base: h.Base(c.Request()), Form: form}
	for _, r := range h.Faults.list() {
		line := faultLine{faultView: viewOfFault(r), Effect: r.effect()}
		if r.Rate < 1 {
			line.Share = strconv.FormatFloat(math.Round(r.Rate*1000)/10, 'f', -1, 64) + " % of the calls"
		}
		page.Faults = append(page.Faults, line)
	}
	return h.Answers.Render(c, status, "faults", page)
}

// formFaults takes the forms of the page: one adds, the buttons remove.
func (h *Handler) formFaults(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, pages.MaxBody)
	if err := r.ParseForm(); err != nil {
		return h.Answers.Problem(c, consent.E(consent.CodeFormat, "the form cannot be read").Because(err))
	}
	switch r.PostForm.Get("do") {
	case "clear":
		h.Faults.clear()
	case "remove":
		if p, err := readPattern(r.PostForm.Get(memberMatch)); err == nil {
			_ = h.Faults.remove(p) // one that is gone already is what was wanted
		}
	default:
		form := faultForm{
			Match: strings.TrimSpace(r.PostForm.Get(memberMatch)), Status: strings.TrimSpace(r.PostForm.Get(memberStatus)),
			Delay: strings.TrimSpace(r.PostForm.Get(memberDelay)), Rate: strings.TrimSpace(r.PostForm.Get(memberRate)),
			Times: strings.TrimSpace(r.PostForm.Get(memberTimes)),
		}
		if err := h.addByForm(form); err != nil {
			status, body := h.Answers.Judge(c, err)
			form.blame(body)
			return h.faultsPage(c, status, form)
		}
	}
	return c.Redirect(http.StatusSeeOther, pathFaults)
}

// blame says what is wrong at the fields.
func (f *faultForm) blame(body pages.Fault) {
	all := body.Errors
	if len(all) == 0 {
		all = []pages.Fault{body}
	}
	f.Wrong = map[string]string{}
	for _, one := range all {
		if f.Wrong[one.Path] == "" {
			f.Wrong[one.Path] = one.Error
		}
	}
	for _, member := range []string{memberMatch, memberStatus, memberDelay, memberRate, memberTimes} {
		if f.Wrong[member] != "" {
			f.First = member
			return
		}
	}
	f.First, f.Wrong[memberMatch] = memberMatch, body.Error
}

func (h *Handler) addByForm(form faultForm) error {
	order, found := faultOrder{Match: &form.Match}, consent.Faults{}
	order.Status = numberIn(form.Status, memberStatus, wrongStatus, &found)
	order.Times = numberIn(form.Times, memberTimes, wrongTimes, &found)
	if form.Delay != "" {
		order.Delay = &form.Delay
	}
	if form.Rate != "" {
		rate, err := strconv.ParseFloat(form.Rate, 64)
		if err != nil {
			rate = math.NaN() // which is not from 0 to 1
		}
		order.Rate = &rate
	}
	return h.setFault(order, found)
}

// numberIn reads a field that holds a number, or nothing.
func numberIn(text, member, wrong string, found *consent.Faults) *int {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		*found = append(*found, consent.At(consent.CodeFormat, member, "%s", wrong))
		return nil
	}
	return &n
}
