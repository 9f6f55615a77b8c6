package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Operation is a kind of read of account data. The names are stored; they never change.
type Operation string

// The operations (NextGenPSD2 1.3.x §6.5 to §6.7).
const (
	OpAccounts             Operation = "accounts"     // the list of accounts
	OpAccount              Operation = "account"      // the details of one
	OpBalances             Operation = "balances"     // of one account
	OpTransactions         Operation = "transactions" // the list, of one account
	OpTransaction          Operation = "transaction"  // the details of one transaction, which belong to the list
	OpCardAccounts         Operation = "cardAccounts"
	OpCardAccount          Operation = "cardAccount"
	OpCardBalances         Operation = "cardBalances"
	OpCardTransactions     Operation = "cardTransactions"
	OpTrustedBeneficiaries Operation = "trustedBeneficiaries" // the PSU's list of them
	OpIdentity             Operation = "identity"             // who the PSU is (STET part II §4.6)
)

// operation is what an operation reads: which right it takes, whether it is of all
// accounts of the consent or of one, and of which sort they are.
type operation struct {
	right Rights
	list  bool
	card  bool // card accounts; otherwise all others
	any   bool // accounts of either sort
	bare  bool // no account at all
}

var operations = map[Operation]operation{
	OpAccounts:             {right: RightAccounts, list: true},
	OpAccount:              {right: RightAccounts},
	OpBalances:             {right: RightBalances},
	OpTransactions:         {right: RightTransactions},
	OpTransaction:          {right: RightTransactions},
	OpCardAccounts:         {right: RightAccounts, list: true, card: true},
	OpCardAccount:          {right: RightAccounts, card: true},
	OpCardBalances:         {right: RightBalances, card: true},
	OpCardTransactions:     {right: RightTransactions, card: true},
	OpTrustedBeneficiaries: {right: RightTrustedBeneficiaries, list: true, any: true},
	OpIdentity:             {right: RightIdentity, list: true, bare: true},
}

// Operations lists every operation on accounts; OpIdentity is on none.
func Operations() []Operation {
	return []Operation{
		OpAccounts, OpAccount, OpBalances, OpTransactions, OpTransaction,
		OpCardAccounts, OpCardAccount, OpCardBalances, OpCardTransactions, OpTrustedBeneficiaries,
	}
}

// Known reports whether there is such an operation.
func (o Operation) Known() bool {
	_, known := operations[o]
	return known
}

// List reports whether the operation is of all accounts of a consent, not of one.
func (o Operation) List() bool { return operations[o].list }

// Paged reports whether the answer may have further pages.
func (o Operation) Paged() bool { return o.List() || o == OpTransactions || o == OpCardTransactions }

// Follows is the operation whose answer this one may go on with: a further page of
// the same, or the details of what a list has shown. Empty for none.
func (o Operation) Follows(page bool) Operation {
	switch {
	case o == OpTransaction:
		return OpTransactions
	case page && o.Paged():
		return o
	default:
		return ""
	}
}

// OfPSU reports whether the operation is of no account, but of the PSU: its right is
// one of the consent as a whole.
func (o Operation) OfPSU() bool { return operations[o].bare }

// Right is what a consent must open for the operation.
func (o Operation) Right() Rights { return operations[o].right }

// Of reports whether the operation is of accounts of this sort.
func (o Operation) Of(account Reference) bool {
	x := operations[o]
	return x.any || x.card == account.Card()
}

// cashTypeCard is the type of card accounts (ISO 20022, ExternalCashAccountType1Code).
const cashTypeCard = "CARD"

// Card reports whether the account is a card's, which XS2A serves apart.
func (r Reference) Card() bool {
	return r.CashAccountType == cashTypeCard || r.PAN != "" || r.MaskedPAN != ""
}

// Use is an access that is counted: how often is kept for each of them.
type Use struct {
	Account   uuid.UUID // nil for lists
	Operation Operation
}

// Needs lists what has to be read of a one-off consent before it is used up
// (NextGenPSD2 1.3.x §6.3.1): every operation that was asked for by name, on each
// account that has it. Lists and details that another right only brings along are
// not among them.
func Needs(accounts []Grant) []Use {
	var needs []Use
	for _, g := range accounts {
		for _, op := range Operations() {
			if op.List() || op == OpTransaction || !op.Of(g.Reference) || !g.Rights.Has(op.Right()) {
				continue
			}
			needs = append(needs, Use{Account: g.AccountID, Operation: op})
		}
	}
	if slices.ContainsFunc(accounts, func(g Grant) bool { return g.Rights.Has(RightTrustedBeneficiaries) }) {
		needs = append(needs, Use{Operation: OpTrustedBeneficiaries})
	}
	return needs
}

// Spend ends a one-off consent once all that it needs has been read. It reports
// whether that is so; a consent that opens nothing is never used up.
func (c *Consent) Spend(needs, used []Use, now time.Time) (bool, error) {
	if c.Recurring || c.Status != Valid || len(needs) == 0 {
		return false, nil
	}
	for _, n := range needs {
		if !slices.Contains(used, n) {
			return false, nil
		}
	}
	return true, c.end(Expired, BySystem, ReasonUsedUp, now)
}
