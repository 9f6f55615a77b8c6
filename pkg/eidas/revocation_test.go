package eidas_test

import (
	"crypto/x509"
	"errors"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// at names where a certificate is to be asked after.
func at(ocsp, crl string) func(*issue.Order) {
	return func(o *issue.Order) {
		if ocsp != "" {
			o.OCSP = []string{ocsp}
		}
		if crl != "" {
			o.CRL = []string{crl}
		}
	}
}

// TestRevocation has a responder and a list that say different things.
func TestRevocation(t *testing.T) {
	t.Parallel()
	var (
		unanswered = func(w *world, _ *big.Int) http.HandlerFunc { return down }
		good       = func(w *world, _ *big.Int) http.HandlerFunc { return w.ocsp(w.root) }
		bad        = func(w *world, serial *big.Int) http.HandlerFunc { return w.ocsp(w.root, serial) }
		clear      = func(w *world, _ *big.Int) http.HandlerFunc { return w.crl(w.root, big.NewInt(1)) }
		listed     = func(w *world, serial *big.Int) http.HandlerFunc { return w.crl(w.root, big.NewInt(1), serial) }
	)
	tests := []struct {
		name       string
		ocsp, list func(*world, *big.Int) http.HandlerFunc
		reason     eidas.Reason
		open       eidas.Reason // when failing open
	}{
		{"good by OCSP", good, nil, "", ""},
		{"revoked by OCSP", bad, nil, eidas.Revoked, eidas.Revoked},
		{"good by list", nil, clear, "", ""},
		{"revoked by list", nil, listed, eidas.Revoked, eidas.Revoked},
		{"the responder goes first: good", good, listed, "", ""},
		{"the responder goes first: revoked", bad, clear, eidas.Revoked, eidas.Revoked},
		{"responder down, good by list", unanswered, clear, "", ""},
		{"responder down, revoked by list", unanswered, listed, eidas.Revoked, eidas.Revoked},
		{"responder down, no list", unanswered, nil, eidas.Unknown, ""},
		{"both down", unanswered, unanswered, eidas.Unknown, ""},
		{"no responder, list down", nil, unanswered, eidas.Unknown, ""},
		{"nobody to ask", nil, nil, eidas.Unusable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var ocsp, crl string
			if tt.ocsp != nil {
				ocsp = w.desk.URL + "/ocsp"
			}
			if tt.list != nil {
				crl = w.desk.URL + "/crl"
			}
			leaf := w.issue(w.root, at(ocsp, crl))
			if tt.ocsp != nil {
				w.desk.on("/ocsp", tt.ocsp(w, leaf.Certificate.SerialNumber))
			}
			if tt.list != nil {
				w.desk.on("/crl", tt.list(w, leaf.Certificate.SerialNumber))
			}
			_, err := w.verify(w.verifier(asking(&eidas.Revocation{})), leaf)
			requireReason(t, tt.reason, err)
			_, err = w.verify(w.verifier(asking(&eidas.Revocation{FailOpen: true})), leaf)
			requireReason(t, tt.open, err)
			_, err = w.verify(w.verifier(), leaf)
			require.NoError(t, err, "nobody is asked")
		})
	}
}

// TestRevocationOfAuthorities looks up intermediates too, and never the anchor.
func TestRevocationOfAuthorities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	middle := w.below(w.root, "Middle", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{w.desk.URL + "/root.crl"} })
	ocsp := w.desk.on("/middle", w.ocsp(middle))
	leaf := w.issue(middle, at(ocsp, ""))

	w.desk.on("/root.crl", w.crl(w.root))
	_, err := w.verify(w.verifier(asking(&eidas.Revocation{})), leaf)
	require.NoError(t, err)
	require.Equal(t, 1, w.desk.asked("/root.crl"))

	w.desk.on("/root.crl", down)
	_, err = w.verify(w.verifier(asking(&eidas.Revocation{})), leaf)
	requireReason(t, eidas.Unknown, err)

	w.desk.on("/root.crl", w.crl(w.root, middle.Certificate().SerialNumber))
	_, err = w.verify(w.verifier(asking(&eidas.Revocation{})), leaf)
	requireReason(t, eidas.Revoked, err)
	require.ErrorContains(t, err, "authority of its chain")

	w.desk.on("/middle", down)
	_, err = w.verify(w.verifier(asking(&eidas.Revocation{})), leaf)
	requireReason(t, eidas.Revoked, err)

	w.desk.on("/middle", w.ocsp(middle))
	asked := w.desk.asked("/root.crl")
	v := w.verifier(asking(&eidas.Revocation{}), func(o *eidas.Options) { o.Anchors = eidas.NewAnchors(w.root.Certificate(), middle.Certificate()) })
	_, err = w.verify(v, leaf)
	require.NoError(t, err, "an anchor is trusted because the operator says so")
	require.Equal(t, asked, w.desk.asked("/root.crl"))
}

// TestRevocationAsksOnlyForTrustedChains lets nobody make us call an address.
func TestRevocationAsksOnlyForTrustedChains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ocsp, crl := w.desk.on("/ocsp", w.ocsp(w.root)), w.desk.on("/crl", w.crl(w.root))
	stranger := w.authority("Test Root")
	strangersMiddle := w.below(stranger, "Middle", func(c *x509.Certificate) { c.OCSPServer = []string{ocsp} })
	v := w.verifier(asking(&eidas.Revocation{}))
	refused := map[eidas.Reason][]*issue.Issued{
		eidas.Untrusted: {w.issue(stranger, at(ocsp, crl)), w.issue(strangersMiddle, at(ocsp, crl))},
		eidas.Expired:   {w.issue(w.root, at(ocsp, crl), func(o *issue.Order) { o.NotAfter = w.now().Add(-time.Hour) })},
		eidas.Unusable: {
			w.issue(w.root, at("ldap://"+w.desk.Listener.Addr().String()+"/ocsp", "file:///etc/hosts")),
			w.issue(w.root, at("", "ftp://"+w.desk.Listener.Addr().String()+"/crl")),
		},
	}
	for reason, all := range refused {
		for _, issued := range all {
			_, err := w.verify(v, issued)
			requireReason(t, reason, err)
		}
	}
	blocked := w.verifier(asking(&eidas.Revocation{}), func(o *eidas.Options) { o.BlockedIssuers = []string{fingerprintOf(w.root)} })
	_, err := w.verify(blocked, w.issue(w.root, at(ocsp, crl)))
	requireReason(t, eidas.Blocked, err)
	require.Zero(t, w.desk.askedAtAll())
}

// TestRevocationTextTellsNothing keeps addresses and what went wrong there for the log.
func TestRevocationTextTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaf := w.issue(w.root, at(w.desk.on("/ocsp", down), w.desk.on("/crl", down)))
	_, err := w.verify(w.verifier(asking(&eidas.Revocation{})), leaf)
	fault, ok := errors.AsType[*eidas.Error](err)
	require.True(t, ok)
	require.Equal(t, "its issuer cannot be asked now whether it was revoked", fault.Text)
	require.ErrorContains(t, errors.Unwrap(err), w.desk.URL+"/ocsp: answered 503")
	require.ErrorContains(t, errors.Unwrap(err), w.desk.URL+"/crl: answered 503")
}

func TestRevocationKeepsAnswers(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]struct{ path, ocsp, crl string }{
		"OCSP": {path: "/ocsp", ocsp: "/ocsp"},
		"CRL":  {path: "/crl", crl: "/crl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var change []func(*issue.Order)
			if kind.ocsp != "" {
				change = append(change, at(w.desk.on("/ocsp", w.ocsp(w.root)), ""))
			} else {
				change = append(change, at("", w.desk.on("/crl", w.crl(w.root))))
			}
			leaf := w.issue(w.root, change...)
			v := w.verifier(asking(&eidas.Revocation{Keep: 30 * time.Minute}))
			steps := []struct {
				why  string
				turn time.Duration
				want int // requests, all in all
			}{
				{"the first time", 0, 1},
				{"the verdict is kept", time.Minute, 1},
				{"the verdict is over, the answer not", 28 * time.Minute, 1},
				{"the answer is over", time.Minute, 2},
				{"the clock goes back: before the answer was given", -time.Hour, 3},
				{"and forth", 10 * time.Minute, 3},
			}
			for _, s := range steps {
				w.turn(s.turn)
				_, err := w.verify(v, leaf)
				require.NoError(t, err, s.why)
				require.Equal(t, s.want, w.desk.asked(kind.path), s.why)
			}
		})
	}
}

// TestRevocationKeepsRevoked asks once, though verdicts of revocation are not kept.
func TestRevocationKeepsRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaf := w.issue(w.root, at(w.desk.URL+"/ocsp", ""))
	w.desk.on("/ocsp", w.ocsp(w.root, leaf.Certificate.SerialNumber))
	v := w.verifier(asking(&eidas.Revocation{}))
	for range 3 {
		w.turn(time.Minute)
		_, err := w.verify(v, leaf)
		requireReason(t, eidas.Revoked, err)
	}
	require.Equal(t, 1, w.desk.asked("/ocsp"))
}

// TestRevocationNextUpdateEndsAnswers has authorities that promise little.
func TestRevocationNextUpdateEndsAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list, err := w.root.RevocationList(1, w.now(), w.now().Add(time.Minute), nil)
	require.NoError(t, err)
	leaf := w.issue(w.root, at("", w.desk.on("/crl", serve(list))))
	v := w.verifier(asking(&eidas.Revocation{}))
	_, err = w.verify(v, leaf)
	require.NoError(t, err)
	w.turn(time.Minute - time.Microsecond)
	_, err = w.verify(v, leaf)
	require.NoError(t, err)
	require.Equal(t, 1, w.desk.asked("/crl"))
	w.turn(time.Microsecond)
	_, err = w.verify(v, leaf)
	requireReason(t, eidas.Unknown, err)
	require.Equal(t, 2, w.desk.asked("/crl"))
}

// TestRevocationSharesLists has many certificates of one authority, asked for by two
// verifiers.
func TestRevocationSharesLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.desk.on("/crl", w.crl(w.root))
	shared := &eidas.Revocation{}
	web, seals := w.verifier(asking(shared)), w.verifier(asking(shared))
	for range 3 {
		_, err := w.verify(web, w.issue(w.root, at("", address)))
		require.NoError(t, err)
		seal := w.issue(w.root, at("", address), func(o *issue.Order) { o.Type = eidas.Seal })
		_, err = seals.Verify(t.Context(), eidas.Seal, seal.Certificate.Raw)
		require.NoError(t, err)
	}
	require.Equal(t, 1, w.desk.asked("/crl"))
}

func TestRevocationOfParallelCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ocsp, crl := w.desk.on("/ocsp", w.ocsp(w.root)), w.desk.on("/crl", w.crl(w.root))
	one := w.issue(w.root, at(ocsp, ""))
	listed := []*issue.Issued{w.issue(w.root, at("", crl)), w.issue(w.root, at("", crl)), w.issue(w.root, at("", crl)), w.issue(w.root, at("", crl))}
	v := w.verifier(asking(&eidas.Revocation{Timeout: time.Minute}))
	errs := make([]error, 64)
	start := make(chan struct{})
	var callers sync.WaitGroup
	for i := range 32 {
		callers.Go(func() { <-start; _, errs[i] = w.verify(v, one) })
		callers.Go(func() { <-start; _, errs[32+i] = w.verify(v, listed[i%len(listed)]) })
	}
	close(start)
	callers.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, 1, w.desk.asked("/ocsp"))
	require.Equal(t, 1, w.desk.asked("/crl"))
}

// TestRevocationEndsByTimeout has servers that never answer.
func TestRevocationEndsByTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := make(chan struct{})
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}
	t.Cleanup(func() { close(end) })
	ocsp, dead := w.desk.on("/ocsp", hang), w.desk.on("/dead", hang)
	crl := w.desk.on("/crl", w.crl(w.root))
	verify := func(timeout time.Duration, leaf *issue.Issued) error {
		began := time.Now()
		_, err := w.verify(w.verifier(asking(&eidas.Revocation{Timeout: timeout})), leaf)
		require.Less(t, time.Since(began), timeout+10*time.Second)
		return err
	}
	require.NoError(t, verify(4*time.Second, w.issue(w.root, at(ocsp, crl))), "a responder that hangs leaves time for the list")
	requireReason(t, eidas.Unknown, verify(100*time.Millisecond, w.issue(w.root, at(ocsp, ""))))
	requireReason(t, eidas.Unknown, verify(100*time.Millisecond, w.issue(w.root, at(ocsp, dead))))
}

func TestRevocationLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.desk.on("/good", w.ocsp(w.root))
	large := w.desk.on("/large", serve(make([]byte, 64<<10+1)))
	largeList := w.desk.on("/large.crl", serve(make([]byte, 20<<20+1)))
	tests := []struct {
		name   string
		change func(*issue.Order)
		reason eidas.Reason
		cause  string
	}{
		{"a large answer", at(large, ""), eidas.Unknown, "more than 65536 bytes"},
		{"a large list", at("", largeList), eidas.Unknown, "more than 20971520 bytes"},
		{"many addresses", func(o *issue.Order) {
			o.OCSP = []string{w.desk.on("/a", down), w.desk.on("/b", down), w.desk.on("/c", down), w.desk.on("/d", down), good}
		}, eidas.Unknown, "/d: answered 503"},
		{"a good one after bad ones", func(o *issue.Order) { o.OCSP = []string{"::", "http://[", w.desk.on("/e", down), good} }, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := w.verifier(asking(&eidas.Revocation{HTTP: &http.Client{CheckRedirect: nil}, Timeout: 30 * time.Second}))
			_, err := w.verify(v, w.issue(w.root, tt.change))
			requireReason(t, tt.reason, err)
			if tt.cause != "" {
				require.ErrorContains(t, err, tt.cause)
			}
		})
	}
}
