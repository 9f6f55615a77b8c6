package xs2a

import (
	"slices"

	"consentd/internal/consent"
)

// CodesOf lists the codes of the domain that are answered with one of these
// statuses.
func CodesOf(statuses ...int) []consent.Code {
	var codes []consent.Code
	for code, m := range messages {
		if slices.Contains(statuses, m.status) {
			codes = append(codes, code)
		}
	}
	return codes
}
