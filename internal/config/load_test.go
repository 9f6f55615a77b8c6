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
