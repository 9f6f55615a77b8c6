package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/openapi"
)

const tableFile = "../testdata/xs2a.facts"

// standard is the table that is kept.
func standard(t *testing.T) table {
	t.Helper()
	data, err := os.ReadFile(tableFile)
	require.NoError(t, err)
	read, err := parse(string(data))
	require.NoError(t, err)
	require.Equal(t, string(data), read.String(), "the table must be as the program writes it")
	return read
}

// ours is our own description, distilled.
func ours(t *testing.T) table {
	t.Helper()
	data, err := openapi.Read("xs2a")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	mine := table{}
	mine.add(doc)
	return mine
}

func TestDescriptionAgainstTheStandard(t *testing.T) {
	t.Parallel()
	theirs, mine := standard(t).facts(), ours(t).facts()
	differences := compare(theirs, mine)
	unexplained, used := judge(differences)

	if len(unexplained) > 0 {
		t.Errorf("differences that no divergence explains:\n%s", strings.Join(unexplained, "\n"))
	}
	assert.LessOrEqual(t, len(divergences), 10)
	for _, d := range divergences {
		assert.NotEmpty(t, d.reason, d.name)
		for _, pattern := range d.like {
			assert.Positive(t, used[pattern], "%s: %s explains nothing", d.name, pattern)
		}
	}
	t.Logf("%d facts of the standard's description compared with %d of ours: %d differences, for %d reasons",
		len(theirs), len(mine), len(differences), len(divergences))
	for _, d := range divergences {
		t.Logf("%4d  %s: %s", d.count(used), d.name, d.reason)
	}
}

// compare lists what is in one set only: "- " begins what theirs has, "+ " what
// mine has. What lies below something that is missing itself is left out.
func compare(theirs, mine map[string]bool) []string {
	var found []string
	for _, side := range []struct {
		sign     string
		has, not map[string]bool
	}{{"- ", theirs, mine}, {"+ ", mine, theirs}} {
		for fact := range side.has {
			if !side.not[fact] && (above(fact) == "" || side.not[above(fact)]) {
				found = append(found, side.sign+fact)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { return strings.Compare(a[2:], b[2:]) })
	return found
}

// above is the fact without which another makes no sense: the member of which it
// is a part, the body of which that is one, the operation.
func above(fact string) string {
	parts := strings.Split(fact, separator)
	last := len(parts) - 1
	if last == 2 {
		if dot := strings.LastIndex(parts[last], "."); dot > 0 {
			parts[last] = strings.TrimSuffix(parts[last][:dot], "[]")
			return strings.Join(parts, separator)
		}
	}
	return strings.Join(parts[:last], separator)
}

// judge returns the differences that no divergence explains, and how many each
// pattern explains.
func judge(differences []string) (unexplained []string, used map[string]int) {
	var patterns []*regexp.Regexp
	for _, d := range divergences {
		for _, like := range d.like {
			patterns = append(patterns, regexp.MustCompile(like))
		}
	}
	used = map[string]int{}
	for _, difference := range differences {
		i := slices.IndexFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(difference) })
		if i < 0 {
			unexplained = append(unexplained, difference)
			continue
		}
		used[patterns[i].String()]++
	}
	return unexplained, used
}

// Proves that the comparison would notice: each change to our description must
// come out as a difference that nothing explains.
func TestComparisonNotices(t *testing.T) {
	t.Parallel()
	const create = "POST /v1/consents"
	read := "GET /v1/consents/{consentId}"
	for name, c := range map[string]struct {
		change func(table)
		want   string
	}{
		"operation is missing": {func(m table) { m.drop("DELETE /v1/consents/{consentId}") }, "- DELETE /v1/consents/{consentId}"},
		"operation too many":   {func(m table) { m[section{"PATCH /v1/consents", "headers"}] = nil }, "+ PATCH /v1/consents"},
		"status is missing":    {func(m table) { delete(m, section{create, "503 headers"}) }, "- POST /v1/consents | 503 headers"},
		"header is missing":    {edit(create, "headers", "PSU-Geo-Location string", ""), "- POST /v1/consents | headers | PSU-Geo-Location"},
		"header is optional":   {edit(create, "headers", "PSU-IP-Address required", "PSU-IP-Address"), "- POST /v1/consents | headers | PSU-IP-Address | required"},
		"header is required":   {edit(create, "headers", "PSU-ID string", "PSU-ID required string"), "+ POST /v1/consents | headers | PSU-ID | required"},
		"member is missing":    {edit(create, "request application/json", "access.restrictedTo array:string", ""), "- POST /v1/consents | request application/json | access.restrictedTo"},
		"member is of another type": {
			edit(create, "request application/json", "frequencyPerDay required integer", "frequencyPerDay required string"),
			"- POST /v1/consents | request application/json | frequencyPerDay | integer",
		},
		"value is missing": {
			edit(read, "200 application/json", "revokedByPsu,", ""),
			"- GET /v1/consents/{consentId} | 200 application/json | consentStatus | enum=revokedByPsu",
		},
		"value too many": {
			edit(read, "200 application/json", "revokedByPsu,", "revokedByPsu,replaced,"),
			"+ GET /v1/consents/{consentId} | 200 application/json | consentStatus | enum=replaced",
		},
		"answer holds less": {
			edit(read, "200 application/json", "lastActionDate required", "lastActionDate"),
			"- GET /v1/consents/{consentId} | 200 application/json | lastActionDate | required",
		},
		"stray link": {
			edit(create, "201 application/json", "_links.scaRedirect link", "_links.scaRedirects link"),
			"+ POST /v1/consents | 201 application/json | _links.scaRedirects",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := ours(t)
			c.change(mine)
			unexplained, _ := judge(compare(standard(t).facts(), mine.facts()))
			assert.Contains(t, unexplained, c.want)
		})
	}
}

func (t table) drop(operation string) {
	for s := range t {
		if s.operation == operation {
			delete(t, s)
		}
	}
}

// edit changes the lines of a part that hold a text; those that become empty go.
func edit(operation, part, from, to string) func(table) {
	return func(t table) {
		s := section{operation, part}
		var lines []string
		for _, line := range t[s] {
			if line = strings.Replace(line, from, to, 1); line != "" {
				lines = append(lines, line)
			}
		}
		t[s] = lines
	}
}
