package remote_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/flows/remote"
	"consentd/pkg/sca"
)

const (
	secret  = "a secret of this test, as long as HMAC-SHA256 wants it"
	other   = "another secret of another bank, which is just as long as it"
	typed   = "Pa55-typed-by-a-PSU"
	header  = "Consentd-Signature"
	prompts = `{"outcome":"prompt","state":"c3RhdGU=","fields":[{"name":"password","kind":"password"}]}`
	done    = `{"outcome":"done","psu":"psu-1"}`
)

// exchange is one call as a server sees it.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	body    string
	t, mac  string // of the call's signature
	earlier []exchange
}

// bank is a server of a bank whose answers the test decides.
type bank struct {
	*httptest.Server

	mu     sync.Mutex
	calls  []exchange
	answer func(x exchange)
}

// newBank starts a server. Its answers are made of what it has seen, one call at a time.
func newBank(t *testing.T, answer func(x exchange)) *bank {
	t.Helper()
	b := &bank{answer: answer}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.CloseClientConnections) // before Close, which waits for those who hang
	t.Cleanup(b.Close)
	return b
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	x := exchange{w: w, r: r, body: string(body)}
	t, mac, _ := strings.Cut(r.Header.Get(header), ",v1=")
	x.t, x.mac = strings.TrimPrefix(t, "t="), mac
	b.mu.Lock()
	x.earlier = b.calls
	b.calls = append(slices.Clip(b.calls), x)
	answer := b.answer
	b.mu.Unlock()
	answer(x)
}

func (b *bank) set(answer func(x exchange)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *bank) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.calls)
}

// mac is what both sides compute, written once more for the test.
func mac(secret string, parts ...string) string {
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(h, strings.Join(parts, ".")) // a hash takes everything
	return hex.EncodeToString(h.Sum(nil))
}

// signed makes the value of the header for an answer.
func signed(secret string, at time.Time, callMAC, body string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + mac(secret, t, callMAC, body)
}

// says answers with a body as a server that is well does.
func says(body string) func(x exchange) {
	return func(x exchange) {
		x.w.Header().Set("Content-Type", "application/json")
		x.w.Header().Set(header, signed(secret, now(), x.mac, body))
		_, _ = io.WriteString(x.w, body) // who went away needs no answer
	}
}

func now() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// flowTo is a flow before a server; change has the last word on its configuration.
func flowTo(t *testing.T, url string, change ...func(c *remote.Config)) *remote.Flow {
	t.Helper()
	c := remote.Config{URL: url, Secret: []byte(secret), Now: now}
	for _, f := range change {
		f(&c)
	}
	f, err := remote.New(c)
	require.NoError(t, err)
	return f
}

func request() sca.Request {
	return sca.Request{
		RunID: "run", StepKey: "run/1/1", Purpose: sca.ForConsent, Hint: "lea", PSU: "psu-1", Summary: "Demo TPP",
		ReturnURL: "https://sca.bank.example/sca/return", ReturnState: "sealed",
		CallbackURL: "https://sca.bank.example/aspsp/v1/sca-callbacks/token", Language: "de", Paged: true, Choose: true,
	}
}

// input is what nobody but the server may see.
func input() sca.Input {
	return sca.Input{Kind: sca.Form, MethodID: "m1", Fields: map[string]string{"password": typed}, Accounts: []string{"a1"}}
}

// decoded reads the body of a call.
func decoded(t *testing.T, body string) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &m))
	return m
}
