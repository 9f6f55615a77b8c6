package ledger

import (
	"fmt"
	"strings"

	"consentd/internal/consent"
)

// Row is a TPP or a token as its row says now.
type Row struct {
	State string // in the words of the entries
	// Print is made of every column of the row, so that any other row has another
	// one. Empty: there is no row.
	Print string
}

// betweenPrints stands in no print.
const betweenPrints = ">"

// Step is what the entry of a change of a TPP or a token has as its operation:
// the prints of the row before the change, empty for none, and after it. So the
// row cannot be edited unseen, not even shortly before it is changed.
func Step(before, after string) string { return before + betweenPrints + after }

// course is where the entries so far have brought a row.
type course struct{ state, print string }

// goesOn takes the step of an entry, and says what is wrong with it.
func (c *course) goesOn(e consent.Entry) []Fault {
	was := *c
	before, after, _ := strings.Cut(e.Operation, betweenPrints)
	c.state, c.print = e.To, after
	var faults []Fault
	if e.From != was.state {
		faults = append(faults, Fault{Seq: e.Seq, Text: fmt.Sprintf("%q cannot follow as %q", e.From, e.To)})
	}
	if before != was.print {
		faults = append(faults, Fault{Seq: e.Seq, Text: "the row had been changed since the entry before, or was not there"})
	}
	return faults
}

// ends holds the end of the course against the row.
func (c *course) ends(r Row) []Fault {
	var faults []Fault
	if r.Print == "" {
		return []Fault{{Text: "the row that it tells of is not there"}}
	}
	if r.State != c.state {
		faults = append(faults, Fault{Text: fmt.Sprintf("ends as %q, and the row says %q", c.state, r.State)})
	}
	if r.Print != c.print {
		faults = append(faults, Fault{Text: "the row is not as the last entry left it"})
	}
	return faults
}
