package web_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

const (
	fullIBAN  = "AE07 0331 2345 6789 0123 456"
	shortIBAN = "AE07 •••• 3456"
)

func TestNumbersOfAccounts(t *testing.T) {
	t.Parallel()
	v := open(t)
	v.boards.board = &overview.Board{Cards: []overview.Card{v.boards.own[v.id].Card}, Page: 1, Pages: 1, Total: 1, Current: 1, Shares: 1}
	path := "/psu/consents/" + v.id.String()
	list, detail, receipt := read(t, v.see("/psu/consents")), read(t, v.see(path)), read(t, v.see(path+"/receipt"))
	for _, page := range []document{list, receipt} {
		require.Contains(t, page.text, shortIBAN)
		require.NotContains(t, page.text, fullIBAN)
		require.NotContains(t, page.text, "AE070331234567890123456")
	}
	require.Contains(t, detail.text, fullIBAN)
	require.Contains(t, list.text, "1 Account Connected")
	require.Contains(t, detail.text, "Current account · AED")
	require.Contains(t, detail.text, v.id.String()[:8]+"..."+v.id.String()[32:])
	require.Contains(t, detail.text, v.id.String())
}

// TestWordsOfTPPs: what a TPP has made is text, whatever it contains, and turns
// nothing around.
func TestWordsOfTPPs(t *testing.T) {
	t.Parallel()
	const evil = "\u202e<script>alert(1)</script>\"'&\u2069end"
	v := open(t)
	d := v.boards.own[v.id]
	d.TPPName, d.Staged = evil, &consent.Staged{
		OnBehalfOf: evil, Reference: evil, Permissions: []string{"ReadBalances", evil},
		Payment: &consent.PaymentTerms{CreditorReference: evil, DebtorReference: evil, Purpose: evil},
	}
	d.Accounts[0].Name, d.Accounts[0].Owner = evil, evil
	d.Parties = &overview.Parties{CreditorName: evil, CreditorIBAN: evil, CreditorAgent: evil}
	d.Payments = []overview.Payment{{Payment: consent.Payment{Reference: evil, Purpose: evil, CreatedAt: noon, Rejections: []consent.Rejection{{Code: "x", Message: evil}}}, Parties: d.Parties}}
	v.boards.board = &overview.Board{Cards: []overview.Card{d.Card}, Page: 1, Pages: 1, Total: 1, TPPs: []overview.TPP{{ID: evil, Name: evil}}}
	path := "/psu/consents/" + v.id.String()
	for _, ty := range []overview.Type{overview.DataSharing, overview.FlexiPay, overview.SinglePayment} {
		d.Type = ty
		v.boards.board.Cards[0].Type = ty
		for _, at := range []string{"/psu/consents", path, path + "/stop", path + "/receipt"} {
			res := v.see(at)
			require.Equal(t, http.StatusOK, res.Code)
			page := read(t, res)
			page.wellMade(t)
			require.Empty(t, page.all("script"))
			require.Contains(t, page.text, "<script>alert(1)</script>\"'&end", "%s: as it was written", at)
			require.NotContains(t, page.text, "\u202e")
			require.NotContains(t, page.text, "\u2069end")
		}
	}
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	d.TPPName = "=HYPERLINK(\"http://evil\",\"x\")"
	d.Staged = &consent.Staged{OnBehalfOf: "@SUM(1)", Reference: "\t-1", Permissions: []string{"ReadBalances"}}
	res := v.see("/psu/consents.csv")
	require.Equal(t, http.StatusOK, res.Code)
	require.Equal(t, "text/csv; charset=utf-8", res.Header().Get("Content-Type"))
	require.Equal(t, `attachment; filename="consents-2026-05-14.csv"`, res.Header().Get("Content-Disposition"))
	text, marked := strings.CutPrefix(res.Body.String(), "\ufeff")
	require.True(t, marked, "spreadsheets take it for UTF-8")
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 2)
	row := map[string]string{}
	for i, name := range lines[0] {
		row[name] = lines[1][i]
	}
	require.Equal(t, "'"+d.TPPName, row["tpp"], "no formula")
	require.Equal(t, "'@SUM(1)", row["onBehalfOf"])
	require.Equal(t, "'\t-1", row["reference"])
	require.Equal(t, v.id.String(), row["id"])
	require.Equal(t, "AE070331234567890123456", row["accounts"])
	for _, cell := range lines[1] {
		require.NotContains(t, "=+-@\t\r\n", first(cell), "a formula: %s", cell)
	}

	res = v.see("/psu/consents.json")
	require.Equal(t, `attachment; filename="consents-2026-05-14.json"`, res.Header().Get("Content-Disposition"))
	var all struct {
		Bank      string
		CreatedAt time.Time
		Consents  []map[string]any
	}
	require.NoError(t, json.Unmarshal(res.Body.Bytes(), &all))
	require.Equal(t, noon, all.CreatedAt)
	require.Len(t, all.Consents, 1)
	require.Equal(t, v.id.String(), all.Consents[0]["id"])
	require.Equal(t, d.TPPName, all.Consents[0]["tpp"])
	require.Equal(t, "Authorized", all.Consents[0]["status"])
	require.Equal(t, []any{"accounts", "balances"}, all.Consents[0]["accounts"].([]any)[0].(map[string]any)["rights"])
}

func first(s string) string {
	for _, r := range s {
		return string(r)
	}
	return "none"
}

func TestNothingToDownload(t *testing.T) {
	t.Parallel()
	v := open(t)
	v.boards.own = map[uuid.UUID]*overview.Detail{}
	require.Contains(t, v.see("/psu/consents.json").Body.String(), `"consents": []`)
	require.Equal(t, 1, strings.Count(v.see("/psu/consents.csv").Body.String(), "\r\n"))
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	path := "/psu/consents/" + v.id.String() + "/receipt"
	require.Contains(t, read(t, v.see(path)).text, "You have given a permission")
	for _, none := range []string{"renewed", "ended", "x"} {
		require.Equal(t, http.StatusNotFound, v.see(path+"?of="+none).Code, none)
	}
	d.Events[0].Kind = overview.EventRenewed
	require.Contains(t, read(t, v.see(path+"?of=renewed")).text, "You have renewed a permission")
	d.Status, d.Ending, d.StatusChangedAt = consent.Expired, consent.Ending{By: consent.BySystem, Reason: consent.ReasonDate}, noon
	require.Contains(t, read(t, v.see(path)).text, "It ended by itself on the day that was agreed.")
	d.Events = nil
	require.Equal(t, http.StatusNotFound, v.see(path+"?of=given").Code, "nobody has agreed to it")
}

// TestReceiptsSayToWhat: what is shared of which account, who is paid, when and how much,
// and what is on its way.
func TestReceiptsSayToWhat(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	path := "/psu/consents/" + v.id.String() + "/receipt"
	other := d.Accounts[0]
	other.Reference.Currency, other.Rights = "USD", consent.RightAccounts
	d.Accounts = append(d.Accounts, other)
	text := read(t, v.see(path)).text
	first, second := strings.Index(text, "AE07 •••• 3456 AED"), strings.Index(text, "AE07 •••• 3456 USD")
	require.Positive(t, first)
	require.Less(t, first, second)
	require.Contains(t, text[first:second], "Balances")
	require.NotContains(t, text[second:], "Balances")
	require.NotContains(t, text, "0331")
	require.Regexp(t, `Issued by Sandbox Bank on [^(]+\(UTC\+04:00\)`, text)

	aed := func(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }
	d.Type, d.Kind, d.Accounts = overview.FlexiPay, consent.Payments, d.Accounts[:1]
	d.Staged = &consent.Staged{Payment: &consent.PaymentTerms{
		Schedule: consent.FixedDefined, Currency: "AED", CreditorReference: "Rent 7",
		Dates: []consent.Due{{On: consent.Date{Year: 2026, Month: time.June, Day: 1}, Amount: aed(50000)}},
	}}
	d.Parties = &overview.Parties{CreditorName: "Corner Shop", CreditorIBAN: "AE210260000000098765432"}
	text = read(t, v.see(path)).text
	for _, said := range []string{"Corner Shop", "AE21 •••• 5432", "Rent 7", "1 June 2026", "AED 500.00"} {
		require.Contains(t, text, said)
	}
	d.Status, d.Ending, d.StatusChangedAt = consent.Revoked, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}, noon
	d.Sum = consent.Consumption{Paid: aed(100), Pending: aed(200)}
	text = read(t, v.see(path+"?of=ended")).text
	require.Contains(t, text, "On its wayAED 2.00")
}

// TestRenewedTerms: a renewal tells until when it holds, and what may be paid by it now.
func TestRenewedTerms(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	path := "/psu/consents/" + v.id.String()
	pays := func(most int64) *consent.Staged {
		return &consent.Staged{Payment: &consent.PaymentTerms{
			Schedule: consent.VariableOnDemand, Currency: "AED", MaxEach: consent.Money{Minor: most, Currency: "AED"}, Count: 7,
		}}
	}
	former := overview.Card{Consent: &consent.Consent{ID: uuid.New(), Staged: pays(1000), ValidUntil: d.ValidUntil.AddDays(-9)}, Type: overview.FlexiPay}
	d.Type, d.Kind, d.Staged, d.Line = overview.FlexiPay, consent.Payments, pays(50000), []overview.Card{former}
	d.Events[0].Kind, d.Events[0].Former = overview.EventRenewed, former.ID
	text := read(t, v.see(path)).text
	_, added, _ := strings.Cut(text, "New:")
	added, removed, _ := strings.Cut(added, "No longer included:")
	require.Contains(t, added, "At most AED 500.00 for each payment")
	require.Contains(t, added, "Payments are made until 1 August 2026")
	require.Contains(t, removed, "At most AED 10.00 for each payment")
	require.NotContains(t, added, "7 payments", "as before")
	d.ValidUntil = former.ValidUntil
	_, added, _ = strings.Cut(read(t, v.see(path)).text, "New:")
	require.NotContains(t, added, "Payments are made until", "until then, as before")
}

// TestNothingToFilter: where there is nothing, nothing is to be chosen; whoever has
// chosen something that is not there can choose again.
func TestNothingToFilter(t *testing.T) {
	t.Parallel()
	v := open(t)
	page := read(t, v.see("/psu/consents"))
	page.wellMade(t)
	require.Empty(t, page.all("select"))
	require.Contains(t, page.text, "You share no data.")
	page = read(t, v.see("/psu/consents?type=funds&state=suspended"))
	page.wellMade(t)
	require.Len(t, page.all("select"), 3)
	require.Contains(t, page.text, "Nothing fits this selection.")
	chosen := map[string]bool{}
	for _, n := range page.all("option") {
		if has(n, "selected") {
			chosen[value(n, "value")] = true
		}
	}
	require.Equal(t, map[string]bool{"funds": true, "suspended": true}, chosen)
}

// TestPages: the pages beside this one keep what was chosen.
func TestPages(t *testing.T) {
	t.Parallel()
	v := open(t)
	v.boards.board = &overview.Board{Cards: []overview.Card{v.boards.own[v.id].Card}, Page: 2, Pages: 3, Total: 58}
	page := read(t, v.see("/psu/consents?tab=history&tpp=t&page=2"))
	found := map[string]string{}
	for _, n := range page.all("a") {
		if rel := value(n, "rel"); rel != "" {
			found[rel] = value(n, "href")
		}
	}
	require.Equal(t, map[string]string{"prev": "/psu/consents?tab=history&tpp=t", "next": "/psu/consents?page=3&tab=history&tpp=t"}, found)
	require.Contains(t, page.text, "Page 2 of 3")
}

// TestStatusLabels: the label guide's table.
func TestStatusLabels(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	for status, label := range map[consent.Status]string{
		consent.Received: "Awaiting", consent.PartiallyAuthorised: "Awaiting", consent.Valid: "Active", consent.Suspended: "Suspended",
		consent.Revoked: "Cancelled", consent.Rejected: "Rejected", consent.Expired: "Expired", consent.Consumed: "Consumed",
		"inSomeOther": "in Some Other",
	} {
		d.Status = status
		page := read(t, v.see("/psu/consents/"+v.id.String()))
		badges := 0
		for _, n := range page.all("span") {
			if strings.HasPrefix(value(n, "class"), "badge") {
				badges++
				require.Equal(t, label, contents(n))
			}
		}
		require.Equal(t, 1, badges)
	}
}

// TestButtons: what can be ended has a button that says how.
func TestButtons(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	for ty, word := range map[overview.Type]string{
		overview.DataSharing: "Stop Sharing", overview.Funds: "Stop Sharing", overview.Connected: "Stop Sharing",
		overview.SinglePayment: "Cancel Permission", overview.FlexiPay: "Cancel Permission",
	} {
		for _, stops := range []bool{true, false} {
			d.Type, d.Stops = ty, stops
			require.Equal(t, stops, strings.Contains(read(t, v.see("/psu/consents/"+v.id.String())).text, word), ty)
		}
	}
}

// TestAmounts: nothing is paid while nobody has agreed, and what is on its way is not paid.
func TestAmounts(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	d.Type, d.Kind = overview.SinglePayment, consent.Payments
	d.Staged = &consent.Staged{Payment: &consent.PaymentTerms{Schedule: consent.SingleInstant, Currency: "AED", Amount: consent.Money{Minor: 125050, Currency: "AED"}}}
	card := func() string {
		v.boards.board = &overview.Board{Cards: []overview.Card{d.Card}, Page: 1, Pages: 1, Total: 1}
		return strings.ReplaceAll(read(t, v.see("/psu/consents?part=payments")).text, "\u00a0", " ")
	}
	require.Contains(t, card(), "AmountAED 1,250.50")
	d.Status = consent.Received
	require.Contains(t, card(), "AmountAED 0.00")
	require.NotContains(t, card(), shortIBAN, "not before somebody has agreed")
	d.Status, d.Type = consent.Valid, overview.FlexiPay
	d.Sum = consent.Consumption{Paid: consent.Money{Minor: 12005, Currency: "AED"}, Pending: consent.Money{Minor: 8005, Currency: "AED"}}
	require.Contains(t, card(), "Total paid to dateAED 120.05")
	require.Contains(t, card(), "On its wayAED 80.05")
}
