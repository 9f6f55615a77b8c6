package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// recentConsents is how many consents the start page lists.
const recentConsents = 8

// startPage is what the start page shows.
type startPage struct {
	Base     string
	Secure   string // the same with TLS; empty for none, and behind a proxy
	Public   string // where the proxy in front is reached; empty for none
	Commands string // that get certificates, and call with them
	Password string
	Choice   choice
	Curl     string
	People   []person
	Strict   bool
	Return   string // where PSUs are sent back to, when that is not Base
}

// Usual are the people as banks have them.
func (p startPage) Usual() []person {
	return p.choose(func(one person) bool { return one.Steers() == "" })
}

// Steering are those who are there to make something happen.
func (p startPage) Steering() []person {
	return p.choose(func(one person) bool { return one.Steers() != "" })
}

func (p startPage) choose(fits func(person) bool) []person {
	return slices.DeleteFunc(slices.Clone(p.People), func(one person) bool { return !fits(one) })
}

func (s *Sandbox) start(c echo.Context) error {
	ctx, r := c.Request().Context(), c.Request()
	page := startPage{Base: s.base(r), Public: s.Public, Password: Password, Choice: choose(c.QueryParam), Strict: s.Strict}
	if s.Public == "" { // which certificates a proxy passes on, it must know
		page.Secure = s.secure(r)
	}
	if back := returnBase(page.Base); back != page.Base {
		page.Return = back
	}
	var err error
	if page.Curl, err = s.curl(ctx, page.Base, page.Choice); err != nil {
		return s.problem(c, err)
	}
	if page.Commands, err = s.commands(ctx, page); err != nil {
		return s.problem(c, err)
	}
	if page.People, err = s.people(ctx); err != nil {
		return s.problem(c, err)
	}
	return s.render(c, http.StatusOK, "start", page)
}

// recentPage is the list of the last consents, a page of its own in a frame: it
// can load itself again while the start page stays as the visitor left it.
type recentPage struct {
	Consents []recentConsent
}

type recentConsent struct {
	ID     string
	TPP    string
	Status consent.Status
	About  string
	At     time.Time
	// Readable says that the TPP can read it, which the page shows.
	Readable bool
}

func (s *Sandbox) recent(c echo.Context) error {
	list, err := s.Recent.Recent(c.Request().Context(), recentConsents)
	if err != nil {
		return s.problem(c, fmt.Errorf("recent consents: %w", err))
	}
	lines, pending := s.lines(list)
	// Something under way is looked at often; a new consent may come at any time.
	pages.Refresh(c, map[bool]int{true: 3, false: 10}[pending])
	return s.render(c, http.StatusOK, "recent", recentPage{Consents: lines})
}

// lines are consents as lists show them, and whether one of them is under way.
func (s *Sandbox) lines(list []*consent.Consent) (lines []recentConsent, pending bool) {
	now := s.Clock.Now()
	for _, x := range list {
		x.Settle(now)
		pending = pending || x.Status.Pending()
		lines = append(lines, recentConsent{
			ID: x.ID.String(), TPP: x.TPPName, Status: x.Status, About: about(x), At: x.CreatedAt, Readable: readable(x),
		})
	}
	return lines, pending
}

// about says in a few words what a consent is.
func about(c *consent.Consent) string {
	if c.Kind == consent.Connection {
		return "a connection, until " + c.ValidUntil.String()
	}
	accounts := map[consent.Scope]string{
		consent.ScopeDedicated:         "named accounts",
		consent.ScopeBankOffered:       "accounts of the PSU's choice",
		consent.ScopeAllPSD2:           "all accounts",
		consent.ScopeAvailable:         "the list of accounts",
		consent.ScopeAvailableBalances: "the list of accounts with balances",
	}[c.Access.Scope]
	if !c.Recurring {
		return accounts + ", once"
	}
	return accounts + ", until " + c.ValidUntil.String()
}

// demo does what the curl does, as the demo TPP, and sends the browser on to
// authorise.
func (s *Sandbox) demo(c echo.Context) error {
	picked := choose(c.FormValue)
	mark := uuid.NewString()
	created, err := s.create(c.Request(), picked, mark)
	if err != nil {
		return s.demoFailed(c, err)
	}
	link := created.Links[xs2a.LinkScaRedirect].Href
	target, err := url.Parse(link)
	if err != nil || link == "" {
		return s.problem(c, errors.New("the answer to the demo request has no link scaRedirect"))
	}
	// The consent's id is not known yet when the return address is given; the
	// browser keeps it until it comes back there.
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure where the page itself came over TLS; the sandbox speaks plain http too
		Name: cookieDemo, Value: mark + "." + created.ConsentID, Path: "/sandbox/return",
		MaxAge: int((24 * time.Hour).Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.IsTLS(),
	})
	return c.Redirect(http.StatusSeeOther, target.String())
}

func (s *Sandbox) create(r *http.Request, picked choice, mark string) (*xs2a.ConsentsResponse, error) {
	ctx, back := r.Context(), returnBase(s.base(r))
	body, err := s.body(ctx, picked)
	if err != nil {
		return nil, err
	}
	tpp, err := s.tpp(ctx, s.here(r), defaultTPP)
	if err != nil {
		return nil, err
	}
	created, _, err := tpp.CreateConsent(ctx, body, client.CreateOptions{
		PSUIPAddress:   "127.0.0.1",
		PSUID:          picked.Persona.ID,
		RedirectURI:    back + "/sandbox/return?demo=" + mark,
		NokRedirectURI: back + "/sandbox/return/nok?demo=" + mark,
	})
	if err != nil {
		return nil, fmt.Errorf("demo request: %w", err)
	}
	return created, nil
}

// demoFailed shows a refusal of the API in its own words: they are written for
// callers.
func (s *Sandbox) demoFailed(c echo.Context, err error) error {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || len(refused.Messages) == 0 {
		return s.problem(c, err)
	}
	m := refused.Messages[0]
	return s.render(c, http.StatusBadGateway, "problem", pages.Fault{
		Error: fmt.Sprintf("The API answered %d %s: %s", refused.Status, m.Code, m.Text), Path: m.Path,
	})
}
