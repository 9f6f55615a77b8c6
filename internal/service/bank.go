package service

import (
	"context"
	"slices"

	"consentd/internal/consent"
)

// Account is an account as the bank's systems describe it.
type Account struct {
	// ID is the bank's own stable id. It is also the resourceId under which the
	// bank's interface serves the account to TPPs.
	ID        string
	Reference consent.Reference
	Name      string // what the customer calls it
	Owner     string
}

// Customer is a person or a company that owns accounts.
type Customer struct {
	ID   string // the bank's own stable id
	Name string
	// OrganisationID is what a company is registered under, which a TPP may send
	// as PSU-Corporate-ID.
	OrganisationID string
}

// Accounts is the bank's register of accounts.
type Accounts interface {
	// List returns what a customer may share with a TPP.
	List(ctx context.Context, customer string) ([]Account, error)
	// Resolve returns which of these accounts a reference means: none, one, or
	// the sub-accounts of a multi-currency account.
	Resolve(ctx context.Context, customer string, ref consent.Reference) ([]Account, error)
}

// Owners knows whose an account is.
type Owners interface {
	// Owners names the customers to whom an account belongs, whether it may be shared or
	// not; none for one that the bank does not know.
	Owners(ctx context.Context, account string) ([]string, error)
}

// Signers knows who may act for whom.
type Signers interface {
	// Customers lists those for whom a PSU may act, the PSU's own first. Fails with
	// ErrUnknownPSU.
	Customers(ctx context.Context, psu string) ([]Customer, error)
	// Signers names the PSUs who must all authorise a consent of the customer.
	Signers(ctx context.Context, customer string) ([]string, error)
}

// ActsAlone tells whether a PSU, who may act for a customer, may do so where nobody
// else is asked: anybody may but those who sign only together with others.
func ActsAlone(psu string, signers []string) bool {
	return len(signers) < 2 || !slices.Contains(signers, psu)
}

// Amount is money: an ISO 4217 code and a decimal number as text.
type Amount struct {
	Currency string
	Value    string
}

// Funds answers whether an account covers an amount, and nothing more.
type Funds interface {
	Available(ctx context.Context, account string, amount Amount) (bool, error)
}

// Hint is what a TPP says about the PSU. It helps the PSU and decides nothing.
type Hint struct {
	PSU       string // PSU-ID
	Corporate string // PSU-Corporate-ID
	Language  string // the PSU's, BCP 47
}
