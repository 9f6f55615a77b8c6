package manager

import (
	"maps"
	"slices"

	"consentd/internal/consent"
)

// flatten brings a patch to the form with dotted keys. Three forms are in use: dotted
// keys, nested objects, and either of them below data. nested names the keys whose
// objects are taken apart.
func flatten(o map[string]any, nested ...string) (map[string]any, consent.Faults) {
	if inner, ok := o["data"].(map[string]any); ok && len(o) == 1 {
		o = inner
	}
	f := flattener{nested: nested, flat: map[string]any{}}
	f.walk("", o)
	return f.flat, f.faults
}

type flattener struct {
	nested []string
	flat   map[string]any
	faults consent.Faults
}

func (f *flattener) walk(path string, o map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		key := below(path, name)
		if inner, ok := o[name].(map[string]any); ok && slices.Contains(f.nested, key) {
			f.walk(key, inner)
			continue
		}
		if _, twice := f.flat[key]; twice {
			f.faults = append(f.faults, fault(plain(key), "must not be there twice"))
		}
		f.flat[key] = o[name]
	}
}
