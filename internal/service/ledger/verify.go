package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Chain is a chain of the audit as it is stored, and where it should end.
type Chain struct {
	Name    string
	Entries []consent.Entry
	Count   int
	Head    []byte
	// Consent is the state of the consent whose chain it is; empty for what was refused.
	Consent consent.Status
	// Lost says that nothing is there that the entries could belong to.
	Lost bool
}

// Fault is something that does not add up.
type Fault struct {
	Chain string
	Seq   int // the entry at which it shows; 0 for the chain as a whole
	Text  string
}

func (f Fault) String() string {
	if f.Seq == 0 {
		return f.Chain + ": " + f.Text
	}
	return fmt.Sprintf("%s, entry %d: %s", f.Chain, f.Seq, f.Text)
}

// Verified is how much was looked at.
type Verified struct{ Chains, Entries, Faults int }

// Verify looks at every chain and hands each fault to report.
func (l *Ledger) Verify(ctx context.Context, report func(Fault)) (Verified, error) {
	var v Verified
	err := l.Store.Chains(ctx, func(c Chain) error {
		v.Chains++
		v.Entries += len(c.Entries)
		for _, f := range l.check(c) {
			v.Faults++
			report(f)
		}
		return nil
	})
	return v, err
}

// check finds what is wrong with a chain: an entry that was edited, removed or
// inserted breaks the signatures, one that was cut off the end is missed by the
// count and the last signature that are kept apart, and states that do not
// follow one another were never written by this program.
func (l *Ledger) check(c Chain) []Fault {
	if c.Lost {
		return []Fault{{Chain: c.Name, Text: "entries of a consent, or of a day, that is not there"}}
	}
	var faults []Fault
	if f, ok := l.checkSignatures(c); !ok {
		faults = append(faults, f)
	}
	head := []byte(nil)
	if n := len(c.Entries); n > 0 {
		head = c.Entries[n-1].Head(l.Keys)
	}
	switch {
	case len(c.Entries) != c.Count:
		faults = append(faults, Fault{Chain: c.Name, Text: fmt.Sprintf("%d entries, not %d", len(c.Entries), c.Count)})
	case c.Count == 0:
		faults = append(faults, Fault{Chain: c.Name, Text: "has no entries: nothing is kept without one"})
	case !bytes.Equal(head, c.Head):
		faults = append(faults, Fault{Chain: c.Name, Text: "does not end as its consent, or its day, says"})
	}
	if c.Consent == "" {
		return faults
	}
	return append(faults, checkStates(c)...)
}

// checkSignatures finds the first entry that is not in its place; the others
// after it prove nothing.
func (l *Ledger) checkSignatures(c Chain) (Fault, bool) {
	var before []byte
	for i, e := range c.Entries {
		switch {
		case e.Seq != i+1:
			return Fault{c.Name, e.Seq, fmt.Sprintf("stands where %d should", i+1)}, false
		case !bytes.Equal(e.MAC, e.Sign(l.Keys, before)):
			return Fault{c.Name, e.Seq, "was changed, or put where it does not belong"}, false
		}
		before = e.Head(l.Keys)
	}
	return Fault{}, true
}

// checkStates follows the states through the tables of transitions, up to the
// state in which the consent is stored.
func checkStates(c Chain) []Fault {
	w := walk{sca: map[uuid.UUID]consent.ScaStatus{}}
	var faults []Fault
	for _, e := range c.Entries {
		if !w.goesOn(e) {
			faults = append(faults, Fault{c.Name, e.Seq, fmt.Sprintf("%q cannot follow as %q", e.From, e.To)})
		}
	}
	if w.status != c.Consent {
		faults = append(faults, Fault{Chain: c.Name, Text: fmt.Sprintf("ends as %q, and the consent is %q", w.status, c.Consent)})
	}
	return faults
}

// walk is where the entries so far have brought a consent.
type walk struct {
	status consent.Status
	sca    map[uuid.UUID]consent.ScaStatus
	// made is the authorisation that was started with the consent: the entry for
	// both does not say whether its PSU was named.
	made uuid.UUID
}

// goesOn takes the step of an entry and tells whether it is a legal one.
func (w *walk) goesOn(e consent.Entry) bool {
	if w.status == "" {
		w.status, w.made = consent.Status(e.To), e.Authorisation
		return e.From == "" && w.status == consent.Received
	}
	if e.Authorisation == uuid.Nil {
		from := w.status
		w.status = consent.Status(e.To)
		return e.From == string(from) && slices.Contains(consent.Transitions()[from], w.status)
	}
	from, to := w.sca[e.Authorisation], consent.ScaStatus(e.To)
	w.sca[e.Authorisation] = to
	switch {
	case from != "":
	case e.Authorisation == w.made:
		from = consent.ScaReceived
		if e.From == string(consent.ScaPSUIdentified) {
			from = consent.ScaPSUIdentified
		}
	default:
		return e.From == "" && (to == consent.ScaReceived || to == consent.ScaPSUIdentified)
	}
	return e.From == string(from) && slices.Contains(consent.ScaTransitions()[from], to)
}
