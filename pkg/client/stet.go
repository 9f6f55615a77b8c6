package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"consentd/pkg/stet"
)

// The paths of the STET interface (STET 1.4.2, part II).
const (
	pathSTETConsents     = "/consents"
	pathSTETAccounts     = "/accounts"
	pathSTETBalances     = "balances"
	pathSTETTransactions = "transactions"
	pathSTETIdentity     = "/end-user-identity"
)

// STET calls one bank over the French STET interface, version 1.4.2, in its mixed
// model: the customer connects by OAuth2 ([OAuth2]), says to the TPP what it may
// read, and the TPP forwards that. Every call needs an access token with the scope
// aisp. An answer that is not a success is a [*STETError]. Make it with [NewSTET].
type STET struct{ client *Client }

// NewSTET makes a client of the bank whose interface lies at baseURL, such as
// https://xs2a.bank.example/stet/psd2/v1.4.2: what stands before /consents and
// /accounts. Banks want requests to be signed: see [Kit.STETOptions].
func NewSTET(baseURL string, opts ...Option) (*STET, error) {
	c, err := New(baseURL, opts...)
	if err != nil {
		return nil, err
	}
	return &STET{client: c}, nil
}

// PutConsents forwards what the customer lets the TPP read from now on (STET 1.4.2,
// part II, 4.4). It takes the place of the whole former document, and one without
// accounts revokes all. Lists that are nil are sent as empty ones, for banks that
// want every member to be there.
func (s *STET) PutConsents(ctx context.Context, token string, access stet.Access, o ...CallOptions) (*Meta, error) {
	access.Balances = append([]stet.AccountReference{}, access.Balances...)
	access.Transactions = append([]stet.AccountReference{}, access.Transactions...)
	in := asked(http.MethodPut, pathSTETConsents, token, o)
	in.body, in.accept = access, stet.MediaTypeJSON
	in.want, in.also = http.StatusCreated, http.StatusOK // some banks answer 200
	return s.client.do(ctx, in, nil)
}

// Accounts lists the accounts (part II, 4.2.1): before anything was forwarded, and
// after all was revoked, every one that may be asked for, bare; otherwise those of
// the consent, with a link to what is open of each. Where the customer has none that
// could be shown, banks answer 204, as which [Meta] tells it and the list is empty,
// or 404. What is returned may be the first page of several: see [STET.NextAccounts].
func (s *STET) Accounts(ctx context.Context, token string, o ...CallOptions) (*stet.Accounts, *Meta, error) {
	return readSTET[stet.Accounts](ctx, s.client, pathSTETAccounts, token, o)
}

// NextAccounts reads the page after one that was read. Fails with [ErrLastPage]
// after the last, and with [ErrForeignLink] before anything is sent where the link
// leads elsewhere.
func (s *STET) NextAccounts(ctx context.Context, token string, page *stet.Accounts, o ...CallOptions) (*stet.Accounts, *Meta, error) {
	path, err := s.next(page.Links)
	if err != nil {
		return nil, nil, err
	}
	return readSTET[stet.Accounts](ctx, s.client, path, token, o)
}

// Balances reads the balances of an account, by its resourceId (part II, 4.2.2).
func (s *STET) Balances(ctx context.Context, token, resourceID string, o ...CallOptions) (*stet.Balances, *Meta, error) {
	return readSTET[stet.Balances](ctx, s.client, below(pathSTETAccounts, resourceID, pathSTETBalances), token, o)
}

// Period is which transactions are asked for; the zero value leaves it to the bank.
type Period struct {
	// DateFrom is the first day, and DateTo the day after the last, YYYY-MM-DD.
	// Entries older than 90 days want the scope extended_transaction_history.
	DateFrom, DateTo string
}

// Transactions lists transactions of an account, by its resourceId (part II, 4.2.4).
// What is returned may be the first page of several: see [STET.NextTransactions].
func (s *STET) Transactions(ctx context.Context, token, resourceID string, p Period, o ...CallOptions) (*stet.Transactions, *Meta, error) {
	path := below(pathSTETAccounts, resourceID, pathSTETTransactions)
	values := url.Values{}
	for name, day := range map[string]string{"dateFrom": p.DateFrom, "dateTo": p.DateTo} {
		if day != "" {
			values.Set(name, day)
		}
	}
	if len(values) > 0 {
		path += "?" + values.Encode()
	}
	return readSTET[stet.Transactions](ctx, s.client, path, token, o)
}

// NextTransactions reads the page after one that was read, as [STET.NextAccounts]
// does.
func (s *STET) NextTransactions(ctx context.Context, token string, page *stet.Transactions, o ...CallOptions) (*stet.Transactions, *Meta, error) {
	path, err := s.next(page.Links)
	if err != nil {
		return nil, nil, err
	}
	return readSTET[stet.Transactions](ctx, s.client, path, token, o)
}

// EndUserIdentity reads who is connected (part II, 4.2.5), where the consent opens
// that.
func (s *STET) EndUserIdentity(ctx context.Context, token string, o ...CallOptions) (*stet.EndUserIdentity, *Meta, error) {
	return readSTET[stet.EndUserIdentity](ctx, s.client, pathSTETIdentity, token, o)
}

// next is where the page after one lies.
func (s *STET) next(links stet.Links) (string, error) {
	link, ok := links[stet.LinkNext]
	switch {
	case !ok:
		return "", ErrLastPage
	case link.Templated:
		return "", errors.New("the link to the next page has parameters to fill in")
	}
	return s.client.inside(link.Href)
}

func readSTET[T any](ctx context.Context, c *Client, path, token string, o []CallOptions) (*T, *Meta, error) {
	in := asked(http.MethodGet, path, token, o)
	in.want, in.also = http.StatusOK, http.StatusNoContent
	return call[T](ctx, c, in)
}

// asked is a call with a token; empty for the client's own ([WithToken]). Errors come as the one or the other media type.
func asked(method, path, token string, o []CallOptions) request {
	in := read(method, path, o)
	if token != "" && in.header.Get(headerAuthorization) == "" {
		in.header.Set(headerAuthorization, "Bearer "+token)
	}
	in.accept, in.refused = stet.MediaTypeHAL+", "+stet.MediaTypeJSON, stetErrorOf
	return in
}
