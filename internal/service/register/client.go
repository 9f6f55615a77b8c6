package register

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"consentd/internal/consent"
)

// What a client may have at most.
const (
	MaxRedirectURIs = 20
	MaxSeals        = 10
)

// Client is what the bank notes of a TPP as a client of OAuth2.
type Client struct {
	// RedirectURIs are where it may have a PSU's browser led, each to be matched as
	// it stands: absolute https URIs, http on the machine itself, and private schemes
	// of apps, which hold a dot (RFC 8252 §7.1); without user-info or fragment, at
	// most consent.MaxRedirectURI characters, in ASCII.
	RedirectURIs []string
	// Seals are certificates of its seals, as DER. Whether they are to be trusted is
	// judged whenever one is used.
	Seals [][]byte
}

const reasonClient = "client" // it was set up as a client, or set up anew

// SetClient replaces all that was noted of a TPP as a client; one that says the
// same changes nothing. A TPP that has not called yet may be set up too, if its id
// has the form of one. Fails with CodeFormat, as consent.Faults where there are
// several faults, with CodeNotFound and CodeUnavailable.
func (r *Register) SetClient(ctx context.Context, cause consent.Cause, id string, c Client) (*TPP, error) {
	if err := c.Faults().Err(); err != nil {
		return nil, err
	}
	if !storable(id) {
		return nil, errUnknown()
	}
	if len(c.RedirectURIs)+len(c.Seals) == 0 { // nothing to note of one that nobody knows
		if _, err := r.Get(ctx, id); err != nil {
			return nil, err
		}
	}
	now := r.Now()
	t, err := r.Store.ChangeTPP(ctx, id, func(t *TPP) (*consent.Entry, error) {
		if t.Block == nil && t.FirstSeen.IsZero() && !wellFormed(id) {
			return nil, errUnknown()
		}
		if !t.become(c) {
			return nil, nil //nolint:nilnil // no entry, nothing to write
		}
		return &consent.Entry{At: now, Cause: cause, From: t.State(), To: t.State(), Reason: reasonClient}, nil
	})
	if err != nil {
		return nil, err
	}
	t.settle(now)
	return t, nil
}

// become takes over what c says, and reports whether that is anything new. One
// that has not called has no certificate that would tell who licenses it under
// which number; its id does.
func (t *TPP) become(c Client) (news bool) {
	if slices.Equal(t.RedirectURIs, c.RedirectURIs) && slices.EqualFunc(t.Seals, c.Seals, slices.Equal[[]byte]) {
		return false
	}
	t.RedirectURIs, t.Seals = c.RedirectURIs, c.Seals
	if t.FirstSeen.IsZero() {
		t.NCAID, t.Organisation, _ = strings.Cut(t.ID, ":")
	}
	return true
}

// Client is the TPP of a client id: its organizationIdentifier, or its id here. A
// TPP is found by the former once it has shown a certificate, or has been set up as
// a client. Whether it is blocked stands there. Fails with CodeNotFound where none
// or more than one fits, and with CodeUnavailable.
func (r *Register) Client(ctx context.Context, clientID string) (*TPP, error) {
	if clientID == "" || !storable(clientID) {
		return nil, errUnknown()
	}
	found, err := r.Store.Clients(ctx, clientID)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, errUnknown()
	}
	found[0].settle(r.Now())
	return &found[0], nil
}

// Seals are the certificates that the bank has noted of a TPP's seals, as DER; none
// where it has not. Fails with CodeUnavailable.
func (r *Register) Seals(ctx context.Context, id string) ([][]byte, error) {
	t, err := r.Get(ctx, id)
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return t.Seals, nil
}

// Faults is what keeps a client from being noted so, each with its place:
// redirectUris, sealCertificates, or one of them, such as redirectUris[0].
func (c *Client) Faults() consent.Faults {
	return append(
		faultsOf("redirectUris", c.RedirectURIs, MaxRedirectURIs, checkRedirectURI),
		faultsOf("sealCertificates", c.Seals, MaxSeals, checkSeal)...,
	)
}

// faultsOf judges a list, in which nothing may stand twice.
func faultsOf[T string | []byte](path string, list []T, most int, check func(T) string) (faults consent.Faults) {
	if len(list) > most {
		return consent.Faults{consent.At(consent.CodeFormat, path, "must not be more than %d", most)}
	}
	seen := map[string]bool{}
	for i, one := range list {
		text := check(one)
		if text == "" && seen[string(one)] {
			text = "must not be there twice"
		}
		if text != "" {
			faults = append(faults, consent.At(consent.CodeFormat, fmt.Sprintf("%s[%d]", path, i), "%s", text))
		}
		seen[string(one)] = true
	}
	return faults
}

func checkSeal(der []byte) string {
	if _, err := x509.ParseCertificate(der); err != nil {
		return "must be the DER of a certificate"
	}
	return ""
}

// checkRedirectURI says what is wrong with a redirect URI; empty for nothing.
func checkRedirectURI(uri string) string {
	if strings.ContainsFunc(uri, func(r rune) bool { return r > '~' }) {
		return "must be an absolute URI"
	}
	var apps []string
	if scheme, _, _ := strings.Cut(uri, ":"); strings.Contains(scheme, ".") {
		apps = []string{strings.ToLower(scheme)}
	}
	_, err := consent.ParseRedirectURI(uri, apps)
	if e, ok := errors.AsType[*consent.Error](err); ok {
		return e.Text
	}
	return ""
}
