package pgtest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func TestEachCallGivesAnEmptyDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	first, second := open(t, DSN(t)), open(t, DSN(t))

	_, err := first.ExecContext(t.Context(), "CREATE TABLE note (body text)")
	require.NoError(t, err)
	_, err = first.ExecContext(t.Context(), "INSERT INTO note VALUES ('größer')")
	require.NoError(t, err)

	var body, zone string
	require.NoError(t, first.QueryRowContext(t.Context(), "SELECT body FROM note").Scan(&body))
	assert.Equal(t, "größer", body)
	require.NoError(t, first.QueryRowContext(t.Context(), "SHOW timezone").Scan(&zone))
	assert.Equal(t, "UTC", zone)

	var exists bool
	require.NoError(t, second.QueryRowContext(t.Context(), "SELECT to_regclass('note') IS NOT NULL").Scan(&exists))
	assert.False(t, exists, "the second database must not see the first one's table")
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("inner", func(t *testing.T) {
		dsn = DSN(t)
		require.NoError(t, open(t, dsn).PingContext(t.Context()))
	})
	assert.ErrorContains(t, open(t, dsn).PingContext(t.Context()), "does not exist")
}

func TestDurable(t *testing.T) {
	t.Parallel()
	server, err := Start(t.Context(), Options{Durable: true})
	require.NoError(t, err)
	t.Cleanup(server.Stop)

	var fsync string
	require.NoError(t, open(t, server.DSN("postgres")).QueryRowContext(t.Context(), "SHOW fsync").Scan(&fsync))
	assert.Equal(t, "on", fsync)

	server.Stop()
	server.Stop() // twice is fine
	_, err = os.Stat(server.root)
	assert.ErrorIs(t, err, fs.ErrNotExist, "the cluster goes with the server")
}

// orphanVariable makes TestOrphan, run in a process of its own, start a server and wait to be killed.
const orphanVariable = "PGTEST_ORPHAN"

func TestServerGoesWithItsProcess(t *testing.T) {
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOrphan$")
	child.Env = append(os.Environ(), orphanVariable+"=1")
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())

	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	root, address, ok := strings.Cut(strings.TrimSpace(line), " ")
	require.True(t, ok, "unexpected output: %q", line)
	require.True(t, answers(t.Context(), address))

	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	assert.Eventually(t, func() bool {
		_, err := os.Stat(root)
		return errors.Is(err, fs.ErrNotExist) && !answers(t.Context(), address)
	}, 20*time.Second, 20*time.Millisecond, "the server outlived its process")
}

// TestOrphan is the child of TestServerGoesWithItsProcess and does nothing otherwise.
func TestOrphan(t *testing.T) {
	if os.Getenv(orphanVariable) == "" {
		return
	}
	server, err := Start(t.Context(), Options{})
	require.NoError(t, err)
	host := strings.TrimPrefix(server.DSN(""), "postgres://postgres@")
	address, _, _ := strings.Cut(host, "/")
	_, err = os.Stdout.WriteString(server.root + " " + address + "\n")
	require.NoError(t, err)
	time.Sleep(time.Minute)
}

func answers(ctx context.Context, address string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func TestParseEngines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list string
		want []string
	}{
		{"", []string{SQLite, Postgres}},
		{"postgres", []string{Postgres}},
		{" sqlite , postgres,sqlite", []string{SQLite, Postgres}},
	} {
		got, err := parseEngines(c.list)
		require.NoError(t, err, "%q", c.list)
		assert.Equal(t, c.want, got, "%q", c.list)
	}
	_, err := parseEngines("sqlite,mysql")
	assert.ErrorContains(t, err, `unknown engine "mysql"`)
}

func TestVersionOrdersDirectories(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 15, version("/usr/lib/postgresql/15/bin"))
	assert.Equal(t, 9, version("/usr/lib/postgresql/9.6/bin"))
	assert.Equal(t, 0, version("/opt/bin"))
}
