package eidas_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

const day = 24 * time.Hour

// world is an authority, the server at which it can be asked, a clock and a verifier.
type world struct {
	t    *testing.T
	root *issue.Authority
	desk *desk

	mu   sync.Mutex
	time time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, time: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	w.root = w.authority("Test Root")
	w.desk = newDesk(t)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

// turn moves the clock, back where d is negative.
func (w *world) turn(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func (w *world) authority(name string) *issue.Authority {
	w.t.Helper()
	a, err := issue.New(name, w.now().Add(-365*day), w.now().Add(365*day))
	require.NoError(w.t, err)
	return a
}

// below is an authority certified by another.
func (w *world) below(a *issue.Authority, name string, changes ...func(*x509.Certificate)) *issue.Authority {
	w.t.Helper()
	sub, err := a.Subordinate(name, w.now().Add(-300*day), w.now().Add(300*day), changes...)
	require.NoError(w.t, err)
	return sub
}

// order is a good QWAC, valid for ten days before and after now.
func (w *world) order() issue.Order {
	return issue.Order{
		Type: eidas.Web, Name: "Acme", Organisation: "PSDDE-BAFIN-125314", NCAName: "BaFin", NCAID: "DE-BAFIN",
		Roles: []eidas.Role{eidas.RoleAI}, Domains: []string{"acme.example"},
		NotBefore: w.now().Add(-10 * day), NotAfter: w.now().Add(10 * day), Key: newKey(w.t),
	}
}

func (w *world) issue(a *issue.Authority, change ...func(*issue.Order)) *issue.Issued {
	w.t.Helper()
	o := w.order()
	for _, c := range change {
		c(&o)
	}
	issued, err := a.Issue(o)
	require.NoError(w.t, err)
	return issued
}

// verifier trusts the root, and asks nobody unless told to.
func (w *world) verifier(change ...func(*eidas.Options)) *eidas.Verifier {
	o := eidas.Options{Anchors: eidas.NewAnchors(w.root.Certificate()), Now: w.now}
	for _, c := range change {
		c(&o)
	}
	return eidas.NewVerifier(o)
}

func asking(r *eidas.Revocation) func(*eidas.Options) {
	return func(o *eidas.Options) { o.Revocation = r }
}

func (w *world) verify(v *eidas.Verifier, i *issue.Issued) (*eidas.Certificate, error) {
	return v.Verify(w.t.Context(), eidas.Web, i.Certificate.Raw, raw(i.Chain...)...)
}

func raw(certs ...*x509.Certificate) [][]byte {
	ders := make([][]byte, len(certs))
	for i, c := range certs {
		ders[i] = c.Raw
	}
	return ders
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// keyOf is the key of an authority, for what package issue does not issue.
func keyOf(t testing.TB, a *issue.Authority) crypto.Signer {
	t.Helper()
	text, err := a.KeyPEM()
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key.(crypto.Signer)
}

// desk is a server at which authorities can be asked; it counts who comes.
type desk struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]http.HandlerFunc
	calls   map[string]int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{answers: map[string]http.HandlerFunc{}, calls: map[string]int{}}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.calls[r.URL.Path]++
		answer := d.answers[r.URL.Path]
		d.mu.Unlock()
		if answer == nil {
			answer = http.NotFound
		}
		answer(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

// on says what is answered at a path, and returns its address.
func (d *desk) on(path string, answer http.HandlerFunc) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[path] = answer
	return d.URL + path
}

func (d *desk) asked(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[path]
}

func (d *desk) askedAtAll() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := 0
	for _, n := range d.calls {
		sum += n
	}
	return sum
}

// ocsp answers for an authority that knows all serial numbers and has revoked some.
func (w *world) ocsp(a *issue.Authority, revoked ...*big.Int) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		now := w.now()
		answer, err := a.AnswerOCSP(body, now, now.Add(day), func(serial *big.Int) (*time.Time, bool) {
			if has(revoked, serial) {
				return &now, true
			}
			return nil, true
		})
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = rw.Write(answer)
	}
}

// crl serves the list of an authority.
func (w *world) crl(a *issue.Authority, revoked ...*big.Int) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		now := w.now()
		entries := make([]issue.Revoked, len(revoked))
		for i, serial := range revoked {
			entries[i] = issue.Revoked{Serial: serial, At: now}
		}
		list, err := a.RevocationList(1, now, now.Add(day), entries)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = rw.Write(list)
	}
}

func has(serials []*big.Int, serial *big.Int) bool {
	return slices.ContainsFunc(serials, func(s *big.Int) bool { return s.Cmp(serial) == 0 })
}

func serve(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }
}

func down(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "out of order", http.StatusServiceUnavailable)
}

func requireReason(t testing.TB, want eidas.Reason, err error) {
	t.Helper()
	require.Equal(t, want, eidas.ReasonOf(err), "%v", err)
	if want == "" {
		require.NoError(t, err)
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func eidasFingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
