package consent

import (
	"time"

	"github.com/google/uuid"
)

// Forwarded is a consent as a TPP forwards it, which has taken it from the PSU by
// itself (STET part II §4.4, the mixed model): nobody authorises it here, the
// authentication of the connection by which it comes stands for that.
type Forwarded struct {
	TPP, TPPName string
	// PSU is in whose name the TPP calls, and Customer whose accounts they are.
	PSU, Customer uuid.UUID
	// Connection is the one by which it comes; zero where the bank's own OAuth2
	// server has issued the token.
	Connection uuid.UUID
	// SCA is when the PSU was authenticated, and Until when that is worth nothing more.
	SCA, Until time.Time
	// Print is a digest of the document, for the audit.
	Print string
	// Access is what is granted: Asked as the TPP sent it, Grants what that means,
	// Rights those that are of no account.
	Access Access
}

// Forward makes a consent of what a TPP forwards. It is valid at once.
func (p Policy) Forward(id uuid.UUID, f Forwarded, cause Cause, now time.Time) *Consent {
	f.Access.Scope = ScopeDedicated
	c := &Consent{
		ID:              id,
		GroupID:         id,
		Kind:            AccountAccess,
		Rail:            RailSTET,
		TPP:             f.TPP,
		TPPName:         f.TPPName,
		Customer:        f.Customer,
		GivenBy:         f.PSU,
		Connection:      f.Connection,
		Status:          Valid,
		StatusChangedAt: now,
		Access:          f.Access,
		Recurring:       true,
		FrequencyPerDay: p.MaxFrequencyPerDay,
		ValidUntil:      DateOf(f.Until, p.Zone),
		EndsAt:          f.Until,
		AuthoriseBy:     now,
		Approach:        Redirect,
		CreatedAt:       now,
		LastSCA:         f.SCA,
		Version:         1,
	}
	c.Because(cause)
	c.record(Entry{At: now, To: string(Valid), Reason: string(ReasonForwarded), Operation: f.Print}, "")
	return c
}

// Connect makes a connection that is in force at once: where the PSU has been
// authenticated by other means than an authorisation of it.
func (p Policy) Connect(id uuid.UUID, d Draft, psu, customer uuid.UUID, cause Cause, now time.Time) (*Consent, error) {
	c, err := p.New(id, d, cause, now)
	if err != nil {
		return nil, err
	}
	c.GivenBy, c.Customer, c.LastSCA = psu, customer, now
	return c, c.moveTo(Valid, "", "", now)
}

// GiveWay ends a forwarded consent in favour of the next one; nil where the TPP
// forwards that nothing is granted any more, which is a revocation by it (STET part
// II §4.4). One that has ended already stays as it is. Fails with CodeBlocked while
// the bank has suspended it: no TPP gets around that by forwarding another.
func (c *Consent) GiveWay(next *Consent, cause Cause, now time.Time) error {
	c.Settle(now)
	c.Because(cause)
	switch {
	case c.Status.Final():
		return nil
	case c.Status == Suspended:
		return E(CodeBlocked, "the bank has suspended the consent")
	case next == nil:
		return c.Terminate(now)
	}
	if err := c.end(Expired, BySystem, ReasonReplaced, now); err != nil {
		return err
	}
	c.ReplacedBy, next.GroupID = next.ID, c.GroupID
	return nil
}

// Renewal is a newer authentication of the PSU of a forwarded consent.
type Renewal struct {
	// Connection is the one that rests on it; zero where the bank's own OAuth2 server
	// has authenticated the PSU.
	Connection uuid.UUID
	// SCA is when that was, and Until when it is worth nothing more.
	SCA, Until time.Time
}

// Renew lets a forwarded consent rest on a newer authentication of the same PSU by
// the same TPP, and dates it by that. One that is not valid stays as it is, and so
// does one that rests on an authentication as new.
func (p Policy) Renew(c *Consent, by Renewal, cause Cause, now time.Time) {
	c.Settle(now)
	if c.Status != Valid || !by.SCA.After(c.LastSCA) || !by.Until.After(now) {
		return
	}
	c.Connection, c.LastSCA, c.EndsAt, c.ValidUntil = by.Connection, by.SCA, by.Until, DateOf(by.Until, p.Zone)
	c.Because(cause)
	c.record(Entry{At: later(now, c.StatusChangedAt), From: string(Valid), To: string(Valid), Reason: string(ReasonRenewed)}, "")
}

// Drag ends what cannot stand without this consent, now that it has ended: what a
// TPP has forwarded by a connection, with the connection; and with what a PSU or the
// bank has ended of a TPP's forwarded consents, the connections of this PSU with the
// TPP for the customer, so that their tokens open nothing any more. What the TPP
// itself has replaced or taken back leaves its connection alone, and so does time:
// each has a date of its own.
func (c *Consent) Drag(others []*Consent, now time.Time) error {
	if !c.Status.Final() || c.Rail != RailSTET || c.Kind != Connection && c.Ending.By != ByPSU && c.Ending.By != ByASPSP {
		return nil
	}
	for _, o := range others {
		if o.ID == c.ID || !c.drags(o) {
			continue
		}
		if o.Settle(now); !o.Status.Live() {
			continue
		}
		to := Revoked
		if c.Status == Expired {
			to = Expired
		}
		o.Because(c.lastCause())
		if err := o.end(to, c.Ending.By, c.Ending.Reason, now); err != nil {
			return err
		}
	}
	return nil
}

// drags tells whether another consent goes with this one.
func (c *Consent) drags(o *Consent) bool {
	if o.Rail != c.Rail || o.TPP != c.TPP || o.GivenBy != c.GivenBy || o.Customer != c.Customer {
		return false
	}
	if c.Kind == Connection {
		return o.Connection == c.ID
	}
	return o.Kind == Connection
}

// lastCause is who has made the last change.
func (c *Consent) lastCause() Cause {
	if n := len(c.pending.entries); n > 0 {
		return c.pending.entries[n-1].Cause
	}
	return c.pending.cause
}
