package bankauth_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/tokens"
)

const secret = "consentd_AZaz09-_AZaz09-_AZaz09-_AZaz09-_AZaz09-_abc"

var tokenID = uuid.MustParse("0198f2c4-5a3e-7c61-9b0e-3f1d7a52c9e4")

// shelf knows one token.
type shelf struct{ fails error }

func (s shelf) Check(_ context.Context, given string) (tokens.Token, error) {
	if s.fails != nil {
		return tokens.Token{}, s.fails
	}
	if given != secret {
		return tokens.Token{}, consent.E(consent.CodeUnauthenticated, "told apart")
	}
	return tokens.Token{ID: tokenID, Name: "Desk", Role: service.BackOffice}, nil
}

func request(t *testing.T, authorization ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header["Authorization"] = authorization
	if len(authorization) == 0 {
		delete(r.Header, "Authorization")
	}
	return r
}

var desk = bankauth.Caller{ID: "token/" + tokenID.String(), Name: "Desk", Role: service.BackOffice}

func TestBearer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sent []string
		want bool
		says string
	}{
		"right":                  {sent: []string{"Bearer " + secret}, want: true},
		"scheme in lower case":   {sent: []string{"bearer " + secret}, want: true},
		"scheme in capitals":     {sent: []string{"BEARER " + secret}, want: true},
		"several spaces":         {sent: []string{"Bearer   " + secret}, want: true},
		"nothing":                {says: "is required"},
		"empty header":           {sent: []string{""}, says: "must be Bearer"},
		"scheme alone":           {sent: []string{"Bearer"}, says: "must be Bearer"},
		"no token":               {sent: []string{"Bearer "}, says: "must be Bearer"},
		"token alone":            {sent: []string{secret}, says: "must be Bearer"},
		"another scheme":         {sent: []string{"Basic " + secret}, says: "must be Bearer"},
		"another scheme's kin":   {sent: []string{"Bearerx " + secret}, says: "must be Bearer"},
		"tab for a space":        {sent: []string{"Bearer\t" + secret}, says: "must be Bearer"},
		"two headers":            {sent: []string{"Bearer " + secret, "Bearer " + secret}, says: "once"},
		"two in one line":        {sent: []string{"Bearer " + secret + ", Bearer " + secret}, says: "must be Bearer"},
		"something behind it":    {sent: []string{"Bearer " + secret + " x"}, says: "must be Bearer"},
		"padding in the middle":  {sent: []string{"Bearer a=b"}, says: "must be Bearer"},
		"quotes":                 {sent: []string{`Bearer "` + secret + `"`}, says: "must be Bearer"},
		"not ASCII":              {sent: []string{"Bearer ü"}, says: "must be Bearer"},
		"far too long":           {sent: []string{"Bearer " + strings.Repeat("a", 513)}, says: "must be Bearer"},
		"unknown":                {sent: []string{"Bearer " + secret[1:]}, says: "unknown, past its end or revoked"},
		"other capitals":         {sent: []string{"Bearer " + strings.ToUpper(secret)}, says: "unknown, past its end or revoked"},
		"padding behind a token": {sent: []string{"Bearer " + secret + "="}, says: "unknown, past its end or revoked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for who, a := range map[string]bankauth.Authenticator{
				"stored": bankauth.Bearer{Tokens: shelf{}}, "fixed": bankauth.Fixed{secret: desk},
			} {
				caller, err := a.Authenticate(request(t, c.sent...))
				if c.want {
					require.NoError(t, err, who)
					assert.Equal(t, desk, caller, who)
					continue
				}
				assert.Zero(t, caller, who)
				assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), who)
				e, ok := errors.AsType[*consent.Error](err)
				require.True(t, ok, who)
				assert.Contains(t, e.Text, c.says, who)
				assert.NotContains(t, e.Text, "told apart", "what was wrong with the token is nobody's business")
				assert.NotContains(t, err.Error(), secret[1:], "no token in an error")
			}
		})
	}
}

// A token in the URL, or in a form, is none.
func TestTokenCountsInTheHeaderOnly(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?access_token="+secret, strings.NewReader("access_token="+secret))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err := bankauth.Bearer{Tokens: shelf{}}.Authenticate(r)
	assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err))
}

// That nobody can tell is not the caller's fault.
func TestTokensThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	down := consent.E(consent.CodeUnavailable, "down")
	caller, err := bankauth.Any{bankauth.Bearer{Tokens: shelf{fails: down}}, certificates(t)}.Authenticate(withCertificate(request(t, "Bearer "+secret), core))
	require.ErrorIs(t, err, down)
	assert.Zero(t, caller)
}

// noon is when everything happens; certificates hold for the hour around it.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

var (
	core  = named("core", rdn("O", "Bank"), rdn("CN", "core"))
	hub   = named("hub", rdn("O", "Bank"), rdn("CN", "hub"))
	other = named("other", rdn("CN", "core"))
)

// rdn is a part of a name: attributes that are of one set.
func rdn(attributes ...string) pkix.RelativeDistinguishedNameSET {
	types := map[string]int{"CN": 3, "O": 10, "OU": 11}
	var set pkix.RelativeDistinguishedNameSET
	for i := 0; i < len(attributes); i += 2 {
		set = append(set, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, types[attributes[i]]}, Value: attributes[i+1]})
	}
	return set
}

// named is a certificate with this subject, as x509 reads it.
func named(raw string, subject ...pkix.RelativeDistinguishedNameSET) *x509.Certificate {
	der, err := asn1.Marshal(pkix.RDNSequence(subject))
	if err != nil {
		panic(err) // of texts it never fails
	}
	c := &x509.Certificate{Raw: []byte(raw), RawSubject: der, NotBefore: noon.Add(-30 * time.Minute), NotAfter: noon.Add(30 * time.Minute)}
	sequence := pkix.RDNSequence(subject)
	c.Subject.FillFromRDNSequence(&sequence)
	return c
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func certificates(t *testing.T) *bankauth.Certificates {
	t.Helper()
	c, err := bankauth.NewCertificates(
		bankauth.Holder{Name: "core", Role: service.ResourceServer, Fingerprint: fingerprint(core)},
		bankauth.Holder{Name: "hub", Role: service.Hub, Subject: "CN=hub,O=Bank"},
	)
	require.NoError(t, err)
	return c
}

// withCertificate is a request over a connection whose certificate was verified.
func withCertificate(r *http.Request, leaf *x509.Certificate) *http.Request {
	issuer := &x509.Certificate{
		Raw: []byte("issuer"), RawSubject: hub.RawSubject, Subject: hub.Subject, NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
	}
	r.TLS = &tls.ConnectionState{
		PeerCertificates: []*x509.Certificate{leaf, issuer}, VerifiedChains: [][]*x509.Certificate{{leaf, issuer}},
	}
	return r
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	known := certificates(t)
	caller, err := known.Authenticate(withCertificate(request(t), core))
	require.NoError(t, err)
	assert.Equal(t, bankauth.Caller{ID: "certificate/core", Name: "core", Role: service.ResourceServer}, caller)
	caller, err = known.Authenticate(withCertificate(request(t), hub))
	require.NoError(t, err)
	assert.Equal(t, bankauth.Caller{ID: "certificate/hub", Name: "hub", Role: service.Hub}, caller)

	shownOnly := withCertificate(request(t), core)
	shownOnly.TLS.VerifiedChains = nil
	empty := withCertificate(request(t), core)
	empty.TLS.VerifiedChains = [][]*x509.Certificate{{}}
	bare := request(t)
	bare.TLS = &tls.ConnectionState{}
	for name, r := range map[string]*http.Request{
		"no TLS": request(t), "no certificate": bare, "shown, not verified": shownOnly, "empty chain": empty,
		"unknown, though its issuer has a known name": withCertificate(request(t), other),
	} {
		caller, err := known.Authenticate(r)
		assert.Zero(t, caller, name)
		assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), name)
	}
}

// A subject is known as a whole: whoever gets to choose a part of its name is not
// taken for another by it.
func TestSubjectsThatAreAlike(t *testing.T) {
	t.Parallel()
	known := certificates(t)
	for name, subject := range map[string][]pkix.RelativeDistinguishedNameSET{
		"another name before it":       {rdn("O", "Bank"), rdn("CN", "printer-7"), rdn("CN", "hub")},
		"another name behind it":       {rdn("O", "Bank"), rdn("CN", "hub"), rdn("CN", "printer-7")},
		"the same name twice":          {rdn("O", "Bank"), rdn("CN", "hub"), rdn("CN", "hub")},
		"another name beside it":       {rdn("O", "Bank"), rdn("CN", "printer-7", "CN", "hub")},
		"both parts in one":            {rdn("O", "Bank", "CN", "hub")},
		"another order":                {rdn("CN", "hub"), rdn("O", "Bank")},
		"another organisation as well": {rdn("O", "Bank"), rdn("O", "Bank"), rdn("CN", "hub")},
		"a part more":                  {rdn("O", "Bank"), rdn("OU", "Printers"), rdn("CN", "hub")},
		"a part less":                  {rdn("CN", "hub")},
		"a comma in the name":          {rdn("CN", "hub,O=Bank")},
		"nothing":                      {},
	} {
		caller, err := known.Authenticate(withCertificate(request(t), named("alike", subject...)))
		assert.Zero(t, caller, name)
		assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), name)
	}
	broken := named("broken")
	broken.RawSubject = hub.RawSubject[:3]
	_, err := known.Authenticate(withCertificate(request(t), broken))
	assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err))

	several, err := bankauth.NewCertificates(
		bankauth.Holder{Name: "printer", Role: service.Hub, Subject: "CN=hub,CN=printer-7,O=Bank"},
		bankauth.Holder{Name: "both", Role: service.Hub, Subject: `CN=hub+OU=a\,b,O=Bank`})
	require.NoError(t, err)
	caller, err := several.Authenticate(withCertificate(request(t), named("x", rdn("O", "Bank"), rdn("CN", "printer-7"), rdn("CN", "hub"))))
	require.NoError(t, err)
	assert.Equal(t, "printer", caller.Name)
	caller, err = several.Authenticate(withCertificate(request(t), named("x", rdn("O", "Bank"), rdn("OU", "a,b", "CN", "hub"))))
	require.NoError(t, err)
	assert.Equal(t, "both", caller.Name)
}

func TestHoldersThatAreWrong(t *testing.T) {
	t.Parallel()
	good := bankauth.Holder{Name: "core", Role: service.Hub, Fingerprint: fingerprint(core)}
	for name, c := range map[string]struct {
		change func(*bankauth.Holder)
		want   string
	}{
		"no name":             {func(h *bankauth.Holder) { h.Name = "" }, "certificate 2: a name is required"},
		"no role":             {func(h *bankauth.Holder) { h.Role = "boss" }, `certificate 2: there is no role "boss"`},
		"both":                {func(h *bankauth.Holder) { h.Subject = "CN=core" }, "certificate 2: either a fingerprint or a subject"},
		"neither":             {func(h *bankauth.Holder) { h.Fingerprint = "" }, "certificate 2: either a fingerprint or a subject"},
		"capitals":            {func(h *bankauth.Holder) { h.Fingerprint = strings.ToUpper(h.Fingerprint) }, "64 lower-case hexadecimal digits"},
		"too short":           {func(h *bankauth.Holder) { h.Fingerprint = h.Fingerprint[2:] }, "64 lower-case hexadecimal digits"},
		"another's name":      {func(h *bankauth.Holder) { h.Name = "first" }, "certificate 2: the name is another's too"},
		"another's print":     {func(h *bankauth.Holder) { h.Fingerprint = fingerprint(hub) }, "certificate 2: the certificate is another's too"},
		"nothing is wrong":    {func(*bankauth.Holder) {}, ""},
		"subject for a print": {func(h *bankauth.Holder) { h.Fingerprint, h.Subject = "", "CN=core" }, ""},
	} {
		h := good
		c.change(&h)
		_, err := bankauth.NewCertificates(bankauth.Holder{Name: "first", Role: service.Hub, Fingerprint: fingerprint(hub)}, h)
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		assert.ErrorContains(t, err, c.want, name)
	}
}

// Who sends a token is judged by it, whatever certificate the connection has.
func TestTheTokenDecides(t *testing.T) {
	t.Parallel()
	both := bankauth.Any{bankauth.Bearer{Tokens: shelf{}}, certificates(t)}
	caller, err := both.Authenticate(withCertificate(request(t, "Bearer "+secret), core))
	require.NoError(t, err)
	assert.Equal(t, service.BackOffice, caller.Role)

	caller, err = both.Authenticate(withCertificate(request(t), core))
	require.NoError(t, err)
	assert.Equal(t, service.ResourceServer, caller.Role)

	for _, wrong := range []string{"Bearer x", "Basic x", ""} {
		_, err = both.Authenticate(withCertificate(request(t, wrong), core))
		assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), wrong)
	}
	for _, nobody := range []bankauth.Any{both, nil} {
		_, err = nobody.Authenticate(request(t))
		assert.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err))
	}
}
