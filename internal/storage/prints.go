package storage

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/internal/service/tokens"
)

// printOf is a print of a row, of all its columns. It is keyed, so that nobody
// can try out names against one that is older than the row.
func printOf(by consent.Signer, table string, columns ...string) string {
	parts := make([][]byte, len(columns))
	for i, c := range columns {
		parts[i] = []byte(c)
	}
	return base64.RawURLEncoding.EncodeToString(by.MAC("print of "+table, parts...))
}

// text is an instant as SQLite has it, empty for none.
func (i instant) text() string {
	if i.IsZero() {
		return ""
	}
	return i.UTC().Format(instantLayout)
}

func (r *tppRow) printed(by consent.Signer) string {
	columns := []string{
		r.ID, r.Name, r.Organisation, r.NCAID, r.NCAName, r.Roles, r.Certificate,
		r.FirstSeenAt.text(), r.CertificateSeenAt.text(), r.BlockedAt.text(), r.BlockedUntil.text(), r.BlockedBy, r.BlockReason,
		strconv.FormatBool(r.EndsConsents), r.EndRequestID, r.Search,
	}
	// Not in the prints of rows that have none, so that prints from before the sixth
	// version of the schema still hold.
	if r.RedirectURIs != "" || r.Seals != "" {
		columns = append(columns, r.RedirectURIs, r.Seals)
	}
	return printOf(by, r.TableName(), columns...)
}

func (r *tokenRow) printed(by consent.Signer) string {
	return printOf(by, r.TableName(), r.ID.String(), r.Name, r.Role, string(r.MAC), string(r.Seal),
		r.CreatedAt.text(), r.ExpiresAt.text(), r.RevokedAt.text())
}

// rowsOf reads the rows that the chains of TPPs and tokens tell of, by the names
// of the chains. One that is not there is an empty one.
func (d *DB) rowsOf(tx *gorm.DB, names []string) (map[string]*ledger.Row, error) {
	rows := map[string]*ledger.Row{}
	var tpps []string
	var ids []uuid.UUID
	for _, name := range names {
		if id, found := strings.CutPrefix(name, register.Chain("")); found {
			tpps, rows[name] = append(tpps, id), &ledger.Row{}
		}
		if text, found := strings.CutPrefix(name, tokens.ChainPrefix); found {
			rows[name] = &ledger.Row{}
			if id, err := uuid.Parse(text); err == nil { // else no token can have it
				ids = append(ids, id)
			}
		}
	}
	if err := d.readTPPs(tx, tpps, rows); err != nil {
		return nil, err
	}
	return rows, d.readTokens(tx, ids, rows)
}

func (d *DB) readTPPs(tx *gorm.DB, ids []string, into map[string]*ledger.Row) error {
	if len(ids) == 0 {
		return nil
	}
	var found []tppRow
	if err := tx.Where("id IN ?", ids).Find(&found).Error; err != nil {
		return err
	}
	for i := range found {
		into[register.Chain(found[i].ID)] = &ledger.Row{State: found[i].domain().State(), Print: found[i].printed(d.keys)}
	}
	return nil
}

func (d *DB) readTokens(tx *gorm.DB, ids []uuid.UUID, into map[string]*ledger.Row) error {
	if len(ids) == 0 {
		return nil
	}
	var found []tokenRow
	if err := tx.Where("id IN ?", ids).Find(&found).Error; err != nil {
		return err
	}
	for i := range found {
		t := found[i].domain()
		into[tokens.Chain(t.ID)] = &ledger.Row{State: t.State(), Print: found[i].printed(d.keys)}
	}
	return nil
}

// bare finds rows of a table that have no chain, which would be called by the
// prefix and the id.
func bare(table, prefix string) func(*gorm.DB, string) ([]ledger.Chain, error) {
	return func(tx *gorm.DB, after string) ([]ledger.Chain, error) {
		q := tx.Table(table).Order("id").Limit(chainBatch).
			Where("NOT EXISTS (SELECT 1 FROM audit_chains WHERE audit_chains.chain = CAST(? AS text) || CAST("+table+".id AS text))", prefix)
		if after != "" {
			q = q.Where("id > ?", strings.TrimPrefix(after, prefix))
		}
		var ids []string
		if err := q.Pluck("CAST(id AS text)", &ids).Error; err != nil {
			return nil, err
		}
		chains := make([]ledger.Chain, len(ids))
		for i, id := range ids {
			chains[i] = ledger.Chain{Name: prefix + id}
		}
		return chains, nil
	}
}
