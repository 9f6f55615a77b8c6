package demotpp

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/pages"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// reading is what the visitor has read with a consent.
type reading struct {
	// Absent tells that the PSU is not there: what is read then is counted.
	Absent   bool
	Accounts []owned    // those that lists have named
	Sheet    *sheet     // the last answer; nil where it was an error
	form     url.Values // as it was sent
	last     int        // number of the exchange
	pages    neighbours
}

// Said tells whether a box was ticked.
func (r reading) Said(field string) bool { return r.form.Get(field) == yes }

// To is the last one.
func (r reading) To(account string) string { return r.form.Get("to." + account) }

// Booking is the bookingStatus that was asked for.
func (r reading) Booking(account string) string { return r.form.Get("booking." + account) }

// owned is an account that can be read.
type owned struct {
	ID, Name, IBAN, MaskedPAN, Currency string
	Card                                bool
}

// Shown is its identification for people.
func (o owned) Shown() string {
	if o.IBAN == "" {
		return o.MaskedPAN
	}
	return pages.Grouped(o.IBAN)
}

// The roots of what is read.
const (
	rootAccounts      = "accounts"
	rootCards         = "card-accounts"
	rootBeneficiaries = "trusted-beneficiaries"
)

// Root is under what its data lie: there are two kinds of account.
func (o owned) Root() string {
	if o.Card {
		return rootCards
	}
	return rootAccounts
}

// sheet is an answer as a table.
type sheet struct {
	Title string
	Head  []string // of the cells
	Rows  []row
	Pages []string // relations of paging, such as next
}

// More tells whether there is more to read of a row.
func (s sheet) More() bool {
	return slices.ContainsFunc(s.Rows, func(r row) bool { return r.Read != "" })
}

// Sums tells whether a row has an amount.
func (s sheet) Sums() bool {
	return slices.ContainsFunc(s.Rows, func(r row) bool { return r.Sum != "" })
}

// prune takes the columns away of which no row has anything, but for the first.
func (s *sheet) prune() {
	for i := len(s.Head) - 1; i > 0; i-- {
		if slices.ContainsFunc(s.Rows, func(r row) bool { return r.Cells[i] != "" }) {
			continue
		}
		s.Head = slices.Delete(slices.Clone(s.Head), i, i+1)
		for n := range s.Rows {
			s.Rows[n].Cells = slices.Delete(s.Rows[n].Cells, i, i+1)
		}
	}
}

type row struct {
	Cells []string
	Sum   string
	Read  string // the button that reads more of it; empty for none
}

// neighbours are where the pages around the last answer lie, and of which account
// they are.
type neighbours struct {
	root, account string
	links         xs2a.Links
}

// paging are the relations that lead to other pages, in the order of the buttons.
var paging = []string{xs2a.LinkFirst, xs2a.LinkPrevious, xs2a.LinkNext, xs2a.LinkLast}

func (n neighbours) names() []string {
	var names []string
	for _, name := range paging {
		if _, there := n.links[name]; there {
			names = append(names, name)
		}
	}
	return names
}

// dataPage shows what a consent gives access to.
type dataPage struct {
	place
	Deal    deal
	Reading reading
	Last    *exchange
	since   string // the first day that is proposed
}

// From is the first day that was asked for, of an account, or that is proposed.
func (p dataPage) From(account string) string {
	if field := "from." + account; p.Reading.form.Has(field) {
		return p.Reading.form.Get(field)
	}
	return p.since
}

func (a *App) data(c echo.Context) error {
	v := a.visitor(c)
	d, known := v.deal(c.Param("n"))
	if !known || d.Funds() {
		return a.lost(c)
	}
	return a.render(c, http.StatusOK, "data", dataPage{
		place: a.place(c), Deal: d, Reading: d.read, Last: v.exchange(d.read.last), since: a.Now().AddDate(0, 0, -days).Format(time.DateOnly),
	})
}

// readData asks the bank what a button says, and shows the page again.
func (a *App) readData(c echo.Context) error {
	v := a.visitor(c)
	d, known := v.deal(c.Param("n"))
	if !known {
		return a.lost(c)
	}
	form, err := readForm(c)
	if err != nil {
		return a.problem(c, http.StatusBadRequest, "The form could not be read.")
	}
	w := wantedOf(form, d)
	read, offered := reads[w.what][w.root]
	if !offered {
		return a.problem(c, http.StatusBadRequest, "The demo TPP has no such call.")
	}
	l, err := a.ring(c.Request(), v)
	if err != nil {
		return a.fail(c, err)
	}
	got, err := read(c.Request().Context(), l, w)
	number := l.told(w.title(), got.means, err)
	status := after(c.Request().Context(), l, d, err)
	v.change(d.Number, func(d *deal) {
		d.Status = cmp.Or(status, d.Status)
		d.read.last, d.read.Absent, d.read.form, d.read.Sheet = number, w.address == "", form, nil
		if err == nil {
			got.sheet.Title, got.sheet.Pages = w.title(), got.pages.names()
			got.sheet.prune()
			d.read.Sheet, d.read.pages = &got.sheet, got.pages
			d.read.know(got.accounts)
		}
	})
	return c.Redirect(http.StatusSeeOther, d.Page()+"/data")
}

// after asks for the status of a consent once a read has said that it is over, or
// may have used it up; empty where nothing says that it has changed, and where the
// bank does not tell.
func after(ctx context.Context, l *line, d deal, err error) xs2a.ConsentStatus {
	refused, _ := errors.AsType[*client.Error](err)
	over := refused != nil && (refused.Has(xs2a.ConsentExpired) || refused.Has(xs2a.ConsentInvalid))
	if !over && (err != nil || d.Recurring) {
		return ""
	}
	l.polls = true
	got, err := l.status(ctx, d)
	if err != nil {
		l.told("Status of the consent", "", err)
		return ""
	}
	l.told("Status of the consent", standing[got.ConsentStatus], nil)
	return got.ConsentStatus
}

// know adds accounts to those that can be read; one that is known is renewed.
func (r *reading) know(list []owned) {
	all := slices.Clone(r.Accounts)
	for _, one := range list {
		at := slices.IndexFunc(all, func(o owned) bool { return o.ID == one.ID })
		if at < 0 {
			all = append(all, one)
			continue
		}
		all[at] = one
	}
	r.Accounts = all
}

// wanted is what a button says: what to read, under which root, of which account
// or, of pages, by which relation.
type wanted struct {
	what, root, account string
	transaction         string
	relation            string
	consent, address    string // address is empty where the PSU is not there
	form                url.Values
	around              neighbours
}

func wantedOf(form url.Values, d deal) wanted {
	w := wanted{consent: d.ID, form: form, around: d.read.pages}
	words := append(strings.Fields(form.Get("read")), "", "", "", "")
	w.what, w.root, w.account, w.transaction = words[0], words[1], words[2], words[3]
	if w.what == "page" {
		w.relation, w.root = words[1], d.read.pages.root
	}
	if form.Get("present") == yes {
		w.address = d.Address
		if w.address == "" {
			w.address = address
		}
	}
	return w
}

// title says what is read.
func (w wanted) title() string {
	of := ""
	if w.account != "" {
		of = " of " + w.account
	}
	card := w.root == rootCards
	switch {
	case w.what == "page":
		return "Transactions of " + w.around.account + ", the " + w.relation + " page"
	case w.what == "list" && card:
		return "List of card accounts"
	case w.what == "list" && w.root == rootBeneficiaries:
		return "Trusted beneficiaries"
	case w.what == "list":
		return "List of accounts"
	default:
		return strings.ToUpper(w.what[:1]) + w.what[1:] + of
	}
}
