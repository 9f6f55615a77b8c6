package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
)

const newman = "../node/node_modules/.bin/newman"

// download is a file that the program serves.
func (p *program) download(path string) []byte {
	p.t.Helper()
	res, err := http.Get(p.base + path)
	require.NoError(p.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	require.Equal(p.t, http.StatusOK, res.StatusCode)
	return b
}

// TestPostmanCollection runs the collection as Postman would, from top to bottom.
func TestPostmanCollection(t *testing.T) {
	require.FileExists(t, newman, "newman is missing: sh test/prerequisites.sh installs it")
	each(t, func(t *testing.T, p *program) {
		dir := t.TempDir()
		file, report := filepath.Join(dir, "collection.json"), filepath.Join(dir, "report.json")
		text := p.download("/docs/collections/consentd.postman_collection.json")
		require.NoError(t, os.WriteFile(file, text, 0o600))
		cmd := exec.CommandContext(t.Context(), newman, "run", file, "--color", "off", "--disable-unicode",
			"--timeout-request", "20000", "--reporters", "cli,json", "--reporter-json-export", report)
		cmd.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, requests(t, text), executed(t, report), "every request is sent")
	})
}

// requests are the ids of a collection's requests, in order.
func requests(t *testing.T, collection []byte) []string {
	t.Helper()
	var c struct {
		Item []struct{ Item []struct{ ID string } }
	}
	require.NoError(t, json.Unmarshal(collection, &c))
	var ids []string
	for _, folder := range c.Item {
		for _, item := range folder.Item {
			ids = append(ids, item.ID)
		}
	}
	require.Greater(t, len(ids), 40)
	return ids
}

// executed are the ids of the requests that a run sent, each once however often it
// was sent again. Each must have been judged.
func executed(t *testing.T, report string) []string {
	t.Helper()
	b, err := os.ReadFile(report)
	require.NoError(t, err)
	var r struct {
		Run struct {
			Failures   []any
			Executions []struct {
				Item       struct{ ID string }
				Assertions []struct{ Assertion string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(b, &r))
	require.Empty(t, r.Run.Failures)
	var ids, judged []string
	for _, e := range r.Run.Executions {
		if !slices.Contains(ids, e.Item.ID) {
			ids = append(ids, e.Item.ID)
		}
		if len(e.Assertions) > 0 {
			judged = append(judged, e.Item.ID)
		}
	}
	require.Equal(t, ids, judged)
	return ids
}

// TestHTTPFiles sends every request of the .http files, as the REST Client of Visual
// Studio Code and the HTTP Client of JetBrains' programs would; below a base path,
// for a change.
func TestHTTPFiles(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		for _, name := range []string{"consentd.http", "consentd.jetbrains.http"} {
			r := &restClient{program: p, variables: map[string]string{}, answers: map[string]any{}}
			before, rest, found := strings.Cut(string(p.download("/docs/collections/"+name)), "\n### ")
			require.True(t, found)
			for _, m := range regexp.MustCompile(`(?m)^@(\w+) = (.*)$`).FindAllStringSubmatch(before, -1) {
				r.variables[m[1]] = m[2]
			}
			parts := strings.Split(rest, "\n### ")
			for _, part := range parts {
				r.send(part)
			}
			require.Greater(t, len(parts), 40)
			require.Len(t, r.answers, len(parts))
		}
	}, func(o *app.SandboxOptions) { o.BasePath = "/psd2" })
}

// restClient knows as much of .http files as ours use.
type restClient struct {
	*program
	variables map[string]string
	answers   map[string]any // by the @name of the request
}

// request is a part of a .http file between two ###.
type request struct {
	name, title string
	want        []string // statuses
	code        string
	path, value string // what the answer says
	wait        bool
	method, url string
	header      http.Header
	body        string
	keeps       [][]string // variables, and paths of the answer
}

var (
	expectation = regexp.MustCompile(`^# expect (\d+(?: or \d+)*)(?: ([A-Z_]+))?$`)
	keeping     = regexp.MustCompile(`client\.global\.set\('(\w+)', response\.body\.(.+)\);`)
	repetition  = regexp.MustCompile(`^# (expect|repeat until) (\S+) = (\S+)$`)
)

func (r *restClient) parse(part string) request {
	r.t.Helper()
	part, script, _ := strings.Cut(part, "\n> {%\n")
	head, body, _ := strings.Cut(part, "\n\n")
	lines := strings.Split(head, "\n")
	q := request{title: lines[0], header: http.Header{}, body: r.resolve(strings.TrimSpace(body))}
	q.keeps = keeping.FindAllStringSubmatch(strings.ReplaceAll(script, ".slice(-1)[0]", "[-1:]"), -1)
	for _, line := range lines[1:] {
		if m := expectation.FindStringSubmatch(line); m != nil {
			q.want, q.code = strings.Split(m[1], " or "), m[2]
		} else if m := repetition.FindStringSubmatch(line); m != nil {
			q.wait, q.path, q.value = m[1] != "expect", m[2], m[3]
		} else if name, ok := strings.CutPrefix(line, "# @name "); ok {
			q.name = name
		} else if name, value, ok := strings.Cut(line, ": "); q.method != "" && ok && !strings.HasPrefix(line, "#") {
			q.header.Set(name, r.resolve(value))
		} else if method, url, ok := strings.Cut(line, " "); ok && method != "#" {
			q.method, q.url = method, r.resolve(url)
		}
	}
	require.NotEmpty(r.t, q.want, q.title)
	return q
}

// send sends a request, again and again where it must wait for something.
func (r *restClient) send(part string) {
	r.t.Helper()
	q := r.parse(part)
	if !q.wait {
		r.once(q)
		require.Equal(r.t, q.value, pick(r.answers[q.name], q.path), q.title)
		return
	}
	require.Eventually(r.t, func() bool {
		r.once(r.parse(part)) // each with an id of its own
		return pick(r.answers[q.name], q.path) == q.value
	}, patience, 100*time.Millisecond, q.title)
}

func (r *restClient) once(q request) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), q.method, q.url, bytes.NewBufferString(q.body))
	require.NoError(r.t, err)
	req.Header = q.header
	res, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	require.Contains(r.t, q.want, strconv.Itoa(res.StatusCode), "%s: %s %s: %s", q.title, q.method, q.url, b)
	var answer any
	if len(b) > 0 {
		require.NoError(r.t, json.Unmarshal(b, &answer))
	}
	if q.code != "" {
		require.Equal(r.t, q.code, pick(answer, "tppMessages[0].code"), q.title)
	}
	r.answers[q.name] = answer
	for _, kept := range q.keeps {
		r.variables[kept[1]] = pick(answer, kept[2])
	}
}

var reference = regexp.MustCompile(`\{\{([^}]+)\}\}`)

// resolve puts in what variables hold and what earlier requests were answered.
func (r *restClient) resolve(text string) string {
	r.t.Helper()
	return reference.ReplaceAllStringFunc(text, func(p string) string {
		p = p[2 : len(p)-2]
		if p == "$guid" || p == "$random.uuid" {
			return uuid.NewString()
		}
		if name, path, ok := strings.Cut(p, ".response.body.$."); ok {
			value := pick(r.answers[name], path)
			require.NotEmpty(r.t, value, p)
			return value
		}
		require.Contains(r.t, r.variables, p)
		return r.variables[p]
	})
}

// pick follows a path of members, [0] and [-1:]; empty where it leads nowhere.
func pick(value any, path string) string {
	for _, step := range regexp.MustCompile(`\w+|\[-?\d+:?\]`).FindAllString(path, -1) {
		if !strings.HasPrefix(step, "[") {
			object, _ := value.(map[string]any)
			value = object[step]
			continue
		}
		list, _ := value.([]any)
		if len(list) == 0 {
			return ""
		}
		value = list[0]
		if step == "[-1:]" {
			value = list[len(list)-1]
		}
	}
	text, _ := value.(string)
	return text
}
