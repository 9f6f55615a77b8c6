package bankauth_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/bankauth"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// What a connection was shown is verified with each request, at the clock, and
// other requests of the connection are left alone.
func TestVerify(t *testing.T) {
	t.Parallel()
	authority := func(name string) *issue.Authority {
		a, err := issue.New(name, noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
		require.NoError(t, err)
		return a
	}
	ours, theirs := authority("Bank CA"), authority("Nobody's CA")
	below, err := ours.Subordinate("Bank CA 2", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	require.NoError(t, err)
	ended, err := ours.Subordinate("Bank CA 3", noon.AddDate(-1, 0, 0), noon.Add(-time.Second))
	require.NoError(t, err)
	twin, err := theirs.Subordinate("Bank CA 2", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(ours.Certificate())
	of := func(a *issue.Authority, kind eidas.Type) *issue.Issued {
		i, err := a.Issue(issue.Order{Type: kind, Name: "core", NoStatement: true, NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour)})
		require.NoError(t, err)
		return i
	}
	good := of(ours, eidas.Web)
	for name, c := range map[string]struct {
		shown *issue.Issued
		more  []*x509.Certificate
		roots *x509.CertPool
		now   time.Time
		want  bool
	}{
		"good":                          {shown: good, roots: roots, now: noon, want: true},
		"by an authority below":         {shown: of(below, eidas.Web), more: []*x509.Certificate{below.Certificate()}, roots: roots, now: noon, want: true},
		"the authority below left out":  {shown: of(below, eidas.Web), roots: roots, now: noon},
		"a second one of that name":     {shown: of(below, eidas.Web), more: []*x509.Certificate{twin.Certificate(), below.Certificate()}, roots: roots, now: noon},
		"by a stranger":                 {shown: of(theirs, eidas.Web), roots: roots, now: noon},
		"before its time":               {shown: good, roots: roots, now: noon.Add(-time.Hour - time.Second)},
		"from the first":                {shown: good, roots: roots, now: noon.Add(-time.Hour), want: true},
		"to the last":                   {shown: good, roots: roots, now: noon.Add(time.Hour), want: true},
		"expired":                       {shown: good, roots: roots, now: noon.Add(time.Hour + time.Second)},
		"an authority below that ended": {shown: of(ended, eidas.Web), more: []*x509.Certificate{ended.Certificate()}, roots: roots, now: noon},
		"not for clients":               {shown: server(t, ours), roots: roots, now: noon},
		"no authorities are known":      {shown: good, now: noon},
		"more certificates than can be": {shown: good, more: make([]*x509.Certificate, 5), roots: roots, now: noon},
	} {
		state := &tls.ConnectionState{PeerCertificates: append([]*x509.Certificate{c.shown.Certificate}, c.more...)}
		state.VerifiedChains = [][]*x509.Certificate{{theirs.Certificate()}} // whatever somebody else thought of it
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.TLS = state
		var chains [][]*x509.Certificate
		verify := bankauth.Verify(c.roots, func() time.Time { return c.now })(func(e echo.Context) error {
			chains = e.Request().TLS.VerifiedChains
			return nil
		})
		require.NoError(t, verify(echo.New().NewContext(r, httptest.NewRecorder())), name)
		require.Equal(t, c.want, len(chains) > 0, name)
		require.Equal(t, theirs.Certificate(), state.VerifiedChains[0][0], "%s: the connection's own state", name)
	}
	plain := httptest.NewRequest(http.MethodGet, "/", nil)
	require.NoError(t, bankauth.Verify(roots, time.Now)(func(e echo.Context) error {
		require.Nil(t, e.Request().TLS)
		return nil
	})(echo.New().NewContext(plain, httptest.NewRecorder())))
}

// server is a certificate that is for servers only.
func server(t *testing.T, by *issue.Authority) *issue.Issued {
	t.Helper()
	i, err := by.Server([]string{"localhost"}, noon.Add(-time.Hour), noon.Add(time.Hour))
	require.NoError(t, err)
	return i
}
