package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"consentd/pkg/xs2a"
)

// The roots of account data.
const (
	pathAccounts      = "/v1/accounts"
	pathCardAccounts  = "/v1/card-accounts"
	pathBeneficiaries = "/v1/trusted-beneficiaries"
)

// ReadOptions are what a read of account data says.
type ReadOptions struct {
	// ConsentID is the consent under which the data are read. Required.
	ConsentID string
	RequestID string // empty for a fresh one
	// PSUIPAddress is the customer's, if and only if they are there and asked for
	// this read. Reads without it count against the consent's frequencyPerDay.
	PSUIPAddress string
	// WithBalance asks for balances along with accounts or transactions, where the
	// call has that; banks may ignore it.
	WithBalance bool
	Header      http.Header // sent as well; wins over everything else
}

// TransactionOptions are what a read of a list of transactions says.
type TransactionOptions struct {
	ReadOptions
	// DateFrom and DateTo are the first and the last day, YYYY-MM-DD, by booking
	// date. Without DateTo, until now.
	DateFrom, DateTo string
	// BookingStatus is booked where it is empty.
	BookingStatus xs2a.BookingStatus
}

// Accounts lists the accounts of a consent (NextGenPSD2 1.3.x, Read Account
// List). Their links say what else may be read of each.
func (c *Client) Accounts(ctx context.Context, o ReadOptions) (*xs2a.AccountList, *Meta, error) {
	return call[xs2a.AccountList](ctx, c, o.read(pathAccounts, o.values()))
}

// Account reads the details of an account, by its resourceId (Read Account
// Details).
func (c *Client) Account(ctx context.Context, resourceID string, o ReadOptions) (*xs2a.AccountResponse, *Meta, error) {
	return call[xs2a.AccountResponse](ctx, c, o.read(below(pathAccounts, resourceID), o.values()))
}

// Balances reads the balances of an account (Read Balance).
func (c *Client) Balances(ctx context.Context, resourceID string, o ReadOptions) (*xs2a.BalancesResponse, *Meta, error) {
	return call[xs2a.BalancesResponse](ctx, c, o.read(below(pathAccounts, resourceID, "balances"), nil))
}

// Transactions lists transactions of an account (Read Transaction List). What is
// returned may be the first page of several: see [Client.NextTransactions].
func (c *Client) Transactions(ctx context.Context, resourceID string, o TransactionOptions) (*xs2a.TransactionsResponse, *Meta, error) {
	return call[xs2a.TransactionsResponse](ctx, c, o.read(below(pathAccounts, resourceID, "transactions"), o.values()))
}

// NextTransactions reads the page after one that was read. Fails with
// [ErrLastPage] after the last, and with [ErrForeignLink] before anything is sent
// where the link leads elsewhere.
func (c *Client) NextTransactions(ctx context.Context, page *xs2a.TransactionsResponse, o ReadOptions) (*xs2a.TransactionsResponse, *Meta, error) {
	var links xs2a.Links
	if page.Transactions != nil {
		links = page.Transactions.Links
	}
	return next[xs2a.TransactionsResponse](ctx, c, links, o)
}

// Transaction reads the details of one transaction (Read Transaction Details).
func (c *Client) Transaction(ctx context.Context, resourceID, transactionID string, o ReadOptions) (*xs2a.TransactionResponse, *Meta, error) {
	return call[xs2a.TransactionResponse](ctx, c, o.read(below(pathAccounts, resourceID, "transactions", transactionID), nil))
}

// CardAccounts lists the card accounts of a consent (Read Card Account List).
func (c *Client) CardAccounts(ctx context.Context, o ReadOptions) (*xs2a.CardAccountList, *Meta, error) {
	return call[xs2a.CardAccountList](ctx, c, o.read(pathCardAccounts, nil))
}

// CardAccount reads the details of a card account, by its resourceId (Read Card
// Account Details).
func (c *Client) CardAccount(ctx context.Context, resourceID string, o ReadOptions) (*xs2a.CardAccountResponse, *Meta, error) {
	return call[xs2a.CardAccountResponse](ctx, c, o.read(below(pathCardAccounts, resourceID), nil))
}

// CardBalances reads the balances of a card account (Read Card Account Balances).
func (c *Client) CardBalances(ctx context.Context, resourceID string, o ReadOptions) (*xs2a.CardBalancesResponse, *Meta, error) {
	return call[xs2a.CardBalancesResponse](ctx, c, o.read(below(pathCardAccounts, resourceID, "balances"), nil))
}

// CardTransactions lists transactions of a card account (Read Card Account
// Transaction List), as [Client.Transactions] does of others. WithBalance is not
// asked for there.
func (c *Client) CardTransactions(ctx context.Context, resourceID string, o TransactionOptions) (*xs2a.CardTransactionsResponse, *Meta, error) {
	o.WithBalance = false
	return call[xs2a.CardTransactionsResponse](ctx, c, o.read(below(pathCardAccounts, resourceID, "transactions"), o.values()))
}

// NextCardTransactions reads the page after one that was read, as
// [Client.NextTransactions] does.
func (c *Client) NextCardTransactions(ctx context.Context, page *xs2a.CardTransactionsResponse, o ReadOptions) (*xs2a.CardTransactionsResponse, *Meta, error) {
	var links xs2a.Links
	if page.CardTransactions != nil {
		links = page.CardTransactions.Links
	}
	return next[xs2a.CardTransactionsResponse](ctx, c, links, o)
}

// TrustedBeneficiaries lists whom the customer pays without strong customer
// authentication, where the consent opens that (additionalInformation). Not every
// bank has it.
func (c *Client) TrustedBeneficiaries(ctx context.Context, o ReadOptions) (*xs2a.TrustedBeneficiaries, *Meta, error) {
	return call[xs2a.TrustedBeneficiaries](ctx, c, o.read(pathBeneficiaries, nil))
}

var (
	// ErrLastPage says that no page follows.
	ErrLastPage = errors.New("this is the last page")
	// ErrForeignLink says that a link leads away from the bank's interface: what
	// goes there would show the consent to somebody else.
	ErrForeignLink = errors.New("the link leads away from the bank's interface")
)

// next follows the link to the next page. The link has all parameters of the
// list, and o none of them.
func next[T any](ctx context.Context, c *Client, links xs2a.Links, o ReadOptions) (*T, *Meta, error) {
	link, ok := links[xs2a.LinkNext]
	if !ok {
		return nil, nil, ErrLastPage
	}
	path, err := c.inside(link.Href)
	if err != nil {
		return nil, nil, err
	}
	return call[T](ctx, c, o.read(path, nil))
}

// inside is the path, with its query, of a link below the interface's own
// address. Fails with ErrForeignLink.
func (c *Client) inside(href string) (string, error) {
	base, err := url.Parse(c.base + "/")
	if err != nil {
		return "", fmt.Errorf("base url: %w", err)
	}
	to, err := base.Parse(href)
	if err != nil {
		return "", fmt.Errorf("link to the next page: %w", err)
	}
	path, below := strings.CutPrefix(to.EscapedPath(), base.EscapedPath())
	if to.Scheme != base.Scheme || !strings.EqualFold(to.Host, base.Host) || to.User != nil || !below {
		return "", ErrForeignLink
	}
	if to.RawQuery != "" {
		path += "?" + to.RawQuery
	}
	return "/" + path, nil
}

func (o ReadOptions) read(path string, values url.Values) request {
	if len(values) > 0 {
		path += "?" + values.Encode()
	}
	h := headers{}
	h.set("Consent-ID", o.ConsentID)
	h.call(CallOptions{o.RequestID, o.PSUIPAddress, o.Header})
	return request{method: http.MethodGet, path: path, header: http.Header(h), want: http.StatusOK}
}

func (o ReadOptions) values() url.Values {
	values := url.Values{}
	if o.WithBalance {
		values.Set("withBalance", "true")
	}
	return values
}

func (o TransactionOptions) values() url.Values {
	values := o.ReadOptions.values()
	status := o.BookingStatus
	if status == "" {
		status = xs2a.StatusBooked
	}
	values.Set("bookingStatus", string(status))
	if o.DateFrom != "" {
		values.Set("dateFrom", o.DateFrom)
	}
	if o.DateTo != "" {
		values.Set("dateTo", o.DateTo)
	}
	return values
}
