package docs

import "strings"

// collection is a set of calls to send, in no program's form yet.
type collection struct {
	Name, Text string
	Variables  []variable
	Folders    []folder
}

// variable is a value that calls use by name, as {{name}}.
type variable struct{ Name, Value, Text string }

type folder struct {
	Name, Text string
	Calls      []call
}

// call is a request, and what to do with its answer. Path, values and body may
// hold variables.
type call struct {
	// ID is unique among all calls, and an identifier.
	ID                  string
	Name, Summary, Text string
	Method, Base, Path  string // Base is the variable that holds the address
	Query, Headers      []field
	Body                string
	// Answers are the statuses that are right, and Code the code of the refusal that
	// is wanted; empty where none is.
	Answers  []string
	Code     string
	Captures []capture
	// Says is what the answer must say; nil for whatever it says.
	Says *says
	// Brief says that what can be left out stands with another call already.
	Brief bool
}

// field is a header or a parameter of the query.
type field struct {
	Name, Value, Text string
	Off               bool // there for people to switch on
}

// capture keeps a value of an answer in a variable. From is a JSONPath below $,
// of names, [0] and [-1:].
type capture struct{ Variable, From string }

// says is a value in the answer. With Wait it may take a while, and the call is sent
// again until then.
type says struct {
	Path, Value string
	Wait        bool
}

// address is where a call goes, with the parameters that are switched on.
func (c call) address() string {
	var query []string
	for _, q := range c.Query {
		if !q.Off {
			query = append(query, q.Name+"="+q.Value)
		}
	}
	if len(query) == 0 {
		return "{{" + c.Base + "}}" + c.Path
	}
	return "{{" + c.Base + "}}" + c.Path + "?" + strings.Join(query, "&")
}

// valuesOf are those of fields, in a line each.
func valuesOf(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f.Value + "\n")
	}
	return b.String()
}
