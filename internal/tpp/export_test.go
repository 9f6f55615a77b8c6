package tpp

import (
	"consentd/internal/consent"
	"consentd/pkg/eidas"
)

// Reasons is the table of what is wrong with certificates.
func Reasons() map[eidas.Reason]consent.Code { return reasons }
