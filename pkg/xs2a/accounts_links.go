package xs2a

// The relations that account data carry.
const (
	LinkBalances           = "balances"
	LinkTransactions       = "transactions"
	LinkTransactionDetails = "transactionDetails"
	LinkCardAccount        = "cardAccount"
	LinkDownload           = "download"

	// The pages of a list.
	LinkFirst    = "first"
	LinkNext     = "next"
	LinkPrevious = "previous"
	LinkLast     = "last"
)
