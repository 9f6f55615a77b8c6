package tpp

import (
	"context"
	"errors"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/pkg/httpsig"
)

// noted explains why a signature was refused: by which header, and where that is
// the fault, which names it covers and which are missing.
func noted(ctx context.Context, err error) error {
	for _, fault := range edge.Faults(err) {
		explain.Refuse(ctx, "%s: %s", strings.TrimPrefix(fault.Path, "Header."), said{fault})
	}
	return err
}

// said is what is wrong with a signature. It is put together only where somebody
// reads it.
type said struct{ fault *consent.Error }

// String implements fmt.Stringer.
func (s said) String() string {
	e, ok := errors.AsType[*httpsig.Error](s.fault)
	if !ok || len(e.Covered) == 0 {
		return s.fault.Text
	}
	covers := "covers " + strings.Join(e.Covered, ", ") + "; "
	if len(e.Uncovered) > 0 {
		return covers + "missing " + strings.Join(e.Uncovered, ", ")
	}
	return covers + e.Text
}
