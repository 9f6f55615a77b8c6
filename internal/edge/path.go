package edge

import "strings"

// PathIDs are the parameters of a path, of which no operation has more than two.
type PathIDs [2]string

// MatchPath compares a path, escaped as it was sent, with a pattern such as
// /accounts/:id/balances, segment by segment: Echo's parameters match nothing, and
// slashes. ids are the segments that stand for its parameters, as they were sent.
func MatchPath(pattern, path string) (ids PathIDs, ok bool) {
	found := 0
	for more := true; more; {
		var got, want string
		got, path, more = strings.Cut(path, "/")
		var expected bool
		want, pattern, expected = strings.Cut(pattern, "/")
		switch parameter := strings.HasPrefix(want, ":"); {
		case more != expected, parameter && got == "", !parameter && got != want:
			return ids, false
		case parameter:
			ids[found] = got
			found++
		}
	}
	return ids, true
}
