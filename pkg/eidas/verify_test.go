package eidas_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// template changes the template of a certificate.
func template(change func(*x509.Certificate)) func(*issue.Order) {
	return func(o *issue.Order) { o.Change = change }
}

// TestVerifyJudgesOneCertificate has the reasons that need one authority alone.
func TestVerifyJudgesOneCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expired := func(o *issue.Order) { o.NotAfter = w.now().Add(-time.Second) }
	early := func(o *issue.Order) { o.NotBefore = w.now().Add(time.Second) }
	seal := func(o *issue.Order) { o.Type = eidas.Seal }
	tests := []struct {
		name   string
		want   eidas.Type
		change []func(*issue.Order)
		reason eidas.Reason
	}{
		{"a QWAC", eidas.Web, nil, ""},
		{"a QSEAL", eidas.Seal, []func(*issue.Order){seal}, ""},
		{"expired", eidas.Web, []func(*issue.Order){expired}, eidas.Expired},
		{"not yet valid", eidas.Web, []func(*issue.Order){early}, eidas.NotYetValid},
		{"valid this very second", eidas.Web, []func(*issue.Order){func(o *issue.Order) { o.NotBefore, o.NotAfter = w.now(), w.now() }}, ""},
		{"expired before its authority existed", eidas.Web, []func(*issue.Order){func(o *issue.Order) {
			o.NotBefore, o.NotAfter = w.now().Add(-900*day), w.now().Add(-800*day)
		}}, eidas.Expired},
		{"valid only after its authority", eidas.Web, []func(*issue.Order){func(o *issue.Order) {
			o.NotBefore, o.NotAfter = w.now().Add(800*day), w.now().Add(900*day)
		}}, eidas.NotYetValid},
		{"no statement", eidas.Web, []func(*issue.Order){func(o *issue.Order) { o.NoStatement = true }}, eidas.NoStatement},
		{"expired, no statement", eidas.Web, []func(*issue.Order){expired, func(o *issue.Order) { o.NoStatement = true }}, eidas.Expired},
		{"broken statement", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) {
			c.ExtraExtensions[0].Value = c.ExtraExtensions[0].Value[:len(c.ExtraExtensions[0].Value)-2]
		})}, eidas.Malformed},
		{"a seal for the connection", eidas.Web, []func(*issue.Order){seal}, eidas.Unusable},
		{"a QWAC for signatures", eidas.Seal, nil, eidas.Unusable},
		{"without type", eidas.Seal, []func(*issue.Order){func(o *issue.Order) { o.Encoding = issue.Bare }}, ""},
		{"key for encipherment", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })}, eidas.Unusable},
		{"no key usage", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.KeyUsage = 0 })}, ""},
		{"key for commitment, connection", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment })}, eidas.Unusable},
		{"key for commitment, seal", eidas.Seal, []func(*issue.Order){seal, template(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment })}, ""},
		{"for servers only", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })}, eidas.Unusable},
		{"for something unknown only", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{{1, 2, 3}}
		})}, eidas.Unusable},
		{"for any use", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })}, ""},
		{"no extended use", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.ExtKeyUsage = nil })}, ""},
		{"critical statement", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = true })}, ""},
		{"another critical extension", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}})
		})}, eidas.Unusable},
		{"an authority's", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.IsCA = true })}, eidas.Unusable},
		{"a short key", eidas.Web, []func(*issue.Order){func(o *issue.Order) { o.Key = rsaKey(t, 1024) }}, eidas.Untrusted},
		{"signed by SHA-1", eidas.Web, []func(*issue.Order){template(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })}, eidas.Untrusted},
		{"a good RSA key", eidas.Web, []func(*issue.Order){func(o *issue.Order) { o.Key = rsaKey(t, 2048) }}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			issued := w.issue(w.root, tt.change...)
			cert, err := w.verifier().Verify(t.Context(), tt.want, issued.Certificate.Raw)
			requireReason(t, tt.reason, err)
			if tt.reason == "" {
				require.Equal(t, "DE-BAFIN:PSDDE-BAFIN-125314", cert.ID())
			}
			// Of nobody's authority, each of them is untrusted before all.
			stranger := w.verifier(func(o *eidas.Options) { o.Anchors = eidas.NewAnchors() })
			_, err = stranger.Verify(t.Context(), tt.want, issued.Certificate.Raw)
			requireReason(t, eidas.Untrusted, err)
		})
	}
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return key
}

func TestVerifyRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.issue(w.root).Certificate.Raw
	tests := []struct {
		name          string
		leaf          []byte
		intermediates [][]byte
	}{
		{"nothing", nil, nil},
		{"no DER", []byte("certificate"), nil},
		{"trailing bytes", append(bytes.Clone(good), 0), nil},
		{"a large one", make([]byte, 16<<10+1), nil},
		{"a large intermediate", good, [][]byte{make([]byte, 16<<10+1)}},
		{"five intermediates", good, make([][]byte, 5)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := w.verifier().Verify(t.Context(), eidas.Web, tt.leaf, tt.intermediates...)
			requireReason(t, eidas.Malformed, err)
		})
	}
}

func TestVerifyFollowsChains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	middle := w.below(w.root, "Middle")
	lower := w.below(middle, "Lower")
	twin := w.authority("Test Root")
	over := w.below(w.root, "Over", func(c *x509.Certificate) { c.NotAfter = w.now().Add(-time.Second) })
	leaf, deep, old, direct := w.issue(middle), w.issue(lower), w.issue(over), w.issue(w.root)
	weak := weakAuthority(t, w)
	only := func(anchors ...*issue.Authority) *eidas.Anchors {
		certs := make([]*x509.Certificate, len(anchors))
		for i, a := range anchors {
			certs[i] = a.Certificate()
		}
		return eidas.NewAnchors(certs...)
	}
	tests := []struct {
		name    string
		anchors *eidas.Anchors
		leaf    *issue.Issued
		sent    [][]byte
		reason  eidas.Reason
	}{
		{"intermediate sent", only(w.root), leaf, raw(middle.Certificate()), ""},
		{"intermediate not sent", only(w.root), leaf, nil, eidas.Untrusted},
		{"intermediate unreadable", only(w.root), leaf, [][]byte{{1}}, eidas.Untrusted},
		{"rubbish beside it", only(w.root), leaf, [][]byte{{1}, middle.Certificate().Raw}, ""},
		{"intermediate expired", only(w.root), old, raw(over.Certificate()), eidas.Untrusted},
		{"issuer is the anchor", only(middle), leaf, nil, ""},
		{"issuer and root are anchors", only(w.root, middle), leaf, raw(middle.Certificate()), ""},
		{"two, in order", only(w.root), deep, raw(lower.Certificate(), middle.Certificate()), ""},
		{"two, out of order", only(w.root), deep, raw(middle.Certificate(), lower.Certificate()), ""},
		{"the root sent along", only(w.root), leaf, raw(w.root.Certificate(), middle.Certificate()), ""},
		{"a root sent, but no anchor", only(middle), w.issue(twin), raw(twin.Certificate()), eidas.Untrusted},
		{"another root of the same name", only(w.root), w.issue(twin), raw(twin.Certificate()), eidas.Untrusted},
		{"another root of the same name is the anchor", only(twin), direct, nil, eidas.Untrusted},
		{"no anchor", only(), direct, nil, eidas.Untrusted},
		{"nil anchors", nil, direct, raw(w.root.Certificate()), eidas.Untrusted},
		{"root with a short key", only(weak), w.issue(weak), nil, eidas.Untrusted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := w.verifier(func(o *eidas.Options) { o.Anchors = tt.anchors })
			_, err := v.Verify(t.Context(), eidas.Web, tt.leaf.Certificate.Raw, tt.sent...)
			requireReason(t, tt.reason, err)
		})
	}
}

// weakAuthority has a key of 1024 bits.
func weakAuthority(t *testing.T, w *world) *issue.Authority {
	t.Helper()
	key := rsaKey(t, 1024)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Weak"}, NotBefore: w.now().Add(-day), NotAfter: w.now().Add(day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	a, err := issue.Load(pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", pkcs8))
	require.NoError(t, err)
	return a
}

func TestVerifyBlockedIssuers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	middle := w.below(w.root, "Middle, Inc", func(c *x509.Certificate) {
		c.Subject.Country = []string{"DE"}
		c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: "VATDE-1"}}
	})
	leaf := w.issue(middle)
	colons := func(s string) string {
		var pairs []string
		for ; len(s) > 0; s = s[2:] {
			pairs = append(pairs, strings.ToUpper(s[:2]))
		}
		return strings.Join(pairs, ":")
	}
	tests := []struct {
		name    string
		entry   string
		blocked bool
	}{
		{"fingerprint", fingerprintOf(middle), true},
		{"fingerprint as openssl prints it", colons(fingerprintOf(middle)), true},
		{"fingerprint of the anchor", fingerprintOf(w.root), true},
		{"fingerprint of the certificate itself, which is no issuer", eidasFingerprint(leaf.Certificate), false},
		{"name as Go writes it", middle.Certificate().Subject.String(), true},
		{"name as openssl writes it", `organizationIdentifier=VATDE-1,CN=Middle\, Inc,O=Middle\, Inc,C=DE`, true},
		{"name the other way round", `C=DE, O="Middle, Inc", CN="middle, inc", OID.2.5.4.97=vatde-1`, true},
		{"name with hexadecimal", `CN=Middle\2C Inc,O=Middle\2c Inc,C=#13024445,2.5.4.97=#0c0756415444452d31`, true},
		{"name of the anchor", "CN=Test Root,O=Test Root", true},
		{"less than the name", `CN=Middle\, Inc`, true},
		{"less than the name, of the anchor", "O=Test Root", true},
		{"more than the name", `CN=Middle\, Inc,OU=Other`, false},
		{"a part of a value", "CN=Middle", false},
		{"another name", "CN=Other", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := w.verifier(func(o *eidas.Options) { o.BlockedIssuers = []string{"CN=Somebody Else", tt.entry} })
			_, err := w.verify(v, leaf)
			if !tt.blocked {
				require.NoError(t, err)
				return
			}
			requireReason(t, eidas.Blocked, err)
			// It comes before the certificate's own time, and after trust.
			_, err = w.verify(v, w.issue(middle, func(o *issue.Order) { o.NotAfter = w.now().Add(-time.Hour) }))
			requireReason(t, eidas.Blocked, err)
			_, err = w.verify(v, w.issue(w.authority("Test Root")))
			requireReason(t, eidas.Untrusted, err)
		})
	}
}

func fingerprintOf(a *issue.Authority) string { return eidasFingerprint(a.Certificate()) }

func TestVerifyGoesWithTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, leaf := w.verifier(), w.issue(w.root)
	steps := []struct {
		turn   time.Duration
		reason eidas.Reason
	}{
		{0, ""},
		{10 * day, ""},
		{time.Second, eidas.Expired},
		{-time.Second, ""},
		{-20*day - time.Second, eidas.NotYetValid},
		{time.Second, ""},
		{400 * day, eidas.Expired},
		{-400 * day, ""},
	}
	for i, s := range steps {
		w.turn(s.turn)
		_, err := w.verify(v, leaf)
		require.Equal(t, s.reason, eidas.ReasonOf(err), "step %d: %v", i, err)
	}
}

// TestVerifyKeepsNoVerdictBeyondItsChain turns the clock to where only an authority
// has ended.
func TestVerifyKeepsNoVerdictBeyondItsChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	short := w.below(w.root, "Short", func(c *x509.Certificate) { c.NotAfter = w.now().Add(time.Minute) })
	v, leaf := w.verifier(), w.issue(short)
	_, err := w.verify(v, leaf)
	require.NoError(t, err)
	w.turn(time.Minute)
	_, err = w.verify(v, leaf)
	require.NoError(t, err)
	w.turn(time.Microsecond)
	_, err = w.verify(v, leaf)
	requireReason(t, eidas.Untrusted, err)
}

func TestVerifyKeepsVerdictsApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, middle := w.verifier(), w.below(w.root, "Middle")
	leaf := w.issue(middle)
	first, err := w.verify(v, leaf)
	require.NoError(t, err)
	again, err := w.verify(v, leaf)
	require.NoError(t, err)
	require.Same(t, first, again, "the second answer comes from memory")

	_, err = v.Verify(t.Context(), eidas.Seal, leaf.Certificate.Raw, raw(leaf.Chain...)...)
	requireReason(t, eidas.Unusable, err)

	// A chain that was found is one whatever is sent; of another certificate, none was.
	alone, err := v.Verify(t.Context(), eidas.Web, leaf.Certificate.Raw)
	require.NoError(t, err)
	require.Same(t, first, alone)
	_, err = v.Verify(t.Context(), eidas.Web, w.issue(middle).Certificate.Raw)
	requireReason(t, eidas.Untrusted, err)
}

// TestVerifyCallerGoesAway lets the first caller leave while an authority thinks: the
// second gets the answer to the first one's question.
func TestVerifyCallerGoesAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	good := w.ocsp(w.root)
	address := w.desk.on("/ocsp", func(rw http.ResponseWriter, r *http.Request) {
		close(asked)
		<-answer
		good(rw, r)
	})
	leaf := w.issue(w.root, func(o *issue.Order) { o.OCSP = []string{address} })
	v := w.verifier(asking(&eidas.Revocation{Timeout: time.Minute}))

	ctx, leave := context.WithCancel(t.Context())
	var left error
	var callers sync.WaitGroup
	callers.Go(func() { _, left = v.Verify(ctx, eidas.Web, leaf.Certificate.Raw) })
	<-asked
	leave()
	callers.Wait()
	require.ErrorIs(t, left, context.Canceled)

	close(answer)
	_, err := w.verify(v, leaf)
	require.NoError(t, err)
	require.Equal(t, 1, w.desk.asked("/ocsp"))
}

// TestVerifyCertifiedTwice has an authority under two roots: one way to an anchor is
// enough, but for whom is blocked.
func TestVerifyCertifiedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.authority("Second Root")
	middle := w.below(w.root, "Middle", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{w.desk.URL + "/first"} })
	twice := *middle.Certificate()
	twice.CRLDistributionPoints, twice.AuthorityKeyId = []string{w.desk.URL + "/second"}, nil
	der, err := x509.CreateCertificate(rand.Reader, &twice, second.Certificate(), twice.PublicKey, keyOf(t, second))
	require.NoError(t, err)
	ocsp := w.desk.on("/ocsp", w.ocsp(middle))
	leaf := w.issue(middle, at(ocsp, ""))
	verify := func(change ...func(*eidas.Options)) error {
		change = append(change, asking(&eidas.Revocation{Timeout: 30 * time.Second}), func(o *eidas.Options) {
			o.Anchors = eidas.NewAnchors(w.root.Certificate(), second.Certificate())
		})
		_, err := w.verifier(change...).Verify(t.Context(), eidas.Web, leaf.Certificate.Raw, middle.Certificate().Raw, der)
		return err
	}
	revoked := w.crl(w.root, middle.Certificate().SerialNumber)
	tests := []struct {
		name          string
		first, second http.HandlerFunc
		reason        eidas.Reason
	}{
		{"both clear", w.crl(w.root), w.crl(second), ""},
		{"the first down", down, w.crl(second), ""},
		{"the second down", w.crl(w.root), down, ""},
		{"both down", down, down, eidas.Unknown},
		{"the first revoked", revoked, w.crl(second), ""},
		{"the first revoked, the second down", revoked, down, eidas.Revoked},
		{"the first down, the second revoked", down, w.crl(second, middle.Certificate().SerialNumber), eidas.Revoked},
	}
	for _, tt := range tests {
		w.desk.on("/first", tt.first)
		w.desk.on("/second", tt.second)
		err := verify()
		require.Equal(t, tt.reason, eidas.ReasonOf(err), "%s: %v", tt.name, err)
	}
	requireReason(t, eidas.Blocked, verify(func(o *eidas.Options) { o.BlockedIssuers = []string{fingerprintOf(second)} }))
	w.desk.on("/ocsp", w.ocsp(middle, leaf.Certificate.SerialNumber))
	requireReason(t, eidas.Revoked, verify())
}
