package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Staged is what a hub has staged of a consent, for a TPP that has asked the hub and
// not the bank (rail manager). What the hub and the bank know of it by way of their
// dialect, and nobody else reads, travels in Origin and Extra.
type Staged struct {
	// Reference is the TPP's own name for the consent; no two of a TPP have the same.
	Reference string
	Request   []byte // what was asked for, to the byte; never changes
	Origin    []byte // how it came: JSON of the dialect; never changes
	Extra     []byte // what the bank has added: JSON of the dialect; may be empty
	// Permissions are the codes as they were asked for.
	Permissions []string
	// OnBehalfOf is the trading name of whom the TPP serves, for people; may be empty.
	OnBehalfOf string
	// Payment says which payments may be made; nil unless the kind is Payments.
	Payment *PaymentTerms
	// Channel is by which the customer has decided: App or Web; empty before.
	Channel string
	// Approvals are those of who must agree, Required of them; none where one alone does.
	Approvals []Approval
	Required  int
	// Token is what the hub shows when it has the bank carry out a payment, sealed.
	Token []byte
	// ChangedAt is when the hub or the bank changed any of it last; zero before.
	ChangedAt time.Time
}

// Approval is how one of several who must agree has decided.
type Approval struct {
	ID    string        `json:"id"`
	Type  string        `json:"type,omitempty"`
	State ApprovalState `json:"state"`
	At    time.Time     `json:"at,omitzero"`
}

// ApprovalState is what somebody has decided.
type ApprovalState string

// The states of an approval.
const (
	ApprovalPending  ApprovalState = "pending"
	ApprovalGiven    ApprovalState = "approved"
	ApprovalRejected ApprovalState = "rejected"
)

// Staging is a consent as a hub stages it.
type Staging struct {
	Kind         Kind // AccountAccess or Payments
	TPP, TPPName string
	Group        uuid.UUID // that of the consent which it goes on with; zero begins a line
	Rights       Rights    // on each account that the customer will choose; none for payments
	EndsAt       time.Time
	AuthoriseBy  time.Time // zero: until EndsAt
	Staged       Staged
}

// maxStagedYears is for how long a staged consent may be valid.
const maxStagedYears = 1

// Stage makes a consent of what a hub stages. Nobody has agreed to it yet, and it is
// no customer's. Fails with Faults of CodeFormat for an end that is over, or more than
// a year away.
func (p Policy) Stage(id uuid.UUID, s Staging, cause Cause, now time.Time) (*Consent, error) {
	switch {
	case !now.Before(s.EndsAt):
		return nil, Faults{At(CodeFormat, "consent.ExpirationDateTime", "must be in the future")}
	case s.EndsAt.After(now.AddDate(maxStagedYears, 0, 0)):
		return nil, Faults{At(CodeFormat, "consent.ExpirationDateTime", "must be at most one year from now")}
	case !s.AuthoriseBy.IsZero() && !now.Before(s.AuthoriseBy):
		return nil, Faults{At(CodeFormat, "consent.AuthorizationExpirationDateTime", "must be in the future")}
	}
	// One that nobody has agreed to is rejected in the end, and never expires.
	by := s.EndsAt.Add(-time.Microsecond)
	if !s.AuthoriseBy.IsZero() && s.AuthoriseBy.Before(by) {
		by = s.AuthoriseBy
	}
	if s.Group == uuid.Nil {
		s.Group = id
	}
	staged := s.Staged
	c := &Consent{
		ID: id, GroupID: s.Group, Kind: s.Kind, Rail: RailManager, TPP: s.TPP, TPPName: s.TPPName,
		Status: Received, StatusChangedAt: now, Access: Access{Scope: ScopeDedicated, Rights: s.Rights},
		Recurring: true, ValidUntil: DateOf(s.EndsAt, p.Zone), EndsAt: s.EndsAt, AuthoriseBy: by,
		Approach: Redirect, CreatedAt: now, Staged: &staged, Version: 1,
	}
	c.Because(cause)
	c.record(Entry{At: now, To: string(Received)}, "")
	return c, nil
}

// Holder is who a line of staged consents belongs to: a PSU, from the first of them
// that was given to one. Zero for nobody yet.
type Holder struct{ PSU uuid.UUID }

// AttachPSU says whose consent a staged one is, and for which customer they act: that
// may still be another while no accounts are attached. The same again is no error. Fails
// with CodeForbidden where it is, or its line is, another PSU's already, and with
// CodeStatusInvalid for one that has ended or that opens accounts of another customer.
func (c *Consent) AttachPSU(h *Holder, psu, customer uuid.UUID, now time.Time) error {
	switch {
	case c.GivenBy == psu && c.Customer == customer:
		return nil
	case c.Status.Final():
		return E(CodeStatusInvalid, "the consent is %s", c.Status)
	case c.GivenBy != uuid.Nil && c.GivenBy != psu, h.PSU != uuid.Nil && h.PSU != psu:
		return At(CodeForbidden, "psuIdentifiers.userId", "is not the user to whom the consent, or its group, belongs")
	case len(c.Access.Grants) > 0:
		return At(CodeStatusInvalid, "accountIds", "cannot be changed: the consent opens accounts of another customer")
	}
	h.PSU, c.GivenBy, c.Customer = psu, psu, customer
	c.amended("psuIdentifiers", now)
	return nil
}

// AttachAccounts says which accounts a staged consent opens, while it waits to be
// agreed to. The same again is no error. Fails with CodeStatusInvalid for others after
// that, or where accounts were attached before.
func (c *Consent) AttachAccounts(grants []Grant, now time.Time) error {
	if sameGrants(c.Access.Grants, grants) {
		return nil
	}
	switch {
	case !c.Status.Pending():
		return At(CodeStatusInvalid, "accountIds", "cannot be changed: the consent is %s", c.Status)
	case len(c.Access.Grants) > 0:
		return At(CodeStatusInvalid, "accountIds", "cannot be changed: other accounts were named before")
	}
	c.Access.Grants = grants
	c.amended("accountIds", now)
	return nil
}

// pathApprovals is where a hub says who must agree.
const pathApprovals = "consentBody.Meta.MultipleAuthorizers"

// AttachApprovals says how those have decided who must agree, required of them; zero
// where that is not said: then it stays, and is all of them at first. Those who are not
// named again stay as they were. One who rejects ends the consent, and it is partially
// authorised as soon as one has agreed; whether all have is for Approve to judge. The
// same again is no error. Fails with CodeFormat where one who has agreed has no id, or
// one stands there twice, and with CodeStatusInvalid where fewer shall have to agree than
// before, one who has agreed would have not, or the consent waits for nobody.
func (c *Consent) AttachApprovals(required int, approvals []Approval, now time.Time) error {
	s := c.Staged
	all, err := s.merge(approvals)
	if err != nil {
		return err
	}
	switch {
	case required == 0 && s.Required == 0:
		required = len(all)
	case required == 0:
		required = s.Required
	}
	if required == s.Required && slices.Equal(all, s.Approvals) {
		return nil
	}
	switch {
	case !c.Status.Pending():
		return At(CodeStatusInvalid, pathApprovals, "cannot be changed: the consent is %s", c.Status)
	case required < s.Required:
		return At(CodeStatusInvalid, pathApprovals+".TotalRequired", "cannot become less than %d", s.Required)
	}
	s.Required, s.Approvals = required, all
	c.amended("MultipleAuthorizers", now)
	if slices.ContainsFunc(all, func(a Approval) bool { return a.State == ApprovalRejected }) {
		return c.end(Rejected, ByPSU, ReasonRefused, now)
	}
	if c.approved() > 0 && c.Status == Received {
		return c.moveTo(PartiallyAuthorised, "", "", now)
	}
	return nil
}

// merge brings what is said into the approvals that are known. Those without an id
// cannot be told apart: they are as many as are said now.
func (s *Staged) merge(said []Approval) ([]Approval, error) {
	all := slices.DeleteFunc(slices.Clone(s.Approvals), func(a Approval) bool { return a.ID == "" && len(said) > 0 })
	seen := map[string]bool{}
	for _, a := range said {
		if seen[a.ID] && a.ID != "" || a.ID == "" && a.State == ApprovalGiven {
			return nil, At(CodeFormat, pathApprovals+".Authorizations", "must each have an AuthorizerId of their own")
		}
		seen[a.ID] = true
		i := slices.IndexFunc(all, func(known Approval) bool { return a.ID != "" && known.ID == a.ID })
		switch {
		case i < 0:
			all = append(all, a)
		case all[i].State == ApprovalGiven && a.State != ApprovalGiven:
			return nil, At(CodeStatusInvalid, pathApprovals+".Authorizations", "cannot take back that somebody has approved")
		default:
			all[i] = a
		}
	}
	return all, nil
}

// Approve makes a staged consent valid: the customer has agreed. Fails with
// CodeServiceInvalid while it lacks a PSU, accounts, or one who must agree, and with
// CodeStatusInvalid where it waits for nobody.
func (c *Consent) Approve(now time.Time) error {
	switch {
	case c.Staged == nil:
		return E(CodeStatusInvalid, "the consent is authorised by its PSU, not by a hub")
	case !c.Status.Pending():
		return E(CodeStatusInvalid, "a consent that is %s cannot become %s", c.Status, Valid)
	case c.GivenBy == uuid.Nil:
		return At(CodeServiceInvalid, "psuIdentifiers", "is required before the consent can be authorized")
	case len(c.Access.Grants) == 0:
		return At(CodeServiceInvalid, "accountIds", "is required before the consent can be authorized")
	case c.approved() < c.Staged.Required:
		return At(CodeServiceInvalid, pathApprovals, "%d of %d have approved", c.approved(), c.Staged.Required)
	}
	if err := c.moveTo(Valid, "", "", now); err != nil {
		return err
	}
	c.LastSCA = later(now, c.LastSCA)
	return nil
}

func (c *Consent) approved() int {
	n := 0
	for _, a := range c.Staged.Approvals {
		if a.State == ApprovalGiven {
			n++
		}
	}
	return n
}

// Reject ends a staged consent to which the customer, or the bank, has said no. Fails
// with CodeStatusInvalid for one that waits for nobody.
func (c *Consent) Reject(by Actor, now time.Time) error {
	switch {
	case c.Staged == nil:
		return E(CodeStatusInvalid, "the consent is authorised, or refused, by its PSU, not by a hub")
	case !c.Status.Pending():
		return E(CodeStatusInvalid, "a consent that is %s cannot become %s", c.Status, Rejected)
	}
	return c.end(Rejected, by, ReasonRefused, now)
}

// WithdrawAtTPP ends the consent at the customer's wish, who has said so at the TPP.
// One that has ended stays as it is.
func (c *Consent) WithdrawAtTPP(now time.Time) error { return c.revoke(ByTPP, ReasonAtTPP, now) }

// Amend replaces what the bank has added, and by which channel the customer decides.
// One that has ended takes nothing more: CodeStatusInvalid.
func (c *Consent) Amend(extra, token []byte, channel string, now time.Time) error {
	s := c.Staged
	if channel == s.Channel && string(extra) == string(s.Extra) && string(token) == string(s.Token) {
		return nil
	}
	if c.Status.Final() {
		return E(CodeStatusInvalid, "the consent is %s", c.Status)
	}
	if channel != s.Channel {
		c.amended("authorizationChannel", now)
	}
	if string(token) != string(s.Token) {
		c.amended("ConnectToken", now)
	}
	if string(extra) != string(s.Extra) {
		c.amended("supplementary", now)
	}
	s.Extra, s.Token, s.Channel = extra, token, channel
	return nil
}

// amended notes when something about the consent has changed besides its status, and
// what it was: not what it says.
func (c *Consent) amended(member string, now time.Time) {
	if c.Staged != nil {
		c.Staged.ChangedAt = later(now, c.UpdatedAt())
	}
	c.aside(ReasonAmended, member, now)
}
