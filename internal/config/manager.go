package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Manager holds the switches of the Consent Manager API.
type Manager struct {
	// Enabled serves it to the bank's own systems.
	Enabled bool `yaml:"enabled"`
	// UserTokensFile has the public keys (JWKS) of the tokens by which a caller of the
	// role dashboard says for which user it acts (X-User-Token).
	UserTokensFile string `yaml:"userTokensFile"`
	// UserTokens is what it has.
	UserTokens Secret `yaml:"-" validate:"-"`
	// TrustDashboard believes such a caller which user it acts for (X-User-Id).
	TrustDashboard bool `yaml:"trustDashboard"`
	// PaymentKeysFile has the bank's private keys (JWKS), which open who pays whom.
	PaymentKeysFile string `yaml:"paymentKeysFile"`
	PaymentKeysEnv  string `yaml:"paymentKeysEnv"`
	// PaymentKeys is what the one of them has.
	PaymentKeys Secret `yaml:"-" validate:"-"`
}

// Dashboard holds the switches of the pages on which customers see and end their
// consents.
type Dashboard struct {
	// Enabled serves them, beside those of authentication.
	Enabled bool `yaml:"enabled"`
	// ConfirmStops asks for a second factor before a consent is ended.
	ConfirmStops bool `yaml:"confirmStops"`
	// Idle ends a session in which nothing is done. The law allows five minutes at most
	// (RTS on strong customer authentication, art. 4(3)(d)). Lifetime ends any.
	Idle     time.Duration `yaml:"idle" validate:"min=1m,max=30m"`
	Lifetime time.Duration `yaml:"lifetime" validate:"min=5m,max=24h"`
}

// BackOffice holds the switches of the bank's staff.
type BackOffice struct {
	// FourEyes has another person confirm what one proposes.
	FourEyes bool `yaml:"fourEyes"`
	// Staff is how they log in to the pages, which are not served without.
	Staff Staff `yaml:"staff"`
}

// Staff is the OpenID provider of the bank's staff.
type Staff struct {
	Issuer           string `yaml:"issuer"` // empty: no pages for staff
	ClientID         string `yaml:"clientId"`
	ClientSecretFile string `yaml:"clientSecretFile"`
	ClientSecretEnv  string `yaml:"clientSecretEnv"`
	// ClientSecret is our password there.
	ClientSecret Secret `yaml:"-" validate:"-"`
	// GroupsClaim has the groups of a person; those of each role are listed by it.
	GroupsClaim string   `yaml:"groupsClaim" validate:"required"`
	Care        []string `yaml:"care" validate:"unique"`
	Supervisor  []string `yaml:"supervisor" validate:"unique"`
	Auditor     []string `yaml:"auditor" validate:"unique"`
}

func defaultDashboard() Dashboard {
	return Dashboard{Idle: 5 * time.Minute, Lifetime: time.Hour}
}

func defaultBackOffice() BackOffice { return BackOffice{Staff: Staff{GroupsClaim: "groups"}} }

// checkManager looks at what must fit together, and finds the secrets.
func (l *loader) checkManager() {
	c := l.config
	if m := &c.Manager; m.PaymentKeysFile != "" || m.PaymentKeysEnv != "" {
		m.PaymentKeys = l.resolve("manager", l.file("manager.paymentKeysFile", m.PaymentKeysFile), l.variable("manager.paymentKeysEnv", m.PaymentKeysEnv))
	}
	if m := &c.Manager; m.UserTokensFile != "" {
		m.UserTokens = l.resolve("manager", l.file("manager.userTokensFile", m.UserTokensFile))
	}
	if c.Dashboard.Idle > c.Dashboard.Lifetime {
		l.report("dashboard.idle", "must be at most lifetime")
	}
	if c.Dashboard.Enabled && !slices.Contains(c.SCA.Approaches, "redirect") {
		l.report("dashboard.enabled", "needs the approach redirect: customers log in by its flow")
	}
	if c.Dashboard.Enabled && c.SCA.Redirect == "handoff" {
		l.report("dashboard.enabled", "needs a flow on pages of ours: sca.redirect is handoff, so that the dashboard is the bank's own too")
	}
	if c.BackOffice.Staff.Issuer != "" {
		l.checkStaff()
	}
}

// checkFourEyes wants somebody who can confirm. A sandbox has staff of its own.
func (l *loader) checkFourEyes() {
	if b := l.config.BackOffice; b.FourEyes && (b.Staff.Issuer == "" || len(b.Staff.Supervisor) == 0) {
		l.report("backOffice.fourEyes", "needs backOffice.staff with a group of supervisors: nobody could confirm anything")
	}
}

func (l *loader) checkStaff() {
	s := &l.config.BackOffice.Staff
	l.checkURL("backOffice.staff.issuer", s.Issuer)
	if s.ClientID == "" {
		l.report("backOffice.staff.clientId", "is missing")
	}
	if len(s.Care)+len(s.Supervisor)+len(s.Auditor) == 0 {
		l.report("backOffice.staff", "names no group: nobody could log in")
	}
	for name, groups := range map[string][]string{"care": s.Care, "supervisor": s.Supervisor, "auditor": s.Auditor} {
		for i, group := range groups {
			if strings.TrimSpace(group) == "" {
				l.report("backOffice.staff."+name+"["+strconv.Itoa(i)+"]", "is empty")
			}
		}
	}
	s.ClientSecret = l.resolve("backOffice.staff", l.file("backOffice.staff.clientSecretFile", s.ClientSecretFile),
		l.variable("backOffice.staff.clientSecretEnv", s.ClientSecretEnv))
}
