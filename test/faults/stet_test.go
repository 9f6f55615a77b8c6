package faults

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/points"
	"consentd/pkg/stet"
)

// leaSecondIBAN is LEA's other account.
const leaSecondIBAN = "FR7617515000920400430518117"

// holder is a TPP that holds an access token of LEA's.
type holder struct {
	*world

	token  string
	stands []string // what GET /accounts is to show
}

// bare is the list of accounts where nothing was forwarded.
func bare() []string { return []string{leaSecondIBAN + ":", leaIBAN + ":"} }

// holding is a TPP that was given a token.
func holding(w *world) *holder {
	w.t.Helper()
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	w.tell(http.MethodPost, "/sandbox/tokens", map[string]string{"psu": "lea", "tpp": "acme"}).into(w.t, &minted)
	return &holder{world: w, token: minted.AccessToken, stands: bare()}
}

// Two documents with no account in common.
const (
	ofFirst  = `{"balances":[{"iban":"` + leaIBAN + `"}],"transactions":[{"iban":"` + leaIBAN + `"}]}`
	ofSecond = `{"balances":[{"iban":"` + leaSecondIBAN + `"}],"psuIdentity":true}`
)

// forwarded is a TPP that forwards a document, another in the place of it, and that
// nothing is granted any more.
func forwarded(w *world) {
	w.t.Helper()
	h := holding(w)
	h.puts(ofFirst, leaIBAN+":balances,transactions")
	h.puts(ofSecond, "identity", leaSecondIBAN+":balances")
	h.puts(`{"balances":[],"transactions":[]}`, bare()...)
}

// TestCrashInTheMidst kills the program while it replaces a document and has written
// some of that: it waits for a table that somebody else has locked. In one case the old
// document has ended already, in the other the new one is there but for its accounts.
func TestCrashInTheMidst(t *testing.T) {
	for _, table := range []string{"audit_entries", "consent_grants"} {
		t.Run(table, func(t *testing.T) {
			w := newWorld(t, order{})
			h := holding(w)
			h.puts(ofFirst, leaIBAN+":balances,transactions")
			db, err := sql.Open("pgx", w.order.Database)
			require.NoError(t, err)
			defer db.Close()
			lock, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = lock.ExecContext(t.Context(), "LOCK TABLE "+table+" IN SHARE MODE") // against writing
			require.NoError(t, err)

			r, body := h.call(http.MethodPut, "/consents", ofSecond)
			lost := make(chan error, 1)
			go func() { _, err := h.once(h.http, r, body); lost <- err }()
			require.Eventually(t, func() bool {
				var waits bool
				err := db.QueryRowContext(t.Context(), `SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = $1::regclass
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, table).Scan(&waits)
				return err == nil && waits
			}, patience, tick, "nobody waits for the table")
			require.NoError(t, w.program.cmd.Process.Kill())
			<-w.program.dead
			require.Error(t, <-lost)
			require.NoError(t, lock.Rollback())

			w.program = spawn(t, w.order)
			require.Equal(t, h.stands, h.list(), "the old document")
			h.puts(ofSecond, "identity", leaSecondIBAN+":balances")
			w.verify()
		})
	}
}

func (h *holder) call(method, path, body string) (*http.Request, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, public+stet.BasePath+path, nil)
	require.NoError(h.t, err)
	r.Header.Set("X-Request-ID", uuid.NewString())
	r.Header.Set("Authorization", "Bearer "+h.token)
	r.Header.Set("PSU-IP-Address", "192.0.2.7")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, body
}

// puts forwards a document. If the program dies of it, what stood before stands, or
// what was forwarded does: whole, and by the side of its commit on which it died. Then
// the TPP repeats the call.
func (h *holder) puts(document string, shows ...string) {
	h.t.Helper()
	r, body := h.call(http.MethodPut, "/consents", document)
	got, err := h.once(h.http, r, body)
	if err != nil {
		died := h.target
		h.revive()
		h.stood(died, shows)
		got, err = h.once(h.http, r, body)
		require.NoError(h.t, err)
	}
	require.Equal(h.t, http.StatusCreated, got.status, got.body)
	h.check()
	h.stands = shows
	require.Equal(h.t, h.stands, h.list())
}

// stood asserts what is left of a document after the program has died of it.
func (h *holder) stood(died points.Point, shows []string) {
	h.t.Helper()
	list := h.list()
	switch {
	case died == "commit.forward.after":
		require.Equal(h.t, shows, list, "the new document, for its transaction had ended")
	case strings.HasPrefix(string(died), "commit.forward"):
		require.Equal(h.t, h.stands, list, "the old document, for the transaction had not ended")
	default: // a worker's point, or one of another write
		require.Contains(h.t, [][]string{h.stands, shows}, list)
	}
}

// list reads the accounts: each with what is linked of it, and whether the PSU's name is.
func (h *holder) list() []string {
	h.t.Helper()
	r, _ := h.call(http.MethodGet, "/accounts", "")
	got := h.send(h.http, r, "")
	require.Equal(h.t, http.StatusOK, got.status, got.body)
	var list stet.Accounts
	require.NoError(h.t, json.Unmarshal([]byte(got.body), &list))
	var shows []string
	if _, ok := list.Links[stet.LinkEndUserIdentity]; ok {
		shows = append(shows, "identity")
	}
	for _, a := range list.Accounts {
		var linked []string
		for name := range a.Links {
			linked = append(linked, name)
		}
		slices.Sort(linked)
		shows = append(shows, a.AccountID.IBAN+":"+strings.Join(linked, ","))
	}
	slices.SortFunc(shows, func(a, b string) int { return strings.Compare(b, a) })
	return shows
}
