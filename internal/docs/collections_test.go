package docs

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A description that was made up for the test, in both forms.
func TestCollectionOfADescription(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/collection.yaml")
	require.NoError(t, err)
	doc, err := parse("madeUp", data)
	require.NoError(t, err)
	h := &Handler{BasePath: "/psd2", Sandbox: true}
	for file, write := range map[string]func(collection) ([]byte, error){
		"testdata/golden.postman_collection.json": postman,
		"testdata/golden.http":                    restClient, "testdata/golden.jetbrains.http": jetBrains,
	} {
		got, err := write(h.compose("http://localhost:8080", []*Document{doc}))
		require.NoError(t, err)
		if *update {
			require.NoError(t, os.WriteFile(file, got, 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), file)
	}
}

// fetch reads the collections of a server.
func fetch(t *testing.T, h *Handler) (c postmanCollection, files []string) {
	t.Helper()
	e := echo.New()
	h.Mount(e)
	get := func(path, kind string) string {
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "https://bank.example"+path, http.NoBody))
		require.Equal(t, http.StatusOK, rec.Code)
		require.Equal(t, kind, rec.Header().Get("Content-Type"))
		require.Contains(t, rec.Header().Get("Content-Disposition"), path[strings.LastIndex(path, "/")+1:])
		again := httptest.NewRecorder()
		e.ServeHTTP(again, httptest.NewRequest(http.MethodGet, "https://bank.example"+path, http.NoBody))
		require.Equal(t, rec.Body.String(), again.Body.String(), "the same every time")
		return rec.Body.String()
	}
	require.NoError(t, json.Unmarshal([]byte(get(pathPostman, "application/json; charset=utf-8")), &c))
	const plain = "text/plain; charset=utf-8"
	return c, []string{get(pathREST, plain), get(pathJetBrains, plain)}
}

func items(c postmanCollection) []postmanItem {
	var all []postmanItem
	for _, f := range c.Item {
		all = append(all, f.Item...)
	}
	return all
}

func TestCollectionsHoldEveryOperation(t *testing.T) {
	t.Parallel()
	h := &Handler{Sandbox: true}
	c, files := fetch(t, h)
	s, err := h.load()
	require.NoError(t, err)
	ids := map[string]bool{}
	for _, item := range items(c) {
		require.False(t, ids[item.ID], "%s twice", item.ID)
		ids[item.ID] = true
		require.Regexp(t, `^[A-Za-z]\w*$`, item.ID)
		for _, file := range files {
			require.Contains(t, file, "\n# @name "+item.ID+"\n")
		}
	}
	held := 0
	for _, doc := range s.documents {
		if !doc.BasePath {
			continue
		}
		for _, group := range doc.Groups {
			for _, op := range group.Operations {
				for _, id := range examplesOf(op) {
					require.True(t, ids[id], "%s of %s", id, doc.Name)
					held++
				}
			}
		}
	}
	require.Greater(t, held, 30)
}

func examplesOf(op Operation) []string {
	if op.Body == nil {
		return []string{op.ID}
	}
	var ids []string
	for _, example := range op.Body.Examples {
		ids = append(ids, op.ID+"_"+example.Name)
	}
	return ids
}

// The rules of Postman's schema for collections, version 2.1, on what we use of it.
func TestCollectionIsWhatPostmanReads(t *testing.T) {
	t.Parallel()
	c, _ := fetch(t, &Handler{Sandbox: true})
	require.Equal(t, "https://schema.getpostman.com/json/collection/v2.1.0/collection.json", c.Info.Schema)
	require.NotEmpty(t, c.Info.Name)
	declared := map[string]bool{"$guid": true}
	for _, v := range c.Variable {
		require.NotEmpty(t, v.Key)
		require.Equal(t, "string", v.Type)
		require.False(t, declared[v.Key], "%s twice", v.Key)
		declared[v.Key] = true
	}
	named := map[string]int{}
	for _, item := range items(c) {
		named[item.Name]++
	}
	for _, item := range items(c) {
		if strings.Contains(strings.Join(item.Event[0].Script.Exec, "\n"), "setNextRequest(") {
			require.Equal(t, 1, named[item.Name], "%s is sent again by its name", item.Name)
		}
	}
	for _, item := range items(c) {
		require.NotEmpty(t, item.Name)
		require.Contains(t, []string{"GET", "POST", "PUT", "DELETE"}, item.Request.Method)
		address, _, _ := strings.Cut(item.Request.URL.Raw, "?")
		require.Equal(t, address, strings.Join(append(slices.Clone(item.Request.URL.Host), item.Request.URL.Path...), "/"))
		if item.Request.Body != nil {
			require.Equal(t, "raw", item.Request.Body.Mode)
			require.True(t, json.Valid([]byte(item.Request.Body.Raw)), item.ID)
		}
		require.Len(t, item.Event, 1)
		require.Equal(t, "test", item.Event[0].Listen)
		require.Contains(t, strings.Join(item.Event[0].Script.Exec, "\n"), "pm.test(", item.ID)
		text, err := json.Marshal(item.Request)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\{\{([^}]*)\}\}`).FindAllStringSubmatch(string(text), -1) {
			require.True(t, declared[m[1]], "%s uses %s", item.ID, m[1])
		}
	}
}

// A reference must name an earlier call; a variable must be declared, or kept by an
// earlier call.
func TestHTTPFilesHoldTogether(t *testing.T) {
	t.Parallel()
	_, files := fetch(t, &Handler{Sandbox: true})
	names := regexp.MustCompile(`^(?:# @name |@|  client\.global\.set\(')(\w+)`)
	references := regexp.MustCompile(`\{\{(?:(\w+)\.response\.body\.\$\.[\w.:\[\]-]+|([$\w.]+))\}\}`)
	for _, file := range files {
		known := map[string]bool{"$guid": true, "$random.uuid": true}
		uses := 0
		for line := range strings.SplitSeq(file, "\n") {
			if name := names.FindStringSubmatch(line); name != nil {
				known[name[1]] = true
			}
			if strings.HasPrefix(line, "#") {
				continue
			}
			found := references.FindAllStringSubmatch(line, -1)
			require.Len(t, found, strings.Count(line, "{{"), line)
			for _, reference := range found {
				require.True(t, known[reference[1]+reference[2]], line)
				uses++
			}
		}
		require.Greater(t, uses, 100)
	}
}

// What a call may be answered with is what its description says.
func TestCollectionsExpectDeclaredStatuses(t *testing.T) {
	t.Parallel()
	s, err := (&Handler{}).load()
	require.NoError(t, err)
	b := builder{documents: s.documents, sandbox: true}
	declared := map[string][]string{}
	for _, doc := range s.documents {
		for _, group := range doc.Groups {
			for _, op := range group.Operations {
				for _, answer := range slices.Concat(op.Answers, op.Failures) {
					declared[op.Summary] = append(declared[op.Summary], answer.Status)
				}
			}
		}
	}
	for _, stage := range story {
		for _, step := range stage.Steps {
			_, made := b.step(step)
			require.True(t, made, "%s: no operation %s", step.ID, step.Operation)
			if _, op := b.find(step.Operation); step.Example != "" {
				require.NotNil(t, op.example(step.Example), "%s: no example %s", step.ID, step.Example)
			}
		}
	}
	for _, f := range b.folders() {
		for _, made := range f.Calls {
			require.Len(t, made.Answers, 1, "%s: what the sandbox answers is known", made.ID)
			if made.Base == sandboxURL {
				continue
			}
			require.Subset(t, declared[made.Summary], made.Answers, made.ID)
		}
	}
}

// A server in production answers none of the sandbox's calls, and takes nobody's
// word for who calls.
func TestCollectionsOfAServer(t *testing.T) {
	t.Parallel()
	c, files := fetch(t, &Handler{BasePath: "/psd2", Elsewhere: map[string]string{"aspsp": "https://bank.internal:8445"}})
	text, err := json.Marshal(c)
	require.NoError(t, err)
	for _, form := range append(files, string(text)) {
		for _, absent := range []string{"/sandbox/", "X-Sandbox-TPP", "/aspsp/", "sandbox-resource-server", "bankUrl", "bank.internal", "{{tpp}}"} {
			require.NotContains(t, form, absent)
		}
		require.Contains(t, form, "https://bank.example/psd2")
	}
	require.Contains(t, files[0], "\n@baseUrl = https://bank.example/psd2\n")
}

// Behind a proxy, all addresses are the proxy's.
func TestCollectionsBehindAProxy(t *testing.T) {
	t.Parallel()
	c, files := fetch(t, &Handler{BasePath: "/psd2", Sandbox: true, Origin: "https://sandbox.bank.example"})
	text, err := json.Marshal(c)
	require.NoError(t, err)
	for _, form := range append(files, string(text)) {
		require.Contains(t, form, "https://sandbox.bank.example/psd2")
		require.NotContains(t, form, "https://bank.example")
	}
}

func TestCollectionsAreLinked(t *testing.T) {
	t.Parallel()
	e := echo.New()
	(&Handler{}).Mount(e)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/docs", http.NoBody))
	for _, path := range []string{pathPostman, pathREST, pathJetBrains} {
		require.Contains(t, rec.Body.String(), `href="`+path+`"`)
	}
}
