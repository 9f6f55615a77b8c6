package demotpp

import (
	"cmp"
	"context"
	"maps"

	"consentd/pkg/xs2a"
)

var transactionHead = []string{"Booked", "With", "For"}

// pending stands where a transaction has no day of booking.
const pending = "pending"

func readTransactions(ctx context.Context, l *line, w wanted) (got, error) {
	answer, _, err := l.Transactions(ctx, w.account, w.span())
	if err != nil {
		return got{}, err
	}
	return reportOf(answer, w.account), nil
}

// readPage follows one of the links of paging: the client follows the next one,
// and to which page that leads is the bank's affair.
func readPage(ctx context.Context, l *line, w wanted) (got, error) {
	report := &xs2a.AccountReport{Links: w.around.to(w.relation)}
	answer, _, err := l.NextTransactions(ctx, &xs2a.TransactionsResponse{Transactions: report}, w.options())
	if err != nil {
		return got{}, err
	}
	return reportOf(answer, w.around.account), nil
}

// to has a link stand as the next one.
func (n neighbours) to(relation string) xs2a.Links {
	link, there := n.links[relation]
	if !there {
		return nil
	}
	return xs2a.Links{xs2a.LinkNext: link}
}

func reportOf(answer *xs2a.TransactionsResponse, account string) got {
	g := got{sheet: sheet{Head: transactionHead}}
	report := answer.Transactions
	if report == nil {
		g.means = "The bank gives the report elsewhere: follow the link download."
		return g
	}
	for _, list := range [][]xs2a.Transaction{report.Pending, report.Booked, report.Information} {
		for _, t := range list {
			g.sheet.Rows = append(g.sheet.Rows, rowOf(t, account))
		}
	}
	g.pages = neighbours{rootAccounts, account, maps.Clone(report.Links)}
	g.means = meansPage(len(g.sheet.Rows), report.Links)
	return g
}

func rowOf(t xs2a.Transaction, account string) row {
	r := row{
		Cells: []string{cmp.Or(t.BookingDate, pending), cmp.Or(t.CreditorName, t.DebtorName), t.RemittanceInformationUnstructured},
		Sum:   sum(t.Amount),
	}
	if t.TransactionID != "" {
		r.Read = "transaction " + rootAccounts + " " + account + " " + t.TransactionID
	}
	return r
}

// meansPage says how much there is, and that there is more.
func meansPage(rows int, links xs2a.Links) string {
	means := "Transactions on this page: " + itoa(rows) + "."
	if _, more := links[xs2a.LinkNext]; more {
		means += " There is more: the link next leads there, and the pages of one list count as one access."
	}
	return means
}

func readTransaction(ctx context.Context, l *line, w wanted) (got, error) {
	answer, _, err := l.Transaction(ctx, w.account, w.transaction, w.options())
	if err != nil {
		return got{}, err
	}
	g := got{means: "The details of one transaction.", sheet: sheet{Head: transactionHead}}
	g.sheet.Rows = append(g.sheet.Rows, rowOf(answer.TransactionsDetails, w.account))
	return g, nil
}

func readCardTransactions(ctx context.Context, l *line, w wanted) (got, error) {
	answer, _, err := l.CardTransactions(ctx, w.account, w.span())
	if err != nil {
		return got{}, err
	}
	return cardReportOf(answer, w.account), nil
}

func readCardPage(ctx context.Context, l *line, w wanted) (got, error) {
	report := &xs2a.CardAccountReport{Links: w.around.to(w.relation)}
	answer, _, err := l.NextCardTransactions(ctx, &xs2a.CardTransactionsResponse{CardTransactions: report}, w.options())
	if err != nil {
		return got{}, err
	}
	return cardReportOf(answer, w.around.account), nil
}

func cardReportOf(answer *xs2a.CardTransactionsResponse, account string) got {
	g := got{sheet: sheet{Head: transactionHead}}
	report := answer.CardTransactions
	if report == nil {
		g.means = "The bank gives the report elsewhere: follow the link download."
		return g
	}
	for _, list := range [][]xs2a.CardTransaction{report.Pending, report.Booked} {
		for _, t := range list {
			g.sheet.Rows = append(g.sheet.Rows, row{Cells: []string{cmp.Or(t.BookingDate, pending), t.CardAcceptorID, t.TransactionDetails}, Sum: sum(t.Amount)})
		}
	}
	g.pages = neighbours{rootCards, account, maps.Clone(report.Links)}
	g.means = meansPage(len(g.sheet.Rows), report.Links)
	return g
}
