package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// restClient writes a collection as a .http file for the REST Client of Visual
// Studio Code. What a call needs of an earlier answer is taken from it by
// reference, so that calls can be sent one after another without copying.
func restClient(c collection) ([]byte, error) {
	from := map[string]string{}
	calls := httpCalls(c, func(b *strings.Builder, request call) {
		writeCall(b, request, func(name string) string {
			if reference, ok := from[name]; ok {
				return reference
			}
			return name
		})
		for _, kept := range request.Captures {
			from[kept.Variable] = request.ID + ".response.body.$." + kept.From
		}
	})
	return httpFile(c, introductionREST, calls, nil), nil
}

const (
	introductionHTTP = "A line `# expect` names the statuses that are right, with the code of a refusal; a second one, what the answer must say; a line `# repeat until`, what it must say before the next call is sent. "
	introductionREST = introductionHTTP + "A call that needs something of an earlier answer refers to it by the `@name` of the call that got it."
)

// jetBrains writes a collection as a .http file for the HTTP Client of JetBrains'
// programs, and for httpyac. Scripts behind the calls keep what later calls need.
func jetBrains(c collection) ([]byte, error) {
	kept := map[string]bool{}
	calls := httpCalls(c, func(b *strings.Builder, request call) {
		writeCall(b, request, func(name string) string {
			if name == "$guid" {
				return "$random.uuid"
			}
			return name
		})
		b.WriteString("\n> {%\n")
		for _, line := range handler(request) {
			b.WriteString("  " + line + "\n")
		}
		b.WriteString("%}\n")
		for _, capture := range request.Captures {
			kept[capture.Variable] = true
		}
	})
	return httpFile(c, introductionHTTP, calls, kept), nil
}

// handler is the script behind a call, in the JavaScript that all versions know.
func handler(c call) []string {
	right := make([]string, len(c.Answers))
	for i, status := range c.Answers {
		right[i] = "response.status === " + status
	}
	lines := []string{
		"client.test('the status is " + strings.Join(c.Answers, " or ") + "', function () { client.assert(" + strings.Join(right, " || ") + "); });",
	}
	if c.Code != "" {
		lines = append(lines, "client.test('the code is "+c.Code+"', function () { client.assert(response.body.tppMessages[0].code === '"+c.Code+"'); });")
	}
	for _, kept := range c.Captures {
		lines = append(lines, "client.global.set('"+kept.Variable+"', response.body."+strings.ReplaceAll(kept.From, "[-1:]", ".slice(-1)[0]")+");")
	}
	return lines
}

// httpCalls are the calls of a collection, each below its name.
func httpCalls(c collection, write func(*strings.Builder, call)) string {
	var b strings.Builder
	for _, f := range c.Folders {
		for i, request := range f.Calls {
			b.WriteString("\n### " + f.Name + " · " + request.Name + "\n")
			if i == 0 {
				writeComment(&b, f.Text)
			}
			write(&b, request)
		}
	}
	return b.String()
}

// httpFile puts before the calls what they are, and the variables that they use
// and don't keep themselves.
func httpFile(c collection, introduction, calls string, kept map[string]bool) []byte {
	var b strings.Builder
	writeComment(&b, c.Name+"\n\n"+c.Text+"\n\n"+introduction)
	b.WriteString("\n")
	for _, v := range c.Variables {
		if strings.Contains(calls, "{{"+v.Name+"}}") && !kept[v.Name] {
			fmt.Fprintf(&b, "# %s\n@%s = %s\n", v.Text, v.Name, v.Value)
		}
	}
	return []byte(b.String() + calls)
}

// writeCall writes one request, with variables by the names that named gives them.
func writeCall(out *strings.Builder, c call, named func(string) string) {
	var b strings.Builder
	if !strings.HasPrefix(c.Name, c.Summary) {
		writeComment(&b, c.Summary)
	}
	writeComment(&b, c.Text)
	b.WriteString(strings.TrimRight("# expect "+strings.Join(c.Answers, " or ")+" "+c.Code, " ") + "\n")
	switch {
	case c.Says != nil && c.Says.Wait:
		// httpyac does wait so long; to all others it is a comment.
		b.WriteString("# repeat until " + c.Says.Path + " = " + c.Says.Value + "\n# @sleep 2000\n")
	case c.Says != nil:
		b.WriteString("# expect " + c.Says.Path + " = " + c.Says.Value + "\n")
	}
	b.WriteString("# @name " + c.ID + "\n")
	b.WriteString(c.Method + " " + c.address() + "\n")
	for _, h := range c.Headers {
		if h.Off && c.Brief {
			continue
		}
		if h.Off {
			b.WriteString("# ")
		}
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	if c.Body != "" {
		b.WriteString("\n" + c.Body + "\n")
	}
	out.WriteString(placeholder.ReplaceAllStringFunc(b.String(), func(p string) string {
		return "{{" + named(p[2:len(p)-2]) + "}}"
	}))
}

// placeholder is a variable in a call.
var placeholder = regexp.MustCompile(`\{\{(\$?[A-Za-z]+)\}\}`)

// writeComment writes text as comments, its lines broken where they get long.
func writeComment(b *strings.Builder, text string) {
	const width = 100
	if text == "" {
		return
	}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		line := "#"
		for word := range strings.FieldsSeq(paragraph) {
			if len(line)+len(word) >= width {
				b.WriteString(line + "\n")
				line = "#"
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
}
