package storage

import (
	"database/sql"
	"net/url"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
)

// This file alone names the SQLite driver, which is pure Go: the released
// binary needs no C.

const sqliteDriver = sqlite.DriverName

func sqliteDialector(db *sql.DB) gorm.Dialector { return &sqlite.Dialector{Conn: db} }

// sqliteDSN opens path so that writers queue instead of failing: every
// transaction takes the write lock at its begin.
func sqliteDSN(path string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}
