package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// TestClock turns the sandbox's clock, by its buttons and by its call: everything
// that has a time of its own obeys it.
func TestClock(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, p *program){
		"a consent expires":          clockEndsConsent,
		"a quota opens again":        clockOpensQuota,
		"the time to authorise ends": clockEndsAuthorisation,
		"a page runs out":            clockEndsPage,
		"a code runs out":            clockEndsCode,
		"a question runs out":        clockEndsQuestion,
		"a certificate expires":      clockEndsCertificate,
		"a call is forgotten":        clockForgetsCall,
		"the bank takes its time":    clockHurriesBank,
		"right again":                clockIsRightAgain,
	} {
		t.Run(name, func(t *testing.T) { each(t, test) })
	}
}

// reads has the demo TPP read the balances of an account of anna's; the PSU is
// there where ip says so. It returns the code of the refusal, empty for none.
func (p *program) reads(consent, ip string) (status int, code string) {
	p.t.Helper()
	_, _, err := p.tpp.Balances(p.t.Context(), "r31", client.ReadOptions{ConsentID: consent, PSUIPAddress: ip})
	if err == nil {
		return http.StatusOK, ""
	}
	refused, ok := errors.AsType[*client.Error](err)
	require.True(p.t, ok, "%v", err)
	require.Len(p.t, refused.Messages, 1)
	return refused.Status, string(refused.Messages[0].Code)
}

// read wants a read to be answered with a status and, where it is refused, a code.
func (p *program) read(consent, ip string, want int, why string) {
	p.t.Helper()
	status, code := p.reads(consent, ip)
	require.Equal(p.t, []any{want, why}, []any{status, code})
}

// turn presses a button of the clock's page.
func (p *program) turn(button string) {
	p.t.Helper()
	status, answer, _ := p.raw(http.MethodPost, p.base+"/sandbox/clock", "turn="+button, "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(p.t, http.StatusSeeOther, status, answer)
}

// clockEndsConsent: the last day is in, the next one is out.
func clockEndsConsent(t *testing.T, p *program) {
	last := p.today(60)
	id := p.annas()
	p.read(id, "192.0.2.7", http.StatusOK, "")
	p.advance("1416h") // 59 days
	p.turn("tomorrow")
	p.read(id, "192.0.2.7", http.StatusOK, "")
	require.Equal(t, "valid", p.status(p.tpp, id))

	p.turn("tomorrow")
	p.read(id, "192.0.2.7", http.StatusUnauthorized, "CONSENT_EXPIRED")
	p.denied(question(id, "balances", "r31", "192.0.2.7"), http.StatusUnauthorized, "CONSENT_EXPIRED")
	p.turn("180d")
	info, _, err := p.tpp.Consent(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, xs2a.Expired, info.ConsentStatus)
	require.Equal(t, last, info.ValidUntil)
	require.Equal(t, addDays(t, last+"T00:00:00Z", 1), info.LastActionDate, "by its deadline, not by who noticed it")
}

// clockOpensQuota: four times a day the bank may be asked without the PSU.
func clockOpensQuota(_ *testing.T, p *program) {
	p.turn("tomorrow") // so that midnight is not near
	id := p.annas()
	for range 4 {
		p.read(id, "", http.StatusOK, "")
	}
	p.read(id, "", http.StatusTooManyRequests, "ACCESS_EXCEEDED")
	p.read(id, "192.0.2.7", http.StatusOK, "")
	p.turn("hour")
	p.read(id, "", http.StatusTooManyRequests, "ACCESS_EXCEEDED")
	p.turn("tomorrow")
	p.read(id, "", http.StatusOK, "")
	require.Equal(p.t, 2, *p.allowed(question(id, "balances", "r31", "")).Remaining, "of today's four")
}

// clockEndsAuthorisation: a consent that nobody authorised is rejected in the end.
func clockEndsAuthorisation(t *testing.T, p *program) {
	id, _ := p.create(p.tpp, p.offered())
	p.advance("23h59m")
	require.Equal(t, "received", p.status(p.tpp, id))
	p.advance("1m1s")
	require.Equal(t, "rejected", p.status(p.tpp, id))
}

// clockEndsPage: ten minutes to open a link, fifteen to come to the end.
func clockEndsPage(_ *testing.T, p *program) {
	_, link := p.create(p.tpp, p.offered())
	p.advance("10m")
	p.open(link).at("problem", http.StatusGone)

	_, link = p.create(p.tpp, p.offered())
	p.advance("9m")
	u := p.open(link)
	u.send("psuId=anna", "password=sandbox")
	u.at("accounts", http.StatusOK)
	p.advance("15m")
	u.send("account=" + giro)
	u.at("problem", http.StatusGone)
}

// clockEndsCode: a code that came too long ago gets another one.
func clockEndsCode(t *testing.T, p *program) {
	_, link := p.create(p.tpp, p.offered())
	u := p.open(link)
	u.send("psuId=anna", "password=sandbox")
	u.send("account=" + giro)
	u.agree()
	late := p.code("anna")
	p.advance("6m")
	u.send("otp=" + late)
	u.at("factor", http.StatusOK)
	require.NotEqual(t, late, p.code("anna"))
}

// clockEndsQuestion: what stands on a phone does not stand there for ever.
func clockEndsQuestion(t *testing.T, p *program) {
	p.request("lea")
	_, path := p.asked("lea", 1)
	p.advance("15m")
	require.Empty(t, p.phone("lea").Approvals)
	status, answer, _ := p.raw(http.MethodPost, p.base+path, `{"decision":"approve"}`, "Content-Type", "application/json")
	require.GreaterOrEqual(t, status, 400, answer)
}

// clockEndsCertificate: a TPP's certificate is judged by it, over TLS too.
func clockEndsCertificate(t *testing.T, p *program) {
	tpp := p.over(map[string]any{"name": "mint", "roles": []string{"PSP_AI"}})
	create := func() error {
		_, _, err := tpp.CreateConsent(t.Context(), p.offered(), p.options())
		return err
	}
	require.NoError(t, create())
	p.advance("17519h") // an hour is left of the two years
	require.NoError(t, create())
	p.advance("2h")
	refused, ok := errors.AsType[*client.Error](create())
	require.True(t, ok)
	require.Equal(t, http.StatusUnauthorized, refused.Status)
	require.True(t, refused.Has("CERTIFICATE_EXPIRED"), refused.Error())

	// Whoever is certified now, is good now.
	tpp = p.over(map[string]any{"name": "late", "roles": []string{"PSP_AI"}})
	require.NoError(t, create())
}

// over orders a TPP from the sandbox and is its client over TLS.
func (p *program) over(order map[string]any) *client.Client {
	p.t.Helper()
	var made struct {
		QWAC  struct{ Certificate, PrivateKey string }
		QSEAL struct{ Certificate, PrivateKey string }
		CA    string
	}
	p.call(http.MethodPost, "/sandbox/tpps", order, &made)
	dir := p.t.TempDir()
	for name, text := range map[string]string{
		client.FileQWAC: made.QWAC.Certificate, client.FileQWACKey: made.QWAC.PrivateKey,
		client.FileQSEAL: made.QSEAL.Certificate, client.FileQSEALKey: made.QSEAL.PrivateKey, client.FileCA: made.CA,
	} {
		require.NoError(p.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	kit, err := client.LoadKit(dir)
	require.NoError(p.t, err)
	c, err := client.New(p.secure, kit.Options()...)
	require.NoError(p.t, err)
	return c
}

// clockForgetsCall: an X-Request-ID stands for its call for a day.
func clockForgetsCall(t *testing.T, p *program) {
	body, o := p.offered(), p.options()
	o.RequestID = "6c3f6a0e-4a52-4f0c-9a43-0d9d5c1e7b21"
	send := func() string {
		created, _, err := p.tpp.CreateConsent(t.Context(), body, o)
		require.NoError(t, err)
		return created.ConsentID
	}
	first := send()
	p.advance("23h")
	require.Equal(t, first, send())
	p.advance("2h")
	require.NotEqual(t, first, send())
}

// clockHurriesBank: the thirty seconds of the persona slow are the clock's.
func clockHurriesBank(t *testing.T, p *program) {
	id, link := p.create(p.tpp, p.offered())
	u := p.open(link)
	u.send("psuId=slow", "password=sandbox")
	u.send("account=" + p.ibanOf("slow"))
	u.agree()
	u.send("otp=" + p.code("slow"))
	u.at("wait", http.StatusAccepted)
	require.Equal(t, "received", p.status(p.tpp, id))
	p.advance("31s")
	require.Eventually(t, func() bool { return p.status(p.tpp, id) == "valid" }, patience, tick)
}

// clockIsRightAgain: what goes on from now is dated by the right time.
func clockIsRightAgain(t *testing.T, p *program) {
	right := p.today(0)
	p.turn("90d")
	require.Equal(t, addDays(t, right+"T00:00:00Z", 90), p.today(0))
	p.turn("right")
	require.Equal(t, right, p.today(0))
	p.turn("to&to=2031-02-03T04:05")
	require.Equal(t, "2031-02-03", p.today(0))
	id, _ := p.create(p.tpp, p.offered())
	info, _, err := p.tpp.Consent(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "2031-02-03", info.LastActionDate)
}
