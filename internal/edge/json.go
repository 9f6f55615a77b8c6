package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"unicode/utf8"

	"consentd/internal/consent"
)

// maxDepth is how deeply a body may be nested; the deepest of ours needs 5.
const maxDepth = 16

// ParseObject reads a body that must be one JSON object: UTF-8, nothing after it, no
// member twice (two readers could take different ones). A value is one of
// map[string]any, []any, string, json.Number, bool and nil. The fault, of CodeFormat,
// is nil when there is none.
func ParseObject(body []byte) (map[string]any, *consent.Error) {
	if !utf8.Valid(body) {
		return nil, malformed(PathBody, "must be UTF-8")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, malformed(PathBody, "must be JSON; it breaks at byte "+strconv.FormatInt(syntax.Offset, 10))
		}
		return nil, malformed(PathBody, "must be JSON")
	}
	p := parser{json.NewDecoder(bytes.NewReader(body))}
	p.UseNumber()
	v, wrong := p.value("", 0)
	if wrong != nil {
		return nil, wrong
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, malformed(PathBody, "must be a JSON object")
	}
	return o, nil
}

// parser reads JSON that is known to be well formed.
type parser struct{ *json.Decoder }

func (p parser) value(path string, depth int) (any, *consent.Error) {
	token, err := p.Token()
	if err != nil {
		return nil, malformed(PathBody, "must be JSON")
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == maxDepth {
		return nil, malformed(PathBody, "is nested too deeply")
	}
	if delim == '[' {
		return p.array(path, depth+1)
	}
	return p.object(path, depth+1)
}

func (p parser) array(path string, depth int) (any, *consent.Error) {
	list := []any{}
	for p.More() {
		v, wrong := p.value(Element(path, len(list)), depth)
		if wrong != nil {
			return nil, wrong
		}
		list = append(list, v)
	}
	_, _ = p.Token() // the closing bracket
	return list, nil
}

func (p parser) object(path string, depth int) (any, *consent.Error) {
	o := map[string]any{}
	for p.More() {
		token, err := p.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, malformed(PathBody, "must be JSON")
		}
		if _, twice := o[name]; twice {
			return nil, malformed(member(path, name), "must not be there twice")
		}
		v, wrong := p.value(member(path, name), depth)
		if wrong != nil {
			return nil, wrong
		}
		o[name] = v
	}
	_, _ = p.Token() // the closing brace
	return o, nil
}

// Element is the path of an element of the array at path.
func Element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,50}$`)

// member is the path of a member. A name that is none of the standard's is the
// client's own text and stays out of our answers unless it is harmless.
func member(path, name string) string {
	if !plainName.MatchString(name) {
		name = "?"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func malformed(path, text string) *consent.Error {
	return &consent.Error{Code: consent.CodeFormat, Path: path, Text: text}
}
