package storage_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/storage/migrations"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// schemaQueries tell what statements of a replica rest on: the columns of tables with
// their types and NULLs; columns that an INSERT has to name; unique keys, with theirs.
func schemaQueries(engine string) (columns, demanded, keys string) {
	if engine == "postgres" {
		const of = " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'goose_db_version'"
		return "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable" + of,
			"SELECT table_name || '.' || column_name" + of + " AND is_nullable = 'NO' AND column_default IS NULL",
			`SELECT t.relname || ' ' || string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
 WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'goose_db_version' GROUP BY i.indexrelid, t.relname`
	}
	const from, of = " FROM sqlite_master m JOIN ", " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version'"
	return `SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull"` + from + "pragma_table_info(m.name) c" + of,
		"SELECT m.name || '.' || c.name" + from + "pragma_table_info(m.name) c" + of + ` AND c."notnull" = 1 AND c.dflt_value IS NULL`,
		"SELECT m.name || ' ' || (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(k.name) ORDER BY cid))" +
			from + "pragma_index_list(m.name) k" + of + ` AND k."unique" = 1`
}

// schema is what a version has.
type schema struct{ columns, demanded, keys []string }

func schemaAt(t *testing.T, engine, address string, version int64) schema {
	t.Helper()
	migrateTo(t, engine, address, version)
	columns, demanded, keys := schemaQueries(engine)
	return schema{column(t, address, columns), column(t, address, demanded), column(t, address, keys)}
}

// has reports whether a table, or a column of one, is there.
func (s schema) has(name string) bool {
	return slices.ContainsFunc(s.columns, func(c string) bool {
		return strings.HasPrefix(c, name+" ") || strings.HasPrefix(c, name+".")
	})
}

// TestMigrationsExpand holds every step of the schema against the one before: replicas
// of the former version go on while it is made, and until the last is replaced. What
// they read and write is there as it was, their INSERTs leave out nothing that is
// demanded, their ON CONFLICT still meets its key, and no new key is in their way. A
// step that contracts, a release later, is to be named here as an exception.
func TestMigrationsExpand(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			files, err := migrations.For(engine)
			require.NoError(t, err)
			steps, err := fs.Glob(files, "*.sql")
			require.NoError(t, err)
			address := dbtest.URL(t, engine)
			former := schemaAt(t, engine, address, 1)
			require.NotEmpty(t, former.keys)
			for i, step := range steps[1:] {
				next := schemaAt(t, engine, address, int64(i)+2)
				require.Subset(t, next.columns, former.columns, step)
				require.Subset(t, next.keys, former.keys, step)
				for _, c := range next.demanded {
					table, _, _ := strings.Cut(c, ".")
					require.False(t, former.has(table) && !slices.Contains(former.demanded, c), "%s: an INSERT of before leaves out %s", step, c)
				}
				for _, key := range next.keys {
					table, over, _ := strings.Cut(key, " ")
					added := func(c string) bool { return !former.has(table + "." + c) }
					require.True(t, slices.Contains(former.keys, key) || slices.ContainsFunc(strings.Split(over, ","), added),
						"%s: %s may refuse what was allowed", step, key)
				}
				former = next
			}
		})
	}
}
