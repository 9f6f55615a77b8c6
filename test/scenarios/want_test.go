package scenarios

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// something stands for a value that must be there, whatever it is.
const something = "<any>"

// check holds the last answer, and the state after it, against what is wanted.
func (w *world) check(want *want) {
	w.t.Helper()
	if want.Status != 0 {
		assert.Equal(w.t, want.Status, w.last.status, w.last.raw)
		assert.NotEmpty(w.t, w.last.header.Get("X-Request-ID"))
	}
	if want.Status != 0 || len(want.Faults) > 0 {
		assert.Equal(w.t, nonNil(want.Faults), w.last.faults(), w.last.raw)
	}
	if len(want.Faults) > 0 && w.scene.accept != "" {
		assert.Equal(w.t, w.scene.accept, w.last.header.Get("Content-Type"))
	}
	if want.Empty {
		assert.Empty(w.t, w.last.raw)
	}
	if len(want.Links) > 0 {
		assert.ElementsMatch(w.t, want.Links, slices.Collect(maps.Keys(w.last.links(w.t))), w.last.raw)
	}
	w.checkMembers(want)
	w.checkRepeated(want)
	w.checkStates(want)
}

func (w *world) checkMembers(want *want) {
	w.t.Helper()
	for path, value := range want.Body {
		got, ok := at(w.last.body, path)
		switch value {
		case nil:
			assert.False(w.t, ok, "%s is there: %s", path, w.last.raw)
		case something:
			assert.True(w.t, ok, "%s is missing: %s", path, w.last.raw)
		default:
			assert.JSONEq(w.t, encoded(w.t, w.filled(value)), encoded(w.t, got), "%s: %s", path, w.last.raw)
		}
	}
	for name, value := range want.Headers {
		got := w.last.header.Get(name)
		switch v := value.(type) {
		case nil:
			assert.Empty(w.t, got, name)
		case string:
			if v == something {
				assert.NotEmpty(w.t, got, name)
				continue
			}
			assert.Equal(w.t, w.text(v), got, name)
		default:
			assert.Equal(w.t, encoded(w.t, v), got, name)
		}
	}
}

// checkRepeated compares an answer with the one before it, as idempotency wants
// it: status, body and the headers that are part of the answer.
func (w *world) checkRepeated(want *want) {
	w.t.Helper()
	if !want.Same && !want.Other {
		return
	}
	parts := func(a answer) []any {
		list := []any{a.status, a.raw}
		for _, name := range slices.Sorted(maps.Keys(a.header)) {
			if name == "Location" || name == "Content-Type" || strings.HasPrefix(name, "Aspsp-") {
				list = append(list, name, a.header[name])
			}
		}
		return list
	}
	require.NotZero(w.t, w.before.status, "there is no answer before")
	if want.Same {
		assert.Equal(w.t, parts(w.before), parts(w.last))
		return
	}
	assert.NotEqual(w.t, parts(w.before), parts(w.last))
}

// patience is how long a background worker of the program may take.
const patience = 20 * time.Second

func (w *world) checkStates(want *want) {
	w.t.Helper()
	for _, state := range []struct {
		want string
		is   func() string
		what string
	}{
		{want.Consent, func() string { return w.statusOf(w.consent) }, "the consent"},
		{want.Former, func() string { return w.statusOf(w.former) }, "the former consent"},
		{want.SCA, w.scaStatus, "the authorisation"},
	} {
		if state.want == "" {
			continue
		}
		if want.Soon {
			w.until(state.what+" is "+state.want, func() bool {
				if w.app != nil {
					w.app()
				}
				return state.is() == state.want
			})
			continue
		}
		assert.Equal(w.t, state.want, state.is(), "%s afterwards", state.what)
	}
}

// until waits for a background worker of the program. Unlike require.Eventually
// it asks in this goroutine: what is asked may fail the test.
func (w *world) until(what string, reached func() bool) {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !reached() {
		select {
		case <-tick.C:
		case <-late:
			require.FailNow(w.t, "it did not come in time", what)
		}
	}
}

// faults are what an answer refuses, as "CODE path", in either form of errors.
func (a answer) faults() []string {
	list := []string{}
	add := func(code, path any) {
		c, _ := code.(string)
		p, _ := path.(string)
		list = append(list, strings.TrimSpace(c+" "+p))
	}
	messages, _ := a.body["tppMessages"].([]any)
	for _, m := range messages {
		message, _ := m.(map[string]any)
		if message["category"] == "ERROR" {
			add(message["code"], message["path"])
		}
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
		add(a.body["code"], pathOf(a.body["detail"]))
		more, _ := a.body["additionalErrors"].([]any)
		for _, m := range more {
			problem, _ := m.(map[string]any)
			add(problem["code"], pathOf(problem["detail"]))
		}
	}
	return list
}

// pathOf is the path that a problem's detail begins with.
func pathOf(detail any) string {
	text, _ := detail.(string)
	path, _, ok := strings.Cut(text, ": ")
	if !ok || strings.Contains(path, " ") {
		return ""
	}
	return path
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
