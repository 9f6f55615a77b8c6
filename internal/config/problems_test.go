package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/config"
)

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
		"a path that is taken":                {"bank:", "stet: {basePath: /oauth2/stet}\nbank:", []string{"6:8: stet.basePath: must not begin with /oauth2, where something else is served"}},
		"tokens of nobody":                    {"bank:", "oauth: {server: outside, outside: {jwksUrl: 'http://id.bank.example', introspectionUrl: 'https://id.bank.example'}}\nbank:", []string{"6:26: oauth.outside: set one of jwksUrl, jwksFile, introspectionUrl", "6:26: oauth.outside.clientId: is missing", "6:36: oauth.outside.jwksUrl: must be https, unless it is on loopback"}},
		"a dashboard without log-in":          {"bank:", "dashboard: {enabled: true, idle: 20m, lifetime: 10m}\nsca: {approaches: [decoupled]}\nbank:", []string{"6:13: dashboard.enabled: needs the approach redirect: customers log in by its flow", "6:28: dashboard.idle: must be at most lifetime"}},
		"a dashboard of the bank's own":       {"bank:", "dashboard: {enabled: true}\nsca: {redirect: handoff, flows: {handoff: {}}}\nbank:", []string{"6:13: dashboard.enabled: needs a flow on pages of ours: sca.redirect is handoff, so that the dashboard is the bank's own too"}},
		"four eyes of nobody":                 {"bank:", "backOffice: {fourEyes: true}\nbank:", []string{"6:14: backOffice.fourEyes: needs backOffice.staff with a group of supervisors: nobody could confirm anything"}},
		"staff of nobody":                     {"bank:", "backOffice: {staff: {issuer: 'http://id.bank.example', care: []}}\nbank:", []string{"6:14: backOffice.staff.clientId: is missing", "6:14: backOffice.staff: names no group: nobody could log in", "6:22: backOffice.staff.issuer: must be https, unless it is on loopback"}},
		"payment keys twice":                  {"bank:", "manager: {paymentKeysFile: a, paymentKeysEnv: B}\nbank:", []string{"6:31: manager.paymentKeysEnv: set only one of manager.paymentKeysFile, manager.paymentKeysEnv"}},
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
