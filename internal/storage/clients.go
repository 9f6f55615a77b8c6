package storage

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"consentd/internal/service/register"
)

// Clients implements register.Store. A row that nothing but its id makes a client, as a
// hub may bring one of any id, is none where the id is another's organizationIdentifier.
func (d *DB) Clients(ctx context.Context, clientID string) ([]register.TPP, error) {
	if clientID == "" { // what has no organisation yet is nobody's
		return nil, nil
	}
	const most = 2
	var rows []tppRow
	err := d.gorm.WithContext(ctx).Where("id = ? OR organisation = ?", clientID, clientID).Order("id").Limit(most + 1).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find a client: %w", translate(err))
	}
	if len(rows) > 1 {
		rows = slices.DeleteFunc(rows, func(r tppRow) bool { return r.Organisation == "" && r.RedirectURIs == "" })
	}
	rows = rows[:min(len(rows), most)]
	list := make([]register.TPP, len(rows))
	for i := range rows {
		list[i] = *rows[i].domain()
	}
	return list, nil
}

// sealLines is how certificates are stored.
func sealLines(ders [][]byte) string {
	lines := make([]string, len(ders))
	for i, der := range ders {
		lines[i] = base64.StdEncoding.EncodeToString(der)
	}
	return strings.Join(lines, "\n")
}

// sealsIn passes over what is none: the print of the row tells of that.
func sealsIn(lines string) (ders [][]byte) {
	for line := range strings.FieldsSeq(lines) {
		if der, err := base64.StdEncoding.DecodeString(line); err == nil {
			ders = append(ders, der)
		}
	}
	return ders
}
