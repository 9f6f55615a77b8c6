package bank_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bank"
	"consentd/internal/service"
)

// press answers a request on the sandbox's phone.
func press(t *testing.T, c *bank.Client, psu, id, body string) {
	t.Helper()
	base := strings.TrimSuffix(c.BaseURL, "/bank/")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/psus/"+psu+"/phone/approvals/"+id, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		psu, body string
		want      service.ApprovalAnswer
	}{
		"waiting":       {"lea", "", service.ApprovalAnswer{State: service.ApprovalWaiting}},
		"approved":      {"lea", `{"decision":"approve"}`, service.ApprovalAnswer{State: service.ApprovalApproved, Accounts: []string{"r1", "r2"}, Number: "42"}},
		"some accounts": {"lea", `{"decision":"approve","number":"42","accounts":["r2"]}`, service.ApprovalAnswer{State: service.ApprovalApproved, Accounts: []string{"r2"}, Number: "42"}},
		"denied":        {"lea", `{"decision":"deny"}`, service.ApprovalAnswer{State: service.ApprovalDenied}},
		"the bank's no": {"reject", "", service.ApprovalAnswer{State: service.ApprovalDenied}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := setup(t)
			question := service.Approval{
				Login: c.psu, Key: "run/0/0", Text: "Approve?", Language: "en",
				Number: "42", Choose: true, CallbackURL: "https://consentd.bank.internal/aspsp/v1/sca-callbacks/u3VvM1pQ",
			}
			id, psu, err := client.Ask(t.Context(), question)
			require.NoError(t, err)
			assert.Equal(t, c.psu, psu)
			again, _, err := client.Ask(t.Context(), question)
			require.NoError(t, err)
			assert.Equal(t, id, again)
			if c.body != "" {
				press(t, client, c.psu, id, c.body)
			}
			got, err := client.Answer(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// TestPlainApproval: what a question does without is not sent, and not answered.
func TestPlainApproval(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	id, _, err := client.Ask(t.Context(), service.Approval{Login: "lea", Key: "k", Text: "?", Language: "en"})
	require.NoError(t, err)
	press(t, client, "lea", id, `{"decision":"approve"}`)
	got, err := client.Answer(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, service.ApprovalAnswer{State: service.ApprovalApproved}, got)
}

func TestAsksNobody(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	for login, want := range map[string]error{"eve": service.ErrUnknownPSU, "blocked": service.ErrBlocked} {
		_, _, err := client.Ask(t.Context(), service.Approval{Login: login, Key: "k", Text: "?", Language: "en"})
		require.ErrorIs(t, err, want)
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	id, _, err := client.Ask(t.Context(), service.Approval{Login: "lea", Key: "k", Text: "?", Language: "en"})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, client.Withdraw(t.Context(), id))
	}
	_, err = client.Answer(t.Context(), id)
	require.ErrorIs(t, err, bank.ErrUnknown)
	require.NoError(t, client.Withdraw(t.Context(), "nobody.0"))

	gone := toy(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"code":"unknown"}`, http.StatusNotFound) })
	require.NoError(t, gone.Withdraw(t.Context(), "a"), "what the bank does not know is gone")
	lost := toy(t, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	require.ErrorIs(t, lost.Withdraw(t.Context(), "a"), bank.ErrNoAnswer, "but only the bank can say so")
}
