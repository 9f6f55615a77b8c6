package storage

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

// forGood is the day on which one-off consents count: their uses never come back.
func forGood() day { return day{consent.Date{Year: 1, Month: time.January, Day: 1}} }

// countKey is the primary key of a count.
type countKey struct {
	day              consent.Date
	consent, account uuid.UUID
	operation        string
}

// keyOf names the row of an access.
func keyOf(a *access.Counted) countKey {
	k := countKey{day: a.Day, consent: a.Consent, account: a.Use.Account, operation: string(a.Use.Operation)}
	if k.day == (consent.Date{}) {
		k.day = forGood().Date
	}
	return k
}

// countCall is one access that asks to be counted.
type countCall struct {
	key   countKey
	limit int
	at    time.Time
	list  string
}

// countAnswer says whether it was, and how many remain.
type countAnswer struct {
	left int
	ok   bool
}

// Count implements access.Store. Who leaves before the answer may have been
// counted; nobody is told yes who was not.
func (d *DB) Count(ctx context.Context, a access.Counted, limit int) (left int, ok bool, err error) {
	if limit < 1 {
		return 0, false, nil
	}
	answer, err := d.counts.get(ctx, countCall{key: keyOf(&a), limit: limit, at: a.At, list: a.List})
	if err != nil {
		return 0, false, fmt.Errorf("count an access of consent %s: %w", a.Consent, err)
	}
	return answer.left, answer.ok, nil
}

// countTurns is how many statements that count run at once: each waits for the
// disk, and the more accesses share one wait, the better.
const countTurns = 1

// tally is the accesses of one key that are counted by one statement: how many
// are wanted, how many are allowed in all, and what came of it.
type tally struct {
	key       countKey
	wanted    int
	allowed   int
	at        time.Time
	lists     string
	former, n int // former are those of before, n with those that were granted
	handed    int
}

// hand answers the next of the callers: who came first is counted first.
func (t *tally) hand() countAnswer {
	if t.former+t.handed >= t.n {
		return countAnswer{}
	}
	t.handed++
	return countAnswer{left: t.allowed - t.former - t.handed, ok: true}
}

// countAll counts all calls that came together, in one statement.
func (d *DB) countAll(ctx context.Context, calls []countCall) ([]countAnswer, error) {
	tallies, index := tallyUp(calls)
	q := query{d.engine.counting, d.engine.tallied(tallies)}
	err := persist(func() error {
		for i := range tallies {
			tallies[i].former, tallies[i].n = 0, 0 // an attempt that failed has granted nothing
		}
		return eachRow(ctx, d.sql, q, func(rows *sql.Rows) error {
			var on day
			var k countKey
			var former, n int
			if err := rows.Scan(&on, &k.consent, &k.account, &k.operation, &former, &n); err != nil {
				return err
			}
			k.day = on.Date
			i, asked := index[k]
			if !asked {
				return errUnanswered
			}
			tallies[i].former, tallies[i].n = former, n
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	answers := make([]countAnswer, len(calls))
	for i := range calls {
		answers[i] = tallies[index[calls[i].key]].hand()
	}
	return answers, nil
}

// unnamed stands for a list that has no name; it is as long as one.
const unnamed = "                "

// tallyUp adds up the calls of the same key: one statement can meet a row but
// once. Where they differ about the limit, the lowest holds.
func tallyUp(calls []countCall) (tallies []tally, index map[countKey]int) {
	tallies, index = make([]tally, 0, len(calls)), make(map[countKey]int, len(calls))
	for i := range calls {
		c := &calls[i]
		at, known := index[c.key]
		if !known {
			at = len(tallies)
			index[c.key] = at
			tallies = append(tallies, tally{key: c.key, allowed: c.limit})
		}
		t := &tallies[at]
		t.wanted++
		t.allowed = min(t.allowed, c.limit)
		t.lists += cmp.Or(c.list, unnamed)
		if c.at.After(t.at) {
			t.at = c.at
		}
	}
	return tallies, index
}

// functions are what the engines call differently: the lesser of two numbers, the
// first and the last n characters of a text.
type functions struct {
	least       string
	first, last func(text, n string) string
}

// countingOf puts together the statement that counts. Rows are met in the order of
// their keys, at every replica, so that no two statements wait for each other. It
// returns a row for each key of which at least one access was granted: it takes
// what is left, and keeps how many there were before, so that n - former tells how
// many of the callers were in time. Of those, in their order, it keeps the lists: 16
// characters each, the last four. source names the calls' columns.
func countingOf(source string, f functions) string {
	granted := f.first("excluded.lists", "16 * ("+f.least+"(a.n + excluded.n, excluded.allowed) - a.n)")
	return `INSERT INTO access_counts AS a (day, consent_id, account_id, operation, n, former, allowed, at, lists)
 SELECT x.day, x.consent_id, x.account_id, x.operation, ` + f.least + `(x.wanted, x.allowed), 0, x.allowed, x.at,
  ` + f.first("x.lists", "16 * "+f.least+"(x.wanted, x.allowed)") + `
 FROM ` + source + ` WHERE true ORDER BY x.day, x.consent_id, x.account_id, x.operation
 ON CONFLICT (day, consent_id, account_id, operation) DO UPDATE
 SET former = a.n, n = ` + f.least + `(a.n + excluded.n, excluded.allowed), allowed = excluded.allowed, at = excluded.at, walked = 0,
  lists = ` + f.last("a.lists || "+granted, "64") + `
 WHERE a.n < excluded.allowed
 RETURNING day, consent_id, account_id, operation, former, n`
}

func countingPostgres() string {
	return countingOf(`(SELECT day, consent_id, account_id, operation COLLATE "C", wanted, allowed, at, lists FROM
 unnest($1::date[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::integer[], $7::timestamptz[], $8::text[])
 AS u (day, consent_id, account_id, operation, wanted, allowed, at, lists)) AS x`, functions{
		least: "LEAST",
		first: func(text, n string) string { return "left(" + text + ", " + n + ")" },
		last:  func(text, n string) string { return "right(" + text + ", " + n + ")" },
	})
}

func talliedPostgres(tallies []tally) []any {
	n := len(tallies)
	days, at := make([]day, n), make([]instant, n)
	consents, accounts := make([][16]byte, n), make([][16]byte, n)
	operations, lists := make([]string, n), make([]string, n)
	wanted, allowed := make([]int32, n), make([]int32, n)
	for i := range tallies {
		t := &tallies[i]
		days[i], at[i] = day{t.key.day}, instantOf(t.at)
		consents[i], accounts[i], operations[i] = t.key.consent, t.key.account, t.key.operation
		lists[i] = t.lists
		wanted[i], allowed[i] = int32(t.wanted), int32(t.allowed) //nolint:gosec // a batch's and a day's numbers are small
	}
	return []any{days, consents, accounts, operations, wanted, allowed, at, lists}
}

func countingSQLite() string {
	return countingOf(`(SELECT value->>0 AS day, value->>1 AS consent_id, value->>2 AS account_id, value->>3 AS operation,
 value->>4 AS wanted, value->>5 AS allowed, value->>6 AS at, value->>7 AS lists FROM json_each($1)) AS x`, functions{
		least: "min",
		first: func(text, n string) string { return "substr(" + text + ", 1, " + n + ")" },
		last:  func(text, n string) string { return "substr(" + text + ", -" + n + ")" },
	})
}

func talliedSQLite(tallies []tally) []any {
	rows := make([][]any, len(tallies))
	for i := range tallies {
		t := &tallies[i]
		rows[i] = []any{t.key.day.String(), t.key.consent, t.key.account, t.key.operation, t.wanted, t.allowed, t.at.UTC().Format(instantLayout), t.lists}
	}
	d, _ := documentOf(rows) // texts and numbers are always encodable
	return []any{string(d)}
}
