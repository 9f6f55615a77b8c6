package aspsp

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"consentd/internal/consent"
	"consentd/internal/edge"
)

func fault(path, text string) *consent.Error {
	return &consent.Error{Code: consent.CodeFormat, Path: path, Text: text}
}

// object reads a body that must be one JSON object in UTF-8, with nothing after
// it, no member twice and none but those named. The members stay as they came.
func object(body []byte, names ...string) (map[string]json.RawMessage, consent.Faults) {
	return readObject(body, func(name string) bool { return slices.Contains(names, name) })
}

// anyObject is object for a body whose members are not described.
func anyObject(body []byte) (map[string]json.RawMessage, consent.Faults) {
	return readObject(body, func(string) bool { return true })
}

func readObject(body []byte, known func(name string) bool) (map[string]json.RawMessage, consent.Faults) {
	if !utf8.Valid(body) {
		return nil, consent.Faults{fault(edge.PathBody, "must be UTF-8")}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		return nil, consent.Faults{notJSON(err)}
	}
	d := json.NewDecoder(bytes.NewReader(body)) // of what is known to be well formed
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, consent.Faults{fault(edge.PathBody, "must be a JSON object")}
	}
	members, faults := map[string]json.RawMessage{}, consent.Faults(nil)
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, consent.Faults{notJSON(err)}
		}
		_, twice := members[name]
		switch {
		case !known(name):
			faults = append(faults, fault(plain(name), "is not known here"))
		case twice:
			faults = append(faults, fault(plain(name), "must not be there twice"))
		}
		members[name] = value
	}
	return members, faults
}

func notJSON(err error) *consent.Error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fault(edge.PathBody, "must be one JSON object; it breaks at byte "+strconv.FormatInt(syntax.Offset, 10))
	}
	return fault(edge.PathBody, "must be JSON")
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,50}$`)

// plain is a name that the client made up, where it does no harm in an answer.
func plain(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "?"
}

// text reads a string of 1 to limit characters that can be shown anywhere.
func text(path string, raw json.RawMessage, limit int) (string, consent.Faults) {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", consent.Faults{fault(path, "must be a string")}
	}
	return *s, checkText(path, *s, limit)
}

func checkText(path, s string, limit int) consent.Faults {
	switch {
	case strings.TrimSpace(s) == "":
		return consent.Faults{fault(path, "must not be empty")}
	case strings.ContainsFunc(s, unsafeRune):
		return consent.Faults{fault(path, "must not hold control characters")}
	case utf8.RuneCountInString(s) > limit:
		return consent.Faults{fault(path, "must not be longer than "+strconv.Itoa(limit)+" characters")}
	default:
		return nil
	}
}

// unsafeRune tells what changes how the text around it is read, and what is no
// text at all.
func unsafeRune(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

func boolean(path string, raw json.RawMessage) (bool, consent.Faults) {
	var b *bool
	if err := json.Unmarshal(raw, &b); err != nil || b == nil {
		return false, consent.Faults{fault(path, "must be true or false")}
	}
	return *b, nil
}

// timestamp is the form of a time in RFC 3339, which package time takes more
// loosely: a comma before the fraction, hours of one digit.
var timestamp = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// instant reads a time with its zone (RFC 3339), in UTC and microseconds.
func instant(path string, raw json.RawMessage) (time.Time, consent.Faults) {
	var s string
	wrong := json.Unmarshal(raw, &s) != nil || !timestamp.MatchString(s)
	t, err := time.Parse(time.RFC3339, s)
	if wrong || err != nil {
		return time.Time{}, consent.Faults{fault(path, "must be a time with its zone, like 2026-12-31T23:59:59Z")}
	}
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 { // a zone can lead out of what can be written down
		return time.Time{}, consent.Faults{fault(path, "must be within the years 1 to 9999")}
	}
	return t, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
