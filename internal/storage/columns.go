package storage

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"consentd/internal/consent"
)

// The column types below read and write alike on both engines. Their zero
// value is NULL. What implements an interface of pgtype goes to PostgreSQL in
// binary; a driver.Valuer alone would be tried, refused and parsed as text.

// instantLayout has a fixed width, so that text sorts like time in SQLite;
// PostgreSQL reads it as a timestamptz.
const instantLayout = "2006-01-02T15:04:05.000000Z"

// instant is a point in time, in UTC and microseconds.
type instant struct{ time.Time }

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return instant{}
	}
	return instant{t.UTC().Truncate(time.Microsecond)}
}

// Value implements driver.Valuer.
func (i instant) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil //nolint:nilnil // NULL is what the driver takes nil for
	}
	return i.UTC().Format(instantLayout), nil
}

// Scan implements sql.Scanner.
func (i *instant) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*i = instant{}
	case time.Time:
		*i = instantOf(v)
	case string:
		t, err := time.Parse(instantLayout, v)
		if err != nil {
			return fmt.Errorf("instant column: %w", err)
		}
		*i = instantOf(t)
	default:
		return fmt.Errorf("instant column holds %T", src)
	}
	return nil
}

// day is a calendar date.
type day struct{ consent.Date }

// Value implements driver.Valuer.
func (d day) Value() (driver.Value, error) { return d.String(), nil }

// Scan implements sql.Scanner.
func (d *day) Scan(src any) error {
	switch v := src.(type) {
	case time.Time:
		d.Date = consent.DateOf(v, time.UTC)
	case string:
		date, err := consent.ParseDate(v)
		if err != nil {
			return fmt.Errorf("date column: %w", err)
		}
		d.Date = date
	default:
		return fmt.Errorf("date column holds %T", src)
	}
	return nil
}

// ref is an id that may be missing.
type ref uuid.UUID

// Value implements driver.Valuer.
func (r ref) Value() (driver.Value, error) {
	if uuid.UUID(r) == uuid.Nil {
		return nil, nil //nolint:nilnil // NULL is what the driver takes nil for
	}
	return uuid.UUID(r).String(), nil
}

// Scan implements sql.Scanner.
func (r *ref) Scan(src any) error {
	if src == nil {
		*r = ref(uuid.Nil)
		return nil
	}
	return (*uuid.UUID)(r).Scan(src)
}

// digest is a SHA-256 that may be missing.
type digest consent.Digest

// Value implements driver.Valuer.
func (d digest) Value() (driver.Value, error) {
	if d == (digest{}) {
		return nil, nil //nolint:nilnil // NULL is what the driver takes nil for
	}
	return d[:], nil
}

// bytes is nil for one that is missing.
func (d digest) bytes() []byte {
	if d == (digest{}) {
		return nil
	}
	return d[:]
}

// Scan implements sql.Scanner.
func (d *digest) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = digest{}
	case []byte:
		if len(v) != len(d) {
			return fmt.Errorf("digest column holds %d bytes", len(v))
		}
		copy(d[:], v)
	default:
		return fmt.Errorf("digest column holds %T", src)
	}
	return nil
}

// word is a text that may be missing.
type word string

// Value implements driver.Valuer.
func (w word) Value() (driver.Value, error) {
	if w == "" {
		return nil, nil //nolint:nilnil // NULL is what the driver takes nil for
	}
	return string(w), nil
}

// Scan implements sql.Scanner.
func (w *word) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*w = ""
	case string:
		*w = word(v)
	default:
		return fmt.Errorf("text column holds %T", src)
	}
	return nil
}

// document is JSON that only travels; empty where there is none.
type document string

// Value implements driver.Valuer.
func (d document) Value() (driver.Value, error) {
	if d == "" {
		return nil, nil //nolint:nilnil // NULL is what the driver takes nil for
	}
	return string(d), nil
}

// Scan implements sql.Scanner.
func (d *document) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = ""
	case string:
		*d = document(v)
	case []byte:
		*d = document(v)
	default:
		return fmt.Errorf("json column holds %T", src)
	}
	return nil
}

func documentOf(v any) (document, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode json column: %w", err)
	}
	return document(b), nil
}

func (d document) into(v any) error {
	if err := json.Unmarshal([]byte(d), v); err != nil {
		return fmt.Errorf("decode json column: %w", err)
	}
	return nil
}

// TimestamptzValue implements pgtype.TimestamptzValuer.
func (i instant) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: i.Time, Valid: !i.IsZero()}, nil
}

// DateValue implements pgtype.DateValuer.
func (d day) DateValue() (pgtype.Date, error) {
	return pgtype.Date{Time: time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC), Valid: true}, nil
}

// UUIDValue implements pgtype.UUIDValuer.
func (r ref) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: r, Valid: uuid.UUID(r) != uuid.Nil}, nil
}

// TextValue implements pgtype.TextValuer.
func (w word) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(w), Valid: w != ""}, nil
}
