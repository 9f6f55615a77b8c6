package docs

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// builder makes the folders of a collection of what the descriptions say.
type builder struct {
	documents []*Document
	sandbox   bool
}

// folders are the story, and behind it every operation of the interface for TPPs
// by its tag, with each of its examples. Those that read under a consent stand in
// the story, while there is one.
func (b builder) folders() []folder {
	var reads, others []folder
	for _, doc := range b.documents {
		if !doc.BasePath {
			continue
		}
		for _, group := range doc.Groups {
			if slices.ContainsFunc(group.Operations, underConsent) {
				reads = append(reads, b.reference(doc, group))
				continue
			}
			others = append(others, b.reference(doc, group))
		}
	}
	var all []folder
	for _, stage := range story {
		if stage.Sandbox && !b.sandbox {
			continue
		}
		if f := b.stage(stage); len(f.Calls) > 0 {
			all = append(all, f)
		}
		if stage.Reads {
			all = append(all, reads...)
		}
	}
	return append(all, others...)
}

const headerConsent = "Consent-ID"

// underConsent says whether an operation cannot be called without a consent that
// its headers name.
func underConsent(op Operation) bool {
	return slices.ContainsFunc(op.Required, func(r Row) bool { return r.Name == headerConsent })
}

func (b builder) stage(s stage) folder {
	f := folder{Name: s.Name, Text: s.Text}
	for _, step := range s.Steps {
		if made, ok := b.step(step); ok {
			f.Calls = append(f.Calls, made)
		}
	}
	return f
}

func (b builder) step(s step) (call, bool) {
	if s.Operation == "" {
		made := s.Sandbox
		made.ID, made.Name, made.Base, made.Answers, made.Says = s.ID, s.Title, sandboxURL, []string{"200"}, s.Says
		return made, b.sandbox
	}
	doc, op := b.find(s.Operation)
	if op == nil || !doc.BasePath && !b.sandbox {
		return call{}, false
	}
	example := op.example(s.Example)
	if example != nil { // where the story has it sent, it does what it is for
		sent := *example
		sent.Otherwise, example = nil, &sent
	}
	made := b.call(doc, *op, example)
	made.Answers = op.success()
	made.ID, made.Name, made.Says, made.Brief = s.ID, op.Summary, s.Says, true
	if s.Title != "" {
		made.Name = s.Title
	}
	for name, value := range s.Path {
		made.Path = strings.ReplaceAll(made.Path, "{{"+name+"}}", value)
	}
	made.Headers = override(made.Headers, s.Headers)
	if s.Body != "" {
		made.Body = s.Body
	}
	if s.Answer != "" {
		made.Answers, made.Code, made.Captures, made.Text = []string{s.Answer}, s.Code, nil, ""
	}
	return made, true
}

// find looks for an operation of the interface for TPPs, or for "name/operationId"
// of another description.
func (b builder) find(id string) (*Document, *Operation) {
	name, rest, elsewhere := strings.Cut(id, "/")
	if elsewhere {
		id = rest
	}
	for _, doc := range b.documents {
		if elsewhere && doc.Name != name || !elsewhere && !doc.BasePath {
			continue
		}
		for _, group := range doc.Groups {
			for i := range group.Operations {
				if group.Operations[i].ID == id {
					return doc, &group.Operations[i]
				}
			}
		}
	}
	return nil, nil
}

// success are the statuses of success.
func (o Operation) success() []string {
	statuses := make([]string, len(o.Answers))
	for i, answer := range o.Answers {
		statuses[i] = answer.Status
	}
	return statuses
}

// example is the example of a body with that name, or the first; nil without any.
func (o Operation) example(name string) *Example {
	if o.Body == nil {
		return nil
	}
	for i := range o.Body.Examples {
		if name == "" || o.Body.Examples[i].Name == name {
			return &o.Body.Examples[i]
		}
	}
	return nil
}

// reference is a tag: every operation, once for each example of its body. What
// deletes comes last, and what the paths name is made first, so that the folder
// can be run alone.
func (b builder) reference(doc *Document, group Group) folder {
	f := folder{Name: group.Name, Text: markdown(group.Text)}
	operations := slices.Clone(group.Operations)
	slices.SortStableFunc(operations, func(x, y Operation) int { return deletes(x) - deletes(y) })
	if first := b.creator(doc, operations); first != nil {
		made := b.call(doc, *first, first.example(""))
		made.ID, made.Name, made.Brief = identifier(group.Name)+"_first", "First: "+first.Summary, true
		f.Calls = append(f.Calls, made)
	}
	for _, op := range operations {
		if op.Body == nil || len(op.Body.Examples) == 0 {
			f.Calls = append(f.Calls, b.call(doc, op, nil))
			continue
		}
		for i := range op.Body.Examples {
			made := b.call(doc, op, &op.Body.Examples[i])
			made.Brief = i > 0
			f.Calls = append(f.Calls, made)
		}
	}
	return f
}

func deletes(op Operation) int {
	if op.Method == http.MethodDelete {
		return 1
	}
	return 0
}

// creator is the operation that makes what the first path of a folder is about,
// where none of the folder does.
func (b builder) creator(doc *Document, operations []Operation) *Operation {
	parent, _, ok := strings.Cut(operations[0].Path, "/{")
	if !ok || underConsent(operations[0]) {
		return nil
	}
	for _, group := range doc.Groups {
		for i, op := range group.Operations {
			if op.Method == http.MethodPost && op.Path == parent {
				return &group.Operations[i]
			}
		}
	}
	return nil
}

// call is an operation with one of its examples.
func (b builder) call(doc *Document, op Operation, example *Example) call {
	made := call{
		ID: op.ID, Name: op.Summary, Summary: op.Summary, Method: op.Method, Base: bankURL,
		Path:    parameter.ReplaceAllStringFunc(op.Path, func(p string) string { return "{{" + camel(p[1:len(p)-1]) + "}}" }),
		Answers: op.success(), Captures: captures[op.ID],
	}
	if doc.BasePath {
		made.Base = baseURL
		if b.sandbox {
			made.Headers = append(made.Headers, field{Name: "X-Sandbox-TPP", Value: "{{tpp}}", Text: "The TPP that calls, where it has no certificate."})
		}
	}
	for _, row := range slices.Concat(op.Required, op.Optional) {
		made.Headers = append(made.Headers, row.field())
	}
	for _, row := range op.Query {
		made.Query = append(made.Query, row.field())
	}
	if doc.Token != "" {
		made.Headers = append(made.Headers, field{Name: "Authorization", Value: "Bearer {{bankToken}}"})
	}
	if example == nil {
		return made
	}
	made.ID, made.Name, made.Body = op.ID+"_"+example.Name, op.Summary+": "+example.Summary, example.Value
	made.Text = markdown(example.Text)
	b.expect(&made, *example)
	made.Headers = override(append(made.Headers, field{Name: "Content-Type", Value: op.Body.Type}), example.Headers)
	return made
}

// expect says how an example is answered. Of the sandbox that is known; which
// approaches a bank offers, for instance, is not.
func (b builder) expect(made *call, example Example) {
	switch {
	case len(example.Otherwise) == 0:
	case !b.sandbox:
		made.Answers = append(made.Answers, example.Otherwise...)
		made.Text = strings.TrimSpace(made.Text + "\n\n" + hopeful)
	case example.InSandbox != "":
		made.Answers, made.Code = []string{example.InSandbox}, example.Code
		if example.Code != "" {
			made.Captures = nil
			made.Text = strings.TrimSpace(made.Text + "\n\n" + refusedInSandbox)
		}
	}
}

const (
	hopeful          = "Whether this succeeds depends on what the bank offers, and on what its customer did meanwhile: any of these statuses is right."
	refusedInSandbox = "A sandbox without options refuses this here: the authorisation follows the redirect approach and waits for the customer's browser. The same is taken where the embedded approach, or confirmation codes, are on."
)

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// known are headers whose values every call makes anew or takes from the calls
// before it; the examples of all others do.
var known = map[string]string{"X-Request-ID": "{{$guid}}", headerConsent: "{{consentId}}"}

func (r Row) field() field {
	value := r.example()
	if v, ok := known[r.Name]; ok {
		value = v
	}
	return field{Name: r.Name, Value: value, Text: markdown(r.Text), Off: !r.Required}
}

// override switches headers on with values of a step's own.
func override(headers []field, values map[string]string) []field {
	headers = slices.Clone(headers)
	left := make([]string, 0, len(values))
	for name := range values {
		left = append(left, name)
	}
	slices.Sort(left)
	for _, name := range left {
		at := slices.IndexFunc(headers, func(f field) bool { return f.Name == name })
		if at < 0 {
			headers = append(headers, field{Name: name, Value: values[name]})
			continue
		}
		headers[at].Value, headers[at].Off = values[name], false
	}
	return headers
}

// open are the variables that the answers fill, with the examples of the
// descriptions for whoever sends a call alone.
func (b builder) open(c collection) []variable {
	examples := map[string]string{}
	for _, doc := range b.documents {
		for _, group := range doc.Groups {
			for _, op := range group.Operations {
				for _, row := range op.PathParameters {
					examples[camel(row.Name)] = row.example()
				}
			}
		}
	}
	var found []variable
	seen := map[string]bool{}
	for _, v := range c.Variables {
		seen[v.Name] = true
	}
	for _, f := range c.Folders {
		for _, made := range f.Calls {
			for _, m := range placeholder.FindAllStringSubmatch(made.Path+made.Body+valuesOf(made.Headers), -1) {
				if name := m[1]; !seen[name] && name[0] != '$' {
					seen[name] = true
					found = append(found, variable{name, examples[name], "filled by an answer"})
				}
			}
		}
	}
	return found
}

// camel is a parameter's name as a variable: account-id becomes accountId.
func camel(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' })
	for i := 1; i < len(words); i++ {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	return strings.Join(words, "")
}

// identifier is a name of letters and digits only.
func identifier(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return camel(strings.ToLower(strings.Join(words, "-")))
}

// markdown writes paragraphs as our descriptions do.
func markdown(paragraphs []Paragraph) string {
	texts := make([]string, len(paragraphs))
	for i, p := range paragraphs {
		for _, span := range p {
			if span.Code {
				texts[i] += "`" + span.Text + "`"
				continue
			}
			texts[i] += span.Text
		}
	}
	return strings.Join(texts, "\n\n")
}
