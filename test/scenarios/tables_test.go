package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// fieldTable says what is taken for a header, or for a member of a body, and
// what is refused. Each value is a case of its own for each request.
type fieldTable struct {
	Name  string   `yaml:"name"`
	Calls []string `yaml:"calls"`
	// Also are further requests, with the first value of each list only: that the
	// same rule holds there.
	Also   []string `yaml:"also"`
	Given  given    `yaml:"given"` // for requests that are about a consent
	Absent string   `yaml:"absent"`
	Good   []any    `yaml:"good"`
	Bad    []any    `yaml:"bad"`
	// BadJSON are values that are refused, as JSON is written: 4.0.
	BadJSON []string `yaml:"badJSON"`
	// Code, and the path At which it is reported, of what is refused; by default
	// FORMAT_ERROR at the header or member itself. AbsentAt is where its absence is.
	Code     string `yaml:"code"`
	At       string `yaml:"at"`
	AbsentAt string `yaml:"absentAt"`
	Change   `yaml:",inline"`
	Program  string `yaml:"program"`
}

// taken and refused are the words of fieldTable.Absent.
const (
	taken   = "taken"
	refused = "refused"
)

func (f *fieldTable) headerCases(b *book) ([]scenario, error) {
	return f.cases(b, "Header."+f.Name, func(c *Change, value any) {
		if value == absent {
			value = nil
		}
		c.Headers = with(c.Headers, f.Name, value)
	})
}

func (f *fieldTable) memberCases(b *book) ([]scenario, error) {
	return f.cases(b, f.Name, func(c *Change, value any) {
		if value == absent {
			c.Without = append([]string{f.Name}, c.Without...)
			return
		}
		c.Set = with(c.Set, f.Name, value)
	})
}

func with(m map[string]any, name string, value any) map[string]any {
	more := map[string]any{name: value}
	for k, v := range m {
		if k != name {
			more[k] = v
		}
	}
	return more
}

// absent stands for a value that is not there.
var absent any = new(struct{ absent byte })

// cases makes one of each value and request.
func (f *fieldTable) cases(b *book, path string, put func(*Change, any)) ([]scenario, error) {
	if len(f.Calls)+len(f.Also) == 0 || len(f.Good)+len(f.Bad)+len(f.BadJSON) == 0 && f.Absent == "" {
		return nil, fmt.Errorf("%s: no calls, or no values", f.Name)
	}
	var all []scenario
	for i, call := range slices.Concat(f.Calls, f.Also) {
		request, ok := b.requests[call]
		if !ok || request.OK == 0 {
			return nil, fmt.Errorf("%s: no request %q, or it does not say what is ok", f.Name, call)
		}
		values, err := f.values(path, request.OK, i >= len(f.Calls))
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			c := scenario{Name: fmt.Sprintf("%s: %s %s", call, f.Name, v.name), Program: f.Program, Given: f.Given}
			c.Call, c.Change, c.Want = call, f.Change, v.want
			put(&c.Change, v.value)
			all = append(all, c)
		}
	}
	return all, nil
}

// value is one of a table, and what comes of it.
type value struct {
	name  string
	value any
	want  want
}

// values lists those of a table for a request: the first of each kind, or all.
func (f *fieldTable) values(path string, ok int, first bool) ([]value, error) {
	fine := want{Status: ok, Headers: map[string]any{"X-Request-ID": something}}
	var all []value
	for i, v := range f.Good {
		if i == 0 || !first {
			all = append(all, value{"takes " + brief(v), v, fine})
		}
	}
	for i, v := range f.Bad {
		if i == 0 || !first {
			all = append(all, value{"refuses " + brief(v), v, f.fault(path, f.At)})
		}
	}
	for i, v := range f.BadJSON {
		if i == 0 || !first {
			all = append(all, value{"refuses JSON " + v, verbatim(v), f.fault(path, f.At)})
		}
	}
	switch f.Absent {
	case taken:
		all = append(all, value{"may be absent", absent, fine})
	case refused:
		missing := fieldTable{}
		all = append(all, value{"must be there", absent, missing.fault(path, f.AbsentAt)})
	case "":
	default:
		return nil, fmt.Errorf("%s: absent: %q", f.Name, f.Absent)
	}
	return all, nil
}

// verbatim is a value as JSON is written.
type verbatim string

// fault is the want of what is refused.
func (f *fieldTable) fault(path, at string) want {
	code := f.Code
	if code == "" {
		code = "FORMAT_ERROR"
	}
	if at == "" {
		at = path
	}
	return want{Status: 400, Faults: []string{code + " " + at}}
}

// brief writes a value for the name of a case.
func brief(v any) string {
	s := fmt.Sprint(v)
	if text, ok := v.(string); ok {
		s = strconv.Quote(text)
	}
	if len(s) > 100 {
		s = s[:60] + "… of " + strconv.Itoa(len(s))
	}
	return s
}

// stateTable is states × requests.
type stateTable struct {
	Name string `yaml:"name"`
	// Of is whose state it is: consent, or sca for an authorisation.
	Of    string `yaml:"of"`
	Given given  `yaml:"given"` // what the recipes are given, but the state
	// Rows are named by a recipe. In each, is names the state, the others a request
	// and its cell.
	Rows map[string]yaml.MapSlice `yaml:"rows"`
	// Once plays a row as the steps of one case, where its state takes long to reach.
	Once    bool   `yaml:"once"`
	Program string `yaml:"program"`
}

func (s *stateTable) cases() ([]scenario, error) {
	if s.Of != "consent" && s.Of != "sca" {
		return nil, fmt.Errorf("table %s: of: %q", s.Name, s.Of)
	}
	var all []scenario
	for _, recipe := range slices.Sorted(maps.Keys(s.Rows)) {
		row, is := s.Rows[recipe], ""
		whole := scenario{Name: s.Name + ", " + recipe, Program: s.Program, Given: s.Given}
		whole.Given.State = recipe
		for _, item := range row {
			call, cell := fmt.Sprint(item.Key), fmt.Sprint(item.Value)
			if call == "is" {
				is = cell
				continue
			}
			w, err := s.cell(call, cell, is)
			if err != nil {
				return nil, fmt.Errorf("table %s, %s, %s: %w", s.Name, recipe, call, err)
			}
			one := Step{Call: call, Want: w}
			if s.Once {
				whole.Steps = append(whole.Steps, one)
				continue
			}
			c := whole
			c.Name, c.Step = whole.Name+": "+call, one
			all = append(all, c)
		}
		if s.Once {
			all = append(all, whole)
		}
	}
	return all, nil
}

// cell reads "409 STATUS_INVALID" and "204 > terminatedByTpp".
func (s *stateTable) cell(call, cell, is string) (want, error) {
	answer, next, moves := strings.Cut(cell, ">")
	if !moves {
		next = is
	}
	next = strings.TrimSpace(next)
	words := strings.Fields(answer)
	if len(words) == 0 || next == "" {
		return want{}, fmt.Errorf("cannot read %q", cell)
	}
	status, err := strconv.Atoi(words[0])
	if err != nil {
		return want{}, fmt.Errorf("cannot read %q: %w", cell, err)
	}
	w := want{Status: status}
	if len(words) > 1 {
		w.Faults = []string{strings.Join(words[1:], " ")}
	}
	if s.Of == "sca" {
		w.SCA = next
		return w, nil
	}
	w.Consent = next
	if status == 200 && (strings.HasSuffix(call, "get") || strings.HasSuffix(call, "status")) {
		w.Body = map[string]any{"consentStatus": next}
	}
	return w, nil
}
