package sandbox

import (
	"net/url"
	"strconv"
	"strings"

	"consentd/internal/consent"
)

// The query parameters.
const (
	paramBalance   = "withBalance"
	paramFrom      = "dateFrom"
	paramTo        = "dateTo"
	paramStatus    = "bookingStatus"
	paramDelta     = "deltaList"
	paramReference = "entryReferenceFrom"
	paramPage      = "page"
	paramIndex     = "pageIndex"
	paramItems     = "itemsPerPage"
)

// The values of bookingStatus.
const (
	statusBooked      = "booked"
	statusPending     = "pending"
	statusBoth        = "both"
	statusInformation = "information"
	statusAll         = "all"
)

// query is what a read asks for.
type query struct {
	asked    url.Values // as it came
	balance  bool
	status   string
	from, to consent.Date // to is zero where it was not given
	page     int          // from 1 on
	// pinned is the last day of the list as its first page saw it; zero where dateTo
	// says it. It travels in the page, so that all pages have the same query besides.
	pinned consent.Date
}

// readDataQuery reads the parameters that an operation has; others are ignored, but
// for page: a parameter of paging that led to the first page would make a further
// page of it, which counts less. Its errors are Faults, all of them together, with
// CodeFormat or CodeNotSupported.
func readDataQuery(raw string, op consent.Operation) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, consent.E(consent.CodeFormat, "the query of the URL cannot be read")
	}
	p := parameters{values: values}
	q := query{asked: values, page: 1}
	switch op {
	case consent.OpAccounts, consent.OpAccount:
		q.balance = p.flag(paramBalance)
	case consent.OpTransactions:
		q.balance = p.flag(paramBalance)
		p.list(&q)
		p.refuse(paramIndex)
		p.refuse(paramItems)
	case consent.OpCardTransactions:
		p.list(&q)
	default:
	}
	if op != consent.OpTransactions && op != consent.OpCardTransactions {
		p.refuse(paramPage)
	}
	if len(p.faults) > 0 {
		return query{}, p.faults
	}
	return q, nil
}

// parameters reads values, and collects what is wrong with them.
type parameters struct {
	values url.Values
	faults consent.Faults
}

func (p *parameters) fault(code consent.Code, name, text string) {
	p.faults = append(p.faults, consent.At(code, "Query."+name, "%s", text))
}

// one is the value of a parameter; ok is false where there is none to go by.
func (p *parameters) one(name string) (value string, ok bool) {
	all, there := p.values[name]
	if len(all) > 1 {
		p.fault(consent.CodeFormat, name, "must not be given more than once")
		return "", false
	}
	return p.values.Get(name), there
}

func (p *parameters) flag(name string) bool {
	value, ok := p.one(name)
	if ok && value != "true" && value != "false" {
		p.fault(consent.CodeFormat, name, "must be true or false")
	}
	return value == "true"
}

// refuse tells that a parameter is not supported.
func (p *parameters) refuse(name string) {
	if _, there := p.values[name]; there {
		p.fault(consent.CodeNotSupported, name, "is not supported")
	}
}

// list reads what a list of transactions takes.
func (p *parameters) list(q *query) {
	q.status = p.status()
	from, given := p.date(paramFrom)
	if !given && len(p.values[paramFrom]) == 0 {
		p.fault(consent.CodeFormat, paramFrom, "is required")
	}
	to, ends := p.date(paramTo)
	if given && ends && to.Before(from) {
		p.fault(consent.CodeFormat, paramTo, "must not lie before dateFrom")
	}
	q.from, q.to = from, to
	if value, ok := p.one(paramDelta); ok && value != "false" {
		p.refuse(paramDelta)
	}
	p.refuse(paramReference)
	if value, ok := p.one(paramPage); ok {
		p.further(q, value)
	}
}

// further reads which page of a list is asked for: its number, and where the list
// has no end of its own, the day to which it went when it was opened.
func (p *parameters) further(q *query, value string) {
	number, day, pinned := strings.Cut(value, "@")
	n, err := strconv.Atoi(number)
	if err == nil && pinned {
		q.pinned, err = consent.ParseDate(day)
	}
	if err != nil || n < 2 || number != strconv.Itoa(n) || pinned && q.to != (consent.Date{}) {
		p.fault(consent.CodeFormat, paramPage, "must be that of a link to another page: the first page has none")
	}
	q.page = n
}

func (p *parameters) status() string {
	value, ok := p.one(paramStatus)
	switch {
	case !ok && len(p.values[paramStatus]) == 0:
		p.fault(consent.CodeFormat, paramStatus, "is required")
	case !ok:
	case value == statusInformation || value == statusAll:
		p.fault(consent.CodeNotSupported, paramStatus, "this bank has booked, pending and both")
	case value != statusBooked && value != statusPending && value != statusBoth:
		p.fault(consent.CodeFormat, paramStatus, "must be booked, pending or both")
	}
	return value
}

// date reads a day; ok is false where there is none, or none that can be read.
func (p *parameters) date(name string) (day consent.Date, ok bool) {
	value, there := p.one(name)
	if !there {
		return consent.Date{}, false
	}
	day, err := consent.ParseDate(value)
	if err != nil {
		p.fault(consent.CodeFormat, name, "must be a date, as YYYY-MM-DD")
		return consent.Date{}, false
	}
	return day, true
}
