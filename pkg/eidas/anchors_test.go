package eidas_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// trusts tells which of some authorities are anchors.
func (w *world) trusts(anchors *eidas.Anchors, authorities ...*issue.Authority) []bool {
	w.t.Helper()
	v := w.verifier(func(o *eidas.Options) { o.Anchors = anchors })
	trusted := make([]bool, len(authorities))
	for i, a := range authorities {
		_, err := w.verify(v, w.issue(a))
		trusted[i] = err == nil
	}
	return trusted
}

func TestLoadAnchors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.authority("A"), w.authority("B"), w.authority("C")
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	two := append([]byte("a comment\n"), append(a.CertificatePEM(), b.CertificatePEM()...)...)
	write(t, filepath.Join(folder, "two.pem"), two)
	write(t, filepath.Join(folder, "c.CER"), c.Certificate().Raw)
	write(t, filepath.Join(folder, "notes.txt"), []byte("not read"))
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "old"), 0o700))
	write(t, filepath.Join(folder, "old", "broken.pem"), []byte("nor this"))
	tests := []struct {
		name  string
		paths []string
		want  []bool
	}{
		{"a file with two", []string{filepath.Join(folder, "two.pem")}, []bool{true, true, false}},
		{"a file as DER", []string{filepath.Join(folder, "c.CER")}, []bool{false, false, true}},
		{"a folder", []string{folder}, []bool{true, true, true}},
		{"a file of any name, and one twice", []string{
			write(t, filepath.Join(dir, "root"), b.CertificatePEM()), filepath.Join(folder, "two.pem"),
		}, []bool{true, true, false}},
		{"with a key beside it", []string{write(t, filepath.Join(dir, "key.pem"), append(pemOf("PRIVATE KEY", []byte{1}), c.CertificatePEM()...))}, []bool{false, false, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			anchors, err := eidas.LoadAnchors(tt.paths...)
			require.NoError(t, err)
			require.Equal(t, tt.want, w.trusts(anchors, a, b, c))
		})
	}
}

func TestLoadAnchorsFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	good := w.root.CertificatePEM()
	damaged := append([]byte{}, good...)
	damaged[len(damaged)/2] = '*'
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "empty"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "folder", "a.pem"), 0o700))
	tests := []struct {
		name string
		path []string
		text string
	}{
		{"no path", nil, "no trust anchor"},
		{"an empty folder", []string{filepath.Join(dir, "empty")}, "no trust anchor in " + filepath.Join(dir, "empty")},
		{"no such file", []string{filepath.Join(dir, "none.pem")}, "none.pem"},
		{"an empty file", []string{write(t, filepath.Join(dir, "empty.pem"), nil)}, "empty.pem: empty"},
		{"something else", []string{write(t, filepath.Join(dir, "text.pem"), []byte("hello"))}, "text.pem"},
		{"only a key", []string{write(t, filepath.Join(dir, "key.pem"), pemOf("PRIVATE KEY", []byte{1}))}, "key.pem: no certificate"},
		{"PEM of no certificate", []string{write(t, filepath.Join(dir, "bad.pem"), pemOf("CERTIFICATE", []byte{1}))}, "bad.pem: certificate 1"},
		{"a damaged one among good ones", []string{write(t, filepath.Join(dir, "damaged.pem"), append(damaged, good...))}, "2 certificates begin, but only 1 can be read"},
		{"a folder with a name like a file", []string{filepath.Join(dir, "folder")}, "not a file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := eidas.LoadAnchors(tt.path...)
			require.ErrorContains(t, err, tt.text)
		})
	}
}

func TestAnchorsReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.authority("A"), w.authority("B")
	folder := t.TempDir()
	file := write(t, filepath.Join(folder, "a.pem"), a.CertificatePEM())
	anchors, err := eidas.LoadAnchors(folder)
	require.NoError(t, err)
	reload := func(want bool) {
		t.Helper()
		changed, err := anchors.Reload()
		require.NoError(t, err)
		require.Equal(t, want, changed)
	}
	reload(false)

	require.NoError(t, os.Chtimes(file, time.Time{}, w.now()))
	reload(false)

	second := write(t, filepath.Join(folder, "b.crt"), b.CertificatePEM())
	reload(true)
	require.Equal(t, []bool{true, true}, w.trusts(anchors, a, b))

	write(t, file, []byte("half a file"))
	changed, err := anchors.Reload()
	require.ErrorContains(t, err, "a.pem")
	require.False(t, changed)
	require.Equal(t, []bool{true, true}, w.trusts(anchors, a, b), "what was loaded stays")

	require.NoError(t, os.Remove(file))
	reload(true)
	require.Equal(t, []bool{false, true}, w.trusts(anchors, a, b))

	require.NoError(t, os.Remove(second))
	_, err = anchors.Reload()
	require.ErrorContains(t, err, "no trust anchor")
	require.Equal(t, []bool{false, true}, w.trusts(anchors, a, b), "an empty folder is an error")

	changed, err = eidas.NewAnchors(a.Certificate()).Reload()
	require.NoError(t, err)
	require.False(t, changed, "there is nothing to look at")
}

// TestAnchorsReloadThroughLinks swaps files as Kubernetes does: the folder's names
// are links through another, which is turned to a new folder.
func TestAnchorsReloadThroughLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.authority("A"), w.authority("B")
	folder := t.TempDir()
	write(t, filepath.Join(folder, "..1", "ca.pem"), a.CertificatePEM())
	write(t, filepath.Join(folder, "..2", "ca.pem"), b.CertificatePEM())
	data := filepath.Join(folder, "..data")
	require.NoError(t, os.Symlink("..1", data))
	require.NoError(t, os.Symlink(filepath.Join("..data", "ca.pem"), filepath.Join(folder, "ca.pem")))
	anchors, err := eidas.LoadAnchors(folder)
	require.NoError(t, err)
	require.Equal(t, []bool{true, false}, w.trusts(anchors, a, b))

	require.NoError(t, os.Symlink("..2", data+"_tmp"))
	require.NoError(t, os.Rename(data+"_tmp", data))
	changed, err := anchors.Reload()
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, []bool{false, true}, w.trusts(anchors, a, b))
}

// TestReloadEndsVerdicts has one verifier all the time, also while files change.
func TestReloadEndsVerdicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.authority("A"), w.authority("B")
	file := write(t, filepath.Join(t.TempDir(), "ca.pem"), a.CertificatePEM())
	anchors, err := eidas.LoadAnchors(file)
	require.NoError(t, err)
	v := w.verifier(func(o *eidas.Options) { o.Anchors = anchors })
	ofA, ofB := w.issue(a), w.issue(b)
	_, err = w.verify(v, ofA)
	require.NoError(t, err)

	swap := []*issue.Authority{b, a}
	var callers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				_, errA := w.verify(v, ofA)
				_, errB := w.verify(v, ofB)
				for _, err := range []error{errA, errB} {
					if r := eidas.ReasonOf(err); err != nil && r != eidas.Untrusted {
						t.Errorf("a reload may change trust, and nothing else: %v", err)
					}
				}
			}
		})
	}
	for i := range 50 {
		in, out := ofB, ofA
		if i%2 == 1 {
			in, out = ofA, ofB
		}
		write(t, file+".new", swap[i%2].CertificatePEM())
		require.NoError(t, os.Rename(file+".new", file))
		changed, err := anchors.Reload()
		require.NoError(t, err)
		require.True(t, changed)
		_, err = w.verify(v, in)
		require.NoError(t, err)
		_, err = w.verify(v, out)
		requireReason(t, eidas.Untrusted, err)
	}
	close(done)
	callers.Wait()
}

// TestAnchorsAreAuthorities takes nobody's own certificate for an anchor: its holder
// would be trusted for ever, whoever issued it.
func TestAnchorsAreAuthorities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "tpp.pem")
	require.NoError(t, os.WriteFile(path, w.issue(w.root).CertificatePEM(), 0o600))
	_, err := eidas.LoadAnchors(path)
	require.ErrorContains(t, err, "not an authority's certificate")
}
