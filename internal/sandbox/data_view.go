package sandbox

import (
	"fmt"
	"maps"
	"net/url"
	"strconv"

	"consentd/internal/consent"
	"consentd/internal/sandbox/books"
	"consentd/internal/service"
	"consentd/pkg/xs2a"
)

// view makes the answers to one request.
type view struct {
	query query
	shown []shown
	today consent.Date
	// anchor is the day on which the accounts have their documented balances.
	anchor consent.Date
	size   int
	base   string // of links
}

// answer is what an operation answers, but for one transaction.
func (v view) answer(op consent.Operation) (any, error) {
	switch op {
	case consent.OpAccounts:
		return v.accounts(), nil
	case consent.OpCardAccounts:
		return v.cards(), nil
	case consent.OpTrustedBeneficiaries:
		return v.beneficiaries(), nil
	default:
	}
	s, err := v.one()
	if err != nil {
		return nil, err
	}
	switch op {
	case consent.OpAccount:
		return xs2a.AccountResponse{Account: v.details(s)}, nil
	case consent.OpBalances:
		return xs2a.BalancesResponse{Account: s.reference(), Balances: v.balances(s)}, nil
	case consent.OpTransactions:
		return v.transactions(s)
	case consent.OpCardAccount:
		return xs2a.CardAccountResponse{CardAccount: v.card(s)}, nil
	case consent.OpCardBalances:
		return xs2a.CardBalancesResponse{CardAccount: s.reference(), DebitAccounting: new(bool), Balances: v.balances(s)}, nil
	case consent.OpCardTransactions:
		return v.cardTransactions(s)
	default:
		return nil, fmt.Errorf("the sandbox does not know the operation %s", op)
	}
}

// one is the account that was asked for. Fails with CodeAccountUnknown where it was
// closed meanwhile.
func (v view) one() (shown, error) {
	if len(v.shown) != 1 {
		return shown{}, consent.E(consent.CodeAccountUnknown, "no such account")
	}
	return v.shown[0], nil
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

func (s shown) reference() *xs2a.AccountReference { return refer(&s.account) }

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

// ledger is that of an account as this request sees it.
func (v view) ledger(s shown) books.Ledger {
	return s.account.ledger(v.today, v.anchor)
}

// balanceTypes are those of an account's balances.
var balanceTypes = map[service.BalanceKind]xs2a.BalanceType{
	service.BalanceClosingBooked: xs2a.BalanceClosingBooked,
	service.BalanceInstant:       xs2a.BalanceInterimAvailable,
	service.BalanceExpected:      xs2a.BalanceExpected,
}

func (v view) balances(s shown) []xs2a.Balance {
	var list []xs2a.Balance
	for _, x := range s.account.balances(v.ledger(s)) {
		one := v.balance(s, balanceTypes[x.Kind], x.Amount.Value, x.Reference)
		one.LastCommittedTransaction = x.LastEntry
		list = append(list, one)
	}
	return list
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
		report.Booked = append(report.Booked, onCard(s.account, m))
	}
	for _, m := range pending {
		report.Pending = append(report.Pending, onCard(s.account, m))
	}
	return xs2a.CardTransactionsResponse{CardAccount: s.reference(), DebitAccounting: new(bool), CardTransactions: report}, nil
}

// page cuts out the page that was asked for: what is pending comes first, and
// the newest before the older. Its links hold the last day, so that the pages
// stay as they are when a new day begins during the walk.
func (v view) page(s shown, root string) (booked, pending []books.Movement, links xs2a.Links, err error) {
	q, l := v.query, v.ledger(s)
	if q.to == (consent.Date{}) && q.pinned == (consent.Date{}) {
		q.pinned = v.today
		if q.status == statusBooked {
			q.pinned = l.Closed() // what is booked tonight must not move the pages
		}
		if q.pinned.Before(q.from) {
			q.pinned = q.from
		}
	}
	if q.status != statusBooked {
		pending = newest(l.Pending(q.from, q.last()))
	}
	if q.status != statusPending {
		booked = newest(l.Within(q.from, q.last()))
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

// last is the last day of the list.
func (q query) last() consent.Date {
	if q.to != (consent.Date{}) {
		return q.to
	}
	return q.pinned
}

// links lead to the other pages of a list, by the query that it was asked for with
// and the page. The first page has no number: whoever asks for it opens the list anew.
func (q query) links(list string, pages int) xs2a.Links {
	links := xs2a.Links{}
	lead := func(relation string, page int) {
		values := maps.Clone(q.asked)
		delete(values, paramPage)
		if page > 1 {
			number := strconv.Itoa(page)
			if q.pinned != (consent.Date{}) {
				number += "@" + q.pinned.String()
			}
			values.Set(paramPage, number)
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
func (v view) transaction(id string) (any, error) {
	s, err := v.one()
	if err != nil {
		return nil, err
	}
	m, ok := v.ledger(s).Find(id)
	if !ok {
		return nil, consent.E(consent.CodeAccountUnknown, "no such transaction")
	}
	return xs2a.TransactionResponse{TransactionsDetails: v.wire(s, m)}, nil
}

// linked is a transaction as a list has it.
func (v view) linked(s shown, m books.Movement) xs2a.Transaction {
	t := v.wire(s, m)
	t.Links = xs2a.Links{xs2a.LinkTransactionDetails: {Href: v.url(pathOfAccounts, s) + "/transactions/" + m.ID}}
	return t
}
