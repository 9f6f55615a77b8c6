package e2e

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/httpsig"
	"consentd/pkg/stet"
	"consentd/test/contract"
)

// stetCase is a story of calls to the STET dialect, and of what happens besides. A
// file of them may be named in CONSENTD_STET_CASES.
type stetCase struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	Steps []stetStep `json:"steps"`
}

// stetStep is a call with what must come back or, with Op, something that happens.
type stetStep struct {
	Method  string            `json:"m"`
	Path    string            `json:"p"`    // below the base path
	Token   *string           `json:"tok"`  // PSU@TPP[:scope]; nil for none
	Body    *string           `json:"body"` // nil for none
	Headers map[string]string `json:"hdr"`  // over the usual ones; an empty value takes one away

	Status   int                 `json:"status"`
	Allow    string              `json:"allow"`
	Accounts map[string][]string `json:"acc"`    // of the list: IBAN to the operations that are linked
	Links    []string            `json:"links"`  // of the list besides paging
	Inline   []string            `json:"inline"` // accounts that come with a balance
	Has      map[string]any      `json:"has"`    // members of the body

	Op []string `json:"op"`
}

// stetScopes are what stands behind the colon of a token.
var stetScopes = map[string]string{
	"": "aisp", "cbpii": "cbpii", "pisp": "pisp", "eth": "aisp extended_transaction_history", "ethonly": "extended_transaction_history",
}

// stetTPP is a program that is called in the STET dialect.
type stetTPP struct {
	*program

	base    string
	http    *http.Client // holds every exchange against openapi/stet.yaml
	tokens  map[string]string
	signers map[string]*httpsig.Signer
}

// startSTET runs a sandbox that wants every request signed.
func startSTET(t *testing.T, engine string, edit ...func(*app.SandboxOptions)) *stetTPP {
	t.Helper()
	p := start(t, engine, append([]func(*app.SandboxOptions){func(o *app.SandboxOptions) { o.Strict = true }}, edit...)...)
	return stetOf(p)
}

func stetOf(p *program) *stetTPP {
	described := contract.Load(p.t, "stet")
	described.BasePath = stet.BasePath
	return &stetTPP{
		program: p, base: p.base + stet.BasePath, tokens: map[string]string{}, signers: map[string]*httpsig.Signer{},
		http: &http.Client{Transport: &contract.Transport{Base: http.DefaultTransport, T: p.t, Validators: []*contract.Validator{described}}},
	}
}

// token is an access token by its name.
func (s *stetTPP) token(name string) string {
	s.t.Helper()
	if s.tokens[name] == "" {
		who, scope, _ := strings.Cut(name, ":")
		psu, tpp, _ := strings.Cut(who, "@")
		var minted struct {
			AccessToken string `json:"access_token"`
		}
		s.call(http.MethodPost, "/sandbox/tokens", map[string]string{"psu": psu, "tpp": tpp, "scope": stetScopes[scope]}, &minted)
		s.tokens[name] = minted.AccessToken
	}
	return s.tokens[name]
}

// signer signs as a TPP of the sandbox.
func (s *stetTPP) signer(tpp string) *httpsig.Signer {
	s.t.Helper()
	if s.signers[tpp] == nil {
		var kit struct {
			QSeal struct {
				Certificate string `json:"certificate"`
				PrivateKey  string `json:"privateKey"`
			} `json:"qseal"`
		}
		s.call(http.MethodGet, "/sandbox/tpps/"+tpp, nil, &kit)
		cert, _ := pem.Decode([]byte(kit.QSeal.Certificate))
		seal, err := x509.ParseCertificate(cert.Bytes)
		require.NoError(s.t, err)
		block, _ := pem.Decode([]byte(kit.QSeal.PrivateKey))
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		require.NoError(s.t, err)
		s.signers[tpp] = httpsig.NewSTETSigner(seal, key.(crypto.Signer), "https://"+tpp+".example/certificates/seal")
	}
	return s.signers[tpp]
}

// request is that of a step.
func (s *stetTPP) request(step stetStep) *http.Request {
	s.t.Helper()
	var body []byte
	if step.Body != nil {
		body = []byte(*step.Body)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), step.Method, s.base+step.Path, bytes.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("X-Request-ID", uuid.NewString())
	r.Header.Set("Accept", "*/*")
	if step.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	tpp := "acme"
	if step.Token != nil {
		r.Header.Set("Authorization", "Bearer "+s.token(*step.Token))
		_, after, _ := strings.Cut(*step.Token, "@")
		tpp, _, _ = strings.Cut(after, ":")
	} else {
		r.Header.Set("X-Sandbox-TPP", tpp)
	}
	late := map[string]string{} // what must not be there when the request is signed
	for name, value := range step.Headers {
		if name == "Signature" || name == "Digest" || value == "" {
			late[name] = value
			continue
		}
		r.Header.Set(name, value)
	}
	_, err = s.signer(tpp).Sign(r, body)
	require.NoError(s.t, err)
	for name, value := range late {
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

// do sends a call.
func (s *stetTPP) do(step stetStep) (*http.Response, []byte) {
	s.t.Helper()
	answer, err := s.http.Do(s.request(step))
	require.NoError(s.t, err)
	defer answer.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(answer.Body)
	require.NoError(s.t, err)
	return answer, body.Bytes()
}

// run takes a step.
func (s *stetTPP) run(step stetStep) {
	s.t.Helper()
	if len(step.Op) > 0 {
		s.happen(step.Op)
		return
	}
	at := step.Method + " " + step.Path
	answer, body := s.do(step) //nolint:bodyclose // do closes it
	require.Equal(s.t, step.Status, answer.StatusCode, "%s: %s", at, body)
	require.Equal(s.t, step.Allow, answer.Header.Get("Allow"), at)
	if step.Accounts != nil || step.Links != nil || step.Inline != nil {
		s.listed(step, body)
	}
	if step.Has != nil {
		got := map[string]any{}
		require.NoError(s.t, json.Unmarshal(body, &got), at)
		for member, want := range step.Has {
			require.Equal(s.t, want, got[member], "%s: %s", at, member)
		}
	}
}

// listed holds a list of accounts against a step.
func (s *stetTPP) listed(step stetStep, body []byte) {
	s.t.Helper()
	var raw struct {
		Accounts []map[string]json.RawMessage `json:"accounts"`
	}
	var list stet.Accounts
	require.NoError(s.t, json.Unmarshal(body, &list))
	require.NoError(s.t, json.Unmarshal(body, &raw))
	linked, inline := map[string][]string{}, []string{}
	for i, a := range list.Accounts {
		linked[a.AccountID.IBAN] = slices.Sorted(maps.Keys(a.Links))
		if linked[a.AccountID.IBAN] == nil {
			linked[a.AccountID.IBAN] = []string{}
			require.NotContains(s.t, raw.Accounts[i], "resourceId")
			require.NotContains(s.t, raw.Accounts[i], "balances")
			require.JSONEq(s.t, "{}", string(raw.Accounts[i]["_links"]))
		}
		if len(a.Balances) > 0 {
			inline = append(inline, a.AccountID.IBAN)
		}
	}
	if step.Accounts != nil {
		require.Equal(s.t, step.Accounts, linked)
	}
	if step.Inline != nil {
		require.ElementsMatch(s.t, step.Inline, inline)
	}
	if step.Links != nil {
		top := slices.DeleteFunc(slices.Sorted(maps.Keys(list.Links)), func(name string) bool {
			return slices.Contains([]string{"first", "last", "next", "prev"}, name)
		})
		require.Equal(s.t, step.Links, top)
	}
}

// happen lets something happen that is no call of a TPP's.
func (s *stetTPP) happen(op []string) {
	s.t.Helper()
	switch op[0] {
	case "kill":
		s.call(http.MethodDelete, "/sandbox/tokens/"+url.PathEscape(s.token(op[1])), nil, nil)
	case "open":
		s.call(http.MethodPost, "/sandbox/psus/"+op[1]+"/accounts",
			map[string]string{"iban": op[2], "currency": "EUR", "name": "New account", "resourceId": op[3]}, nil)
	case "day":
		s.call(http.MethodPut, "/sandbox/clock", map[string]string{"advance": "24h"}, nil)
	case "psu-revoke":
		s.withdraw(op[1], op[2])
	default:
		s.t.Fatalf("nothing known happens by %q", op[0])
	}
}

// standing lists what is valid of what a PSU has given to a TPP, the last first.
func (s *stetTPP) standing(psu, tpp string) []given {
	s.t.Helper()
	var list struct {
		Consents []given `json:"consents"`
	}
	id := "XX-SANDBOX:PSDXX-SANDBOX-" + strings.ToUpper(tpp)
	s.asBankPage(http.MethodGet, "/aspsp/v1/consents?psu="+psu+"&status=valid&tpp="+url.QueryEscape(id), nil, &list)
	return list.Consents
}

// withdraw ends, as a page of the bank does for a PSU, what a TPP may do.
func (s *stetTPP) withdraw(psu, tpp string) {
	s.t.Helper()
	for _, c := range s.standing(psu, tpp) {
		if c.Rail == "stet" {
			s.asBankPage(http.MethodPut, "/aspsp/v1/consents/"+c.ConsentID+"/revocation", map[string]string{"psu": psu}, nil)
		}
	}
}

func (s *stetTPP) asBankPage(method, path string, in, out any) {
	s.t.Helper()
	raw, err := json.Marshal(in)
	require.NoError(s.t, err)
	if in == nil {
		raw = nil
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.program.base+path, bytes.NewReader(raw))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer sandbox-sca")
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.program.http.Do(r)
	require.NoError(s.t, err)
	defer answer.Body.Close()
	require.Less(s.t, answer.StatusCode, 300, "%s %s", method, path)
	if out != nil {
		require.NoError(s.t, json.NewDecoder(answer.Body).Decode(out))
	}
}

// TestSTETCases runs our own stories, and those of a file where one is named.
func TestSTETCases(t *testing.T) {
	t.Parallel()
	cases := stetStories()
	if name := os.Getenv("CONSENTD_STET_CASES"); name != "" {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		var more []stetCase
		require.NoError(t, json.Unmarshal(raw, &more))
		require.NotEmpty(t, more)
		cases = append(cases, more...)
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s/%s %s", engine, c.ID, c.Title), func(t *testing.T) {
				t.Parallel()
				s := startSTET(t, engine)
				for _, step := range c.Steps {
					s.run(step)
				}
			})
		}
	}
}
