package access

import (
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// Bare counts a read that takes no consent but is as often allowed as one that does:
// the list of accounts that a dialect shows before any (STET, mixed model). Quota
// is that of [QuotaOf]. Fails with a Denial of CodeTooOften where none is left.
func (a *Access) Bare(ctx context.Context, q Question, perDay int) error {
	if q.Attended {
		explain.Note(ctx, "quota: not counted, the PSU is there")
		return nil
	}
	r := &reading{Access: a, q: q, now: a.Now(), c: &consent.Consent{Recurring: true, FrequencyPerDay: perDay}}
	_, _, err := r.countDay(ctx, r.counted([]Account{{Key: uuid.Nil}}))
	return noted(ctx, err)
}
