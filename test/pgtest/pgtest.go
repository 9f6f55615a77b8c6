package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// The engines that a test can be asked to run on.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// EnginesVariable is the environment variable that narrows the engines: a list with commas.
const EnginesVariable = "CONSENTD_TEST_ENGINES"

// startTimeout is generous: several test processes may make their clusters at once on two cores.
const startTimeout = 90 * time.Second

// shared is the one server of this test process.
var shared = sync.OnceValues(func() (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return Start(ctx, Options{})
})

// databases numbers the databases of this test process.
var databases atomic.Int64

// DSN returns the address of a fresh, empty database on this test process's own
// server. The database is dropped when the test ends, after every cleanup that the
// test registered later than this call.
func DSN(t testing.TB) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := server.exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), startTimeout)
		defer cancel()
		if err := server.exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return server.DSN(name)
}

// Engines returns the database engines that storage tests run on: those that
// CONSENTD_TEST_ENGINES lists, or all. An unknown name fails the test.
func Engines(t testing.TB) []string {
	t.Helper()
	engines, err := parseEngines(os.Getenv(EnginesVariable))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return engines
}

func parseEngines(list string) ([]string, error) {
	all := []string{SQLite, Postgres}
	if strings.TrimSpace(list) == "" {
		return all, nil
	}
	var engines []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("%s: unknown engine %q: one of %s", EnginesVariable, name, strings.Join(all, ", "))
		}
		if !slices.Contains(engines, name) {
			engines = append(engines, name)
		}
	}
	return engines, nil
}

// exec runs one statement in the maintenance database, on a connection of its own,
// so that no pool and none of its goroutines outlives the call.
func (s *Server) exec(ctx context.Context, statement string) error {
	db, err := sql.Open("pgx", s.DSN("postgres"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
