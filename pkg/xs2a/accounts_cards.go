package xs2a

// CardAccountList is the answer 200 to GET /v1/card-accounts (NextGenPSD2 1.3.x,
// Read Card Account List).
type CardAccountList struct {
	CardAccounts []CardAccountDetails `json:"cardAccounts"`
}

// CardAccountResponse is the answer 200 to GET /v1/card-accounts/{account-id}
// (Read Card Account Details).
type CardAccountResponse struct {
	CardAccount CardAccountDetails `json:"cardAccount"`
}

// CardAccountDetails is one card's account.
type CardAccountDetails struct {
	ResourceID      string        `json:"resourceId,omitempty"` // stands for {account-id} in paths
	MaskedPAN       string        `json:"maskedPan"`
	Currency        string        `json:"currency"`
	OwnerName       string        `json:"ownerName,omitempty"` // where the consent opens it
	Name            string        `json:"name,omitempty"`
	DisplayName     string        `json:"displayName,omitempty"`
	Product         string        `json:"product,omitempty"`
	DebitAccounting *bool         `json:"debitAccounting,omitempty"` // true: debits are quoted positive
	Status          AccountStatus `json:"status,omitempty"`
	Usage           Usage         `json:"usage,omitempty"`
	Details         string        `json:"details,omitempty"`
	CreditLimit     *Amount       `json:"creditLimit,omitempty"`
	Balances        []Balance     `json:"balances,omitempty"`
	Links           Links         `json:"_links,omitempty"`
}

// CardBalancesResponse is the answer 200 to GET
// /v1/card-accounts/{account-id}/balances (Read Card Account Balance).
type CardBalancesResponse struct {
	CardAccount     *AccountReference `json:"cardAccount,omitempty"`
	DebitAccounting *bool             `json:"debitAccounting,omitempty"`
	Balances        []Balance         `json:"balances"`
}

// CardTransactionsResponse is the answer 200 to GET
// /v1/card-accounts/{account-id}/transactions (Read Card Account Transaction List).
type CardTransactionsResponse struct {
	CardAccount      *AccountReference  `json:"cardAccount,omitempty"`
	DebitAccounting  *bool              `json:"debitAccounting,omitempty"`
	CardTransactions *CardAccountReport `json:"cardTransactions,omitempty"`
	Balances         []Balance          `json:"balances,omitempty"`
	Links            Links              `json:"_links,omitempty"`
}

// CardAccountReport holds the transactions of one page, as [AccountReport] does.
type CardAccountReport struct {
	Booked  []CardTransaction `json:"booked,omitzero"`
	Pending []CardTransaction `json:"pending,omitzero"`
	Links   Links             `json:"_links"` // LinkCardAccount, and those of paging
}

// CardTransaction is one entry of a card's account.
type CardTransaction struct {
	CardTransactionID              string  `json:"cardTransactionId,omitempty"` // at most 35 characters
	TerminalID                     string  `json:"terminalId,omitempty"`
	TransactionDate                string  `json:"transactionDate,omitempty"` // YYYY-MM-DD: when the card was used
	AcceptorTransactionDateTime    string  `json:"acceptorTransactionDateTime,omitempty"`
	BookingDate                    string  `json:"bookingDate,omitempty"` // YYYY-MM-DD; absent while it is pending
	ValueDate                      string  `json:"valueDate,omitempty"`
	Amount                         Amount  `json:"transactionAmount"`
	OriginalAmount                 *Amount `json:"originalAmount,omitempty"` // in the currency of the place
	MarkupFee                      *Amount `json:"markupFee,omitempty"`
	CardAcceptorID                 string  `json:"cardAcceptorId,omitempty"`
	MerchantCategoryCode           string  `json:"merchantCategoryCode,omitempty"` // ISO 18245, 4 digits
	MaskedPAN                      string  `json:"maskedPAN,omitempty"`
	TransactionDetails             string  `json:"transactionDetails,omitempty"` // for the customer to read
	Invoiced                       *bool   `json:"invoiced,omitempty"`
	ProprietaryBankTransactionCode string  `json:"proprietaryBankTransactionCode,omitempty"`
}

// TrustedBeneficiaries is the answer 200 to GET /v1/trusted-beneficiaries: whom
// the PSU pays without strong customer authentication. Version 1.3.12 of the
// published description lacks the call; later ones have it, with more members.
type TrustedBeneficiaries struct {
	TrustedBeneficiaries []TrustedBeneficiary `json:"trustedBeneficiaries"`
}

// TrustedBeneficiary is one of them.
type TrustedBeneficiary struct {
	TrustedBeneficiaryID string `json:"trustedBeneficiaryId"`
	// DebtorAccount is the account whose list it is on; nil where it is on all.
	DebtorAccount   *AccountReference `json:"debtorAccount,omitempty"`
	CreditorAccount AccountReference  `json:"creditorAccount"`
	CreditorAgent   string            `json:"creditorAgent,omitempty"` // BIC
	CreditorName    string            `json:"creditorName"`            // at most 70 characters
	CreditorAlias   string            `json:"creditorAlias,omitempty"` // what the PSU calls them
	CreditorID      string            `json:"creditorId,omitempty"`
}
