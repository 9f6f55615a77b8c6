package xs2a

import (
	"mime"
	"strconv"
	"strings"

	wire "consentd/pkg/xs2a"
)

// preference is how much a client wants a media type: its q-value in
// thousandths, and how narrow the range is that allows it.
type preference struct{ q, specificity int }

// acceptable reports whether an Accept header takes one of the formats of our
// answers.
func acceptable(accept []string) bool {
	plain, problem := preferences(accept)
	return plain.q > 0 || problem.q > 0
}

// prefersProblem reports whether errors shall be application/problem+json: only
// where Accept wants it more than application/json. At the same q-value the type
// that is named wins over one that a wildcard lets in, application/json otherwise.
func prefersProblem(accept []string) bool {
	plain, problem := preferences(accept)
	if problem.q != plain.q {
		return problem.q > plain.q
	}
	return problem.q > 0 && problem.specificity > plain.specificity
}

// preferences weighs our two formats by an Accept header (RFC 9110 §12.5.1). No
// header, or an empty one, takes anything.
func preferences(accept []string) (plain, problem preference) {
	header := strings.Join(accept, ",")
	switch header {
	case "", "*/*", wire.MediaTypeJSON: // what nearly all clients send
		return preference{q: 1000}, preference{}
	}
	plain, problem = preference{specificity: -1}, preference{specificity: -1}
	for element := range strings.SplitSeq(header, ",") {
		media, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue // what cannot be read allows nothing
		}
		q := quality(params)
		plain.allow(media, wire.MediaTypeJSON, q)
		problem.allow(media, wire.MediaTypeProblem, q)
	}
	return plain, problem
}

// allow takes a media range into account: the narrowest that fits decides.
func (p *preference) allow(media, offered string, q int) {
	specificity := -1
	switch media {
	case offered:
		specificity = 2
	case "application/*":
		specificity = 1
	case "*/*":
		specificity = 0
	}
	if specificity > p.specificity {
		*p = preference{q: q, specificity: specificity}
	}
}

// quality reads a q-value in thousandths; one that cannot be read counts as 0.
func quality(params map[string]string) int {
	s, ok := params["q"]
	if !ok {
		return 1000
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if len(fraction) > 3 {
		return 0
	}
	n, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", 3-len(fraction)), 10, 16)
	if err != nil || n > 1000 {
		return 0
	}
	return int(n)
}
