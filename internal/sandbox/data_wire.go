package sandbox

import (
	"fmt"

	"consentd/internal/consent"
	"consentd/pkg/xs2a"
)

// wire is a transaction of an account. The balance after it is told to those
// who may read balances.
func (v view) wire(s shown, m movement) xs2a.Transaction {
	t := xs2a.Transaction{
		TransactionID: m.id, EntryReference: m.reference, ValueDate: m.booked.String(),
		Amount:                            xs2a.Amount{Currency: s.account.Currency, Amount: m.amount.String()},
		RemittanceInformationUnstructured: m.text, BankTransactionCode: m.order.code,
	}
	if m.reference != "" {
		t.BookingDate = m.booked.String()
		if s.rights.Has(consent.RightBalances) {
			after := v.balance(s, xs2a.BalanceInterimBooked, m.after, m.booked)
			t.BalanceAfterTransaction = &after
		}
	}
	switch m.order.code {
	case codeSalary:
		t.PurposeCode = "SALA"
	case codeDebited:
		t.MandateID = fmt.Sprintf("MD-%010d", roll(s.account.ResourceID, "mandate", m.order.who).below(1e10))
	}
	if m.amount < 0 {
		t.CreditorName, t.CreditorAccount = m.order.who, m.other(s.account)
		return t
	}
	t.DebtorName, t.DebtorAccount = m.order.who, m.other(s.account)
	return t
}

// other is the account on the other side; nil for shops, which only the card's
// scheme knows.
func (m movement) other(a account) *xs2a.AccountReference {
	if m.order.code == codeCard {
		return nil
	}
	return m.order.other(a)
}

// other is the account on the other side of an account's order: the customer's own,
// or one that is made up.
func (o order) other(a account) *xs2a.AccountReference {
	if o.own == "" {
		p, _ := planOf(a.ResourceID)
		return &xs2a.AccountReference{IBAN: ibanOf(p.country, o.who)}
	}
	for _, own := range accounts() {
		if own.ResourceID == o.own {
			return &xs2a.AccountReference{IBAN: own.IBAN, MaskedPAN: own.MaskedPAN, Currency: own.Currency}
		}
	}
	return nil
}

// onCard is a transaction of a card's account.
func (m movement) onCard(a account) xs2a.CardTransaction {
	booked := m.reference != ""
	t := xs2a.CardTransaction{
		CardTransactionID: m.id, TransactionDate: m.entered.String(), ValueDate: m.booked.String(),
		Amount:    xs2a.Amount{Currency: a.Currency, Amount: m.amount.String()},
		MaskedPAN: a.MaskedPAN, TransactionDetails: m.text, Invoiced: &booked,
	}
	if booked {
		t.BookingDate = m.booked.String()
	}
	if m.order.code == codeCard {
		t.TransactionDetails, t.MerchantCategoryCode = m.order.who, m.order.category
		t.CardAcceptorID = fmt.Sprintf("%015d", roll("shop", m.order.who).below(1e15))
	}
	return t
}

// beneficiaries are whom the PSU trusts, by the accounts that may be shown.
func (v view) beneficiaries() xs2a.TrustedBeneficiaries {
	list := xs2a.TrustedBeneficiaries{TrustedBeneficiaries: []xs2a.TrustedBeneficiary{}}
	for _, s := range v.shown {
		for i, o := range beneficiariesOf(s.account.ResourceID) {
			list.TrustedBeneficiaries = append(list.TrustedBeneficiaries, xs2a.TrustedBeneficiary{
				TrustedBeneficiaryID: fmt.Sprintf("%s-%d", s.account.ResourceID, i+1),
				DebtorAccount:        s.reference(), CreditorAccount: *o.other(s.account), CreditorName: o.who,
			})
		}
	}
	return list
}
