package scenarios

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// password is every persona's.
const password = "sandbox"

// deeds are what a PSU can do in a step, as in "psu: lea approves".
func deeds() map[string]func(*world, string) {
	return map[string]func(*world, string){
		"approves":              (*world).approves,
		"refuses":               (*world).refuses,
		"logs in":               func(w *world, who string) { w.logsIn(who) },
		"approves but the code": func(w *world, who string) { w.reviews(who) },
		"mistypes three times":  (*world).mistypes,
		"cannot share it":       (*world).cannotShare,
		"confirms in the app":   func(w *world, who string) { w.answersApp(who, decision{"decision": "approve"}) },
		"shares r2 in the app": func(w *world, who string) {
			w.answersApp(who, decision{"decision": "approve", "accounts": []string{"r2"}})
		},
		"denies in the app": func(w *world, who string) { w.answersApp(who, decision{"decision": "deny"}) },
	}
}

func known(deed string) bool {
	_, what, _ := strings.Cut(deed, " ")
	return deeds()[what] != nil
}

func (w *world) act(deed string) {
	w.t.Helper()
	who, what, _ := strings.Cut(deed, " ")
	deeds()[what](w, who)
}

// browser has no screen: it keeps cookies, reads a page's form and sends it back.
type browser struct {
	*world
	client *http.Client
	link   string
	page   string // data-page
	form   url.Values
	boxes  []string // what can be chosen
	status int
	to     string // where the last answer led, when it left the bank
	body   string
}

// open follows the last scaRedirect.
func (w *world) open() *browser {
	w.t.Helper()
	require.NotEmpty(w.t, w.link, "no scaRedirect came in this case")
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	// The pages lie where the program listens, whatever its public address is.
	u, err := url.Parse(w.link)
	require.NoError(w.t, err)
	b := &browser{world: w, link: w.program.base + u.EscapedPath()}
	b.client = &http.Client{Jar: jar, Timeout: w.http.Timeout, CheckRedirect: w.http.CheckRedirect}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, b.link, http.NoBody)
	require.NoError(w.t, err)
	b.load(req)
	return b
}

// answer sends the page's form, with some of its fields filled in.
func (b *browser) answer(fields url.Values) {
	b.t.Helper()
	form := maps.Clone(b.form)
	maps.Copy(form, fields)
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.link, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.load(req)
}

func (b *browser) load(req *http.Request) {
	b.t.Helper()
	res, err := b.client.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	b.status, b.body, b.to = res.StatusCode, string(raw), res.Header.Get("Location")
	b.page, b.form, b.boxes = "", url.Values{}, nil
	doc, err := html.Parse(strings.NewReader(b.body))
	require.NoError(b.t, err)
	for n := range doc.Descendants() {
		switch {
		case n.Data == "main":
			b.page = attribute(n, "data-page")
		case n.Data == "input" && attribute(n, "type") == "checkbox":
			b.boxes = append(b.boxes, attribute(n, "value"))
		case n.Data == "input" && attribute(n, "type") != "radio" && attribute(n, "name") != "":
			b.form.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// at asserts which page stands.
func (b *browser) at(page string) {
	b.t.Helper()
	require.Equal(b.t, page, b.page, "%d %s", b.status, b.body)
}

// left asserts that the browser went back to the TPP, and reads what it carried.
func (b *browser) left() {
	b.t.Helper()
	require.Equal(b.t, http.StatusSeeOther, b.status, b.body)
	to, err := url.Parse(b.to)
	require.NoError(b.t, err)
	if code := to.Query().Get("confirmationCode"); code != "" {
		b.confirmation = code
	}
}

// logsIn gets a PSU past the password and, where the accounts are theirs to
// choose, past these: they share all.
func (w *world) logsIn(who string) *browser {
	w.t.Helper()
	b := w.open()
	b.at("login")
	b.answer(url.Values{"psuId": {who}, "password": {password}})
	if b.page == "accounts" {
		b.answer(url.Values{"account": b.boxes})
	}
	b.at("consent")
	return b
}

// reviews gets a PSU to the page that asks for the code, by the first method
// where there are several.
func (w *world) reviews(who string) *browser {
	w.t.Helper()
	b := w.logsIn(who)
	b.answer(url.Values{"decision": {"approve"}})
	if strings.Contains(b.body, `name="method"`) && !strings.Contains(b.body, `name="otp"`) {
		b.answer(url.Values{"method": {"SMS_OTP"}})
	}
	b.at("factor")
	return b
}

func (w *world) approves(who string) {
	w.t.Helper()
	b := w.reviews(who)
	b.answer(url.Values{"otp": {w.code(who)}})
	b.left()
}

func (w *world) refuses(who string) {
	w.t.Helper()
	b := w.logsIn(who)
	b.answer(url.Values{"decision": {"reject"}})
	b.left()
}

func (w *world) mistypes(who string) {
	w.t.Helper()
	b := w.open()
	for range 3 {
		b.at("login")
		b.answer(url.Values{"psuId": {who}, "password": {"wrong"}})
	}
	b.at("problem")
}

// cannotShare logs in a PSU who does not own what the consent is about.
func (w *world) cannotShare(who string) {
	w.t.Helper()
	b := w.open()
	b.at("login")
	b.answer(url.Values{"psuId": {who}, "password": {password}})
	b.at("problem")
}

// decision is what a phone is told.
type decision map[string]any

// answersApp waits until the bank's app asks a PSU, and answers everything that
// it asks: questions of cases before may still be among it, so what this case
// waits for may come later. The app is looked at every few seconds of the
// program's clock, which is turned rather than waited for.
func (w *world) answersApp(who string, how decision) {
	w.t.Helper()
	w.app = func() {
		if w.answerWaiting(who, how) > 0 {
			w.turn("3s")
		}
	}
	w.until("something waits on the phone of "+who, func() bool { return w.answerWaiting(who, how) > 0 })
	w.turn("3s")
}

// answerWaiting answers what waits on a persona's phone, and tells how much it was.
func (w *world) answerWaiting(who string, how decision) int {
	w.t.Helper()
	var phone struct {
		Approvals []struct{ ID string }
	}
	w.sandbox(http.MethodGet, "psus/"+who+"/phone", nil, &phone)
	for _, a := range phone.Approvals {
		w.sandbox(http.MethodPost, "psus/"+who+"/phone/approvals/"+a.ID, how, nil)
	}
	return len(phone.Approvals)
}
