package faults

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// logInPage is where the bank's own program has PSUs log in.
const logInPage = "https://login.bank.example/"

// bank is a program of a bank's that authenticates PSUs (openapi/sca-remote.yaml),
// in one trip on a page of its own. It outlives the deaths of consentd.
type bank struct {
	server *httptest.Server
	key    []byte
	file   string

	mu    sync.Mutex
	trips map[string]map[string]bool // of a run: the names of the calls that came back from the page
}

// bankCall is what the bank reads of a call.
type bankCall struct {
	Call    string
	Request struct{ RunID, StepKey, ReturnState string }
	Input   struct {
		Kind   string
		Fields map[string]string
	}
}

func newBank(t *testing.T) *bank {
	t.Helper()
	b := &bank{key: []byte(strings.Repeat("k", 32)), file: filepath.Join(t.TempDir(), "secret"), trips: map[string]map[string]bool{}}
	require.NoError(t, os.WriteFile(b.file, b.key, 0o600))
	b.server = httptest.NewServer(b)
	t.Cleanup(b.server.Close)
	return b
}

// section is what consentd's configuration says of it.
func (b *bank) section() json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"secretFile":%q,"approaches":["redirect"]}`, b.server.URL, b.file))
}

// ServeHTTP answers a call of the flow, signed for that call. Who calls it need
// not ask.
func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var call bankCall
	if err == nil {
		err = json.Unmarshal(body, &call)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, err := json.Marshal(b.step(call))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, called, _ := strings.Cut(r.Header.Get("Consentd-Signature"), "v1=")
	at := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, b.key)
	fmt.Fprintf(mac, "%s.%s.%s", at, called, text)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Consentd-Signature", "t="+at+",v1="+hex.EncodeToString(mac.Sum(nil)))
	_, _ = w.Write(text)
}

func (b *bank) step(call bankCall) map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case call.Call == "start":
		return map[string]any{"outcome": "redirect", "url": logInPage + "?state=" + call.Request.ReturnState}
	case call.Input.Kind == "returned" && call.Input.Fields["code"] == "secret":
		if b.trips[call.Request.RunID] == nil {
			b.trips[call.Request.RunID] = map[string]bool{}
		}
		b.trips[call.Request.RunID][call.Request.StepKey] = true
		return map[string]any{"outcome": "done", "psu": "lea"}
	default:
		return map[string]any{"outcome": "denied"}
	}
}

// once asserts that the same return of a browser was always told under the same
// name, by which a bank knows that it has judged it already.
func (b *bank) once(t *testing.T, c *tpp) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	total := 0
	for _, a := range c.stored(c.id).Authorisations {
		n := len(b.trips[a.RunID.String()])
		require.LessOrEqual(t, n, 1, "names of one return")
		total += n
	}
	require.NotZero(t, total)
}
