package httpsig

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// anyRest ends the name of a [Profile] that stands for every name that begins so.
const anyRest = "*"

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
	for _, name := range c.present(m) {
		if !slices.Contains(names, name) {
			wrong = cmp.Or(wrong, fmt.Sprintf("must cover %s, which the message has", name))
			missing = append(missing, name)
		}
	}
	if wrong != "" || slices.Contains(c.others, anyRest) {
		return wrong, missing
	}
	for _, name := range names {
		if !slices.Contains(c.required, name) && !among(name, c.ifPresent) && !among(name, c.others) {
			return "must not cover " + name, nil
		}
	}
	return "", nil
}

// among reports whether a name is one of those, or begins as one that ends in *.
func among(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, anyRest)
		return name == pattern || open && strings.HasPrefix(name, prefix)
	})
}

// present are the names of ifPresent that m has; those that begin alike in the
// order of the alphabet.
func (c coverage) present(m Message) []string {
	var found []string
	for _, name := range c.ifPresent {
		prefix, open := strings.CutSuffix(name, anyRest)
		if !open {
			if m.has(name) {
				found = append(found, name)
			}
			continue
		}
		from := len(found)
		for key := range m.Header {
			if key = strings.ToLower(key); strings.HasPrefix(key, prefix) && m.has(key) {
				found = append(found, key)
			}
		}
		slices.Sort(found[from:])
	}
	return found
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
	for _, name := range c.present(m) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
