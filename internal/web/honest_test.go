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

// refused ends what the visitor has been asked: the audit says that the bank has brought it.
func refused(v *visitors, by consent.Actor, staged bool) string {
	d := v.boards.own[v.id]
	d.Status, d.Stops, d.StatusChangedAt, d.Ending = consent.Rejected, false, noon, consent.Ending{By: by, Reason: consent.ReasonRefused}
	if staged {
		d.Staged = &consent.Staged{Permissions: []string{"ReadBalances"}}
	}
	d.Events = []overview.Event{
		{At: noon, Kind: overview.EventRefused, Consent: v.id, By: consent.ByASPSP, Reason: consent.ReasonRefused},
		{At: d.CreatedAt, Kind: overview.EventAsked, Consent: v.id, By: consent.ByTPP},
	}
	return "/psu/consents/" + v.id.String()
}

// TestRefusedByOne: who has refused is the same on the page, in its history, on the
// receipt and in the copy.
func TestRefusedByOne(t *testing.T) {
	t.Parallel()
	sentences := map[string]struct {
		by     consent.Actor
		staged bool
	}{
		"You said no.":                    {consent.ByPSU, true},
		"It was refused.":                 {consent.ByASPSP, true},
		"Sandbox Bank did not accept it.": {consent.ByASPSP, false},
	}
	for want, c := range sentences {
		v := open(t)
		path := refused(v, c.by, c.staged)
		page, receipt := read(t, v.see(path)), read(t, v.see(path+"/receipt"))
		require.Equal(t, 2, strings.Count(page.text, want), "above, and in the history")
		require.Contains(t, receipt.text, want)
		require.Contains(t, receipt.text, "A request has ended")
		for other := range sentences {
			require.Equal(t, other == want, strings.Contains(page.text+receipt.text, other), other)
		}
		var all struct {
			Consents []struct {
				EndedBy string
				History []struct{ Event, By string }
			}
		}
		require.NoError(t, json.Unmarshal(v.see("/psu/consents.json").Body.Bytes(), &all))
		require.Equal(t, string(c.by), all.Consents[0].EndedBy)
		require.Equal(t, string(c.by), all.Consents[0].History[0].By)
	}
}

// TestRefusedOfALine: another of the line is told by its own end too.
func TestRefusedOfALine(t *testing.T) {
	t.Parallel()
	v := open(t)
	refused(v, consent.ByPSU, true)
	former := v.boards.own[v.id]
	newer := sharing(uuid.New())
	newer.Line, newer.Events = []overview.Card{former.Card}, append(newer.Events, former.Events...)
	v.boards.own[newer.ID] = newer
	page := read(t, v.see("/psu/consents/"+newer.ID.String()))
	require.Contains(t, page.text, "You said no.")
	require.NotContains(t, page.text, "It was refused.")
}

// TestNothingBegan: what nobody has agreed to was never connected, and nothing was seen by it.
func TestNothingBegan(t *testing.T) {
	t.Parallel()
	v := open(t)
	path := refused(v, consent.ByASPSP, true)
	page := read(t, v.see(path))
	for _, text := range []string{"Asked on", "Rejected on", "What Acme Budget asked to see"} {
		require.Contains(t, page.text, text)
	}
	for _, text := range []string{"First connected", "may see", "How often", "Last data received", "Connected", "Connection expires"} {
		require.NotContains(t, page.text, text)
	}
	v.boards.board = &overview.Board{Cards: []overview.Card{v.boards.own[v.id].Card}, Page: 1, Pages: 1, Total: 1}
	list := read(t, v.see("/psu/consents?tab=history"))
	require.NotContains(t, list.text, "Account Connected")
	require.NotContains(t, list.text, "Last data received")

	d := v.boards.own[v.id]
	d.Status, d.Ending = consent.Revoked, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}
	require.NotContains(t, read(t, v.see(path)).text, "First connected", "it was called off")
	d.Events[0] = overview.Event{At: noon, Kind: overview.EventGiven, Consent: v.id, By: consent.ByPSU}
	page = read(t, v.see(path))
	require.Contains(t, page.text, "First connected")
	require.Contains(t, page.text, "What Acme Budget could see")
	require.NotContains(t, page.text, "How often", "it is over")
}

// paying makes the visitor's consent one to a single payment, which was tried.
func paying(v *visitors, s consent.PaymentStatus) *overview.Detail {
	d := v.boards.own[v.id]
	amount := consent.Money{Minor: 125050, Currency: "AED"}
	terms := &consent.PaymentTerms{Schedule: consent.SingleInstant, Currency: "AED", Amount: amount, Parties: "jwe"}
	d.Type, d.Kind, d.Staged, d.PaidAt = overview.SinglePayment, consent.Payments, &consent.Staged{Payment: terms}, noon
	d.Parties = &overview.Parties{CreditorName: "=Corner Shop", CreditorIBAN: "AE210260000000098765432", CreditorAgent: "Creek Bank"}
	p := consent.Payment{Consent: v.id, Amount: amount, Status: s, CreatedAt: noon, TransactionID: "TX-1"}
	if s == consent.PaymentRejected {
		p.Rejections = []consent.Rejection{{Code: "AANI.AC04", Message: "Closed account"}}
	}
	d.Payments, d.Sum = []overview.Payment{{Payment: p}}, terms.Consumed([]consent.Payment{p}, noon, time.UTC)
	d.Status, d.Stops, d.StatusChangedAt, d.Ending = consent.Consumed, false, noon, consent.Ending{By: consent.BySystem, Reason: consent.ReasonUsedUp}
	d.Events = append([]overview.Event{{At: noon, Kind: overview.EventConsumed, Consent: v.id, By: consent.BySystem, Reason: consent.ReasonUsedUp}}, d.Events...)
	v.boards.board = &overview.Board{Cards: []overview.Card{d.Card}, Page: 1, Pages: 1, Total: 1}
	return d
}

// TestFailedPayment: a payment that was rejected does not read as one that was made.
func TestFailedPayment(t *testing.T) {
	t.Parallel()
	const no, yes = "The payment failed, and nothing was paid.", "All that it allowed has been used."
	for status, c := range map[consent.PaymentStatus]struct {
		says, not string
		onItsWay  bool
	}{
		consent.PaymentRejected: {no, yes, false},
		consent.PaymentCredited: {yes, no, false},
		consent.PaymentPending:  {yes, no, true},
	} {
		v := open(t)
		paying(v, status)
		path := "/psu/consents/" + v.id.String()
		page, receipt, list := read(t, v.see(path)), read(t, v.see(path+"/receipt")), read(t, v.see("/psu/consents?tab=history&part=payments"))
		require.Equal(t, 2, strings.Count(page.text, c.says), status)
		require.Contains(t, receipt.text, c.says)
		require.NotContains(t, page.text+receipt.text, c.not)
		require.Equal(t, status == consent.PaymentRejected, strings.Contains(list.text, "PaymentFailed"), list.text)
		require.Equal(t, status != consent.PaymentRejected, strings.Contains(list.text, "Payment date"))
		require.Contains(t, list.text, "Consumed", "the status keeps its word")
		require.Equal(t, c.onItsWay, strings.Contains(page.text, "On its way"), status)
	}
}

// TestCopyOfPayments: what is kept of a payment is in the copy.
func TestCopyOfPayments(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := paying(v, consent.PaymentRejected)
	d.Events[1].By = consent.ByASPSP // the hub has brought it
	var all struct {
		Consents []struct {
			Status       string
			Payments     []map[string]any
			PaymentRules map[string]any
			History      []struct{ Event, By string }
		}
	}
	require.NoError(t, json.Unmarshal(v.see("/psu/consents.json").Body.Bytes(), &all))
	c := all.Consents[0]
	require.Equal(t, "Consumed", c.Status)
	require.Equal(t, map[string]any{
		"at": "2026-05-14T11:30:00Z", "amount": "1250.50", "currency": "AED", "status": "Rejected", "transactionId": "TX-1",
		"payee": "=Corner Shop", "payeeAccount": "AE210260000000098765432", "payeeBank": "Creek Bank",
		"rejectReasons": []any{map[string]any{"code": "AANI.AC04", "message": "Closed account"}},
	}, c.Payments[0])
	require.Equal(t, "AE210260000000098765432", c.PaymentRules["payeeAccount"])
	require.Equal(t, "given", c.History[1].Event)
	require.Equal(t, "psu", c.History[1].By)

	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(v.see("/psu/consents.csv").Body.String(), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	n := len(lines[0])
	require.Equal(t, []string{"payees", "payeeAccounts", "transactionIds", "rejectReasons"}, lines[0][n-4:])
	require.Equal(t, []string{"'=Corner Shop", "AE210260000000098765432", "TX-1", "AANI.AC04 Closed account"}, lines[1][n-4:])
}

// TestSeveralAuthorizers: of whom a hub names, nobody here knows that the viewer is one.
func TestSeveralAuthorizers(t *testing.T) {
	t.Parallel()
	v := open(t)
	d := v.boards.own[v.id]
	d.Status, d.Signers, d.Events = consent.PartiallyAuthorised, 2, nil
	path := "/psu/consents/" + v.id.String()
	require.Contains(t, read(t, v.see(path)).text, "2 people, you among them", "the bank knows its signers")
	d.Staged = &consent.Staged{Required: 2, Approvals: []consent.Approval{{ID: "a", State: consent.ApprovalGiven}, {ID: "b", State: consent.ApprovalPending}}}
	for _, ty := range []overview.Type{overview.DataSharing, overview.SinglePayment, overview.FlexiPay} {
		d.Type = ty
		page := read(t, v.see(path))
		require.Contains(t, page.text, "2 people; agreed so far: 1 of 2")
		require.Contains(t, page.text, "Asked on")
		for _, text := range []string{"you among them", "You started this permission", "First connected"} {
			require.NotContains(t, page.text, text)
		}
	}
	d.Status, d.Type = consent.Valid, overview.DataSharing
	require.Contains(t, read(t, v.see(path)).text, "Who must agree2 people")
}

// TestCallingOff: what has not begun is stopped by the same button, and says so.
func TestCallingOff(t *testing.T) {
	t.Parallel()
	v := open(t, factor)
	d := v.boards.own[v.id]
	d.Status = consent.Received
	path := "/psu/consents/" + v.id.String()
	require.Contains(t, read(t, v.see(path)).text, "Stop Sharing")
	for _, ty := range []overview.Type{overview.DataSharing, overview.SinglePayment, overview.FlexiPay, overview.Funds, overview.Connected} {
		d.Type = ty
		page := read(t, v.see(path+"/stop"))
		require.Contains(t, page.text, "Nothing has begun by this request: Acme Budget gets no access")
		for _, text := range []string{"any more", "already stays there", "stay made"} {
			require.NotContains(t, page.text, text)
		}
	}
	v.submitTo(t, path+"/stop")
	require.Equal(t, []string{"Stop sharing with Acme Budget (consent " + v.id.String() + ")"}, v.logins.confirms)
}

// TestNowhere: an address below ours that no page has is answered by a page, in the
// reader's language; what is served there is served as before.
func TestNowhere(t *testing.T) {
	t.Parallel()
	v := open(t)
	for _, path := range []string{"/psu/nope", "/psu/consents/x/y/z", "/psu/"} {
		for lang, title := range map[string]string{"en": "We do not know this page", "de": "Diese Seite kennen wir nicht"} {
			res := v.see(path+"?lang="+lang, "Accept-Language", lang)
			require.Contains(t, res.Header().Get("Content-Type"), "text/html", path)
			require.Equal(t, http.StatusNotFound, res.Code, path)
			page := read(t, res)
			page.wellMade(t)
			require.Equal(t, title, contents(page.all("h1")[0]), path)
			require.Equal(t, "no-store", res.Header().Get("Cache-Control"))
		}
	}
	for _, n := range read(t, v.see("/psu/nope")).all("link") {
		require.Equal(t, http.StatusOK, v.see(value(n, "href")).Code, value(n, "href"))
	}
	require.Equal(t, http.StatusOK, v.see("/psu/consents").Code)
	require.Equal(t, http.StatusNotFound, v.see("/psux").Code)
	require.NotContains(t, v.see("/psux").Header().Get("Content-Type"), "html", "that is not ours")
}
