package pgtest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

var errMissing = errors.New("PostgreSQL's server programs are missing: run test/prerequisites.sh")

// findPrograms returns the directory that holds PostgreSQL's server programs. What
// PATH names may be a link or a wrapper, so a directory counts only if it holds all.
func findPrograms() (string, error) {
	var candidates []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			candidates = append(candidates, filepath.Dir(path))
		}
	}
	// Where Debian, Red Hat, Alpine and Homebrew keep them, off PATH.
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/usr/libexec/postgresql*",
		"/opt/homebrew/opt/postgresql@*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
		candidates = append(candidates, found...)
	}
	for _, dir := range candidates {
		if holdsAll(dir, "initdb", "pg_ctl", "postgres") {
			return dir, nil
		}
	}
	return "", errMissing
}

func holdsAll(dir string, programs ...string) bool {
	return !slices.ContainsFunc(programs, func(name string) bool {
		_, err := exec.LookPath(filepath.Join(dir, name))
		return err != nil
	})
}

// version is the first number in a path, the major version; 0 without one.
func version(path string) int {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	start := strings.IndexFunc(path, digit)
	if start < 0 {
		return 0
	}
	end := start
	for end < len(path) && digit(rune(path[end])) {
		end++
	}
	number, err := strconv.Atoi(path[start:end])
	if err != nil {
		return 0
	}
	return number
}
