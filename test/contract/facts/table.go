package main

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// section is one part of an operation: its headers, or one body, or the headers
// of one answer.
type section struct {
	operation string // "POST /v1/consents"
	part      string // "headers", "request application/json", "201 headers", "201 application/json"
}

// table holds, for each section, its lines: a name, and what is said of it.
//
//	access.accounts[].iban string
//	X-Request-ID required string
type table map[section][]string

// notice heads the table.
const notice = `# Facts of the Berlin Group's published descriptions of NextGenPSD2 (1.3.12) and of its extended service for
# the confirmation of funds (2.0), which are licensed CC BY 4.0. Names and numbers only: no prose is taken.
# Made by test/contract/facts; do not edit. A line is a name and what holds for it; "like" repeats another part.
`

// String is the table as it is kept. A part whose lines stood before refers to
// them, and so do all errors of an operation together, so that the table stays
// short enough to read.
func (t table) String() string {
	w := writer{seen: map[string]string{}}
	w.WriteString(notice)
	for operation, parts := range t.operations() {
		w.WriteString("\n" + operation + "\n")
		failures := &writer{seen: maps.Clone(w.seen)}
		for _, part := range parts {
			if isFailure(part) {
				failures.part(operation, part, t[section{operation, part}])
				continue
			}
			w.part(operation, part, t[section{operation, part}])
		}
		w.failures(operation, t, parts, failures)
	}
	return w.String()
}

// writer writes a table; seen holds what was written, and where.
type writer struct {
	strings.Builder
	seen map[string]string
}

func (w *writer) part(operation, part string, lines []string) {
	text := strings.Join(lines, "\n    ")
	first, again := w.seen[text]
	switch {
	case text == "":
		fmt.Fprintf(w, "  %s\n", part)
	case again:
		fmt.Fprintf(w, "  %s%s%s\n", part, like, first)
	default:
		w.seen[text] = operation + " " + part
		fmt.Fprintf(w, "  %s\n    %s\n", part, text)
	}
}

// failures writes the errors of an operation, which failures holds as text,
// unless an operation before it had the same.
func (w *writer) failures(operation string, t table, parts []string, failures *writer) {
	var whole strings.Builder
	for _, part := range parts {
		if isFailure(part) {
			fmt.Fprintln(&whole, part, t[section{operation, part}])
		}
	}
	if first, again := w.seen[whole.String()]; again {
		fmt.Fprintf(w, "  %s%s%s\n", allFailures, like, first)
		return
	}
	w.WriteString(failures.String())
	w.seen = failures.seen
	w.seen[whole.String()] = operation
}

// isFailure tells parts that describe an answer 4xx or 5xx.
func isFailure(part string) bool { return part[0] == '4' || part[0] == '5' }

const (
	like        = " like "
	allFailures = "4xx 5xx"
)

// operations yields the operations by path, then method, with their parts.
func (t table) operations() iter.Seq2[string, []string] {
	parts := map[string][]string{}
	for s := range t {
		parts[s.operation] = append(parts[s.operation], s.part)
	}
	byPath := func(a, b string) int {
		return cmp.Or(strings.Compare(pathOf(a), pathOf(b)), strings.Compare(a, b))
	}
	return func(yield func(string, []string) bool) {
		for _, operation := range slices.SortedFunc(maps.Keys(parts), byPath) {
			list := parts[operation]
			slices.SortFunc(list, func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
			if !yield(operation, list) {
				return
			}
		}
	}
}

func pathOf(operation string) string {
	_, path, _ := strings.Cut(operation, " ")
	return path
}

// rank puts what is asked before what is answered.
func rank(part string) string {
	switch {
	case part == "headers":
		return "0"
	case strings.HasPrefix(part, "request"):
		return "1" + part
	default:
		return "2" + part
	}
}

// parse reads a table that String has written.
func parse(text string) (table, error) {
	t := table{}
	var now section
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		content := strings.TrimLeft(line, " ")
		switch indent := len(line) - len(content); {
		case content == "" || content[0] == '#':
		case indent == 0:
			now = section{operation: content}
		case indent == 2:
			now.part = content
			if err := t.open(&now); err != nil {
				return nil, err
			}
		default:
			t[now] = append(t[now], content)
		}
	}
	return t, nil
}

// open begins a part, which may repeat another or all failures of an operation.
func (t table) open(now *section) error {
	part, first, again := strings.Cut(now.part, like)
	now.part = part
	switch {
	case !again:
		t[*now] = nil
		return nil
	case part == allFailures:
		return t.repeatFailures(now.operation, first)
	}
	lines, ok := t[reference(first)]
	if !ok {
		return fmt.Errorf("%s %s repeats %q, which is nowhere", now.operation, part, first)
	}
	t[*now] = lines
	return nil
}

// reference reads "POST /v1/consents 201 headers".
func reference(words string) section {
	method, rest, _ := strings.Cut(words, " ")
	path, part, _ := strings.Cut(rest, " ")
	return section{operation: method + " " + path, part: part}
}

func (t table) repeatFailures(operation, first string) error {
	found := table{}
	for s, lines := range t {
		if s.operation == first && isFailure(s.part) {
			found[section{operation, s.part}] = lines
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("%s repeats the failures of %q, which has none", operation, first)
	}
	maps.Copy(t, found)
	return nil
}

// separator stands between the parts of a fact.
const separator = " | "

// facts are the table as single statements, which can be compared one by one.
func (t table) facts() map[string]bool {
	all := map[string]bool{}
	for s, lines := range t {
		where := s.operation + separator + s.part
		all[s.operation] = true
		all[where] = true
		for _, line := range lines {
			words := strings.Fields(line)
			name := where + separator + words[0]
			all[name] = true
			for _, word := range words[1:] {
				for _, value := range values(word) {
					all[name+separator+value] = true
				}
			}
		}
	}
	return all
}

// values are the single statements of a word: each value of an enumeration is one.
func values(word string) []string {
	list, ok := strings.CutPrefix(word, enumOf)
	if !ok {
		return []string{word}
	}
	values := strings.Split(list, ",")
	for i := range values {
		values[i] = enumOf + values[i]
	}
	return values
}
