package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// The parameters of the board's address.
const (
	queryTab   = "tab"
	queryPart  = "part"
	queryTPP   = "tpp"
	queryType  = "type"
	queryState = "state"
	queryPage  = "page"

	payments = "payments" // the part
)

// table is the body of the page that lists consents.
type table struct {
	Tabs, Parts []choiceOf
	Filters     []filter
	Hidden      []row // what the filter keeps of the address
	Filtered    bool
	Clear       string // the address without the filter
	Cards       []permit
	Found       string
	Empty       string // what to do where there is nothing
	Back, Next  string // addresses of the pages beside this one
	Where       string // which page it is; empty for the only one
	Files       []choiceOf
}

// choiceOf is a link to one of several lists.
type choiceOf struct {
	Href, Text, Count string
	Current           bool
}

// filter is a field to choose by.
type filter struct {
	Name, Label string
	Options     []option
}

type option struct {
	Value, Text string
	Chosen      bool
}

// board is the list of consents.
func (d *Dashboard) board(l *look) error {
	w := wishOf(l.c.Request().URL.Query())
	b, err := d.Consents.Board(l.ctx(), l.viewer(), w)
	if err != nil {
		return d.trouble(l, err)
	}
	return d.boardPage(l, w, b)
}

func (d *Dashboard) boardPage(l *look, w overview.Wish, b *overview.Board) error {
	sh, err := d.sheetOf(l, kindConsents, addressOf(w))
	if err != nil {
		return err
	}
	t := d.teller(sh.speech, "")
	sh.Heading, sh.Body = t.say("board.title"), t.table(w, b)
	if t.err != nil {
		return t.err
	}
	return d.write(l.c, http.StatusOK, sh)
}

func (d *Dashboard) teller(sp *speech, tpp string) *teller {
	return &teller{speech: sp, brand: d.brand, tpp: tpp, zone: d.Zone}
}

// wishOf reads the address. What it does not understand is left out: it shows more, not less.
func wishOf(q url.Values) overview.Wish {
	w := overview.Wish{
		Tab: overview.Current, Pays: q.Get(queryPart) == payments, TPP: q.Get(queryTPP), Page: 1,
	}
	if q.Get(queryTab) == string(overview.History) {
		w.Tab = overview.History
	}
	if _, ok := typeWords[overview.Type(q.Get(queryType))]; ok {
		w.Type = overview.Type(q.Get(queryType))
	}
	if _, ok := statusWords[consent.Status(q.Get(queryState))]; ok {
		w.Status = consent.Status(q.Get(queryState))
	}
	if n, err := strconv.Atoi(q.Get(queryPage)); err == nil && n > 1 {
		w.Page = n
	}
	return w
}

// addressOf is the query of a list.
func addressOf(w overview.Wish) url.Values {
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			q.Set(name, value)
		}
	}
	set(queryTab, string(w.Tab), string(overview.Current))
	if w.Pays {
		q.Set(queryPart, payments)
	}
	set(queryTPP, w.TPP, "")
	set(queryType, string(w.Type), "")
	set(queryState, string(w.Status), "")
	set(queryPage, strconv.Itoa(max(w.Page, 1)), "1")
	return q
}

func hrefOf(w overview.Wish) string {
	if q := addressOf(w).Encode(); q != "" {
		return boardPath + "?" + q
	}
	return boardPath
}

func (t *teller) table(w overview.Wish, b *overview.Board) table {
	tab := table{Files: []choiceOf{{Href: boardPath + ".json", Text: "JSON"}, {Href: boardPath + ".csv", Text: "CSV"}}, Filtered: w.TPP != "" || w.Type != "" || w.Status != ""}
	tab.Clear = hrefOf(overview.Wish{Tab: w.Tab, Pays: w.Pays})
	for _, c := range []struct {
		tab   overview.Tab
		id    string
		count int
	}{{overview.Current, "board.current", b.Current}, {overview.History, "board.history", b.History}} {
		tab.Tabs = append(tab.Tabs, choiceOf{hrefOf(overview.Wish{Tab: c.tab, Pays: w.Pays}), t.say(c.id), t.count(c.count), w.Tab == c.tab})
	}
	for _, c := range []struct {
		pays  bool
		id    string
		count int
	}{{false, "board.shares", b.Shares}, {true, "board.pays", b.Pays}} {
		tab.Parts = append(tab.Parts, choiceOf{hrefOf(overview.Wish{Tab: w.Tab, Pays: c.pays}), t.say(c.id), t.count(c.count), w.Pays == c.pays})
	}
	for _, name := range []string{queryTab, queryPart} {
		if value := addressOf(w).Get(name); value != "" {
			tab.Hidden = append(tab.Hidden, row{Label: name, Value: value})
		}
	}
	if tab.Filtered || b.Total > 0 {
		tab.Filters, tab.Found = t.filters(w, b), t.say("board.found", "Count", b.Total)
	}
	for i := range b.Cards {
		tab.Cards = append(tab.Cards, t.permit(&b.Cards[i]))
	}
	if len(b.Cards) == 0 {
		tab.Empty = t.say(emptyWords(w, tab.Filtered))
	}
	t.turn(&tab, w, b)
	return tab
}

func (t *teller) count(n int) string { return t.numbers.Sprintf("%d", n) }

// turn leads to the pages beside this one.
func (t *teller) turn(tab *table, w overview.Wish, b *overview.Board) {
	if b.Pages <= 1 {
		return
	}
	tab.Where = t.say("board.page", "At", b.Page, "Of", b.Pages)
	if b.Page > 1 {
		w.Page = b.Page - 1
		tab.Back = hrefOf(w)
	}
	if b.Page < b.Pages {
		w.Page = b.Page + 1
		tab.Next = hrefOf(w)
	}
}

func emptyWords(w overview.Wish, filtered bool) string {
	switch {
	case filtered:
		return "board.emptyFilter"
	case w.Tab == overview.History:
		return "board.emptyHistory"
	case w.Pays:
		return "board.emptyPays"
	default:
		return "board.emptyShares"
	}
}

// filters are made of what is there to choose. What was chosen stays to be seen, even
// where nothing is left of it.
func (t *teller) filters(w overview.Wish, b *overview.Board) []filter {
	tpp := filter{Name: queryTPP, Label: t.say("filter.tpp"), Options: []option{{Text: t.say("filter.allTPPs")}}}
	for _, p := range b.TPPs {
		tpp.Options = append(tpp.Options, option{p.ID, straight(first(p.Name, p.ID)), p.ID == w.TPP})
	}
	kind := filter{Name: queryType, Label: t.say("filter.type"), Options: []option{{Text: t.say("filter.allTypes")}}}
	for _, ty := range withChosen(b.Types, w.Type) {
		kind.Options = append(kind.Options, option{string(ty), t.say(typeWords[ty]), ty == w.Type})
	}
	state := filter{Name: queryState, Label: t.say("filter.state"), Options: []option{{Text: t.say("filter.allStates")}}}
	for _, s := range withChosen(b.Statuses, w.Status) {
		state.Options = append(state.Options, option{string(s), t.status(s).Text, s == w.Status})
	}
	return []filter{tpp, kind, state}
}

func withChosen[T comparable](all []T, chosen T) []T {
	var none T
	if chosen == none || slices.Contains(all, chosen) {
		return all
	}
	return append(slices.Clone(all), chosen)
}
