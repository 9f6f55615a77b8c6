package consent

import (
	"time"

	"github.com/google/uuid"
)

// Visits reports whether the run is of no consent: somebody logs in to the bank's own
// pages, or confirms what they do there.
func (r *Run) Visits() bool { return r.Purpose == ForLogin || r.Purpose == ForAction }

// Visit is what a run of no consent authorises, made up from the run: a consent to
// nothing, of no kind and of nobody's, with the one authorisation that the run
// drives. So the same walk leads to its end. It is never kept; what it becomes
// follows from the run alone.
func (r *Run) Visit() *Consent {
	far := endless().End(time.UTC)
	c := &Consent{
		Status: Received, StatusChangedAt: r.CreatedAt, CreatedAt: r.CreatedAt,
		EndsAt: far, AuthoriseBy: far, Approach: Redirect,
	}
	a := Authorisation{
		ID: r.Authorisation, RunID: r.ID, Status: ScaReceived, Approach: Redirect, PSU: r.PSU,
		CreatedAt: r.CreatedAt, ChangedAt: r.CreatedAt, Deadline: r.Deadline(),
	}
	switch {
	case r.Stage == StageEnded && r.Outcome == RunDone:
		c.Status, a.Status = Valid, ScaFinalised
	case r.Stage == StageEnded && r.Outcome == RunRefused:
		c.Status, a.Status = Rejected, ScaFailed
	case r.Stage == StageEnded:
		a.Status = ScaFailed
	case r.PSU != uuid.Nil:
		a.Status = ScaPSUAuthenticated
	}
	c.Authorisations = []Authorisation{a}
	return c
}
