package docs

import (
	"fmt"
	"strings"
	"unicode"
)

// Row is one header, parameter or member, with the members below it.
type Row struct {
	Name     string
	Type     string
	Required bool
	Text     []Paragraph
	Facts    []Fact
	Values   []Value
	// Inner describes one item of a list.
	Inner    []Paragraph
	Rows     []Row
	Choice   string
	Variants []Row
}

// Fact is one rule about a value.
type Fact struct{ Label, Value string }

// Value is one of those that an enumeration allows, and what it means.
type Value struct {
	Name string
	Text Paragraph
}

// Nested says whether there is something to unfold.
func (r Row) Nested() bool { return len(r.Rows) > 0 || len(r.Variants) > 0 }

// parameterRow shows a parameter or a response header.
func parameterRow(name string, p node) Row {
	schema := p.get("schema")
	for _, media := range p.get("content").members() { // of one that holds JSON
		schema = media.get("schema")
	}
	row := schemaRow(name, schema)
	row.Required = p.get("required").value == true
	if text := p.get("description").str(); text != "" {
		row.Text = paragraphs(text)
	}
	if example := p.get("example").str(); example != "" {
		row.Facts = append(row.Facts, Fact{"example", example})
	}
	return row
}

func schemaRow(name string, schema node) Row {
	s := schema.expand()
	row := Row{
		Name:  name,
		Type:  typeOf(s),
		Text:  paragraphs(s.get("description").str()),
		Facts: facts(s),
	}
	// A list is shown by what it holds; it can't hold lists in our descriptions.
	if items := s.get("items"); items.exists() {
		s = items.expand()
		row.Facts = append(row.Facts, facts(s)...)
		row.Inner = paragraphs(s.get("description").str())
	}
	row.Values = values(s)
	row.Rows = memberRows(s)
	row.Choice, row.Variants = variants(s)
	if names, plain := onlyNames(row.Variants); plain {
		row.Facts = append(row.Facts, Fact{row.Choice, strings.ToLower(strings.Join(names, ", "))})
		row.Choice, row.Variants = "", nil
	}
	return row
}

func memberRows(s node) []Row {
	required := map[string]bool{}
	for _, name := range s.get("required").strs() {
		required[name] = true
	}
	var rows []Row
	for _, m := range s.get("properties").members() {
		// A variant may only narrow a member that its parent describes; that is said
		// in the variant's words.
		if !m.get("type").exists() && !m.get(refKey).exists() {
			continue
		}
		row := schemaRow(m.name, m.node)
		row.Required = required[m.name]
		rows = append(rows, row)
	}
	return rows
}

// variants are the named alternatives of a schema. Those without a title, or a
// name to refer to them, are mere conditions, which the description says in words.
func variants(s node) (string, []Row) {
	for _, choice := range []struct{ key, text string }{{"oneOf", "exactly one of"}, {"anyOf", "any of"}} {
		var rows []Row
		for _, part := range s.get(choice.key).items() {
			title := part.get("title").str()
			if title == "" {
				title = inWords(part.refName())
			}
			if title != "" {
				part = part.expand()
				rows = append(rows, Row{
					Name: title,
					Text: paragraphs(part.get("description").str()),
					Rows: memberRows(part),
				})
			}
		}
		if rows != nil {
			return choice.text, rows
		}
	}
	return "", nil
}

// inWords is the name of a schema as words: AccessAllowed is "Access allowed".
func inWords(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// onlyNames says whether the alternatives of a plain value can be told in a line.
func onlyNames(variants []Row) ([]string, bool) {
	var names []string
	for _, v := range variants {
		if len(v.Text) > 0 || len(v.Rows) > 0 {
			return nil, false
		}
		names = append(names, v.Name)
	}
	return names, len(names) > 0
}

func values(s node) []Value {
	meanings := s.get("x-enumDescriptions")
	var found []Value
	for _, name := range s.get("enum").strs() {
		found = append(found, Value{Name: name, Text: spans(meanings.get(name).str())})
	}
	return found
}

func typeOf(s node) string {
	name := s.get("type").str()
	if several := s.get("type").strs(); len(several) > 0 { // "null" beside another
		name = strings.Join(several, " or ")
	}
	if format := s.get("format").str(); format != "" {
		name += " (" + format + ")"
	}
	if items := s.get("items"); items.exists() {
		name += " of " + typeOf(items.expand())
	}
	return name
}

// facts are the rules of a schema that a reader can check by eye.
func facts(s node) []Fact {
	var found []Fact
	add := func(label, value string) {
		if value != "" {
			found = append(found, Fact{label, value})
		}
	}
	add("always", s.get("const").str())
	add("default", s.get("default").str())
	add("at least", s.get("minimum").str())
	add("at most", s.get("maximum").str())
	add("length", between(s.get("minLength").str(), s.get("maxLength").str(), "characters"))
	add("items", between(s.get("minItems").str(), s.get("maxItems").str(), ""))
	add("pattern", s.get("pattern").str())
	return found
}

func between(low, high, unit string) string {
	var text string
	switch {
	case low == "" && high == "":
		return ""
	case high == "":
		text = low + " or more"
	case low == "" || low == "0":
		text = "up to " + high
	default:
		text = fmt.Sprintf("%s to %s", low, high)
	}
	return strings.TrimSpace(text + " " + unit)
}
