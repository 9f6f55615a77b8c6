package staging

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Change is what is to become of a consent. What is zero stays as it is.
type Change struct {
	User     string         // our id of the PSU whose it is
	Accounts []string       // the bank's ids of those that it opens; nil for none
	Status   consent.Status // Valid authorises, or resumes
	By       RevokedBy      // with Revoked only; nobody else than the bank, where it is empty
	Reason   consent.Reason // why the bank suspends or revokes: one of consent.BankReasons
	Note     string         // for the audit; no names of persons
	// Channel is by which the customer decides: App or Web. It counts until they have.
	Channel string
	// Approvals are those of who must agree, Required of them; nil for none.
	Approvals []consent.Approval
	Required  int
	// Extra merges what the dialect keeps into what it has kept; it may run more than once.
	Extra func(old []byte) ([]byte, error)
	Token []byte // sealed
	// Used is when data was last shared, Tried when a payment was last tried. They count
	// where they are later than what is known, for consents of the kind that they are
	// about, and change nothing else: neither UpdatedAt nor the audit.
	Used, Tried time.Time
}

// Patch changes a consent. One that nobody has staged takes a status, and that only to
// suspend, resume, revoke or repeat its end. The status that a consent has is taken
// again, and changes nothing. Fails with CodeNotFound, CodeStatusInvalid where the
// consent, as it stands, does not allow it, CodeForbidden for a user or accounts that
// are not theirs, CodeServiceInvalid for what is missing or does not go together,
// CodeFormat for what is malformed, and CodeUnavailable when the bank does not answer.
func (s *Staging) Patch(ctx context.Context, cause consent.Cause, v Viewer, ref string, p Change) (*Record, error) {
	c, sight, err := s.see(ctx, v, ref)
	if err != nil {
		return nil, err
	}
	if err := p.check(c); err != nil {
		return nil, err
	}
	held, err := s.hold(ctx, c, p)
	if err != nil {
		return nil, err
	}
	cause.Note = cmp.Or(p.Note, cause.Note)
	m := &motion{Change: p, cause: cause, sight: sight, held: held, zone: s.Policy.Zone, now: s.Now()}
	if c, err = s.Store.Amend(ctx, c.ID, m.apply); err != nil {
		return nil, err
	}
	if err := s.noteUse(ctx, c, p, m.now); err != nil {
		return nil, err
	}
	return s.record(ctx, c, v.User)
}

// check finds what is wrong with a change before anything is looked up.
func (p Change) check(c *consent.Consent) error {
	switch {
	case p.Accounts != nil && len(p.Accounts) == 0:
		return consent.At(consent.CodeFormat, "accountIds", "must name an account")
	case len(p.Accounts) > len(slices.Compact(slices.Sorted(slices.Values(p.Accounts)))):
		return consent.At(consent.CodeFormat, "accountIds", "must not name an account twice")
	case c.Kind == consent.Payments && len(p.Accounts) > 1:
		return consent.At(consent.CodeServiceInvalid, "accountIds", "must name one account: payments are debited to it")
	case p.Reason != "" && !slices.Contains(consent.BankReasons(), p.Reason):
		return consent.At(consent.CodeFormat, "reason", "is none of the bank's reasons")
	case p.By != "" && !p.By.known():
		return consent.At(consent.CodeFormat, "consentBody.Data.RevokedBy", "is not one of those who revoke")
	case p.Reason != "" && p.By != "" && p.By != RevokedByLFI:
		return consent.At(consent.CodeServiceInvalid, "reason", "is the bank's, and goes with RevokedBy LFI only")
	case p.By != "" && p.Status != consent.Revoked:
		return consent.At(consent.CodeServiceInvalid, "consentBody.Data.RevokedBy", "goes with the status Revoked only")
	case c.Staged == nil && p.staged():
		return consent.E(consent.CodeStatusInvalid, "the consent was not staged by a hub: only its status can be changed")
	default:
		return nil
	}
}

// staged reports whether the change is about what only staged consents have.
func (p Change) staged() bool {
	return p.User != "" || p.Accounts != nil || p.Approvals != nil || p.Required != 0 || p.Extra != nil || p.Token != nil
}

// user is whose consent it is, or becomes.
func (p Change) user(c *consent.Consent) (uuid.UUID, error) {
	if p.User == "" && c.GivenBy == uuid.Nil {
		return uuid.Nil, consent.At(consent.CodeServiceInvalid, "psuIdentifiers", "is required before accounts are named")
	}
	if p.User == "" {
		return c.GivenBy, nil
	}
	user, ok := parse(p.User)
	if !ok {
		return uuid.Nil, errUser()
	}
	return user, nil
}

// noteUse keeps what the bank tells of a consent's use. Nothing is used in the future.
func (s *Staging) noteUse(ctx context.Context, c *consent.Consent, p Change, now time.Time) error {
	at := p.Used
	if c.Kind == consent.Payments {
		at = p.Tried
	}
	if at.IsZero() {
		return nil
	}
	if at.After(now) {
		at = now
	}
	return s.Uses.NoteShared(ctx, map[uuid.UUID]time.Time{c.ID: at})
}

// motion is a change on its way into a consent. It may be applied more than once.
type motion struct {
	Change

	cause consent.Cause
	sight *service.Sight // nil: of one who sees all
	held  *holding       // nil: as it is
	zone  *time.Location
	now   time.Time
}

func (m *motion) apply(c *consent.Consent, h *consent.Holder, log []consent.Payment) error {
	if m.sight != nil && !m.sight.Sees(c) {
		return errUnknown()
	}
	c.Because(m.cause)
	c.Settle(m.now)
	if c.Staged != nil {
		if err := m.amend(c, h); err != nil {
			return err
		}
	}
	c.Because(m.causeOf(c))
	if c.Staged != nil && m.Approvals != nil {
		if err := c.AttachApprovals(m.Required, m.Approvals, m.now); err != nil {
			return err
		}
	}
	return m.move(c, log)
}

// causeOf says in whose name a consent is moved: in that of its user, where they decide.
func (m *motion) causeOf(c *consent.Consent) consent.Cause {
	cause, user := m.cause, giver(c)
	decided := m.Status == consent.Valid && c.Status.Pending() || m.Status == consent.Rejected || m.By.user() || m.Approvals != nil
	if cause.For == "" && decided && user != uuid.Nil {
		cause.For = user.String()
	}
	return cause
}

// amend changes all but the status.
func (m *motion) amend(c *consent.Consent, h *consent.Holder) error {
	if m.held != nil {
		if err := c.AttachPSU(h, m.held.psu, m.held.customer, m.now); err != nil {
			return err
		}
	}
	if m.held != nil && m.held.grants != nil {
		if err := c.AttachAccounts(m.held.grants, m.now); err != nil {
			return err
		}
	}
	extra, token, channel := c.Staged.Extra, c.Staged.Token, c.Staged.Channel
	if m.Extra != nil {
		var err error
		if extra, err = m.Extra(extra); err != nil {
			return err
		}
	}
	if m.Token != nil {
		token = m.Token
	}
	if c.Status.Pending() {
		channel = cmp.Or(m.Channel, channel)
	}
	return c.Amend(extra, token, channel, m.now)
}

// move changes the status.
func (m *motion) move(c *consent.Consent, log []consent.Payment) error {
	if m.Status == c.Status && (c.Status != consent.Suspended || m.Reason == "" || m.Reason == c.Suspension.Reason) {
		return nil // the same again
	}
	switch m.Status {
	case "":
		return nil
	case consent.Valid:
		if c.Status == consent.Suspended {
			return c.TakeUp(log, m.zone, m.now)
		}
		return c.Approve(m.now)
	case consent.Suspended:
		return c.Suspend(cmp.Or(m.Reason, consent.ReasonBank), m.now)
	case consent.Rejected:
		by := consent.ByPSU
		if giver(c) == uuid.Nil {
			by = consent.ByASPSP
		}
		return c.Reject(by, m.now)
	case consent.Revoked:
		return revoke(c, m.By, m.Reason, m.now)
	case consent.Consumed:
		return c.Consume(log, m.zone, m.now)
	case consent.Expired:
		return consent.E(consent.CodeStatusInvalid, "a consent that is %s does not expire before its end", c.Status)
	default:
		return consent.E(consent.CodeStatusInvalid, "a consent that is %s cannot become %s", c.Status, m.Status)
	}
}
