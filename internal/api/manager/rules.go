package manager

import (
	"encoding/json"
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

// rule judges a value of a body, as edge.ParseObject reads it, at its path.
type rule func(path string, v any) consent.Faults

func fault(path, text string) *consent.Error {
	return &consent.Error{Code: consent.CodeFormat, Path: path, Text: text}
}

func wrong(path, text string) consent.Faults { return consent.Faults{fault(path, text)} }

// below is the path of a member.
func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,80}$`)

// plain is a name that the client made up, where it does no harm in an answer.
func plain(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "?"
}

// object wants an object with these members and no others; required names those that
// must be there.
func object(required string, members map[string]rule) rule {
	return func(path string, v any) consent.Faults {
		o, ok := v.(map[string]any)
		if !ok {
			return wrong(path, "must be an object")
		}
		return judge(path, o, required, members)
	}
}

// some wants an object with these members, and passes over others, which are not kept,
// and over members that are null.
func some(required string, members map[string]rule) rule {
	return func(path string, v any) consent.Faults {
		o, ok := v.(map[string]any)
		if !ok {
			return wrong(path, "must be an object")
		}
		chosen := map[string]any{}
		for name := range members {
			if x := o[name]; x != nil {
				chosen[name] = x
			}
		}
		return judge(path, chosen, required, members)
	}
}

func judge(path string, o map[string]any, required string, members map[string]rule) (faults consent.Faults) {
	for name := range strings.FieldsSeq(required) {
		if _, there := o[name]; !there {
			faults = append(faults, fault(below(path, name), "is required"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		judge, known := members[name]
		if !known {
			faults = append(faults, fault(below(path, plain(name)), "is not known here"))
			continue
		}
		faults = append(faults, judge(below(path, name), o[name])...)
	}
	return faults
}

// list wants an array of so many elements.
func list(least, most int, element rule) rule {
	return func(path string, v any) consent.Faults {
		all, ok := v.([]any)
		if !ok || len(all) < least || len(all) > most {
			return wrong(path, "must be an array of "+strconv.Itoa(least)+" to "+strconv.Itoa(most)+" elements")
		}
		var faults consent.Faults
		for i, x := range all {
			faults = append(faults, element(edge.Element(path, i), x)...)
		}
		return faults
	}
}

// text wants a string of 1 to limit characters that can be shown anywhere.
func text(limit int) rule {
	return func(path string, v any) consent.Faults {
		s, ok := v.(string)
		switch {
		case !ok:
			return wrong(path, "must be a string")
		case strings.TrimSpace(s) == "":
			return wrong(path, "must not be empty")
		case strings.ContainsFunc(s, unsafeRune):
			return wrong(path, "must not hold control characters")
		case utf8.RuneCountInString(s) > limit:
			return wrong(path, "must not be longer than "+strconv.Itoa(limit)+" characters")
		default:
			return nil
		}
	}
}

// unsafeRune tells what changes how the text around it is read, and what is no text at
// all.
func unsafeRune(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// like wants a string of a form.
func like(form *regexp.Regexp, words string) rule {
	return func(path string, v any) consent.Faults {
		if s, ok := v.(string); !ok || !form.MatchString(s) {
			return wrong(path, words)
		}
		return nil
	}
}

// oneOf wants one of some strings, which are parted by spaces.
func oneOf(values string) rule {
	return func(path string, v any) consent.Faults {
		if s, ok := v.(string); !ok || !slices.Contains(strings.Fields(values), s) {
			return wrong(path, "must be one of "+strings.Join(strings.Fields(values), ", "))
		}
		return nil
	}
}

func boolean(path string, v any) consent.Faults {
	if _, ok := v.(bool); !ok {
		return wrong(path, "must be true or false")
	}
	return nil
}

func anyObject(path string, v any) consent.Faults {
	if _, ok := v.(map[string]any); !ok {
		return wrong(path, "must be an object")
	}
	return nil
}

// count wants a whole number within bounds.
func count(least, most int64) rule {
	return func(path string, v any) consent.Faults {
		number, _ := v.(json.Number)
		n, err := number.Int64()
		if err != nil || n < least || n > most {
			return wrong(path, "must be a whole number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
		}
		return nil
	}
}

// decimal wants a number above zero.
func decimal(path string, v any) consent.Faults {
	number, _ := v.(json.Number)
	if f, err := number.Float64(); err != nil || f <= 0 {
		return wrong(path, "must be a number above zero")
	}
	return nil
}

// timestamp is the form of a time in RFC 3339, which package time takes more loosely:
// a comma before the fraction, hours of one digit.
var timestamp = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// instant reads a time with its zone, in UTC and microseconds.
func instant(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !timestamp.MatchString(s) {
		return time.Time{}, false
	}
	t = t.UTC().Truncate(time.Microsecond)
	return t, 1 <= t.Year() && t.Year() <= 9999 // a zone can lead out of what can be written down
}

func moment(path string, v any) consent.Faults {
	s, _ := v.(string)
	if _, ok := instant(s); !ok {
		return wrong(path, "must be a time with its zone, like 2026-12-31T23:59:59Z")
	}
	return nil
}

func day(path string, v any) consent.Faults {
	s, _ := v.(string)
	if _, err := consent.ParseDate(s); err != nil {
		return wrong(path, "must be a date like 2026-12-31")
	}
	return nil
}
