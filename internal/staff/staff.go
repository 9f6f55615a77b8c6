package staff

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"consentd/internal/openid"
	"consentd/internal/secret"
	"consentd/pkg/sca"
)

// What a log-in may fail with, besides the end of its context.
var (
	// ErrProvider means that the provider is down, slow, or not as the standard wants it.
	ErrProvider = openid.ErrProvider
	// ErrRequest means that the provider refuses what consentd asks: a fault of the set-up.
	ErrRequest = errors.New("the identity provider refuses the request")
	// ErrReturn means that what the browser brought back does not belong to a log-in that
	// it has begun, or no longer.
	ErrReturn = errors.New("what came back from the identity provider is not for this browser")
	// ErrToken means that the ID token does not show what it has to.
	ErrToken = errors.New("the ID token is refused")
	// ErrDenied means that the person, or the provider, has said no.
	ErrDenied = errors.New("the log-in was refused")
	// ErrNoRole means that the person is in no group that has a role here.
	ErrNoRole = errors.New("the person has no role here")
	// ErrNobody means that nobody is logged in, or no longer.
	ErrNobody = errors.New("nobody is logged in")
)

// Role is what one of the staff may do.
type Role string

// The roles.
const (
	Care       Role = "care"       // looks, and moves single consents
	Supervisor Role = "supervisor" // besides all of a TPP or an account, and confirms
	Auditor    Role = "auditor"    // looks
)

// Roles lists every role.
func Roles() []Role { return []Role{Care, Supervisor, Auditor} }

// Person is one of the staff.
type Person struct {
	Subject string `json:"sub"`  // the provider's stable id of them
	Name    string `json:"name"` // for themselves to see; never kept
	Roles   []Role `json:"roles"`
}

// Has reports whether the person has one of some roles.
func (p Person) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// Moves reports whether the person may move a consent.
func (p Person) Moves() bool { return p.Has(Care, Supervisor) }

// Supervises reports whether the person may move many at once, and confirm what others
// propose.
func (p Person) Supervises() bool { return p.Has(Supervisor) }

// Who is the name by which the audit knows the person.
func (p Person) Who() string { return "staff/" + p.Subject }

// Config is what the log-in is told.
type Config struct {
	// Issuer is the provider's address, as its discovery document spells it.
	Issuer string
	// ClientID and ClientSecret are consentd's own at the provider.
	ClientID, ClientSecret string
	// RedirectURL is that of the page to which the provider sends the browser back.
	RedirectURL string
	// Scopes are asked for besides openid.
	Scopes []string
	// GroupsClaim is the claim of the ID token that lists a person's groups; empty: groups.
	GroupsClaim string
	// Groups are those that have each role.
	Groups map[Role][]string
	// Here overrides Issuer and RedirectURL by request, where the provider is a part of
	// the program itself; nil for any other.
	Here func(*http.Request) (issuer, redirectURL string)

	Keys *secret.Keys // seal the cookies, sign the tokens of forms
	Now  func() time.Time
	// HTTP calls the provider. Nil: one with a time-out of 10 s.
	HTTP *http.Client
	// Secure tells whether the browser came over https; nil: whether this connection is TLS.
	Secure func(*http.Request) bool
}

// Staff logs people in. Make it with New.
type Staff struct {
	cfg      Config
	client   *http.Client
	provider *openid.Lookup
}

// New makes a Staff. It reaches for nothing. Fails with what is missing or wrong in the
// configuration.
func New(cfg Config) (*Staff, error) {
	if cfg.GroupsClaim == "" {
		cfg.GroupsClaim = "groups"
	}
	if cfg.Secure == nil {
		cfg.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	client := openid.Bounded(cfg.HTTP)
	return &Staff{cfg: cfg, client: client, provider: &openid.Lookup{Client: client, Now: cfg.Now}}, nil
}

func (c Config) check() error {
	var errs []error
	refuse := func(bad bool, text string) {
		if bad {
			errs = append(errs, errors.New("staff: "+text))
		}
	}
	refuse(c.Here == nil && !isAddress(c.Issuer), "issuer must be an https address, or http on loopback, without query and fragment")
	refuse(c.Here == nil && !isAddress(c.RedirectURL), "the redirect URL must be an https address, or http on loopback")
	refuse(c.ClientID == "" || c.ClientSecret == "", "client id and secret must be set")
	refuse(c.Keys == nil || c.Now == nil, "keys and clock must be set")
	named := 0
	for role, groups := range c.Groups {
		refuse(!slices.Contains(Roles(), role), "there is no role "+string(role))
		named += len(groups)
	}
	refuse(named == 0, "no group has a role: nobody could log in")
	return errors.Join(errs...)
}

// isAddress tells whether a text is an address of a provider, or of ours.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && sca.Protected(u) && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

// place is where a log-in takes place.
type place struct{ issuer, redirect string }

func (s *Staff) place(r *http.Request) place {
	if s.cfg.Here != nil {
		issuer, redirect := s.cfg.Here(r)
		return place{issuer, redirect}
	}
	return place{s.cfg.Issuer, s.cfg.RedirectURL}
}

// Origin is that of the page to which the provider sends the browser back. A log-in
// must begin there, or its cookie would not come back.
func (s *Staff) Origin(r *http.Request) string {
	u, err := url.Parse(s.place(r).redirect)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
