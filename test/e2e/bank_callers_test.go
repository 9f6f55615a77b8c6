package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// TestBankCertificates lets systems of the bank in by certificates of its own
// authority; all others are answered and written down, not cut off in the
// handshake.
func TestBankCertificates(t *testing.T) {
	now := time.Now()
	authority := func(name string) *issue.Authority {
		a, err := issue.New(name, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
		require.NoError(t, err)
		return a
	}
	bank, stranger := authority("Bank CA"), authority("Nobody's CA")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), bank.CertificatePEM(), 0o600))
	server, err := bank.Server([]string{"localhost"}, now.Add(-time.Hour), now.AddDate(0, 1, 0))
	require.NoError(t, err)
	save(t, dir, "bank", server)
	s := trusting(t, "bankCallers: {caFile: "+dir+"/ca.pem, certificates: [{name: desk, role: back-office, subject: 'CN=desk,O=desk,C=XX'}, {name: core, role: hub, subject: 'CN=core,O=core,C=XX'}]}",
		"tls: {tpp: {certificateFile: "+dir+"/bank.pem, keyFile: "+dir+"/bank.key}, bank: {certificateFile: "+dir+"/bank.pem, keyFile: "+dir+"/bank.key}}")
	of := func(by *issue.Authority, name string, end time.Time) *issue.Issued {
		key, _ := tppKeys()
		i, err := by.Issue(issue.Order{Type: eidas.Web, Name: name, NoStatement: true, Key: key, NotBefore: now.Add(-time.Hour), NotAfter: end})
		require.NoError(t, err)
		return i
	}
	later := now.Add(time.Hour)
	roots := x509.NewCertPool()
	roots.AddCert(bank.Certificate())
	for name, c := range map[string]struct {
		shown *issue.Issued
		token string
		want  int
	}{
		"the desk":                        {shown: of(bank, "desk", later), want: http.StatusOK},
		"another role":                    {shown: of(bank, "core", later), want: http.StatusForbidden},
		"nobody that is named":            {shown: of(bank, "printer", later), want: http.StatusUnauthorized},
		"of another authority":            {shown: of(stranger, "desk", later), want: http.StatusUnauthorized},
		"expired":                         {shown: of(bank, "desk", now.Add(-time.Minute)), want: http.StatusUnauthorized},
		"none":                            {want: http.StatusUnauthorized},
		"a token beside another's":        {shown: of(stranger, "desk", later), token: s.backOffice, want: http.StatusOK},
		"a wrong token beside a good one": {shown: of(bank, "desk", later), token: "consentd_wrong", want: http.StatusUnauthorized},
	} {
		before := len(refusalsOf(s))
		config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
		if c.shown != nil {
			config.Certificates = []tls.Certificate{c.shown.TLS()}
		}
		transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://localhost:"+portOf(t, s.url("bank"))+"/aspsp/v1/tpps", nil)
		require.NoError(t, err)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		res, err := (&http.Client{Transport: transport}).Do(r)
		require.NoError(t, err, name)
		body := drained(t, res)
		require.Equal(t, c.want, res.StatusCode, "%s: %s", name, body)
		after := len(refusalsOf(s))
		require.Equal(t, c.want != http.StatusOK, after > before, "%s: every refusal is written down", name)
	}
}

// refusalsOf are all calls that the audit says were refused.
func refusalsOf(s *trusted) []string {
	var all []string
	for chain, entries := range s.audit() {
		if strings.HasPrefix(chain, "refused/") {
			for _, e := range entries {
				all = append(all, e.Reason)
			}
		}
	}
	return all
}
