package demotpp

import (
	"cmp"
	"context"

	"consentd/internal/sandbox/pages"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// got is an answer about account data.
type got struct {
	means    string
	sheet    sheet
	pages    neighbours
	accounts []owned
}

// read is a call for account data.
type read func(context.Context, *line, wanted) (got, error)

// reads are what can be read, by the first word of a button and what lies under
// which root.
var reads = map[string]map[string]read{
	"list":         {rootAccounts: readList, rootCards: readCards, rootBeneficiaries: readBeneficiaries},
	"details":      {rootAccounts: readAccount, rootCards: readCard},
	"balances":     {rootAccounts: readBalances, rootCards: readCardBalances},
	"transactions": {rootAccounts: readTransactions, rootCards: readCardTransactions},
	"transaction":  {rootAccounts: readTransaction},
	"page":         {rootAccounts: readPage, rootCards: readCardPage},
}

func (w wanted) options() client.ReadOptions {
	return client.ReadOptions{ConsentID: w.consent, PSUIPAddress: w.address, WithBalance: w.form.Get("balances") == yes}
}

func (w wanted) span() client.TransactionOptions {
	return client.TransactionOptions{
		ReadOptions: w.options(), DateFrom: w.form.Get("from." + w.account), DateTo: w.form.Get("to." + w.account),
		BookingStatus: xs2a.BookingStatus(w.form.Get("booking." + w.account)),
	}
}

var accountHead = []string{"resourceId", "Account", "Name", "Type", "Owner", "Currency"}

func readList(ctx context.Context, l *line, w wanted) (got, error) {
	list, _, err := l.Accounts(ctx, w.options())
	if err != nil {
		return got{}, err
	}
	g := got{means: "Accounts under this consent: " + itoa(len(list.Accounts)) + ".", sheet: sheet{Head: accountHead}}
	for _, x := range list.Accounts {
		g.add(x)
	}
	return g, nil
}

func readAccount(ctx context.Context, l *line, w wanted) (got, error) {
	one, _, err := l.Account(ctx, w.account, w.options())
	if err != nil {
		return got{}, err
	}
	g := got{means: "The details of one account.", sheet: sheet{Head: accountHead}}
	g.add(one.Account)
	return g, nil
}

func (g *got) add(x xs2a.AccountDetails) {
	g.sheet.Rows = append(g.sheet.Rows, row{
		Cells: []string{x.ResourceID, pages.Grouped(cmp.Or(x.IBAN, x.BBAN, x.MSISDN)), cmp.Or(x.Name, x.Product), x.CashAccountType, x.OwnerName, x.Currency},
		Sum:   firstOf(x.Balances),
	})
	g.accounts = append(g.accounts, owned{ID: x.ResourceID, Name: cmp.Or(x.Name, x.Product), IBAN: x.IBAN, Currency: x.Currency})
}

func readCards(ctx context.Context, l *line, w wanted) (got, error) {
	list, _, err := l.CardAccounts(ctx, w.options())
	if err != nil {
		return got{}, err
	}
	g := got{means: "Card accounts under this consent: " + itoa(len(list.CardAccounts)) + ".", sheet: sheet{Head: accountHead}}
	for _, x := range list.CardAccounts {
		g.addCard(x)
	}
	return g, nil
}

func readCard(ctx context.Context, l *line, w wanted) (got, error) {
	one, _, err := l.CardAccount(ctx, w.account, w.options())
	if err != nil {
		return got{}, err
	}
	g := got{means: "The details of one card account.", sheet: sheet{Head: accountHead}}
	g.addCard(one.CardAccount)
	return g, nil
}

func (g *got) addCard(x xs2a.CardAccountDetails) {
	g.sheet.Rows = append(g.sheet.Rows, row{
		Cells: []string{x.ResourceID, x.MaskedPAN, cmp.Or(x.Name, x.Product), "CARD", x.OwnerName, x.Currency}, Sum: firstOf(x.Balances),
	})
	g.accounts = append(g.accounts, owned{ID: x.ResourceID, Name: cmp.Or(x.Name, x.Product), MaskedPAN: x.MaskedPAN, Currency: x.Currency, Card: true})
}

// firstOf is the first balance of an account; empty where none is told.
func firstOf(list []xs2a.Balance) string {
	if len(list) == 0 {
		return ""
	}
	return sum(list[0].BalanceAmount)
}

func sum(a xs2a.Amount) string { return a.Amount + " " + a.Currency }

func readBalances(ctx context.Context, l *line, w wanted) (got, error) {
	answer, _, err := l.Balances(ctx, w.account, w.options())
	if err != nil {
		return got{}, err
	}
	return balancesOf(answer.Balances), nil
}

func readCardBalances(ctx context.Context, l *line, w wanted) (got, error) {
	answer, _, err := l.CardBalances(ctx, w.account, w.options())
	if err != nil {
		return got{}, err
	}
	return balancesOf(answer.Balances), nil
}

func balancesOf(list []xs2a.Balance) got {
	g := got{means: "Balances of the account: " + itoa(len(list)) + ".", sheet: sheet{Head: []string{"Type", "Day"}}}
	for _, b := range list {
		g.sheet.Rows = append(g.sheet.Rows, row{Cells: []string{string(b.BalanceType), cmp.Or(b.ReferenceDate, b.LastChangeDateTime)}, Sum: sum(b.BalanceAmount)})
	}
	return g
}

func readBeneficiaries(ctx context.Context, l *line, w wanted) (got, error) {
	list, _, err := l.TrustedBeneficiaries(ctx, w.options())
	if err != nil {
		return got{}, err
	}
	g := got{
		means: "Whom the customer pays without strong authentication: " + itoa(len(list.TrustedBeneficiaries)) + ".",
		sheet: sheet{Head: []string{"Id", "Name", "Alias", "Account", "Currency"}},
	}
	for _, b := range list.TrustedBeneficiaries {
		g.sheet.Rows = append(g.sheet.Rows, row{Cells: []string{b.TrustedBeneficiaryID, b.CreditorName, b.CreditorAlias, pages.Grouped(b.CreditorAccount.IBAN), b.CreditorAccount.Currency}})
	}
	return g, nil
}
