package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// file is one file of scenarios.
type file struct {
	About   string `yaml:"about"`
	Program string `yaml:"program"` // of all its cases that name none
	// Apart gives the cases programs of their own: they turn the clock, or wait for
	// workers.
	Apart bool `yaml:"apart"`
	// Accepts runs every case once for each of these values of Accept.
	Accepts []string     `yaml:"accepts"`
	Cases   []scenario   `yaml:"cases"`
	Headers []fieldTable `yaml:"headers"`
	Members []fieldTable `yaml:"members"`
	Tables  []stateTable `yaml:"tables"`
}

// scenario is one case: what is given, and what is sent after another. A case
// of one step says it directly.
type scenario struct {
	Name    string `yaml:"name"`
	Program string `yaml:"program"`
	Given   given  `yaml:"given"`
	Steps   []Step `yaml:"steps"`
	Step    `yaml:",inline"`

	// accept overrides Accept in every step.
	accept string
}

// given is the consent that a case begins with; the zero value is none.
type given struct {
	State string `yaml:"state"`
	// Create is the request that makes it, with the changes that follow.
	Create string `yaml:"create"`
	Change `yaml:",inline"`
	PSU    string `yaml:"psu"` // who authorises it
}

// Change is how a request differs from the named one.
type Change struct {
	Headers map[string]any    `yaml:"headers"` // null: without it; a list: in several lines
	Set     map[string]any    `yaml:"set"`     // members of the body, by path
	JSON    map[string]string `yaml:"json"`    // the same, as JSON is written
	Without []string          `yaml:"without"` // members that are left out
	Text    *string           `yaml:"text"`    // the whole body, as it is written
}

// Step is something that happens: a request, or what a PSU or the clock does.
type Step struct {
	Call   string `yaml:"call"`
	Method string `yaml:"method"`
	Path   string `yaml:"path"`
	Change `yaml:",inline"`
	PSU    string `yaml:"psu"`   // "lea approves": see people_test.go
	Clock  string `yaml:"clock"` // by how much it is turned: 25h
	Times  int    `yaml:"times"` // how often this is done; once by default
	Want   want   `yaml:"want"`
}

// want is what an answer must be. A member that is not given is not looked at.
type want struct {
	Status int `yaml:"status"`
	// Faults are "CODE path", all of them, in their order.
	Faults []string `yaml:"faults"`
	Empty  bool     `yaml:"empty"` // there is no body
	// Links are the relations of _links, all of them.
	Links []string `yaml:"links"`
	// Body are members by path: a value, <any>, or null for one that is not there.
	Body    map[string]any `yaml:"body"`
	Headers map[string]any `yaml:"headers"` // the same of headers
	Same    bool           `yaml:"same"`    // the answer of the step before, byte for byte
	Other   bool           `yaml:"other"`   // not that answer
	// The state afterwards: of the consent, of the one before it, of the
	// authorisation. A worker may have to get there: Soon waits for it.
	Consent string `yaml:"consent"`
	Former  string `yaml:"former"`
	SCA     string `yaml:"sca"`
	Soon    bool   `yaml:"soon"`
}

// request is a named request of requests.yaml.
type request struct {
	Method  string         `yaml:"method"`
	Path    string         `yaml:"path"`
	Headers map[string]any `yaml:"headers"`
	Body    map[string]any `yaml:"body"`
	OK      int            `yaml:"ok"` // the status when all is well
	// Like takes over what another request has and this one does not say.
	Like string `yaml:"like"`
}

// configuration is a program of programs.yaml: what the sandbox is started with.
type configuration struct {
	Approaches    []string `yaml:"approaches"`
	Start         string   `yaml:"start"`
	Confirmation  bool     `yaml:"confirmation"`
	BasePath      string   `yaml:"basePath"`
	PublicURL     string   `yaml:"publicUrl"`
	RelativeLinks bool     `yaml:"relativeLinks"`
	Strict        bool     `yaml:"strict"`
}

// UnmarshalYAML reads a state alone as well.
func (g *given) UnmarshalYAML(unmarshal func(any) error) error {
	if err := unmarshal(&g.State); err == nil {
		return nil
	}
	type whole given
	return unmarshal((*whole)(g))
}

// read decodes a file of testdata. Keys that nobody knows, and keys that are
// there twice, are errors.
func read(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.NoError(t, decode(data, into), name)
}

func decode(data []byte, into any) error {
	return yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(into)
}

// book is all that the cases refer to.
type book struct {
	requests map[string]request
	programs map[string]configuration
}

func readBook(t *testing.T) *book {
	t.Helper()
	b := &book{}
	read(t, "requests.yaml", &b.requests)
	read(t, "programs.yaml", &b.programs)
	for name := range b.requests {
		b.requests[name] = b.whole(t, name)
	}
	return b
}

// whole is a request with what it takes over.
func (b *book) whole(t *testing.T, name string) request {
	t.Helper()
	r, ok := b.requests[name]
	require.True(t, ok, "no request %q", name)
	if r.Like == "" {
		return r
	}
	return r.after(b.whole(t, r.Like))
}

// after fills what r does not say from the request that it is like.
func (r request) after(base request) request {
	if r.Method == "" {
		r.Method = base.Method
	}
	if r.Path == "" {
		r.Path = base.Path
	}
	if r.Headers == nil {
		r.Headers = base.Headers
	}
	if r.Body == nil {
		r.Body = base.Body
	}
	if r.OK == 0 {
		r.OK = base.OK
	}
	return r
}

// scenarios expands all forms of a file into cases.
func (b *book) scenarios(f *file) ([]scenario, error) {
	all := slices.Clone(f.Cases)
	for _, table := range f.Headers {
		more, err := table.headerCases(b)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	for _, table := range f.Members {
		more, err := table.memberCases(b)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	for _, table := range f.Tables {
		more, err := table.cases()
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	all = f.inEachForm(all)
	for i := range all {
		if all[i].Program == "" {
			all[i].Program = f.Program
		}
	}
	return all, b.check(all)
}

// inEachForm repeats cases for each value of Accept.
func (f *file) inEachForm(cases []scenario) []scenario {
	if len(f.Accepts) == 0 {
		return cases
	}
	var all []scenario
	for _, accept := range f.Accepts {
		for _, c := range cases {
			c.accept, c.Name = accept, c.Name+" as "+accept
			all = append(all, c)
		}
	}
	return all
}

// steps of a case, its only one among them.
func (c *scenario) all() []Step {
	if len(c.Steps) == 0 {
		return []Step{c.Step}
	}
	return c.Steps
}

// check finds cases that cannot be meant: without a name or with one that
// another has, of programs and requests that are not there, that ask nothing.
func (b *book) check(cases []scenario) error {
	var wrong []error
	seen := map[string]bool{}
	for i := range cases {
		c := &cases[i]
		if err := b.checkOne(c); err != nil {
			wrong = append(wrong, fmt.Errorf("%q: %w", c.Name, err))
		}
		if seen[c.Name] {
			wrong = append(wrong, fmt.Errorf("%q: the name is there twice", c.Name))
		}
		seen[c.Name] = true
	}
	return errors.Join(wrong...)
}

func (b *book) checkOne(c *scenario) error {
	if strings.TrimSpace(c.Name) == "" {
		return errors.New("no name")
	}
	if _, ok := b.programs[c.Program]; !ok {
		return fmt.Errorf("no program %q", c.Program)
	}
	if _, ok := recipes()[c.Given.State]; !ok && c.Given.State != "" {
		return fmt.Errorf("no recipe %q", c.Given.State)
	}
	if _, ok := b.requests[c.Given.Create]; !ok && c.Given.Create != "" {
		return fmt.Errorf("no request %q", c.Given.Create)
	}
	if len(c.Steps) > 0 && (c.Call != "" || c.Path != "" || c.Want.Status != 0) {
		return errors.New("steps, and one beside them")
	}
	asserts := false
	for _, s := range c.all() {
		if err := b.checkStep(&s); err != nil {
			return err
		}
		asserts = asserts || s.Want.says()
	}
	if !asserts {
		return errors.New("asserts nothing")
	}
	return nil
}

func (b *book) checkStep(s *Step) error {
	_, named := b.requests[s.Call]
	sends := s.Call != "" || s.Path != ""
	switch {
	case s.Call != "" && !named:
		return fmt.Errorf("no request %q", s.Call)
	case sends && s.Want.Status == 0:
		return errors.New("a request without a status that is wanted")
	case !sends && s.PSU == "" && s.Clock == "" && !s.Want.says():
		return errors.New("a step that does nothing")
	case s.PSU != "" && !known(s.PSU):
		return fmt.Errorf("nobody knows how to do %q", s.PSU)
	default:
		return nil
	}
}

// says reports whether more than a status is asked for: a status alone does not
// tell why.
func (w *want) says() bool {
	return len(w.Faults) > 0 || w.Empty || len(w.Links) > 0 || len(w.Body) > 0 || len(w.Headers) > 0 ||
		w.Same || w.Other || w.Consent != "" || w.Former != "" || w.SCA != ""
}
