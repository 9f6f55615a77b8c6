package office

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
)

const (
	pageSize = 25
	maxPage  = 100_000
)

// The fields of a search, as they stand in the address.
const (
	fieldCustomer = "customer"
	fieldAccount  = "account"
	fieldTPP      = "tpp"
	fieldStatus   = "status"
	fieldFrom     = "from"
	fieldTo       = "to"
	fieldPage     = "page"
)

// results are the body of the search page.
type results struct {
	Customer, Account, TPP, Status, From, To string

	Statuses []option
	Searched bool
	One      string // whose consents they are, where the page is one customer's
	Here     string // the path of that page
	Rows     []row
	Total    string
	First    int // the number of the first row
	Last     int
	Former   string // addresses of the pages before and after; empty: none
	Next     string
}

type option struct {
	Value, Text string
	Chosen      bool
}

// row is a consent in a table.
type row struct {
	Href, ID, TPP, Kind, Rail string
	Status, Word              string
	Made, Until               moment
	People                    []link
}

// searched are the fields that make a search.
var searched = []string{fieldCustomer, fieldAccount, fieldTPP, fieldStatus, fieldFrom, fieldTo}

// search is the first page: the form, and what was found where it was sent.
func (p *Pages) search(v *visit) error {
	given := v.c.QueryParams()
	body := formOf(given)
	if !slices.ContainsFunc(searched, given.Has) {
		return p.write(v, http.StatusOK, &sheet{Kind: "search", Title: "Find consents", Body: body})
	}
	q, err := p.query(given)
	if err == nil {
		err = p.find(v, body, q)
	}
	if err != nil {
		return p.unfound(v, body, err)
	}
	return p.write(v, http.StatusOK, &sheet{Kind: "search", Title: "Find consents", Body: body})
}

// sought takes the form of a search, and has the browser fetch what it finds by an
// address. Addresses stay in histories and logs, so that it names the customer by our
// id and not by the bank's, which may be a name, and holds nothing that is not well
// formed.
func (p *Pages) sought(v *visit) error {
	body, address := formOf(v.form), url.Values{}
	for _, name := range searched {
		if text := strings.TrimSpace(v.form.Get(name)); text != "" {
			address.Set(name, text)
		}
	}
	who := address.Get(fieldCustomer)
	address.Del(fieldCustomer)
	q, err := p.query(address)
	if err == nil {
		err = q.Check()
	}
	if err == nil && who != "" {
		q.User, err = p.Office.User(v.ctx(), v.cause(), who)
		address.Set(fieldCustomer, q.User.String())
	}
	if err != nil {
		return p.unfound(v, body, err)
	}
	if len(address) == 0 {
		address.Set(fieldStatus, "") // of any: all there are
	}
	return see(v.c, Base+"?"+address.Encode()+"#results")
}

// unfound is the form again, with what is wrong with it.
func (p *Pages) unfound(v *visit, body *results, err error) error {
	t := troubleOf(err)
	if t.status != http.StatusBadRequest && t.status != http.StatusNotFound {
		return err
	}
	return p.write(v, t.status, &sheet{Kind: "search", Title: "Find consents", Alert: t.Text, Body: body})
}

// customer is the page of all that one customer sees.
func (p *Pages) customer(v *visit) error {
	user, err := uuid.Parse(v.c.Param("user"))
	if err != nil {
		return consent.E(consent.CodeNotFound, "there is no such user")
	}
	given := v.c.QueryParams()
	q, err := p.query(url.Values{fieldStatus: given[fieldStatus], fieldPage: given[fieldPage]})
	if err != nil {
		return err
	}
	q.User = user
	body := formOf(url.Values{fieldStatus: given[fieldStatus]})
	if err := p.find(v, body, q); err != nil {
		return err
	}
	body.One, body.Here = body.Customer, v.c.Request().URL.Path
	return p.write(v, http.StatusOK, &sheet{Kind: "search", Title: "Consents of " + body.One, Body: body})
}

func formOf(given url.Values) *results {
	r := &results{
		Customer: given.Get(fieldCustomer), Account: given.Get(fieldAccount), TPP: given.Get(fieldTPP), Status: given.Get(fieldStatus),
		From: given.Get(fieldFrom), To: given.Get(fieldTo), Statuses: []option{{Text: "Any"}},
	}
	for _, s := range statuses {
		r.Statuses = append(r.Statuses, option{string(s), word(statusWords, s), r.Status == string(s)})
	}
	return r
}

// query reads a search that stands in an address. Fails with CodeFormat.
func (p *Pages) query(given url.Values) (service.Query, error) {
	trimmed := func(name string) string { return strings.TrimSpace(given.Get(name)) }
	q := service.Query{Account: trimmed(fieldAccount), TPP: trimmed(fieldTPP), Size: pageSize, Page: 1}
	if who := trimmed(fieldCustomer); who != "" {
		id, err := uuid.Parse(who)
		if err != nil {
			return q, consent.E(consent.CodeFormat, "an address names a customer by the userId only; write the bank's id into the form")
		}
		q.User = id
	}
	if s := consent.Status(given.Get(fieldStatus)); s != "" {
		if !slices.Contains(statuses, s) {
			return q, consent.E(consent.CodeFormat, "there is no such status")
		}
		q.Statuses = []consent.Status{s}
	}
	if n, err := strconv.Atoi(given.Get(fieldPage)); err == nil {
		q.Page = min(max(n, 1), maxPage)
	}
	var err error
	if q.From, err = p.day(trimmed(fieldFrom), -1); err != nil {
		return q, err
	}
	q.To, err = p.day(trimmed(fieldTo), 0)
	return q, err
}

// day is the end of the day that lies some days after the one that is written, in the
// bank's zone; zero for none.
func (p *Pages) day(text string, after int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := consent.ParseDate(text)
	if err != nil || d.Year < 2000 || d.Year > 2999 {
		return time.Time{}, consent.E(consent.CodeFormat, "a day is written as 2026-01-31")
	}
	return d.AddDays(after).End(p.Zone), nil
}

// find fills in what a search has found.
func (p *Pages) find(v *visit, body *results, q service.Query) error {
	found, err := p.Office.Search(v.ctx(), v.cause(), q)
	if err != nil {
		return err
	}
	body.Searched, body.Total = true, consents(found.Total)
	for i := range found.Consents {
		body.Rows = append(body.Rows, p.row(&found.Consents[i]))
	}
	body.Customer = found.PSU
	body.First = (q.Page-1)*pageSize + 1
	body.Last = body.First + len(body.Rows) - 1
	if q.Page > 1 {
		body.Former = turned(v, q.Page-1)
	}
	if body.Last < found.Total && len(body.Rows) > 0 {
		body.Next = turned(v, q.Page+1)
	}
	return nil
}

// turned is the address of another page of the same search.
func turned(v *visit, page int) string {
	given := v.c.QueryParams()
	fields := url.Values{}
	for _, name := range searched {
		if given.Get(name) != "" {
			fields.Set(name, given.Get(name))
		}
	}
	// One customer's page has no field of its own, and a search without any is none.
	if len(fields) == 0 {
		fields.Set(fieldStatus, "")
	}
	fields.Set(fieldPage, strconv.Itoa(page))
	return v.c.Request().URL.Path + "?" + fields.Encode()
}

func (p *Pages) row(s *service.Seen) row {
	return row{
		Href: Base + "/consents/" + s.ID.String(), ID: short(s.ID), TPP: tppOf(s.Consent), Kind: word(kindWords, s.Kind), Rail: word(railWords, s.Rail),
		Status: string(s.Status), Word: word(statusWords, s.Status), Made: p.minute(s.CreatedAt), Until: p.minute(s.EndsAt), People: people(s),
	}
}

// tppOf is the name of a TPP, or its id where it has none.
func tppOf(c *consent.Consent) string {
	if name := strings.TrimSpace(c.TPPName); name != "" {
		return name
	}
	return c.TPP
}

// people are the PSUs of a consent, each with the page of all that they see.
func people(s *service.Seen) []link {
	ids := []uuid.UUID{s.GivenBy}
	for _, a := range s.Authorisations {
		ids = append(ids, a.PSU)
	}
	var list []link
	for i, id := range ids {
		if id == uuid.Nil || slices.Contains(ids[:i], id) {
			continue
		}
		name := s.BankIDs[id]
		if name == "" {
			name = "erased"
		}
		list = append(list, link{Href: Base + "/customers/" + id.String(), Text: name})
	}
	return list
}
