package consent

import (
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Cause is who moves a consent, and by which call. It holds ids, never names.
type Cause struct {
	By Actor
	// Who is the id by which we know them: a TPP's, or ours of a PSU. Empty for
	// the system, and for a PSU who has not been identified yet.
	Who string
	// Certificate is the fingerprint of the certificate that the caller showed;
	// empty where there was none.
	Certificate string
	RequestID   string // X-Request-ID of the call; empty where there was none
	// For is our id of the PSU in whose name a TPP, or a page of the bank's own,
	// acts, once they have authenticated; empty otherwise.
	For string
	// Note is what somebody of the bank's own has written beside the reason of what
	// they did; no names of persons. It stands as the Entry's Operation.
	Note string
}

// Entry is one line of the audit: a change of state, or a call that was
// refused. Entries form chains, one per consent, and one per TPP and day for
// what was refused: each is signed together with the signature of the one before.
type Entry struct {
	Chain string
	Seq   int // from 1, without gaps
	At    time.Time
	Cause
	// Authorisation is whose state changed; zero for the consent's own. The
	// first entry of a consent names the authorisation that was started with it.
	Authorisation uuid.UUID
	From, To      string // empty From: it was made
	// Reason is why a consent ended, or a TPP was blocked, or the code by which a
	// call was refused and, where some were left out before it, how many.
	Reason string
	// Operation is, of a refused call, method and path, the path without ids; of a
	// change of a TPP or a token, two prints of its row, which storage puts there; of
	// what was forwarded, a digest of the document; of an Aside, which members have
	// changed, or the id of the payment and its status; of what the bank's own did besides,
	// their Note.
	Operation string
	MAC       []byte
}

// Signer signs parts for a purpose, with a key that is outside the database.
type Signer interface {
	MAC(purpose string, parts ...[]byte) []byte
}

// Sign is the signature that the entry should have. before is where the chain
// stood before it, see Head; empty for the first entry.
func (e *Entry) Sign(by Signer, before []byte) []byte {
	parts := [][]byte{before}
	for _, text := range []string{
		e.Chain, strconv.Itoa(e.Seq), e.At.UTC().Format(time.RFC3339Nano), string(e.By), e.Who, e.Certificate, e.RequestID, e.For,
		e.Authorisation.String(), e.From, e.To, e.Reason, e.Operation,
	} {
		parts = append(parts, []byte(text))
	}
	return by.MAC("audit", parts...)
}

// Head is where a chain stands after an entry: a signature of the entry's own. It
// is kept apart from the entries and cannot be made of them without the key, so
// that nobody who cuts a chain short can say that it always ended there.
func (e *Entry) Head(by Signer) []byte { return by.MAC("audit head", e.MAC) }

// Aside reports whether an entry tells of something that has left a consent in the
// state in which it was.
func (e *Entry) Aside() bool {
	return e.Reason == string(ReasonAmended) || e.Reason == string(ReasonPayment)
}

// ReasonAdopted is why the chain of a consent that is older than the audit begins
// in the state in which it was found.
const ReasonAdopted = "adopted"

// RefusedChain is the chain of what a TPP was refused on a day.
func RefusedChain(tpp string, day Date) string { return "refused/" + tpp + "/" + day.String() }

// Receipt lets a call that is repeated be answered as it was the first time. It
// is written in the transaction of what the call changed, or not at all.
type Receipt struct {
	Key         Digest // whose call it is, and which
	Fingerprint Digest // what it asked for
	Answer      []byte // sealed
	Expires     time.Time
}

// pending is what is written together with the next save of a consent.
type pending struct {
	cause   Cause
	entries []Entry
	receipt *Receipt
}

// Because says who makes the changes that follow.
func (c *Consent) Because(cause Cause) { c.pending.cause = cause }

// Answered keeps the answer to the call that makes the changes.
func (c *Consent) Answered(r *Receipt) { c.pending.receipt = r }

// TakePending hands over what is to be written together with the consent, and
// forgets it: the audit entries of its changes, without their place in the
// chain, and the receipt of the call, nil if there is none.
func (c *Consent) TakePending() ([]Entry, *Receipt) {
	entries, receipt := c.pending.entries, c.pending.receipt
	c.pending = pending{}
	return entries, receipt
}

// record notes a change of state. What the system does has no other author.
func (c *Consent) record(e Entry, by Actor) {
	e.Chain = c.ID.String()
	e.Cause = c.pending.cause
	if by == BySystem || e.By == "" {
		e.Cause = Cause{By: BySystem, RequestID: e.RequestID}
	}
	switch {
	case by == ByPSU && e.By == ByASPSP && e.For != "":
		// The bank's own page brings the PSU's wish: who it was, and for whom, are kept.
	case by != "" && by != e.By:
		e.By, e.Who = by, "" // the id is the caller's, who only brought it about
	}
	if e.Operation == "" {
		e.Operation = e.Note
	}
	e.Note = ""
	c.pending.entries = append(c.pending.entries, e)
}

// aside notes what leaves the consent in the state in which it is. What one call has
// changed of a consent is one entry.
func (c *Consent) aside(why Reason, what string, now time.Time) {
	state := string(c.Status)
	c.record(Entry{At: later(now, c.StatusChangedAt), From: state, To: state, Reason: string(why), Operation: what}, "")
	all := c.pending.entries
	if n := len(all); why == ReasonAmended && n > 1 {
		last, before := all[n-1], &all[n-2]
		if before.Reason == last.Reason && before.From == last.From && before.Cause == last.Cause && before.At.Equal(last.At) {
			before.Operation += " " + last.Operation
			c.pending.entries = all[:n-1]
		}
	}
}
