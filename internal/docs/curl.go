package docs

import (
	"net/http"
	"strings"
)

// Curl is the call as a command to paste: what is required, with the examples of
// the description, and the token, if there is one.
func (o Operation) Curl(base, token string) string {
	path := o.Path
	for _, p := range o.PathParameters {
		path = strings.ReplaceAll(path, "{"+p.Name+"}", p.example())
	}
	glue := "?"
	for _, q := range o.Query {
		if q.Required {
			path += glue + q.Name + "=" + q.example()
			glue = "&"
		}
	}
	parts := []string{"curl " + quote(base+path)}
	if o.Method != http.MethodGet && (o.Method != http.MethodPost || o.Body == nil) {
		parts[0] = "curl -X " + o.Method + " " + quote(base+path)
	}
	if token != "" {
		parts = append(parts, "-H "+quote("Authorization: Bearer "+token))
	}
	for _, header := range o.Required {
		parts = append(parts, "-H "+quote(header.Name+": "+header.example()))
	}
	if o.Body != nil && len(o.Body.Examples) > 0 {
		parts = append(parts, "-H "+quote("Content-Type: "+o.Body.Type), "-d "+quote(o.Body.Examples[0].Value))
	}
	return strings.Join(parts, " \\\n  ")
}

func (r Row) example() string {
	for _, fact := range r.Facts {
		if fact.Label == "example" {
			return fact.Value
		}
	}
	return ""
}

// quote makes one word of a POSIX shell of s, whatever it holds: the base comes
// from the request's Host header.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
