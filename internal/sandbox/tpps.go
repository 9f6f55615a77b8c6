package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/sca"
)

// The authority that licenses the sandbox's TPPs.
const (
	authorityName = "Sandbox Authority"
	authorityID   = "XX-SANDBOX"
	organisation  = "PSD" + authorityID + "-" // what the ids of organisations begin with
)

// defect is what is wrong with a QWAC that was ordered so.
type defect string

const (
	expired      defect = "expired"
	notYetValid  defect = "notYetValid"
	revoked      defect = "revoked"
	untrusted    defect = "untrusted"
	withoutRoles defect = "noStatement"
)

var defects = []defect{expired, notYetValid, revoked, untrusted, withoutRoles}

// TPPs are the third parties of the sandbox and the authority that certifies
// them. Three exist from the start; others are made by orders. Keys are slow to
// make, so that nobody gets certificates before somebody asks for them.
type TPPs struct {
	CA    *issue.Authority
	Store sca.Store
	Now   func() time.Time
	// URL is where this sandbox is reached: certificates say where to ask whether
	// they are revoked. Without a slash at its end.
	URL func() string
	// Clients is where they are set up as clients of OAuth2; nil for nowhere.
	Clients Clients

	public    string     // where a proxy in front of the sandbox is reached; empty for none
	making    sync.Mutex // one TPP at a time gets certificates
	enrolling sync.Mutex // one TPP at a time is set up as a client
	mu        sync.RWMutex
	made      map[string]entry // by name
}

// entry is what is known of a TPP that was ordered, or asked for its certificates.
type entry struct {
	Order
	// Ordered tells that somebody chose what it has. The three of the start take
	// one order even when they have certificates already.
	Ordered bool     `json:"ordered,omitempty"`
	Serials []serial `json:"serials"`
}

// serial is the number of a certificate, in decimal digits.
type serial struct {
	Number  string    `json:"number"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// Order is what somebody wants of a TPP.
type Order struct {
	Name    string       `json:"name"`
	Roles   []eidas.Role `json:"roles"`
	Defect  defect       `json:"defect,omitempty"`
	Domains []string     `json:"domains"`
	// RedirectURIs are where it may have a PSU's browser led in OAuth2; those of the
	// sandbox's own pages when empty.
	RedirectURIs []string `json:"redirectUris,omitempty"`
}

func (o Order) same(other Order) bool {
	return o.Defect == other.Defect && slices.Equal(o.Roles, other.Roles) && slices.Equal(o.Domains, other.Domains) &&
		slices.Equal(o.RedirectURIs, other.RedirectURIs)
}

// founders are the TPPs that exist from the start, and what people call them.
var founders = map[string]string{defaultTPP: "Demo TPP", "acme": "Acme Money", "beta": "Beta Budget"}

// founder lists the names of those, in the order in which they are shown.
func founderNames() []string { return []string{defaultTPP, "acme", "beta"} }

// Where the TPPs lie in the store: the list of all, and each one's certificates.
const (
	ownerTPPs = "tpps"
	keyTPPs   = "list"
	keyKit    = "kit"
)

// Load reads the TPPs of former runs.
func (t *TPPs) Load(ctx context.Context) error {
	list, err := load[entry](ctx, t.Store, ownerTPPs, keyTPPs)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made = map[string]entry{}
	for _, e := range list {
		t.made[e.Name] = e
	}
	return nil
}

// find tells who a name is.
func (t *TPPs) find(name string) (tpp.TPP, bool) {
	e, made := t.entry(name)
	known, founding := founders[name]
	switch {
	case founding: // with every role, whatever its certificate says
		return tpp.TPP{ID: idOf(name), Name: known, Roles: tpp.Roles()}, true
	case made:
		return tpp.TPP{ID: idOf(name), Name: name, Roles: e.Roles}, true
	default:
		return tpp.TPP{}, false
	}
}

// nameOf is the name by which the TPP with an id is chosen; empty for none.
func (t *TPPs) nameOf(id string) string {
	name := strings.ToLower(strings.TrimPrefix(id, idOf("")))
	if _, known := t.find(name); !known || idOf(name) != id {
		return ""
	}
	return name
}

// idOf is the id of the TPP with a name.
func idOf(name string) string { return authorityID + ":" + organisationOf(name) }

func organisationOf(name string) string { return organisation + strings.ToUpper(name) }

func (t *TPPs) entry(name string) (entry, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	e, ok := t.made[name]
	return e, ok
}

// names lists all TPPs: those of the start first, then the others by name.
func (t *TPPs) names() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var others []string
	for name := range t.made {
		if founders[name] == "" {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return append(founderNames(), others...)
}

// Order makes a TPP and its certificates, and reports whether they are new: the
// same order again finds what it made. Fails with CodeFormat, and with
// CodeStatusInvalid for another order under a name that is taken.
func (t *TPPs) Order(ctx context.Context, o Order) (k Kit, fresh bool, err error) {
	if o, err = o.complete(); err != nil {
		return Kit{}, false, err
	}
	t.making.Lock()
	defer t.making.Unlock()
	switch e, made := t.entry(o.Name); {
	case made && e.same(o):
		k, err = t.kit(ctx, o.Name)
		return k, false, err
	case made && (e.Ordered || founders[o.Name] == ""):
		return Kit{}, false, consent.At(consent.CodeStatusInvalid, "name", "there is a TPP %s already, with other roles, domains, redirect URIs or another defect; choose another name", o.Name)
	case len(o.RedirectURIs) > 0: // the register judges them, before anything is made
		if err := t.enrol(ctx, o.Name, o.RedirectURIs, nil); err != nil {
			return Kit{}, false, err
		}
	}
	if k, err = t.issue(ctx, o, true); err != nil {
		return Kit{}, false, err
	}
	k, err = t.registered(ctx, k)
	return k, err == nil, err
}

// Kit finds the certificates of a TPP, and makes them for one that has none yet.
// Fails with pages.ErrUnknown.
func (t *TPPs) Kit(ctx context.Context, name string) (Kit, error) {
	who, known := t.find(name)
	if !known {
		return Kit{}, pages.ErrUnknown
	}
	t.making.Lock()
	defer t.making.Unlock()
	if _, made := t.entry(name); made {
		return t.kit(ctx, name)
	}
	o, err := Order{Name: name, Roles: who.Roles}.complete()
	if err != nil {
		return Kit{}, err
	}
	k, err := t.issue(ctx, o, false)
	if err != nil {
		return Kit{}, err
	}
	return t.registered(ctx, k)
}

// kit finds the certificates of a TPP that has some.
func (t *TPPs) kit(ctx context.Context, name string) (Kit, error) {
	list, err := load[Kit](ctx, t.Store, ownerTPPs+" "+name, keyKit)
	if err != nil {
		return Kit{}, err
	}
	if len(list) != 1 {
		return Kit{}, fmt.Errorf("the certificates of the TPP %s are lost", name)
	}
	return t.registered(ctx, list[0])
}

// keep writes a TPP down: its certificates first, so that the list names none
// without.
func (t *TPPs) keep(ctx context.Context, e entry, k Kit) error {
	if err := save(ctx, t.Store, ownerTPPs+" "+e.Name, keyKit, []Kit{k}); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if before, ok := t.made[e.Name]; ok {
		e.Serials = append(slices.Clone(before.Serials), e.Serials...)
	}
	list := []entry{e}
	for name, other := range t.made {
		if name != e.Name {
			list = append(list, other)
		}
	}
	if err := save(ctx, t.Store, ownerTPPs, keyTPPs, list); err != nil {
		return err
	}
	if t.made == nil {
		t.made = map[string]entry{}
	}
	t.made[e.Name] = e
	return nil
}

var (
	tppName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	domain  = regexp.MustCompile(`^(?i:\*\.)?(?i:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.(?i:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?))*$`)
)

// maxDomains is how many domains a certificate may name.
const maxDomains = 20

// complete checks an order, and adds what goes without saying.
func (o Order) complete() (Order, error) {
	if !tppName.MatchString(o.Name) {
		return o, consent.At(consent.CodeFormat, "name", "name must be 1 to 40 small letters, digits and hyphens")
	}
	if o.Defect != "" && !slices.Contains(defects, o.Defect) {
		return o, consent.At(consent.CodeFormat, "defect", "defect must be one of %v", defects)
	}
	if len(o.Roles) == 0 {
		o.Roles = []eidas.Role{eidas.RoleAI}
		if founders[o.Name] != "" {
			o.Roles = tpp.Roles()
		}
	}
	if len(o.Domains) == 0 {
		o.Domains = []string{cmp.Or(strings.Trim(o.Name, "-"), "tpp") + ".example", "localhost", "127.0.0.1"}
	}
	return o, errors.Join(o.checkRoles(), o.checkDomains())
}

func (o Order) checkRoles() error {
	for i, role := range o.Roles {
		if _, err := eidas.ParseRole(string(role)); err != nil {
			return consent.At(consent.CodeFormat, "roles", "roles must be of %v", tpp.Roles())
		}
		if slices.Contains(o.Roles[:i], role) {
			return consent.At(consent.CodeFormat, "roles", "roles names %s twice", role)
		}
	}
	return nil
}

func (o Order) checkDomains() error {
	if len(o.Domains) > maxDomains {
		return consent.At(consent.CodeFormat, "domains", "domains must be at most %d", maxDomains)
	}
	for _, d := range o.Domains {
		if net.ParseIP(d) == nil && (len(d) > 253 || !domain.MatchString(d)) {
			return consent.At(consent.CodeFormat, "domains", "domains must be names such as tpp.example or *.tpp.example, or IP addresses")
		}
	}
	return nil
}
