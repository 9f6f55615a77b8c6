package xs2a

// AccountList is the answer 200 to GET /v1/accounts (NextGenPSD2 1.3.x, Read Account List).
type AccountList struct {
	Accounts []AccountDetails `json:"accounts"`
}

// AccountResponse is the answer 200 to GET /v1/accounts/{account-id} (Read Account Details).
type AccountResponse struct {
	Account AccountDetails `json:"account"`
}

// AccountDetails is one account, with at least one identifier.
type AccountDetails struct {
	ResourceID      string        `json:"resourceId,omitempty"` // stands for {account-id} in paths
	IBAN            string        `json:"iban,omitempty"`
	BBAN            string        `json:"bban,omitempty"`
	MSISDN          string        `json:"msisdn,omitempty"`
	Currency        string        `json:"currency"`            // ISO 4217; XXX of a multi-currency account as a whole
	OwnerName       string        `json:"ownerName,omitempty"` // where the consent opens it; at most 140 characters
	Name            string        `json:"name,omitempty"`      // at most 70 characters
	DisplayName     string        `json:"displayName,omitempty"`
	Product         string        `json:"product,omitempty"`         // the bank's name for it; at most 35 characters
	CashAccountType string        `json:"cashAccountType,omitempty"` // ExternalCashAccountType1Code
	Status          AccountStatus `json:"status,omitempty"`          // enabled where it is absent
	BIC             string        `json:"bic,omitempty"`
	LinkedAccounts  string        `json:"linkedAccounts,omitempty"`
	Usage           Usage         `json:"usage,omitempty"`
	Details         string        `json:"details,omitempty"` // at most 500 characters
	Balances        []Balance     `json:"balances,omitempty"`
	Links           Links         `json:"_links,omitempty"`
}

// AccountStatus says whether an account can be used.
type AccountStatus string

// The statuses of accounts.
const (
	AccountEnabled AccountStatus = "enabled"
	AccountDeleted AccountStatus = "deleted"
	AccountBlocked AccountStatus = "blocked"
)

// Usage says whether an account is a person's or a business's.
type Usage string

// The usages.
const (
	UsagePrivate      Usage = "PRIV"
	UsageOrganisation Usage = "ORGA"
)

// BalancesResponse is the answer 200 to GET /v1/accounts/{account-id}/balances
// (Read Balance).
type BalancesResponse struct {
	Account  *AccountReference `json:"account,omitempty"`
	Balances []Balance         `json:"balances"`
}

// Balance is one of the figures that are called a balance.
type Balance struct {
	BalanceAmount       Amount      `json:"balanceAmount"`
	BalanceType         BalanceType `json:"balanceType"`
	CreditLimitIncluded *bool       `json:"creditLimitIncluded,omitempty"`
	LastChangeDateTime  string      `json:"lastChangeDateTime,omitempty"` // RFC 3339
	ReferenceDate       string      `json:"referenceDate,omitempty"`      // YYYY-MM-DD
	// LastCommittedTransaction is the entryReference of the last one that counts in.
	LastCommittedTransaction string `json:"lastCommittedTransaction,omitempty"`
}

// BalanceType says what a balance counts in.
type BalanceType string

// The types of balances.
const (
	BalanceClosingBooked    BalanceType = "closingBooked"    // at the end of the last period that was closed
	BalanceExpected         BalanceType = "expected"         // with what is pending
	BalanceOpeningBooked    BalanceType = "openingBooked"    // at the beginning of the period
	BalanceInterimAvailable BalanceType = "interimAvailable" // at the customer's disposal now
	BalanceInterimBooked    BalanceType = "interimBooked"    // booked up to now
	BalanceForwardAvailable BalanceType = "forwardAvailable" // at the customer's disposal on a later day
	BalanceNonInvoiced      BalanceType = "nonInvoiced"      // of cards: what no invoice holds yet
)

// TransactionsResponse is the answer 200, as JSON, to GET
// /v1/accounts/{account-id}/transactions (Read Transaction List).
type TransactionsResponse struct {
	Account      *AccountReference `json:"account,omitempty"`
	Transactions *AccountReport    `json:"transactions,omitempty"`
	Balances     []Balance         `json:"balances,omitempty"`
	Links        Links             `json:"_links,omitempty"` // LinkDownload, where the report is to be fetched elsewhere
}

// AccountReport holds the transactions of one page. A list that was not asked
// for is nil; one that is empty is sent as [].
type AccountReport struct {
	Booked      []Transaction `json:"booked,omitzero"`
	Pending     []Transaction `json:"pending,omitzero"`
	Information []Transaction `json:"information,omitzero"` // standing orders
	Links       Links         `json:"_links"`               // LinkAccount, and those of paging
}

// BookingStatus is the value of the query parameter bookingStatus.
type BookingStatus string

// The values of bookingStatus. Banks need to support the first only.
const (
	StatusBooked      BookingStatus = "booked"
	StatusPending     BookingStatus = "pending"
	StatusBoth        BookingStatus = "both" // booked and pending
	StatusInformation BookingStatus = "information"
	StatusAll         BookingStatus = "all"
)

// Transaction is one entry of an account. Debits are negative.
type Transaction struct {
	TransactionID   string            `json:"transactionId,omitempty"`
	EntryReference  string            `json:"entryReference,omitempty"` // at most 35 characters
	EndToEndID      string            `json:"endToEndId,omitempty"`
	MandateID       string            `json:"mandateId,omitempty"`
	CheckID         string            `json:"checkId,omitempty"`
	CreditorID      string            `json:"creditorId,omitempty"`
	BookingDate     string            `json:"bookingDate,omitempty"` // YYYY-MM-DD; absent while it is pending
	ValueDate       string            `json:"valueDate,omitempty"`   // YYYY-MM-DD; the expected one while it is pending
	Amount          Amount            `json:"transactionAmount"`
	CreditorName    string            `json:"creditorName,omitempty"`
	CreditorAccount *AccountReference `json:"creditorAccount,omitempty"`
	CreditorAgent   string            `json:"creditorAgent,omitempty"` // BIC
	DebtorName      string            `json:"debtorName,omitempty"`
	DebtorAccount   *AccountReference `json:"debtorAccount,omitempty"`
	DebtorAgent     string            `json:"debtorAgent,omitempty"` // BIC
	// RemittanceInformationUnstructured has at most 140 characters.
	RemittanceInformationUnstructured string `json:"remittanceInformationUnstructured,omitempty"`
	RemittanceInformationStructured   string `json:"remittanceInformationStructured,omitempty"`
	AdditionalInformation             string `json:"additionalInformation,omitempty"`
	PurposeCode                       string `json:"purposeCode,omitempty"`         // ExternalPurpose1Code
	BankTransactionCode               string `json:"bankTransactionCode,omitempty"` // ISO 20022, as PMNT-RDDT-ESDD
	ProprietaryBankTransactionCode    string `json:"proprietaryBankTransactionCode,omitempty"`
	// BalanceAfterTransaction is that of the account right after this entry.
	BalanceAfterTransaction *Balance `json:"balanceAfterTransaction,omitempty"`
	Links                   Links    `json:"_links,omitempty"` // LinkTransactionDetails
}

// TransactionResponse is the answer 200 to GET
// /v1/accounts/{account-id}/transactions/{transactionId} (Read Transaction Details).
type TransactionResponse struct {
	TransactionsDetails Transaction `json:"transactionsDetails"`
}
