package edge

import (
	"mime"
	"strconv"
	"strings"
)

// Preference is how much a client wants a media type: its q-value in thousandths, 0
// for not at all, and how narrow the range is that allows it, -1 for none.
type Preference struct{ Q, Specificity int }

// Prefers weighs a media type by an Accept header (RFC 9110 §12.5.1). No header, or an
// empty one, takes anything.
func Prefers(accept []string, offered string) Preference {
	header := strings.Join(accept, ",")
	if header == "" {
		header = "*/*"
	}
	p := Preference{Specificity: -1}
	for element := range strings.SplitSeq(header, ",") {
		media, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue // what cannot be read allows nothing
		}
		p.allow(media, offered, quality(params))
	}
	return p
}

// allow takes a media range into account: the narrowest that fits decides.
func (p *Preference) allow(media, offered string, q int) {
	kind, _, _ := strings.Cut(offered, "/")
	specificity := -1
	switch media {
	case offered:
		specificity = 2
	case kind + "/*":
		specificity = 1
	case "*/*":
		specificity = 0
	}
	if specificity > p.Specificity {
		*p = Preference{Q: q, Specificity: specificity}
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
