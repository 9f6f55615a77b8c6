package flows

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// ErrNoSection means that there are no keys to read.
var ErrNoSection = errors.New("must be a section: keys with values")

// Keys are those that a section may have, each with where its value goes: *string,
// *[]string, *int, *bool, or Keys for a section within.
type Keys map[string]any

// Read fills in what a section sets, and leaves the rest as it is. Keys match to
// the letter, unlike those of encoding/json: a key that is nearly right sets
// nothing, and must not look as if it did. Fails with [ErrNoSection], or with all
// that is wrong: unknown keys, and values of the wrong type, null for a
// value among them. Each fault begins with its key, and none quotes a value.
func Read(raw json.RawMessage, keys Keys) error {
	var section map[string]json.RawMessage
	if err := json.Unmarshal(raw, &section); err != nil {
		return ErrNoSection
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(section)) {
		into, known := keys[key]
		if !known {
			faults = append(faults, fmt.Errorf("%s: no such key", key))
			continue
		}
		faults = append(faults, value(key, section[key], into))
	}
	return errors.Join(faults...)
}

// value reads what a key is set to.
func value(key string, raw json.RawMessage, into any) error {
	var (
		read bool
		kind string
	)
	switch into := into.(type) {
	case *string:
		read, kind = set(raw, into), "a text"
	case *[]string:
		read, kind = set(raw, into), "a list of texts"
	case *int:
		read, kind = set(raw, into), "a whole number"
	case *bool:
		read, kind = set(raw, into), "true or false"
	case Keys:
		err := Read(raw, into)
		if !errors.Is(err, ErrNoSection) {
			return Under(key, err)
		}
		kind = "a section: keys with values"
	default:
		return fmt.Errorf("%s: no value goes into a %T", key, into)
	}
	if !read {
		return fmt.Errorf("%s: must be %s", key, kind)
	}
	return nil
}

func set[T any](raw json.RawMessage, into *T) bool {
	var v *T
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return false
	}
	*into = *v
	return true
}

// begins is how a fault begins that names its key.
var begins = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*): `)

// keyOf is the key that a fault begins with; empty for none.
func keyOf(fault error) string {
	if found := begins.FindStringSubmatch(fault.Error()); found != nil {
		return found[1]
	}
	return ""
}

// Faulty reports whether a fault in err begins with one of the keys, or with a key
// within one.
func Faulty(err error, keys ...string) bool {
	return slices.ContainsFunc(faultsOf(err), func(fault error) bool {
		found := keyOf(fault)
		return slices.ContainsFunc(keys, func(key string) bool { return found == key && key != "" || strings.HasPrefix(found, key+".") })
	})
}

// Besides adds to err the faults of other, but for those of keys that err names
// already: one mistake is one fault.
func Besides(err, other error) error {
	more := slices.DeleteFunc(faultsOf(other), func(fault error) bool {
		return Faulty(err, keyOf(fault))
	})
	return errors.Join(err, errors.Join(more...))
}

// Under puts a path before each fault in err: with a dot where the fault begins
// with a key, with a colon where it does not.
func Under(path string, err error) error {
	faults := faultsOf(err)
	for i, fault := range faults {
		sign := ": "
		if keyOf(fault) != "" {
			sign = "."
		}
		faults[i] = fmt.Errorf("%s%s%w", path, sign, fault)
	}
	return errors.Join(faults...)
}

// faultsOf takes apart what [errors.Join] has joined, of any depth; what fmt.Errorf
// has made of several errors is one sentence, and stays whole.
func faultsOf(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var texts []string
	for _, each := range joined.Unwrap() {
		texts = append(texts, each.Error())
	}
	if err.Error() != strings.Join(texts, "\n") {
		return []error{err}
	}
	var all []error
	for _, each := range joined.Unwrap() {
		all = append(all, faultsOf(each)...)
	}
	return all
}
