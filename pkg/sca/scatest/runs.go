package scatest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"consentd/pkg/sca"
)

// checkLanguage: the texts are in the PSU's language, and a language that the
// flow does not know stops nobody.
func checkLanguage(t testing.TB, h Harness) {
	t.Helper()
	texts := map[string]string{}
	for _, lang := range h.Languages {
		text := textsIn(t, h, lang)
		if text == "" {
			t.Fatalf("no text in %q in the whole walk", lang)
		}
		for other, its := range texts {
			if its == text {
				t.Fatalf("%q and %q have the same texts", lang, other)
			}
		}
		texts[lang] = text
		if region := textsIn(t, h, lang+"-CH"); region != text {
			t.Fatalf("%q-CH has other texts than %q", lang, lang)
		}
	}
	for _, lang := range []string{"", "zu", "x-none", "-", "not a language"} {
		textsIn(t, h, lang)
	}
}

// textsIn walks to the end and gathers what the PSU reads.
func textsIn(t testing.TB, h Harness, lang string) string {
	t.Helper()
	w := newWalk(t, h, "run-language")
	w.lang = lang
	w.finish()
	var texts []string
	for _, step := range w.trace {
		texts = append(texts, step.Message)
		for _, f := range step.Fields {
			texts = append(texts, f.Label)
		}
		for _, m := range step.Methods {
			texts = append(texts, m.Name)
		}
	}
	return strings.TrimSpace(strings.Join(texts, "\n"))
}

// runsAtOnce is how many runs the flow must serve side by side.
const runsAtOnce = 16

// checkParallel: one instance serves many runs at once, and mixes up none. Run
// the tests with -race to see all that this finds.
func checkParallel(t testing.TB, h Harness) {
	t.Helper()
	bench := h.New(t)
	one := bench.Flow()
	bench.Flow = func() sca.Flow { return one }
	failures := make(chan string, runsAtOnce)
	var group sync.WaitGroup
	for i := range runsAtOnce {
		group.Go(func() {
			if fault := quietly(walkOn(t, h, bench, fmt.Sprintf("run-%d", i))); fault != "" {
				failures <- fault
			}
		})
	}
	group.Wait()
	close(failures)
	for fault := range failures {
		t.Errorf("with %d runs at once: %s", runsAtOnce, fault)
	}
}

// quietly walks to the end without touching the test, which belongs to another
// goroutine, and returns what went wrong.
func quietly(w *walk) string {
	for w.seq < maxSteps {
		step, err := w.call(w.request(0), w.next())
		switch {
		case err != nil:
			return fmt.Sprintf("after %s: %v", w.where(), err)
		case step.Wrong, step.Outcome == sca.Denied:
			return fmt.Sprintf("after %s: the right answer was refused", w.where())
		case through(step) && step.PSU != w.bench.PSU:
			return fmt.Sprintf("after %s: PSU %q, not %q", w.where(), step.PSU, w.bench.PSU)
		case step.Outcome == sca.Done:
			return ""
		}
		if step.Outcome == sca.Identified {
			w.psu = step.PSU
		}
		w.step = step
		w.seq++
	}
	return fmt.Sprintf("no end after %d steps", maxSteps)
}
