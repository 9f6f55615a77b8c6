package xs2a

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
	wire "consentd/pkg/xs2a"
)

// Every domain code has an answer, and no answer is for a code that is gone.
func TestTableIsTotal(t *testing.T) {
	t.Parallel()
	codes := consent.Codes()
	for _, code := range codes {
		assert.Contains(t, messages, code)
	}
	for code := range messages {
		assert.Contains(t, codes, code)
	}
}

// The statuses and codes are those that the standard joins for account
// information, and those without a body have no code.
func TestTableIsTheStandards(t *testing.T) {
	t.Parallel()
	standard := map[int][]wire.Code{
		http.StatusBadRequest:           {wire.FormatError, wire.ParameterNotSupported, wire.SessionsNotSupported, wire.ServiceInvalid, wire.ScaMethodUnknown, wire.ScaInvalid, wire.ConsentUnknown, wire.NoPiisActivation},
		http.StatusUnauthorized:         {wire.CertificateInvalid, wire.CertificateMissing, wire.CertificateExpired, wire.CertificateBlocked, wire.CertificateRevoke, wire.RoleInvalid, wire.TokenInvalid, wire.TokenUnknown, wire.TokenExpired, wire.SignatureInvalid, wire.SignatureMissing, wire.PsuCredentialsInvalid, wire.ConsentInvalid, wire.ConsentExpired, wire.CorporateIDInvalid},
		http.StatusForbidden:            {wire.ConsentUnknown, wire.ServiceBlocked, wire.ResourceUnknown, wire.ResourceExpired},
		http.StatusNotFound:             {wire.ResourceUnknown},
		http.StatusMethodNotAllowed:     {wire.ServiceInvalid},
		http.StatusNotAcceptable:        {wire.RequestedFormatsInvalid},
		http.StatusConflict:             {wire.StatusInvalid},
		http.StatusTooManyRequests:      {wire.AccessExceeded},
		http.StatusRequestTimeout:       nil,
		http.StatusUnsupportedMediaType: nil,
		http.StatusInternalServerError:  nil,
		http.StatusServiceUnavailable:   nil,
	}
	for code, m := range messages {
		allowed, ok := standard[m.status]
		require.True(t, ok, "%s: %d", code, m.status)
		assert.Equal(t, allowed == nil, m.bare, code)
		assert.Equal(t, m.bare, m.code == "", code)
		assert.True(t, m.bare || slices.Contains(allowed, m.code), "%s: %d %s", code, m.status, m.code)
	}
}

func TestTextsAndMessagesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", maxText+1)
	_, body := Options{}.render(http.StatusBadRequest, consent.Faults{fault("access", long)}, false)
	e, ok := body.(wire.Error)
	require.True(t, ok)
	assert.Equal(t, strings.Repeat("ü", maxText), e.TPPMessages[0].Text)
	_, body = Options{}.render(http.StatusBadRequest, consent.Faults{fault("access", long)}, true)
	p, ok := body.(wire.Problem)
	require.True(t, ok)
	assert.Len(t, []rune(p.Detail), maxText)

	many := make(consent.Faults, edge.MaxFaults+1)
	for i := range many {
		many[i] = fault("access", "x")
	}
	assert.Len(t, edge.Faults(many), edge.MaxFaults)
}

func TestApproach(t *testing.T) {
	t.Parallel()
	all := []consent.Approach{consent.Redirect, consent.Decoupled, consent.Embedded}
	for _, c := range []struct {
		redirect, decoupled string
		offered             []consent.Approach
		want                consent.Approach
	}{
		{"", "", all, consent.Redirect},
		{"true", "", all, consent.Redirect},
		{"true", "true", all, consent.Redirect},
		{"true", "false", all, consent.Redirect},
		{"", "true", all, consent.Redirect},
		{"", "false", all, consent.Redirect},
		{"false", "", all, consent.Decoupled},
		{"false", "true", all, consent.Decoupled},
		{"false", "false", all, consent.Embedded},
		{"false", "false", []consent.Approach{consent.Redirect, consent.Decoupled}, consent.Redirect},
		{"false", "true", []consent.Approach{consent.Redirect}, consent.Redirect},
		{"", "", []consent.Approach{consent.Decoupled, consent.Embedded}, consent.Decoupled},
	} {
		header := http.Header{}
		for key, value := range map[string]string{keyRedirectPreferred: c.redirect, keyDecoupledPreferred: c.decoupled} {
			if value != "" {
				header.Set(key, value)
			}
		}
		h := &Handler{Options: Options{Approaches: c.offered}}
		k := &call{req: &http.Request{Header: header}, ep: &endpoint{place: onCreate}}
		assert.Equal(t, c.want, h.approach(k), "%+v", c)
	}
}
