package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/points"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
	"consentd/internal/storage"
	"consentd/test/pgtest"
)

// world is a database and a folder, the program that stands on them, and those
// who call it.
type world struct {
	t       *testing.T
	order   order
	program *process
	// nap is by how much the clock is turned while the program is down: what a
	// worker had taken on is free again.
	nap    time.Duration
	db     *storage.DB
	ledger *ledger.Ledger
	http   *http.Client
	bank   *bank // nil: the sandbox's own flows

	// resends says that after a crash a PSU has the browser send the form again;
	// else they load the page.
	resends bool
	deaths  int
	target  points.Point // where the program is to die; empty once it has
	began   time.Time    // of the walk under way
}

func newWorld(t *testing.T, o order) *world {
	t.Helper()
	o.Database, o.Data = pgtest.DSN(t), t.TempDir()
	o.Now = time.Now().UTC().Truncate(time.Second)
	w := &world{t: t, order: o, program: spawn(t, o)}
	t.Cleanup(func() { w.program.stop(t) })
	master, err := os.ReadFile(filepath.Join(o.Data, "master.key"))
	require.NoError(t, err)
	keys, err := secret.New(master)
	require.NoError(t, err)
	w.db, err = storage.Open(t.Context(), storage.Options{
		URL: o.Database, MaxConnections: 2, Keys: keys, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.db.Close()) })
	w.ledger = &ledger.Ledger{Store: w.db, Keys: keys, Now: time.Now, Zone: time.UTC}
	w.http = &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DialContext: w.dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

// dial reaches the program, wherever it listens now.
func (w *world) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, w.program.address)
}

// begin starts a walk: when nobody is locked any more, with the program to die at a point. An
// empty one lets it live.
func (w *world) begin(at points.Point, n int) {
	w.t.Helper()
	w.turn(16 * time.Minute)
	w.began, w.target = w.order.Now, at
	w.program.arm(w.t, at, n)
}

// turn turns the clock.
func (w *world) turn(by time.Duration) {
	w.t.Helper()
	w.order.Now = w.order.Now.Add(by)
	got := w.tell(http.MethodPut, "/sandbox/clock", map[string]string{"now": w.order.Now.Format(time.RFC3339)})
	require.Equal(w.t, http.StatusOK, got.status, got.body)
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    string
	crashed bool // the program died before this came, and was started anew
}

func (a answer) into(t *testing.T, out any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), out), a.body)
}

// send sends a request, and again if the program dies of it.
func (w *world) send(by *http.Client, r *http.Request, body string) answer {
	w.t.Helper()
	got, err := w.once(by, r, body)
	if err != nil {
		w.revive()
		got, err = w.once(by, r, body)
		require.NoError(w.t, err)
		got.crashed = true
	}
	w.check()
	return got
}

func (w *world) once(by *http.Client, r *http.Request, body string) (answer, error) {
	again := r.Clone(w.t.Context())
	again.Body = io.NopCloser(strings.NewReader(body))
	res, err := by.Do(again)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(b)}, err
}

// revive starts the program anew where it has died as it was to.
func (w *world) revive() {
	w.t.Helper()
	w.program.killed(w.t, w.target)
	w.deaths++
	w.check()
	w.target = ""
	w.order.Now = w.order.Now.Add(w.nap)
	w.program = spawn(w.t, w.order)
	w.check()
}

// dies waits for the death that is still to come, at a point that only workers
// reach.
func (w *world) dies() {
	w.t.Helper()
	if w.target != "" {
		w.revive()
	}
}

// call is a request as a program sends it.
func (w *world) call(method, path, body string, header http.Header) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, public+path, nil)
	require.NoError(w.t, err)
	r.Header = header
	return w.send(w.http, r, body)
}

// tell uses one of the sandbox's own calls.
func (w *world) tell(method, path string, in any) answer {
	w.t.Helper()
	var body bytes.Buffer
	if in != nil {
		require.NoError(w.t, json.NewEncoder(&body).Encode(in))
	}
	return w.call(method, path, body.String(), http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}})
}

// check asserts that no consent counts for more than its PSU has authorised.
func (w *world) check() {
	w.t.Helper()
	made, err := w.db.Recent(w.t.Context(), 3)
	require.NoError(w.t, err)
	for _, m := range made {
		c, err := w.db.Get(w.t.Context(), m.ID)
		require.NoError(w.t, err)
		signed := 0
		for _, a := range c.Authorisations {
			if a.Status == consent.ScaFinalised {
				signed++
			}
		}
		if c.Rail == consent.RailManager { // the hub says that somebody has
			continue
		}
		if c.Rail == consent.RailSTET && len(c.Authorisations) == 0 {
			w.rests(c)
			continue
		}
		require.False(w.t, c.Status == consent.Valid && signed == 0, "valid, and nobody has signed it")
		require.LessOrEqual(w.t, signed, 1)
	}
}

// rests asserts that what was forwarded stands on a connection that does; a connection
// itself may have been made without a browser.
func (w *world) rests(c *consent.Consent) {
	w.t.Helper()
	if c.Kind == consent.Connection || !c.Status.Live() {
		return
	}
	on, err := w.db.Get(w.t.Context(), c.Connection)
	require.NoError(w.t, err)
	require.Equal(w.t, []any{consent.Connection, consent.Valid}, []any{on.Kind, on.Status}, "what a forwarded consent rests on")
}

// stored is a consent as it is in the database.
func (w *world) stored(id string) *consent.Consent {
	w.t.Helper()
	c, err := w.db.Get(w.t.Context(), uuid.MustParse(id))
	require.NoError(w.t, err)
	return c
}

// kept reads what the sandbox keeps of a persona.
func kept[T any](w *world, psu, key string) []T {
	w.t.Helper()
	raw, err := w.db.FlowStore("sandbox").Get(w.t.Context(), psu, key)
	require.NoError(w.t, err)
	var list []T
	if raw != nil {
		require.NoError(w.t, json.Unmarshal(raw, &list))
	}
	return list
}

// verify proves the whole audit.
func (w *world) verify() {
	w.t.Helper()
	seen, err := w.ledger.Verify(w.t.Context(), func(f ledger.Fault) { w.t.Error(f) })
	require.NoError(w.t, err)
	require.NotZero(w.t, seen.Entries)
}
