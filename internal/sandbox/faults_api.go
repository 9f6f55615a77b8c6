package sandbox

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
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

// rule reads an order. Fails with CodeFormat, naming the member.
func (o faultOrder) rule() (r rule, err error) {
	if o.Match == nil {
		return r, consent.At(consent.CodeFormat, memberMatch, "match is missing")
	}
	if r.pattern, err = readPattern(*o.Match); err != nil {
		return r, err
	}
	if o.Status == nil && o.Delay == nil {
		return r, consent.At(consent.CodeFormat, memberStatus, "give a status, a delay, or both")
	}
	if o.Status != nil {
		if r.Status = *o.Status; r.Status < 400 || r.Status > 599 {
			return r, consent.At(consent.CodeFormat, memberStatus, "status must be from 400 to 599")
		}
	}
	return r, o.circumstances(&r)
}

// circumstances reads when and how late a fault acts.
func (o faultOrder) circumstances(r *rule) (err error) {
	if o.Delay != nil {
		r.Delay, err = time.ParseDuration(*o.Delay)
		if err != nil || r.Delay <= 0 || r.Delay > maxFaultDelay {
			return consent.At(consent.CodeFormat, memberDelay, "delay must be a duration of at most 60s, such as 2s or 250ms")
		}
	}
	r.Rate = 1
	if o.Rate != nil {
		if r.Rate = *o.Rate; !(r.Rate >= 0 && r.Rate <= 1) {
			return consent.At(consent.CodeFormat, memberRate, "rate must be from 0 to 1")
		}
	}
	if o.Times != nil {
		if r.Times = *o.Times; r.Times < 1 {
			return consent.At(consent.CodeFormat, memberTimes, "times must be 1 at least")
		}
	}
	return nil
}

func viewOfFault(r rule) faultView {
	v := faultView{Match: r.String(), Status: r.Status, Rate: r.Rate, Times: r.Times, Matched: r.Matched, Injected: r.Injected}
	if r.Delay > 0 {
		v.Delay = r.Delay.String()
	}
	return v
}

// listFaults shows all faults, to people or to programs.
func (s *Sandbox) listFaults(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	if wantsHTML(c.Request()) {
		return s.faultsPage(c, http.StatusOK, faultForm{})
	}
	return s.sendFaults(c)
}

// sendFaults answers with all faults there are.
func (s *Sandbox) sendFaults(c echo.Context) error {
	views := []faultView{}
	for _, r := range s.Faults.list() {
		views = append(views, viewOfFault(r))
	}
	return c.JSON(http.StatusOK, map[string]any{"faults": views})
}

// putFault adds a fault, or replaces one.
func (s *Sandbox) putFault(c echo.Context) error {
	var order faultOrder
	if err := decode(c.Request(), &order); err != nil {
		return s.fail(c, err)
	}
	if err := s.setFault(order); err != nil {
		return s.fail(c, err)
	}
	return s.sendFaults(c)
}

func (s *Sandbox) setFault(order faultOrder) error {
	r, err := order.rule()
	if err != nil {
		return err
	}
	return s.Faults.put(r)
}

// deleteFaults takes away all faults, or the one that the query names.
func (s *Sandbox) deleteFaults(c echo.Context) error {
	if !c.QueryParams().Has(memberMatch) {
		s.Faults.clear()
		return s.sendFaults(c)
	}
	p, err := readPattern(c.QueryParam(memberMatch))
	if err == nil {
		err = s.Faults.remove(p)
	}
	if err != nil {
		return s.fail(c, err)
	}
	return s.sendFaults(c)
}

// faultForm is the form of the page as it was sent, and what is wrong with it.
type faultForm struct {
	Match, Status, Delay, Rate, Times string

	Fault string // a sentence without its end
	Path  string // the field at fault
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

func (s *Sandbox) faultsPage(c echo.Context, status int, form faultForm) error {
	page := faultsPage{Base: s.base(c.Request()), Form: form}
	for _, r := range s.Faults.list() {
		line := faultLine{faultView: viewOfFault(r), Effect: r.effect()}
		if r.Rate < 1 {
			line.Share = strconv.FormatFloat(math.Round(r.Rate*1000)/10, 'f', -1, 64) + " % of the calls"
		}
		page.Faults = append(page.Faults, line)
	}
	return s.render(c, status, "faults", page)
}

// formFaults takes the forms of the page: one adds, the buttons remove.
func (s *Sandbox) formFaults(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return s.problem(c, consent.E(consent.CodeFormat, "the form cannot be read").Because(err))
	}
	switch r.PostForm.Get("do") {
	case "clear":
		s.Faults.clear()
	case "remove":
		if p, err := readPattern(r.PostForm.Get(memberMatch)); err == nil {
			_ = s.Faults.remove(p) // one that is gone already is what was wanted
		}
	default:
		form := faultForm{
			Match: strings.TrimSpace(r.PostForm.Get(memberMatch)), Status: strings.TrimSpace(r.PostForm.Get(memberStatus)),
			Delay: strings.TrimSpace(r.PostForm.Get(memberDelay)), Rate: strings.TrimSpace(r.PostForm.Get(memberRate)),
			Times: strings.TrimSpace(r.PostForm.Get(memberTimes)),
		}
		if err := s.addByForm(form); err != nil {
			status, body := s.judge(c, err)
			form.Fault, form.Path = body.Error, body.Path
			return s.faultsPage(c, status, form)
		}
	}
	return c.Redirect(http.StatusSeeOther, pathFaults)
}

func (s *Sandbox) addByForm(form faultForm) error {
	order := faultOrder{Match: &form.Match}
	var err error
	if order.Status, err = numberIn(form.Status, memberStatus); err != nil {
		return err
	}
	if order.Times, err = numberIn(form.Times, memberTimes); err != nil {
		return err
	}
	if form.Delay != "" {
		order.Delay = &form.Delay
	}
	if form.Rate != "" {
		rate, err := strconv.ParseFloat(form.Rate, 64)
		if err != nil {
			return consent.At(consent.CodeFormat, memberRate, "rate must be from 0 to 1")
		}
		order.Rate = &rate
	}
	return s.setFault(order)
}

// numberIn reads a field that holds a number, or nothing. Fails with CodeFormat.
func numberIn(text, member string) (*int, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // an empty field is no fault
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, consent.At(consent.CodeFormat, member, "%s must be a number", member)
	}
	return &n, nil
}
