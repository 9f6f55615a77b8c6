package app

import (
	"context"

	"consentd/internal/consent"
	"consentd/internal/obs"
	"consentd/internal/service/access"
)

// decisions are decided by the use case, and counted for the operator.
type decisions struct {
	*access.Access

	watch *obs.Observer
}

// Decide is the use case's.
func (d decisions) Decide(ctx context.Context, q access.Question) (access.Decision, error) {
	decision, err := d.Access.Decide(ctx, q)
	operation, outcome := "unknown", "allowed"
	if q.Operation.Known() {
		operation = string(q.Operation)
	}
	if err != nil {
		outcome = string(consent.CodeOf(err))
	}
	d.watch.Decided(operation, outcome)
	return decision, err
}
