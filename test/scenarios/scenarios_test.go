package scenarios

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/test/pgtest"
)

// The files that define what the others use.
var definitions = map[string]bool{"requests.yaml": true, "programs.yaml": true}

// chapter is a file whose cases are ready to run.
type chapter struct {
	name  string
	apart bool
	cases []scenario
}

// TestScenarios runs every case of testdata on every engine.
func TestScenarios(t *testing.T) {
	b := readBook(t)
	chapters := readChapters(t, b)
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			// Beside one another: those apart wait for time and for workers, mostly.
			for group, apart := range map[string]bool{"together": false, "apart": true} {
				t.Run(group, func(t *testing.T) {
					t.Parallel()
					running := map[string]*program{}
					for _, c := range chapters {
						if c.apart != apart {
							continue
						}
						if apart {
							running = map[string]*program{}
						}
						p := &programs{t: t, engine: engine, book: b, running: running}
						t.Run(c.name, func(t *testing.T) { c.run(t, p) })
					}
				})
			}
		})
	}
}

// TestCount says how many cases there are, and that every file has some.
func TestCount(t *testing.T) { require.NotEmpty(t, readChapters(t, readBook(t))) }

// readChapters reads all files of cases, and says how many there are.
func readChapters(t *testing.T, b *book) []chapter {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	require.NoError(t, err)
	var chapters []chapter
	total := 0
	for _, entry := range entries {
		name := entry.Name()
		if definitions[name] {
			continue
		}
		f := &file{Program: "default"}
		read(t, name, f)
		cases, err := b.scenarios(f)
		require.NoError(t, err, name)
		require.NotEmpty(t, cases, name)
		chapters = append(chapters, chapter{name: name, apart: f.Apart, cases: cases})
		t.Logf("%-26s %4d cases: %s", name, len(cases), f.About)
		total += len(cases)
	}
	t.Logf("%-26s %4d cases in %d files, on %v", "total", total, len(chapters), pgtest.Engines(t))
	return chapters
}

// run plays the cases one after another: they share programs, and with them the
// phones of the PSUs.
func (c *chapter) run(t *testing.T, p *programs) {
	t.Helper()
	for _, s := range c.cases {
		running := p.of(&s)
		t.Run(s.Name, func(t *testing.T) {
			require.NoError(t, running.err)
			newWorld(t, p.book, running, &s).run()
		})
	}
}
