package demotpp

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"consentd/pkg/client"
	"consentd/pkg/stet"
)

// stetGot is an answer about account data.
type stetGot struct {
	title, means string
	sheet        sheet
	paging       neighbourhood
	name         string // of the customer, where that was read
}

// stetWanted is what a button says: what to read, of which account or, of pages, by
// which relation.
type stetWanted struct {
	account string
	period  client.Period
	options client.CallOptions
}

// stetReads are what can be read, by the first word of a button.
var stetReads = map[string]func(context.Context, *stetLine, connection, stetWanted) (stetGot, error){
	"balances":     stetBalances,
	"transactions": stetTransactions,
	"page":         stetNextPage,
	"identity":     stetIdentity,
}

// readingData reads what a button says.
func readingData(form url.Values) stetAct {
	what, account, _ := strings.Cut(form.Get(fieldRead), " ")
	read, offered := stetReads[what]
	if !offered {
		return listing(form)
	}
	w := stetWanted{account, client.Period{DateFrom: form.Get(fieldFrom), DateTo: form.Get(fieldTo)}, presence(form)}
	return func(ctx context.Context, l *stetLine, c connection) ([]int, func(*connection)) {
		got, err := read(ctx, l, c, w)
		told := []int{l.told(got.title, got.means, err)}
		return told, func(c *connection) {
			c.asked(form)
			if c.Sheet = nil; err != nil {
				return
			}
			got.sheet.Title = got.title
			got.sheet.prune()
			c.Sheet, c.paging = &got.sheet, got.paging
			c.Name = cmp.Or(got.name, c.Name)
		}
	}
}

// asked keeps what a form of a read said.
func (c *connection) asked(form url.Values) {
	c.Absent = form.Get(fieldPresent) == no
	if form.Has(fieldFrom) {
		c.From, c.To = form.Get(fieldFrom), form.Get(fieldTo)
	}
}

func stetBalances(ctx context.Context, l *stetLine, c connection, w stetWanted) (stetGot, error) {
	g := stetGot{title: "Balances of " + w.account, sheet: sheet{Head: []string{"Balance", "Type", "Day"}}}
	answer, _, err := l.stet.Balances(ctx, c.tokens.AccessToken, w.account, w.options)
	if err != nil {
		return g, err
	}
	g.means = "Balances of the account: " + itoa(len(answer.Balances)) + "."
	for _, b := range answer.Balances {
		g.sheet.Rows = append(g.sheet.Rows, row{
			Cells: []string{b.Name, string(b.BalanceType), cmp.Or(b.ReferenceDate, b.LastChangeDateTime)}, Sum: stetSum(b.BalanceAmount),
		})
	}
	return g, nil
}

func stetTransactions(ctx context.Context, l *stetLine, c connection, w stetWanted) (stetGot, error) {
	g := stetGot{title: "Transactions of " + w.account}
	answer, _, err := l.stet.Transactions(ctx, c.tokens.AccessToken, w.account, w.period, w.options)
	if err == nil {
		g.list(answer, w.account)
	}
	return g, err
}

// stetNextPage follows one of the links of paging, as readPage does.
func stetNextPage(ctx context.Context, l *stetLine, c connection, w stetWanted) (stetGot, error) {
	relation, of := w.account, c.paging.account
	g := stetGot{title: "Transactions of " + of + ", the " + relation + " page"}
	page := &stet.Transactions{}
	if link, there := c.paging.links[relation]; there {
		page.Links = stet.Links{stet.LinkNext: link}
	}
	answer, _, err := l.stet.NextTransactions(ctx, c.tokens.AccessToken, page, w.options)
	if err == nil {
		g.list(answer, of)
	}
	return g, err
}

// stetPaging are the relations that lead to other pages, in the order of the buttons.
var stetPaging = []string{stet.LinkFirst, stet.LinkPrev, stet.LinkNext, stet.LinkLast}

func (g *stetGot) list(answer *stet.Transactions, account string) {
	g.means = "Transactions on this page: " + itoa(len(answer.Transactions)) + "."
	g.sheet.Head = transactionHead
	g.paging = neighbourhood{account, answer.Links}
	for _, t := range answer.Transactions {
		g.sheet.Rows = append(g.sheet.Rows, stetRow(t))
	}
	for _, relation := range stetPaging {
		if _, there := answer.Links[relation]; there {
			g.sheet.Pages = append(g.sheet.Pages, relation)
		}
	}
}

func stetRow(t stet.Transaction) row {
	with := ""
	if p := t.RelatedParties; p != nil {
		for _, party := range []*stet.Party{p.Creditor, p.Debtor} {
			if party != nil {
				with = cmp.Or(with, party.Name)
			}
		}
	}
	sum := stetSum(t.TransactionAmount)
	if t.CreditDebitIndicator == stet.Debit {
		sum = "-" + sum
	}
	return row{Cells: []string{cmp.Or(t.BookingDate, t.TransactionDate, pending), with, strings.Join(t.RemittanceInformation, " ")}, Sum: sum}
}

func stetIdentity(ctx context.Context, l *stetLine, c connection, w stetWanted) (stetGot, error) {
	g := stetGot{title: "Who is connected", sheet: sheet{Head: []string{"connectedPsu"}}}
	answer, _, err := l.stet.EndUserIdentity(ctx, c.tokens.AccessToken, w.options)
	if err != nil {
		return g, err
	}
	g.means, g.name = "The bank says who the customer is.", answer.ConnectedPSU
	g.sheet.Rows = []row{{Cells: []string{answer.ConnectedPSU}}}
	return g, nil
}
