package web

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// columns are those of the table that is handed out; they stay as they are.
var columns = []string{
	"id", "line", "reference", "type", "status", "tpp", "tppId", "onBehalfOf", "customer", "accounts", "allAccounts", "permissions",
	"createdAt", "firstCreatedAt", "validUntil", "lastUsedAt", "statusChangedAt", "endedBy", "endReason", "suspensionReason",
	"payments", "paid", "pending", "currency", "payees", "payeeAccounts", "transactionIds", "rejectReasons",
}

// downloadCSV hands out the same as a table (RFC 4180, UTF-8 with a byte order mark,
// without which spreadsheets take it for another encoding).
func (d *Dashboard) downloadCSV(l *look) error {
	all, err := d.Consents.All(l.ctx(), l.viewer())
	if err != nil {
		return d.trouble(l, err)
	}
	out := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(out)
	w.UseCRLF = true
	lines := [][]string{columns}
	for i := range all {
		lines = append(lines, copied(&all[i]).line())
	}
	if err := w.WriteAll(lines); err != nil {
		return fmt.Errorf("copy of consents: %w", err)
	}
	return d.hand(l, "csv", "text/csv; charset=utf-8", out.Bytes())
}

// line is a consent as a line of the table, in the order of columns.
func (c copyOf) line() []string {
	var accounts []string
	for _, a := range c.Accounts {
		accounts = append(accounts, a.Number)
	}
	cells := []string{
		c.ID, c.Line, c.Reference, c.Type, c.Status, c.TPP, c.TPPID, c.OnBehalfOf, c.Customer, strings.Join(accounts, " "), strconv.FormatBool(c.AllAccounts),
		strings.Join(c.Permissions, " "), c.CreatedAt, c.FirstGivenAt, c.ValidUntil, c.LastUsedAt, c.StatusAt, c.EndedBy, c.EndReason, c.PauseReason,
		strconv.Itoa(len(c.Payments)), c.Paid, c.Pending, c.Currency,
	}
	cells = append(cells, c.paidCells()...)
	for i, cell := range cells {
		cells[i] = inert(cell)
	}
	return cells
}

// paidCells are what the payments of a consent have in the table: payees, their accounts,
// the ids of transactions and why payments were rejected, each said once.
func (c copyOf) paidCells() []string {
	var payees, accounts, ids, reasons []string
	add := func(list *[]string, text string) {
		if text != "" && !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	if c.Rules != nil {
		add(&payees, c.Rules.Payee)
		add(&accounts, c.Rules.PayeeAccount)
	}
	for _, p := range c.Payments {
		add(&payees, p.Payee)
		add(&accounts, p.PayeeAccount)
		add(&ids, p.TransactionID)
		for _, r := range p.Rejections {
			add(&reasons, strings.TrimSpace(r.Code+" "+r.Message))
		}
	}
	return []string{strings.Join(payees, "; "), strings.Join(accounts, " "), strings.Join(ids, " "), strings.Join(reasons, "; ")}
}

// inert keeps a spreadsheet from taking a text for a formula, which a TPP could have
// written: an apostrophe before it makes it a text. Where lists are parted by semicolons,
// as in most of Europe, a cell begins after each, and after each line.
func inert(cell string) string {
	var out strings.Builder
	for part := range strings.SplitAfterSeq(strings.NewReplacer("\r", "\n").Replace(cell), "\n") {
		for piece := range strings.SplitAfterSeq(part, ";") {
			if text := strings.TrimLeft(piece, " \u00a0"); text != "" && strings.ContainsRune("=+-@\t\n|%＝＋－＠", []rune(text)[0]) {
				out.WriteByte('\'')
			}
			out.WriteString(piece)
		}
	}
	return out.String()
}
