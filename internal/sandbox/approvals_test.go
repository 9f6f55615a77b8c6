package sandbox_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
	"consentd/internal/service"
)

// ask is a request on a phone.
type ask struct{ ID, Text, CreatedAt string }

// asks reads the requests that wait on a phone.
func (b *bundle) asks(t *testing.T, psu string) []ask {
	t.Helper()
	var phone struct{ Approvals []ask }
	b.call(t, http.MethodGet, "/sandbox/psus/"+psu+"/phone", "").json(t, &phone)
	return phone.Approvals
}

// ask puts a request to a persona, who may choose accounts.
func (b *bundle) ask(t *testing.T, login, key string) string {
	t.Helper()
	return b.put(t, service.Approval{Login: login, Key: key, Text: "Approve " + key + "?", Language: "en", Choose: true})
}

// put puts any request to a persona.
func (b *bundle) put(t *testing.T, q service.Approval) string {
	t.Helper()
	id, _, err := b.bank.Ask(t.Context(), q)
	require.NoError(t, err)
	return id
}

// decide answers one as a program does.
func (b *bundle) decide(t *testing.T, psu, id, body string) answer {
	t.Helper()
	return b.call(t, http.MethodPost, "/sandbox/psus/"+psu+"/phone/approvals/"+id, body, "Content-Type", "application/json")
}

// stands is how a request stands for consentd.
func (b *bundle) stands(t *testing.T, id string) service.ApprovalAnswer {
	t.Helper()
	a, err := b.bank.Answer(t.Context(), id)
	require.NoError(t, err)
	return a
}

func TestApprovalsWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	assert.Empty(t, b.asks(t, "lea"))
	one := b.ask(t, "lea", "one")
	require.NoError(t, b.clock.Advance(time.Second))
	two := b.ask(t, " Lea ", "two")
	assert.Equal(t, one, b.ask(t, "lea", "one"), "the same key asks once")
	assert.Equal(t, []ask{
		{one, "Approve one?", "2026-05-04T12:00:00.123456Z"}, {two, "Approve two?", "2026-05-04T12:00:01.123456Z"},
	}, b.asks(t, "lea"), "oldest first")
	assert.Empty(t, b.asks(t, "enzo"))
	assert.Equal(t, service.ApprovalAnswer{State: service.ApprovalWaiting}, b.stands(t, one))
}

func TestApprovalIsAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want service.ApprovalAnswer
	}{
		"yes, to all":     {`{"decision":"approve"}`, approved("r31", "r32", "r33", "r34")},
		"no":              {`{"decision":"deny"}`, service.ApprovalAnswer{State: service.ApprovalDenied}},
		"with a number":   {`{"decision":"approve","number":"42","accounts":["r31"]}`, approved("r31")},
		"by id":           {`{"decision":"approve","accounts":["r31","r34"]}`, approved("r31", "r34")},
		"by IBAN":         {`{"decision":"approve","accounts":["DE02100100109307118603"]}`, approved("r32", "r33")},
		"by sub-account":  {`{"decision":"approve","accounts":["DE02100100109307118603/USD"]}`, approved("r33")},
		"by card":         {`{"decision":"approve","accounts":["525412******3241"]}`, approved("r34")},
		"twice the same":  {`{"decision":"approve","accounts":["r32","r31","DE02100100109307118603/EUR"]}`, approved("r32", "r31")},
		"no, to accounts": {`{"decision":"deny","accounts":["r31"]}`, service.ApprovalAnswer{State: service.ApprovalDenied}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.ask(t, "anna", "key")
			got := b.decide(t, "anna", id, c.body)
			require.Equal(t, http.StatusOK, got.status, got.body)
			assert.Contains(t, got.body, `"id":"`+id+`"`)
			assert.Equal(t, c.want, b.stands(t, id))
			assert.Empty(t, b.asks(t, "anna"), "it waits no longer")
			again := b.decide(t, "anna", id, `{"decision":"deny"}`)
			assert.Equal(t, http.StatusConflict, again.status, again.body)
			assert.Equal(t, c.want, b.stands(t, id), "the first answer counts")
			assert.Equal(t, id, b.ask(t, "anna", "key"))
			assert.Empty(t, b.asks(t, "anna"), "nor is it asked again")
		})
	}
}

func approved(accounts ...string) service.ApprovalAnswer {
	return service.ApprovalAnswer{State: service.ApprovalApproved, Accounts: accounts}
}

func TestApprovalRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.ask(t, "lea", "key")
	for name, c := range map[string]struct {
		psu, id, body string
		status        int
		path          string
	}{
		"unknown persona":   {"eve", id, `{"decision":"approve"}`, 404, ""},
		"unknown request":   {"lea", "lea.0", `{"decision":"approve"}`, 404, ""},
		"on another phone":  {"enzo", id, `{"decision":"approve"}`, 404, ""},
		"no decision":       {"lea", id, `{}`, 400, "decision"},
		"another decision":  {"lea", id, `{"decision":"withdrawn"}`, 400, "decision"},
		"number as number":  {"lea", id, `{"decision":"approve","number":42}`, 400, "number"},
		"accounts as text":  {"lea", id, `{"decision":"approve","accounts":"r1"}`, 400, "accounts"},
		"no account":        {"lea", id, `{"decision":"approve","accounts":[]}`, 400, "accounts"},
		"another's account": {"lea", id, `{"decision":"approve","accounts":["r1","r9"]}`, 400, "accounts"},
		"unknown member":    {"lea", id, `{"decision":"approve","colour":"red"}`, 400, "colour"},
		"no JSON":           {"lea", id, `decision=approve`, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.decide(t, c.psu, c.id, c.body)
			assert.Equal(t, c.status, got.status, got.body)
			var fault struct{ Error, Path string }
			got.json(t, &fault)
			assert.Equal(t, c.path, fault.Path)
			assert.NotEmpty(t, fault.Error)
		})
	}
	assert.Len(t, b.asks(t, "lea"), 1, "it waits still")
}

// TestApprovalsThatAreGone: what was withdrawn or is too old is on no phone.
func TestApprovalsThatAreGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.ask(t, "lea", "old")
	require.NoError(t, b.clock.Advance(15*time.Minute-time.Microsecond))
	back := b.ask(t, "lea", "back")
	said := b.ask(t, "lea", "said")
	assert.Len(t, b.asks(t, "lea"), 3)
	require.Equal(t, http.StatusOK, b.decide(t, "lea", said, `{"decision":"approve"}`).status)
	for range 2 {
		require.NoError(t, b.bank.Withdraw(t.Context(), back))
	}
	require.NoError(t, b.bank.Withdraw(t.Context(), said), "it is answered, and stays so")
	require.NoError(t, b.bank.Withdraw(t.Context(), "lea.0"))
	require.NoError(t, b.bank.Withdraw(t.Context(), "eve.0"))
	require.NoError(t, b.clock.Advance(time.Microsecond))

	assert.Empty(t, b.asks(t, "lea"))
	for _, id := range []string{old, back} {
		assert.Equal(t, http.StatusNotFound, b.decide(t, "lea", id, `{"decision":"approve"}`).status)
	}
	assert.Equal(t, service.ApprovalApproved, b.stands(t, said).State)
	assert.Equal(t, service.ApprovalWaiting, b.stands(t, old).State, "nobody has answered")
	for _, id := range []string{back, "lea.0", "eve.0", ""} {
		_, err := b.bank.Answer(t.Context(), id)
		require.Error(t, err, id)
	}
}

func TestApprovalsOfSteeringPersonas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.bank.Ask(t.Context(), service.Approval{Login: "blocked", Key: "k"})
	require.ErrorIs(t, err, service.ErrBlocked)
	_, _, err = b.bank.Ask(t.Context(), service.Approval{Login: "eve", Key: "k"})
	require.ErrorIs(t, err, service.ErrUnknownPSU)

	id := b.ask(t, "reject", "k")
	assert.Equal(t, service.ApprovalDenied, b.stands(t, id).State, "at once")
	assert.Empty(t, b.asks(t, "reject"))

	for decision, want := range map[string]service.ApprovalState{"approve": service.ApprovalApproved, "deny": service.ApprovalDenied} {
		id = b.ask(t, "slow", decision)
		require.NoError(t, b.clock.Advance(time.Minute), "the time before the answer does not count")
		require.Equal(t, http.StatusOK, b.decide(t, "slow", id, `{"decision":"`+decision+`"}`).status)
		require.NoError(t, b.clock.Advance(30*time.Second-time.Microsecond))
		assert.Equal(t, service.ApprovalWaiting, b.stands(t, id).State)
		require.NoError(t, b.clock.Advance(time.Microsecond))
		assert.Equal(t, want, b.stands(t, id).State)
	}
}

// TestSignersHavePhones: each of the company's signers is asked on their own.
func TestSignersHavePhones(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, psu := range []string{"sarl-ceo", "sarl-cfo"} {
		id, who, err := b.bank.Ask(t.Context(), service.Approval{Login: psu, Key: "k", Text: "?"})
		require.NoError(t, err)
		assert.Equal(t, psu, who)
		assert.Len(t, b.asks(t, psu), 1)
		require.Equal(t, http.StatusOK, b.decide(t, psu, id, `{"decision":"approve","accounts":["r21"]}`).status)
		assert.Equal(t, approved("r21"), b.stands(t, id), "the company's account")
	}
	assert.Empty(t, b.asks(t, "sarl"))
}

// TestApprovalsSurvive: another bank over the same store knows what was asked
// and answered.
func TestApprovalsSurvive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.ask(t, "lea", "k")
	next := &sandbox.Bank{Store: b.bank.Store, Now: b.clock.Now}
	a, err := next.Answer(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, service.ApprovalWaiting, a.State)
	require.Equal(t, http.StatusOK, b.decide(t, "lea", id, `{"decision":"approve","accounts":["r2"]}`).status)
	a, err = next.Answer(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, approved("r2"), a)
}

func TestManyApprovals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 102 {
		b.ask(t, "lea", fmt.Sprint(i))
	}
	got := b.asks(t, "lea")
	require.Len(t, got, 100, "the last ones are kept")
	assert.Equal(t, "Approve 2?", got[0].Text)
}

// TestApprovalsOnThePage: buttons of plain forms, which the persona presses.
func TestApprovalsOnThePage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Origin", b.url, "Accept", "text/html"}
	id, _, err := b.bank.Ask(t.Context(), service.Approval{Login: "lea", Key: "k", Text: "<b>Demo</b> TPP?", Language: "en"})
	require.NoError(t, err)
	page := b.page(t, "/sandbox/psus/lea/phone")
	assert.Contains(t, page.body, html.EscapeString("<b>Demo</b> TPP?"))
	assert.NotContains(t, page.body, "No messages yet")
	action := regexp.MustCompile(`<form method="post" action="([^"]+)"`).FindStringSubmatch(page.body)
	require.NotNil(t, action)
	for _, button := range []string{`name="decision" value="approve"`, `name="decision" value="deny"`} {
		assert.Equal(t, 1, strings.Count(page.body, button))
	}

	got := b.call(t, http.MethodPost, action[1], "decision=perhaps", form...)
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.body, `data-page="problem"`)
	got = b.call(t, http.MethodPost, action[1], "decision=approve&accounts=r2", form...)
	require.Equal(t, http.StatusSeeOther, got.status, got.body)
	assert.Equal(t, "/sandbox/psus/lea/phone?said=approve", got.header.Get("Location"))
	assert.Equal(t, approved("r2"), b.stands(t, id))
	page = b.page(t, got.header.Get("Location"))
	assert.NotContains(t, page.body, "<form")
	assert.Contains(t, page.body, "Approved. You can go back")
	assert.Equal(t, "4; url=/sandbox/psus/lea/phone", page.header.Get("Refresh"), "it is said for a moment")
	assert.NotContains(t, b.page(t, "/sandbox/psus/lea/phone?said=anything").body, "news")

	got = b.call(t, http.MethodPost, action[1], "decision=deny", form...)
	assert.Equal(t, http.StatusConflict, got.status)
	assert.Contains(t, got.body, "This request was answered already.")
	got = b.call(t, http.MethodPost, action[1]+"0", "decision=deny", form...)
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Contains(t, got.body, `data-page="phone"`)
	assert.Contains(t, got.body, "This request is no longer there.")
	got = b.call(t, http.MethodPost, "/sandbox/psus/eve/phone/approvals/eve.0", "decision=deny", form...)
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Contains(t, got.body, `data-page="problem"`)
	got = b.call(t, http.MethodPost, action[1], strings.Repeat("x", 1<<17), form...)
	assert.Equal(t, http.StatusBadRequest, got.status)
	got = b.call(t, http.MethodPost, action[1], "decision=deny", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example")
	assert.Equal(t, http.StatusForbidden, got.status, "a page from elsewhere presses nothing")
}
