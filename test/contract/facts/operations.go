package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// described are the paths that the table is about, by their beginnings.
var described = []string{"/v1/consents", "/v1/funds-confirmations", "/v2/consents/confirmation-of-funds"}

// add distils a description into the table.
func (t table) add(doc *openapi3.T) {
	for path, item := range doc.Paths.Map() {
		if !slices.ContainsFunc(described, func(start string) bool { return path == start || strings.HasPrefix(path, start+"/") }) {
			continue
		}
		for method, op := range item.Operations() {
			t.addOperation(method+" "+path, slices.Concat(item.Parameters, op.Parameters), op)
		}
	}
}

func (t table) addOperation(name string, parameters openapi3.Parameters, op *openapi3.Operation) {
	var headers []string
	for _, p := range parameters {
		if p.Value.In == openapi3.ParameterInHeader {
			headers = append(headers, line(p.Value.Name, p.Value.Required, p.Value.Schema))
		}
	}
	t[section{name, "headers"}] = sorted(headers)
	if op.RequestBody != nil {
		// Whether a body is required is left out: the official descriptions don't say, and mean it.
		t.addContent(name, "request ", op.RequestBody.Value.Content)
	}
	for status, answer := range op.Responses.Map() {
		t.addAnswer(name, status, answer.Value)
	}
}

func (t table) addAnswer(name, status string, answer *openapi3.Response) {
	var headers []string
	for header, h := range answer.Headers {
		headers = append(headers, line(header, h.Value.Required, h.Value.Schema))
	}
	t[section{name, status + " headers"}] = sorted(headers)
	t.addContent(name, status+" ", answer.Content)
}

func (t table) addContent(name, prefix string, content openapi3.Content) {
	for kind, media := range content {
		var lines []string
		body := memberOf(media.Schema.Value)
		body.walk("", func(path string, m *member) { lines = append(lines, path+m.words()) })
		t[section{name, prefix + kind}] = sorted(lines)
	}
}

// line is a header as the table holds it.
func line(name string, required bool, schema *openapi3.SchemaRef) string {
	m := &member{}
	if schema != nil {
		m = memberOf(schema.Value)
	}
	if slices.Equal(m.enum, []string{"false", "true"}) {
		// In a header, the word and the boolean are the same.
		m.types, m.enum = []string{"boolean"}, nil
	}
	m.required = required
	return name + m.words()
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return slices.Compact(lines)
}

// walk visits all members below this one; what is forbidden everywhere is none.
func (m *member) walk(path string, visit func(string, *member)) {
	if m.items != nil {
		m.items.walk(path+"[]", visit)
	}
	for _, name := range slices.Sorted(maps.Keys(m.members)) {
		child := m.members[name]
		if child.forbidden {
			continue
		}
		below := strings.TrimPrefix(path+"."+name, ".")
		visit(below, child)
		if !child.isLink() {
			child.walk(below, visit)
		}
	}
}

// isLink tells an object that has an address and nothing else.
func (m *member) isLink() bool { return len(m.members) == 1 && m.members["href"] != nil }

const enumOf = "enum="

// words are what the table says of a member besides its name.
func (m *member) words() string {
	var b strings.Builder
	if m.required {
		b.WriteString(" required")
	}
	if m.isLink() {
		return b.String() + " link"
	}
	for _, t := range m.types {
		b.WriteString(" " + t)
		if t == "array" && m.items != nil {
			b.WriteString(":" + strings.Join(m.items.types, ","))
		}
	}
	if m.maxLength != nil {
		fmt.Fprintf(&b, " max=%d", *m.maxLength)
	}
	if len(m.enum) > 0 {
		b.WriteString(" " + enumOf + strings.Join(m.enum, ","))
	}
	return b.String()
}
