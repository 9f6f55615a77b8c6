package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"consentd/internal/api/manager"
	"consentd/internal/bankauth"
	"consentd/internal/config"
	"consentd/internal/parties"
	"consentd/internal/secret"
	"consentd/internal/service/overview"
	"consentd/internal/staff"
	"consentd/internal/usertoken"
	"consentd/internal/web"
	officepages "consentd/internal/web/office"
)

// managed is what a Consent Manager is told besides the use cases.
type managed struct {
	callers bankauth.Authenticator
	// caller says which TPP a consent is staged for where the call does not; nil where
	// nobody can.
	caller func(*http.Request) (manager.TPP, error)
	users  manager.Users
}

// manager is what a hub, dashboards and the back office call.
func (p parts) manager(c core, m managed) *manager.Handler {
	return &manager.Handler{
		Staging: c.staging, Payments: c.payments,
		Office: c.office, Gate: &bankauth.Gate{Callers: m.callers, Ledger: c.ledger, Log: p.log},
		Caller: m.caller, Users: m.users, Keys: p.keys, Zone: p.policy.Zone, Now: p.now, Log: p.log,
	}
}

// dashboard are the pages on which customers see and end their consents, beside those
// on which they log in. opener reads who pays whom; nil where there is no key.
func (p parts) dashboard(c core, pages *web.SCA, cfg config.Dashboard, opener *parties.Opener) *web.Dashboard {
	o := &overview.Overview{Store: p.db, Accounts: p.bank, Signers: p.bank, Zone: p.policy.Zone, Now: p.now}
	if opener != nil {
		o.Opener = reader{opener}
	}
	return &web.Dashboard{
		Consents: o, Sessions: c.sessions, Keys: p.keys, Log: p.log, Brand: pages.Brand, Origin: pages.Origin, Secure: pages.Secure,
		Confirm: cfg.ConfirmStops, Zone: p.policy.Zone, Now: p.now,
	}
}

// bankSide is what a configuration serves of it: what is switched off is nil.
func (p parts) bankSide(c core, out outward, callers bankauth.Authenticator, cfg *config.Config) (bankSide, error) {
	var own bankSide
	if cfg.Manager.Enabled {
		users, err := usersOf(c, cfg.Manager, p.now)
		if err != nil {
			return own, err
		}
		own.manager = p.manager(c, managed{callers: callers, users: users})
	}
	if cfg.Dashboard.Enabled {
		opener, err := paymentKeys(cfg.Manager.PaymentKeys.Reveal())
		if err != nil {
			return own, err
		}
		own.dashboard = p.dashboard(c, out.pages, cfg.Dashboard, opener)
	}
	people, err := staffOf(cfg, p.keys, p.now)
	if err != nil {
		return own, err
	}
	if people != nil {
		own.office = p.officePages(c, people, cfg.Brand, securely(cfg))
	}
	return own, nil
}

// staffOf is how the bank's staff log in; nil where they cannot.
func staffOf(cfg *config.Config, keys *secret.Keys, now func() time.Time) (*staff.Staff, error) {
	s := cfg.BackOffice.Staff
	if s.Issuer == "" {
		return nil, nil //nolint:nilnil // a bank without pages for its staff
	}
	people, err := staff.New(staff.Config{
		Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), RedirectURL: cfg.URLs.Bank + officepages.Base + "/callback",
		Scopes: []string{"profile", "groups"}, GroupsClaim: s.GroupsClaim,
		Groups: map[staff.Role][]string{staff.Care: s.Care, staff.Supervisor: s.Supervisor, staff.Auditor: s.Auditor},
		Keys:   keys, Now: now, Secure: securely(cfg),
	})
	if err != nil {
		return nil, fmt.Errorf("backOffice.staff, at urls.bank %s: %w", cfg.URLs.Bank, err)
	}
	return people, nil
}

// securely tells whether browsers of the bank's staff come over https.
func securely(cfg *config.Config) func(*http.Request) bool {
	return func(*http.Request) bool { return isHTTPS(cfg.URLs.Bank) }
}

// usersOf says for whom a dashboard acts.
func usersOf(c core, cfg config.Manager, now func() time.Time) (*usertoken.Users, error) {
	o := usertoken.Options{Trust: cfg.TrustDashboard}
	if keys := cfg.UserTokens.Reveal(); keys != "" {
		o.JWKS = []byte(keys)
	}
	users, err := usertoken.New(o, c.staging, now)
	if err != nil {
		return nil, fmt.Errorf("manager.userTokensFile: %w", err)
	}
	return users, nil
}

// officePages are the pages of the bank's staff.
func (p parts) officePages(c core, people *staff.Staff, brand string, secure func(*http.Request) bool) *officepages.Pages {
	return &officepages.Pages{Office: c.office, Staff: people, FourEyes: p.fourEyes, Brand: brand, Zone: p.policy.Zone, Log: p.log, Secure: secure}
}

// reader reads who pays whom, in the words of the overview.
type reader struct{ opener *parties.Opener }

// Open implements overview.Opener.
func (r reader) Open(jwe string) (overview.Parties, error) {
	found, err := r.opener.Open(jwe)
	return overview.Parties(found), err
}

// paymentKeys opens what TPPs seal for a bank; nil where there is none.
func paymentKeys(set string) (*parties.Opener, error) {
	if set == "" {
		return nil, nil //nolint:nilnil // a bank without payments has no key
	}
	opener, err := parties.Parse([]byte(set))
	if err != nil {
		return nil, fmt.Errorf("manager.paymentKeys: %w", err)
	}
	return opener, nil
}

// sandboxPaymentKeys are those of a sandbox, which are made at its first start.
func sandboxPaymentKeys(dir string) (*parties.Opener, error) {
	path := filepath.Join(dir, "payment-keys.json")
	set, err := os.ReadFile(path) //nolint:gosec // the sandbox's own folder
	if os.IsNotExist(err) {
		if set, _, err = parties.Generate(); err != nil {
			return nil, err
		}
		err = os.WriteFile(path, set, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("keys of payments: %w", err)
	}
	return parties.Parse(set)
}
