package office_test

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
	"consentd/internal/web/office"
)

func unescape(s string) string { return html.UnescapeString(s) }

const consentPath = "/back-office/consents/"

// The roles matrix: who may open and do what.
func TestRoles(t *testing.T) {
	t.Parallel()
	one := one.String()
	for _, c := range []struct {
		method, path, form string
		mia, sam, ada      int
	}{
		{"GET", "/back-office", "", 200, 200, 200},
		{"GET", "/back-office?tpp=acme", "", 200, 200, 200},
		{"GET", "/back-office/customers/" + lea.String(), "", 200, 200, 200},
		{"GET", consentPath + one, "", 200, 200, 200},
		{"GET", "/back-office/approvals", "", 200, 200, 200},
		{"GET", "/back-office/bulk", "", 403, 200, 403},
		{"POST", consentPath + one, "verb=revoke&reason=bank", 200, 200, 403},
		{"POST", consentPath + one, "verb=revoke&reason=bank&sure=yes", 200, 200, 403},
		{"POST", "/back-office/bulk", "verb=revoke&reason=bank&tpp=acme", 403, 200, 403},
		{"POST", "/back-office/bulk", "verb=revoke&reason=bank&tpp=acme&sure=yes", 403, 200, 403},
		{"POST", "/back-office/approvals/" + wish.String(), "decision=confirm", 403, 200, 403},
		{"POST", "/back-office/approvals/" + wish.String(), "decision=refuse", 403, 200, 403},
		{"POST", "/back-office/approvals/" + wish.String(), "decision=withdraw", 200, 200, 403},
	} {
		for person, want := range map[string]int{"mia": c.mia, "sam": c.sam, "ada": c.ada} {
			w := setup(t)
			b := w.as(person)
			var got answer
			if c.method == "GET" {
				got = b.get(c.path)
			} else {
				form, err := url.ParseQuery(c.form)
				require.NoError(t, err)
				form.Set("csrf", fields(b.get("/back-office").body).Get("csrf"))
				got = b.post(c.path, form)
			}
			require.Equal(t, want, got.status, "%s: %s %s %s", person, c.method, c.path, c.form)
			if want == http.StatusForbidden {
				require.Contains(t, got.body, "Your role does not allow this")
				require.Empty(t, w.desk.acts)
				require.Empty(t, w.desk.decisions)
			}
		}
	}
}

func TestFormsOfOthers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("sam")
	token := fields(b.get("/back-office").body).Get("csrf")
	others := fields(w.as("sam").get("/back-office").body).Get("csrf")
	form := func(csrf string) url.Values {
		return url.Values{"verb": {"revoke"}, "reason": {"bank"}, "sure": {"yes"}, "csrf": {csrf}}
	}
	for name, got := range map[string]answer{
		"no token":           b.post(consentPath+one.String(), form("")),
		"another session's":  b.post(consentPath+one.String(), form(others)),
		"another origin":     b.post(consentPath+one.String(), form(token), "Origin", "https://evil.example"),
		"an opaque origin":   b.post(consentPath+one.String(), form(token), "Origin", "null"),
		"log-out of another": b.post("/back-office/logout", form("")),
	} {
		require.Equal(t, http.StatusForbidden, got.status, name)
		require.Contains(t, got.body, "The form was not accepted", name)
	}
	require.Empty(t, w.desk.acts)
	got := b.post(consentPath+one.String(), form(token), "Origin", w.url)
	require.Equal(t, http.StatusOK, got.status)
	require.Len(t, w.desk.acts, 1)

	got = b.post(consentPath+one.String(), form(token), "Content-Type", "text/plain")
	require.Equal(t, http.StatusUnsupportedMediaType, got.status)
	got = b.post(consentPath+one.String(), url.Values{"note": {strings.Repeat("x", 20<<10)}})
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
}

func TestAFormAfterTheSession(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("sam")
	form := fields(b.get("/back-office").body, "verb", "revoke", "sure", "yes")
	*w.now = noon.Add(20 * time.Minute)
	got := b.post(consentPath+one.String(), form)
	require.Contains(t, got.path, "/sandbox/idp/authorize")
	require.Empty(t, w.desk.acts)
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("mia")
	require.Empty(t, w.desk.queries, "nothing is looked for before it is asked")
	w.desk.found.Total = 60
	form := fields(b.get("/back-office").body, "customer", " psu-lea ", "account", "r1", "tpp", "acme", "status", "valid", "from", "2026-01-01", "to", "2026-01-31")
	got := b.post("/back-office/search", form)
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "/back-office?account=r1&customer="+lea.String()+"&from=2026-01-01&status=valid&to=2026-01-31&tpp=acme", got.path,
		"the bank's id of a PSU is in no address")
	got = b.get(got.path + "&page=2")
	require.Equal(t, service.Query{
		User: lea, Account: "r1", TPP: "acme", Statuses: []consent.Status{consent.Valid}, Size: 25, Page: 2,
		From: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC),
	}, w.desk.queries[1])
	require.Equal(t, "staff/mia", w.desk.causes[0].Who)
	require.Contains(t, got.body, "60 consents")
	require.Contains(t, got.body, `value="psu-lea"`, "the form says who it is")
	require.Contains(t, got.body, `rel="prev"`)
	require.Contains(t, got.body, `rel="next"`)
	require.Contains(t, got.body, "page=3")
	require.Contains(t, got.body, "customer="+lea.String())
	require.Contains(t, got.body, `href="/back-office/customers/`+lea.String()+`">psu-lea</a>`)

	got = b.post("/back-office/search", fields(got.body, "customer", lea.String()))
	require.Equal(t, "/back-office?customer="+lea.String(), got.path)
	require.Equal(t, lea, w.desk.queries[2].User, "a userId")
	got = b.post("/back-office/search", fields(got.body))
	require.Equal(t, "/back-office?status=", got.path)
	require.Equal(t, service.Query{Size: 25, Page: 1}, w.desk.queries[3], "everything")
	require.Equal(t, "/back-office", b.get("/back-office/search").path)

	got = b.get("/back-office/customers/" + lea.String() + "?status=suspended")
	require.Equal(t, lea, w.desk.queries[4].User)
	require.Equal(t, []consent.Status{consent.Suspended}, w.desk.queries[4].Statuses)
	require.Contains(t, got.body, "Consents of psu-lea")
	require.Contains(t, got.body, `<form class="search" method="get" action="/back-office/customers/`+lea.String()+`#results"`)
	require.Equal(t, http.StatusNotFound, b.get("/back-office/customers/x").status)
}

func TestSearchThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("mia")
	page := b.get("/back-office").body
	for _, wrong := range [][2]string{
		{"status", "gone"},
		{"from", "31.01.2026"},
		{"to", "0001-01-01"},
		{"from", "9999-01-01"},
		{"account", "DE40 1001 0010 3307 1186 08"},
		{"account", strings.Repeat("x", 41)},
	} {
		got := b.post("/back-office/search", fields(page, wrong[0], wrong[1], "customer", "psu-lea"))
		require.Equal(t, http.StatusBadRequest, got.status, wrong)
		require.Equal(t, "/back-office/search", got.path, "%s: it gets into no address", wrong)
		require.Contains(t, got.body, `role="alert"`, wrong)
		require.Contains(t, got.body, "<title>Error: ", wrong)
		require.Contains(t, got.body, `value="psu-lea"`, "%s: the form keeps what was typed", wrong)
	}
	for _, query := range []string{"status=gone", "from=31.01.2026", "customer=psu-lea"} {
		require.Equal(t, http.StatusBadRequest, b.get("/back-office?"+query).status, query)
	}
	require.Equal(t, http.StatusForbidden, b.post("/back-office/search", url.Values{"customer": {"psu-lea"}}).status)
	require.Empty(t, w.desk.queries)
	require.Empty(t, w.desk.causes)
	got := b.post("/back-office/search", fields(page, "customer", "nobody"))
	require.Equal(t, http.StatusNotFound, got.status)
	require.Contains(t, got.body, "The bank knows no such PSU.")
	require.Contains(t, got.body, `value="nobody"`)
	w.desk.fails = consent.E(consent.CodeUnavailable, "the bank does not answer")
	got = b.post("/back-office/search", fields(page, "customer", "psu-lea"))
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "5", got.header.Get("Retry-After"))
	w.desk.fails = consent.E(consent.CodeNotFound, "there is no such user")
	require.Equal(t, http.StatusNotFound, b.get("/back-office?customer="+uuid.NewString()).status)
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("mia")
	got := b.get(consentPath + one.String())
	require.Equal(t, http.StatusOK, got.status)
	for _, want := range []string{
		"&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne", "DE40 •••• 8608 EUR", "account details, balances", "customer-lea", "staff/sam",
		"suspected fraud", "case &lt;b&gt;17&lt;/b&gt;; confirmed by staff/kim", "received → valid", "stays suspended", "something was changed", "ConnectToken", `value="suspend"`, `value="revoke"`,
		"recurring, 4 a day without the customer", one.String(), "PSDDE-BAFIN-1",
	} {
		require.Contains(t, got.body, want)
	}
	for _, not := range []string{"<script", "<b>17", "DE40100100103307118608", `value="resume"`, "style="} {
		require.NotContains(t, got.body, not)
	}
	require.NotContains(t, w.as("ada").get(consentPath+one.String()).body, `name="verb"`, "an auditor changes nothing")

	w.desk.detail.Status = consent.Suspended
	w.desk.detail.Suspension = consent.Suspension{Reason: consent.ReasonLegal}
	got = b.get(consentPath + one.String())
	require.Contains(t, got.body, `value="resume"`)
	require.NotContains(t, got.body, `value="suspend"`)
	require.Contains(t, got.body, "law or authority")

	w.desk.detail.Status, w.desk.detail.Ending = consent.Revoked, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}
	got = b.get(consentPath + one.String())
	require.NotContains(t, got.body, `name="verb"`)
	require.Contains(t, got.body, "withdrawn by the customer")

	require.Equal(t, http.StatusNotFound, b.get(consentPath+uuid.NewString()).status)
	require.Equal(t, http.StatusNotFound, b.get(consentPath+"x").status)
	for _, path := range []string{"/back-office/", "/back-office/nothing"} {
		got = b.get(path)
		require.Equal(t, http.StatusNotFound, got.status, path)
		require.Contains(t, got.body, "There is no such page.", path)
	}
}

func TestActIsAskedForTwice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("mia")
	page := b.get(consentPath + one.String())
	got := b.post(consentPath+one.String(), fields(page.body, "verb", "revoke", "reason", "suspectedFraud", "note", `case "17"`))
	require.Equal(t, http.StatusOK, got.status)
	require.Empty(t, w.desk.acts, "first it is asked")
	require.Contains(t, got.body, "at once and for good")
	require.Contains(t, got.body, "suspected fraud")

	w.desk.outcome.Count = 1
	got = b.post(consentPath+one.String(), fields(got.body))
	require.Equal(t, consentPath+one.String(), got.path)
	require.Contains(t, got.body, "The consent is ended.")
	require.Equal(t, []service.Act{{Verb: service.Revoke, Consents: []uuid.UUID{one}, Reason: consent.ReasonFraud, Note: `case "17"`}}, w.desk.acts)
	require.NotContains(t, b.get(consentPath+one.String()).body, "The consent is ended.", "said once")
	last := w.desk.causes[len(w.desk.causes)-2]
	require.Equal(t, consent.ByASPSP, last.By)
	require.NotEmpty(t, last.RequestID)
}

func TestActsThatFail(t *testing.T) {
	t.Parallel()
	for code, want := range map[consent.Code]int{
		consent.CodeFormat: 400, consent.CodeNotFound: 404, consent.CodeStatusInvalid: 409, consent.CodeTooOften: 429, consent.CodeForbidden: 403,
		consent.CodeUnavailable: 503, consent.CodeInternal: 500,
	} {
		w := setup(t)
		b := w.as("sam")
		form := fields(b.get("/back-office").body, "verb", "revoke", "reason", "bank", "sure", "yes")
		w.desk.fails = consent.E(code, "told apart").Because(errors.New("a secret of the database"))
		got := b.post(consentPath+one.String(), form)
		require.Equal(t, want, got.status, code)
		require.NotContains(t, got.body, "secret", code)
		require.Equal(t, code != consent.CodeInternal, strings.Contains(got.body, "Told apart."), code)
	}
}

func TestBulk(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("sam")
	w.desk.count = 1234
	page := b.get("/back-office/bulk")
	got := b.post("/back-office/bulk", fields(page.body, "verb", "suspend", "reason", "tppIncident", "tpp", ` <acme> `, "note", ""))
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, got.body, "1234 consents")
	require.Contains(t, got.body, "all consents of TPP &lt;acme&gt;")
	require.Empty(t, w.desk.acts)
	w.desk.outcome.Count = 1233
	got = b.post("/back-office/bulk", fields(got.body))
	require.Contains(t, got.body, "1233 consents suspended.")
	require.Equal(t, []service.Act{{Verb: service.Suspend, TPP: "<acme>", Reason: consent.ReasonTPPTrouble}}, w.desk.acts)

	w.desk.count = 0
	got = b.post("/back-office/bulk", fields(page.body, "verb", "suspend", "reason", "bank", "account", "r1"))
	require.Contains(t, got.body, "There is nothing to do")
	require.NotContains(t, got.body, `value="yes"`)

	w.desk.fails = consent.Faults{consent.At(consent.CodeFormat, "consentIds", "one must be there")}
	got = b.post("/back-office/bulk", fields(page.body, "verb", "revoke", "reason", "legal", "tpp", "acme", "account", "r1"))
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, `role="alert"`)
	require.Contains(t, got.body, `value="acme"`, "the form keeps what was typed")
	require.Contains(t, got.body, `value="legal" selected`)
}

func TestFourEyes(t *testing.T) {
	t.Parallel()
	w := setup(t, func(p *office.Pages) { p.FourEyes = true })
	mia, sam := w.as("mia"), w.as("sam")
	w.desk.outcome.Proposal = wish
	w.desk.open = []service.Proposal{{
		ID: wish, Act: service.Act{Verb: service.Revoke, Consents: []uuid.UUID{one}, Reason: consent.ReasonFraud, Note: "<i>17</i>"},
		ProposedBy: "staff/mia", ProposedAt: noon, State: service.Open,
	}}
	page := mia.get(consentPath + one.String())
	got := mia.post(consentPath+one.String(), fields(page.body, "verb", "revoke", "reason", "suspectedFraud", "sure", "yes"))
	require.Equal(t, "/back-office/approvals", got.path)
	require.Contains(t, got.body, "It is proposed.")
	require.Contains(t, got.body, `value="withdraw"`)
	require.NotContains(t, got.body, `value="confirm"`, "nobody confirms their own")
	require.Contains(t, got.body, "&lt;i&gt;17")

	got = sam.get("/back-office/approvals")
	require.Contains(t, got.body, `value="confirm"`)
	require.Contains(t, got.body, `value="refuse"`)
	require.NotContains(t, got.body, `value="withdraw"`)
	got = sam.post("/back-office/approvals/"+wish.String(), fields(got.body, "decision", "confirm"))
	require.Contains(t, got.body, "The proposal is confirmed: 7 consents ended.")
	require.Equal(t, []service.State{service.Confirmed}, w.desk.decisions)
	require.NotContains(t, w.as("ada").get("/back-office/approvals").body, `name="decision"`)

	form := fields(got.body, "decision", "maybe")
	require.Equal(t, http.StatusBadRequest, sam.post("/back-office/approvals/"+wish.String(), form).status)
	require.Equal(t, http.StatusNotFound, sam.post("/back-office/approvals/x", fields(got.body, "decision", "confirm")).status)
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("mia")
	for _, path := range []string{"/back-office", consentPath + one.String(), "/back-office/bulk", "/back-office/left"} {
		h := b.get(path).header
		require.Equal(t, "no-store", h.Get("Cache-Control"), path)
		csp := h.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'", path)
		require.NotContains(t, csp, "script-src", path)
		require.Contains(t, csp, "form-action 'self'", path)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
	}
	page := b.get("/back-office").body
	at := strings.Index(page, "/back-office/assets/style.")
	style := b.get(page[at : at+strings.IndexByte(page[at:], '"')])
	require.Equal(t, http.StatusOK, style.status)
	require.Contains(t, style.header.Get("Cache-Control"), "immutable")
	require.Equal(t, http.StatusNotFound, b.get("/back-office/assets/x.css").status)
}

// TestPaymentTerms: customer care reads how much may be taken, how often and when.
func TestPaymentTerms(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.as("mia")
	aed := func(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }
	d := &w.desk.detail
	d.Rail, d.Kind, d.Status, d.StatusChangedAt = consent.RailManager, consent.Payments, consent.Rejected, noon
	d.Staged = &consent.Staged{Reference: "rent", Payment: &consent.PaymentTerms{
		Schedule: consent.VariableOnDemand, Currency: "AED", Period: consent.PeriodMonth, From: consent.Date{Year: 2026, Month: time.March, Day: 2},
		MaxEach: aed(20005), MaxPerPeriod: aed(50000), CountPerPeriod: 3, MaxTotal: aed(100000), Count: 9,
	}}
	text := b.get(consentPath + one.String()).body
	for _, want := range []string{
		"Any amount on demand, within limits, AED", "AED 200.05", "At most each month", "AED 500.00", "Payments at most each month", "AED 1000.00", "2026-03-02",
		"Rejected on", "User",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "Authorised by", "they have refused it")
	d.Staged.Payment = &consent.PaymentTerms{
		Schedule: consent.FixedDefined, Currency: "AED", Dates: []consent.Due{{On: consent.Date{Year: 2026, Month: time.June, Day: 1}, Amount: aed(70)}},
	}
	d.Status = consent.Valid
	text = b.get(consentPath + one.String()).body
	for _, want := range []string{"On 2026-06-01", "AED 0.70", "Authorised by", "Valid since"} {
		require.Contains(t, text, want)
	}
}
