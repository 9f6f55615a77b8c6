package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/config"
)

const (
	key      = "0123456789abcdef0123456789ABCDEF" // 32 bytes
	password = "pa55word"
	dsn      = "postgres://consentd:" + password + "@127.0.0.1/consents"
	token    = "t0ken-of-the-bank"
)

// valid is the shortest configuration that can be used.
const valid = `insecure: true
brand: Bank of Examples
masterKeyFile: master.key
database:
  urlFile: database.url
bank:
  url: http://127.0.0.1:9999
  tokenFile: bank.token
`

// files are the secrets beside the configuration.
func files() map[string]string {
	return map[string]string{
		"master.key":   base64.StdEncoding.EncodeToString([]byte(key)) + "\n",
		"database.url": dsn + "\n",
		"bank.token":   " " + token + "\r\n",
	}
}

// write puts a configuration and its secrets into a directory and returns the former's path.
func write(t *testing.T, content string, secrets map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, secret := range secrets {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600))
	}
	path := filepath.Join(dir, "consentd.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// environment looks variables up in pairs of name and value.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestShortestConfiguration(t *testing.T) {
	t.Parallel()
	c, err := config.Load(write(t, valid, files()), environment())
	require.NoError(t, err)

	want := config.Default()
	want.Insecure, want.Brand = true, "Bank of Examples"
	want.MasterKeyFile, want.MasterKey = "master.key", config.NewSecret(key)
	want.URLs = config.URLs{TPP: "http://127.0.0.1:8443", PSU: "http://127.0.0.1:8444", Bank: "http://127.0.0.1:8445"}
	want.Database.URLFile, want.Database.URL = "database.url", config.NewSecret(dsn)
	want.Bank.URL, want.Bank.TokenFile, want.Bank.Token = "http://127.0.0.1:9999", "bank.token", config.NewSecret(token)
	require.Equal(t, want, c)
}

func TestEverythingSet(t *testing.T) {
	t.Parallel()
	c, err := config.Load(write(t, `
insecure: true
brand: "Größte Bank"
timeZone: Europe/Paris
masterKeyEnv: KEY
listeners: {tpp: "localhost:1", psu: "[::1]:2", bank: "127.0.0.1:4", ops: "127.0.0.1:3"}
tls:
  tpp: {certificateFile: tpp.crt, keyFile: /keys/tpp.key}
  bank: {certificateFile: bank.crt, keyFile: bank.key}
tpps:
  anchors: [anchors, /etc/more.pem]
  blockedIssuers: ["CN=Bad CA,C=XX"]
  revocation: answered
  revocationTimeout: 1s
  proxy: {header: X-Forwarded-Client-Cert, addresses: ["10.0.0.0/8", "::1"]}
  domains: reject
signature:
  required: false
  covered: [Digest, x-request-id, Date]
  coveredIfSent: []
  mayCover: ["*"]
  jws: true
  jwsMaxAge: 10s
  answers: {certificateFile: seal.crt, keyFile: seal.key}
bankCallers:
  caFile: ca.pem
  certificates:
    - {name: gateway, role: resource-server, subject: CN=gateway}
    - name: desk
      role: back-office
      fingerprint: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
urls:
  tpp: https://xs2a.bank.example/
  psu: https://sca.bank.example
  bank: https://consentd.bank.example
database:
  url: postgres://consentd@db/consents
  maxConnections: 8
policy:
  maxValidityDays: 180
  maxFrequencyPerDay: 10
  authorisationWindow: 48h
  openWithin: 5m
  finishWithin: 1h30m
  maxTries: 5
  maxFailures: 9
  lockFor: 1h
  exemptAvailableAccounts: true
  multipleConsents: true
xs2a:
  bankOffered: false
  allPsd2: false
  availableAccounts: false
  availableAccountsWithBalance: false
  ownerName: false
  trustedBeneficiaries: false
  accountReferences: [iban, pan]
  redirectSchemes:
    - com.example.app
  startAuthorisationMode: explicit
  fundsConfirmation: false
  basePath: /open/psd2
  relativeLinks: true
  sessions: true
  certificateRevoked: true
  strictStatus: true
  lenientDates: true
stet:
  enabled: true
  basePath: /stet/v1
  noAccounts: notFound
  missingMembers: refuse
  signature: {required: false, covered: ["(request-target)", digest], coveredIfSent: ["psu-*"]}
oauth:
  server: outside
  xs2a: preStep
  scaValidityDays: 90
  accessTokenLifetime: 5m
  codeLifetime: 30s
  scopes: [aisp]
  outside:
    issuer: https://id.bank.example
    audience: [consentd]
    metadataUrl: https://id.bank.example/.well-known/oauth-authorization-server
    introspectionUrl: https://id.bank.example/introspect
    clientId: consentd
    clientSecretEnv: SECRET
    keep: 1s
    psuClaim: psu
    customerClaim: customer
    leeway: 0s
    timeout: 1s
sca:
  approaches: [decoupled, redirect, embedded]
  redirect: house
  decoupled: persona
  embedded: house
  confirmation: true
  flows:
    persona:
    house:
      issuer: https://id.bank.example
      scopes: [openid]
      tries: 2
      secretFile: house.secret
      tls: {keyFile: /etc/house.key}
bank:
  url: https://core.bank.example/consentd
  tokenEnv: TOKEN
  timeout: 2s
log:
  level: debug
  format: text
shutdownGrace: 0s
`, nil), environment("KEY", hex.EncodeToString([]byte(key)), "TOKEN", token, "SECRET", "s3cret", "CREDENTIALS_DIRECTORY", "/credentials"))
	require.NoError(t, err)

	require.Equal(t, "Größte Bank", c.Brand)
	require.Equal(t, "Europe/Paris", c.Zone.String())
	require.Equal(t, key, c.MasterKey.Reveal())
	require.Equal(t, config.Listeners{TPP: "localhost:1", PSU: "[::1]:2", Bank: "127.0.0.1:4", Ops: "127.0.0.1:3"}, c.Listeners)
	require.Equal(t, config.URLs{TPP: "https://xs2a.bank.example", PSU: "https://sca.bank.example", Bank: "https://consentd.bank.example"}, c.URLs)
	require.Equal(t, "postgres://consentd@db/consents", c.Database.URL.Reveal())
	require.Equal(t, 8, c.Database.MaxConnections)
	require.Equal(t, config.Policy{
		MaxValidityDays: 180, MaxFrequencyPerDay: 10, AuthorisationWindow: 48 * time.Hour,
		OpenWithin: 5 * time.Minute, FinishWithin: 90 * time.Minute, MaxTries: 5, MaxFailures: 9, LockFor: time.Hour, ExemptAvailableAccounts: true, MultipleConsents: true,
	}, c.Policy)
	require.Equal(t, config.XS2A{
		AccountReferences: []string{"iban", "pan"}, RedirectSchemes: []string{"com.example.app"},
		StartAuthorisationMode: "explicit", BasePath: "/open/psd2", RelativeLinks: true,
		Sessions: true, CertificateRevoked: true, StrictStatus: true, LenientDates: true,
	}, c.XS2A)
	require.Equal(t, config.STET{
		Enabled: true, BasePath: "/stet/v1", NoAccounts: "notFound", MissingMembers: "refuse",
		Signature: config.STETSignature{Covered: []string{"(request-target)", "digest"}, CoveredIfSent: []string{"psu-*"}},
	}, c.STET)
	require.Equal(t, config.OAuth{
		Server: config.TokensOutside, XS2A: "preStep", SCAValidityDays: 90, AccessTokenLifetime: 5 * time.Minute, CodeLifetime: 30 * time.Second,
		Scopes: []string{"aisp"},
		Outside: config.Outside{
			Issuer: "https://id.bank.example", Audience: []string{"consentd"},
			MetadataURL:      "https://id.bank.example/.well-known/oauth-authorization-server",
			IntrospectionURL: "https://id.bank.example/introspect", ClientID: "consentd", ClientSecretEnv: "SECRET", ClientSecret: config.NewSecret("s3cret"),
			Keep: time.Second, PSUClaim: "psu", CustomerClaim: "customer", Timeout: time.Second,
		},
	}, c.OAuth)
	trustSet(t, c)
	require.Equal(t, []string{"decoupled", "redirect", "embedded"}, c.SCA.Approaches)
	require.Equal(t, []string{"house", "persona", "house"}, []string{c.SCA.Redirect, c.SCA.Decoupled, c.SCA.Embedded})
	require.True(t, c.SCA.Confirmation)
	require.Len(t, c.SCA.Flows, 2)
	require.JSONEq(t, `{}`, string(c.SCA.Flows["persona"]))
	require.JSONEq(t, `{"issuer":"https://id.bank.example","scopes":["openid"],"tries":2,"secretFile":"/credentials/house.secret","tls":{"keyFile":"/etc/house.key"}}`, string(c.SCA.Flows["house"]))
	require.Equal(t, "https://core.bank.example/consentd", c.Bank.URL)
	require.Equal(t, token, c.Bank.Token.Reveal())
	require.Equal(t, 2*time.Second, c.Bank.Timeout)
	require.Equal(t, config.Log{Level: "debug", Format: "text"}, c.Log)
	require.Zero(t, c.ShutdownGrace)
}

func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	path := write(t, `insecure: yes
brand:
timezone: Europe/Paris
timeZone: Mars/Base
listeners:
  tpp: 127.0.0.1:8443
  psu: localhost:8443
  ops: 9090
  api: 127.0.0.1:1
database:
  url: postgres://a@b/c
  urlEnv: DSN
  maxConnections: "many"
policy:
  maxValidityDays: 0
  openWithin: 10
xs2a:
  accountReferences: [iban, paper, 7]
  redirectSchemes: [javascript, app://]
sca:
  redirect: sms
  flows: [persona]
bank:
  url: http://core.bank.example
log: loud
`, nil)
	_, err := config.Load(path, environment("CREDENTIALS_DIRECTORY", "/nowhere"))
	var problems config.Problems
	require.ErrorAs(t, err, &problems)
	require.Equal(t, []string{
		"1:1: insecure: must be true or false",
		"2:1: brand: is missing",
		"3:1: timezone: unknown key: did you mean timeZone?",
		"4:1: timeZone: must be an IANA time zone such as Europe/Paris",
		"7:3: listeners.psu: is the same address as listeners.tpp",
		"8:3: listeners.ops: must be text (put it in quotes)",
		"9:3: listeners.api: unknown key",
		"12:3: database.urlEnv: set only one of database.url, database.urlFile, database.urlEnv",
		"13:3: database.maxConnections: must be a whole number",
		"15:3: policy.maxValidityDays: must be at least 1",
		"16:3: policy.openWithin: must be a length of time such as 90s, 15m or 24h",
		"18:29: xs2a.accountReferences[1]: must be one of iban, bban, pan, maskedPan, msisdn, other",
		"18:36: xs2a.accountReferences[2]: must be text (put it in quotes)",
		"19:21: xs2a.redirectSchemes[0]: must be the scheme of an app, in lower case and without a colon",
		"19:33: xs2a.redirectSchemes[1]: must be the scheme of an app, in lower case and without a colon",
		"21:3: sca.redirect: must name one of sca.flows",
		"22:3: sca.flows: must be a section of sections",
		"23:1: bank: set one of bank.tokenFile, bank.tokenEnv",
		"24:3: bank.url: must be https, unless it is on loopback",
		"25:1: log: must be a section: keys with values",
		" masterKeyFile: set one of masterKeyFile, masterKeyEnv",
	}, lines(path, err))
	require.Equal(t, config.Problem{File: path, Line: 7, Column: 3, Path: "listeners.psu", Text: "is the same address as listeners.tpp"}, problems[4])
}

// lines are the lines of an error without the name of the file.
func lines(path string, err error) []string {
	all := strings.Split(err.Error(), "\n")
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], path+":")
	}
	return all
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, replacement string   // in the valid configuration
		want             []string // what is wrong then
	}{
		"no file content":                     {valid, "", []string{" brand: is missing", " tpps.anchors: name the authorities whose certificates TPPs may show", " tls.tpp: TPPs must show a certificate: set tls.tpp, or tpps.proxy where a proxy ends TLS", " bank.url: is missing", " masterKeyFile: set one of masterKeyFile, masterKeyEnv", " database: set one of database.url, database.urlFile, database.urlEnv", " bank: set one of bank.tokenFile, bank.tokenEnv"}},
		"not YAML":                            {valid, "brand: [open\n", []string{"1:8: not valid YAML: sequence end token ']' not found"}},
		"a list":                              {valid, "- brand\n", []string{" must be a section: keys with values"}},
		"two documents":                       {valid, "brand: a\n---\nbrand: b\n", []string{" must be one YAML document"}},
		"a key twice":                         {"brand: Bank of Examples", "brand: a\nbrand: b", []string{`3:1: not valid YAML: mapping key "brand" already defined at [2:1]`}},
		"callers to be verified":              {"insecure: true", "insecure: false", []string{" tpps.anchors: name the authorities whose certificates TPPs may show", " tls.tpp: TPPs must show a certificate: set tls.tpp, or tpps.proxy where a proxy ends TLS"}},
		"half a pair":                         {"bank:", "tls: {tpp: {keyFile: a}}\nbank:", []string{"6:7: tls.tpp: needs both certificateFile and keyFile"}},
		"a proxy without addresses":           {"bank:", "tpps: {proxy: {header: ssl-client-cert}}\nbank:", []string{"6:8: tpps.proxy.addresses: name the addresses of the proxy: the header is believed from nobody else"}},
		"addresses without a header":          {"bank:", "tpps: {proxy: {addresses: ['10.0.0.0/33']}}\nbank:", []string{"6:8: tpps.proxy.header: must be the name of a header, such as ssl-client-cert", "6:28: tpps.proxy.addresses[0]: must be an IP address or a prefix such as 10.0.0.0/8"}},
		"a proxy anywhere":                    {"bank:", "tpps: {proxy: {header: ssl-client-cert, addresses: ['0.0.0.0/0', '::/0']}}\nbank:", []string{"6:53: tpps.proxy.addresses[0]: is too wide: the header is believed from everybody there", "6:66: tpps.proxy.addresses[1]: is too wide: the header is believed from everybody there"}},
		"a blocked issuer of no form":         {"bank:", "tpps: {blockedIssuers: [Bad CA]}\nbank:", []string{"6:25: tpps.blockedIssuers[0]: must be a name such as CN=…,O=…,C=…, or a SHA-256 fingerprint"}},
		"revocation of none":                  {"bank:", "tpps: {revocation: maybe, domains: perhaps}\nbank:", []string{"6:8: tpps.revocation: must be one of required, answered, off", "6:27: tpps.domains: must be one of off, warn, reject"}},
		"signatures of nothing":               {"bank:", "signature: {covered: [x-request-id, 'no header']}\nbank:", []string{"6:13: signature.covered: must name digest: the body would not be signed otherwise", "6:37: signature.covered[1]: must be the name of a header, or (request-target)"}},
		"bank callers without authority":      {"bank:", "bankCallers: {certificates: [{name: a, role: boss, subject: CN=a}]}\nbank:", []string{"6:15: bankCallers.certificates: need tls.bank and bankCallers.caFile", "6:40: bankCallers.certificates[0].role: must be one of resource-server, dashboard, back-office, hub, sca, app"}},
		"bank callers of no name":             {"bank:", "bankCallers: {caFile: ca, certificates: [{name: a, role: hub, fingerprint: '12'}]}\ntls: {bank: {certificateFile: a, keyFile: b}}\nbank:", []string{"6:63: bankCallers.certificates[0].fingerprint: must be a SHA-256 fingerprint, 64 hexadecimal digits"}},
		"tokens in clear":                     {"insecure: true", "listeners: {bank: '0.0.0.0:8445'}\ntls: {tpp: {certificateFile: a, keyFile: b}}\ntpps: {anchors: [a]}", []string{"1:13: listeners.bank: must be on loopback without tls.bank: tokens would cross the network in clear"}},
		"open to the network":                 {"bank:", "listeners: {tpp: ':8443'}\nbank:", []string{"6:13: listeners.tpp: must be on loopback where callers are not verified (insecure: true)"}},
		"a port of none":                      {"bank:", "listeners: {tpp: '127.0.0.1:0'}\nbank:", []string{"6:13: listeners.tpp: must be host:port"}},
		"a public path":                       {"bank:", "urls: {psu: 'https://bank.example/sca'}\nbank:", []string{"6:8: urls.psu: must have no path"}},
		"a public query":                      {"bank:", "urls: {tpp: 'https://bank.example?a'}\nbank:", []string{"6:8: urls.tpp: must have no user, query or fragment"}},
		"a public address":                    {"bank:", "urls: {tpp: bank.example}\nbank:", []string{"6:8: urls.tpp: must be an address such as https://bank.example"}},
		"windows that don't fit":              {"bank:", "policy: {authorisationWindow: 20m}\nbank:", []string{"6:10: policy.authorisationWindow: must be at least openWithin and finishWithin together"}},
		"a time too long":                     {"bank:", "shutdownGrace: 1h\nbank:", []string{"6:1: shutdownGrace: must be at most 10m"}},
		"a mode of none":                      {"bank:", "xs2a: {startAuthorisationMode: never}\nbank:", []string{"6:8: xs2a.startAuthorisationMode: must be one of auto, implicit, explicit"}},
		"references twice":                    {"bank:", "xs2a: {accountReferences: [iban, iban]}\nbank:", []string{"6:8: xs2a.accountReferences: must not name one thing twice"}},
		"a base path with a slash at its end": {"bank:", "xs2a: {basePath: /psd2/}\nbank:", []string{"6:8: xs2a.basePath: must be a path such as /psd2, without a slash at its end"}},
		"a base path with dots":               {"bank:", "xs2a: {basePath: /a/../b}\nbank:", []string{"6:8: xs2a.basePath: must be a path such as /psd2, without a slash at its end"}},
		"a code that cannot come":             {"bank:", "sca: {confirmation: true, approaches: [decoupled]}\nbank:", []string{"6:7: sca.confirmation: needs the approach redirect: no code comes back otherwise"}},
		"an approach of none":                 {"bank:", "sca: {approaches: [redirect, magic]}\nbank:", []string{"6:30: sca.approaches[1]: must be one of redirect, decoupled, embedded"}},
		"no approach":                         {"bank:", "sca: {approaches: []}\nbank:", []string{"6:7: sca.approaches: must be at least 1"}},
		"an approach without flow":            {"bank:", "sca: {approaches: [decoupled], flows: {persona: {}}}\nbank:", []string{"6:1: sca.decoupled: must name one of sca.flows"}},
		"a flow without sections":             {"bank:", "sca: {flows: {persona: 3}}\nbank:", []string{"6:15: sca.flows.persona: must be a section: keys with values"}},
		"a dialect without its tokens":        {"bank:", "stet: {enabled: true, basePath: stet}\noauth: {xs2a: preStep}\nbank:", []string{"6:8: stet.enabled: needs tokens: set oauth.server", "6:23: stet.basePath: must be a path such as /stet/psd2/v1.4.2, without a slash at its end", "7:9: oauth.xs2a: needs tokens: set oauth.server"}},
		"tokens of nobody":                    {"bank:", "oauth: {server: outside, outside: {jwksUrl: 'http://id.bank.example', introspectionUrl: 'https://id.bank.example'}}\nbank:", []string{"6:26: oauth.outside: set one of jwksUrl, jwksFile, introspectionUrl", "6:26: oauth.outside.clientId: is missing", "6:36: oauth.outside.jwksUrl: must be https, unless it is on loopback"}},
		"an alias":                            {"brand: Bank of Examples", "brand: &b Bank", []string{"2:1: brand: must be text (put it in quotes)"}},
		"no key file":                         {"master.key", "gone.key", []string{"3:1: masterKeyFile: DIR/gone.key: no such file or directory"}},
		"an empty key file":                   {"master.key", "empty", []string{"3:1: masterKeyFile: DIR/empty is empty"}},
		"a key too short":                     {"master.key", "short", []string{"3:1: masterKeyFile: must be 32 bytes as base64 or hexadecimal digits"}},
		"no such variable":                    {"tokenFile: bank.token", "tokenEnv: TOKEN", []string{"8:3: bank.tokenEnv: the environment variable TOKEN is not set"}},
		"another database":                    {"urlFile: database.url", "urlFile: bank.token", []string{"5:3: database.urlFile: must be an address such as postgres://user:password@host:5432/name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secrets := files()
			secrets["empty"], secrets["short"] = " \n", "c2hvcnQ="
			require.Contains(t, valid, c.old)
			path := write(t, strings.Replace(valid, c.old, c.replacement, 1), secrets)
			_, err := config.Load(path, environment())
			require.Error(t, err)
			got := lines(path, err)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], filepath.Dir(path), "DIR")
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, err := config.Load(filepath.Join(t.TempDir(), "gone.yaml"), environment())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCredentialsDirectory(t *testing.T) {
	t.Parallel()
	credentials := filepath.Dir(write(t, "", files()))
	c, err := config.Load(write(t, valid, nil), environment("CREDENTIALS_DIRECTORY", credentials))
	require.NoError(t, err)
	require.Equal(t, token, c.Bank.Token.Reveal())
}

// Whatever is wrong, and however a configuration is printed, no secret shows.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	c, err := config.Load(write(t, valid, files()), environment())
	require.NoError(t, err)
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("starting", "config", c, "token", c.Bank.Token)
	shown := []string{fmt.Sprintf("%v %+v %#v", *c, c, c), fmt.Sprintf("%s %q", c.Bank.Token, c.Bank), string(encoded), logged.String()}

	for _, broken := range []string{
		strings.Replace(valid, "urlFile: database.url", "url: [\""+dsn+"\"", 1),
		strings.Replace(valid, "urlFile: database.url", "url: {a: \""+dsn+"\"}", 1),
		strings.Replace(valid, "urlFile: database.url", "url: \"mysql://:"+password+"@%zz\"", 1),
		strings.Replace(valid, "urlFile: database.url", "maxConnections: "+dsn, 1),
		strings.Replace(valid, "urlFile: database.url", dsn, 1),
		strings.Replace(valid, "database:", "database: "+dsn, 1),
		strings.Replace(valid, "http://127.0.0.1:9999", "http://u:"+password+"@%zz", 1),
		strings.Replace(valid, "http://127.0.0.1:9999", "http://u:"+password+"@127.0.0.1", 1),
	} {
		_, err := config.Load(write(t, broken, files()), environment())
		require.Error(t, err)
		shown = append(shown, err.Error())
	}
	for _, text := range shown {
		require.NotContains(t, text, password)
		require.NotContains(t, text, token)
		require.NotContains(t, text, key)
	}
}

// A program that sets the switches itself, as the sandbox does by its flags, is
// told all that is wrong with them at once.
func TestSwitches(t *testing.T) {
	c := config.Default()
	require.NoError(t, c.CheckSwitches())
	c.SCA.Approaches, c.XS2A.BasePath, c.XS2A.StartAuthorisationMode = []string{"magic"}, "psd2", "never"
	err := c.CheckSwitches()
	for _, want := range []string{"sca.approaches[0]", "xs2a.basePath", "xs2a.startAuthorisationMode"} {
		require.ErrorContains(t, err, want)
	}
}
