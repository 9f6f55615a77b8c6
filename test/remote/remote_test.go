package remote_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/remote"
	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
	"consentd/test/contract"
)

const (
	secret   = "a secret of this test, as long as HMAC-SHA256 wants it"
	password = "sandbox"
)

// gateway is what sends the server's SMS: each key's message once.
type gateway struct {
	mu    sync.Mutex
	codes map[string]string // by step key
	runs  map[string]string // the last code of each run
	calls int
	down  bool
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sms struct{ PSU, StepKey, Code string }
	if err := json.NewDecoder(r.Body).Decode(&sms); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	if g.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	run, _, _ := strings.Cut(sms.StepKey, "/")
	g.codes[sms.StepKey], g.runs[run] = sms.Code, sms.Code
}

func (g *gateway) sent() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

func (g *gateway) code(run string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.runs[run]
}

func (g *gateway) set(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
}

// example starts the example server and the gateway behind it. It returns the
// address of the one and the other.
func example(t testing.TB) (string, *gateway) {
	t.Helper()
	g := &gateway{codes: map[string]string{}, runs: map[string]string{}}
	sms := httptest.NewServer(g)
	t.Cleanup(sms.Close)
	cmd := exec.CommandContext(t.Context(), "node", "server.mjs")
	cmd.Env = append(os.Environ(), "SECRET="+secret, "SMS="+sms.URL)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be over: t.Context ends first
		_ = cmd.Wait()         // it was killed
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return "http://127.0.0.1:" + strings.TrimSpace(port) + "/sca", g
}

// checked sends calls and holds each exchange against the description.
func checked(t testing.TB) http.RoundTripper {
	t.Helper()
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	return &contract.Transport{Base: base, Validators: []*contract.Validator{contract.Load(t, "sca-remote")}, T: t}
}

// flowTo is the flow before a server.
func flowTo(t testing.TB, url, secret string, transport http.RoundTripper) *remote.Flow {
	t.Helper()
	f, err := remote.New(remote.Config{URL: url, Secret: []byte(secret), Now: time.Now, Transport: transport, Timeout: time.Minute})
	require.NoError(t, err)
	return f
}

func form(pairs ...string) sca.Input {
	fields := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	return sca.Input{Kind: sca.Form, Fields: fields}
}

func bench(t testing.TB) scatest.Bench {
	t.Helper()
	url, sms := example(t)
	transport := checked(t)
	return scatest.Bench{
		PSU: "lea", Effects: sms.sent,
		Flow: func() sca.Flow { return flowTo(t, url, secret, transport) },
		Right: func(req sca.Request, step sca.Step) sca.Input {
			if step.Fields[0].Name == "otp" {
				return form("otp", sms.code(req.RunID))
			}
			return form("psuId", "lea", "password", password)
		},
		Wrong: func(_ sca.Request, step sca.Step) sca.Input {
			if step.Fields[0].Name == "otp" {
				return form("otp", "no code")
			}
			return form("psuId", "lea", "password", "no password")
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	scatest.Run(t, scatest.Harness{Prompts: 2, New: bench})
}

func TestNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	// The server knows no other PSU, nor one that JavaScript knows by itself.
	f := bench(t).Flow()
	start, err := f.Start(t.Context(), sca.Request{RunID: "r", StepKey: "r/0", Purpose: sca.ForConsent})
	require.NoError(t, err)
	for i, name := range []string{"", "eve", "__proto__", "constructor"} {
		step, err := f.Continue(t.Context(), sca.Request{RunID: "r", StepKey: "r/1/" + name, Purpose: sca.ForConsent}, start.State, form("psuId", name, "password", ""))
		require.NoError(t, err, i)
		assert.True(t, step.Wrong, name)
	}
}

func TestWrongSecret(t *testing.T) {
	t.Parallel()
	url, _ := example(t)
	_, err := flowTo(t, url, strings.ToUpper(secret), checked(t)).Start(t.Context(), sca.Request{RunID: "r", StepKey: "r/0", Purpose: sca.ForConsent})
	require.ErrorIs(t, err, remote.ErrRefused)
}

func TestClockThatIsWrong(t *testing.T) {
	t.Parallel()
	url, _ := example(t)
	for _, off := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		f, err := remote.New(remote.Config{URL: url, Secret: []byte(secret), Now: func() time.Time { return time.Now().Add(off) }})
		require.NoError(t, err)
		_, err = f.Start(t.Context(), sca.Request{RunID: "r", StepKey: "r/0", Purpose: sca.ForConsent})
		require.ErrorIs(t, err, remote.ErrRefused, off)
	}
}

// TestRepeatAfterFailure: a call that failed is made again with the same key and
// then succeeds; what failed is not remembered.
func TestRepeatAfterFailure(t *testing.T) {
	t.Parallel()
	url, sms := example(t)
	f := flowTo(t, url, secret, checked(t))
	request := func(key string) sca.Request {
		return sca.Request{RunID: "r", StepKey: "r/" + key, Purpose: sca.ForConsent}
	}
	step, err := f.Start(t.Context(), request("0"))
	require.NoError(t, err)
	step, err = f.Continue(t.Context(), request("1"), step.State, form("psuId", "lea", "password", password))
	require.NoError(t, err)
	require.Equal(t, sca.Identified, step.Outcome)

	sms.set(true)
	_, err = f.Continue(t.Context(), request("2"), step.State, sca.Input{Kind: sca.Approved})
	require.ErrorIs(t, err, remote.ErrNoAnswer)
	sms.set(false)
	step, err = f.Continue(t.Context(), request("2"), step.State, sca.Input{Kind: sca.Approved})
	require.NoError(t, err)
	step, err = f.Continue(t.Context(), request("3"), step.State, form("otp", sms.code("r")))
	require.NoError(t, err)
	assert.Equal(t, sca.Done, step.Outcome)
	assert.Equal(t, "lea", step.PSU)
}

// TestExampleIsShort: it is the promise of the documentation.
func TestExampleIsShort(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("server.mjs")
	require.NoError(t, err)
	assert.LessOrEqual(t, strings.Count(string(source), "\n"), 40)
	assert.NotContains(t, string(source), "require(")
	for line := range strings.SplitSeq(string(source), "\n") {
		if strings.HasPrefix(line, "import ") {
			assert.Contains(t, line, "'node:", "no packages")
		}
	}
}
