package manager

import (
	"encoding/json"
	"time"
)

// What a body holds is read out of the objects that were judged, by the exact names of
// their members, and never again from its bytes: encoding/json takes a member of a
// struct in any spelling, so that "tppid" would win over a "tppId" that was judged.

// textIn is a member that is a string; empty for any other, and for none.
func textIn(o map[string]any, name string) string {
	s, _ := o[name].(string)
	return s
}

// textsIn are the strings of a member that is an array; nil for none.
func textsIn(o map[string]any, name string) (all []string) {
	list, _ := o[name].([]any)
	for _, x := range list {
		s, _ := x.(string)
		all = append(all, s)
	}
	return all
}

// objectIn is a member that is an object; nil, which has no members, for any other.
func objectIn(o map[string]any, name string) map[string]any {
	inner, _ := o[name].(map[string]any)
	return inner
}

// countIn is a member that is a whole number; 0 for any other.
func countIn(o map[string]any, name string) int {
	number, _ := o[name].(json.Number)
	n, _ := number.Int64()
	return int(n)
}

// timeIn is a member that is a time; zero for any other.
func timeIn(o map[string]any, name string) time.Time {
	t, _ := instant(textIn(o, name))
	return t
}
