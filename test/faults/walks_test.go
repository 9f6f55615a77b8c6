package faults

import (
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/pkg/xs2a"
)

const (
	leaIBAN  = "FR7617515000920400430518020"
	omarIBAN = "AE070331234567890123456"
)

// redirect is a PSU before pages: password, accounts where they choose, method
// where they have several, code.
func redirect(w *world, name, body string, explicit bool) {
	w.t.Helper()
	c := &tpp{world: w, psu: name}
	if explicit {
		c.create(body, "TPP-Explicit-Authorisation-Preferred", "true")
		c.start()
	} else {
		c.create(body)
	}
	c.signs(false)
	require.Equal(w.t, "valid", c.status())
	c.sentOnce(1)
}

// signs has the PSU go through the pages, and again where that came to nothing.
func (c *tpp) signs(confirm bool) {
	c.t.Helper()
	iban := map[string]string{"lea": leaIBAN, "omar": omarIBAN}[c.psu]
	for range 2 {
		u := c.open(c.link, c.psu, iban)
		u.method = c.method
		u.goes("")
		if confirm {
			c.confirms(u.to)
		}
		if c.status() == "valid" {
			return
		}
		c.start()
	}
}

// confirmation is a redirect that the TPP must confirm.
func confirmation(w *world) {
	w.t.Helper()
	c := &tpp{world: w, psu: "lea"}
	c.create(dedicated(leaIBAN))
	c.signs(true)
	require.Equal(w.t, "valid", c.status())
	c.sentOnce(1)
}

func (c *tpp) confirms(to string) {
	c.t.Helper()
	_, code, ok := strings.Cut(to, "confirmationCode=")
	if !ok {
		return
	}
	c.makes(http.MethodPut, "/v1/consents/"+c.id+"/authorisations/"+c.authorisation, `{"confirmationCode":"`+code+`"}`, c.header())
}

// refused is a PSU who says no before the code.
func refused(w *world) {
	w.t.Helper()
	c := &tpp{world: w, psu: "lea"}
	c.create(dedicated(leaIBAN))
	u := w.open(c.link, "lea", leaIBAN)
	u.goes("factor")
	for !u.over() {
		u.fill("decision=reject")
	}
	require.Equal(w.t, "rejected", c.status())
	c.withdrawn()
	c.sentOnce(1)
}

// deleted is a consent that its TPP ends while the PSU authorises it.
func deleted(w *world) {
	w.t.Helper()
	c := &tpp{world: w, psu: "lea"}
	c.create(dedicated(leaIBAN))
	u := w.open(c.link, "lea", leaIBAN)
	u.goes("factor")
	c.end()
	require.Equal(w.t, "terminatedByTpp", c.status())
	u.goes("")
	require.Equal(w.t, http.StatusGone, u.status)
	require.Equal(w.t, "terminatedByTpp", c.status())
	c.withdrawn()
	c.sentOnce(1)
}

// turnedAway is a PSU who cannot sign: the account that the TPP asks for is not
// theirs, or they are blocked.
func turnedAway(w *world, name, status string) {
	w.t.Helper()
	c := &tpp{world: w, psu: name}
	c.create(dedicated(leaIBAN))
	u := w.open(c.link, name, "")
	for u.status == http.StatusOK && u.page == "login" {
		u.fill("psuId="+name, "password=sandbox")
	}
	require.Contains(w.t, []int{http.StatusForbidden, http.StatusConflict, http.StatusGone}, u.status, u.body)
	require.Equal(w.t, status, c.status())
	c.sentOnce(0)
	if status != "received" {
		return
	}
	c.start()
	c.psu = "lea"
	c.signs(false)
	require.Equal(w.t, "valid", c.status(), "another PSU can")
}

// elsewhere is a PSU whom another program of the bank's authenticates, on pages
// of its own.
func elsewhere(w *world) {
	w.t.Helper()
	c := &tpp{world: w, psu: "lea"}
	c.create(offered())
	c.signs(false)
	require.Equal(w.t, "valid", c.status())
	w.bank.once(w.t, c)
}

// embedded is a PSU who tells password and code to the TPP, and by which method
// they want the code where they have several.
func embedded(w *world, name, iban string) {
	w.t.Helper()
	c := &tpp{world: w, psu: name, redirect: "false", decoupled: "false"}
	c.create(dedicated(iban))
	c.follow(c.update(map[string]any{"psuData": map[string]string{"password": "sandbox"}}))
	if _, several := c.last[xs2a.LinkSelectAuthenticationMethod]; several {
		c.follow(c.update(map[string]any{"authenticationMethodId": "SMS_OTP"}))
	}
	c.follow(c.update(map[string]any{"scaAuthenticationData": (&psu{world: w, name: name}).code()}))
	require.Equal(w.t, "valid", c.status())
	c.sentOnce(1)
}

// question is one that the bank's app has put to somebody.
type question struct {
	ID        string
	CreatedAt time.Time
}

// decoupled is a PSU who approves in the bank's app.
func decoupled(w *world, name, body string, later time.Duration) {
	w.t.Helper()
	c := &tpp{world: w, psu: name, redirect: "false"}
	c.create(body)
	id := c.asked()
	c.waits()
	got := w.tell(http.MethodPost, "/sandbox/psus/"+name+"/phone/approvals/"+id, map[string]string{"decision": "approve"})
	require.True(w.t, got.status == http.StatusOK || got.crashed && got.status == http.StatusConflict, got.body)
	w.turn(later)
	c.becomes("valid", time.Second)
	n := 0
	for _, q := range kept[question](w, name, "approvals") {
		if !q.CreatedAt.Before(w.began) {
			n++
		}
	}
	require.Equal(w.t, 1, n, "questions for one authorisation")
}

// waits waits until it is written down that the flow has asked: what the app
// reports before that comes too early, and a worker asks for it later.
func (c *tpp) waits() {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		c.status() // which brings the program back where it has died
		return c.stored(c.id).Authorisations[0].Status == consent.ScaStarted
	}, patience, 20*tick, "the flow's question is not kept")
}

// asked waits for the question on the phone.
func (c *tpp) asked() string {
	c.t.Helper()
	var phone struct{ Approvals []struct{ ID string } }
	require.Eventually(c.t, func() bool {
		c.tell(http.MethodGet, "/sandbox/psus/"+c.psu+"/phone", nil).into(c.t, &phone)
		return len(phone.Approvals) > 0
	}, patience, 20*tick, "nobody asked")
	require.Len(c.t, phone.Approvals, 1)
	return phone.Approvals[0].ID
}

// overdue is a consent that nobody authorises in time, which a worker writes down.
func overdue(w *world) {
	w.t.Helper()
	c := &tpp{world: w, psu: "lea"}
	c.create(dedicated(leaIBAN))
	w.turn(25 * time.Hour)
	require.Equal(w.t, "rejected", c.status())
	require.Eventually(w.t, func() bool {
		c.status() // which brings the program back where it has died
		return c.stored(c.id).Status.Final()
	}, patience, 20*tick, "nobody wrote it down")
	require.Equal(w.t, "rejected", c.status())
}
