package consents

import (
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// Revoke ends a consent at the wish of a PSU who has said so at the bank; psu is
// the bank's id. One that has ended stays as it is, and is no error: the answer
// says how it ended. The audit names the caller of cause, and for which PSU. Fails
// with CodeNotFound, alike for an unknown consent, one that is not in the PSU's
// Sight, and a PSU whom the bank does not know.
//
// Where the consent has been replaced, perhaps at this very moment, its Heir is ended
// and shown.
func (d *Desk) Revoke(ctx context.Context, cause consent.Cause, id uuid.UUID, psu string) (*Seen, error) {
	sight, err := d.sightOf(ctx, id, psu)
	if err != nil {
		return nil, hidden(err)
	}
	cause.For = sight.PSU.String()
	c, err := d.revoke(ctx, cause, id, sight)
	for err == nil && c.Heir(d.Now()) != uuid.Nil {
		next, failed := d.revoke(ctx, cause, c.Heir(d.Now()), sight)
		if consent.CodeOf(failed) == consent.CodeNotFound { // somebody else's, or erased
			break
		}
		if c, err = next, failed; err == nil {
			explain.Note(ctx, "consent %s: stands in its place", c.ID)
		}
	}
	if err != nil {
		return nil, hidden(err)
	}
	return d.show(ctx, c)
}

// revoke ends a consent that is in sight.
func (d *Desk) revoke(ctx context.Context, cause consent.Cause, id uuid.UUID, sight Sight) (*consent.Consent, error) {
	now := d.Now()
	var before consent.Status
	c, err := d.Archive.Update(ctx, id, func(c *consent.Consent) error {
		if !sight.Sees(c) {
			return errNoConsent()
		}
		c.Because(cause)
		c.Settle(now)
		before = c.Status
		return c.Withdraw(now)
	})
	if err == nil {
		explain.Note(ctx, "consent %s: was %s, is %s", id, before, c.Status)
	}
	return c, err
}

// sightOf is the sight of a PSU who sees a consent. A co-signer who has never
// logged in here gets an id of ours, so that the audit can name them.
func (d *Desk) sightOf(ctx context.Context, id uuid.UUID, psu string) (Sight, error) {
	customers, err := d.customers(ctx, psu)
	if err != nil {
		return Sight{}, err
	}
	sight, err := d.Archive.Sight(ctx, psu, customers)
	if err != nil {
		return Sight{}, err
	}
	c, err := d.Archive.Get(ctx, id)
	if err != nil {
		return Sight{}, err
	}
	if !sight.Sees(c) {
		explain.Note(ctx, "consent %s: is not this PSU's, answered as if unknown", id)
		return Sight{}, errNoConsent()
	}
	if sight.PSU == uuid.Nil {
		sight.PSU, err = d.Archive.PSU(ctx, psu)
	}
	return sight, err
}
