package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
	_ "time/tzdata" // a container from scratch has no time zones

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// loader collects what is wrong while a configuration is read.
type loader struct {
	name     string // of the file
	env      func(string) string
	config   *Config
	at       map[string]position // where each path stands in the file
	problems Problems
}

// position is a place in the file, from 1.
type position struct{ line, column int }

// Load reads the configuration file at path. env looks up environment
// variables, as os.Getenv does. Fails with [Problems] when the file was read
// but can't be used, else with the error of reading it. With Problems comes
// what could be read, so that whoever checks more can report it as well.
func Load(path string, env func(string) string) (*Config, error) {
	content, err := os.ReadFile(path) //nolint:gosec // whoever starts the program says what it reads
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	l := &loader{name: path, env: env, config: Default(), at: map[string]position{}}
	if l.decode(content); len(l.problems) == 0 || !l.broken() {
		l.complete()
	}
	if len(l.problems) > 0 {
		return l.config, l.problems.inOrder()
	}
	return l.config, nil
}

// decode fills the configuration from YAML.
func (l *loader) decode(content []byte) {
	tree, err := parser.ParseBytes(content, 0)
	if err != nil {
		l.syntax(err)
		return
	}
	if len(tree.Docs) > 1 {
		l.report("", "must be one YAML document")
		return
	}
	for _, document := range tree.Docs {
		l.read("", document.Body)
	}
}

// syntax reports that the file isn't YAML. The error's own text would quote the
// lines around the fault, and with them a secret.
func (l *loader) syntax(err error) {
	problem := Problem{File: l.name, Text: "not valid YAML"}
	if fault, ok := errors.AsType[yaml.Error](err); ok {
		problem.Text += ": " + fault.GetMessage()
		if token := fault.GetToken(); token != nil && token.Position != nil {
			problem.Line, problem.Column = token.Position.Line, token.Position.Column
		}
	}
	l.problems = append(l.problems, problem)
}

// broken tells whether nothing of the file could be read, so that further
// checks would only report what it doesn't say.
func (l *loader) broken() bool { return len(l.at) == 0 }

// report adds a problem at the place of path or, where the file doesn't say it,
// of the section that should. Only the first problem of a key counts: what
// follows from it would mislead.
func (l *loader) report(path, text string) {
	if slices.ContainsFunc(l.problems, func(p Problem) bool { return path != "" && p.Path == path }) {
		return
	}
	problem := Problem{File: l.name, Path: path, Text: text}
	for p := path; p != ""; p = parent(p) {
		if at, ok := l.at[p]; ok {
			problem.Line, problem.Column = at.line, at.column
			break
		}
	}
	l.problems = append(l.problems, problem)
}

// complete checks the values, reads the secrets and derives what follows from others.
func (l *loader) complete() {
	c := l.config
	l.checkTags("", c)
	l.checkListeners()
	l.checkTPPs()
	l.checkSignature()
	l.checkBankCallers()
	l.findFiles()
	l.checkURLs()
	l.checkPolicy()
	l.checkFlows()
	l.checkBasePath()
	l.checkOAuth()
	l.checkManager()
	l.checkFourEyes()
	l.readSecrets()
	if zone, err := time.LoadLocation(c.TimeZone); err == nil {
		c.Zone = zone
	}
}

// readSecrets finds every secret that the file refers to.
func (l *loader) readSecrets() {
	c := l.config
	key := l.resolve("masterKeyFile", l.file("masterKeyFile", c.MasterKeyFile), l.variable("masterKeyEnv", c.MasterKeyEnv))
	if text := key.Reveal(); text != "" {
		var err error
		if c.MasterKey, err = decodeKey(text); err != nil {
			l.report(l.either("masterKeyFile", "masterKeyEnv"), err.Error())
		}
	}
	inline := source{path: "database.url", name: c.Database.URL.Reveal(), read: func(s string) (Secret, error) { return NewSecret(s), nil }}
	c.Database.URL = l.resolve("database", inline,
		l.file("database.urlFile", c.Database.URLFile), l.variable("database.urlEnv", c.Database.URLEnv))
	l.checkDatabaseURL()
	c.Bank.Token = l.resolve("bank", l.file("bank.tokenFile", c.Bank.TokenFile), l.variable("bank.tokenEnv", c.Bank.TokenEnv))
}

// either is the first of paths that the file says, else the first of all.
func (l *loader) either(paths ...string) string {
	for _, path := range paths {
		if _, ok := l.at[path]; ok {
			return path
		}
	}
	return paths[0]
}
