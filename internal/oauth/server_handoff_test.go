package oauth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/flows/handoff"
	"consentd/internal/oauth"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// bankPages are pages of the bank's own on which PSUs log in.
type bankPages struct{ *bench }

func ownPages(b *bench) bankPages {
	b.t.Helper()
	f, err := handoff.New(handoff.Config{URL: "https://bank.example/{handle}"})
	require.NoError(b.t, err)
	b.walks.Flows = map[string]flow.Flow{"trip": f}
	return bankPages{b}
}

func pages() consent.Cause { return consent.Cause{By: consent.ByASPSP, Who: "pages"} }

// takes looks a handle up, and says who has logged in.
func (p bankPages) takes(handle string) sca.Acting {
	p.t.Helper()
	h, err := p.walks.LookUp(p.t.Context(), pages(), handle)
	require.NoError(p.t, err)
	by := sca.Acting{Authorisation: h.Authorisation.ID, Cause: pages()}
	h, err = p.walks.SetPSU(p.t.Context(), by, "lea", "")
	require.NoError(p.t, err)
	require.Empty(p.t, h.ReturnTo)
	return by
}

// says how it ended, and returns where the browser is sent.
func (p bankPages) says(by sca.Acting, result sca.HandOffResult) string {
	p.t.Helper()
	h, err := p.walks.SetResult(p.t.Context(), by, result)
	require.NoError(p.t, err)
	require.True(p.t, strings.HasPrefix(h.ReturnTo, issuer+oauth.PathAuthorize+"/"), h.ReturnTo)
	return h.ReturnTo
}

// Where the pages are the bank's own, no browser is bound to us: the one that is sent
// on with the result has what comes of it.
func TestOwnPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		p := ownPages(b)
		c := b.consented("FR-ACPR:"+acmeOrg, true)
		for _, scope := range []string{"aisp", "AIS:" + c.ID.String()} {
			back := p.says(p.takes(b.handle(request("scope", scope))), sca.ResultAuthorised)
			q := b.sent(b.comeBack(back, ""))
			got := b.call(b.acme, oauth.PathToken, byCode(q.Get("code")))
			require.Equal(t, http.StatusOK, got.status, got.Text)
			used, err := b.use(b.acme, got.Access)
			require.NoError(t, err)
			require.Equal(t, "lea", used.PSUID)
			require.Equal(t, kept, b.comeBack(back, "").Code, "an address is good once")
		}
		back := p.says(p.takes(b.handle(request())), sca.ResultRefused)
		require.Equal(t, "access_denied", b.sent(b.comeBack(back, "")).Get("error"))
	})
}

// Who has brought the PSU to the bank's pages, and knows the handle, gets nothing of
// what they agree to there: the address is told with the result alone.
func TestOwnPagesTellOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	p := ownPages(b)
	c := b.consented("FR-ACPR:"+acmeOrg, true)
	for _, scope := range []string{"aisp", "AIS:" + c.ID.String()} {
		handle := b.handle(request("scope", scope))
		by := p.takes(handle)
		look := func() {
			t.Helper()
			h, err := b.walks.Look(t.Context(), by.Authorisation)
			require.NoError(t, err)
			require.Empty(t, h.ReturnTo)
			v, err := b.walks.Open(t.Context(), handle, sca.Visitor{Browser: "another"})
			require.Error(t, err)
			require.Empty(t, v.ReturnTo+v.Consent.RedirectURI+v.Consent.NokRedirectURI)
		}
		look()
		back := p.says(by, sca.ResultAuthorised)
		look()
		h, err := b.walks.LookUp(t.Context(), pages(), handle)
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		require.Empty(t, h.ReturnTo)
		h, err = b.walks.SetPSU(t.Context(), by, "lea", "")
		require.NoError(t, err)
		require.Empty(t, h.ReturnTo)
		require.Equal(t, back, p.says(by, sca.ResultAuthorised), "the answer was lost")
	}
}

// A PSU who comes too late on the bank's pages goes back without a code.
func TestOwnPagesTooLate(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	p := ownPages(b)
	handle := b.handle(request())
	by := p.takes(handle)
	b.advance(b.server.Policy.FinishWithin + time.Second)
	h, err := b.walks.SetResult(t.Context(), by, sca.ResultAuthorised)
	require.Equal(t, consent.CodeTimeOver, consent.CodeOf(err))
	require.Equal(t, "access_denied", b.sent(b.comeBack(h.ReturnTo, "")).Get("error"))
}
