package aspsp

import (
	"consentd/internal/consent"
	"consentd/internal/edge"
)

// checkID is what is wrong with the request id that was sent. It may be left out.
func checkID(sent []string) consent.Faults {
	switch {
	case len(sent) == 0 || len(sent) == 1 && edge.IsRequestID(sent[0]):
		return nil
	case len(sent) > 1:
		return consent.Faults{fault("Header."+edge.HeaderRequestID, "must be there once")}
	default:
		return consent.Faults{fault("Header."+edge.HeaderRequestID, "must be a UUID")}
	}
}
