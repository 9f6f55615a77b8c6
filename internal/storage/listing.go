package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service"
)

var _ service.Lists = (*DB)(nil)

const (
	// changedAt is when anything about a consent changed last, as consents_updated has it:
	// a replica of a version that knows no updated_at moves the other alone.
	changedAt = `CASE WHEN consents.updated_at > consents.status_changed_at THEN consents.updated_at ELSE consents.status_changed_at END`
	// endedBetween is the condition that time has ended a consent after an instant and
	// until another, and dueBetween that it has ended an authorisation of it, as Settle
	// does; while no worker has written that.
	endedBetween = `(CASE WHEN consents.status IN ('received', 'partiallyAuthorised') AND consents.authorise_by < consents.ends_at
 THEN consents.authorise_by ELSE consents.ends_at END) BETWEEN ? AND ?`
	dueBetween = `EXISTS (SELECT 1 FROM authorisations d WHERE d.consent_id = consents.id
 AND d.status NOT IN ('finalised', 'exempted', 'failed') AND d.deadline BETWEEN ? AND ?)`
)

// way is what a consent must meet, all of it.
type way []condition

// where is the condition in words, with its parameters.
func (w way) where() condition {
	if len(w) == 0 {
		return condition{}
	}
	parts, all := make([]string, len(w)), condition{}
	for i, c := range w {
		parts[i] = "(" + c.sql + ")"
		all.args = append(all.args, c.args...)
	}
	all.sql = " WHERE " + strings.Join(parts, " AND ")
	return all
}

// listing is a question as storage asks it: a consent is listed where it meets one of
// the ways. None meets two of them, so that they add up, and each begins with an index.
type listing struct {
	service.Listing

	ways []way
}

func listingOf(l service.Listing) listing {
	q := listing{Listing: l, ways: []way{nil}}
	q.Size, q.Page = max(l.Size, 1), max(l.Page, 1)
	for _, of := range [][]way{sightOf(l), accountOf(l), changedSince(l), standingAs(l)} {
		q.cross(of)
	}
	also := plainFilters(l)
	for i := range q.ways {
		q.ways[i] = append(q.ways[i], also...)
	}
	return q
}

// cross has each way be met together with one of some others.
func (q *listing) cross(others []way) {
	var ways []way
	for _, w := range q.ways {
		for _, o := range others {
			ways = append(ways, slices.Concat(w, o))
		}
	}
	q.ways = ways
}

// anyWay is the one way that everything meets.
func anyWay() []way { return []way{nil} }

func sightOf(l service.Listing) []way {
	if l.Sight == nil {
		return anyWay()
	}
	var ways []way
	if len(l.Sight.Customers) > 0 {
		ways = append(ways, way{{ofCustomers, []any{l.Sight.Customers}}})
	}
	if l.Sight.PSU != uuid.Nil {
		ways = append(ways, way{{begunBy, []any{l.Sight.PSU}}})
	}
	return ways
}

func accountOf(l service.Listing) []way {
	if l.Account == "" {
		return anyWay()
	}
	return []way{{granting(l.Account)}, {opening(l.Account, l.Owners)}}
}

// changedSince tells what was written after an instant from what time alone has
// changed since then.
func changedSince(l service.Listing) []way {
	if l.ChangedAfter.IsZero() {
		return anyWay()
	}
	after, first, now := instantOf(l.ChangedAfter), instantOf(l.ChangedAfter.Add(time.Microsecond)), instantOf(l.Now)
	return []way{
		{{"(" + changedAt + ") > ?", []any{after}}},
		{
			{"(" + changedAt + ") <= ?", []any{after}},
			{"consents.due_at <= ?", []any{now}},
			{endedBetween + " OR " + dueBetween, []any{first, now, first, now}},
		},
	}
}

// standingAs tells the consents that are in the state that is written from those that
// time has moved on meanwhile, which are few.
func standingAs(l service.Listing) []way {
	if len(l.Statuses) == 0 {
		return anyWay()
	}
	now := instantOf(l.Now)
	return []way{
		{{"consents.status IN ?", []any{l.Statuses}}, {"consents.due_at IS NULL OR consents.due_at > ?", []any{now}}},
		{{"consents.due_at <= ?", []any{now}}, {statusAt + " IN ?", []any{now, now, l.Statuses}}},
	}
}

// plainFilters are what is said of all ways.
func plainFilters(l service.Listing) []condition {
	var all []condition
	if l.Group != uuid.Nil {
		// The first of a line is not in the index of the lines.
		all = append(all, condition{
			"consents.id = ? AND consents.group_id = ? OR consents.group_id = ? AND consents.group_id <> consents.id",
			[]any{l.Group, l.Group, l.Group},
		})
	}
	if l.TPP != "" {
		all = append(all, condition{"consents.tpp = ?", []any{l.TPP}})
	}
	if len(l.Kinds) > 0 {
		all = append(all, condition{"consents.kind IN ?", []any{l.Kinds}})
	}
	if !l.MadeFrom.IsZero() {
		all = append(all, condition{"consents.created_at >= ?", []any{instantOf(l.MadeFrom)}})
	}
	if !l.MadeTo.IsZero() {
		all = append(all, condition{"consents.created_at < ?", []any{instantOf(l.MadeTo)}})
	}
	return all
}

// count is the statement that counts what is listed on all pages, by the ways.
func (q *listing) count() condition {
	counts, all := make([]string, len(q.ways)), condition{}
	for i, w := range q.ways {
		where := w.where()
		counts[i] = "SELECT " + strconv.Itoa(i) + " AS way, count(*) AS n FROM consents" + where.sql
		all.args = append(all.args, where.args...)
	}
	all.sql = strings.Join(counts, " UNION ALL ")
	return all
}

// total counts what is listed, and forgets the ways by which nothing is.
func (q *listing) total(tx *gorm.DB) (int, error) {
	var counts []struct{ Way, N int }
	count, total := q.count(), 0
	if err := tx.Raw(count.sql, count.args...).Scan(&counts).Error; err != nil {
		return 0, err
	}
	var ways []way
	for _, c := range counts {
		if total += c.N; c.N > 0 {
			ways = append(ways, q.ways[c.Way])
		}
	}
	q.ways = ways
	return total, nil
}

// stretch is which consents of a list are read: the first ones are passed over. One that
// lies nearer to the end is read from there.
type stretch struct {
	first, size int
	backward    bool
}

// stretch is that of a page of a list of so many. After a cursor nobody knows how many
// there are, so one more is read, which tells whether there is another page.
func (q *listing) stretch(total int) stretch {
	if q.Cursor != nil {
		return stretch{size: q.Size + 1}
	}
	first := min((q.Page-1)*q.Size, total)
	size := min(q.Size, total-first)
	if behind := total - first - size; behind < first {
		return stretch{first: behind, size: size, backward: true}
	}
	return stretch{first: first, size: size}
}

// find is the statement that finds ids. They are found in an index, as a rule, before
// anything else of a consent is read.
func (q *listing) find(s stretch) condition {
	inner, outer := q.orders(s.backward)
	var also way
	if q.Cursor != nil {
		also = way{q.after()}
	}
	selects, all := make([]string, len(q.ways)), condition{}
	for i, w := range q.ways {
		where := slices.Concat(w, also).where()
		selects[i] = "SELECT id, at FROM (SELECT consents.id AS id, (" + changedAt + ") AS at FROM consents" + where.sql +
			" ORDER BY " + inner + " LIMIT ?) AS w"
		all.args = append(append(all.args, where.args...), s.first+s.size)
	}
	all.sql = "SELECT id, at FROM (" + strings.Join(selects, " UNION ALL ") + ") AS p ORDER BY " + outer + " LIMIT ? OFFSET ?"
	all.args = append(all.args, s.size, s.first)
	return all
}

// orders are the order of the consents that meet one way, and of all of these together.
func (q *listing) orders(backward bool) (inner, outer string) {
	switch {
	case q.Order == service.Changed && backward:
		return "(" + changedAt + ") DESC, consents.id DESC", "at DESC, id DESC"
	case q.Order == service.Changed:
		return "(" + changedAt + "), consents.id", "at, id"
	case backward:
		return "consents.id", "id"
	default:
		return "consents.id DESC", "id DESC"
	}
}

// after is the condition that a consent comes after the cursor.
func (q *listing) after() condition {
	if q.Order == service.Changed {
		return condition{"((" + changedAt + "), consents.id) > (?, ?)", []any{instantOf(q.Cursor.Changed), q.Cursor.ID}}
	}
	return condition{"consents.id < ?", []any{q.Cursor.ID}}
}

// place is where a consent stands in a list.
type place struct {
	ID uuid.UUID
	At instant
}

// ListConsents implements service.Lists.
func (d *DB) ListConsents(ctx context.Context, l service.Listing) (service.Listed, error) {
	q := listingOf(l)
	if len(q.ways) == 0 {
		return service.Listed{}, nil
	}
	var listed service.Listed
	err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var err error
		listed, err = q.read(tx)
		return err
	}, d.engine.snapshot())
	if err != nil {
		return service.Listed{}, fmt.Errorf("list consents: %w", translate(err))
	}
	return listed, nil
}

func (q *listing) read(tx *gorm.DB) (service.Listed, error) {
	var listed service.Listed
	var err error
	if listed.Total, err = q.total(tx); err != nil || listed.Total == 0 {
		return listed, err
	}
	places, err := q.places(tx, q.stretch(listed.Total))
	if err != nil {
		return listed, err
	}
	more := q.Cursor == nil && q.Page*q.Size < listed.Total
	if len(places) > q.Size {
		places, more = places[:q.Size], true
	}
	if more && len(places) > 0 {
		listed.Next = q.cursor(places[len(places)-1])
	}
	listed.Consents, err = consentsAt(tx, places)
	return listed, err
}

// places finds a stretch of the list.
func (q *listing) places(tx *gorm.DB, s stretch) ([]place, error) {
	if s.size == 0 {
		return nil, nil
	}
	var places []place
	find := q.find(s)
	if err := tx.Raw(find.sql, find.args...).Scan(&places).Error; err != nil {
		return nil, err
	}
	if s.backward {
		slices.Reverse(places)
	}
	return places, nil
}

// cursor is the one of a page that ends at a place.
func (q *listing) cursor(last place) *service.Cursor {
	if q.Order == service.Changed {
		return &service.Cursor{ID: last.ID, Changed: last.At.Time}
	}
	return &service.Cursor{ID: last.ID}
}

// consentsAt reads consents whole, in the order of their places.
func consentsAt(tx *gorm.DB, places []place) ([]*consent.Consent, error) {
	if len(places) == 0 {
		return nil, nil
	}
	ids, at := make([]uuid.UUID, len(places)), make(map[uuid.UUID]int, len(places))
	for i, p := range places {
		ids[i], at[p.ID] = p.ID, i
	}
	var rows []consentRow
	if err := tx.Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b consentRow) int { return at[a.ID] - at[b.ID] })
	return fillAll(tx, rows)
}
