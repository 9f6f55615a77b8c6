package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// stetRace is one or two sandboxes that want no signatures, and many who call them in
// the STET dialect at once.
type stetRace struct {
	*replicas

	t     *testing.T
	calls *http.Client
}

// eachOver runs a test over two servers on PostgreSQL, and over one on SQLite, one
// after the other, beside whose database it may look.
func eachOver(t *testing.T, test func(t *testing.T, r *replicas), edit ...func(*app.SandboxOptions)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			if engine == pgtest.Postgres {
				test(t, startTwo(t, edit...))
				return
			}
			dir := t.TempDir()
			one := start(t, engine, append(edit, func(o *app.SandboxOptions) { o.Data = dir })...)
			r := &replicas{one: one, two: one}
			r.open(t, "sqlite:"+filepath.Join(dir, "consentd.db"), dir)
			test(t, r)
		})
	}
}

// eachRace runs a race over both databases, and proves the audit of each.
func eachRace(t *testing.T, race func(s *stetRace)) {
	t.Helper()
	eachOver(t, func(t *testing.T, r *replicas) {
		s := &stetRace{replicas: r, t: t, calls: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
		t.Cleanup(s.calls.CloseIdleConnections)
		race(s)
		s.verify(t)
	})
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

// puts is a PUT that must be taken, with the id that it has.
func (s *stetRace) puts(at *program, token string, d document, id *string) func() error {
	return func() (err error) {
		var status int
		if status, *id, err = s.put(at, token, d); err == nil && status != http.StatusCreated {
			err = fmt.Errorf("PUT: %d", status)
		}
		return err
	}
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
func (s *stetRace) count(query string) int {
	s.t.Helper()
	var n int
	require.NoError(s.t, s.sql.QueryRowContext(s.t.Context(), query).Scan(&n))
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

// atOnce does all at once, and says what failed.
func atOnce(all ...func() error) error {
	failed := make([]error, len(all))
	var wg sync.WaitGroup
	for i, one := range all {
		wg.Go(func() { failed[i] = one() })
	}
	wg.Wait()
	return errors.Join(failed...)
}

// rounds are n or, on SQLite, where everything waits for one connection, a fifth.
func (s *stetRace) rounds(n int) int {
	if s.one == s.two {
		return n / 5
	}
	return n
}

// TestTwoDocumentsAtOnce forwards two documents with no account in common at the same
// time, again and again, while others read: whoever reads sees one of them whole.
func TestTwoDocumentsAtOnce(t *testing.T) {
	eachRace(t, func(s *stetRace) {
		token, rounds := s.token(lea), s.rounds(1000)
		first, one := both(leasFirst)
		second, two := both(leasSecond)
		require.NoError(s.t, s.puts(s.one, token, first, new(string))())
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
		err := atOnce(reading(s.one), reading(s.two), func() error {
			defer done.Store(true)
			for i := range rounds {
				err := atOnce(s.puts(s.at(i), token, first, &forwarded[2*i]), s.puts(s.at(i+1), token, second, &forwarded[2*i+1]))
				if err = errors.Join(err, whole(s.at(i))); err != nil {
					return err
				}
				if n := s.count(liveForwarded); n != 1 {
					return fmt.Errorf("%d documents stand after round %d", n, i)
				}
			}
			return nil
		})
		require.NoError(s.t, err)
		require.Subset(s.t, s.forwarded(), forwarded)
		require.Equal(s.t, 2*rounds, s.count("SELECT count(*) FROM audit_entries WHERE reason = 'replaced'"))
		s.t.Logf("%d rounds, %d lists read, each whole", rounds, seen.Load())
	})
}

// orphans counts what stands of what was forwarded by a connection that does not.
const orphans = `SELECT count(*) FROM consents f JOIN consents c ON c.id = f.connection_id
 WHERE f.status IN ('valid', 'suspended') AND c.status NOT IN ('valid', 'suspended')`

// TestDocumentAgainstTheEnd forwards a document while its connection ends: with its
// token, by its PSU or, where something was forwarded before, with that. Whoever is
// first, nothing that was forwarded stands without its connection.
func TestDocumentAgainstTheEnd(t *testing.T) {
	eachRace(t, func(s *stetRace) {
		first, one := both(leasFirst)
		ways := []func(*program, string) *http.Request{s.endOfToken, s.endOf("connection"), s.endOf("accountAccess")}
		happened := map[string]int{}
		for i := range s.rounds(200) {
			token := s.token(lea)
			here, there := s.at(i), s.at(i+1)
			if i%3 > 0 {
				require.NoError(s.t, s.puts(here, token, document{balances: []string{leasSecond}}, new(string))())
			}
			end := ways[i%3](there, token)
			var put, ended int
			var how []byte
			require.NoError(s.t, atOnce(
				func() (err error) { put, _, err = s.put(here, token, first); return err },
				func() (err error) { ended, how, err = s.send(end); return err },
			))
			require.Contains(s.t, []int{http.StatusCreated, http.StatusUnauthorized}, put)
			require.Less(s.t, ended, 300, "%s", how)
			// What was to end may have been replaced: then it is the next that stands.
			overtaken := bytes.Contains(how, []byte(`"expired"`))
			require.Zero(s.t, s.count(orphans), "round %d", i)
			for _, at := range []*program{here, there} {
				status, got, err := s.list(at, token)
				require.NoError(s.t, err)
				if overtaken {
					require.Equal(s.t, []any{http.StatusCreated, http.StatusOK, one}, []any{put, status, got})
					continue
				}
				require.Equal(s.t, http.StatusUnauthorized, status)
			}
			require.Equal(s.t, map[bool]int{true: 1}[overtaken], s.count(liveForwarded))
			happened[fmt.Sprintf("way %d, PUT %d, overtaken %t", i%3, put, overtaken)]++
		}
		s.t.Log(happened)
	})
}

func (s *stetRace) endOfToken(at *program, token string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodDelete, at.base+"/sandbox/tokens/"+token, nil)
	require.NoError(s.t, err)
	return r
}

// endOf is how a PSU ends at the bank the last consent of a kind.
func (s *stetRace) endOf(kind string) func(*program, string) *http.Request {
	return func(at *program, _ string) *http.Request {
		s.t.Helper()
		id := ""
		for _, c := range stetOf(at).standing("lea", "acme") {
			if c.Kind == kind {
				id = c.ConsentID
				break
			}
		}
		require.NotEmpty(s.t, id)
		r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPut, at.base+"/aspsp/v1/consents/"+id+"/revocation", strings.NewReader(`{"psu":"lea"}`))
		require.NoError(s.t, err)
		r.Header.Set("Authorization", "Bearer sandbox-sca")
		r.Header.Set("Content-Type", "application/json")
		return r
	}
}

// TestDocumentsOfOthersAtOnce lets PSUs and TPPs forward at once: each sees their own.
func TestDocumentsOfOthersAtOnce(t *testing.T) {
	eachRace(t, func(s *stetRace) {
		rounds := s.rounds(50)
		var all []func() error
		for i, name := range []string{lea, "lea@beta", "enzo@acme", "enzo@beta", "sarl@acme"} {
			token := s.token(name)
			psu, _, _ := strings.Cut(name, "@")
			iban := map[string]string{"lea": leasFirst, "enzo": enzos}[psu]
			if iban == "" {
				_, list, err := s.list(s.one, token)
				require.NoError(s.t, err)
				iban = slices.Sorted(maps.Keys(list))[0]
			}
			full, shown := both(iban)
			part, partShown := document{balances: []string{iban}}, opened{iban: {"balances"}}
			all = append(all, func() error {
				for n := range rounds {
					d, want := full, shown
					if n%2 == 1 {
						d, want = part, partShown
					}
					if err := s.puts(s.at(i+n), token, d, new(string))(); err != nil {
						return err
					}
					if status, got, err := s.list(s.at(i+n+1), token); err != nil || !reflect.DeepEqual(want, got) {
						return fmt.Errorf("%s: %d %v %w", name, status, got, err)
					}
				}
				return nil
			})
		}
		require.NoError(s.t, atOnce(all...))
		require.Equal(s.t, len(all), s.count(liveForwarded))
	})
}

// TestQuotaAtTwoServers reads one account a hundred times at once without its PSU,
// while the document is forwarded anew: four reads are allowed.
func TestQuotaAtTwoServers(t *testing.T) {
	eachRace(t, func(s *stetRace) {
		token := s.token(lea)
		full, _ := both(leasFirst)
		part := document{balances: []string{leasFirst, leasSecond}}
		require.NoError(s.t, s.puts(s.one, token, full, new(string))())
		var all []func() error
		var allowed, refused atomic.Int64
		for i := range 100 {
			all = append(all, func() error {
				r := s.request(s.at(i), token, http.MethodGet, "/accounts/r1/balances", "")
				r.Header.Del("PSU-IP-Address")
				status, body, err := s.send(r)
				switch {
				case err != nil:
				case status == http.StatusOK:
					allowed.Add(1)
				case status == http.StatusTooManyRequests:
					refused.Add(1)
				default:
					err = fmt.Errorf("read: %d %s", status, body)
				}
				return err
			})
			if i%10 == 0 {
				all = append(all, s.puts(s.at(i/10), token, []document{full, part}[i/10%2], new(string)))
			}
		}
		require.NoError(s.t, atOnce(all...))
		require.Equal(s.t, []int64{4, 96}, []int64{allowed.Load(), refused.Load()})
	})
}
