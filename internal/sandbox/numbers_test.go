package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
	"consentd/internal/service"
)

// numbered is a request with the number 42.
func (b *bundle) numbered(t *testing.T, login string, choose bool) string {
	t.Helper()
	return b.put(t, service.Approval{Login: login, Key: "key", Text: "Demo TPP?", Language: "en", Number: "42", Choose: choose})
}

func TestNumberOfAnApproval(t *testing.T) {
	t.Parallel()
	yes := service.ApprovalAnswer{State: service.ApprovalApproved, Number: "42"}
	no := service.ApprovalAnswer{State: service.ApprovalDenied}
	for name, c := range map[string]struct {
		bodies []string
		status []int
		want   service.ApprovalAnswer
	}{
		"right":             {[]string{`{"decision":"approve","number":"42"}`}, []int{200}, yes},
		"with spaces":       {[]string{`{"decision":"approve","number":" 42 "}`}, []int{200}, yes},
		"spaces between":    {[]string{`{"decision":"approve","number":"4 2"}`, `{"decision":"approve","number":"4\u00a02"}`}, []int{200, 409}, yes},
		"Arabic digits":     {[]string{`{"decision":"approve","number":"٤٢"}`}, []int{200}, yes},
		"Persian, isolated": {[]string{`{"decision":"approve","number":"\u2068۴ ۲\u2069"}`}, []int{200}, yes},
		"wrong in Arabic":   {[]string{`{"decision":"approve","number":"٢٤"}`, `{"decision":"approve","number":"٤٢"}`}, []int{400, 200}, yes},
		"marks are no try": {
			[]string{`{"decision":"approve","number":"\u200f"}`, `{"decision":"approve","number":"\u200f"}`, `{"decision":"approve","number":"\u200f"}`, `{"decision":"approve","number":"42"}`},
			[]int{400, 400, 400, 200},
			yes,
		},
		"absent":             {[]string{`{"decision":"approve"}`}, []int{200}, yes},
		"not needed to deny": {[]string{`{"decision":"deny","number":"41"}`}, []int{200}, no},
		"empty is no try": {
			[]string{`{"decision":"approve","number":""}`, `{"decision":"approve","number":" "}`, `{"decision":"approve","number":""}`, `{"decision":"approve","number":"42"}`},
			[]int{400, 400, 400, 200},
			yes,
		},
		"right at last": {
			[]string{`{"decision":"approve","number":"41"}`, `{"decision":"approve","number":"042"}`, `{"decision":"approve","number":"42"}`},
			[]int{400, 400, 200},
			yes,
		},
		"wrong thrice": {
			[]string{`{"decision":"approve","number":"41"}`, `{"decision":"approve","number":"43"}`, `{"decision":"approve","number":"24"}`, `{"decision":"approve","number":"42"}`},
			[]int{400, 400, 400, 409},
			no,
		},
		"denied after a try": {[]string{`{"decision":"approve","number":"41"}`, `{"decision":"deny"}`}, []int{400, 200}, no},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.numbered(t, "lea", false)
			for i, body := range c.bodies {
				got := b.decide(t, "lea", id, body)
				require.Equal(t, c.status[i], got.status, got.body)
				if got.status == http.StatusBadRequest {
					var fault struct{ Error, Path string }
					got.json(t, &fault)
					assert.Equal(t, "number", fault.Path)
					assert.NotContains(t, fault.Error, "42")
				}
			}
			assert.Equal(t, c.want, b.stands(t, id))
			assert.Empty(t, b.asks(t, "lea"))
		})
	}
}

// TestNumberIsNotOnThePhone: who reads it there has no need to know it.
func TestNumberIsNotOnThePhone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, service.Approval{Login: "lea", Key: "key", Text: "Demo TPP?", Language: "en", Number: "97"})
	for _, accept := range []string{"application/json", "text/html"} {
		got := b.call(t, http.MethodGet, "/sandbox/psus/lea/phone", "", "Accept", accept)
		assert.Contains(t, got.body, "Demo TPP?")
		assert.NotRegexp(t, `[^0-9.]97[^0-9]`, got.body)
	}
}

// TestParallelNumbers: however many guess at once, and in how many programs, three
// wrong ones are counted.
func TestParallelNumbers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := setup(t, func(s *sandbox.Sandbox) {
		s.Bank = &sandbox.Bank{Store: b.bank.Store, Now: b.clock.Now}
	})
	id := b.numbered(t, "lea", false)
	const guesses = 40
	status := make(chan int, guesses)
	var all sync.WaitGroup
	for i := range guesses {
		all.Go(func() {
			at := []*bundle{b, other}[i%2]
			status <- at.decide(t, "lea", id, fmt.Sprintf(`{"decision":"approve","number":"%d"}`, 50+i)).status
		})
	}
	all.Wait()
	close(status)
	count := map[int]int{}
	for s := range status {
		count[s]++
	}
	assert.Equal(t, map[int]int{http.StatusBadRequest: 3, http.StatusConflict: guesses - 3}, count)
	assert.Equal(t, service.ApprovalDenied, b.stands(t, id).State)
}

// TestTwoPrograms: what two programs over one database ask at once is all kept.
func TestTwoPrograms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	banks := []*sandbox.Bank{b.bank, {Store: b.bank.Store, Now: b.clock.Now}}
	done := make(chan error, 40)
	for i := range cap(done) {
		go func() {
			_, _, err := banks[i%2].Ask(t.Context(), service.Approval{Login: "lea", Key: fmt.Sprint(i), Text: "?", Language: "en"})
			done <- err
		}()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	assert.Len(t, b.asks(t, "lea"), cap(done))
}

// TestNoChoice: where the consent names its accounts, the app names none.
func TestNoChoice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.numbered(t, "anna", false)
	require.Equal(t, http.StatusOK, b.decide(t, "anna", id, `{"decision":"approve"}`).status)
	assert.Equal(t, service.ApprovalAnswer{State: service.ApprovalApproved, Number: "42"}, b.stands(t, id))
}

// phoneForm sends the form of the one request on a phone.
func (b *bundle) phoneForm(t *testing.T, psu string, fields url.Values) answer {
	t.Helper()
	page := b.page(t, "/sandbox/psus/"+psu+"/phone").body
	action := regexp.MustCompile(`<form method="post" action="([^"]+)"`).FindStringSubmatch(page)
	require.NotNil(t, action, page)
	for _, hidden := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="(\w+)">`).FindAllStringSubmatch(page, -1) {
		fields.Set(hidden[1], hidden[2])
	}
	return b.call(t, http.MethodPost, action[1], fields.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", b.url, "Accept", "text/html")
}

// boxes are the accounts of a page, ticked or not.
func boxes(body string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`name="accounts" value="([^"]+)"( checked)?>`).FindAllStringSubmatch(body, -1) {
		found[m[1]] = m[2] != ""
	}
	return found
}

// TestPhoneForm: what a form got wrong is said beside it, and what it got right
// stays.
func TestPhoneForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.numbered(t, "anna", true)
	page := b.page(t, "/sandbox/psus/anna/phone")
	assert.Equal(t, map[string]bool{"r31": false, "r32": false, "r33": false, "r34": false}, boxes(page.body))
	assert.Regexp(t, `<input id="number-[^"]+" name="number" value="" inputmode="numeric"[^>]* required `, page.body)
	assert.Contains(t, page.body, `value="deny" formnovalidate`)
	assert.Empty(t, page.header.Get("Refresh"), "not under the hands of somebody who types")
	assert.Contains(t, page.body, "Look for anything new")
	assert.NotContains(t, page.body, `class="fault"`)

	none := b.phoneForm(t, "anna", url.Values{"decision": {"approve"}, "number": {"42"}})
	assert.Equal(t, http.StatusBadRequest, none.status)
	assert.Contains(t, none.body, "Choose one account at least.")
	assert.Contains(t, none.body, `name="number" value="42"`)

	wrong := b.phoneForm(t, "anna", url.Values{"decision": {"approve"}, "number": {"<4"}, "accounts": {"r31", "r33"}})
	assert.Equal(t, http.StatusBadRequest, wrong.status)
	assert.Contains(t, wrong.body, "That is not the number.")
	assert.Contains(t, wrong.body, `aria-invalid="true"`)
	assert.Contains(t, wrong.body, `name="number" value=""`, "it is typed anew")
	assert.Equal(t, map[string]bool{"r31": true, "r32": false, "r33": true, "r34": false}, boxes(wrong.body))

	foreign := b.phoneForm(t, "anna", url.Values{"decision": {"approve"}, "number": {"42"}, "accounts": {"r1"}})
	assert.Equal(t, http.StatusBadRequest, foreign.status)
	assert.Contains(t, foreign.body, "Accounts names one that is not theirs.")

	wrong = b.phoneForm(t, "anna", url.Values{"decision": {"approve"}, "number": {"43"}, "accounts": {"r31"}})
	assert.Contains(t, wrong.body, "That is not the number; one more try is left.")
	wrong = b.phoneForm(t, "anna", url.Values{"decision": {"approve"}, "number": {""}, "accounts": {"r31"}})
	assert.Contains(t, wrong.body, "The number is missing.")

	assert.Contains(t, wrong.body, `pattern="\s*\p{Nd}\s*\p{Nd}\s*"`, "the browser lets other digits through")
	right := b.phoneForm(t, "anna", url.Values{"decision": {"approve"}, "number": {"٤ ٢"}, "accounts": {"r31", "r33"}})
	require.Equal(t, http.StatusSeeOther, right.status, right.body)
	assert.Equal(t, service.ApprovalAnswer{State: service.ApprovalApproved, Accounts: []string{"r31", "r33"}, Number: "42"}, b.stands(t, id))
}

// TestPhoneFormDenies: with the button, and with the third wrong number.
func TestPhoneFormDenies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.numbered(t, "lea", true)
	got := b.phoneForm(t, "lea", url.Values{"decision": {"deny"}, "number": {""}})
	require.Equal(t, http.StatusSeeOther, got.status)
	assert.Equal(t, service.ApprovalDenied, b.stands(t, id).State)
	assert.Contains(t, b.page(t, got.header.Get("Location")).body, "Denied. Nobody gets access")

	id = b.put(t, service.Approval{Login: "lea", Key: "next", Text: "?", Language: "en", Number: "42"})
	for _, number := range []string{"11", "12", "13"} {
		assert.Equal(t, service.ApprovalWaiting, b.stands(t, id).State)
		got = b.phoneForm(t, "lea", url.Values{"decision": {"approve"}, "number": {number}})
		assert.Equal(t, http.StatusBadRequest, got.status)
	}
	assert.Contains(t, got.body, "The request was denied.")
	assert.NotContains(t, got.body, "<form")
	assert.Equal(t, service.ApprovalDenied, b.stands(t, id).State)
}

// TestPhoneFormWithoutAccounts: noa has none to choose, and can only deny.
func TestPhoneFormWithoutAccounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ask(t, "noa", "key")
	page := b.page(t, "/sandbox/psus/noa/phone").body
	assert.Contains(t, page, "You have no account that can be shared.")
	assert.NotContains(t, page, `value="approve"`)
	assert.Contains(t, page, `value="deny"`)
}

// TestPhoneSpeaksTheLanguage: the question is marked as what it is written in.
func TestPhoneSpeaksTheLanguage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, service.Approval{Login: "omar", Key: "key", Text: "طلب: Demo TPP.", Language: "ar"})
	assert.Contains(t, b.page(t, "/sandbox/psus/omar/phone").body, `dir="auto" lang="ar">طلب: Demo TPP.</p>`)
}

// called is a call that came to consentd's own listener.
type called struct{ path, token string }

// listening is a sandbox beside a consentd that is called back.
func listening(t *testing.T, status int) (*bundle, func() []called) {
	t.Helper()
	var mu sync.Mutex
	var calls []called
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, called{r.Method + " " + r.URL.EscapedPath(), r.Header.Get("Authorization")})
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	b := setup(t, func(s *sandbox.Sandbox) {
		s.Base = func(*http.Request) string { return server.URL }
	})
	return b, func() []called {
		mu.Lock()
		defer mu.Unlock()
		return calls
	}
}

// TestCallsBack: once per question that is answered, and to nobody else's host.
func TestCallsBack(t *testing.T) {
	t.Parallel()
	const secret = "/aspsp/v1/sca-callbacks/a%2Fsecret"
	want := []called{{"POST " + secret, "Bearer sandbox-app"}}
	for name, c := range map[string]struct {
		address string
		bodies  []string
		want    []called
	}{
		"approved":     {"http://localhost:8080" + secret, []string{`{"decision":"approve"}`}, want},
		"denied":       {"http://localhost:8080" + secret, []string{`{"decision":"deny"}`}, want},
		"another host": {"https://evil.example:81" + secret, []string{`{"decision":"approve"}`}, want},
		"wrong number": {"http://localhost:8080" + secret, []string{`{"decision":"approve","number":"41"}`}, nil},
		"wrong thrice": {
			"http://localhost:8080" + secret,
			[]string{`{"decision":"approve","number":"41"}`, `{"decision":"approve","number":"41"}`, `{"decision":"approve","number":"41"}`},
			want,
		},
		"twice answered": {"http://localhost:8080" + secret, []string{`{"decision":"approve"}`, `{"decision":"deny"}`}, want},
		"not wanted":     {"", []string{`{"decision":"approve"}`}, nil},
		"malformed":      {"http://[::1", []string{`{"decision":"approve"}`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, calls := listening(t, http.StatusNoContent)
			id := b.put(t, service.Approval{Login: "lea", Key: "key", Text: "?", Language: "en", Number: "42", CallbackURL: c.address})
			for _, body := range c.bodies {
				b.decide(t, "lea", id, body)
			}
			assert.Equal(t, c.want, calls())
			assert.Empty(t, b.log.String())
		})
	}
}

// TestCallingBackFails: the answer stands, and no log holds the address.
func TestCallingBackFails(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*bundle{
		"refused": func() *bundle { b, _ := listening(t, http.StatusNotFound); return b }(),
		"down":    setup(t, func(s *sandbox.Sandbox) { s.Base = func(*http.Request) string { return "http://127.0.0.1:1" } }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := b.put(t, service.Approval{Login: "lea", Key: "key", Text: "?", Language: "en", CallbackURL: "http://localhost/secret"})
			assert.Equal(t, http.StatusOK, b.decide(t, "lea", id, `{"decision":"approve"}`).status)
			assert.Equal(t, service.ApprovalApproved, b.stands(t, id).State)
			assert.Contains(t, b.log.String(), "calling back")
			assert.NotContains(t, b.log.String(), "secret")
		})
	}
}

// TestCallsBackAfterwards: who is called finds the answer.
func TestCallsBackAfterwards(t *testing.T) {
	t.Parallel()
	var b *bundle
	var id string
	found := make(chan service.ApprovalAnswer, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		a, fault := b.bank.Answer(r.Context(), id)
		if err == nil && fault == nil {
			found <- a
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	b = setup(t, func(s *sandbox.Sandbox) { s.Base = func(*http.Request) string { return server.URL } })
	id = b.put(t, service.Approval{Login: "lea", Key: "key", Text: "?", Language: "en", CallbackURL: server.URL + "/callback"})
	require.Equal(t, http.StatusOK, b.decide(t, "lea", id, `{"decision":"approve"}`).status)
	require.Len(t, found, 1)
	assert.Equal(t, service.ApprovalApproved, (<-found).State)
	assert.NotContains(t, b.log.String(), "calling back")
}
