package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/sandbox/demotpp"
	"consentd/internal/service/register"
)

// Clients is what the sandbox needs of the register of TPPs, to set up its own as
// clients of OAuth2. *register.Register does it.
type Clients interface {
	// Get reads a TPP by its id. Fails with CodeNotFound and CodeUnavailable.
	Get(ctx context.Context, id string) (*register.TPP, error)
	// Client reads a TPP by its id or its organizationIdentifier. Fails like Get.
	Client(ctx context.Context, clientID string) (*register.TPP, error)
	// SetClient replaces what is noted of a TPP as a client. Fails with CodeFormat.
	SetClient(ctx context.Context, cause consent.Cause, id string, c register.Client) (*register.TPP, error)
}

// Client finds a TPP as the register does. One of the sandbox's own is set up as a
// client when it is first asked for: a sandbox that nobody uses so starts sooner. One
// that has not called yet has its name and its roles here, which the register takes
// from calls.
func (t *TPPs) Client(ctx context.Context, clientID string) (*register.TPP, error) {
	name := t.named(clientID)
	if name == "" {
		return t.Clients.Client(ctx, clientID) //nolint:wrapcheck // a decorator
	}
	e, _ := t.entry(name)
	if err := t.enrol(ctx, name, e.RedirectURIs, nil); err != nil {
		return nil, err
	}
	row, err := t.Clients.Client(ctx, idOf(name))
	if err != nil || !row.FirstSeen.IsZero() {
		return row, err //nolint:wrapcheck // a decorator
	}
	who, _ := t.find(name)
	fresh := *row
	fresh.Name, fresh.Roles = who.Name, textsOf(who.Roles)
	return &fresh, nil
}

// named is the name of the TPP that a text names: by name, by its id, or by its
// organizationIdentifier. Empty for none.
func (t *TPPs) named(text string) string {
	if _, known := t.find(text); known {
		return text
	}
	if name := t.nameOf(text); name != "" {
		return name
	}
	return t.nameOf(authorityID + ":" + text)
}

// enrolment is what the sandbox has put into the register for one of its TPPs. The
// bank may change it there: only what the sandbox wants anew is put there again.
type enrolment struct {
	Name         string   `json:"name"`
	RedirectURIs []string `json:"redirectUris"`
	Seal         string   `json:"seal,omitempty"` // fingerprint
}

func (e enrolment) same(o enrolment) bool {
	return e.Seal == o.Seal && slices.Equal(e.RedirectURIs, o.RedirectURIs)
}

// keyClients is where the enrolments lie in the store.
const keyClients = "clients"

// enrol sets up a TPP as a client: with the redirect URIs that were ordered, or with
// those of the sandbox's own pages, and with its seal, as DER, where one was issued.
// Fails with CodeFormat for what was ordered.
func (t *TPPs) enrol(ctx context.Context, name string, ordered []string, seal []byte) error {
	if t.Clients == nil {
		return nil
	}
	t.enrolling.Lock()
	defer t.enrolling.Unlock()
	list, err := load[enrolment](ctx, t.Store, ownerTPPs, keyClients)
	if err != nil {
		return err
	}
	had := enrolment{Name: name}
	if i := slices.IndexFunc(list, func(e enrolment) bool { return e.Name == name }); i >= 0 {
		had = list[i]
	}
	want := enrolment{Name: name, RedirectURIs: ordered, Seal: had.Seal}
	if len(ordered) == 0 {
		want.RedirectURIs = t.ownPages()
	}
	if seal != nil {
		sum := sha256.Sum256(seal)
		want.Seal = hex.EncodeToString(sum[:])
	}
	if had.same(want) {
		return nil
	}
	if err := t.note(ctx, had, want, seal); err != nil {
		return err
	}
	return change(ctx, t.Store, ownerTPPs, keyClients, func(list []enrolment) ([]enrolment, error) {
		others := slices.DeleteFunc(list, func(e enrolment) bool { return e.Name == name })
		return append(others, want), nil
	})
}

// note writes into the register what a TPP is to have there. What the bank has added
// stays, and so do former seals, as far as there is room.
func (t *TPPs) note(ctx context.Context, had, want enrolment, seal []byte) error {
	id := idOf(want.Name)
	there, err := t.Clients.Get(ctx, id)
	if consent.CodeOf(err) == consent.CodeNotFound {
		there, err = &register.TPP{}, nil
	}
	if err != nil {
		return err //nolint:wrapcheck // the register says what it was for
	}
	c := register.Client{RedirectURIs: slices.Clone(want.RedirectURIs), Seals: slices.Clone(there.Seals)}
	for _, uri := range there.RedirectURIs {
		if !slices.Contains(had.RedirectURIs, uri) && !slices.Contains(c.RedirectURIs, uri) && len(c.RedirectURIs) < register.MaxRedirectURIs {
			c.RedirectURIs = append(c.RedirectURIs, uri)
		}
	}
	if seal != nil && !slices.ContainsFunc(c.Seals, func(der []byte) bool { return slices.Equal(der, seal) }) {
		c.Seals = append(c.Seals, seal)
		c.Seals = c.Seals[max(0, len(c.Seals)-register.MaxSeals):]
	}
	_, err = t.Clients.SetClient(ctx, consent.Cause{By: consent.ByASPSP, Who: "sandbox"}, id, c)
	return err //nolint:wrapcheck // the register says what it was for
}

// pathReturn is the page of TPPs without pages, to which a PSU's browser may be sent
// back. Redirect URIs are matched as they stand, and this one has no query.
const pathReturn = "/sandbox/return"

// ownPages are the redirect URIs of a TPP that has ordered none: that page, and the
// one of the demo TPP. Browsers reach a sandbox on this machine by several names.
func (t *TPPs) ownPages() []string {
	origins := []string{returnBase(t.public)}
	if t.public == "" {
		origins[0] = returnBase(t.URL())
		if port, ok := strings.CutPrefix(origins[0], "http://localhost"); ok {
			origins = append(origins, "http://127.0.0.1"+port, "http://[::1]"+port)
		}
	}
	var uris []string
	for _, origin := range origins {
		uris = append(uris, origin+pathReturn, origin+demotpp.PathReturn)
	}
	return uris
}

// registered completes a kit by what the register has of its TPP, which is set up
// there as a client. Fails with CodeFormat for what was ordered.
func (t *TPPs) registered(ctx context.Context, k Kit) (Kit, error) {
	if t.Clients == nil {
		return k, nil
	}
	e, _ := t.entry(k.TPP)
	var seal []byte
	if block, _ := pem.Decode([]byte(k.QSEAL.Certificate)); block != nil {
		seal = block.Bytes
	}
	if err := t.enrol(ctx, k.TPP, e.RedirectURIs, seal); err != nil {
		return Kit{}, err
	}
	there, err := t.Clients.Get(ctx, k.ID)
	if err != nil {
		return Kit{}, err //nolint:wrapcheck // the register says what it was for
	}
	k.RedirectURIs = there.RedirectURIs
	return k, nil
}
