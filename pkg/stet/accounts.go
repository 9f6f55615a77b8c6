package stet

// Accounts is the answer 200 to GET /accounts (STET 1.4.2, part II, HalAccounts).
// Without a consent it holds every account that one may be asked for, each bare;
// with one, those of the consent.
type Accounts struct {
	Accounts []Account `json:"accounts"` // not nil
	// Links has LinkSelf, LinkConsents, and LinkEndUserIdentity where the consent
	// opens it; those of paging where there are several pages.
	Links Links `json:"_links"`
}

// Account is one account, or a card's with deferred debit. A bare one has no
// ResourceID, no Balances and no Links.
type Account struct {
	ResourceID string           `json:"resourceId,omitempty"` // stands for {accountResourceId} in paths
	BIC        string           `json:"bicFi,omitempty"`
	AccountID  AccountReference `json:"accountId"`
	// Name labels the account, in at most 70 characters. It is the product's, never
	// the holder's: nobody has consented to that in a bare list.
	Name            string          `json:"name"`
	Details         string          `json:"details,omitempty"`       // at most 140 characters
	LinkedAccount   string          `json:"linkedAccount,omitempty"` // of a card: the account that it is settled from
	Usage           Usage           `json:"usage,omitempty"`
	CashAccountType CashAccountType `json:"cashAccountType"`
	Product         string          `json:"product,omitempty"` // the bank's name for it; at most 35 characters
	Currency        string          `json:"currency"`          // ISO 4217
	// Balances are there where the consent opens them; never empty.
	Balances  []Balance `json:"balances,omitempty"`
	PSUStatus string    `json:"psuStatus,omitempty"` // PSUAccountHolder and its like
	// Links has LinkBalances and LinkTransactions, each where the consent opens it.
	Links Links `json:"_links"`
}

// Usage says whether an account is a person's or a business's.
type Usage string

// The usages.
const (
	UsagePrivate      Usage = "PRIV"
	UsageOrganisation Usage = "ORGA"
)

// CashAccountType says what kind of account it is.
type CashAccountType string

// The kinds of accounts.
const (
	AccountCash CashAccountType = "CACC"
	AccountCard CashAccountType = "CARD" // a list of card payments
)

// What the PSU is to an account, as Account.PSUStatus has it; the standard has more.
const (
	PSUAccountHolder   = "Account Holder"
	PSUAccountCoHolder = "Account Co-Holder"
)

// Balances is the answer 200 to GET /accounts/{accountResourceId}/balances
// (STET 1.4.2, part II, HalBalances).
type Balances struct {
	Balances []Balance `json:"balances"` // one or more
	// Links has LinkSelf and LinkParentList, and LinkTransactions where the consent
	// opens them.
	Links Links `json:"_links"`
}

// Balance is one of the figures that are called a balance.
type Balance struct {
	Name                     string      `json:"name"` // at most 70 characters
	BalanceAmount            Amount      `json:"balanceAmount"`
	BalanceType              BalanceType `json:"balanceType"`
	LastChangeDateTime       string      `json:"lastChangeDateTime,omitempty"`       // RFC 3339
	ReferenceDate            string      `json:"referenceDate,omitempty"`            // YYYY-MM-DD
	LastCommittedTransaction string      `json:"lastCommittedTransaction,omitempty"` // the last that counts in
}

// BalanceType says what a balance counts in.
type BalanceType string

// The types of balances.
const (
	BalanceClosingBooked BalanceType = "CLBD" // the accounting balance
	BalanceExpected      BalanceType = "XPCD" // the instant balance
	BalanceValue         BalanceType = "VALU" // by value dates
	BalanceOther         BalanceType = "OTHR"
)

// Amount is a sum of money. The decimal point is a dot: "-140.00".
type Amount struct {
	Currency string `json:"currency"` // ISO 4217
	Amount   string `json:"amount"`   // a number from version 1.5 on
}

// EndUserIdentity is the answer 200 to GET /end-user-identity (STET 1.4.2, part II).
type EndUserIdentity struct {
	// ConnectedPSU is the name of who gave the consent or, of a company, its number
	// in the register; at most 140 characters.
	ConnectedPSU string `json:"connectedPsu"`
	Links        Links  `json:"_links"` // LinkSelf and LinkParentList
}
