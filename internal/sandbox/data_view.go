package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"consentd/internal/consent"
	"consentd/internal/service/access"
	"consentd/pkg/xs2a"
)

// view makes the answers to one request.
type view struct {
	query query
	shown []shown
	today consent.Date
	size  int
	base  string // of links
}

// answer is what an operation answers.
func (v view) answer(q access.Question) (any, error) {
	switch q.Operation {
	case consent.OpAccounts:
		return v.accounts(), nil
	case consent.OpCardAccounts:
		return v.cards(), nil
	case consent.OpTrustedBeneficiaries:
		return v.beneficiaries(), nil
	default:
	}
	if len(v.shown) != 1 {
		return nil, consent.E(consent.CodeAccountUnknown, "no such account")
	}
	s := v.shown[0]
	switch q.Operation {
	case consent.OpAccount:
		return xs2a.AccountResponse{Account: v.details(s)}, nil
	case consent.OpBalances:
		return xs2a.BalancesResponse{Account: s.reference(), Balances: v.balances(s)}, nil
	case consent.OpTransactions:
		return v.transactions(s)
	case consent.OpTransaction:
		return v.transaction(s, q.Resource)
	case consent.OpCardAccount:
		return xs2a.CardAccountResponse{CardAccount: v.card(s)}, nil
	case consent.OpCardBalances:
		return xs2a.CardBalancesResponse{CardAccount: s.reference(), DebitAccounting: new(bool), Balances: v.balances(s)}, nil
	case consent.OpCardTransactions:
		return v.cardTransactions(s)
	default:
		return nil, fmt.Errorf("the sandbox does not know the operation %s", q.Operation)
	}
}

func (v view) accounts() xs2a.AccountList {
	list := xs2a.AccountList{Accounts: []xs2a.AccountDetails{}}
	for _, s := range v.shown {
		list.Accounts = append(list.Accounts, v.details(s))
	}
	return list
}

func (v view) cards() xs2a.CardAccountList {
	list := xs2a.CardAccountList{CardAccounts: []xs2a.CardAccountDetails{}}
	for _, s := range v.shown {
		list.CardAccounts = append(list.CardAccounts, v.card(s))
	}
	return list
}

func (v view) details(s shown) xs2a.AccountDetails {
	a := xs2a.AccountDetails{
		ResourceID: s.account.ResourceID, IBAN: s.account.IBAN, Currency: s.account.Currency, OwnerName: s.owner,
		Name: s.account.Name, CashAccountType: typeCurrent, Status: xs2a.AccountEnabled, Usage: s.usage(), Links: v.links(s, pathOfAccounts),
	}
	if v.query.balance && s.rights.Has(consent.RightBalances) {
		a.Balances = v.balances(s)
	}
	return a
}

func (v view) card(s shown) xs2a.CardAccountDetails {
	return xs2a.CardAccountDetails{
		ResourceID: s.account.ResourceID, MaskedPAN: s.account.MaskedPAN, Currency: s.account.Currency, OwnerName: s.owner,
		Name: s.account.Name, DebitAccounting: new(bool), Status: xs2a.AccountEnabled, Usage: s.usage(), Links: v.links(s, pathOfCards),
	}
}

func (s shown) usage() xs2a.Usage {
	if s.account.Customer == company {
		return xs2a.UsageOrganisation
	}
	return xs2a.UsagePrivate
}

func (s shown) reference() *xs2a.AccountReference {
	return &xs2a.AccountReference{IBAN: s.account.IBAN, MaskedPAN: s.account.MaskedPAN, Currency: s.account.Currency}
}

// links lead to what may be read of an account besides its details.
func (v view) links(s shown, root string) xs2a.Links {
	links := xs2a.Links{}
	if s.rights.Has(consent.RightBalances) {
		links[xs2a.LinkBalances] = xs2a.Link{Href: v.url(root, s) + "/balances"}
	}
	if s.rights.Has(consent.RightTransactions) {
		links[xs2a.LinkTransactions] = xs2a.Link{Href: v.url(root, s) + "/transactions"}
	}
	return links
}

// url is where an account is found.
func (v view) url(root string, s shown) string {
	return v.base + root + "/" + url.PathEscape(s.account.ResourceID)
}

// balances are what the account came to yesterday, has to spend, and will have
// once everything that is pending is booked. A card has no disposable balance.
func (v view) balances(s shown) []xs2a.Balance {
	l := newLedger(s.account, v.today)
	expected := v.balance(s, xs2a.BalanceExpected, l.expected(), v.today)
	list := []xs2a.Balance{v.balance(s, xs2a.BalanceClosingBooked, s.account.Balance, v.today.AddDays(-1))}
	list[0].LastCommittedTransaction = l.last(v.today.AddDays(-1))
	if s.account.MaskedPAN == "" {
		list = append(list, v.balance(s, xs2a.BalanceInterimAvailable, expected.BalanceAmount.Amount, v.today)) // only debits are ever pending
	}
	return append(list, expected)
}

func (v view) balance(s shown, kind xs2a.BalanceType, amount string, day consent.Date) xs2a.Balance {
	return xs2a.Balance{
		BalanceAmount: xs2a.Amount{Currency: s.account.Currency, Amount: amount}, BalanceType: kind, ReferenceDate: day.String(),
	}
}

func (v view) transactions(s shown) (any, error) {
	booked, pending, links, err := v.page(s, pathOfAccounts)
	if err != nil {
		return nil, err
	}
	links[xs2a.LinkAccount] = xs2a.Link{Href: v.url(pathOfAccounts, s)}
	report := &xs2a.AccountReport{Links: links}
	if v.query.status != statusPending {
		report.Booked = make([]xs2a.Transaction, 0, len(booked))
	}
	if v.query.status != statusBooked {
		report.Pending = make([]xs2a.Transaction, 0, len(pending))
	}
	for _, m := range booked {
		report.Booked = append(report.Booked, v.linked(s, m))
	}
	for _, m := range pending {
		report.Pending = append(report.Pending, v.linked(s, m))
	}
	answer := xs2a.TransactionsResponse{Account: s.reference(), Transactions: report}
	if v.query.balance && s.rights.Has(consent.RightBalances) {
		answer.Balances = v.balances(s)
	}
	return answer, nil
}

func (v view) cardTransactions(s shown) (any, error) {
	booked, pending, links, err := v.page(s, pathOfCards)
	if err != nil {
		return nil, err
	}
	links[xs2a.LinkCardAccount] = xs2a.Link{Href: v.url(pathOfCards, s)}
	report := &xs2a.CardAccountReport{Links: links}
	if v.query.status != statusPending {
		report.Booked = make([]xs2a.CardTransaction, 0, len(booked))
	}
	if v.query.status != statusBooked {
		report.Pending = make([]xs2a.CardTransaction, 0, len(pending))
	}
	for _, m := range booked {
		report.Booked = append(report.Booked, m.onCard(s.account))
	}
	for _, m := range pending {
		report.Pending = append(report.Pending, m.onCard(s.account))
	}
	return xs2a.CardTransactionsResponse{CardAccount: s.reference(), DebitAccounting: new(bool), CardTransactions: report}, nil
}

// page cuts out the page that was asked for: what is pending comes first, and
// the newest before the older. Its links name the last day, so that the pages
// stay as they are when a new day begins during the walk.
func (v view) page(s shown, root string) (booked, pending []movement, links xs2a.Links, err error) {
	q, l := v.query, newLedger(s.account, v.today)
	if q.to == (consent.Date{}) {
		q.to = v.today
	}
	if q.status != statusBooked {
		pending = l.pending(q.from, q.to)
		slices.Reverse(pending)
	}
	if q.status != statusPending {
		booked = l.within(q.from, q.to)
		slices.Reverse(booked)
	}
	total := len(pending) + len(booked)
	pages := max(1, (total+v.size-1)/v.size)
	if q.page > pages {
		return nil, nil, nil, consent.At(consent.CodeAccountUnknown, "Query."+paramPage, "the list has %d pages", pages)
	}
	from, to := (q.page-1)*v.size, min(q.page*v.size, total)
	split := len(pending)
	booked = booked[max(from-split, 0):max(to-split, 0)]
	pending = pending[min(from, split):min(to, split)]
	return booked, pending, q.links(v.url(root, s)+"/transactions", pages), nil
}

// links lead to the other pages of a list.
func (q query) links(list string, pages int) xs2a.Links {
	links := xs2a.Links{}
	lead := func(relation string, page int) {
		values := url.Values{paramFrom: {q.from.String()}, paramTo: {q.to.String()}, paramStatus: {q.status}, paramPage: {strconv.Itoa(page)}}
		if q.balance {
			values.Set(paramBalance, "true")
		}
		links[relation] = xs2a.Link{Href: list + "?" + values.Encode()}
	}
	if pages == 1 {
		return links
	}
	lead(xs2a.LinkFirst, 1)
	lead(xs2a.LinkLast, pages)
	if q.page > 1 {
		lead(xs2a.LinkPrevious, q.page-1)
	}
	if q.page < pages {
		lead(xs2a.LinkNext, q.page+1)
	}
	return links
}

// transaction is one of an account, with its details. Fails with
// CodeAccountUnknown.
func (v view) transaction(s shown, id string) (any, error) {
	m, ok := newLedger(s.account, v.today).find(id)
	if !ok {
		return nil, consent.E(consent.CodeAccountUnknown, "no such transaction")
	}
	t := v.wire(s, m)
	return xs2a.TransactionResponse{TransactionsDetails: t}, nil
}

// linked is a transaction as a list has it.
func (v view) linked(s shown, m movement) xs2a.Transaction {
	t := v.wire(s, m)
	t.Links = xs2a.Links{xs2a.LinkTransactionDetails: {Href: v.url(pathOfAccounts, s) + "/transactions/" + m.id}}
	return t
}
