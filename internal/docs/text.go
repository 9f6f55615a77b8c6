package docs

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/goccy/go-yaml"
)

// Span is a run of text, perhaps as code.
type Span struct {
	Text string
	Code bool
}

// Paragraph is a paragraph of spans.
type Paragraph []Span

// paragraphs reads the little Markdown that our descriptions use: paragraphs
// divided by an empty line, and `code`. All else is plain text.
func paragraphs(text string) []Paragraph {
	var found []Paragraph
	for part := range strings.SplitSeq(text, "\n\n") {
		part = strings.Join(strings.Fields(part), " ")
		if part != "" {
			found = append(found, spans(part))
		}
	}
	return found
}

func spans(text string) Paragraph {
	var p Paragraph
	pieces := strings.Split(text, "`")
	for i, piece := range pieces {
		code := i%2 == 1
		if code && i == len(pieces)-1 {
			// A backtick without a partner is just a backtick.
			code, piece = false, "`"+piece
		}
		if piece != "" {
			p = append(p, Span{Text: piece, Code: code})
		}
	}
	return p
}

const formType = "application/x-www-form-urlencoded"

// written is the value of an example as it goes over the wire in a format: a form in
// one line, and anything else as JSON.
func written(contentType string, example node) string {
	if contentType != formType {
		return toJSON(example.value)
	}
	members := example.members()
	pairs := make([]string, len(members))
	for i, m := range members {
		pairs[i] = m.name + "=" + url.QueryEscape(m.str())
	}
	return strings.Join(pairs, "&")
}

// toJSON writes a value of a description as JSON in the order in which it was
// written, for people to read.
func toJSON(value any) string {
	var b strings.Builder
	writeJSON(&b, value, "\n")
	return b.String()
}

func writeJSON(b *strings.Builder, value any, newline string) {
	inner := newline + "  "
	switch v := value.(type) {
	case yaml.MapSlice:
		writeList(b, "{}", len(v), newline, func(i int) {
			writePlain(b, v[i].Key)
			b.WriteString(": ")
			writeJSON(b, v[i].Value, inner)
		})
	case []any:
		writeList(b, "[]", len(v), newline, func(i int) { writeJSON(b, v[i], inner) })
	default:
		writePlain(b, v)
	}
}

func writeList(b *strings.Builder, brackets string, n int, newline string, item func(i int)) {
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(newline + "  ")
		item(i)
	}
	if n > 0 {
		b.WriteString(newline)
	}
	b.WriteByte(brackets[1])
}

func writePlain(b *strings.Builder, value any) {
	var line strings.Builder
	encoder := json.NewEncoder(&line)
	// The template escapes; JSON's own escapes of < and & would only be in the way.
	encoder.SetEscapeHTML(false)
	// A plain YAML value is a string, a number, a bool or nil: all can be encoded.
	_ = encoder.Encode(value)
	b.WriteString(strings.TrimSuffix(line.String(), "\n"))
}
