package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
	"consentd/pkg/xs2a"
)

// TestTrust is the main job among strangers: a TPP comes with its certificates, is
// entered, creates and has a consent authorised; the back office shuts it out and
// ends what it has, and lets it in again.
func TestTrust(t *testing.T) {
	s := trusting(t)
	dir, web := s.kit(s.ca, nil, nil)
	tpp := s.client(dir)
	created, meta, err := tpp.CreateConsent(t.Context(), s.offered(), tppOptions())
	require.NoError(t, err)
	require.Empty(t, created.TPPMessages, "the redirect URI lies in the certificate's domain")
	require.True(t, strings.HasPrefix(meta.Location(), "https://"), meta.Location())
	u := s.authorise(created.Links["scaRedirect"].Href, "anna", "DE40100100103307118608")
	require.Equal(t, "https://www.acme.example/back", u.to)
	require.Equal(t, "valid", s.status(tpp, created.ConsentID))

	status, body := s.bank(http.MethodGet, "/aspsp/v1/tpps", s.backOffice, "")
	require.Equal(t, http.StatusOK, status, body)
	cert, err := eidas.Parse(web.Certificate)
	require.NoError(t, err)
	for _, word := range []string{`"id":"` + acme + `"`, `"name":"Acme Money"`, `"PSP_AI"`, cert.Fingerprint} {
		require.Contains(t, body, word)
	}

	at := "/aspsp/v1/tpps/" + url.PathEscape(acme) + "/block"
	status, body = s.bank(http.MethodPut, at, s.backOffice, `{"reason":"licence withdrawn","endConsents":true}`)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `"endedConsents":1`)
	_, _, err = tpp.Consent(t.Context(), created.ConsentID)
	requireCode(t, err, http.StatusUnauthorized, xs2a.CertificateBlocked)
	status, body = s.bank(http.MethodDelete, at, s.backOffice, "")
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "terminatedByAspsp", s.status(tpp, created.ConsentID))
}

// requireCode wants an error of the API with one message, and returns that.
func requireCode(t *testing.T, err error, status int, code xs2a.Code) xs2a.TPPMessage {
	t.Helper()
	var e *client.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, status, e.Status, "%v", e)
	require.Len(t, e.Messages, 1)
	require.Equal(t, code, e.Messages[0].Code, "%v", e)
	return e.Messages[0]
}

// TestBackOfficeIsShut lets nobody in without a token of the right role.
func TestBackOfficeIsShut(t *testing.T) {
	s := trusting(t)
	for token, want := range map[string]int{"": 401, "consentd_wrong": 401, s.read: 403, s.backOffice: 200} {
		status, body := s.bank(http.MethodGet, "/aspsp/v1/tpps", token, "")
		require.Equal(t, want, status, body)
	}
	for _, surface := range []string{"psu", "ops"} {
		require.Equal(t, http.StatusNotFound, get(t, s.url(surface)+"/aspsp/v1/tpps"), surface)
	}
	require.Equal(t, http.StatusNotFound, get(t, s.url("bank")+"/v1/consents"))
}

// TestCertificateCodes gives every way of being no good its code (XS2A 1.3.x §14).
func TestCertificateCodes(t *testing.T) {
	s := trusting(t)
	stranger, err := issue.New("Nobody's CA", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0))
	require.NoError(t, err)
	past := func(o *issue.Order) {
		o.NotBefore, o.NotAfter = time.Now().AddDate(0, -2, 0), time.Now().AddDate(0, -1, 0)
	}
	for name, c := range map[string]struct {
		by          *issue.Authority
		qwac, qseal func(*issue.Order)
		revoke      bool
		code        xs2a.Code
		funds       bool
	}{
		"good":                  {},
		"expired":               {qwac: past, code: xs2a.CertificateExpired},
		"not yet valid":         {qwac: func(o *issue.Order) { o.NotBefore = time.Now().Add(time.Hour) }, code: xs2a.CertificateInvalid},
		"untrusted":             {by: stranger, code: xs2a.CertificateInvalid},
		"without statement":     {qwac: func(o *issue.Order) { o.NoStatement = true }, code: xs2a.CertificateInvalid},
		"revoked":               {revoke: true, code: xs2a.CertificateRevoke},
		"without role":          {qwac: func(o *issue.Order) { o.Roles = []eidas.Role{eidas.RolePI, eidas.RoleIC} }, code: xs2a.RoleInvalid},
		"without role of funds": {qwac: func(o *issue.Order) { o.Roles = []eidas.Role{eidas.RoleAI} }, code: xs2a.RoleInvalid, funds: true},
		"flat statement":        {qwac: func(o *issue.Order) { o.Encoding, o.Roles = issue.Flat, []eidas.Role{eidas.RolePI, eidas.RoleAI} }},
		"unwrapped statement":   {qwac: func(o *issue.Order) { o.Encoding = issue.Unwrapped }},
		"seal expired":          {qseal: past, code: xs2a.CertificateExpired},
		"seal of another":       {qseal: func(o *issue.Order) { o.Organisation = "PSDDE-BAFIN-999999" }, code: xs2a.SignatureInvalid},
		"seal of another NCA":   {qseal: func(o *issue.Order) { o.Organisation, o.NCAID = "PSDAT-FMA-125314", "AT-FMA" }, code: xs2a.SignatureInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			by := c.by
			if by == nil {
				by = s.ca
			}
			dir, web := s.kit(by, func(o *issue.Order) {
				if c.revoke {
					o.CRL = []string{s.list.URL + "/revoked"}
				}
				if c.qwac != nil {
					c.qwac(o)
				}
			}, c.qseal)
			if c.revoke {
				s.revoked.Store(web.Certificate.SerialNumber.String(), true)
			}
			tpp := s.client(dir)
			if c.funds {
				_, _, err := tpp.ConfirmFunds(t.Context(), xs2a.FundsConfirmationRequest{
					Account:          xs2a.AccountReference{IBAN: "FR7617515000920400430518117"},
					InstructedAmount: xs2a.Amount{Currency: "EUR", Amount: "1.00"},
				}, client.ConfirmOptions{})
				requireCode(t, err, http.StatusUnauthorized, c.code)
				return
			}
			_, _, err := tpp.CreateConsent(t.Context(), s.offered(), tppOptions())
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			requireCode(t, err, http.StatusUnauthorized, c.code)
		})
	}
}

// TestSignatureCodes does the same for signatures, and for no certificate at all.
func TestSignatureCodes(t *testing.T) {
	s := trusting(t)
	dir, _ := s.kit(s.ca, nil, nil)
	kit, err := client.LoadKit(dir)
	require.NoError(t, err)
	unsigned, err := client.New(s.url("tpp"), client.WithHTTPClient(s.over(kit)))
	require.NoError(t, err)
	_, _, err = unsigned.CreateConsent(t.Context(), s.offered(), tppOptions())
	requireCode(t, err, http.StatusUnauthorized, xs2a.SignatureMissing)

	missing := *kit
	missing.QWAC.Certificate = nil
	anonymous, err := client.New(s.url("tpp"), client.WithHTTPClient(s.over(&missing)), client.WithSigner(kit.Signer()))
	require.NoError(t, err)
	_, _, err = anonymous.CreateConsent(t.Context(), s.offered(), tppOptions())
	requireCode(t, err, http.StatusUnauthorized, xs2a.CertificateMissing)

	spoilt := client.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r.Header.Set("TPP-Redirect-URI", "https://www.acme.example/elsewhere")
		return s.over(kit).Transport.RoundTrip(r)
	})})
	tampered, err := client.New(s.url("tpp"), spoilt, client.WithSigner(kit.Signer()))
	require.NoError(t, err)
	_, _, err = tampered.CreateConsent(t.Context(), s.offered(), tppOptions())
	e := requireCode(t, err, http.StatusUnauthorized, xs2a.SignatureInvalid)
	require.Equal(t, "Header.Signature", e.Path)
}

// roundTrip is a function as a transport.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDomains holds redirect URIs against the certificate: a warning, or a refusal.
func TestDomains(t *testing.T) {
	o := tppOptions()
	o.RedirectURI = "https://acme.example.evil.example/back"
	warned := trusting(t)
	dir, _ := warned.kit(warned.ca, nil, nil)
	created, _, err := warned.client(dir).CreateConsent(t.Context(), warned.offered(), o)
	require.NoError(t, err)
	require.Equal(t, []xs2a.TPPMessage{{
		Category: xs2a.CategoryWarning, Code: xs2a.Warning, Path: "Header.TPP-Redirect-URI",
		Text: "does not lie in a domain of the client certificate (CN or SubjectAltName)",
	}}, created.TPPMessages)

	strict := trusting(t, "tpps: {anchors: [CAFILE], domains: reject}")
	dir, _ = strict.kit(strict.ca, nil, nil)
	_, _, err = strict.client(dir).CreateConsent(t.Context(), strict.offered(), o)
	e := requireCode(t, err, http.StatusBadRequest, xs2a.FormatError)
	require.Equal(t, "Header.TPP-Redirect-URI", e.Path)
}

// TestDetachedJWS signs by x-jws-signature both ways: the TPP its calls, the bank
// its answers, refusals included.
func TestDetachedJWS(t *testing.T) {
	s := trusting(t)
	seal, err := s.ca.Issue(s.order(eidas.Seal, func(o *issue.Order) { o.Name = "Example Bank" }))
	require.NoError(t, err)
	bank := t.TempDir()
	save(t, bank, "seal", seal)
	sealed := trusting(t, "signature: {jws: true, answers: {certificateFile: "+bank+"/seal.pem, keyFile: "+bank+"/seal.key}}")
	dir, _ := sealed.kit(sealed.ca, nil, nil)
	kit, err := client.LoadKit(dir)
	require.NoError(t, err)
	profile := httpsig.DefaultJWSProfile(time.Now)
	answers := 0
	checked := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		res, err := sealed.over(kit).Transport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body := drained(t, res)
		require.NoError(t, profile.VerifyResponse(res.Header, body, seal.Certificate))
		answers++
		return res, nil
	})}
	tpp, err := client.New(sealed.url("tpp"), client.WithHTTPClient(checked), client.WithJWSSigner(kit.JWSSigner(time.Now)))
	require.NoError(t, err)
	created, _, err := tpp.CreateConsent(t.Context(), sealed.offered(), tppOptions())
	require.NoError(t, err)
	_, err = tpp.DeleteConsent(t.Context(), created.ConsentID)
	require.NoError(t, err, "an answer without a body is signed too")
	_, _, err = tpp.Consent(t.Context(), "00000000-0000-0000-0000-000000000000")
	requireCode(t, err, http.StatusForbidden, xs2a.ConsentUnknown)
	require.Equal(t, 3, answers)

	plain := trusting(t)
	plainDir, _ := plain.kit(plain.ca, nil, nil)
	plainKit, err := client.LoadKit(plainDir)
	require.NoError(t, err)
	unknown, err := client.New(plain.url("tpp"), client.WithHTTPClient(plain.over(plainKit)), client.WithJWSSigner(plainKit.JWSSigner(time.Now)))
	require.NoError(t, err)
	_, _, err = unknown.CreateConsent(t.Context(), plain.offered(), tppOptions())
	requireCode(t, err, http.StatusBadRequest, xs2a.FormatError)
}

// TestAuditNamesTheCertificate: who did it, and with which certificate.
func TestAuditNamesTheCertificate(t *testing.T) {
	s := trusting(t)
	dir, web := s.kit(s.ca, nil, nil)
	created, _, err := s.client(dir).CreateConsent(t.Context(), s.offered(), tppOptions())
	require.NoError(t, err)
	_, _, err = s.client(dir).Consent(t.Context(), "00000000-0000-0000-0000-000000000000")
	require.Error(t, err)
	cert, err := eidas.Parse(web.Certificate)
	require.NoError(t, err)
	entries := s.audit()
	require.NotEmpty(t, entries[created.ConsentID])
	for chain, list := range entries {
		if strings.HasPrefix(chain, "token/") {
			continue // an operator's doing
		}
		for _, e := range list {
			require.Equal(t, acme, e.Who, chain)
			require.Equal(t, cert.Fingerprint, e.Certificate, chain)
		}
	}
	require.GreaterOrEqual(t, len(entries), 5, "the consent, the register, what was refused, and two tokens")
	encoded, err := json.Marshal(entries)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), "BEGIN", "a fingerprint, not the certificate")
}
