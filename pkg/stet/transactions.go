package stet

// Transactions is the answer 200 to GET /accounts/{accountResourceId}/transactions
// (STET 1.4.2, part II, HalTransactions): the entries from dateFrom on, and before
// dateTo.
type Transactions struct {
	Transactions []Transaction `json:"transactions"` // not nil; empty where nothing moved
	// Links has LinkSelf and LinkParentList, LinkBalances where the consent opens
	// them, and those of paging where there are several pages.
	Links Links `json:"_links"`
}

// Transaction is one entry of an account.
type Transaction struct {
	ResourceID string `json:"resourceId,omitempty"`
	// EntryReference has at most 40 characters, and stays as it is once it is given.
	EntryReference string `json:"entryReference,omitempty"`
	// TransactionAmount has no sign: CreditDebitIndicator is it.
	TransactionAmount    Amount               `json:"transactionAmount"`
	CreditDebitIndicator CreditDebitIndicator `json:"creditDebitIndicator"`
	Status               TransactionStatus    `json:"status"`
	EndToEndID           string               `json:"endToEndId,omitempty"`
	ExpectedBookingDate  string               `json:"expectedBookingDate,omitempty"` // YYYY-MM-DD; while it is pending
	BookingDate          string               `json:"bookingDate,omitempty"`         // YYYY-MM-DD; absent while it is pending
	ValueDate            string               `json:"valueDate,omitempty"`           // YYYY-MM-DD
	TransactionDate      string               `json:"transactionDate,omitempty"`     // YYYY-MM-DD; of a card: when it was used
	BankTransactionCode  *BankTransactionCode `json:"bankTransactionCode,omitempty"`
	RelatedParties       *RelatedParties      `json:"relatedParties,omitempty"`
	// RemittanceInformation are the lines of text, of at most 140 characters each. It
	// is not nil. From version 1.5 on it is an object.
	RemittanceInformation []string `json:"remittanceInformation"`
}

// CreditDebitIndicator says which way the money went.
type CreditDebitIndicator string

// The directions.
const (
	Credit CreditDebitIndicator = "CRDT" // onto the account
	Debit  CreditDebitIndicator = "DBIT" // from the account
)

// TransactionStatus says how far an entry is.
type TransactionStatus string

// The statuses of entries.
const (
	TransactionBooked  TransactionStatus = "BOOK"
	TransactionPending TransactionStatus = "PDNG" // will be booked
	TransactionOther   TransactionStatus = "OTHR"
)

// BankTransactionCode is the kind of an entry after ISO 20022.
type BankTransactionCode struct {
	Domain    string `json:"domain"`    // PMNT
	Family    string `json:"family"`    // RDDT
	SubFamily string `json:"subFamily"` // ESDD
}

// RelatedParties are those between whom the money moved.
type RelatedParties struct {
	DebtorAgent     *Agent            `json:"debtorAgent,omitempty"`
	Debtor          *Party            `json:"debtor,omitempty"`
	DebtorAccount   *AccountReference `json:"debtorAccount,omitempty"`
	CreditorAgent   *Agent            `json:"creditorAgent,omitempty"`
	Creditor        *Party            `json:"creditor,omitempty"`
	CreditorAccount *AccountReference `json:"creditorAccount,omitempty"`
}

// Party is a person or an organisation.
type Party struct {
	Name string `json:"name"` // at most 140 characters
}

// Agent is a bank.
type Agent struct {
	BIC string `json:"bicFi"`
}
