package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
)

// Options say where the data is and how to reach it.
type Options struct {
	// URL is postgres://… or sqlite:PATH.
	URL string
	// MaxConnections bounds the pool; that many are kept open. SQLite always has one.
	MaxConnections int
	Keys           *secret.Keys // seals what flows keep
	Now            func() time.Time
	Log            *slog.Logger
}

// DB implements the ports of the use cases over one pool.
type DB struct {
	sql    *sql.DB
	gorm   *gorm.DB
	engine engine
	keys   *secret.Keys
	now    func() time.Time
	// createStatement is put together once.
	createStatement string
	statuses        *gather[uuid.UUID, found[statusRow]]
	standings       *gather[string, found[standingRow]]
	tokens          *gather[string, found[tokenRow]]
	bearers         *gather[consent.Digest, found[bearerRow]]
	forwarded       *gather[connections.Holder, found[connections.Standing]]
	grounds         *gather[uuid.UUID, found[groundsRow]]
	grants          *grants
	counts          *gather[countCall, countAnswer]
	// refusals and entrances have room for those that are being written down.
	refusals, entrances chan struct{}
}

// engine is what differs between the two databases.
type engine struct {
	name      string
	dialect   goose.Dialect
	dialector func(*sql.DB) gorm.Dialector
	// versioned asks whether the table of migrations is there.
	versioned string
	// listed is the condition that something is one of a list, the first parameter
	// of a statement; list makes that of ids, and words of texts.
	listed string
	list   func(ids []uuid.UUID) any
	words  func(texts []string) any
	// listedBytes is the same condition for bytes, where the list has them in
	// hexadecimal digits.
	listedBytes string
	// fewIDs is the same condition for ids, for a statement whose plan is dear to
	// make: it has one for good.
	fewIDs string
	// names makes the condition, and its parameter, that a stored reference has
	// the identifier of another.
	names func(consent.Reference) (condition string, value any, err error)
	// among is the condition that an id is one of those that a query finds; place
	// is where a row lies.
	among func(query string) string
	place string
	// counting is the statement that counts accesses, and tallied makes its
	// parameters.
	counting string
	tallied  func([]tally) []any
	// hurried says that lockTimeout holds: the operator has not said another.
	hurried bool
	// oneStatement says that several rows of several tables can be inserted by
	// one statement.
	oneStatement bool
}

// Open connects. It does not touch the schema: see Migrate and Behind.
func Open(ctx context.Context, o Options) (*DB, error) {
	engine, pool, err := open(o.URL)
	if err != nil {
		return nil, err
	}
	connections := max(o.MaxConnections, 1)
	if engine.name == "sqlite" {
		connections = 1
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach %s database: %w", engine.name, err), pool.Close())
	}
	g, err := gorm.Open(engine.dialector(pool), &gorm.Config{
		SkipDefaultTransaction: true,
		QueryFields:            true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		NowFunc:                o.Now,
		Logger: logger.NewSlogLogger(o.Log, logger.Config{
			ParameterizedQueries:      true, // parameters are personal data
			IgnoreRecordNotFoundError: true,
			SlowThreshold:             200 * time.Millisecond,
			LogLevel:                  logger.Warn,
		}),
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up %s database: %w", engine.name, err), pool.Close())
	}
	d := &DB{
		sql: pool, gorm: g, engine: engine, keys: o.Keys, now: o.Now, createStatement: createStatement(),
		refusals: make(chan struct{}, refusalsAtOnce), entrances: make(chan struct{}, refusalsAtOnce),
	}
	d.statuses = newLookUps(statusTurns, d.fetchStatuses)
	d.standings = newLookUps(statusTurns, d.fetchStandings)
	d.tokens = newLookUps(tokenTurns, d.fetchTokens)
	d.bearers = newLookUps(bearerTurns, d.fetchBearers)
	d.forwarded = newLookUps(bearerTurns, d.fetchForwarded)
	d.grounds = newLookUps(groundsTurns, d.fetchGrounds)
	d.counts = newGather(countTurns, d.countAll)
	d.grants = d.newGrants()
	return d, nil
}

// lockTimeout is how long a statement waits for another's lock, in PostgreSQL's
// words, unless the URL says otherwise. Migrations wait as long as it takes.
const lockTimeout = "3s"

// setsLockTimeout finds the setting among options such as "-c lock_timeout=5s".
var setsLockTimeout = regexp.MustCompile(`(?i)(^|\s)(-c\s*|--)lock[_-]timeout\s*=`)

func open(url string) (engine, *sql.DB, error) {
	switch {
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		c, err := pgx.ParseConfig(url)
		if err != nil {
			return engine{}, nil, fmt.Errorf("database URL: %w", err)
		}
		tighten(c)
		e := postgresEngine()
		if _, set := c.RuntimeParams["lock_timeout"]; !set && !setsLockTimeout.MatchString(c.RuntimeParams["options"]) {
			c.RuntimeParams["lock_timeout"] = lockTimeout
			e.hurried = true
		}
		return e, stdlib.OpenDB(*c), nil
	case strings.HasPrefix(url, "sqlite:"):
		pool, err := sql.Open(sqliteDriver, sqliteDSN(strings.TrimPrefix(url, "sqlite:")))
		if err != nil {
			return engine{}, nil, fmt.Errorf("open the database: %w", err)
		}
		return sqliteEngine(), pool, nil
	default:
		return engine{}, nil, errors.New("a database URL begins with postgres:// or with sqlite: and a path")
	}
}

// tighten leaves each connection the memory that it has use for: the driver sets aside
// room for 512 statements twice. Ours are some hundred, and of each with a list one for
// every length of it. What the URL asks for is left as it is.
func tighten(c *pgx.ConnConfig) {
	const byDefault, statements = 512, 256
	if c.StatementCacheCapacity == byDefault {
		c.StatementCacheCapacity = statements
	}
	if c.DefaultQueryExecMode != pgx.QueryExecModeCacheDescribe {
		c.DescriptionCacheCapacity = 0
	}
}

func postgresEngine() engine {
	return engine{
		name:        "postgres",
		dialect:     goose.DialectPostgres,
		dialector:   func(db *sql.DB) gorm.Dialector { return postgres.New(postgres.Config{Conn: db}) },
		versioned:   "SELECT to_regclass('goose_db_version') IS NOT NULL",
		listed:      "= ANY($1)",
		listedBytes: "= ANY (ARRAY(SELECT decode(digits, 'hex') FROM unnest($1::text[]) digits))",
		list: func(ids []uuid.UUID) any {
			raw := make([][16]byte, len(ids))
			for i, id := range ids {
				raw[i] = id
			}
			return raw
		},
		words: func(texts []string) any { return texts },
		// Behind a query PostgreSQL cannot count the list, so it does not take it for
		// worth a plan of its own each time.
		fewIDs:       "= ANY (ARRAY(SELECT unnest($1::uuid[])))",
		names:        holds,
		among:        amongFew,
		place:        "ctid",
		counting:     countingPostgres(),
		tallied:      talliedPostgres,
		oneStatement: true,
	}
}

func sqliteEngine() engine {
	return engine{
		name: "sqlite", dialect: goose.DialectSQLite3, dialector: sqliteDialector,
		versioned:   "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'goose_db_version'",
		listed:      "IN (SELECT value FROM json_each($1))",
		listedBytes: "IN (SELECT unhex(value) FROM json_each($1))",
		list: func(ids []uuid.UUID) any {
			d, _ := documentOf(ids) // ids are always encodable
			return string(d)
		},
		words: func(texts []string) any {
			d, _ := documentOf(texts) // so are texts
			return string(d)
		},
		fewIDs:   "IN (SELECT value FROM json_each($1))",
		names:    equals,
		among:    func(query string) string { return "IN (" + query + ")" },
		place:    "rowid",
		counting: countingSQLite(),
		tallied:  talliedSQLite,
	}
}

// Close ends all connections.
func (d *DB) Close() error {
	if err := d.sql.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.sql.PingContext(ctx); err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	return nil
}

// Stats tells how the pool is used.
func (d *DB) Stats() sql.DBStats { return d.sql.Stats() }

// attempts bounds how often a transaction that lost to another is run again.
const attempts = 5

// transact runs fn in a transaction, again if the database says that it lost
// against another one.
func (d *DB) transact(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return persist(func() error { return d.gorm.WithContext(ctx).Transaction(fn) })
}

// persist does something again while the database says that it lost against
// another.
func persist(do func() error) error {
	var err error
	for range attempts {
		if err = do(); !lost(err) {
			break
		}
	}
	return translate(err)
}

// lost reports a serialisation failure, a deadlock or a version that moved on.
func lost(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	return errors.Is(err, errStale)
}

// errStale says that a row was not in the version that was read.
var errStale = errors.New("the row changed since it was read")

// translate gives driver errors the domain's codes where they have one.
func translate(err error) error {
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return consent.E(consent.CodeNotFound, "not known")
	case repeated(err):
		return errRepeated()
	case unreachable(err):
		return consent.E(consent.CodeUnavailable, "the database does not answer").Because(err)
	default:
		return err
	}
}

// unreachable reports that the database is away or turns everybody away, as
// opposed to refusing this statement.
func unreachable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Connection exceptions, insufficient resources, operator intervention;
		// and a lock that somebody held for longer than we wait.
		return pg.Code == "55P03" || slices.Contains([]string{"08", "53", "57"}, pg.Code[:2])
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok || errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF)
}
