package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
	"consentd/internal/storage"
	"consentd/test/pgtest"
)

// replicas are two servers over one database, with one master key.
type replicas struct {
	one, two *program
	db       *storage.DB
	sql      *sql.DB // the same, without what the program makes of it
	ledger   *ledger.Ledger
}

func startTwo(t *testing.T, edit ...func(*app.SandboxOptions)) *replicas {
	t.Helper()
	if !slices.Contains(pgtest.Engines(t), "postgres") {
		return nil
	}
	dsn, dir := pgtest.DSN(t), t.TempDir()
	edit = append(edit, func(o *app.SandboxOptions) { o.Database, o.Data = dsn, dir })
	r := &replicas{one: start(t, "shared", edit...), two: start(t, "shared", edit...)}
	r.open(t, dsn, dir)
	return r
}

// open opens the database beside the servers.
func (r *replicas) open(t *testing.T, url, dir string) {
	t.Helper()
	master, err := os.ReadFile(filepath.Join(dir, "master.key"))
	require.NoError(t, err)
	keys, err := secret.New(master)
	require.NoError(t, err)
	r.db, err = storage.Open(t.Context(), storage.Options{
		URL: url, MaxConnections: 2, Keys: keys, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	driver, name := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	r.sql, err = sql.Open(driver, name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.sql.Close()) })
	r.ledger = &ledger.Ledger{Store: r.db, Keys: keys, Now: time.Now, Zone: time.UTC}
}

// at picks a server by turns.
func (r *replicas) at(i int) *program {
	if i%2 == 0 {
		return r.one
	}
	return r.two
}

// verify proves the whole audit.
func (r *replicas) verify(t *testing.T) ledger.Verified {
	t.Helper()
	seen, err := r.ledger.Verify(t.Context(), func(f ledger.Fault) { t.Error(f) })
	require.NoError(t, err)
	return seen
}

// post sends a call without the client of the TPP, and returns all of the answer.
func (p *program) post(path, body string, header map[string]string) (int, string, error) {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// TestSameCallAtTwoServers sends one POST many times at once: one consent is
// made, and everybody is told of it in the same words.
func TestSameCallAtTwoServers(t *testing.T) {
	r := startTwo(t)
	if r == nil {
		return // asked for SQLite alone, which has no second server
	}
	header := map[string]string{
		"X-Request-ID": uuid.NewString(), "Content-Type": "application/json", "PSU-IP-Address": "192.0.2.7",
		"TPP-Redirect-URI": r.one.base + "/sandbox/return",
	}
	body := `{"access":{"balances":[]},"recurringIndicator":true,"validUntil":"9999-12-31","frequencyPerDay":4}`
	const many = 32
	answers := make([]string, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			status, text, err := r.at(i).post("/v1/consents", body, header)
			if err != nil || status != http.StatusCreated {
				t.Errorf("%d %s %v", status, text, err)
			}
			answers[i] = text
		})
	}
	wg.Wait()
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(answers))), 1, "one answer for all")
	made, err := r.db.Recent(t.Context(), many)
	require.NoError(t, err)
	require.Len(t, made, 1)
	var answer struct{ ConsentID string }
	require.NoError(t, json.Unmarshal([]byte(answers[0]), &answer))

	path := "/v1/consents/" + answer.ConsentID + "/authorisations"
	start := map[string]string{"X-Request-ID": uuid.NewString()}
	for i := range many {
		wg.Go(func() {
			if status, text, err := r.at(i).post(path, "", start); err != nil || status != http.StatusCreated {
				t.Errorf("%d %s %v", status, text, err)
			}
		})
	}
	wg.Wait()
	c, err := r.db.Get(t.Context(), made[0].ID)
	require.NoError(t, err)
	require.Len(t, c.Authorisations, 2, "the one made with the consent, and the one that was started")
	seen := r.verify(t)
	require.Equal(t, ledger.Verified{Chains: 2, Entries: 3, Digest: seen.Digest}, seen, "the consent's, and that the TPP was entered")
}

// TestSamePasswordAtTwoServers starts an authorisation with a password, in one
// call that is sent many times at once: it is one authorisation, and one code.
func TestSamePasswordAtTwoServers(t *testing.T) {
	r := startTwo(t, func(o *app.SandboxOptions) { o.Approaches = []string{"embedded"} })
	if r == nil {
		return // asked for SQLite alone, which has no second server
	}
	header := func(more ...string) map[string]string {
		h := map[string]string{
			"X-Request-ID": uuid.NewString(), "Content-Type": "application/json", "PSU-IP-Address": "192.0.2.7",
			"TPP-Redirect-URI": r.one.base + "/sandbox/return",
		}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	_, text, err := r.one.post("/v1/consents", `{"access":{"balances":[{"iban":"FR7617515000920400430518020"}]},
		"recurringIndicator":true,"validUntil":"9999-12-31","frequencyPerDay":4}`, header())
	require.NoError(t, err)
	var made struct{ ConsentID string }
	require.NoError(t, json.Unmarshal([]byte(text), &made))

	path, same := "/v1/consents/"+made.ConsentID+"/authorisations", header("PSU-ID", "lea")
	const many = 8
	statuses := make([]int, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			status, _, err := r.at(i).post(path, `{"psuData":{"password":"sandbox"}}`, same)
			if err != nil {
				t.Error(err)
			}
			statuses[i] = status
		})
	}
	wg.Wait()
	for _, status := range statuses {
		require.Contains(t, []int{http.StatusCreated, http.StatusServiceUnavailable}, status)
	}
	require.Contains(t, statuses, http.StatusCreated)
	status, _, err := r.one.post(path, `{"psuData":{"password":"sandbox"}}`, same)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, status, "whoever was told to try again is told the same")
	c, err := r.db.Get(t.Context(), uuid.MustParse(made.ConsentID))
	require.NoError(t, err)
	require.Len(t, c.Authorisations, 1)
	var phone struct{ Messages []struct{ Code string } }
	r.one.call(http.MethodGet, "/sandbox/psus/lea/phone", nil, &phone)
	require.Len(t, phone.Messages, 1)
	r.verify(t)
}

// TestRacesAtTwoServers lets a PSU authorise at one server what the TPP ends at
// the other, while time runs out in some rounds: whoever wins, what was written
// down is a walk through the table of states, and it can be proved.
func TestRacesAtTwoServers(t *testing.T) {
	r := startTwo(t)
	if r == nil {
		return // asked for SQLite alone, which has no second server
	}
	ends := map[string]int{}
	for round := range 100 {
		here, there := r.at(round), r.at(round+1)
		id, link := here.create(here.tpp, here.offered())
		u := there.open(link)
		u.send("psuId=lea", "password=sandbox")
		u.send("account=FR7617515000920400430518020")
		u.send("decision=approve")
		u.at("factor", http.StatusOK)
		code := here.code("lea")
		var wg sync.WaitGroup
		wg.Go(func() { u.send("otp=" + code) })
		wg.Go(func() {
			for range round % 8 { // so that either side wins sometimes
				if _, _, err := here.tpp.ConsentStatus(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
			if _, err := here.tpp.DeleteConsent(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
		if round%4 == 3 { // the clocks of both turn, one after the other
			wg.Go(func() {
				here.advance("16m")
				there.advance("16m")
			})
		}
		wg.Wait()
		c, err := r.db.Get(t.Context(), uuid.MustParse(id))
		require.NoError(t, err)
		ends[fmt.Sprintf("%s after %d signatures", c.Status, c.Signatures())]++
		require.Contains(t, []consent.Status{consent.Revoked, consent.Expired}, c.Status)
	}
	seen := r.verify(t)
	require.GreaterOrEqual(t, seen.Chains, 100)
	var told bytes.Buffer
	fmt.Fprintf(&told, "%d chains with %d entries are legal and verify; ended as %v", seen.Chains, seen.Entries, ends)
	t.Log(told.String())
}
