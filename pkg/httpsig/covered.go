package httpsig

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// anyHeader stands in [Profile].Others for every header.
const anyHeader = "*"

// textFor is what is signed (draft-cavage-http-signatures-10 §2.3, and the same in
// ETSI TS 119 182-1 §5.2.8.2): a line for each name, without a line break after
// the last. Fails with the first name of which the message has nothing.
func (m Message) textFor(names []string) (text, absent string) {
	var s strings.Builder
	for i, name := range names {
		value, ok := m.value(name)
		if !ok {
			return "", name
		}
		if i > 0 {
			s.WriteByte('\n')
		}
		s.WriteString(name + ": " + value)
	}
	return s.String(), ""
}

// value is what a name stands for. A value with a line break in it, which HTTP
// does not have, is none: it could pass for another header's line.
func (m Message) value(name string) (value string, ok bool) {
	switch name {
	case requestTarget:
		value, ok = strings.ToLower(m.Method)+" "+m.Target, m.Method != ""
	case "host":
		value, ok = m.Host, m.Host != ""
	default:
		values := m.Header[http.CanonicalHeaderKey(name)]
		if len(values) == 1 {
			value, ok = strings.Trim(values[0], " \t"), true
			break
		}
		trimmed := make([]string, 0, len(values))
		for _, v := range values {
			trimmed = append(trimmed, strings.Trim(v, " \t"))
		}
		value, ok = strings.Join(trimmed, ", "), len(values) > 0
	}
	return value, ok && !strings.ContainsAny(value, "\r\n")
}

// has reports whether the message has something under a name, an empty value too.
func (m Message) has(name string) bool {
	if name == "host" || name == requestTarget {
		_, ok := m.value(name)
		return ok
	}
	return len(m.Header[http.CanonicalHeaderKey(name)]) > 0
}

// coverage is what a profile asks of the names that a signature covers.
type coverage struct{ required, ifPresent, others []string }

// or is c with what it asks where nothing is required, so that a profile that was
// left out lets nothing through.
func (c coverage) or(required, ifPresent []string) coverage {
	if len(c.required) > 0 {
		return c
	}
	c.required = required
	if len(c.ifPresent) == 0 {
		c.ifPresent = ifPresent
	}
	return c
}

// check judges the names that a signature of m covers. Its answer is what is wrong
// with them, or empty, and the names that are missing.
func (c coverage) check(m Message, names []string) (wrong string, missing []string) {
	for _, name := range c.required {
		if !slices.Contains(names, name) {
			wrong = cmp.Or(wrong, "must cover "+name)
			missing = append(missing, name)
		}
	}
	for _, name := range c.ifPresent {
		if m.has(name) && !slices.Contains(names, name) {
			wrong = cmp.Or(wrong, fmt.Sprintf("must cover %s, which the message has", name))
			missing = append(missing, name)
		}
	}
	if wrong != "" || slices.Contains(c.others, anyHeader) {
		return wrong, missing
	}
	for _, name := range names {
		if !slices.Contains(c.required, name) && !slices.Contains(c.ifPresent, name) && !slices.Contains(c.others, name) {
			return "must not cover " + name, nil
		}
	}
	return "", nil
}

// covering adds to a fault of a signature which names it covers.
func covering(err error, names []string) error {
	if e, ok := As(err); ok {
		e.Covered = names
	}
	return err
}

// names are those to cover in signing m: all that are required, and those of
// ifPresent that m has.
func (c coverage) names(m Message) []string {
	names := slices.Clone(c.required)
	for _, name := range c.ifPresent {
		if m.has(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
