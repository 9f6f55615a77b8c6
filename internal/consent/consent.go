package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Consent is the aggregate root: a customer's permission for one TPP. Its
// authorisations belong to it, since finishing one changes it.
type Consent struct {
	ID      uuid.UUID
	GroupID uuid.UUID // the id of the first of its line; its own for a new line
	Kind    Kind
	Rail    Rail
	TPP     string // the id by which the caller was known
	TPPName string // its name at that time, for people
	// Customer owns the accounts. Zero until a PSU has authorised.
	Customer uuid.UUID

	Status          Status
	StatusChangedAt time.Time
	Ending          Ending    // zero while the consent has not ended
	ReplacedBy      uuid.UUID // the consent that ended it by replacing it

	Access          Access
	Recurring       bool
	FrequencyPerDay int       // accesses without the PSU, per day of the bank's time zone
	ValidUntil      Date      // inclusive, the bank's local date
	EndsAt          time.Time // the instant at which ValidUntil is over
	AuthoriseBy     time.Time // a consent that is still pending then is rejected

	RedirectURI    string
	NokRedirectURI string // empty: RedirectURI serves both

	CreatedAt time.Time
	LastSCA   time.Time // zero before the first
	Version   int       // grows with every change

	Authorisations []Authorisation // in the order of their making
}

// Ending says who ended a consent and why; StatusChangedAt says when.
type Ending struct {
	By     Actor
	Reason Reason
}

// NokURI is where the browser goes on a negative result.
func (c *Consent) NokURI() string {
	if c.NokRedirectURI != "" {
		return c.NokRedirectURI
	}
	return c.RedirectURI
}

// Replaces reports whether this consent, once valid, ends former ones like it
// (XS2A IG 1.3.x §6.3: only recurring access to account information).
func (c *Consent) Replaces() bool { return c.Kind == AccountAccess && c.Recurring }

// Authorisation finds one of the consent's authorisations. Fails with
// CodeResourceUnknown.
func (c *Consent) Authorisation(id uuid.UUID) (*Authorisation, error) {
	for i := range c.Authorisations {
		if c.Authorisations[i].ID == id {
			return &c.Authorisations[i], nil
		}
	}
	return nil, E(CodeResourceUnknown, "no such authorisation of this consent")
}

// Settle brings the consent and its authorisations to where they stand at now:
// what time alone ends is ended, dated by its deadline. It reports whether
// anything changed.
func (c *Consent) Settle(now time.Time) bool {
	changed := false
	for i := range c.Authorisations {
		a := &c.Authorisations[i]
		if !a.Status.Final() && !now.Before(a.Deadline) {
			changed = a.moveTo(ScaFailed, a.Deadline) == nil || changed
		}
	}
	switch {
	case c.Status.Final():
	case c.Status.Pending() && c.AuthoriseBy.Before(c.EndsAt) && !now.Before(c.AuthoriseBy):
		changed = c.end(Rejected, BySystem, ReasonNotAuthorised, c.AuthoriseBy) == nil || changed
	case !now.Before(c.EndsAt):
		changed = c.end(Expired, BySystem, ReasonDate, c.EndsAt) == nil || changed
	}
	return changed
}

// maxAuthorisations bounds how often a consent may be tried, and with it how
// many passwords may be guessed by way of it.
const maxAuthorisations = 20

// Start adds an authorisation. Fails with CodeStatusInvalid unless the consent
// still waits for one and has not been tried too often, CodeExpired once its
// date is over.
func (c *Consent) Start(a Authorisation) error {
	if c.Status == Expired {
		return E(CodeExpired, "the consent has expired")
	}
	if !c.Status.Pending() {
		return E(CodeStatusInvalid, "the consent is %s and takes no further authorisation", c.Status)
	}
	if len(c.Authorisations) >= maxAuthorisations {
		return E(CodeStatusInvalid, "the consent has had %d authorisations and takes no further one", maxAuthorisations)
	}
	c.Authorisations = append(c.Authorisations, a)
	return nil
}

// Identify ties an authorisation to the PSU who logged in to share accounts of
// a customer. Fails with CodeForbidden when another signer has made the consent
// another customer's, or this PSU has authorised it before.
func (c *Consent) Identify(authorisation, psu, customer uuid.UUID, now time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	if err := c.mayAuthorise(psu, customer); err != nil {
		return err
	}
	a.PSU = psu
	return a.moveTo(ScaPSUAuthenticated, now)
}

// mayAuthorise tells whether a PSU may authorise the consent for a customer,
// after those who have.
func (c *Consent) mayAuthorise(psu, customer uuid.UUID) error {
	if c.Customer != uuid.Nil && c.Customer != customer {
		return E(CodeForbidden, "the consent belongs to another customer")
	}
	if slices.Contains(c.signed(), psu) {
		return E(CodeForbidden, "this PSU has authorised the consent already")
	}
	return nil
}

// Advance moves an authorisation forward, short of its end. A step that it has
// passed already is no error: steps may be skipped.
func (c *Consent) Advance(authorisation uuid.UUID, to ScaStatus, now time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	return a.moveTo(to, now)
}

// Extend gives an authorisation until deadline, when its PSU has begun.
func (c *Consent) Extend(authorisation uuid.UUID, deadline time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	a.Deadline = deadline
	return nil
}

// Agreement is what a PSU has agreed to, and on whose behalf.
type Agreement struct {
	Customer uuid.UUID
	// Grants are the accounts that the PSU was shown and shares; empty for the
	// scopes that are resolved at every decision.
	Grants []Grant
	// Signers are the PSUs who must all agree before the consent is valid.
	Signers []uuid.UUID
}

// Authorise finishes an authorisation: its PSU agrees. Once all signers have
// done so the consent is valid, before that partially authorised. Fails with
// CodeForbidden for a PSU who may not sign, and with CodeStale when the PSU was
// shown other accounts than a former signer has agreed to.
func (c *Consent) Authorise(authorisation uuid.UUID, agreed Agreement, now time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	if err := c.mayAuthorise(a.PSU, agreed.Customer); err != nil {
		return err
	}
	if !slices.Contains(agreed.Signers, a.PSU) {
		return E(CodeForbidden, "this PSU may not sign for the customer")
	}
	if len(c.signed()) == 0 {
		c.Customer, c.Access.Grants = agreed.Customer, agreed.Grants
	} else if !sameGrants(c.Access.Grants, agreed.Grants) {
		return E(CodeStale, "another signer has agreed to other accounts meanwhile")
	}
	if err := a.moveTo(ScaFinalised, now); err != nil {
		return err
	}
	return c.signedBy(agreed.Signers, now)
}

// signedBy moves the consent to where the signatures bring it.
func (c *Consent) signedBy(signers []uuid.UUID, now time.Time) error {
	c.LastSCA = later(now, c.LastSCA)
	signed := c.signed()
	to := Valid
	for _, s := range signers {
		if !slices.Contains(signed, s) {
			to = PartiallyAuthorised
		}
	}
	if to == c.Status {
		return nil
	}
	return c.moveTo(to, now)
}

// Fail ends an authorisation without success: tries used up, time over, flow
// broken. The consent stays and may be authorised anew.
func (c *Consent) Fail(authorisation uuid.UUID, now time.Time) error {
	a, err := c.Authorisation(authorisation)
	if err != nil {
		return err
	}
	return a.moveTo(ScaFailed, now)
}

// Refuse ends an authorisation and with it the consent, which is rejected: the
// PSU or the bank said no, or what it asks for is not the customer's to share.
func (c *Consent) Refuse(authorisation uuid.UUID, by Actor, why Reason, now time.Time) error {
	if _, err := c.underway(authorisation); err != nil {
		return err
	}
	return c.end(Rejected, by, why, now)
}

// Terminate ends the consent at the TPP's wish. A consent that has ended
// already stays as it is, and that is no error.
func (c *Consent) Terminate(now time.Time) error { return c.revoke(ByTPP, ReasonTerminated, now) }

// Withdraw ends the consent at the customer's wish, in the same way.
func (c *Consent) Withdraw(now time.Time) error { return c.revoke(ByPSU, ReasonWithdrawn, now) }

// Suspend pauses a valid consent: every access is refused until Resume.
func (c *Consent) Suspend(now time.Time) error { return c.moveTo(Suspended, now) }

// Resume takes a suspended consent up again.
func (c *Consent) Resume(now time.Time) error {
	if c.Status != Suspended {
		return E(CodeStatusInvalid, "the consent is %s, not suspended", c.Status)
	}
	return c.moveTo(Valid, now)
}

// Supersede ends those of former that this consent, which has become valid,
// replaces: live recurring consents to account access of the same rail, TPP and
// customer (XS2A IG 1.3.x §6.3). All others it leaves alone.
func (c *Consent) Supersede(former []*Consent, now time.Time) error {
	if c.Status != Valid || !c.Replaces() {
		return nil
	}
	for _, f := range former {
		f.Settle(now)
		if f.ID == c.ID || !f.Status.Live() || !f.Replaces() || f.Rail != c.Rail || f.TPP != c.TPP || f.Customer != c.Customer {
			continue
		}
		if err := f.end(Expired, BySystem, ReasonReplaced, now); err != nil {
			return err
		}
		f.ReplacedBy = c.ID
	}
	return nil
}

// LastAction is the day of the last change of status, in the bank's zone.
func (c *Consent) LastAction(zone *time.Location) Date { return DateOf(c.StatusChangedAt, zone) }

func (c *Consent) revoke(by Actor, why Reason, now time.Time) error {
	if c.Status.Final() {
		return nil
	}
	return c.end(Revoked, by, why, now)
}

// end moves the consent to a final state; what is unfinished of its
// authorisations fails with it.
func (c *Consent) end(to Status, by Actor, why Reason, now time.Time) error {
	if err := c.moveTo(to, now); err != nil {
		return err
	}
	c.Ending = Ending{By: by, Reason: why}
	for i := range c.Authorisations {
		if a := &c.Authorisations[i]; !a.Status.Final() {
			if err := a.moveTo(ScaFailed, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveTo changes the status, or reports that it may not. Times never go back,
// even when the clock does.
func (c *Consent) moveTo(to Status, now time.Time) error {
	if !c.Status.mayBecome(to) {
		return E(CodeStatusInvalid, "a consent that is %s cannot become %s", c.Status, to)
	}
	c.Status, c.StatusChangedAt = to, later(now, c.StatusChangedAt)
	return nil
}

// underway finds an authorisation that has not ended, of a consent that waits for it.
func (c *Consent) underway(id uuid.UUID) (*Authorisation, error) {
	a, err := c.Authorisation(id)
	if err != nil {
		return nil, err
	}
	if a.Status.Final() || !c.Status.Pending() {
		return nil, E(CodeStatusInvalid, "the authorisation is %s, the consent %s", a.Status, c.Status)
	}
	return a, nil
}

// Signatures is how many PSUs have authorised the consent.
func (c *Consent) Signatures() int { return len(c.signed()) }

// signed lists the PSUs who have authorised.
func (c *Consent) signed() []uuid.UUID {
	var psus []uuid.UUID
	for _, a := range c.Authorisations {
		if a.Status.Granted() {
			psus = append(psus, a.PSU)
		}
	}
	return psus
}

// sameGrants reports whether two signers agreed to the same rights on the same
// accounts, in whatever order.
func sameGrants(a, b []Grant) bool {
	rights := map[uuid.UUID]Rights{}
	for _, g := range a {
		rights[g.AccountID] |= g.Rights
	}
	for _, g := range b {
		if r, ok := rights[g.AccountID]; !ok || r != g.Rights {
			return false
		}
	}
	return len(a) == len(b)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// DueAt is the next instant at which Settle has something to do; zero for a
// consent that has ended.
func (c *Consent) DueAt() time.Time {
	if c.Status.Final() {
		return time.Time{}
	}
	due := c.EndsAt
	if c.Status.Pending() && c.AuthoriseBy.Before(due) {
		due = c.AuthoriseBy
	}
	for _, a := range c.Authorisations {
		if !a.Status.Final() && a.Deadline.Before(due) {
			due = a.Deadline
		}
	}
	return due
}
