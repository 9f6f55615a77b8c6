package xs2a

import (
	"strings"

	"consentd/internal/edge"
	wire "consentd/pkg/xs2a"
)

// acceptable reports whether an Accept header takes one of the formats of our
// answers.
func acceptable(accept []string) bool {
	plain, problem := preferences(accept)
	return plain.Q > 0 || problem.Q > 0
}

// prefersProblem reports whether errors shall be application/problem+json: only
// where Accept wants it more than application/json. At the same q-value the type
// that is named wins over one that a wildcard lets in, application/json otherwise.
func prefersProblem(accept []string) bool {
	plain, problem := preferences(accept)
	if problem.Q != plain.Q {
		return problem.Q > plain.Q
	}
	return problem.Q > 0 && problem.Specificity > plain.Specificity
}

// preferences weighs our two formats by an Accept header. No header, or an empty one,
// takes anything.
func preferences(accept []string) (plain, problem edge.Preference) {
	switch strings.Join(accept, ",") {
	case "", "*/*", wire.MediaTypeJSON: // what nearly all clients send
		return edge.Preference{Q: 1000}, edge.Preference{}
	}
	return edge.Prefers(accept, wire.MediaTypeJSON), edge.Prefers(accept, wire.MediaTypeProblem)
}
