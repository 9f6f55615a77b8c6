package staging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Staging are the use cases. Lists, Uses, Identities and Sights are the storage's. Expire
// writes down what time has ended, so many at most.
type Staging struct {
	Expire     func(ctx context.Context, limit int) (int, error)
	Store      Store
	Lists      service.Lists
	Uses       Uses
	Identities Identities
	Sights     service.Sights
	Accounts   service.Accounts
	Owners     service.Owners
	Signers    service.Signers
	Policy     consent.Policy
	Now        func() time.Time
}

// Viewer narrows what a caller may see and do: the zero Viewer sees all, and one with
// a User what is in the sight of that PSU.
type Viewer struct {
	User uuid.UUID // our id of the PSU
}

// Stage makes a consent of what a hub stages for a TPP. base is the TPP's name for the
// consent with which the line began that this one goes on with; empty for none. The
// same request for the same TPP again gives the consent as it stands, and made is false.
// Fails with CodeServiceInvalid for a name that the TPP has used for another request or
// that is the id of a consent, and for a base that is not the TPP's, of another kind, or
// not the first of its line, with CodeCertificateBlocked for a TPP that the bank has
// blocked, and as Policy.Stage does.
func (s *Staging) Stage(ctx context.Context, cause consent.Cause, draft consent.Staging, base string) (r *Record, made bool, err error) {
	c, err := s.again(ctx, draft)
	if consent.CodeOf(err) == consent.CodeNotFound {
		c, made, err = s.stage(ctx, cause, draft, base)
	}
	if err != nil {
		return nil, false, err
	}
	r, err = s.record(ctx, c, uuid.Nil)
	return r, made, err
}

func (s *Staging) stage(ctx context.Context, cause consent.Cause, draft consent.Staging, base string) (*consent.Consent, bool, error) {
	var err error
	if base != "" {
		if draft.Group, err = s.root(ctx, draft, base); err != nil {
			return nil, false, err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, false, fmt.Errorf("id of a consent: %w", err)
	}
	c, err := s.Policy.Stage(id, draft, cause, s.Now())
	if err != nil {
		return nil, false, err
	}
	err = s.Store.Stage(ctx, c)
	if consent.CodeOf(err) == consent.CodeRepeated { // the same call was quicker elsewhere
		c, err = s.again(ctx, draft)
		return c, false, err
	}
	return c, err == nil, err
}

// again finds the consent that was staged by the same request before. Fails with
// CodeNotFound where the TPP has none of this name.
func (s *Staging) again(ctx context.Context, draft consent.Staging) (*consent.Consent, error) {
	c, err := s.Store.Staged(ctx, draft.TPP, draft.Staged.Reference)
	if err != nil {
		return nil, err
	}
	if c.Kind != draft.Kind || !bytes.Equal(c.Staged.Request, draft.Staged.Request) {
		return nil, consent.At(consent.CodeServiceInvalid, "consent.ConsentId", "names another consent of this TPP already")
	}
	explain.Note(ctx, "consent %s: was staged by the same request before", c.ID)
	return c, nil
}

// root is the line of a consent that goes on with a former one.
func (s *Staging) root(ctx context.Context, draft consent.Staging, base string) (uuid.UUID, error) {
	fault := func(what string) error {
		return consent.At(consent.CodeServiceInvalid, "consent.BaseConsentId", "%s", what)
	}
	c, err := s.Store.Staged(ctx, draft.TPP, base)
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		return uuid.Nil, fault("names no consent of this TPP")
	case err != nil:
		return uuid.Nil, err
	case c.Kind != draft.Kind:
		return uuid.Nil, fault("names a consent of another type")
	case c.GroupID != c.ID:
		return uuid.Nil, fault("must name the consent that began the group, and this one goes on with another")
	default:
		return c.ID, nil
	}
}

// Get reads a consent as it stands now. Fails with CodeNotFound, and with
// CodeServiceInvalid for a name that several TPPs use for consents that the viewer sees.
func (s *Staging) Get(ctx context.Context, v Viewer, ref string) (*Record, error) {
	c, _, err := s.see(ctx, v, ref)
	if err != nil {
		return nil, err
	}
	return s.record(ctx, c, v.User)
}

// Audit reads a consent with what was written down of it, the oldest entry first.
// Fails as Get does.
func (s *Staging) Audit(ctx context.Context, v Viewer, ref string) (*Record, []consent.Entry, error) {
	r, err := s.Get(ctx, v, ref)
	if err != nil {
		return nil, nil, err
	}
	entries, err := s.Store.Entries(ctx, r.ID)
	return r, entries, err
}

// User is the id by which a PSU is named here, of the bank's id; made at first sight.
// Fails with CodeNotFound for a PSU whom the bank does not know, and CodeUnavailable
// when it does not answer.
func (s *Staging) User(ctx context.Context, psu string) (string, error) {
	_, err := s.Signers.Customers(ctx, psu)
	if errors.Is(err, service.ErrUnknownPSU) {
		return "", consent.At(consent.CodeNotFound, "psu", "is not known to the bank").Because(err)
	}
	if err != nil {
		return "", service.Unavailable(fmt.Errorf("customers of a PSU: %w", err))
	}
	id, err := s.Identities.PSU(ctx, psu)
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// Kinds are those that are known here.
func Kinds() []consent.Kind { return []consent.Kind{consent.AccountAccess, consent.Payments} }

// see finds a consent that a viewer may see, with their sight; that of one who sees
// all is nil.
func (s *Staging) see(ctx context.Context, v Viewer, ref string) (*consent.Consent, *service.Sight, error) {
	c, err := s.find(ctx, v, ref)
	if err != nil || v.User == uuid.Nil {
		return c, nil, err
	}
	sight, err := s.sight(ctx, v.User)
	if err != nil {
		return nil, nil, err
	}
	if !sight.Sees(c) {
		explain.Note(ctx, "consent %s: is not this user's, answered as if unknown", c.ID)
		return nil, nil, errUnknown()
	}
	return c, &sight, nil
}

// find is the consent that our id means, else the one that a TPP knows by this name: of
// those of several TPPs the one that a PSU may see.
func (s *Staging) find(ctx context.Context, v Viewer, ref string) (*consent.Consent, error) {
	c, err := s.byID(ctx, ref)
	if consent.CodeOf(err) == consent.CodeNotFound {
		c, err = s.Store.Staged(ctx, "", ref)
	}
	if consent.CodeOf(err) == consent.CodeServiceInvalid && v.User != uuid.Nil {
		sight, failed := s.sight(ctx, v.User)
		if failed != nil {
			return nil, failed
		}
		c, err = s.Store.StagedInSight(ctx, ref, sight)
	}
	switch {
	case consent.CodeOf(err) == consent.CodeServiceInvalid:
		return nil, consent.E(consent.CodeServiceInvalid, "consents of several TPPs have this ConsentId: name it by its id").Because(err)
	case consent.CodeOf(err) == consent.CodeNotFound:
		return nil, errUnknown().Because(err)
	case err != nil:
		return nil, err
	case !slices.Contains(Kinds(), c.Kind):
		explain.Note(ctx, "consent %s: is a %s, which is unknown here", c.ID, c.Kind)
		return nil, errUnknown()
	default:
		return c, nil
	}
}

func (s *Staging) byID(ctx context.Context, ref string) (*consent.Consent, error) {
	id, ok := parse(ref)
	if !ok {
		return nil, errUnknown()
	}
	return s.Store.Get(ctx, id)
}

// parse reads an id as we write it, and in no other form.
func parse(text string) (uuid.UUID, bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && id != uuid.Nil && id.String() == text
}

// errUnknown is the answer for a consent that is unknown, and for one that the viewer
// may not see.
func errUnknown() *consent.Error { return consent.E(consent.CodeNotFound, "no such consent") }
