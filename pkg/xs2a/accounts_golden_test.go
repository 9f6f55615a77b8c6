package xs2a_test

import "consentd/pkg/xs2a"

func accountBodies() map[string]any {
	iban := &xs2a.AccountReference{IBAN: "FR7617515000920400430518020", Currency: "EUR"}
	yes := true
	balance := xs2a.Balance{
		BalanceAmount: xs2a.Amount{Currency: "EUR", Amount: "-140.00"}, BalanceType: xs2a.BalanceClosingBooked, CreditLimitIncluded: &yes,
		LastChangeDateTime: "2026-05-03T18:00:00Z", ReferenceDate: "2026-05-03", LastCommittedTransaction: "20260501-002",
	}
	links := xs2a.Links{xs2a.LinkBalances: {Href: "/v1/accounts/r1/balances"}, xs2a.LinkTransactions: {Href: "/v1/accounts/r1/transactions"}}
	full := xs2a.AccountDetails{
		ResourceID: "r1", IBAN: "FR7617515000920400430518020", BBAN: "17515000920400430518020", MSISDN: "+33 6 12 34 56 78", Currency: "EUR",
		OwnerName: "LEA SANDBOXA", Name: "Compte courant", DisplayName: "Le mien", Product: "Girokonto", CashAccountType: "CACC",
		Status: xs2a.AccountEnabled, BIC: "CEPAFRPP751", LinkedAccounts: "r2", Usage: xs2a.UsagePrivate, Details: "of my own",
		Balances: []xs2a.Balance{balance}, Links: links,
	}
	page := xs2a.Links{
		xs2a.LinkAccount: {Href: "/v1/accounts/r1"}, xs2a.LinkFirst: {Href: "?page=1"}, xs2a.LinkNext: {Href: "?page=3"},
		xs2a.LinkPrevious: {Href: "?page=1"}, xs2a.LinkLast: {Href: "?page=9"},
	}
	debit := xs2a.Transaction{
		TransactionID: "t1", EntryReference: "20260504-001", EndToEndID: "e1", MandateID: "m1", CheckID: "k1", CreditorID: "c1",
		BookingDate: "2026-05-04", ValueDate: "2026-05-04", Amount: xs2a.Amount{Currency: "EUR", Amount: "-78.50"},
		CreditorName: "GAZ ET LUMIERE", CreditorAccount: iban, CreditorAgent: "BICAFRPP",
		RemittanceInformationUnstructured: "facture", RemittanceInformationStructured: "RF18539007547034", AdditionalInformation: "more",
		PurposeCode: "UBIL", BankTransactionCode: "PMNT-RDDT-ESDD", ProprietaryBankTransactionCode: "B1", BalanceAfterTransaction: &balance,
		Links: xs2a.Links{xs2a.LinkTransactionDetails: {Href: "/v1/accounts/r1/transactions/t1"}},
	}
	credit := xs2a.Transaction{Amount: xs2a.Amount{Currency: "EUR", Amount: "12.00"}, DebtorName: "PAUL", DebtorAccount: iban, DebtorAgent: "BICAFRPP"}
	return map[string]any{
		"account-list":       xs2a.AccountList{Accounts: []xs2a.AccountDetails{full, {BBAN: "1", Currency: "XXX"}}},
		"account-list-empty": xs2a.AccountList{Accounts: []xs2a.AccountDetails{}},
		"account":            xs2a.AccountResponse{Account: full},
		"balances":           xs2a.BalancesResponse{Account: iban, Balances: []xs2a.Balance{balance, {BalanceAmount: xs2a.Amount{Currency: "EUR", Amount: "0"}, BalanceType: xs2a.BalanceExpected}}},
		"transactions": xs2a.TransactionsResponse{
			Account: iban, Balances: []xs2a.Balance{balance}, Links: xs2a.Links{xs2a.LinkDownload: {Href: "/v1/accounts/r1/transactions/download/1"}},
			Transactions: &xs2a.AccountReport{
				Booked: []xs2a.Transaction{debit}, Pending: []xs2a.Transaction{}, Information: []xs2a.Transaction{credit}, Links: page,
			},
		},
		"transactions-least": xs2a.TransactionsResponse{Transactions: &xs2a.AccountReport{Links: xs2a.Links{xs2a.LinkAccount: {Href: "/v1/accounts/r1"}}}},
		"transaction":        xs2a.TransactionResponse{TransactionsDetails: debit},
	}
}

func cardBodies() map[string]any {
	card := &xs2a.AccountReference{MaskedPAN: "525412******3241", Currency: "EUR"}
	yes, no := true, false
	balances := []xs2a.Balance{{BalanceAmount: xs2a.Amount{Currency: "EUR", Amount: "-73.25"}, BalanceType: xs2a.BalanceNonInvoiced}}
	full := xs2a.CardAccountDetails{
		ResourceID: "r34", MaskedPAN: "525412******3241", Currency: "EUR", OwnerName: "ANNA SANDBOXD", Name: "Kreditkarte", DisplayName: "Karte",
		Product: "Gold", DebitAccounting: &no, Status: xs2a.AccountBlocked, Usage: xs2a.UsageOrganisation, Details: "of the company",
		CreditLimit: &xs2a.Amount{Currency: "EUR", Amount: "2500.00"}, Balances: balances,
		Links: xs2a.Links{xs2a.LinkTransactions: {Href: "/v1/card-accounts/r34/transactions"}},
	}
	paid := xs2a.CardTransaction{
		CardTransactionID: "t1", TerminalID: "x1", TransactionDate: "2026-05-01", AcceptorTransactionDateTime: "2026-05-01T10:11:12Z",
		BookingDate: "2026-05-04", ValueDate: "2026-05-04", Amount: xs2a.Amount{Currency: "EUR", Amount: "-18.90"},
		OriginalAmount: &xs2a.Amount{Currency: "USD", Amount: "-20.00"}, MarkupFee: &xs2a.Amount{Currency: "EUR", Amount: "0.30"},
		CardAcceptorID: "a1", MerchantCategoryCode: "5942", MaskedPAN: "525412******3241", TransactionDetails: "BUCHLADEN", Invoiced: &no,
		ProprietaryBankTransactionCode: "B2",
	}
	return map[string]any{
		"card-account-list": xs2a.CardAccountList{CardAccounts: []xs2a.CardAccountDetails{full, {MaskedPAN: "525412******3242", Currency: "EUR"}}},
		"card-account":      xs2a.CardAccountResponse{CardAccount: full},
		"card-balances":     xs2a.CardBalancesResponse{CardAccount: card, DebitAccounting: &yes, Balances: balances},
		"card-transactions": xs2a.CardTransactionsResponse{
			CardAccount: card, DebitAccounting: &no, Balances: balances, Links: xs2a.Links{xs2a.LinkDownload: {Href: "/d"}},
			CardTransactions: &xs2a.CardAccountReport{
				Booked: []xs2a.CardTransaction{paid}, Pending: []xs2a.CardTransaction{}, Links: xs2a.Links{xs2a.LinkCardAccount: {Href: "/v1/card-accounts/r34"}},
			},
		},
		"trusted-beneficiaries": xs2a.TrustedBeneficiaries{TrustedBeneficiaries: []xs2a.TrustedBeneficiary{
			{
				TrustedBeneficiaryID: "b1", DebtorAccount: card, CreditorAccount: xs2a.AccountReference{IBAN: "FR7617515000920400430518020"},
				CreditorAgent: "BICAFRPP", CreditorName: "SCI LES TILLEULS", CreditorAlias: "landlord", CreditorID: "c1",
			},
			{TrustedBeneficiaryID: "b2", CreditorAccount: xs2a.AccountReference{BBAN: "1"}, CreditorName: "PAUL"},
		}},
	}
}
