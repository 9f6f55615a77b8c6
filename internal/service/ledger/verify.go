package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Chain is a chain of the audit as it is stored, and where it should end. A long
// one comes in pieces, one after the other, that differ in Entries and More only.
type Chain struct {
	Name    string
	Entries []consent.Entry // those that follow the ones of the piece before
	More    bool            // whether there is another piece
	Count   int             // of the whole chain
	Head    []byte
	// Consent is the state of the consent whose chain it is; empty for what was
	// refused, and for the chains of TPPs and tokens.
	Consent consent.Status
	// Row is what the chain of a TPP or a token tells of; nil for all others, and
	// for those that stand for a row without a chain.
	Row *Row
	// Lost says that nothing is there that the entries could belong to. They may
	// be left out then.
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
type Verified struct {
	Chains, Entries, Faults int
	// Digest is made of the name of every chain, its count and its end: it is
	// another one as soon as anything was added or taken away.
	Digest []byte
}

// Verify looks at every chain, and at the rows of TPPs and tokens, and hands each
// fault to report. What it reads is held against the database itself, so that it
// cannot find out where a consent, a TPP, a token or a day of refusals was set
// back or removed together with everything that refers to it: its row, its
// entries, and the row that says where they end. The digest shows that, to who has
// kept the one of that state elsewhere.
func (l *Ledger) Verify(ctx context.Context, report func(Fault)) (Verified, error) {
	v := Verified{Digest: l.Keys.MAC("audit digest")}
	i := l.inspect()
	err := l.Store.Chains(ctx, func(c Chain) error {
		v.Entries += len(c.Entries)
		i.read(c)
		if c.More {
			return nil
		}
		v.Chains++
		v.Digest = l.Keys.MAC("audit digest", v.Digest, []byte(c.Name), []byte(strconv.Itoa(c.Count)), c.Head, []byte(strconv.Itoa(i.seen)))
		for _, f := range i.faults(c) {
			v.Faults++
			report(f)
		}
		i = l.inspect()
		return nil
	})
	return v, err
}

// inspection finds what is wrong with a chain: an entry that was edited, removed
// or inserted breaks the signatures, one that was cut off the end is missed by
// the count and the last signature that are kept apart, and states that do not
// follow one another were never written by this program.
type inspection struct {
	by     consent.Signer
	seen   int
	last   consent.Entry
	before []byte // where the chain stood before the next entry
	// broken is the first entry that is not in its place: those after it prove
	// nothing.
	broken *Fault
	walk   walk
	course course
	steps  []Fault // that neither could take
}

func (l *Ledger) inspect() *inspection {
	return &inspection{by: l.Keys, walk: walk{sca: map[uuid.UUID]consent.ScaStatus{}}}
}

// read takes the entries that follow.
func (i *inspection) read(c Chain) {
	for _, e := range c.Entries {
		i.seen++
		if i.broken == nil {
			i.broken = i.misplaced(e)
			i.before = e.Head(i.by)
		}
		if c.Consent != "" && !i.walk.goesOn(e) {
			i.steps = append(i.steps, Fault{Seq: e.Seq, Text: fmt.Sprintf("%q cannot follow as %q", e.From, e.To)})
		}
		if c.Row != nil {
			i.steps = append(i.steps, i.course.goesOn(e)...)
		}
		i.last = e
	}
}

func (i *inspection) misplaced(e consent.Entry) *Fault {
	switch {
	case e.Seq != i.seen:
		return &Fault{Seq: e.Seq, Text: fmt.Sprintf("stands where %d should", i.seen)}
	case !bytes.Equal(e.MAC, e.Sign(i.by, i.before)):
		return &Fault{Seq: e.Seq, Text: "was changed, or put where it does not belong"}
	default:
		return nil
	}
}

// faults are those of a chain whose entries have all been read.
func (i *inspection) faults(c Chain) []Fault {
	var list []Fault
	say := func(f Fault) { f.Chain = c.Name; list = append(list, f) }
	if c.Lost {
		say(Fault{Text: "entries of something that is not there, or does not say where they end"})
		return list
	}
	if i.broken != nil {
		say(*i.broken)
	}
	switch {
	case i.seen != c.Count:
		say(Fault{Text: fmt.Sprintf("%d entries, not %d", i.seen, c.Count)})
	case c.Count == 0:
		say(Fault{Text: "has no entries: nothing is kept without one"})
	case !bytes.Equal(i.last.Head(i.by), c.Head):
		say(Fault{Text: "does not end where it is said to"})
	}
	for _, f := range i.steps {
		say(f)
	}
	if i.walk.status != c.Consent {
		say(Fault{Text: fmt.Sprintf("ends as %q, and the consent is %q", i.walk.status, c.Consent)})
	}
	if c.Row != nil {
		for _, f := range i.course.ends(*c.Row) {
			say(f)
		}
	}
	return list
}

// walk is where the entries so far have brought a consent, through the tables of
// transitions.
type walk struct {
	status consent.Status
	sca    map[uuid.UUID]consent.ScaStatus
	// made is the authorisation that was started with the consent: the entry for
	// both does not say whether its PSU was named.
	made uuid.UUID
	// adopted says that the consent is older than its chain, and may have
	// authorisations that are as well.
	adopted bool
	// forwarded says that a TPP has brought the consent, which is valid at once and
	// may be renewed.
	forwarded bool
}

// goesOn takes the step of an entry and tells whether it is a legal one.
func (w *walk) goesOn(e consent.Entry) bool {
	if w.status == "" {
		return w.begins(e)
	}
	if w.renews(e) {
		return true
	}
	if e.Aside() && e.Authorisation == uuid.Nil {
		return w.stays(e)
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
	case w.adopted && e.From != "":
		from = consent.ScaStatus(e.From)
	default:
		return e.From == "" && (to == consent.ScaReceived || to == consent.ScaPSUIdentified)
	}
	return e.From == string(from) && slices.Contains(consent.ScaTransitions()[from], to)
}

func (w *walk) begins(e consent.Entry) bool {
	w.status, w.made = consent.Status(e.To), e.Authorisation
	w.adopted = e.Reason == consent.ReasonAdopted && e.By == consent.BySystem
	if w.adopted {
		_, known := consent.Transitions()[w.status]
		return e.From == "" && known
	}
	w.forwarded = e.Reason == string(consent.ReasonForwarded) && e.By == consent.ByTPP
	if w.forwarded {
		return e.From == "" && w.status == consent.Valid && e.Authorisation == uuid.Nil
	}
	return e.From == "" && w.status == consent.Received
}

// stays tells whether an entry leaves the consent where it is, and may: one that has
// ended is not amended, and none is paid by before it was valid.
func (w *walk) stays(e consent.Entry) bool {
	may := !w.status.Final()
	if e.Reason == string(consent.ReasonPayment) {
		may = !w.status.Pending()
	}
	return may && e.From == string(w.status) && e.To == e.From
}

// renews tells whether an entry has a valid consent go on as it is.
func (w *walk) renews(e consent.Entry) bool {
	return w.forwarded && w.status == consent.Valid && e.Authorisation == uuid.Nil &&
		e.From == string(consent.Valid) && e.To == string(consent.Valid) && e.Reason == string(consent.ReasonRenewed)
}
