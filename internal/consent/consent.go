package consent

import (
	"cmp"
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
	// GivenBy is the PSU of a connection, and of what was forwarded by one; zero for
	// all others, whose authorisations say it.
	GivenBy uuid.UUID
	// Connection is the one on which a forwarded consent rests; zero for all others.
	Connection uuid.UUID
	// ByToken says that its use takes an access token which was issued for it.
	ByToken bool

	Status          Status
	StatusChangedAt time.Time
	Suspension      Suspension // zero unless the consent is suspended
	Ending          Ending     // zero while the consent has not ended
	ReplacedBy      uuid.UUID  // the consent that ended it by replacing it

	Access          Access
	Recurring       bool
	FrequencyPerDay int       // accesses without the PSU, per day of the bank's time zone
	ValidUntil      Date      // inclusive, the bank's local date
	EndsAt          time.Time // the instant at which ValidUntil is over
	AuthoriseBy     time.Time // a consent that is still pending then is rejected

	RedirectURI    string
	NokRedirectURI string // empty: RedirectURI serves both
	// Approach is what was chosen when the consent was made, for authorisations
	// that are started without saying more.
	Approach Approach

	Card Card // funds confirmation only
	// Staged is what a hub has staged; nil for what a TPP has asked for itself.
	Staged *Staged
	// PSU and Corporate are whom the TPP named when it made the consent, as
	// digests; zero for nobody.
	PSU, Corporate Digest

	CreatedAt time.Time
	LastSCA   time.Time // zero before the first
	Version   int       // grows with every change

	Authorisations []Authorisation // in the order of their making

	pending pending
}

// Suspension says why the bank has paused a consent; StatusChangedAt says since when.
type Suspension struct{ Reason Reason }

// Ending says who ended a consent and why; StatusChangedAt says when.
type Ending struct {
	By     Actor
	Reason Reason
}

// Return is where the browser goes at the end of an authorisation, for a good and
// for a bad result: what the TPP said when it started it, else when it made the
// consent.
func (c *Consent) Return(authorisation uuid.UUID) (ok, nok string) {
	ok, nok = c.RedirectURI, c.NokRedirectURI
	if a, err := c.Authorisation(authorisation); err == nil {
		if a.RedirectURI != "" {
			ok, nok = a.RedirectURI, ""
		}
		nok = cmp.Or(a.NokRedirectURI, nok)
	}
	return ok, cmp.Or(nok, ok)
}

// Replaces reports whether this consent, once valid, ends former ones like it
// (XS2A IG 1.3.x §6.3: only recurring access to account information).
func (c *Consent) Replaces() bool {
	return c.Kind == AccountAccess && c.Recurring && c.Rail != RailManager
}

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
			changed = c.step(a, ScaFailed, BySystem, a.Deadline) == nil || changed
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

// Terminate ends the consent at the TPP's wish. A consent that has ended
// already stays as it is, and that is no error.
func (c *Consent) Terminate(now time.Time) error { return c.revoke(ByTPP, ReasonTerminated, now) }

// Withdraw ends the consent at the customer's wish, in the same way. Where a page
// of the bank's own brings it, the cause says For whom.
func (c *Consent) Withdraw(now time.Time) error { return c.revoke(ByPSU, ReasonWithdrawn, now) }

// Revoke ends the consent at the bank's wish, in the same way.
func (c *Consent) Revoke(why Reason, now time.Time) error { return c.revoke(ByASPSP, why, now) }

// Suspend pauses a valid consent at the bank's wish: every access is refused until
// Resume. Fails with CodeStatusInvalid for one that is not valid.
func (c *Consent) Suspend(why Reason, now time.Time) error {
	if err := c.moveTo(Suspended, "", why, now); err != nil {
		return err
	}
	c.Suspension = Suspension{Reason: why}
	return nil
}

// Resume takes a suspended consent up again.
func (c *Consent) Resume(now time.Time) error {
	if c.Status != Suspended {
		return E(CodeStatusInvalid, "the consent is %s, not suspended", c.Status)
	}
	c.Suspension = Suspension{}
	return c.moveTo(Valid, "", "", now)
}

// Supersede ends those of former that this consent, which has become valid,
// replaces: live recurring consents to account access of the same rail, TPP and
// customer (XS2A IG 1.3.x §6.3). All others it leaves alone. It goes on with their line.
func (c *Consent) Supersede(former []*Consent, now time.Time) error {
	if c.Status != Valid || !c.Replaces() {
		return nil
	}
	for _, f := range former {
		f.Because(c.pending.cause)
		f.Settle(now)
		if f.ID == c.ID || !f.Status.Live() || !f.Replaces() || f.Rail != c.Rail || f.TPP != c.TPP || f.Customer != c.Customer {
			continue
		}
		if err := f.end(Expired, BySystem, ReasonReplaced, now); err != nil {
			return err
		}
		f.ReplacedBy, c.GroupID = c.ID, f.GroupID
	}
	return nil
}

// Heir is the consent that is meant by whoever stops this one, where it has been
// replaced: of what a TPP forwards always the one in its place, else where they may have
// seen this one stand when they looked. Zero for none.
func (c *Consent) Heir(now time.Time) uuid.UUID {
	const lately = 5 * time.Minute // for so long a page may have been open
	if c.Rail == RailSTET || now.Before(c.StatusChangedAt.Add(lately)) {
		return c.ReplacedBy
	}
	return uuid.Nil
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
	if err := c.moveTo(to, by, why, now); err != nil {
		return err
	}
	c.Ending, c.Suspension = Ending{By: by, Reason: why}, Suspension{}
	return c.failUnfinished(by, now)
}

// moveTo changes the status, or reports that it may not. Times never go back,
// even when the clock does. by is empty for whoever the cause names.
func (c *Consent) moveTo(to Status, by Actor, why Reason, now time.Time) error {
	if !c.Status.mayBecome(to) {
		return E(CodeStatusInvalid, "a consent that is %s cannot become %s", c.Status, to)
	}
	from := c.Status
	c.Status, c.StatusChangedAt = to, later(now, c.StatusChangedAt)
	c.record(Entry{At: c.StatusChangedAt, From: string(from), To: string(to), Reason: string(why)}, by)
	return nil
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

// UpdatedAt is when anything about the consent changed last; its use changes nothing.
// It stays where it is once the consent has ended.
func (c *Consent) UpdatedAt() time.Time {
	at := later(c.LastSCA, later(c.StatusChangedAt, c.CreatedAt))
	if c.Staged != nil {
		at = later(c.Staged.ChangedAt, at)
	}
	for _, a := range c.Authorisations {
		at = later(a.ChangedAt, at)
	}
	return at
}
