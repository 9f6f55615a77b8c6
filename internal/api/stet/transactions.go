package stet

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/access"
	wire "consentd/pkg/stet"
)

// The parameters of a list of transactions.
const (
	queryFrom = "dateFrom"
	queryTo   = "dateTo"
	queryPage = "page"
)

const (
	// historyDays is how far back a token sees without the scope for more (STET part I,
	// extended_transaction_history).
	historyDays = 90
	// maxPage is the length of a cursor, in characters.
	maxPage = 140
	// maxEntryReference is that of an entry's number.
	maxEntryReference = 40
)

// period is which entries of an account are asked for.
type period struct {
	from, to consent.Date // the first day, and the one after the last; zero leaves an end open
	page     string       // where a further page begins; empty for the first
}

// query writes a period as the parameters of a link.
func (p period) query() string {
	values := url.Values{}
	for name, value := range map[string]string{queryFrom: dateOf(p.from), queryTo: dateOf(p.to), queryPage: p.page} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// readPeriod reads the query of a list of transactions. Days before those that the
// token sees are left out, not refused: no TPP can tell from its side how many that are.
func (h *Handler) readPeriod(k *call) (faults consent.Faults) {
	query := k.req.URL.Query()
	once := func(name string) string {
		if len(query[name]) > 1 {
			faults = append(faults, consent.At(consent.CodeFormat, "Query."+name, "must be there once"))
			return ""
		}
		return query.Get(name)
	}
	day := func(name string) (d consent.Date) {
		text := once(name)
		if text == "" {
			return d
		}
		d, err := consent.ParseDate(text)
		if err != nil {
			faults = append(faults, consent.At(consent.CodeFormat, "Query."+name, "must be a date, YYYY-MM-DD"))
		}
		return d
	}
	p := period{from: day(queryFrom), to: day(queryTo), page: once(queryPage)}
	none := consent.Date{}
	if p.from != none && p.to != none && p.to.Before(p.from) {
		faults = append(faults, consent.At(consent.CodeFormat, "Query."+queryTo, "must not be before dateFrom"))
	}
	if utf8.RuneCountInString(p.page) > maxPage || strings.ContainsFunc(p.page, unsafe) {
		faults = append(faults, consent.At(consent.CodeTimeOver, "", "there is no such page"))
	}
	first := consent.DateOf(h.Now(), h.Policy.Zone).AddDays(-historyDays)
	if !k.principal.May(wire.ScopeExtendedHistory) && (p.from == none || p.from.Before(first)) {
		explain.Note(k.ctx(), "history: from %s on, for the token has not the scope %s", first, wire.ScopeExtendedHistory)
		p.from = first
	}
	k.period = p
	return faults
}

// listTransactions answers GET /accounts/{accountResourceId}/transactions (STET part II
// §4.4 of the reads). A further page belongs to the read that began the list.
func (h *Handler) listTransactions(k *call) (*answer, error) {
	p := k.period
	d, err := h.ofAccount(k, consent.OpTransactions, consent.OpCardTransactions, func(q *access.Question) {
		first := p
		first.page = ""
		q.Following, q.List = p.page != "", accountPath(q.Account, memberTransactions)+first.query()
	})
	if err != nil {
		return nil, err
	}
	x := d.Accounts[0]
	var s service.Statement
	if p.to == (consent.Date{}) || p.from.Before(p.to) {
		if s, err = h.Books.Transactions(k.ctx(), x.ID, service.Span{From: p.from, To: p.to, After: p.page}); err != nil {
			return nil, fromBooks(err)
		}
	}
	list := wire.Transactions{Transactions: []wire.Transaction{}, Links: h.linksOf(k, x.ID, x.Rights&^consent.RightTransactions)}
	for _, e := range s.Entries {
		list.Transactions = append(list.Transactions, transactionOf(e))
	}
	path := accountPath(x.ID, memberTransactions)
	list.Links[wire.LinkSelf] = h.link(k, path+p.query())
	list.Links[wire.LinkParentList] = h.link(k, pathAccounts)
	if s.Next != "" {
		next := p
		next.page = s.Next
		list.Links[wire.LinkNext] = h.link(k, path+next.query())
	}
	return reply(list), nil
}

var bankCode = regexp.MustCompile(`^([A-Z]{4})-([A-Z]{4})-([A-Z]{4})$`)

// transactionOf shows an entry. Its amount has no sign: the indicator is that.
func transactionOf(e service.Entry) wire.Transaction {
	t := wire.Transaction{
		ResourceID: e.ID, EntryReference: fitting(e.Reference, maxEntryReference), Status: wire.TransactionPending,
		TransactionAmount:    wire.Amount{Currency: e.Amount.Currency, Amount: strings.TrimPrefix(e.Amount.Value, "-")},
		CreditDebitIndicator: wire.Credit, BookingDate: dateOf(e.Booking), ValueDate: dateOf(e.Value),
		TransactionDate: dateOf(e.Transaction), RemittanceInformation: []string{},
	}
	if e.Booked {
		t.Status = wire.TransactionBooked
	}
	debit := strings.HasPrefix(e.Amount.Value, "-")
	if debit {
		t.CreditDebitIndicator = wire.Debit
	}
	if parts := bankCode.FindStringSubmatch(e.BankCode); parts != nil {
		t.BankTransactionCode = &wire.BankTransactionCode{Domain: parts[1], Family: parts[2], SubFamily: parts[3]}
	}
	for _, line := range e.Remittance {
		if line != "" {
			t.RemittanceInformation = append(t.RemittanceInformation, cut(line, maxText))
		}
	}
	t.RelatedParties = partiesOf(e, debit)
	return t
}

// partiesOf is who is on the other side; nil where nobody knows.
func partiesOf(e service.Entry, debit bool) *wire.RelatedParties {
	var who *wire.Party
	var account *wire.AccountReference
	if e.CounterpartyName != "" {
		who = &wire.Party{Name: cut(e.CounterpartyName, maxText)}
	}
	if e.CounterpartyIBAN != "" {
		account = &wire.AccountReference{IBAN: e.CounterpartyIBAN}
	}
	switch {
	case who == nil && account == nil:
		return nil
	case debit:
		return &wire.RelatedParties{Creditor: who, CreditorAccount: account}
	default:
		return &wire.RelatedParties{Debtor: who, DebtorAccount: account}
	}
}

// notOffered answers for the list of trusted beneficiaries, which nobody keeps here.
func (h *Handler) notOffered(*call) (*answer, error) {
	return nil, consent.E(consent.CodeNotSupported, "the list of trusted beneficiaries is not offered")
}
