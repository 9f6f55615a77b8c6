package sandbox_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
)

// staged is a consent of the hub.
type staged struct {
	Type string `json:"type"`
	TPP  struct {
		TPPName string `json:"tppName"`
	} `json:"tpp"`
	Consent struct {
		ConsentID   string   `json:"ConsentId"`
		BaseID      string   `json:"BaseConsentId"`
		Permissions []string `json:"Permissions"`
		Sealed      string   `json:"PersonalIdentifiableInformation"`
		ExpiresAt   string   `json:"ExpirationDateTime"`
	} `json:"consent"`

	status   string
	changes  []map[string]any
	payments []map[string]any
}

// hub stands in for the Consent Manager API, as a client's transport.
type hub struct {
	mu     sync.Mutex
	order  []string // ConsentIds as they were staged
	rows   map[string]*staged
	writes int
	bodies []string
	// breaks is after how many writes it fails; zero for never.
	breaks int
}

func withHub(h *hub) func(*sandbox.Sandbox) {
	h.rows = map[string]*staged{}
	return func(s *sandbox.Sandbox) {
		s.HTTP = &http.Client{Transport: h}
		s.PaymentKey = []byte(`{"kty":"RSA"}`)
		s.Seal = func(clear []byte) (string, error) {
			return "e30.a.b." + base64.RawURLEncoding.EncodeToString(clear) + ".c", nil
		}
	}
}

// RoundTrip implements http.RoundTripper.
func (h *hub) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	h.bodies = append(h.bodies, string(body))
	status, said := h.answer(r, body)
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(said)),
	}, nil
}

func (h *hub) answer(r *http.Request, body []byte) (int, string) {
	if r.Method != http.MethodGet {
		if h.writes++; h.writes == h.breaks {
			return 400, `{"errorCode":"Body.InvalidFormat","errorMessage":"consent is odd"}`
		}
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/consent-manager/"), "/")
	role := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer sandbox-")
	var change map[string]any
	if len(body) > 0 && json.Unmarshal(body, &change) != nil {
		return 400, `{"errorCode":"Body.InvalidFormat","errorMessage":"no JSON"}`
	}
	switch call := r.Method + " " + path[0]; {
	case role != "hub" && (role != "back-office" || change["reason"] == nil):
		return 403, `{"errorCode":"AccessToken.InvalidScope","errorMessage":"not yours"}`
	case call == "POST consents" && len(path) == 1:
		return h.stage(body)
	case call == "POST payment-log":
		return h.record(change)
	case call == "PATCH payment-log":
		return h.follow(path[1], change)
	case h.rows[path[1]] == nil:
		return 400, `{"errorCode":"Consent.Invalid","errorMessage":"no such consent"}`
	case call == "POST consents": // the action revoke
		h.rows[path[1]].status = "Revoked by " + change["revokedBy"].(string)
		return 204, ""
	case call == "PATCH consents":
		row := h.rows[path[1]]
		row.changes = append(row.changes, change)
		if status, ok := change["status"].(string); ok {
			row.status = status
		}
		return 204, ""
	default:
		return 200, `{"data":{"status":"` + h.rows[path[1]].status + `"},"meta":{}}`
	}
}

func (h *hub) stage(body []byte) (int, string) {
	row := &staged{status: "AwaitingAuthorization"}
	if err := json.Unmarshal(body, row); err != nil || h.rows[row.Consent.ConsentID] != nil {
		return 400, `{"errorCode":"Consent.Invalid","errorMessage":"another one"}`
	}
	h.rows[row.Consent.ConsentID] = row
	h.order = append(h.order, row.Consent.ConsentID)
	return 201, `{"data":{},"meta":{}}`
}

func (h *hub) record(payment map[string]any) (int, string) {
	row := h.rows[payment["consentId"].(string)]
	row.payments = append(row.payments, payment)
	payment["paymentResponse.status"] = "Pending"
	return 201, `{"data":{"paymentId":"` + row.Consent.ConsentID + "." + strconv.Itoa(len(row.payments)-1) + `"},"meta":{}}`
}

func (h *hub) follow(id string, change map[string]any) (int, string) {
	consent, at, _ := strings.Cut(id, ".")
	i, err := strconv.Atoi(at)
	if err != nil || h.rows[consent] == nil {
		return 400, `{"errorCode":"Consent.Invalid","errorMessage":"no such payment"}`
	}
	maps.Copy(h.rows[consent].payments[i], change)
	return 204, ""
}

// made are the staged consents in their order.
func (h *hub) made() []*staged {
	var list []*staged
	for _, id := range h.order {
		list = append(list, h.rows[id])
	}
	return list
}

// exampleList is what a call for examples answers.
type exampleList struct {
	PSU, UserID string
	Consents    []struct {
		ConsentID, TPP, About string
		Added                 bool
	}
}

func (b *bundle) examples(t *testing.T, psu string) exampleList {
	t.Helper()
	got := b.call(t, http.MethodPost, "/sandbox/examples", `{"psu":"`+psu+`"}`)
	require.Equal(t, http.StatusOK, got.status, got.body)
	var list exampleList
	got.json(t, &list)
	return list
}

func TestExamples(t *testing.T) {
	t.Parallel()
	h := &hub{}
	b := setup(t, withHub(h))
	list := b.examples(t, "omar")
	require.Equal(t, "omar", list.PSU)
	require.Equal(t, "user of omar", list.UserID)
	made := h.made()
	require.Len(t, made, len(list.Consents))
	var stands []string
	for i, row := range made {
		require.True(t, list.Consents[i].Added)
		require.Equal(t, row.Consent.ConsentID, list.Consents[i].ConsentID)
		require.Equal(t, row.TPP.TPPName, list.Consents[i].TPP)
		require.Equal(t, "2026-10-31T12:00:00Z", row.Consent.ExpiresAt)
		require.Equal(t, map[string]any{"userId": "user of omar"}, row.changes[0]["psuIdentifiers"])
		for _, change := range row.changes {
			require.Equal(t, "App", change["authorizationChannel"])
		}
		stands = append(stands, row.status)
	}
	require.Equal(t, []string{
		"Revoked by TPP.InitiatedByUser", "Revoked by TPP", "Revoked by TPP", "Authorized", "Suspended", "Rejected", "Authorized", "Authorized",
	}, stands)
	require.Equal(t, []any{"r41"}, made[3].changes[0]["accountIds"])
	require.NotContains(t, made[5].changes[0], "accountIds", "who refuses shares no account")
}

func TestExamplesOfALine(t *testing.T) {
	t.Parallel()
	h := &hub{}
	setup(t, withHub(h)).examples(t, "omar")
	line := h.made()[:4]
	require.Empty(t, line[0].Consent.BaseID)
	for i, row := range line[1:] {
		require.Equal(t, line[0].Consent.ConsentID, row.Consent.BaseID, "each names the first one")
		require.Greater(t, len(row.Consent.Permissions), len(line[i].Consent.Permissions), "each shares more")
	}
}

func TestExamplesOfPayments(t *testing.T) {
	t.Parallel()
	h := &hub{}
	setup(t, withHub(h)).examples(t, "omar")
	type paid struct{ amount, status string }
	var all [][]paid
	for _, row := range h.made() {
		var log []paid
		for _, p := range row.payments {
			data := p["requestBody"].(map[string]any)["Data"].(map[string]any)
			amount := data["Instruction"].(map[string]any)["Amount"].(map[string]any)
			require.Equal(t, "AED", amount["Currency"])
			require.Equal(t, row.Consent.ConsentID, data["ConsentId"])
			require.NotEmpty(t, p["idempotencyKey"])
			require.Len(t, strings.Split(data["PersonalIdentifiableInformation"].(string), "."), 5)
			log = append(log, paid{amount["Amount"].(string), p["paymentResponse.status"].(string)})
		}
		if strings.Contains(row.Type, "service-initiation") {
			require.Len(t, strings.Split(row.Consent.Sealed, "."), 5)
			all = append(all, log)
		}
	}
	require.Equal(t, [][]paid{
		{{"249.00", "AcceptedCreditSettlementCompleted"}},
		{{"120.05", "AcceptedWithoutPosting"}, {"75.00", "Rejected"}, {"80.05", "Pending"}},
	}, all)
	flexi := h.made()[7].payments
	require.NotEmpty(t, flexi[0]["paymentResponse.paymentTransactionId"])
	require.Len(t, flexi[1]["paymentResponse.rejectReasonCode"], 1)
	for _, body := range h.bodies {
		require.NotContains(t, body, "AE07033", "IBANs go sealed only")
	}
}

func TestExamplesAreMadeOnce(t *testing.T) {
	t.Parallel()
	h := &hub{}
	b := setup(t, withHub(h))
	first := b.examples(t, "omar")
	writes := h.writes
	again := b.examples(t, "omar")
	require.Equal(t, writes, h.writes)
	for i := range again.Consents {
		require.False(t, again.Consents[i].Added)
		require.Equal(t, first.Consents[i].ConsentID, again.Consents[i].ConsentID)
	}
	for _, other := range b.examples(t, "anna").Consents {
		require.True(t, other.Added, "they are each persona's own")
	}
}

// A call that breaks off after a consent was staged is gone on with by the next one.
func TestExamplesGoOn(t *testing.T) {
	t.Parallel()
	h := &hub{breaks: 2}
	b := setup(t, withHub(h))
	got := b.call(t, http.MethodPost, "/sandbox/examples", `{"psu":"omar"}`)
	require.Equal(t, http.StatusBadGateway, got.status, got.body)
	require.JSONEq(t, `{"error":"the API answered 400 Body.InvalidFormat: consent is odd"}`, got.body)
	require.Equal(t, "AwaitingAuthorization", h.made()[0].status)
	for _, c := range b.examples(t, "omar").Consents {
		require.True(t, c.Added)
	}
	require.Equal(t, "Revoked by TPP.InitiatedByUser", h.made()[0].status)
}

func TestExamplesNeedAPersona(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want int
		path string
	}{
		"nobody":               {`{}`, 400, "psu"},
		"somebody unknown":     {`{"psu":"zoe"}`, 404, ""},
		"one without accounts": {`{"psu":"noa"}`, 409, "psu"},
		"something else":       {`{"psu":"omar","tpp":"demo"}`, 400, "tpp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &hub{}
			got := setup(t, withHub(h)).call(t, http.MethodPost, "/sandbox/examples", c.body)
			require.Equal(t, c.want, got.status, got.body)
			var fault struct{ Path string }
			got.json(t, &fault)
			require.Equal(t, c.path, fault.Path)
			require.Zero(t, h.writes)
		})
	}
}

func TestExamplesByForm(t *testing.T) {
	t.Parallel()
	h := &hub{breaks: 1}
	b := setup(t, withHub(h))
	page := b.page(t, "/sandbox/psus/omar").body
	require.Contains(t, page, `action="/sandbox/examples"`)
	require.NotContains(t, page, "example consents were made")

	post := func(psu string) answer {
		return b.call(t, http.MethodPost, "/sandbox/examples", "psu="+psu, "Content-Type", "application/x-www-form-urlencoded")
	}
	refused := post("omar")
	assert.Equal(t, http.StatusBadGateway, refused.status)
	assert.Contains(t, refused.body, "consent is odd")
	assert.Equal(t, http.StatusNotFound, post("zoe").status)

	for _, said := range []string{"8 example consents were made.", "The example consents are there already."} {
		got := post("omar")
		require.Equal(t, http.StatusSeeOther, got.status, got.body)
		page = b.page(t, got.header.Get("Location")).body
		require.Contains(t, page, said)
		require.Contains(t, page, `href="/psu/consents"`)
	}
	require.NotContains(t, b.page(t, "/sandbox/psus/noa").body, "/sandbox/examples", "who has nothing to share")
}

func TestPaymentKey(t *testing.T) {
	t.Parallel()
	got := setup(t, withHub(&hub{})).call(t, http.MethodGet, "/sandbox/payment-key", "")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "application/jwk+json", got.header.Get("Content-Type"))
	require.JSONEq(t, `{"kty":"RSA"}`, got.body)
}

func TestWithoutAConsentManager(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, "/sandbox/payment-key", "").status)
	require.Equal(t, http.StatusNotFound, b.call(t, http.MethodPost, "/sandbox/examples", `{"psu":"omar"}`).status)
	require.NotContains(t, b.page(t, "/sandbox/psus/omar").body, "/sandbox/examples")
}
