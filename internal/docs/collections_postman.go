package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The members of a Postman Collection, version 2.1, that we use.
type (
	postmanCollection struct {
		Info     postmanInfo       `json:"info"`
		Item     []postmanFolder   `json:"item"`
		Variable []postmanVariable `json:"variable"`
	}
	postmanInfo struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Schema      string `json:"schema"`
	}
	postmanVariable struct {
		Key         string `json:"key"`
		Value       string `json:"value"`
		Type        string `json:"type"`
		Description string `json:"description,omitempty"`
	}
	postmanFolder struct {
		Name        string        `json:"name"`
		Description string        `json:"description,omitempty"`
		Item        []postmanItem `json:"item"`
	}
	postmanItem struct {
		ID       string         `json:"id"`
		Name     string         `json:"name"`
		Event    []postmanEvent `json:"event"`
		Request  postmanRequest `json:"request"`
		Response []any          `json:"response"`
	}
	postmanEvent struct {
		Listen string        `json:"listen"`
		Script postmanScript `json:"script"`
	}
	postmanScript struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	}
	postmanRequest struct {
		Method      string         `json:"method"`
		Header      []postmanField `json:"header"`
		Body        *postmanBody   `json:"body,omitempty"`
		URL         postmanURL     `json:"url"`
		Description string         `json:"description,omitempty"`
	}
	postmanField struct {
		Key         string `json:"key"`
		Value       string `json:"value"`
		Description string `json:"description,omitempty"`
		Disabled    bool   `json:"disabled,omitempty"`
	}
	postmanBody struct {
		Mode    string         `json:"mode"`
		Raw     string         `json:"raw"`
		Options postmanOptions `json:"options"`
	}
	postmanOptions struct {
		Raw postmanLanguage `json:"raw"`
	}
	postmanLanguage struct {
		Language string `json:"language"`
	}
	postmanURL struct {
		Raw   string         `json:"raw"`
		Host  []string       `json:"host"`
		Path  []string       `json:"path"`
		Query []postmanField `json:"query,omitempty"`
	}
)

const postmanSchema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

// postman writes a collection for Postman and the programs that read its form.
func postman(c collection) ([]byte, error) {
	out := postmanCollection{Info: postmanInfo{Name: c.Name, Description: c.Text, Schema: postmanSchema}}
	for _, v := range c.Variables {
		out.Variable = append(out.Variable, postmanVariable{Key: v.Name, Value: v.Value, Type: "string", Description: v.Text})
	}
	for _, f := range c.Folders {
		made := postmanFolder{Name: f.Name, Description: f.Text}
		for _, request := range f.Calls {
			made.Item = append(made.Item, postmanCall(request))
		}
		out.Item = append(out.Item, made)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(out); err != nil {
		return nil, fmt.Errorf("write the collection: %w", err)
	}
	return b.Bytes(), nil
}

func postmanCall(c call) postmanItem {
	request := postmanRequest{
		Method: c.Method, Header: postmanFields(c.Headers), Description: strings.TrimSpace(c.Summary + "\n\n" + c.Text),
		URL: postmanURL{
			Raw: c.address(), Host: []string{"{{" + c.Base + "}}"}, Path: strings.Split(strings.TrimPrefix(c.Path, "/"), "/"),
			Query: postmanFields(c.Query),
		},
	}
	if c.Body != "" {
		request.Body = &postmanBody{Mode: "raw", Raw: c.Body, Options: postmanOptions{postmanLanguage{"json"}}}
	}
	return postmanItem{
		ID: c.ID, Name: c.Name, Request: request, Response: []any{},
		Event: []postmanEvent{{Listen: "test", Script: postmanScript{Type: "text/javascript", Exec: script(c)}}},
	}
}

func postmanFields(fields []field) []postmanField {
	made := make([]postmanField, len(fields))
	for i, f := range fields {
		made[i] = postmanField{Key: f.Name, Value: f.Value, Description: f.Text, Disabled: f.Off}
	}
	return made
}

// A call that waits is sent again so often, with a pause between.
const (
	maxTries    = 60
	pauseMillis = 500
)

// script checks the status, keeps what later calls need, and sends the call again
// while it must wait. Only a run of the whole collection can do the latter.
func script(c call) []string {
	check := []string{
		"pm.test('the status is " + strings.Join(c.Answers, " or ") + "', () => pm.expect(pm.response.code).to.be.oneOf([" + strings.Join(c.Answers, ", ") + "]));",
	}
	if c.Code != "" {
		check = append(check, "pm.test('the code is "+c.Code+"', () => pm.expect(pm.response.json().tppMessages.map((m) => m.code)).to.include('"+c.Code+"'));")
	}
	if len(c.Captures) == 0 && c.Says == nil {
		return check
	}
	lines := []string{"const body = pm.response.text() ? pm.response.json() : undefined;"}
	for _, kept := range c.Captures {
		lines = append(lines,
			"const "+kept.Variable+" = "+javascript(kept.From)+";",
			"if ("+kept.Variable+") pm.collectionVariables.set('"+kept.Variable+"', "+kept.Variable+");",
		)
	}
	if c.Says == nil {
		return append(lines, check...)
	}
	check = append(check, "pm.test('"+c.Says.Path+" is "+c.Says.Value+"', () => pm.expect("+javascript(c.Says.Path)+").to.equal('"+c.Says.Value+"'));")
	if !c.Says.Wait {
		return append(lines, check...)
	}
	return append(lines, again(c, check)...)
}

// again checks what a call waits for, or has it sent once more.
func again(c call, check []string) []string {
	lines := []string{
		"const tries = Number(pm.collectionVariables.get('tries')) || 0;",
		"if (pm.response.code === " + c.Answers[0] + " && " + javascript(c.Says.Path) + " !== '" + c.Says.Value + "' && tries < " + strconv.Itoa(maxTries) + ") {",
		"  pm.collectionVariables.set('tries', tries + 1);",
		"  setTimeout(() => {}, " + strconv.Itoa(pauseMillis) + "); // the run goes on after it",
		"  pm.execution.setNextRequest(pm.info.requestName);",
		"} else {",
		"  pm.collectionVariables.unset('tries');",
	}
	for _, line := range check {
		lines = append(lines, "  "+line)
	}
	return append(lines, "}")
}

var index = regexp.MustCompile(`\[(-?\d+):?\]`)

// javascript reads a JSONPath of the body, undefined where it leads nowhere.
func javascript(path string) string {
	return "body?." + index.ReplaceAllString(strings.ReplaceAll(path, ".", "?."), "?.at($1)")
}
