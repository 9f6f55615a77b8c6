package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

func ExampleClient_Accounts() {
	bank, done := exampleBank(http.StatusOK, `{"accounts":[{"resourceId":"r1","iban":"FR7617515000920400430518020","currency":"EUR","balances":[{"balanceType":"closingBooked","balanceAmount":{"currency":"EUR","amount":"-140.00"}}],"_links":{"transactions":{"href":"https://xs2a.bank.example/v1/accounts/r1/transactions"}}}]}`)
	defer done()
	list, _, err := bank.Accounts(context.Background(), client.ReadOptions{ConsentID: "0198f2c4", WithBalance: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range list.Accounts {
		_, readable := a.Links[xs2a.LinkTransactions]
		fmt.Println(a.ResourceID, a.IBAN, a.Balances[0].BalanceAmount.Amount, readable)
	}
	// Output:
	// r1 FR7617515000920400430518020 -140.00 true
}

func ExampleClient_Account() {
	bank, done := exampleBank(http.StatusOK, `{"account":{"resourceId":"r1","iban":"FR7617515000920400430518020","currency":"EUR","ownerName":"LEA SANDBOXA"}}`)
	defer done()
	details, _, err := bank.Account(context.Background(), "r1", client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(details.Account.OwnerName)
	// Output:
	// LEA SANDBOXA
}

func ExampleClient_Balances() {
	bank, done := exampleBank(http.StatusOK, `{"balances":[{"balanceType":"expected","balanceAmount":{"currency":"EUR","amount":"-152.30"}}]}`)
	defer done()
	answer, _, err := bank.Balances(context.Background(), "r1", client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range answer.Balances {
		fmt.Println(b.BalanceType, b.BalanceAmount.Amount, b.BalanceAmount.Currency)
	}
	// Output:
	// expected -152.30 EUR
}

func ExampleClient_Transactions() {
	bank, done := exampleBank(http.StatusOK, `{"transactions":{"booked":[{"transactionId":"t1","bookingDate":"2026-04-27","transactionAmount":{"currency":"EUR","amount":"2197.85"},"debtorName":"ATELIERS LUMEN SAS"}],"_links":{"account":{"href":"https://xs2a.bank.example/v1/accounts/r1"}}}}`)
	defer done()
	o := client.TransactionOptions{
		ReadOptions: client.ReadOptions{ConsentID: "0198f2c4", PSUIPAddress: "192.0.2.7"}, // the customer is there
		DateFrom:    "2026-04-01",
	}
	page, _, err := bank.Transactions(context.Background(), "r1", o)
	for err == nil {
		for _, t := range page.Transactions.Booked {
			fmt.Println(t.BookingDate, t.Amount.Amount, t.DebtorName)
		}
		page, _, err = bank.NextTransactions(context.Background(), page, o.ReadOptions)
	}
	fmt.Println(errors.Is(err, client.ErrLastPage))
	// Output:
	// 2026-04-27 2197.85 ATELIERS LUMEN SAS
	// true
}

func ExampleClient_NextTransactions() {
	bank, done := exampleBank(http.StatusOK, `{"transactions":{"booked":[{"transactionId":"t51"}],"_links":{"account":{"href":"https://xs2a.bank.example/v1/accounts/r1"}}}}`)
	defer done()
	read := &xs2a.TransactionsResponse{Transactions: &xs2a.AccountReport{Links: xs2a.Links{
		xs2a.LinkNext: {Href: "/v1/accounts/r1/transactions?bookingStatus=booked&dateFrom=2026-04-01&page=2"},
	}}}
	page, _, err := bank.NextTransactions(context.Background(), read, client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Transactions.Booked[0].TransactionID)
	read.Transactions.Links[xs2a.LinkNext] = xs2a.Link{Href: "https://elsewhere.example/v1/accounts"}
	_, _, err = bank.NextTransactions(context.Background(), read, client.ReadOptions{ConsentID: "0198f2c4"})
	fmt.Println(err)
	// Output:
	// t51
	// the link leads away from the bank's interface
}

func ExampleClient_Transaction() {
	bank, done := exampleBank(http.StatusOK, `{"transactionsDetails":{"transactionId":"t1","transactionAmount":{"currency":"EUR","amount":"-78.50"},"creditorName":"GAZ ET LUMIERE","mandateId":"MD-0123456789"}}`)
	defer done()
	answer, _, err := bank.Transaction(context.Background(), "r1", "t1", client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	t := answer.TransactionsDetails
	fmt.Println(t.CreditorName, t.Amount.Amount, t.MandateID)
	// Output:
	// GAZ ET LUMIERE -78.50 MD-0123456789
}

func ExampleClient_CardAccounts() {
	bank, done := exampleBank(http.StatusOK, `{"cardAccounts":[{"resourceId":"r34","maskedPan":"525412******3241","currency":"EUR"}]}`)
	defer done()
	list, _, err := bank.CardAccounts(context.Background(), client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.CardAccounts[0].MaskedPAN)
	// Output:
	// 525412******3241
}

func ExampleClient_CardAccount() {
	bank, done := exampleBank(http.StatusOK, `{"cardAccount":{"resourceId":"r34","maskedPan":"525412******3241","currency":"EUR","name":"Kreditkarte"}}`)
	defer done()
	details, _, err := bank.CardAccount(context.Background(), "r34", client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(details.CardAccount.Name)
	// Output:
	// Kreditkarte
}

func ExampleClient_CardBalances() {
	bank, done := exampleBank(http.StatusOK, `{"balances":[{"balanceType":"closingBooked","balanceAmount":{"currency":"EUR","amount":"-73.25"}}]}`)
	defer done()
	answer, _, err := bank.CardBalances(context.Background(), "r34", client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Balances[0].BalanceAmount.Amount)
	// Output:
	// -73.25
}

func ExampleClient_CardTransactions() {
	bank, done := exampleBank(http.StatusOK, `{"cardTransactions":{"booked":[{"cardTransactionId":"t1","transactionDetails":"BUCHLADEN AM MARKT","transactionAmount":{"currency":"EUR","amount":"-18.90"}}],"_links":{}}}`)
	defer done()
	page, _, err := bank.CardTransactions(context.Background(), "r34", client.TransactionOptions{
		ReadOptions: client.ReadOptions{ConsentID: "0198f2c4"}, DateFrom: "2026-04-01", BookingStatus: xs2a.StatusBoth,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range page.CardTransactions.Booked {
		fmt.Println(t.TransactionDetails, t.Amount.Amount)
	}
	// Output:
	// BUCHLADEN AM MARKT -18.90
}

func ExampleClient_NextCardTransactions() {
	bank, done := exampleBank(http.StatusOK, `{"cardTransactions":{"booked":[],"_links":{}}}`)
	defer done()
	_, _, err := bank.NextCardTransactions(context.Background(), &xs2a.CardTransactionsResponse{}, client.ReadOptions{ConsentID: "0198f2c4"})
	fmt.Println(err)
	// Output:
	// this is the last page
}

func ExampleClient_TrustedBeneficiaries() {
	bank, done := exampleBank(http.StatusOK, `{"trustedBeneficiaries":[{"trustedBeneficiaryId":"r1-1","creditorName":"SCI LES TILLEULS","creditorAccount":{"iban":"FR7630006000011234567890189"}}]}`)
	defer done()
	list, _, err := bank.TrustedBeneficiaries(context.Background(), client.ReadOptions{ConsentID: "0198f2c4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.TrustedBeneficiaries[0].CreditorName)
	// Output:
	// SCI LES TILLEULS
}
