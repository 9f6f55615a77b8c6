package e2e

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/sandbox"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// What is asked for on many ways.
const (
	leaFirst, leaSecond = "FR7617515000920400430518020", "FR7617515000920400430518117"
	omarIBAN            = "AE070331234567890123456"
	sarlIBAN            = "FR7617515000930000085212187"
	sarlID              = "852126789" // the company's, as PSU-Corporate-ID
)

// tick is how often a test looks for what a worker does.
const tick = 20 * time.Millisecond

// offering sets which approaches a sandbox offers.
func offering(approaches ...string) func(*app.SandboxOptions) {
	return func(o *app.SandboxOptions) { o.Approaches = approaches }
}

// dedicated is a recurring consent to the balances of accounts.
func (p *program) dedicated(ibans ...string) xs2a.ConsentsRequest {
	p.t.Helper()
	body := p.offered()
	body.Access = xs2a.AccountAccess{}
	for _, iban := range ibans {
		body.Access.Balances = append(body.Access.Balances, xs2a.AccountReference{IBAN: iban})
	}
	return body
}

// inApp are the headers of a consent that its PSU, if they are known, is to
// approve in the bank's app.
func (p *program) inApp(psu string) client.CreateOptions {
	o := p.options()
	o.PSUID, o.RedirectPreferred = psu, new(bool)
	return o
}

// byTPP are those of a consent whose PSU gives password and code to the TPP.
func (p *program) byTPP(psu string) client.CreateOptions {
	o := p.inApp(psu)
	o.DecoupledPreferred = new(bool)
	return o
}

// phone is what waits on a persona's phone.
type phoneState struct {
	Messages  []struct{ Code string }     `json:"messages"`
	Approvals []struct{ ID, Text string } `json:"approvals"`
}

func (p *program) phone(psu string) phoneState {
	p.t.Helper()
	var state phoneState
	p.call(http.MethodGet, "/sandbox/psus/"+psu+"/phone", nil, &state)
	return state
}

// asked waits until the bank's app has put so many questions to a persona, which
// a worker does, and returns the last one and the address for its answer.
func (p *program) asked(psu string, n int) (text, answer string) {
	p.t.Helper()
	var state phoneState
	require.Eventually(p.t, func() bool {
		state = p.phone(psu)
		return len(state.Approvals) >= n
	}, patience, tick, "nobody asked %s", psu)
	require.Len(p.t, state.Approvals, n)
	last := state.Approvals[n-1]
	return last.Text, "/sandbox/psus/" + psu + "/phone/approvals/" + last.ID
}

// decides answers all questions on a persona's phone, one at least.
func (p *program) decides(psu, decision string, accounts ...string) {
	p.t.Helper()
	body := map[string]any{"decision": decision}
	if accounts != nil {
		body["accounts"] = accounts
	}
	for n := max(len(p.phone(psu).Approvals), 1); n > 0; n-- {
		_, to := p.asked(psu, n)
		p.call(http.MethodPost, to, body, nil)
	}
}

// becomes waits until a worker has brought a consent to a status.
func (p *program) becomes(id, status string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return p.status(p.tpp, id) == status }, patience, tick, "not %s", status)
}

// journey is a TPP with one consent, who does what the links say.
type journey struct {
	*program
	psu      string // who is to authorise
	accounts string // that they choose where they can
	id       string
	last     string // the id of the last authorisation
	took     []string
	start    func(context.Context, string, client.StartOptions) (*xs2a.StartAuthorisationResponse, *client.Meta, error)
	update   func(context.Context, string, string, xs2a.UpdateRequest, client.UpdateOptions) (*xs2a.UpdateResponse, *client.Meta, error)
}

func (p *program) journey(id, psu, accounts string) *journey {
	return &journey{
		program: p, id: id, psu: psu, accounts: accounts,
		start: p.tpp.StartAuthorisation, update: p.tpp.UpdateAuthorisation,
	}
}

// forFunds is a journey with a consent to the confirmation of funds.
func (p *program) forFunds(id, psu string) *journey {
	j := p.journey(id, psu, "")
	j.start, j.update = p.tpp.StartFundsAuthorisation, p.tpp.UpdateFundsAuthorisation
	return j
}

// nextSteps are the links to follow, and what is done with each.
var nextSteps = []struct {
	link string
	take func(j *journey, href string) xs2a.Links
}{
	{xs2a.LinkScaRedirect, (*journey).redirect},
	{xs2a.LinkStartAuthorisation, func(j *journey, _ string) xs2a.Links { return j.begin(client.StartOptions{}) }},
	{xs2a.LinkStartAuthorisationWithPsuIdentification, func(j *journey, _ string) xs2a.Links {
		return j.begin(client.StartOptions{PSUID: j.psu})
	}},
	{xs2a.LinkStartAuthorisationWithPsuAuthentication, func(j *journey, _ string) xs2a.Links {
		return j.begin(client.StartOptions{PSUID: j.psu, Password: sandbox.Password})
	}},
	{xs2a.LinkUpdatePsuIdentification, func(j *journey, _ string) xs2a.Links { return j.put(client.Identification()).Links }},
	{xs2a.LinkUpdatePsuAuthentication, func(j *journey, _ string) xs2a.Links { return j.put(client.Password(sandbox.Password)).Links }},
	{xs2a.LinkSelectAuthenticationMethod, func(j *journey, _ string) xs2a.Links { return j.put(client.Method("SMS_OTP")).Links }},
	{xs2a.LinkAuthoriseTransaction, func(j *journey, _ string) xs2a.Links { return j.put(client.Answer(j.code(j.psu))).Links }},
}

// travel follows links until none is left that asks something of the TPP or of
// the PSU's browser, and returns which it followed.
func (j *journey) travel(links xs2a.Links) []string {
	j.t.Helper()
	for links != nil {
		j.know(links)
		links = j.step(links)
	}
	return j.took
}

func (j *journey) step(links xs2a.Links) xs2a.Links {
	j.t.Helper()
	for _, next := range nextSteps {
		if link, ok := links[next.link]; ok {
			j.took = append(j.took, next.link)
			require.LessOrEqual(j.t, len(j.took), 6, "leads nowhere")
			return next.take(j, link.Href)
		}
	}
	return nil
}

// know keeps which authorisation the links are about.
func (j *journey) know(links xs2a.Links) {
	j.t.Helper()
	if link, ok := links[xs2a.LinkScaStatus]; ok {
		u, err := url.Parse(link.Href)
		require.NoError(j.t, err)
		j.last = path.Base(u.Path)
	}
}

func (j *journey) redirect(href string) xs2a.Links {
	j.t.Helper()
	j.authorise(href, j.psu, j.accounts)
	return nil
}

func (j *journey) begin(o client.StartOptions) xs2a.Links {
	j.t.Helper()
	started, _, err := j.start(j.t.Context(), j.id, o)
	require.NoError(j.t, err)
	require.Equal(j.t, started.AuthorisationID, path.Base(started.Links[xs2a.LinkScaStatus].Href))
	return started.Links
}

func (j *journey) put(body xs2a.UpdateRequest) *xs2a.UpdateResponse {
	j.t.Helper()
	res, _, err := j.update(j.t.Context(), j.id, j.last, body, client.UpdateOptions{PSUID: j.psu})
	require.NoError(j.t, err)
	return res
}

// refused asserts that an update is answered with an error.
func (j *journey) refused(body xs2a.UpdateRequest, status int, code xs2a.Code) {
	j.t.Helper()
	_, _, err := j.update(j.t.Context(), j.id, j.last, body, client.UpdateOptions{PSUID: j.psu})
	j.fails(err, status, code)
}

// sca is the scaStatus of the last authorisation.
func (j *journey) sca() string {
	j.t.Helper()
	res, _, err := j.tpp.AuthorisationStatus(j.t.Context(), j.id, j.last)
	require.NoError(j.t, err)
	return string(res.ScaStatus)
}

// fails asserts that a call was answered with an error.
func (p *program) fails(err error, status int, code xs2a.Code) {
	p.t.Helper()
	var refused *client.Error
	require.ErrorAs(p.t, err, &refused)
	require.Equal(p.t, status, refused.Status, err)
	require.True(p.t, refused.Has(code), err)
}

// names are those of links.
func names(links xs2a.Links) []string {
	var list []string
	for name := range links {
		list = append(list, name)
	}
	return list
}
