package sandbox

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
)

// person is a persona with what they own, and what waits on their phone.
type person struct {
	persona
	Accounts []account
	Waiting  waiting
}

// Steers says what happens with a persona who is there to make it happen; empty
// for the others.
func (p person) Steers() string {
	return map[string]string{
		personaReject:  "Approve, and the bank refuses to send a code: the authorisation fails, the consent is rejected.",
		personaBlocked: "The log-in ends on a problem page (403): the authorisation fails, the consent stays received.",
		personaSlow:    "After the right code the bank takes 30 seconds of the sandbox's clock; turn it to go on at once.",
	}[p.ID]
}

// Shares reports whether the accounts are those of a company that the persona
// signs for.
func (p person) Shares() bool { return p.Customer != p.ID }

// Confirms lists the ways in which the persona confirms.
func (p person) Confirms() []string {
	var names []string
	for _, m := range p.methods() {
		names = append(names, m.Name)
	}
	return names
}

func (s *Sandbox) person(ctx context.Context, p persona) (person, error) {
	owned, err := s.Bank.holdings(ctx, p.Customer)
	if err != nil {
		return person{}, err
	}
	return person{persona: p, Accounts: owned}, nil
}

func (s *Sandbox) people(ctx context.Context) ([]person, error) {
	var list []person
	for _, p := range personas() {
		one, err := s.person(ctx, p)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// peoplePage is everybody there is. It has no form, and so may load itself again.
type peoplePage struct {
	Password string
	People   []person
}

func (s *Sandbox) peoplePage(c echo.Context) error {
	ctx := c.Request().Context()
	list, err := s.people(ctx)
	if err != nil {
		return s.problem(c, err)
	}
	for i := range list {
		if list[i].Waiting, err = s.pending(ctx, list[i].ID); err != nil {
			return s.problem(c, err)
		}
	}
	pages.Refresh(c, 5)
	return s.render(c, http.StatusOK, "people", peoplePage{Password: Password, People: list})
}

// personPage is one of them, with a form to open an account.
type personPage struct {
	person
	UserID   string
	Password string
	Opened   *account
	Tried    newAccount
	Path     string // of the field at fault; empty for none
	Fault    string
	Examples offer
}

// offer is what the page of a persona says of example consents.
type offer struct {
	Made  bool // there can be some
	Done  bool // they have just been asked for
	Added int
}

// offer tells whether a persona can have examples, and what came of asking for them.
func (s *Sandbox) offer(c echo.Context, p person) offer {
	added, err := strconv.Atoi(c.QueryParam("examples"))
	return offer{
		Made: s.Seal != nil && slices.ContainsFunc(p.Accounts, func(a account) bool { return a.IBAN != "" }),
		Done: err == nil && added >= 0, Added: added,
	}
}

// personPage fills in what the page shows of a persona besides its form.
func (s *Sandbox) personPage(c echo.Context, p persona, status int, page personPage) error {
	ctx := c.Request().Context()
	var err error
	if page.person, err = s.person(ctx, p); err != nil {
		return s.problem(c, err)
	}
	if page.Waiting, err = s.pending(ctx, p.ID); err != nil {
		return s.problem(c, err)
	}
	if page.UserID, err = s.Users.UserID(ctx, p.ID); err != nil {
		return s.problem(c, err)
	}
	page.Password, page.Examples = Password, s.offer(c, page.person)
	if opened := c.QueryParam("opened"); page.Fault == "" && opened != "" {
		for _, a := range page.Accounts {
			if a.ResourceID == opened {
				page.Opened = &a
			}
		}
	}
	return s.render(c, status, "person", page)
}

// blank is the form as it is first shown, with an id that is free.
func (s *Sandbox) blank(ctx context.Context) (newAccount, error) {
	all, err := s.Bank.all(ctx)
	if err != nil {
		return newAccount{}, err
	}
	taken := map[string]bool{}
	for _, a := range all {
		taken[a.ResourceID] = true
	}
	for n := firstOpened; ; n++ {
		if id := "r" + strconv.Itoa(n); !taken[id] {
			return newAccount{Currency: "EUR", Name: "Savings account", ResourceID: id, Balance: "0.00"}, nil
		}
	}
}

// firstOpened is where the numbers begin of accounts that are opened later.
const firstOpened = 61

// openByForm opens an account as a person filled in the form. What was not taken
// is shown again.
func (s *Sandbox) openByForm(c echo.Context, p persona) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, pages.MaxBody)
	if err := r.ParseForm(); err != nil {
		return s.problem(c, consent.E(consent.CodeFormat, "the form cannot be read").Because(err))
	}
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	// People copy numbers as they read them, in groups.
	compact := strings.NewReplacer(" ", "", "\u00a0", "")
	tried := newAccount{
		IBAN: strings.ToUpper(compact.Replace(field("iban"))), Currency: strings.ToUpper(field("currency")),
		Name: field("name"), ResourceID: field("resourceId"), Balance: field("balance"),
	}
	_, err := s.open(r.Context(), p, tried)
	if e, ok := errors.AsType[*consent.Error](err); ok && e.Path != "" {
		status, _ := s.judge(c, err)
		return s.personPage(c, p, status, personPage{Tried: tried, Path: e.Path, Fault: e.Text})
	}
	if err != nil {
		return s.problem(c, err)
	}
	return c.Redirect(http.StatusSeeOther, "/sandbox/psus/"+p.ID+"?opened="+tried.ResourceID)
}

// worded is an error about a member as people read it beside a field, which has
// a label of its own.
func worded(text, member, label string) string {
	if rest, ok := strings.CutPrefix(text, member+" "); ok {
		return label + " " + strings.TrimSuffix(rest, " as a string") + "."
	}
	return pages.Sentence(text)
}

// formField is a field of the form, for the template.
type formField struct {
	Name, Label, Value, Hint string
	Fault                    string // empty for none
	Wide                     bool
}

// Fields are those of the form, in their order.
func (page personPage) Fields() []formField {
	t := page.Tried
	fields := []formField{
		{Name: "iban", Label: "IBAN", Value: t.IBAN, Hint: "Any that no other account has; its check digits are not looked at", Wide: true},
		{Name: "name", Label: "Name", Value: t.Name, Wide: true},
		{Name: "currency", Label: "Currency", Value: t.Currency},
		{Name: "balance", Label: "Balance", Value: t.Balance},
		{Name: "resourceId", Label: "resourceId", Value: t.ResourceID},
	}
	for i := range fields {
		if fields[i].Name == page.Path {
			fields[i].Fault = worded(page.Fault, fields[i].Name, fields[i].Label)
		}
	}
	return fields
}
