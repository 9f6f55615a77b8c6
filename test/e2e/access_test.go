package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/test/pgtest"
)

// decision is the answer to a check.
type decision struct {
	Decision  string `json:"decision"`
	Reason    string `json:"reason"`
	Remaining *int   `json:"remaining"`
	Accounts  []struct {
		AccountID string   `json:"accountId"`
		Rights    []string `json:"rights"`
	} `json:"accounts"`
	Error struct {
		Status int    `json:"status"`
		Code   string `json:"code"`
	} `json:"error"`
}

// question is a check of one of the demo TPP's reads.
func question(consent, operation, account, ip string) map[string]string {
	q := map[string]string{"consentId": consent, "tpp": demoID, "operation": operation, "requestId": uuid.NewString()}
	if account != "" {
		q["account"] = account
	}
	if ip != "" {
		q["psuIpAddress"] = ip
	}
	return q
}

// check asks as the bank's resource server does.
func (p *program) check(q map[string]string) (d decision, err error) { return p.checkBy(p.http, q) }

// checkBy asks with a client that may leave the description alone: a thousand
// answers of four kinds are not worth the time that it takes to look at each.
func (p *program) checkBy(by *http.Client, q map[string]string) (d decision, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return d, err
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+"/aspsp/v1/access-checks", bytes.NewReader(body))
	if err != nil {
		return d, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer sandbox-resource-server")
	res, err := by.Do(req)
	if err != nil {
		return d, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.Equal(p.t, http.StatusOK, res.StatusCode, "%s", answer)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(answer, &d)
}

// allowed wants a read to be allowed.
func (p *program) allowed(q map[string]string) decision {
	p.t.Helper()
	d, err := p.check(q)
	require.NoError(p.t, err)
	require.Equal(p.t, "allow", d.Decision, "%+v", d)
	return d
}

// denied wants a read to be denied with a code of XS2A.
func (p *program) denied(q map[string]string, status int, code string) decision {
	p.t.Helper()
	d, err := p.check(q)
	require.NoError(p.t, err)
	require.Equal(p.t, []any{"deny", status, code}, []any{d.Decision, d.Error.Status, d.Error.Code}, "%+v", d)
	require.NotEmpty(p.t, d.Reason)
	return d
}

// demoID is how consents know the sandbox's TPP demo.
const demoID = "XX-SANDBOX:PSDXX-SANDBOX-DEMO"

// eachPair runs a test on two servers over one database, on each engine.
func eachPair(t *testing.T, test func(t *testing.T, one, two *program)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			if engine == "postgres" {
				r := startTwo(t)
				test(t, r.one, r.two)
				return
			}
			dir := t.TempDir()
			shared := func(o *app.SandboxOptions) { o.Data = dir }
			test(t, start(t, engine, shared), start(t, engine, shared))
		})
	}
}

// anna shares two accounts for balances and transactions with the demo TPP.
func (p *program) annas() (consent string) {
	p.t.Helper()
	id, link := p.create(p.tpp, p.offered())
	p.authorise(link, "anna", "DE40100100103307118608,DE02100100109307118603/USD")
	require.Equal(p.t, "valid", p.status(p.tpp, id))
	return id
}

// TestThousandReads makes a thousand reads at once, of four kinds, over two servers,
// while the PSU is away: four of each kind are allowed, and the rest are told so.
func TestThousandReads(t *testing.T) {
	eachPair(t, func(t *testing.T, one, two *program) {
		id := one.annas()
		kinds := []map[string]string{
			question(id, "accounts", "", ""),
			question(id, "balances", "r31", ""),
			question(id, "balances", "r33", ""),
			question(id, "transactions", "r31", ""),
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen, begin := make([]map[string]int, len(kinds)), make(chan struct{})
		for k, q := range kinds {
			seen[k] = map[string]int{}
			for i := range 1000 / len(kinds) {
				p := []*program{one, two}[i%2]
				wg.Go(func() {
					<-begin
					d, err := p.checkBy(http.DefaultClient, q)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					seen[k][strings.TrimSpace(d.Decision+" "+d.Error.Code)]++
				})
			}
		}
		close(begin)
		wg.Wait()
		for k := range kinds {
			require.Equal(t, map[string]int{"allow": 4, "deny ACCESS_EXCEEDED": 246}, seen[k], "%v", kinds[k])
		}
		one.denied(kinds[1], http.StatusTooManyRequests, "ACCESS_EXCEEDED")
		two.allowed(question(id, "balances", "r31", "192.0.2.7")) // with the PSU there, as often as they like
	})
}

// TestEndingsAreSeenAtOnce ends, suspends and blocks at one server: the next check
// at the other one sees it.
func TestEndingsAreSeenAtOnce(t *testing.T) {
	eachPair(t, func(t *testing.T, one, two *program) {
		first := one.annas()
		q := question(first, "balances", "r31", "192.0.2.7")
		two.allowed(q)
		second := one.annas() // replaces the first
		two.denied(q, http.StatusUnauthorized, "CONSENT_EXPIRED")
		q = question(second, "balances", "r31", "192.0.2.7")
		two.allowed(q)

		block := "/aspsp/v1/tpps/" + demoID + "/block"
		one.asBank("sandbox-back-office", http.MethodPut, block, `{"reason":"test"}`)
		d := two.denied(q, http.StatusUnauthorized, "CERTIFICATE_BLOCKED")
		require.Contains(t, d.Reason, "blocked the TPP")
		one.asBank("sandbox-back-office", http.MethodDelete, block, "")
		two.allowed(q)

		one.asBank("sandbox-sca", http.MethodPut, "/aspsp/v1/consents/"+second+"/revocation", `{"psu":"anna"}`)
		two.denied(q, http.StatusUnauthorized, "CONSENT_INVALID")

		third := one.annas()
		two.denied(question(third, "transactions", "r1", "192.0.2.7"), http.StatusNotFound, "RESOURCE_UNKNOWN")
		two.denied(question(third, "balances", "r32", "192.0.2.7"), http.StatusUnauthorized, "CONSENT_INVALID")
		two.denied(question(uuid.NewString(), "balances", "r31", ""), http.StatusBadRequest, "CONSENT_UNKNOWN")
		_, err := one.tpp.DeleteConsent(t.Context(), third)
		require.NoError(t, err)
		two.denied(question(third, "balances", "r31", "192.0.2.7"), http.StatusUnauthorized, "CONSENT_INVALID")
	})
}

// asBank calls as one of the bank's own systems.
func (p *program) asBank(token, method, path, body string) []byte {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := p.http.Do(req)
	require.NoError(p.t, err)
	answer := drained(p.t, res)
	require.Less(p.t, res.StatusCode, 300, "%s", answer)
	return answer
}
