package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/api/manager"
	"consentd/internal/consent"
	"consentd/internal/parties"
	"consentd/internal/sandbox"
	"consentd/internal/sandbox/idp"
	"consentd/internal/staff"
	"consentd/internal/web"
	officepages "consentd/internal/web/office"
)

// bankSide is what a hub, the bank's own systems, its customers and its staff call,
// besides the pages of SCA and /aspsp. Nil is not served.
type bankSide struct {
	manager   *manager.Handler
	dashboard *web.Dashboard
	office    *officepages.Pages
	// provider is where a sandbox's staff log in; nil elsewhere.
	provider http.Handler
	// stories are the pages of customers in all their states; nil but in a sandbox.
	stories *web.StoryBook
}

// dialects are those in which the bank's own systems are answered.
func (b bankSide) dialects() []dialect {
	if b.manager == nil {
		return nil
	}
	return []dialect{b.manager}
}

// mountBank registers what the bank's own systems and its staff call.
func (b bankSide) mountBank(e *echo.Echo) {
	if b.manager != nil {
		b.manager.Mount(e)
	}
	if b.office != nil {
		b.office.Mount(e)
	}
	if b.stories != nil {
		b.stories.Mount(e.Group("/sandbox/pages"))
	}
	if b.provider != nil {
		e.Any(idp.Path+"/*", echo.WrapHandler(b.provider))
	}
}

// mountPSU registers the pages of customers.
func (b bankSide) mountPSU(e *echo.Echo) {
	if b.dashboard != nil {
		b.dashboard.Mount(e)
	}
}

// sandboxBankSide is that of a sandbox: TPPs are told apart as they are elsewhere, and
// dashboards say for which persona they act.
func (p parts) sandboxBankSide(c core, out outward, s sandboxed, opener *parties.Opener) (bankSide, error) {
	people, provider, err := p.sandboxStaff(s)
	if err != nil {
		return bankSide{}, err
	}
	return bankSide{
		provider: provider, stories: &web.StoryBook{Brand: sandboxBrand, Log: p.log, Keys: p.keys},
		office: p.officePages(c, people, sandboxBrand, nil),
		manager: p.manager(c, managed{
			callers: sandboxBank(), users: namedUser{"X-Sandbox-User", "X-User-Id"},
			caller: func(r *http.Request) (manager.TPP, error) {
				who, err := out.xs2a.Callers.Identify(r)
				return manager.TPP{ID: who.ID, Name: who.Name}, err
			},
		}),
		dashboard: p.dashboard(c, out.pages, s.cfg.Dashboard, opener),
	}, nil
}

// sandboxStaff logs in whoever a visitor chooses to be, at a provider of the sandbox's own.
func (p parts) sandboxStaff(s sandboxed) (*staff.Staff, *idp.Provider, error) {
	provider, err := idp.New(s.o.PublicURL, p.now, p.log)
	if err != nil {
		return nil, nil, err
	}
	groups := map[staff.Role][]string{staff.Care: {"care"}, staff.Supervisor: {"supervisors"}, staff.Auditor: {"auditors"}}
	people, err := staff.New(staff.Config{
		ClientID: idp.ClientID, ClientSecret: idp.ClientSecret, Groups: groups, Keys: p.keys, Now: p.now, HTTP: provider.Client(),
		Here: provider.Here,
	})
	return people, provider, err
}

// sealing tells a sandbox for whom TPPs seal who pays whom.
func (bankSide) sealing(sb *sandbox.Sandbox, opener *parties.Opener) error {
	set, err := opener.Public()
	if err != nil {
		return err
	}
	var keys struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(set, &keys); err != nil {
		return fmt.Errorf("public keys of payments: %w", err)
	}
	public := keys.Keys[0]
	sb.PaymentKey = public
	sb.Seal = func(text []byte) (string, error) { return parties.Seal(public, text) }
	return nil
}

// namedUser believes a dashboard for whom it acts: the first of these headers says so.
type namedUser []string

// User implements manager.Users.
func (names namedUser) User(r *http.Request) (string, error) {
	user := ""
	for _, name := range names {
		user = cmp.Or(user, r.Header.Get(name))
	}
	if user == "" {
		return "", consent.At(consent.CodeUnauthenticated, "Header."+names[0], "is required: it says for which user the dashboard acts")
	}
	return user, nil
}
