package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/secret"
	"consentd/test/pgtest"
)

// run runs a command line and returns what it printed.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := command()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// configuration writes a good configuration with more lines at its end.
func configuration(t *testing.T, database string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"key": base64.StdEncoding.EncodeToString(secret.NewMaster()), "url": database, "token": "t",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	path := filepath.Join(dir, "consentd.yaml")
	lines := append([]string{
		"insecure: true", "brand: Test Bank", "masterKeyFile: key", "database: {urlFile: url}",
		"bank: {url: http://127.0.0.1:1, tokenFile: token}",
	}, more...)
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	return path
}

func TestConfigCheck(t *testing.T) {
	out, err := run(t, "config", "check", "--config", configuration(t, "postgres://x@127.0.0.1:1/x"))
	require.NoError(t, err)
	require.Equal(t, "the configuration is fine\n", out)

	_, err = run(t, "config", "check", "--config", configuration(t, "mysql://secret", "timeZone: Mars/Olympus", "brandd: x", "sca: {flows: {persona: {}, nosuch: {}}}"))
	for _, want := range []string{"brandd", "timeZone", "postgres://", "sca.flows.nosuch"} {
		require.ErrorContains(t, err, want, "all at once")
	}
	require.NotContains(t, err.Error(), "secret")

	_, err = run(t, "config", "check", "--config", configuration(t, "postgres://x@127.0.0.1:1/x", "sca: {flows: {persona: {nonsense: 1}, nosuch: {}}}"))
	require.ErrorContains(t, err, "sca.flows.persona.nonsense: no such key")
	require.ErrorContains(t, err, "sca.flows.nosuch")

	_, err = run(t, "config", "check", "--config", configuration(t, "postgres://x@127.0.0.1:1/x",
		"sca: {flows: {persona: {}, push: {numbermatching: true}, oidc: {issuer: 'https://login.bank.example', clientSecretEnv: NONE}, remote: {timeout: 3}}}"))
	for _, line := range []string{
		"sca.flows.push.numbermatching: no such key", "sca.flows.remote.timeout: must be a text", "sca.flows.remote.url: must be an https address",
		"sca.flows.oidc.clientId: must be set", "sca.flows.oidc.clientSecretEnv: the environment variable NONE is not set",
	} {
		require.Contains(t, "\n"+err.Error(), "\n"+line, "each on a line of its own, with its path")
	}

	_, err = run(t, "config", "check", "--config", configuration(t, "postgres://x@127.0.0.1:1/x",
		"sca: {approaches: [redirect, decoupled], decoupled: persona, flows: {persona: {}, push: {numberMatching: true}}}"))
	require.ErrorContains(t, err, "sca.decoupled: the flow persona does not serve this approach")

	_, err = run(t, "config", "check", "--config", configuration(t, "postgres://x@127.0.0.1:1/x",
		"tpps: {anchors: [/nowhere/anchors]}", "tls: {tpp: {certificateFile: /nowhere/a, keyFile: /nowhere/b}}", "bankCallers: {caFile: /nowhere/ca}"))
	for _, path := range []string{"tpps.anchors", "tls.tpp", "bankCallers.caFile"} {
		require.ErrorContains(t, err, path)
	}
}

// The keys of the Consent Manager are looked at before a server starts with them.
func TestConfigCheckOfKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`), 0o600))
	_, err := run(t, "config", "check", "--config", configuration(t, "postgres://x@127.0.0.1:1/x",
		"manager: {enabled: true, userTokensFile: "+file+", paymentKeysFile: "+file+"}"))
	require.ErrorContains(t, err, "manager.userTokensFile: ")
	require.ErrorContains(t, err, "manager.paymentKeys: ")
	require.NotContains(t, err.Error(), "c2VjcmV0")
}

// Where the bank's staff come back from their provider is known before a server starts.
func TestConfigCheckOfStaff(t *testing.T) {
	staff := func(listener string) error {
		_, err := run(t, "config", "check", "--config", configuration(t, "postgres://x@127.0.0.1:1/x",
			"listeners: {bank: '"+listener+"'}",
			"backOffice: {staff: {issuer: 'https://id.bank.example', clientId: consentd, clientSecretFile: token, care: [care]}}"))
		return err
	}
	require.NoError(t, staff("127.0.0.1:8080"))
	require.ErrorContains(t, staff("10.0.0.1:8080"), "backOffice.staff, at urls.bank http://10.0.0.1:8080: staff: the redirect URL must be an https address")
}

func TestMigrate(t *testing.T) {
	config := configuration(t, pgtest.DSN(t))
	out, err := run(t, "migrate", "status", "--config", config)
	require.NoError(t, err)
	require.Equal(t, "00001  pending  00001_consents.sql\n00002  pending  00002_audit.sql\n00003  pending  00003_trust.sql\n00004  pending  00004_sca.sql\n00005  pending  00005_access.sql\n00006  pending  00006_clients.sql\n00007  pending  00007_connections.sql\n00008  pending  00008_manager.sql\n", out)
	_, err = run(t, "serve", "--config", config)
	require.ErrorContains(t, err, "consentd migrate up")
	for range 2 {
		out, err = run(t, "migrate", "up", "--config", config)
		require.NoError(t, err)
		require.Equal(t, "00001  applied  00001_consents.sql\n00002  applied  00002_audit.sql\n00003  applied  00003_trust.sql\n00004  applied  00004_sca.sql\n00005  applied  00005_access.sql\n00006  applied  00006_clients.sql\n00007  applied  00007_connections.sql\n00008  applied  00008_manager.sql\n", out)
	}
}

func TestAuditVerify(t *testing.T) {
	dsn := pgtest.DSN(t)
	config := configuration(t, dsn)
	_, err := run(t, "audit", "verify", "--config", config)
	require.ErrorContains(t, err, "consentd migrate up")
	_, err = run(t, "migrate", "up", "--config", config)
	require.NoError(t, err)
	before, err := run(t, "audit", "verify", "--config", config)
	require.NoError(t, err)
	require.Regexp(t, `^0 chains, 0 entries, 0 faults\ndigest [0-9a-f]{64}\n$`, before)

	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO audit_chains VALUES ('refused/A/2026-03-01', 1, '')`)
	require.NoError(t, errors.Join(err, db.Close()))
	after, err := run(t, "audit", "verify", "--config", config)
	require.ErrorIs(t, err, app.ErrAudit)
	require.Regexp(t, `^refused/A/2026-03-01: 0 entries, not 1\n1 chains, 0 entries, 1 faults\ndigest [0-9a-f]{64}\n$`, after)
	_, digest, _ := strings.Cut(before, "digest ")
	require.NotContains(t, after, digest)
}

func TestUsage(t *testing.T) {
	out, err := run(t, "version")
	require.NoError(t, err)
	require.Contains(t, out, "consentd ")
	out, err = run(t)
	require.NoError(t, err)
	for _, name := range []string{"sandbox", "serve", "migrate", "tpp", "token", "audit", "config", "version"} {
		require.Contains(t, out, fmt.Sprintf("\n  %s ", name))
	}
	_, err = run(t, "serve")
	require.ErrorContains(t, err, `"config" not set`)
}

func TestSandboxAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = run(t, "sandbox", "--listen", l.Addr().String())
	require.ErrorContains(t, err, "--listen")
}
