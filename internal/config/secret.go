package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// masterKeySize is the length of the master key in bytes.
const masterKeySize = 32

// Secret is a text that must not be seen. Printing, logging or encoding it
// shows a placeholder; only Reveal gives it away.
type Secret struct {
	value *string // behind a pointer, so that fmt finds an address where it reaches in
}

const hidden = "(hidden)"

// NewSecret hides a text.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the text; empty when there is none.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String implements fmt.Stringer.
func (Secret) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return hidden }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// source is one of the ways in which a secret may be given.
type source struct {
	path string // of the key that names it
	name string // its value: a file, or an environment variable; empty when it isn't used
	read func(name string) (Secret, error)
}

// resolve reads the one source that is given. Several, or none, are problems of
// the section that the secret belongs to.
func (l *loader) resolve(section string, sources ...source) Secret {
	var given []source
	var names []string
	for _, s := range sources {
		names = append(names, s.path)
		if s.name != "" {
			given = append(given, s)
		}
	}
	switch len(given) {
	case 0:
		l.report(section, "set one of "+strings.Join(names, ", "))
	case 1:
		value, err := given[0].read(given[0].name)
		if err == nil {
			return value
		}
		l.report(given[0].path, err.Error())
	default:
		for _, s := range given[1:] {
			l.report(s.path, "set only one of "+strings.Join(names, ", "))
		}
	}
	return Secret{}
}

// file is the source of a secret in a file.
func (l *loader) file(path, name string) source {
	return source{path: path, name: name, read: l.readFile}
}

// variable is the source of a secret in the environment.
func (l *loader) variable(path, name string) source {
	return source{path: path, name: name, read: func(name string) (Secret, error) {
		value := strings.TrimSpace(l.env(name))
		if value == "" {
			return Secret{}, fmt.Errorf("the environment variable %s is not set", name)
		}
		return NewSecret(value), nil
	}}
}

func (l *loader) readFile(name string) (Secret, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.secretDir(), name)
	}
	content, err := os.ReadFile(name) //nolint:gosec // the operator's configuration names it
	if err != nil {
		return Secret{}, fmt.Errorf("%s: %w", name, bare(err))
	}
	value := strings.TrimSpace(string(content))
	if value == "" {
		return Secret{}, fmt.Errorf("%s is empty", name)
	}
	return NewSecret(value), nil
}

// secretDir is where relative names of secret files begin.
func (l *loader) secretDir() string {
	if dir := l.env("CREDENTIALS_DIRECTORY"); dir != "" {
		return dir
	}
	return filepath.Dir(l.name)
}

// bare is the reason of a file error without operation and name.
func bare(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}

// decodeKey turns text into key bytes: 64 hexadecimal digits, or base64 of
// either alphabet, padded or not.
func decodeKey(text string) (Secret, error) {
	unpadded := strings.TrimRight(text, "=")
	for _, decode := range []func(string) ([]byte, error){
		func(string) ([]byte, error) { return hex.DecodeString(text) },
		base64.RawStdEncoding.DecodeString,
		base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(unpadded); err == nil && len(key) == masterKeySize {
			return NewSecret(string(key)), nil
		}
	}
	return Secret{}, fmt.Errorf("must be %d bytes as base64 or hexadecimal digits", masterKeySize)
}
