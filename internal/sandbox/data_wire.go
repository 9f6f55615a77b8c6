package sandbox

import (
	"fmt"

	"consentd/internal/consent"
	"consentd/internal/sandbox/books"
	"consentd/pkg/xs2a"
)

// wire is a transaction of an account. The balance after it is told to those
// who may read balances.
func (v view) wire(s shown, m books.Movement) xs2a.Transaction {
	t := xs2a.Transaction{
		TransactionID: m.ID, EntryReference: m.Reference, ValueDate: m.Booked.String(),
		Amount:                            xs2a.Amount{Currency: s.account.Currency, Amount: m.Amount.String()},
		RemittanceInformationUnstructured: m.Text, BankTransactionCode: m.Order.Code,
	}
	if m.Reference != "" {
		t.BookingDate = m.Booked.String()
		if s.rights.Has(consent.RightBalances) {
			after := v.balance(s, xs2a.BalanceInterimBooked, m.After, m.Booked)
			t.BalanceAfterTransaction = &after
		}
	}
	switch m.Order.Code {
	case books.CodeSalary:
		t.PurposeCode = "SALA"
	case books.CodeDebited:
		t.MandateID = fmt.Sprintf("MD-%010d", books.Number(1e10, s.account.ResourceID, "mandate", m.Order.Who))
	}
	if m.Amount < 0 {
		t.CreditorName, t.CreditorAccount = m.Order.Who, refer(otherSide(s.account, m))
		return t
	}
	t.DebtorName, t.DebtorAccount = m.Order.Who, refer(otherSide(s.account, m))
	return t
}

// refer names an account; nil for none.
func refer(a *account) *xs2a.AccountReference {
	if a == nil {
		return nil
	}
	return &xs2a.AccountReference{IBAN: a.IBAN, MaskedPAN: a.MaskedPAN, Currency: a.Currency}
}

// onCard is a transaction of a card's account.
func onCard(a account, m books.Movement) xs2a.CardTransaction {
	booked := m.Reference != ""
	t := xs2a.CardTransaction{
		CardTransactionID: m.ID, TransactionDate: m.Entered.String(), ValueDate: m.Booked.String(),
		Amount:    xs2a.Amount{Currency: a.Currency, Amount: m.Amount.String()},
		MaskedPAN: a.MaskedPAN, TransactionDetails: m.Text, Invoiced: &booked,
	}
	if booked {
		t.BookingDate = m.Booked.String()
	}
	if m.Order.Code == books.CodeCard {
		t.TransactionDetails, t.MerchantCategoryCode = m.Order.Who, m.Order.Category
		t.CardAcceptorID = fmt.Sprintf("%015d", books.Number(1e15, "shop", m.Order.Who))
	}
	return t
}

// beneficiaries are whom the PSU trusts, by the accounts that may be shown.
func (v view) beneficiaries() xs2a.TrustedBeneficiaries {
	list := xs2a.TrustedBeneficiaries{TrustedBeneficiaries: []xs2a.TrustedBeneficiary{}}
	for _, s := range v.shown {
		for i, o := range books.Beneficiaries(s.account.ResourceID) {
			list.TrustedBeneficiaries = append(list.TrustedBeneficiaries, xs2a.TrustedBeneficiary{
				TrustedBeneficiaryID: fmt.Sprintf("%s-%d", s.account.ResourceID, i+1),
				DebtorAccount:        s.reference(), CreditorAccount: *refer(partner(s.account, o)), CreditorName: o.Who,
			})
		}
	}
	return list
}
