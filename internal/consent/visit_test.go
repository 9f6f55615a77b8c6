package consent_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// TestVisit: what a run of no consent authorises follows from the run.
func TestVisit(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	psu := uuid.New()
	for name, x := range map[string]struct {
		change func(*consent.Run)
		status consent.Status
		sca    consent.ScaStatus
	}{
		"nobody yet":  {func(*consent.Run) {}, consent.Received, consent.ScaReceived},
		"a known PSU": {func(r *consent.Run) { r.PSU = psu }, consent.Received, consent.ScaPSUAuthenticated},
		"done":        {func(r *consent.Run) { r.PSU = psu; r.End(consent.RunDone, now) }, consent.Valid, consent.ScaFinalised},
		"refused":     {func(r *consent.Run) { r.End(consent.RunRefused, now) }, consent.Rejected, consent.ScaFailed},
		"locked":      {func(r *consent.Run) { r.End(consent.RunLocked, now) }, consent.Received, consent.ScaFailed},
		"failed":      {func(r *consent.Run) { r.End(consent.RunFailed, now) }, consent.Received, consent.ScaFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := consent.Run{
				ID: uuid.New(), Purpose: consent.ForAction, Authorisation: uuid.New(), CreatedAt: now, OpenBy: now.Add(time.Minute),
			}
			x.change(&r)
			c := r.Visit()
			a, err := c.Authorisation(r.Authorisation)
			require.NoError(t, err)
			require.Equal(t, []any{x.status, x.sca, r.PSU, r.ID, r.OpenBy}, []any{c.Status, a.Status, a.PSU, a.RunID, a.Deadline})
			require.False(t, c.Settle(r.OpenBy.Add(-1)), "nothing is due")
			require.False(t, c.Replaces())
			before := c.Status
			c.Settle(now.AddDate(100, 0, 0))
			require.Equal(t, before, c.Status, "it is the run that ends")
			require.Equal(t, !x.sca.Granted(), a.Status == consent.ScaFailed)
		})
	}
}

// TestVisits tells runs of no consent from all others.
func TestVisits(t *testing.T) {
	t.Parallel()
	for purpose, want := range map[consent.Purpose]bool{
		consent.ForConsent: false, consent.ForGrant: false, consent.ForLogin: true, consent.ForAction: true,
	} {
		require.Equal(t, want, (&consent.Run{Purpose: purpose}).Visits(), purpose)
	}
}

// TestVisitIsAuthorised by whoever is known, alone.
func TestVisitIsAuthorised(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	psu := uuid.New()
	r := consent.Run{ID: uuid.New(), Purpose: consent.ForLogin, CreatedAt: now, OpenBy: now.Add(time.Minute)}
	c := r.Visit()
	require.NoError(t, c.Identify(r.Authorisation, psu, uuid.Nil, now))
	err := c.Authorise(r.Authorisation, consent.Agreement{Signers: []uuid.UUID{uuid.New()}}, now)
	require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
	require.NoError(t, c.Authorise(r.Authorisation, consent.Agreement{Signers: []uuid.UUID{psu}}, now))
	require.Equal(t, consent.Valid, c.Status)
	require.NoError(t, c.Supersede(nil, now))
}
