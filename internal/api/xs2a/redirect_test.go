package xs2a_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/sca"
	"consentd/internal/web"
	wire "consentd/pkg/xs2a"
)

// trickyURIs are redirect URIs on which readers may differ. true: it is taken.
func trickyURIs() map[string]bool {
	return map[string]bool{
		"https://*/x": false, "https://$evil/": false, "https://tpp..example/cb": false, "https://'self'/x": false, "https://(x)/": false,
		"https://tpp.example;default-src/": false, "https://./": false, "https://[2001:db8::1%25eth0]/x": false,
		"https://tpp.example/cb?a=b%20c": true, "https://tpp": true, "https://TPP.Example/CB": true, "HTTPS://tpp.example/": true,
		"https://tpp.example./": true, "https://tpp.example../": false, "https://.tpp.example/": false,
		"https://xn--bcher-kva.example/": true, "https://b%C3%BCcher.example/": true, "https://xn--/": false, "https://bücher.example/": false,
		"https://tpp_1.example/": false, "https://_tpp.example/": false, "https://-tpp.example/": false, "https://tpp-1.example/": true,
		"https://tpp.example:0/": false, "https://tpp.example:1/": true, "https://tpp.example:65535/": true, "https://tpp.example:65536/": false,
		"https://tpp.example:/": false, "https://tpp.example:0443/": true, "https://tpp.example:000443/": false, "https://tpp.example:8;x/": false,
		"https://192.0.2.7/": true, "https://192.0.2.256/": false, "https://127.1/": false, "https://2130706433/": false, "https://0x7f.1/": false,
		"https://[2001:db8::1]/": true, "https://[2001:DB8::1]:8443/": true, "https://[::ffff:192.0.2.7]/": true, "https://2001:db8::1/": false,
		"https://[192.0.2.7]/": false, "https://[v1.x]/": false, "https://[]/": false, "http://[::1]:3000/": true, "http://[2001:db8::1]/": false,
		"http://localhost:3000/": true, "http://LOCALHOST/": true, "http://localhost./": false, "http://127.8.8.8/": true, "http://tpp.example/": false,
		"https://a@tpp.example/": false, "https://@tpp.example/": false, "https://tpp.example/@": true, "https://tpp.example/#": false,
		"https://tpp%2eexample/": false, "https://%3bscript-src/": false, "https://tpp.example/%00": true, "https://tpp.example//evil": true,
		`https://tpp.example\@evil/`: false, "https:tpp.example": false, "https:///cb": false, "//tpp.example": false,
		"https://tpp.example/;script-src%20*": true, "https://tpp.example?x": true, "https://tpp.example/'\"": false, "https://tpp.example/'*": true,
		"acmeapp:done": true, "ACMEAPP://done": true, "acmeapp://*": true, "acmeapp:?x=1": false, "acmeapp://": false, "acmeapp:/": true,
		"otherapp:done": false, "javascript:alert(1)": false, "acmeapp;x:y": false,
	}
}

// ended is a run that is over: the pages have only to send its browser on.
type ended struct{ to string }

func (e ended) Open(context.Context, string, sca.Visitor) (*sca.View, error) {
	return &sca.View{Page: sca.PageEnded, ReturnTo: e.to, Consent: &consent.Consent{RedirectURI: e.to}}, nil
}

func (e ended) Answer(ctx context.Context, handle string, by sca.Visitor, _ sca.Answer) (*sca.View, error) {
	return e.Open(ctx, handle, by)
}

func (e ended) Return(context.Context, string, sca.Visitor, map[string]string) (string, *sca.View, error) {
	return "", nil, consent.E(consent.CodeNotFound, "nobody comes back")
}

// follow is what the pages do at the end with an address.
func follow(t *testing.T, to string) *httptest.ResponseRecorder {
	t.Helper()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	pages := &web.SCA{Walks: ended{to: to}, Keys: keys, Log: slog.New(slog.DiscardHandler), AppSchemes: []string{"acmeapp"}}
	e := echo.New()
	pages.Mount(e)
	res := httptest.NewRecorder()
	e.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/sca/handle", nil))
	return res
}

// TestPagesFollowWhatIsTaken: no PSU may end on a page that leads nowhere, since
// we took an address that we then do not follow.
func TestPagesFollowWhatIsTaken(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) { h.Options.AppSchemes = []string{"acmeapp"} })
	for uri, taken := range trickyURIs() {
		both := with{"TPP-Redirect-URI": uri, "TPP-Nok-Redirect-URI": uri}
		a := w.create(t, bankOffered, both)
		if !taken {
			require.Equal(t, http.StatusBadRequest, a.status, uri)
			require.Equal(t, prefixed([]string{"TPP-Redirect-URI", "TPP-Nok-Redirect-URI"}), a.messages(t), uri)
			continue
		}
		require.Equal(t, http.StatusCreated, a.status, "%s: %s", uri, a.body)
		var created wire.ConsentsResponse
		require.NoError(t, json.Unmarshal([]byte(a.body), &created))
		kept := w.store.byID[uuid.MustParse(created.ConsentID)]
		for _, to := range []string{kept.RedirectURI, kept.NokRedirectURI} {
			res := follow(t, to)
			require.Equal(t, http.StatusSeeOther, res.Code, uri)
			require.Equal(t, uri, res.Header().Get("Location"))
			require.Regexp(t, `form-action 'self' (https?|acmeapp):(//[a-z0-9.-]+(:[0-9]+)?)?$`, res.Header().Get("Content-Security-Policy"), uri)
		}
	}
}

// On POST …/authorisations the addresses are judged as on creation.
func TestRedirectURIsOfAnAuthorisation(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) { h.Options.Start, h.Options.AppSchemes = xs2a.StartExplicit, []string{"acmeapp"} })
	for uri, taken := range trickyURIs() {
		path := "/v1/consents/" + w.created(t, `{"balances":[]}`) + "/authorisations"
		a := w.send(t, http.MethodPost, path, "", with{"TPP-Redirect-URI": uri, "TPP-Nok-Redirect-URI": uri})
		if taken {
			require.Equal(t, http.StatusCreated, a.status, "%s: %s", uri, a.body)
			continue
		}
		require.Equal(t, http.StatusBadRequest, a.status, uri)
		require.Equal(t, prefixed([]string{"TPP-Redirect-URI", "TPP-Nok-Redirect-URI"}), a.messages(t), uri)
	}
}
