package docs

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Document is all that a page shows of one description.
type Document struct {
	Name, Title, Version, Summary string
	// ServedHere says that the calls go to the program that shows the page.
	ServedHere bool
	// BasePath says that the bank may put a prefix before the paths.
	BasePath bool
	// Root is a prefix of the description's own before its paths; empty without.
	Root string
	// Token is an example of the bearer token that the calls need first of all;
	// empty where they need none, or the description has no example.
	Token   string
	Text    []Paragraph
	Server  Paragraph
	Schemes []Row
	Groups  []Group
	// Shared are the responses that operations have in common, mostly errors.
	Shared []Response
}

// Operations counts them.
func (d *Document) Operations() int {
	n := 0
	for _, g := range d.Groups {
		n += len(g.Operations)
	}
	return n
}

// Group is a tag with its operations.
type Group struct {
	Name       string
	Text       []Paragraph
	Operations []Operation
}

// ID is what a link points at.
func (g Group) ID() string { return strings.ToLower(strings.ReplaceAll(g.Name, " ", "-")) }

// Operation is one method of one path.
type Operation struct {
	ID, Method, Path, Summary string
	Text                      []Paragraph
	PathParameters            []Row
	Query                     []Row
	Required, Optional        []Row
	Body                      *Body
	BodyRequired              bool
	Answers                   []Response
	Failures                  []Response
}

// Response is an answer. ID is set when it stands among the shared ones.
type Response struct {
	ID, Status string
	Text       []Paragraph
	Headers    []Row
	Bodies     []Body
	Codes      []Value
}

// Reason is what HTTP calls the status.
func (r Response) Reason() string {
	code, err := strconv.Atoi(r.Status)
	if err != nil {
		return ""
	}
	return http.StatusText(code)
}

// Body is the content of a request or an answer in one format.
type Body struct {
	Text     []Paragraph
	Type     string
	Schema   Row
	Examples []Example
}

// Example is a body to look at.
type Example struct {
	Name, Summary string
	// Otherwise are the statuses, besides those of success, that the example may be
	// answered with where a server's collection sends it: how the bank has set it up is
	// not known.
	Otherwise []string
	// InSandbox is the status that a sandbox without options answers with where its
	// collection sends the example, and Code that of the refusal; empty where it says
	// the same as others.
	InSandbox, Code string
	// Headers are those that belong to the example.
	Headers map[string]string
	Text    []Paragraph
	// Value is the body as it is sent: JSON, or a form.
	Value string
}

func parse(name string, data []byte) (*Document, error) {
	root, err := readNode(data)
	if err != nil {
		return nil, err
	}
	info := root.get("info")
	doc := &Document{
		Name: name, Title: info.get("title").str(), Version: info.get("version").str(), Summary: info.get("summary").str(),
		ServedHere: root.get("x-served-here").value == true, BasePath: root.get("x-base-path").value == true, Token: token(root),
		Text: paragraphs(info.get("description").str()),
	}
	for _, server := range root.get("servers").items() {
		doc.Server = spans(server.get("description").str())
		doc.Root = strings.TrimSuffix(server.get("url").str(), "/")
	}
	for _, scheme := range root.get("components", "securitySchemes").members() {
		doc.Schemes = append(doc.Schemes, Row{
			Name: scheme.name, Type: schemeType(scheme.node), Text: paragraphs(scheme.get("description").str()),
		})
	}
	for _, tag := range root.get("tags").items() {
		doc.Groups = append(doc.Groups, Group{Name: tag.get("name").str(), Text: paragraphs(tag.get("description").str())})
	}
	shared := map[string]Response{}
	for _, path := range root.get("paths").members() {
		doc.addPath(path, shared)
	}
	for _, response := range shared {
		doc.Shared = append(doc.Shared, response)
	}
	slices.SortFunc(doc.Shared, func(a, b Response) int { return strings.Compare(a.Status+a.ID, b.Status+b.ID) })
	return doc, nil
}

// token is the example of the bearer token in the first of the ways to
// authenticate.
func token(root node) string {
	ways := root.get("security").items()
	if len(ways) == 0 {
		return ""
	}
	for _, scheme := range ways[0].members() {
		if example := root.get("components", "securitySchemes", scheme.name, "x-example").str(); example != "" {
			return example
		}
	}
	return ""
}

func schemeType(scheme node) string {
	switch scheme.get("type").str() {
	case "mutualTLS":
		return "mutual TLS"
	case "http":
		return "bearer token"
	}
	return scheme.get("type").str()
}

func (d *Document) addPath(path member, shared map[string]Response) {
	for _, m := range path.members() {
		if m.name == "parameters" {
			continue
		}
		op := operation(m, path, shared)
		tag := m.get("tags").strs()
		for i := range d.Groups {
			if slices.Contains(tag, d.Groups[i].Name) {
				d.Groups[i].Operations = append(d.Groups[i].Operations, op)
			}
		}
	}
}

func operation(m, path member, shared map[string]Response) Operation {
	op := Operation{
		ID: m.get("operationId").str(), Method: strings.ToUpper(m.name), Path: path.name,
		Summary: m.get("summary").str(), Text: paragraphs(m.get("description").str()),
	}
	for _, parameter := range slices.Concat(path.get("parameters").items(), m.get("parameters").items()) {
		p := parameter.expand()
		row := parameterRow(p.get("name").str(), p)
		switch {
		case p.get("in").str() == "path":
			op.PathParameters = append(op.PathParameters, row)
		case p.get("in").str() == "query":
			op.Query = append(op.Query, row)
		case row.Required:
			op.Required = append(op.Required, row)
		default:
			op.Optional = append(op.Optional, row)
		}
	}
	if request := m.get("requestBody"); request.exists() {
		op.BodyRequired = request.get("required").value == true
		for _, body := range bodies(request) {
			body.Text = paragraphs(request.get("description").str())
			op.Body = &body
		}
	}
	for _, r := range m.get("responses").members() {
		res := response(r, shared)
		if strings.HasPrefix(r.name, "2") {
			op.Answers = append(op.Answers, res)
			continue
		}
		op.Failures = append(op.Failures, res)
	}
	return op
}

func response(r member, shared map[string]Response) Response {
	n := r.expand()
	res := Response{Status: r.name, Text: paragraphs(n.get("description").str()), Bodies: bodies(n)}
	for _, header := range n.get("headers").members() {
		res.Headers = append(res.Headers, parameterRow(header.name, header.expand()))
	}
	for _, body := range res.Bodies {
		if res.Codes == nil {
			res.Codes = codes(body.Schema)
		}
	}
	if name := r.refName(); name != "" {
		// One component may stand for several statuses (500 and 503): one entry each.
		res.ID = strings.ToLower(name) + "-" + r.name
		shared[res.ID] = res
	}
	return res
}

// codes finds the error codes of a body, however deep they are.
func codes(row Row) []Value {
	if row.Name == "code" {
		return row.Values
	}
	for _, below := range row.Rows {
		if found := codes(below); found != nil {
			return found
		}
	}
	return nil
}

func bodies(n node) []Body {
	var found []Body
	for _, media := range n.get("content").members() {
		body := Body{Type: media.name, Schema: schemaRow("", media.get("schema"))}
		for _, named := range media.get("examples").members() {
			example := named.expand()
			headers := map[string]string{}
			for _, header := range example.get("x-headers").members() {
				headers[header.name] = header.str()
			}
			body.Examples = append(body.Examples, Example{
				Name: named.name, Otherwise: example.get("x-otherwise").strs(),
				InSandbox: example.get("x-sandbox").get("status").str(), Code: example.get("x-sandbox").get("code").str(), Headers: headers,
				Summary: example.get("summary").str(),
				Text:    paragraphs(example.get("description").str()),
				Value:   written(media.name, example.get("value")),
			})
		}
		found = append(found, body)
	}
	return found
}
