package eidas_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// TestRevocationKeepsFailuresApart has a responder that answers one certificate's
// question badly: the question is left alone for ten seconds, and no other is.
func TestRevocationKeepsFailuresApart(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]http.HandlerFunc{"out of order": down, "rubbish": serve([]byte("<html>")), "too long": serve(make([]byte, 64<<10+1))} {
		for _, open := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				address := w.desk.on("/ocsp", bad)
				one, two := w.issue(w.root, at(address, "")), w.issue(w.root, at(address, ""))
				v := w.verifier(asking(&eidas.Revocation{FailOpen: open}))
				reason := eidas.Unknown
				if open {
					reason = ""
				}
				for range 3 {
					_, err := w.verify(v, one)
					requireReason(t, reason, err)
				}
				require.Equal(t, 1, w.desk.asked("/ocsp"))

				w.desk.on("/ocsp", w.ocsp(w.root, one.Certificate.SerialNumber))
				_, err := w.verify(v, two)
				require.NoError(t, err)
				require.Equal(t, 2, w.desk.asked("/ocsp"), "the other one is asked about")
				_, err = w.verify(v, one)
				requireReason(t, reason, err)
				w.turn(10 * time.Second)
				_, err = w.verify(v, one)
				requireReason(t, eidas.Revoked, err)
				require.Equal(t, 3, w.desk.asked("/ocsp"))
			})
		}
	}
}

// transport is a way to authorities that a test may cut.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRevocationLeavesDeadAddressesAlone asks nothing at an address for ten seconds
// that cannot be reached, or says nothing, for all certificates that name it.
func TestRevocationLeavesDeadAddressesAlone(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, tt := range map[string]struct {
		way  transport
		want int32
	}{
		"no connection": {func(r *http.Request) (*http.Response, error) {
			r.URL.Host = closed.Listener.Addr().String()
			return http.DefaultTransport.RoundTrip(r)
		}, 1},
		"no answer in time": {func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }, 1},
		"connection lost":   {func(*http.Request) (*http.Response, error) { return nil, errors.New("reset") }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var dead atomic.Bool
			var tried atomic.Int32
			dead.Store(true)
			v := w.verifier(asking(&eidas.Revocation{HTTP: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				tried.Add(1)
				if dead.Load() {
					return tt.way(r)
				}
				return http.DefaultTransport.RoundTrip(r)
			})}}))
			address := w.desk.on("/ocsp", w.ocsp(w.root))
			one, two := w.issue(w.root, at(address, "")), w.issue(w.root, at(address, ""))
			for range 2 {
				for _, leaf := range []*issue.Issued{one, two} {
					_, err := w.verify(v, leaf)
					requireReason(t, eidas.Unknown, err)
				}
			}
			require.Equal(t, tt.want, tried.Load())
			dead.Store(false)
			w.turn(10 * time.Second)
			for _, leaf := range []*issue.Issued{one, two} {
				_, err := w.verify(v, leaf)
				require.NoError(t, err)
			}
		})
	}
}

// TestRevocationRedirects follows a list within its server alone.
func TestRevocationRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := newDesk(t)
	redirect := func(to string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, to, http.StatusTemporaryRedirect) }
	}
	found := func(to string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, to, http.StatusFound) }
	}
	w.desk.on("/ocsp", w.ocsp(w.root))
	w.desk.on("/crl", w.crl(w.root))
	otherCRL, otherOCSP := other.on("/crl", w.crl(w.root)), other.on("/ocsp", w.ocsp(w.root))
	w.desk.on("/1", redirect("/crl"))
	w.desk.on("/2", redirect("/1"))
	tests := []struct {
		name   string
		change func(*issue.Order)
		cause  string
	}{
		{"a list, twice", at("", w.desk.URL+"/2"), ""},
		{"a list, three times", at("", w.desk.on("/3", redirect("/2"))), "more than 2 redirects"},
		{"a list to a file", at("", w.desk.on("/4", redirect("file:///etc/hosts"))), `redirect to the scheme "file"`},
		{"a list to another server", at("", w.desk.on("/5", redirect(otherCRL))), "redirect to another host"},
		{"a list to another server at last", at("", w.desk.on("/6", redirect("/5"))), "redirect to another host"},
		{"a responder", at(w.desk.on("/7", redirect("/ocsp")), ""), "a responder redirects"},
		{"a responder to another server", at(w.desk.on("/8", redirect(otherOCSP)), ""), "a responder redirects"},
		{"a responder, by GET", at(w.desk.on("/9", found("/ocsp")), ""), "a responder redirects"},
	}
	for _, tt := range tests {
		_, err := w.verify(w.verifier(asking(&eidas.Revocation{Timeout: 30 * time.Second})), w.issue(w.root, tt.change))
		if tt.cause == "" {
			require.NoError(t, err, tt.name)
			continue
		}
		requireReason(t, eidas.Unknown, err)
		require.ErrorContains(t, err, tt.cause, tt.name)
	}
	require.Zero(t, other.askedAtAll())
	require.Zero(t, w.desk.asked("/ocsp"))
}

// TestDoubt is told of who was let in without an answer, once a verdict.
func TestDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var doubted []string
	verifier := func(open bool) *eidas.Verifier {
		return w.verifier(asking(&eidas.Revocation{FailOpen: open}), func(o *eidas.Options) {
			o.Doubt = func(_ context.Context, c *eidas.Certificate, err error) {
				doubted = append(doubted, c.ID()+" "+err.Error())
			}
		})
	}
	address := w.desk.on("/ocsp", down)
	leaf := w.issue(w.root, at(address, ""))
	v := verifier(true)
	for range 2 {
		_, err := w.verify(v, leaf)
		require.NoError(t, err)
	}
	require.Len(t, doubted, 1)
	require.Contains(t, doubted[0], "DE-BAFIN:PSDDE-BAFIN-125314 ")
	require.Contains(t, doubted[0], "answered 503")
	w.turn(10 * time.Second)
	_, err := w.verify(v, leaf)
	require.NoError(t, err)
	require.Len(t, doubted, 2)

	_, err = w.verify(verifier(true), w.issue(w.root))
	require.NoError(t, err)
	require.Len(t, doubted, 3, "nobody to ask is a doubt, too")

	_, err = w.verify(verifier(true), w.issue(w.root, at(address, ""), func(o *issue.Order) { o.NoStatement = true }))
	requireReason(t, eidas.NoStatement, err)
	_, err = w.verify(verifier(false), leaf)
	requireReason(t, eidas.Unknown, err)
	w.desk.on("/ocsp", w.ocsp(w.root))
	_, err = w.verify(verifier(true), leaf)
	require.NoError(t, err)
	require.Len(t, doubted, 3, "who is refused or clear is no doubt")
}
