package e2e

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/points"
	"consentd/test/pgtest"
)

// What the sandbox allows: answers to one step, and wrong answers of a PSU in a
// row over all authorisations.
const (
	maxTries    = 3
	maxFailures = 5
)

// guessing is one server with SQLite, or two with PostgreSQL, and how many
// answers of PSUs their flows have judged.
type guessing struct {
	servers []*program
	judged  atomic.Int64
}

// eachGuessed runs a test on both engines.
func eachGuessed(t *testing.T, test func(t *testing.T, g *guessing)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			g := &guessing{}
			count := func(o *app.SandboxOptions) {
				o.Reached = func(at points.Point) {
					if at == "flow.form.before" {
						g.judged.Add(1)
					}
				}
			}
			if engine == pgtest.SQLite {
				g.servers = []*program{start(t, engine, count)}
			} else {
				r := startTwo(t, count)
				g.servers = []*program{r.one, r.two}
			}
			test(t, g)
		})
	}
}

// all sends many forms at once, by turns to each server, and counts the answers
// by their status. The form is the page's, but for what change says of the i-th.
func (g *guessing) all(many int, page func(i int) *psu, change func(i int) [2]string) map[int]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	statuses, begin := map[int]int{}, make(chan struct{})
	for i := range many {
		u, p, pair := page(i), g.servers[i%len(g.servers)], change(i)
		form := maps.Clone(u.form)
		form[pair[0]] = []string{pair[1]}
		wg.Go(func() {
			<-begin
			status, err := u.quietly(p, form)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.t.Error(err)
			}
			statuses[status]++
		})
	}
	close(begin)
	wg.Wait()
	return statuses
}

// quietly sends a form to a server, from any goroutine, and leaves the page as it is.
func (u *psu) quietly(p *program, form url.Values) (int, error) {
	path := u.link[strings.LastIndex(u.link, "/sca/"):]
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := u.jar.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// atCode brings LEA to where the code is asked for, and says which is right.
// What is judged counts from there.
func (g *guessing) atCode() (consent string, u *psu, code string) {
	p := g.servers[0]
	p.t.Helper()
	id, link := p.create(p.tpp, p.dedicated(leaFirst))
	u = p.open(link)
	u.send("psuId=lea", "password=sandbox")
	u.agree()
	g.judged.Store(0)
	return id, u, p.code("lea")
}

// TestGuessedCodes sends a thousand codes for one authorisation at once, and then
// the right one as often as it takes to be sure.
func TestGuessedCodes(t *testing.T) {
	eachGuessed(t, func(t *testing.T, g *guessing) {
		p := g.servers[0]
		id, u, code := g.atCode()

		wrong := [2]string{"otp", other(code)}
		statuses := g.all(1000, func(int) *psu { return u }, func(int) [2]string { return wrong })
		require.EqualValues(t, maxTries, g.judged.Load(), "%v", statuses)
		require.LessOrEqual(t, statuses[http.StatusUnauthorized], maxTries)
		require.Zero(t, statuses[http.StatusSeeOther], "%v", statuses)

		right := [2]string{"otp", code}
		late := g.all(100, func(int) *psu { return u }, func(int) [2]string { return right })
		require.EqualValues(t, maxTries, g.judged.Load(), "%v", late)
		require.Zero(t, late[http.StatusSeeOther], "%v", late)
		require.Equal(t, "received", p.status(p.tpp, id))
		t.Logf("%d servers: %d judged; answers to wrong codes %v, to the right one afterwards %v", len(g.servers), g.judged.Load(), statuses, late)
	})
}

// TestRightCodeAmongWrong hides the right code among a thousand: it passes only
// as one of those that are judged.
func TestRightCodeAmongWrong(t *testing.T) {
	eachGuessed(t, func(t *testing.T, g *guessing) {
		p := g.servers[0]
		id, u, code := g.atCode()
		statuses := g.all(1000, func(int) *psu { return u }, func(i int) [2]string {
			if i%10 == 9 {
				return [2]string{"otp", code}
			}
			return [2]string{"otp", other(code)}
		})
		require.LessOrEqual(t, g.judged.Load(), int64(maxTries), "%v", statuses)
		require.LessOrEqual(t, statuses[http.StatusSeeOther], 1, "%v", statuses)
		want := "received"
		if statuses[http.StatusSeeOther] == 1 {
			want = "valid"
		}
		require.Equal(t, want, p.status(p.tpp, id))
	})
}

// TestGuessedPasswords sends a thousand passwords for one name to fifty
// authorisations at once.
func TestGuessedPasswords(t *testing.T) {
	eachGuessed(t, func(t *testing.T, g *guessing) {
		p := g.servers[0]
		const authorisations = 50
		pages := make([]*psu, authorisations)
		for i := range pages {
			_, link := p.create(p.tpp, p.dedicated(leaFirst))
			pages[i] = p.open(link)
			pages[i].form.Set("psuId", "lea")
		}
		page := func(i int) *psu { return pages[i/len(g.servers)%authorisations] }
		statuses := g.all(1000, page, func(int) [2]string { return [2]string{"password", wrongPassword} })
		require.EqualValues(t, maxFailures, g.judged.Load(), "%v", statuses)
		require.LessOrEqual(t, statuses[http.StatusUnauthorized], maxFailures)
		require.NotZero(t, statuses[http.StatusTooManyRequests], "%v", statuses)

		_, link := p.create(p.tpp, p.dedicated(leaFirst))
		u := p.open(link)
		u.send("psuId=lea", "password=sandbox")
		u.at("problem", http.StatusTooManyRequests)
		require.EqualValues(t, maxFailures, g.judged.Load(), "the right one is not judged either")
		for _, p := range g.servers {
			p.advance("16m")
		}
		id, link := p.create(p.tpp, p.dedicated(leaFirst))
		p.authorise(link, "lea", "")
		require.Equal(t, "valid", p.status(p.tpp, id), "after a while")
		t.Logf("%d servers: %d judged; answers %v", len(g.servers), maxFailures, statuses)
	})
}
