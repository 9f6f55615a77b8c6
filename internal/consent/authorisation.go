package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// ScaStatus is where an authorisation stands (XS2A IG 1.3.x, "scaStatus").
type ScaStatus string

// The states of an authorisation.
const (
	ScaReceived         ScaStatus = "received"
	ScaPSUIdentified    ScaStatus = "psuIdentified"
	ScaPSUAuthenticated ScaStatus = "psuAuthenticated"
	ScaMethodSelected   ScaStatus = "scaMethodSelected"
	ScaStarted          ScaStatus = "started"
	ScaUnconfirmed      ScaStatus = "unconfirmed"
	ScaFinalised        ScaStatus = "finalised"
	ScaFailed           ScaStatus = "failed"
	ScaExempted         ScaStatus = "exempted"
)

// ScaTransitions is the state machine of an authorisation: steps may be
// skipped forward, never taken back, and every unfinished one may fail.
func ScaTransitions() map[ScaStatus][]ScaStatus {
	forward := []ScaStatus{
		ScaReceived, ScaPSUIdentified, ScaPSUAuthenticated, ScaMethodSelected, ScaStarted,
		ScaUnconfirmed, ScaFinalised,
	}
	table := map[ScaStatus][]ScaStatus{ScaFinalised: nil, ScaFailed: nil, ScaExempted: nil}
	for i, s := range forward[:len(forward)-1] {
		table[s] = append(slices.Clone(forward[i+1:]), ScaFailed, ScaExempted)
	}
	return table
}

// Final reports whether the state is never left again.
func (s ScaStatus) Final() bool {
	return s == ScaFinalised || s == ScaFailed || s == ScaExempted
}

// Granted reports whether the PSU has authorised.
func (s ScaStatus) Granted() bool { return s == ScaFinalised || s == ScaExempted }

// Approach is how the PSU is reached for authentication.
type Approach string

// The approaches.
const (
	Redirect  Approach = "redirect"
	Decoupled Approach = "decoupled"
	Embedded  Approach = "embedded"
)

// Authorisation is one PSU's attempt to authorise a consent. A consent of a
// company may need several, each by a signer of its own.
type Authorisation struct {
	ID       uuid.UUID
	RunID    uuid.UUID // the flow run that drives it
	Status   ScaStatus
	Approach Approach
	PSU      uuid.UUID // zero until identified
	// Named and Corporate are who the TPP says that the PSU is, and whom they act
	// for, as digests; zero where it said nothing.
	Named, Corporate Digest
	CreatedAt        time.Time
	ChangedAt        time.Time
	// RedirectURI and NokRedirectURI are those of the start, if it had any; the
	// consent's otherwise.
	RedirectURI, NokRedirectURI string
	// Deadline ends an unfinished authorisation as failed.
	Deadline time.Time
}

// moveTo changes the status, or reports that it may not.
func (a *Authorisation) moveTo(to ScaStatus, now time.Time) error {
	if a.Status == to {
		return nil
	}
	if !slices.Contains(ScaTransitions()[a.Status], to) {
		return E(CodeStatusInvalid, "an authorisation that is %s cannot become %s", a.Status, to)
	}
	a.Status, a.ChangedAt = to, later(now, a.ChangedAt)
	return nil
}
