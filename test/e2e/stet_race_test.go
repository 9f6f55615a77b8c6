package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/stet"
	"consentd/test/pgtest"
)

// stetRace is two sandboxes over one PostgreSQL or, over SQLite, one, that want no
// signatures, and many who call them in the STET dialect at once.
type stetRace struct {
	*replicas

	t     *testing.T
	calls *http.Client
}

// eachRace runs a race over both databases, one after the other, and proves the audit
// of each.
func eachRace(t *testing.T, race func(s *stetRace)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := &stetRace{t: t, calls: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
			t.Cleanup(s.calls.CloseIdleConnections)
			if engine == pgtest.Postgres {
				s.replicas = startTwo(t)
			} else {
				dir := t.TempDir()
				one := start(t, engine, func(o *app.SandboxOptions) { o.Data = dir })
				s.replicas = &replicas{one: one, two: one}
				s.open(t, "sqlite:"+filepath.Join(dir, "consentd.db"), dir)
			}
			race(s)
			s.verify(t)
		})
	}
}

// token is one by its name, as [stetTPP.token] has it, and new with every call.
func (s *stetRace) token(name string) string {
	s.t.Helper()
	psu, tpp, _ := strings.Cut(name, "@")
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	s.one.call(http.MethodPost, "/sandbox/tokens", map[string]string{"psu": psu, "tpp": tpp, "scope": "aisp"}, &minted)
	return minted.AccessToken
}

// send calls a server. It may be used by several at once.
func (s *stetRace) send(r *http.Request) (int, []byte, error) {
	answer, err := s.calls.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// request is one of a TPP's, of whom the PSU is there.
func (s *stetRace) request(at *program, token, method, path, body string) *http.Request {
	r, err := http.NewRequestWithContext(context.WithoutCancel(s.t.Context()), method, at.base+stet.BasePath+path, strings.NewReader(body))
	if err != nil {
		panic(err) // of an address of ours
	}
	r.Header.Set("X-Request-ID", uuid.NewString())
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("PSU-IP-Address", "192.0.2.7")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// put forwards a document. It returns the id of the request.
func (s *stetRace) put(at *program, token string, d document) (status int, id string, err error) {
	r := s.request(at, token, http.MethodPut, "/consents", *d.text())
	status, body, err := s.send(r)
	if err == nil && status >= http.StatusInternalServerError {
		err = fmt.Errorf("PUT: %d %s", status, body)
	}
	return status, r.Header.Get("X-Request-ID"), err
}

// list reads what stands: of each account what is linked.
func (s *stetRace) list(at *program, token string) (int, opened, error) {
	status, body, err := s.send(s.request(at, token, http.MethodGet, "/accounts", ""))
	if err != nil || status != http.StatusOK {
		return status, nil, err
	}
	var list stet.Accounts
	if err := json.Unmarshal(body, &list); err != nil {
		return status, nil, err
	}
	got := opened{}
	for _, a := range list.Accounts {
		got[a.AccountID.IBAN] = slices.AppendSeq([]string{}, maps.Keys(a.Links))
		slices.Sort(got[a.AccountID.IBAN])
	}
	return status, got, nil
}

// count asks the database itself.
func (s *stetRace) count(query string, args ...any) int {
	s.t.Helper()
	var n int
	require.NoError(s.t, s.sql.QueryRowContext(s.t.Context(), query, args...).Scan(&n))
	return n
}

// forwarded are the requests by which something was forwarded, by the audit.
func (s *stetRace) forwarded() []string {
	s.t.Helper()
	rows, err := s.sql.QueryContext(s.t.Context(), "SELECT request_id FROM audit_entries WHERE reason = 'forwarded'")
	require.NoError(s.t, err)
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		require.NoError(s.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(s.t, rows.Err())
	return ids
}

// liveForwarded counts what stands of what acme has forwarded.
const liveForwarded = `SELECT count(*) FROM consents WHERE rail = 'stet' AND kind = 'accountAccess' AND status IN ('valid', 'suspended')`

// both is everything of an account.
func both(iban string) (document, opened) {
	return document{balances: []string{iban}, transactions: []string{iban}}, opened{iban: {"balances", "transactions"}}
}

// together runs all at once and fails for each that failed.
func (s *stetRace) together(all ...func() error) {
	s.t.Helper()
	var wg sync.WaitGroup
	for _, one := range all {
		wg.Go(func() {
			if err := one(); err != nil {
				s.t.Error(err)
			}
		})
	}
	wg.Wait()
	require.False(s.t, s.t.Failed())
}

// TestTwoDocumentsAtOnce forwards two documents with no account in common at the same
// time, again and again, while others read: whoever reads sees one of them whole.
func TestTwoDocumentsAtOnce(t *testing.T) {
	eachRace(t, func(s *stetRace) {
		const rounds = 200
		token := s.token("lea@acme")
		first, one := both(leasFirst)
		second, two := both(leasSecond)
		status, _, err := s.put(s.one, token, first)
		require.NoError(s.t, err)
		require.Equal(s.t, http.StatusCreated, status)
		whole := func(at *program) error {
			status, got, err := s.list(at, token)
			if err == nil && !reflect.DeepEqual(got, one) && !reflect.DeepEqual(got, two) {
				err = fmt.Errorf("neither of both documents: %d %v", status, got)
			}
			return err
		}
		var done atomic.Bool
		var seen atomic.Int64
		reading := func(at *program) func() error {
			return func() error {
				for !done.Load() {
					if err := whole(at); err != nil {
						return err
					}
					seen.Add(1)
				}
				return nil
			}
		}
		forwarded := make([]string, 2*rounds)
		putting := func(at *program, d document, id *string) func() error {
			return func() (err error) {
				var status int
				if status, *id, err = s.put(at, token, d); err == nil && status != http.StatusCreated {
					err = fmt.Errorf("PUT: %d", status)
				}
				return err
			}
		}
		s.together(reading(s.one), reading(s.two), func() error {
			defer done.Store(true)
			for i := range rounds {
				s.together(putting(s.at(i), first, &forwarded[2*i]), putting(s.at(i+1), second, &forwarded[2*i+1]))
				if err := whole(s.at(i)); err != nil {
					return err
				}
				if n := s.count(liveForwarded); n != 1 {
					return fmt.Errorf("%d documents stand after round %d", n, i)
				}
			}
			return nil
		})
		require.Subset(s.t, s.forwarded(), forwarded)
		require.Equal(s.t, 2*rounds, s.count("SELECT count(*) FROM audit_entries WHERE reason = 'replaced'"))
		s.t.Logf("%d lists read, each whole", seen.Load())
	})
}
