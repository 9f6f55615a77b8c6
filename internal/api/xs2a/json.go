package xs2a

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"consentd/internal/consent"
	"consentd/internal/edge"
)

// object is a JSON object, with values as [edge.ParseObject] gives them.
type object map[string]any

// parseObject reads a body that must be one JSON object.
func parseObject(body []byte) (object, *consent.Error) { return edge.ParseObject(body) }

func index(path string, i int) string { return edge.Element(path, i) }

func fault(path, text string) *consent.Error {
	return &consent.Error{Code: consent.CodeFormat, Path: path, Text: text}
}

// reader takes members out of objects and collects what is wrong with them.
type reader struct {
	faults consent.Faults
	// broken says that a member of access has another type than it must, so that
	// the model cannot be told.
	broken bool
}

func (r *reader) fault(path, text string) { r.faults = append(r.faults, fault(path, text)) }

// member is a value at its path, present or not.
type member struct {
	path    string
	value   any
	present bool
}

// at finds a member of an object that lies at path.
func (o object) at(path, name string) member {
	v, ok := o[name]
	if path != "" {
		name = path + "." + name
	}
	return member{path: name, value: v, present: ok}
}

// must reports whether a member is there, and a fault where it is not.
func (r *reader) must(m member) bool {
	if !m.present {
		r.fault(m.path, "is required")
	}
	return m.present
}

// The readers below return false, and have collected a fault, for a member of
// another type. JSON's null is a type of its own, not an absent member.

func (r *reader) object(m member) (object, bool) {
	o, ok := m.value.(map[string]any)
	if !ok {
		r.fault(m.path, "must be an object")
	}
	return o, ok
}

func (r *reader) list(m member) ([]any, bool) {
	l, ok := m.value.([]any)
	if !ok {
		r.fault(m.path, "must be an array")
	}
	return l, ok
}

func (r *reader) boolean(m member) (value, ok bool) {
	value, ok = m.value.(bool)
	if !ok {
		r.fault(m.path, "must be true or false, not a string or a number")
	}
	return value, ok
}

// integer reads a number written as an integer: 4, neither 4.0 nor 4e0. One
// beyond the machine's range counts as the largest or smallest of it.
func (r *reader) integer(m member) (int, bool) {
	n, ok := m.value.(json.Number)
	if !ok {
		r.fault(m.path, "must be a number, not a string")
		return 0, false
	}
	i, err := strconv.Atoi(string(n))
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		r.fault(m.path, "must be an integer")
		return 0, false
	}
	return i, true
}

// text reads a string that holds something, of at most limit characters, 0 for
// no limit.
func (r *reader) text(m member, limit int) (string, bool) {
	s, ok := m.value.(string)
	switch {
	case !ok:
		r.fault(m.path, "must be a string")
	case strings.TrimSpace(s) == "":
		r.fault(m.path, "must not be empty")
	case !clean(s):
		r.fault(m.path, "must not hold control characters")
	case limit > 0 && utf8.RuneCountInString(s) > limit:
		r.fault(m.path, "must not be longer than "+strconv.Itoa(limit)+" characters")
	default:
		return s, true
	}
	return "", false
}

// optional is text that may be absent.
func (r *reader) optional(m member, limit int) string {
	if !m.present {
		return ""
	}
	s, _ := r.text(m, limit)
	return s
}

// matching is text with a pattern.
func (r *reader) matching(m member, pattern *regexp.Regexp, wrong string) (string, bool) {
	s, ok := r.text(m, 0)
	if ok && !pattern.MatchString(s) {
		r.fault(m.path, wrong)
		return "", false
	}
	return s, ok
}

// clean tells text without control characters, and without the mark that stands
// where a lone surrogate was escaped.
func clean(s string) bool {
	for _, c := range s {
		if c == utf8.RuneError || unsafeRune(c) {
			return false
		}
	}
	return true
}

// unsafeRune tells what changes how the text around it is read: control
// characters, and the marks that turn the direction of writing.
func unsafeRune(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
