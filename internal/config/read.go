package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// read fills the value at path from a node of the file. It goes on after a
// problem: the library's own strict decoder stops at the first one.
func (l *loader) read(path string, node ast.Node) {
	l.fill(path, node, reflect.ValueOf(l.config).Elem())
}

func (l *loader) fill(path string, node ast.Node, into reflect.Value) {
	if node == nil || node.Type() == ast.NullType {
		return // a key without a value leaves the default
	}
	var ok bool
	var want string
	switch target := into.Addr().Interface().(type) {
	case *Secret:
		var text string
		ok, want = scalar(node, &text), "text"
		*target = NewSecret(text)
	case *time.Duration:
		ok, want = duration(node, target), "a length of time such as 90s, 15m or 24h"
	case *string:
		ok, want = scalar(node, target), quoted
	case *bool:
		_, ok = node.(*ast.BoolNode)
		ok, want = ok && decode(node, target), "true or false"
	case *int:
		_, ok = node.(*ast.IntegerNode)
		ok, want = ok && decode(node, target), "a whole number"
	case *[]string:
		ok, want = l.list(path, node, target), "a list of texts"
	case *[]BankCaller:
		ok, want = l.callers(path, node, target), "a list of sections"
	case *map[string]json.RawMessage:
		ok, want = l.sections(path, node, target), "a section of sections"
	default:
		ok, want = l.section(path, node, into), "a section: keys with values"
	}
	if !ok {
		l.report(path, "must be "+want)
	}
}

// quoted is what a number or a boolean lacks to be text.
const quoted = "text (put it in quotes)"

// section fills a struct, key by key.
func (l *loader) section(path string, node ast.Node, into reflect.Value) bool {
	entries, ok := mapping(node)
	if !ok {
		return false
	}
	fields := keys(into.Type())
	for _, entry := range entries {
		name, inner := l.enter(path, entry)
		field, known := fields[name]
		if !known {
			l.report(inner, unknown(name, fields))
			continue
		}
		l.fill(inner, entry.Value, into.Field(field))
	}
	return true
}

// sections keeps every value as JSON, for others to read.
func (l *loader) sections(path string, node ast.Node, into *map[string]json.RawMessage) bool {
	entries, ok := mapping(node)
	if !ok {
		return false
	}
	*into = map[string]json.RawMessage{}
	for _, entry := range entries {
		name, inner := l.enter(path, entry)
		section := map[string]any{}
		if _, is := mapping(entry.Value); is {
			is = decode(entry.Value, &section)
			ok = ok && is
		} else if entry.Value.Type() != ast.NullType {
			l.report(inner, "must be a section: keys with values")
		}
		content, err := json.Marshal(section)
		if err != nil {
			l.report(inner, "can't be written as JSON")
		}
		(*into)[name] = content
	}
	return ok
}

func (l *loader) list(path string, node ast.Node, into *[]string) bool {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		return false
	}
	*into = make([]string, len(sequence.Values))
	for i, value := range sequence.Values {
		inner := fmt.Sprintf("%s[%d]", path, i)
		l.mark(inner, value)
		if !scalar(value, &(*into)[i]) {
			l.report(inner, "must be "+quoted)
		}
	}
	return true
}

// callers fills a list of sections.
func (l *loader) callers(path string, node ast.Node, into *[]BankCaller) bool {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		return false
	}
	*into = make([]BankCaller, len(sequence.Values))
	for i, value := range sequence.Values {
		inner := fmt.Sprintf("%s[%d]", path, i)
		l.mark(inner, value)
		l.fill(inner, value, reflect.ValueOf(&(*into)[i]).Elem())
	}
	return true
}

// enter notes where an entry stands and returns its key and path.
func (l *loader) enter(path string, entry *ast.MappingValueNode) (name, inner string) {
	name = entry.Key.GetToken().Value
	inner = name
	if path != "" {
		inner = path + "." + name
	}
	l.mark(inner, entry.Key)
	return name, inner
}

func (l *loader) mark(path string, node ast.Node) {
	if token := node.GetToken(); token != nil && token.Position != nil {
		l.at[path] = position{line: token.Position.Line, column: token.Position.Column}
	}
}

// mapping lists the entries of a mapping.
func mapping(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode: // the tree's form of a mapping with one entry
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// scalar reads text. A number or a boolean is no text: what looks like one, an
// id for instance, would lose its zeros.
func scalar(node ast.Node, into *string) bool {
	switch n := node.(type) {
	case *ast.StringNode:
		*into = n.Value
	case *ast.LiteralNode:
		*into = n.Value.Value
	default:
		return false
	}
	return true
}

func duration(node ast.Node, into *time.Duration) bool {
	var text string
	if !scalar(node, &text) {
		return false
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return false
	}
	*into = parsed
	return true
}

func decode(node ast.Node, into any) bool { return yaml.NodeToValue(node, into) == nil }

// keys maps the keys of a section to its struct's fields.
func keys(section reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range section.NumField() {
		if name := section.Field(i).Tag.Get("yaml"); name != "-" {
			fields[name] = i
		}
	}
	return fields
}

// unknown says that a key doesn't exist and, where only its case is wrong, which does.
func unknown(name string, fields map[string]int) string {
	for known := range fields {
		if strings.EqualFold(known, name) {
			return "unknown key: did you mean " + known + "?"
		}
	}
	return "unknown key"
}

// parent is the path of the section that path lies in.
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}
