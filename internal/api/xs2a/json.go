package xs2a

import (
	"bytes"
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

// maxDepth is how deeply a body may be nested; the deepest of ours needs 5.
const maxDepth = 16

// object is a JSON object. A value is one of object, []any, string,
// json.Number, bool and nil.
type object map[string]any

// parseObject reads a body that must be one JSON object: UTF-8, nothing after
// it, no member twice (two readers could take different ones). The fault is nil
// when there is none.
func parseObject(body []byte) (object, *consent.Error) {
	if !utf8.Valid(body) {
		return nil, fault(edge.PathBody, "must be UTF-8")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fault(edge.PathBody, "must be JSON; it breaks at byte "+strconv.FormatInt(syntax.Offset, 10))
		}
		return nil, fault(edge.PathBody, "must be JSON")
	}
	p := parser{json.NewDecoder(bytes.NewReader(body))}
	p.UseNumber()
	v, wrong := p.value("", 0)
	if wrong != nil {
		return nil, wrong
	}
	o, ok := v.(object)
	if !ok {
		return nil, fault(edge.PathBody, "must be a JSON object")
	}
	return o, nil
}

// parser reads JSON that is known to be well formed.
type parser struct{ *json.Decoder }

func (p parser) value(path string, depth int) (any, *consent.Error) {
	token, err := p.Token()
	if err != nil {
		return nil, fault(edge.PathBody, "must be JSON")
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == maxDepth {
		return nil, fault(edge.PathBody, "is nested too deeply")
	}
	if delim == '[' {
		return p.array(path, depth+1)
	}
	return p.object(path, depth+1)
}

func (p parser) array(path string, depth int) (any, *consent.Error) {
	list := []any{}
	for p.More() {
		v, wrong := p.value(index(path, len(list)), depth)
		if wrong != nil {
			return nil, wrong
		}
		list = append(list, v)
	}
	_, _ = p.Token() // the closing bracket
	return list, nil
}

func (p parser) object(path string, depth int) (any, *consent.Error) {
	o := object{}
	for p.More() {
		token, err := p.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, fault(edge.PathBody, "must be JSON")
		}
		if _, twice := o[name]; twice {
			return nil, fault(join(path, name), "must not be there twice")
		}
		v, wrong := p.value(join(path, name), depth)
		if wrong != nil {
			return nil, wrong
		}
		o[name] = v
	}
	_, _ = p.Token() // the closing brace
	return o, nil
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,50}$`)

// join names a member. A name that is none of the standard's is the client's
// own text and stays out of our answers unless it is harmless.
func join(path, name string) string {
	if !plainName.MatchString(name) {
		name = "?"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

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
	o, ok := m.value.(object)
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
