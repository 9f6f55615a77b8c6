package overview

import (
	"bytes"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// newestFirst orders consents by when they were made.
func newestFirst(a, b *consent.Consent) int {
	if at := b.CreatedAt.Compare(a.CreatedAt); at != 0 {
		return at
	}
	return bytes.Compare(b.ID[:], a.ID[:])
}

// linesOf are consents by the line that they belong to, in their order.
func linesOf(all []*consent.Consent) map[uuid.UUID][]*consent.Consent {
	of := map[uuid.UUID][]*consent.Consent{}
	for _, c := range all {
		of[c.GroupID] = append(of[c.GroupID], c)
	}
	return of
}

// tabs part the consents that have a card, the newest first. Each that counts has one;
// of a line whose newest is over, that one too. All others are told of in the details
// of these.
func tabs(all []*consent.Consent) (current, history []*consent.Consent) {
	began, forwarded := map[uuid.UUID]bool{}, forwardedBy(all)
	for _, c := range all {
		newest := !began[c.GroupID]
		began[c.GroupID] = true
		switch {
		case forwarded.tell(c):
		case !c.Status.Final():
			current = append(current, c)
		case newest:
			history = append(history, c)
		}
	}
	return current, history
}

// holding is who has connected which TPP for whom.
type holding struct {
	tpp           string
	psu, customer uuid.UUID
}

func holdingOf(c *consent.Consent) holding { return holding{c.TPP, c.GivenBy, c.Customer} }

// forwarded are what TPPs have forwarded.
type forwarded map[holding][]*consent.Consent

func forwardedBy(all []*consent.Consent) forwarded {
	by := forwarded{}
	for _, c := range all {
		if c.Rail == consent.RailSTET && c.Kind == consent.AccountAccess {
			by[holdingOf(c)] = append(by[holdingOf(c)], c)
		}
	}
	return by
}

// tell reports whether all that there is to a connection is told with what was forwarded
// by it: one is in force, or the connection is over and had one in its time. Which of
// several connections of a PSU a consent has rested on is not kept, as it moves on to
// the newest.
func (f forwarded) tell(c *consent.Consent) bool {
	if c.Kind != consent.Connection || c.Status == consent.Rejected {
		return false
	}
	for _, x := range f[holdingOf(c)] {
		if c.Status.Final() && (x.Connection == c.ID || together(x, c)) || !c.Status.Final() && !x.Status.Final() {
			return true
		}
	}
	return false
}

// together reports whether a consent was in force during the time of one that is over.
func together(c, over *consent.Consent) bool {
	return c.CreatedAt.Before(over.StatusChangedAt) && (!c.Status.Final() || over.CreatedAt.Before(c.StatusChangedAt))
}
