package scenarios

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

var placeholder = regexp.MustCompile(`<(base|uuid|same|consent|former|authorisation|link|confirmation|code:[a-z-]+|today[+-][0-9]+|[^<>]{1,6}\*[0-9]+)>`)

// text fills the placeholders of a text.
func (w *world) text(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(found string) string {
		name := found[1 : len(found)-1]
		if psu, ok := strings.CutPrefix(name, "code:"); ok {
			return w.code(psu)
		}
		if days, ok := strings.CutPrefix(name, "today"); ok {
			n, err := strconv.Atoi(days)
			require.NoError(w.t, err)
			return w.today(n)
		}
		if value, ok := w.named()[name]; ok {
			require.NotEmpty(w.t, value, "%s is not known yet", found)
			return value
		}
		part, times, _ := strings.Cut(name, "*")
		n, err := strconv.Atoi(times)
		require.NoError(w.t, err)
		return strings.Repeat(part, n)
	})
}

func (w *world) named() map[string]string {
	return map[string]string{
		"base": w.program.base, "uuid": uuid.NewString(), "same": w.same, "consent": w.consent, "former": w.former,
		"authorisation": w.authorisation, "link": w.link, "confirmation": w.confirmation,
	}
}

// content is the body of a request with its differences; none where neither has
// any.
func (w *world) content(r request, c Change) io.Reader {
	w.t.Helper()
	if c.Text != nil {
		return strings.NewReader(w.text(*c.Text))
	}
	if r.Body == nil && len(c.Set)+len(c.JSON) == 0 {
		return http.NoBody
	}
	body := w.filled(r.Body)
	for _, path := range c.Without {
		body = w.put(body, path, absent)
	}
	for _, path := range slices.Sorted(maps.Keys(c.Set)) {
		body = w.put(body, path, w.filled(c.Set[path]))
	}
	for _, path := range slices.Sorted(maps.Keys(c.JSON)) {
		body = w.put(body, path, json.RawMessage(c.JSON[path]))
	}
	// json.Marshal would refuse a RawMessage that is no JSON, as it should.
	return strings.NewReader(encoded(w.t, body))
}

// filled copies a value and fills the placeholders in its texts.
func (w *world) filled(v any) any {
	switch v := v.(type) {
	case string:
		return w.text(v)
	case verbatim:
		return json.RawMessage(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = w.filled(v[i])
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name := range v {
			object[name] = w.filled(v[name])
		}
		return object
	default:
		return v
	}
}

var pathPart = regexp.MustCompile(`[^.\[\]]+|\[[0-9]+\]`)

// put sets the member at a path, or removes it, and returns the whole. Objects
// and lists on the way are made where they are missing.
func (w *world) put(in any, path string, value any) any {
	w.t.Helper()
	first := pathPart.FindString(path)
	require.NotEmpty(w.t, first, "cannot read the path %q", path)
	rest := strings.TrimPrefix(path[len(first):], ".")
	if strings.HasPrefix(first, "[") {
		i, err := strconv.Atoi(strings.Trim(first, "[]"))
		require.NoError(w.t, err)
		list, _ := in.([]any)
		for len(list) <= i {
			list = append(list, map[string]any{})
		}
		if rest != "" {
			value = w.put(list[i], rest, value)
		}
		list[i] = value
		return list
	}
	object, ok := in.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	if rest != "" {
		value = w.put(object[first], rest, value)
	}
	if value == absent {
		delete(object, first)
		return object
	}
	object[first] = value
	return object
}

// at finds the member at a path.
func at(in any, path string) (any, bool) {
	for _, part := range pathPart.FindAllString(path, -1) {
		switch v := in.(type) {
		case map[string]any:
			member, ok := v[part]
			if !ok {
				return nil, false
			}
			in = member
		case []any:
			i, err := strconv.Atoi(strings.Trim(part, "[]"))
			if err != nil || i >= len(v) {
				return nil, false
			}
			in = v[i]
		default:
			return nil, false
		}
	}
	return in, true
}
