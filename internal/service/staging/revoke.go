package staging

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// RevokedBy is who revokes a consent, and where it was said (Consent Manager API 2.1,
// AERevokedBy).
type RevokedBy string

// Who revokes.
const (
	RevokedByLFI       RevokedBy = "LFI"                 // the bank
	RevokedByTPP       RevokedBy = "TPP"                 // the TPP
	RevokedByUserAtLFI RevokedBy = "LFI.InitiatedByUser" // the customer, at the bank
	RevokedByUserAtTPP RevokedBy = "TPP.InitiatedByUser" // the customer, at the TPP
)

func (r RevokedBy) known() bool {
	return r == RevokedByLFI || r == RevokedByTPP || r.user()
}

// user reports whether the customer has said so.
func (r RevokedBy) user() bool { return r == RevokedByUserAtLFI || r == RevokedByUserAtTPP }

// RevokedByOf is who has revoked a consent that ended so.
func RevokedByOf(e consent.Ending) RevokedBy {
	switch {
	case e.By == consent.ByPSU:
		return RevokedByUserAtLFI
	case e.By == consent.ByTPP && e.Reason == consent.ReasonAtTPP:
		return RevokedByUserAtTPP
	case e.By == consent.ByTPP:
		return RevokedByTPP
	default:
		return RevokedByLFI
	}
}

// Revoke ends a consent. psu is our id of the user who wishes it; empty for nobody in
// particular. reason is one of consent.BankReasons, for the bank alone, or empty. One
// that was revoked before stays as it is, and is no error. The customer ends what stands:
// where the TPP has replaced the consent, or the customer by agreeing to a newer one, it
// is the one in its place that is ended. Fails with CodeNotFound, CodeForbidden for a user whose
// it is not, CodeStatusInvalid for one that has ended otherwise, CodeFormat for a by or
// a reason that is none, and CodeUnavailable when the bank does not answer.
func (s *Staging) Revoke(ctx context.Context, cause consent.Cause, v Viewer, ref string, by RevokedBy, psu string, reason consent.Reason) error {
	c, sight, err := s.see(ctx, v, ref)
	if err != nil {
		return err
	}
	e, err := s.ender(ctx, v, by, psu, reason)
	if err != nil {
		return err
	}
	e.cause, e.sight = cause, sight
	_, err = s.revoke(ctx, c.ID, e)
	return err
}

// revoke ends a consent, or what stands in its place, and tells whether it stood.
func (s *Staging) revoke(ctx context.Context, id uuid.UUID, e *ender) (ended bool, err error) {
	for {
		c, err := s.Store.Amend(ctx, id, e.end)
		if err != nil {
			return false, err
		}
		heir := e.heir(c)
		if heir == uuid.Nil {
			return e.ended, nil
		}
		explain.Note(ctx, "consent %s: stands in its place", heir)
		id = heir
	}
}

// RevokeGroup ends all consents of a line that have not ended, as Revoke does, and
// tells how many they were: none is no error. Fails with CodeNotFound for a line of
// which the viewer sees nothing, CodeServiceInvalid for a name that several TPPs use,
// and as Revoke does; what was ended before a failure stays ended.
func (s *Staging) RevokeGroup(ctx context.Context, cause consent.Cause, v Viewer, group string, by RevokedBy, psu string, reason consent.Reason) (int, error) {
	id, err := s.group(ctx, v, group)
	if err != nil {
		return 0, err
	}
	e, err := s.ender(ctx, v, by, psu, reason)
	if err != nil {
		return 0, err
	}
	e.cause = cause
	if v.User != uuid.Nil {
		sight, err := s.sight(ctx, v.User)
		if err != nil {
			return 0, err
		}
		e.sight = &sight
	}
	members, err := s.members(ctx, id, e.sight)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range members {
		if c.Settle(e.now); c.Status.Final() {
			continue
		}
		ended, err := s.revoke(ctx, c.ID, e)
		if consent.CodeOf(err) == consent.CodeStatusInvalid { // it has ended meanwhile
			continue
		}
		if err != nil {
			return n, err
		}
		if ended {
			n++
		}
	}
	return n, nil
}

// pageOfMembers is how many consents of a line are read at a time.
const pageOfMembers = 100

// members are the consents of a line that are in sight. Fails with CodeNotFound where
// none is.
func (s *Staging) members(ctx context.Context, group uuid.UUID, sight *service.Sight) ([]*consent.Consent, error) {
	l := service.Listing{Group: group, Sight: sight, Kinds: Kinds(), Page: 1, Size: pageOfMembers, Now: s.Now()}
	var all []*consent.Consent
	for {
		found, err := s.Lists.ListConsents(ctx, l)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Consents...)
		if found.Next == nil {
			break
		}
		l.Cursor = found.Next
	}
	if len(all) == 0 {
		return nil, consent.E(consent.CodeNotFound, "no such group")
	}
	return all, nil
}

// ender ends consents, at somebody's wish.
type ender struct {
	cause  consent.Cause
	by     RevokedBy
	reason consent.Reason
	psu    uuid.UUID      // who wishes it; zero for nobody in particular
	theirs service.Sight  // what psu may end
	sight  *service.Sight // the viewer's; nil: of one who sees all
	now    time.Time
	ended  bool // that the last consent stood before
}

// ender finds what is wrong with a wish to revoke, and who wishes it.
func (s *Staging) ender(ctx context.Context, v Viewer, by RevokedBy, psu string, reason consent.Reason) (*ender, error) {
	e := &ender{by: by, reason: reason, psu: v.User, now: s.Now()}
	switch {
	case !by.known():
		return nil, consent.At(consent.CodeFormat, "revokedBy", "is not one of those who revoke")
	case reason != "" && !slices.Contains(consent.BankReasons(), reason):
		return nil, consent.At(consent.CodeFormat, "reason", "is none of the bank's reasons")
	case reason != "" && by != RevokedByLFI:
		return nil, consent.At(consent.CodeServiceInvalid, "reason", "is the bank's, and goes with revokedBy LFI only")
	}
	if psu != "" {
		id, ok := parse(psu)
		if !ok || v.User != uuid.Nil && id != v.User {
			return nil, errRevoker()
		}
		e.psu = id
	}
	if e.psu == uuid.Nil {
		return e, nil
	}
	who, err := s.people(ctx, e.psu)
	if err != nil {
		return nil, err
	}
	if who == nil {
		return nil, errRevoker()
	}
	e.theirs = who.sight
	return e, nil
}

// end is the change that ends a consent. A consent of nobody yet, in a line of nobody
// yet, is anybody's to end who is named.
func (e *ender) end(c *consent.Consent, h *consent.Holder, _ []consent.Payment) error {
	if e.sight != nil && !e.sight.Sees(c) {
		return errUnknown()
	}
	nobodys := giver(c) == uuid.Nil && h.PSU == uuid.Nil
	if e.psu != uuid.Nil && !nobodys && !e.theirs.Sees(c) && h.PSU != e.psu {
		return errRevoker()
	}
	cause := e.cause
	if user := cmp.Or(e.psu, giver(c)); cause.For == "" && e.by.user() && user != uuid.Nil {
		cause.For = user.String()
	}
	c.Because(cause)
	c.Settle(e.now)
	if e.ended = !c.Status.Final(); e.heir(c) != uuid.Nil {
		return nil
	}
	return revoke(c, e.by, e.reason, e.now)
}

// heir is the consent in the place of this one that is ended; zero for none.
func (e *ender) heir(c *consent.Consent) uuid.UUID {
	if !e.by.user() {
		return uuid.Nil
	}
	return c.Heir(e.now)
}

func errRevoker() *consent.Error {
	return consent.At(consent.CodeForbidden, "revokedByPsu.userId", "is not the user whose consent it is")
}

// revoke ends a consent at somebody's wish; where they are not named, the bank's.
func revoke(c *consent.Consent, by RevokedBy, reason consent.Reason, now time.Time) error {
	if c.Status == consent.Revoked {
		return nil
	}
	if c.Status.Final() {
		return consent.E(consent.CodeStatusInvalid, "a consent that is %s cannot become %s", c.Status, consent.Revoked)
	}
	switch by {
	case RevokedByUserAtLFI:
		return c.Withdraw(now)
	case RevokedByUserAtTPP:
		return c.WithdrawAtTPP(now)
	case RevokedByTPP:
		return c.Terminate(now)
	default:
		return c.Revoke(cmp.Or(reason, consent.ReasonBank), now)
	}
}
