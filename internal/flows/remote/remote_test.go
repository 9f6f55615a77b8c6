package remote_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/remote"
	"consentd/pkg/sca"
)

func TestCalls(t *testing.T) {
	t.Parallel()
	b := newBank(t, says(prompts))
	f := flowTo(t, b.URL+"/any/path?a=b")

	step, err := f.Start(t.Context(), request())
	require.NoError(t, err)
	assert.Equal(t, sca.Step{
		Outcome: sca.Prompt, State: []byte("state"), Fields: []sca.Field{{Name: "password", Kind: sca.Password}},
	}, step)
	b.set(says(done))
	step, err = f.Continue(t.Context(), request(), step.State, input())
	require.NoError(t, err)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: "psu-1"}, step)

	wire := map[string]any{
		"runId": "run", "stepKey": "run/1/1", "purpose": "consent", "hint": "lea", "psu": "psu-1", "summary": "Demo TPP",
		"returnUrl": "https://sca.bank.example/sca/return", "returnState": "sealed",
		"callbackUrl": "https://sca.bank.example/aspsp/v1/sca-callbacks/token", "language": "de", "paged": true, "choose": true,
	}
	require.Len(t, b.calls, 2)
	assert.Equal(t, map[string]any{"call": "start", "request": wire}, decoded(t, b.calls[0].body))
	assert.Equal(t, map[string]any{
		"call": "continue", "request": wire, "state": "c3RhdGU=",
		"input": map[string]any{
			"kind": "form", "methodId": "m1", "fields": map[string]any{"password": typed}, "accounts": []any{"a1"},
		},
	}, decoded(t, b.calls[1].body))
	for _, x := range b.calls {
		assert.Equal(t, "POST /any/path?a=b", x.r.Method+" "+x.r.RequestURI)
		assert.Equal(t, "application/json", x.r.Header.Get("Content-Type"))
		assert.Equal(t, "1795262400", x.t)
		assert.Equal(t, mac(secret, x.t, x.body), x.mac)
	}
}

func TestWholeSteps(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]sca.Step{
		`{"outcome":"prompt","wrong":true,"message":"no"}`: {Outcome: sca.Prompt, Wrong: true, Message: "no"},
		`{"outcome":"prompt","methods":[{"id":"1","type":"SMS_OTP","name":"SMS"}],"challenge":{"data":["1"]},"message":"choose"}`: {
			Outcome: sca.Prompt, Methods: []sca.Method{{ID: "1", Type: "SMS_OTP", Name: "SMS"}},
			Challenge: json.RawMessage(`{"data":["1"]}`), Message: "choose",
		},
		`{"outcome":"prompt","fields":[{"name":"k","label":"Key","kind":"passkey-get","options":{"challenge":"c"}}],"qr":{"content":"otpauth:","text":"ABCD"}}`: {
			Outcome: sca.Prompt, QR: &sca.QR{Content: "otpauth:", Text: "ABCD"},
			Fields: []sca.Field{{Name: "k", Label: "Key", Kind: sca.PasskeyGet, Options: json.RawMessage(`{"challenge":"c"}`)}},
		},
		`{"outcome":"identified","psu":"psu-1","state":""}`:   {Outcome: sca.Identified, PSU: "psu-1", State: []byte{}},
		`{"outcome":"redirect","url":"http://localhost:1/x"}`: {Outcome: sca.Redirect, URL: "http://localhost:1/x"},
		`{"outcome":"wait","pollAfter":2,"number":"42","message":"Enter 42."}`: {
			Outcome: sca.Wait, PollAfter: 2 * time.Second, Number: "42", Message: "Enter 42.",
		},
		`{"outcome":"done","psu":"psu-1","accounts":["a1","a2"]}`: {Outcome: sca.Done, PSU: "psu-1", Accounts: []string{"a1", "a2"}},
		`{"outcome":"denied","blocked":true}`:                     {Outcome: sca.Denied, Blocked: true},
	} {
		step, err := flowTo(t, newBank(t, says(body)).URL).Start(t.Context(), request())
		require.NoError(t, err, body)
		assert.Equal(t, want, step)
	}
}

// mute fails whatever an error says of what a PSU typed, or a server wrote.
func mute(t *testing.T, err error) {
	t.Helper()
	for _, private := range []string{typed, "stolen", secret, "run/1/1"} {
		assert.NotContains(t, err.Error(), private)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	status := func(code int, body string) func(x exchange) {
		return func(x exchange) {
			x.w.WriteHeader(code)
			_, _ = io.WriteString(x.w, body+x.body)
		}
	}
	for name, c := range map[string]struct {
		answer func(x exchange)
		want   error
		says   string
	}{
		"500 that echoes the call": {status(500, "stolen"), remote.ErrNoAnswer, "status 500"},
		"503":                      {status(503, ""), remote.ErrNoAnswer, "status 503"},
		"429":                      {status(429, ""), remote.ErrNoAnswer, "status 429"},
		"408":                      {status(408, ""), remote.ErrNoAnswer, "status 408"},
		"204":                      {func(x exchange) { x.w.WriteHeader(204) }, remote.ErrNoAnswer, "status 204"},
		"400 that echoes the call": {status(400, "stolen"), remote.ErrRefused, "status 400"},
		"401":                      {status(401, ""), remote.ErrRefused, "status 401"},
		"404 of a wrong address":   {status(404, "<html>"), remote.ErrRefused, "status 404"},
		"a redirect": {func(x exchange) {
			x.w.Header().Set("Location", "/elsewhere")
			x.w.WriteHeader(307)
		}, remote.ErrNoAnswer, "status 307"},
		"HTML": {func(x exchange) {
			x.w.Header().Set("Content-Type", "text/html")
			x.w.Header().Set(header, signed(secret, now(), x.mac, "<html>stolen"))
			_, _ = io.WriteString(x.w, "<html>stolen")
		}, remote.ErrNoAnswer, "not application/json"},
		"HTML of something on the way": {status(200, "<html>"), remote.ErrNoAnswer, "not signed"},
		"what is no JSON":              {says(`{"outcome":"` + typed), remote.ErrNoAnswer, "not a JSON object"},
		"a body without end":           {func(x exchange) { _, _ = io.WriteString(x.w, strings.Repeat(" ", 1<<20+1)) }, remote.ErrNoAnswer, "more than 1048576 bytes"},
		"a head that breaks off": {func(x exchange) {
			conn, _, err := http.NewResponseController(x.w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+typed)
			_ = conn.Close()
		}, remote.ErrNoAnswer, "no HTTP"},
		"what is no HTTP": {func(x exchange) {
			conn, _, err := http.NewResponseController(x.w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, typed+"\r\n\r\n")
			_ = conn.Close()
		}, remote.ErrNoAnswer, "no HTTP"},
		"a trailer that is none": {func(x exchange) {
			conn, _, err := http.NewResponseController(x.w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n0\r\n"+typed+"\r\n\r\n")
			_ = conn.Close()
		}, remote.ErrNoAnswer, "no HTTP"},
		"a body that breaks off": {func(x exchange) {
			x.w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(x.w, `{"outcome":`)
		}, remote.ErrNoAnswer, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t, c.answer)
			step, err := flowTo(t, b.URL).Continue(t.Context(), request(), []byte("state"), input())
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			mute(t, err)
			assert.Empty(t, step)
			assert.Equal(t, 1, b.count(), "what was answered is not asked again")
		})
	}
}

func TestAnswersOfOthers(t *testing.T) {
	t.Parallel()
	with := func(value func(x exchange) string) func(x exchange) {
		return func(x exchange) {
			x.w.Header().Set("Content-Type", "application/json")
			x.w.Header().Set(header, value(x))
			_, _ = io.WriteString(x.w, done)
		}
	}
	for name, c := range map[string]struct {
		value func(x exchange) string
		says  string
	}{
		"not signed":                    {func(exchange) string { return "" }, "not signed"},
		"signed by nobody":              {func(exchange) string { return "t=1795262400,v1=" }, "not signed"},
		"signed otherwise":              {func(exchange) string { return "t=1795262400,v2=" + strings.Repeat("0", 64) }, "not signed"},
		"signed by another":             {func(x exchange) string { return signed(other, now(), x.mac, done) }, "shared secret"},
		"signed for another call":       {func(exchange) string { return signed(secret, now(), mac(secret, "1795262400", "{}"), done) }, "for this call"},
		"signed for no call":            {func(exchange) string { return signed(secret, now(), "", done) }, "for this call"},
		"signed for another answer":     {func(x exchange) string { return signed(secret, now(), x.mac, prompts) }, "for this call"},
		"signed as a call":              {func(x exchange) string { return x.r.Header.Get(header) }, "for this call"},
		"signed long ago":               {func(x exchange) string { return signed(secret, now().Add(-301*time.Second), x.mac, done) }, "at another time"},
		"signed in the future":          {func(x exchange) string { return signed(secret, now().Add(301*time.Second), x.mac, done) }, "at another time"},
		"with the time of another call": {func(x exchange) string { return "t=1795262401,v1=" + mac(secret, "1795262400", x.mac, done) }, "for this call"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step, err := flowTo(t, newBank(t, with(c.value)).URL).Continue(t.Context(), request(), nil, input())
			require.ErrorIs(t, err, remote.ErrNoAnswer)
			require.ErrorContains(t, err, c.says)
			mute(t, err)
			assert.Empty(t, step)
		})
	}
	step, err := flowTo(t, newBank(t, with(func(x exchange) string {
		return signed(secret, now().Add(-299*time.Second), x.mac, done)
	})).URL).Start(t.Context(), request())
	require.NoError(t, err, "clocks differ a little")
	assert.Equal(t, sca.Done, step.Outcome)
}

// TestReplay: an answer that was right once is not right for another call.
func TestReplay(t *testing.T) {
	t.Parallel()
	var kept string
	b := newBank(t, func(x exchange) {
		if kept == "" {
			kept = signed(secret, now(), x.mac, done)
		}
		x.w.Header().Set("Content-Type", "application/json")
		x.w.Header().Set(header, kept)
		_, _ = io.WriteString(x.w, done)
	})
	f := flowTo(t, b.URL)
	_, err := f.Continue(t.Context(), request(), []byte("state"), input())
	require.NoError(t, err)
	for _, change := range []func(req *sca.Request){
		func(req *sca.Request) { req.StepKey = "run/1/2" },
		func(req *sca.Request) { req.RunID = "another" },
	} {
		req := request()
		change(&req)
		_, err = f.Continue(t.Context(), req, []byte("state"), input())
		require.ErrorIs(t, err, remote.ErrNoAnswer)
	}
}

// TestRepeatsWhatBroke: once, with the same content, and only where nobody answered.
func TestRepeatsWhatBroke(t *testing.T) {
	t.Parallel()
	breaking := func(times int) func(x exchange) {
		return func(x exchange) {
			if len(x.earlier) < times {
				panic(http.ErrAbortHandler) // closes the connection
			}
			says(done)(x)
		}
	}
	b := newBank(t, breaking(1))
	step, err := flowTo(t, b.URL).Continue(t.Context(), request(), nil, input())
	require.NoError(t, err)
	assert.Equal(t, sca.Done, step.Outcome)
	require.Equal(t, 2, b.count())
	assert.Equal(t, b.calls[0].body, b.calls[1].body)

	b = newBank(t, breaking(2))
	_, err = flowTo(t, b.URL).Continue(t.Context(), request(), nil, input())
	require.ErrorIs(t, err, remote.ErrNoAnswer)
	mute(t, err)
	assert.Equal(t, 2, b.count(), "no third time")

	gone := newBank(t, says(done))
	gone.Close()
	_, err = flowTo(t, gone.URL).Start(t.Context(), request())
	require.ErrorIs(t, err, remote.ErrNoAnswer)
	require.ErrorContains(t, err, "refused")
	assert.Zero(t, gone.count())
}

// TestHangs: what takes too long is not asked again, and is waited for no longer.
func TestHangs(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(x exchange){
		"before the answer": func(exchange) {},
		"in the answer": func(x exchange) {
			x.w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(x.w, "{")
			_ = http.NewResponseController(x.w).Flush() // a test's server can
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t, func(x exchange) {
				begin(x)
				<-x.r.Context().Done()
			})
			f := flowTo(t, b.URL, func(c *remote.Config) { c.Timeout = 50 * time.Millisecond })
			_, err := f.Continue(t.Context(), request(), nil, input())
			require.ErrorIs(t, err, remote.ErrNoAnswer)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			mute(t, err)
			assert.Equal(t, 1, b.count())
		})
	}
}

func TestCallerWhoGoesAway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int32
	b := newBank(t, func(x exchange) {
		asked.Add(1)
		cancel()
		<-x.r.Context().Done()
	})
	f := flowTo(t, b.URL, func(c *remote.Config) { c.Breaker.Failures = 1 })
	_, err := f.Start(ctx, request())
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Start(ctx, request())
	require.ErrorIs(t, err, context.Canceled)
	assert.EqualValues(t, 1, asked.Load(), "an ended context asks nobody")

	b.set(says(done))
	_, err = f.Start(t.Context(), request())
	require.NoError(t, err, "that was no failure of the server")
}

func TestApproaches(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []sca.Approach{sca.InRedirect}, flowTo(t, "https://sca.bank.example").Approaches())
	f := flowTo(t, "https://sca.bank.example", func(c *remote.Config) {
		c.Approaches = []sca.Approach{sca.InDecoupled, sca.InEmbedded}
	})
	assert.Equal(t, []sca.Approach{sca.InDecoupled, sca.InEmbedded}, f.Approaches())
}
