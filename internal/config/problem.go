package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration. Neither its text nor
// its path ever holds a value from the file.
type Problem struct {
	File string
	// Line and Column, from 1, are where the file says it, or where the section
	// stands that lacks it; 0 where it says nothing.
	Line, Column int
	// Path is the dotted path of the key, such as listeners.tpp; empty for the file as a whole.
	Path string
	Text string
}

// String is the problem in one line: file:line:column: path: text.
func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	if p.Path == "" {
		return place + ": " + p.Text
	}
	return place + ": " + p.Path + ": " + p.Text
}

// Problems is the error of a configuration that can't be used: all that is
// wrong with it, in the order of the file.
type Problems []Problem //nolint:errname // what it holds is what it is called by, here and in the messages

// Error has one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// inOrder sorts by line, what has none last.
func (p Problems) inOrder() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(last(a.Line), last(b.Line)), cmp.Compare(a.Column, b.Column))
	})
	return p
}

func last(line int) int {
	if line == 0 {
		return int(^uint(0) >> 1)
	}
	return line
}
