package demotpp

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"consentd/pkg/client"
	"consentd/pkg/stet"
)

// stetAct is something that the visitor does with a connection: it calls the bank,
// and says by which exchanges and how the connection goes on from there.
type stetAct func(ctx context.Context, l *stetLine, c connection) (exchanges []int, goOn func(*connection))

// stetSteps are by the last part of the address that their forms are sent to.
var stetSteps = map[string]func(url.Values) stetAct{
	"accounts":   listing,
	"share":      func(form url.Values) stetAct { return forwarding("Forward the customer's consent", form) },
	"stop":       func(url.Values) stetAct { return forwarding("Share nothing any more", nil) },
	"read":       readingData,
	"refresh":    func(url.Values) stetAct { return refresh },
	"introspect": func(url.Values) stetAct { return introspect },
	"disconnect": func(url.Values) stetAct { return disconnect },
}

// there says that the customer is there and asked for the call.
func there() client.CallOptions { return client.CallOptions{PSUIPAddress: address} }

// presence is what a form says of that.
func presence(form url.Values) client.CallOptions {
	if form.Get(fieldPresent) == no {
		return client.CallOptions{}
	}
	return there()
}

// exchanging changes the code for tokens, and asks at once which accounts there are.
func exchanging(code string) stetAct {
	return func(ctx context.Context, l *stetLine, c connection) ([]int, func(*connection)) {
		tokens, _, err := l.oauth.Exchange(ctx, &c.server, &c.Request, code)
		told := l.told("Change the code for tokens", "The customer is connected: the access token opens the interface, and the refresh token gives another one.", err)
		if err != nil {
			return []int{told}, func(c *connection) { c.State = stateRefused }
		}
		connected := func(c *connection) {
			c.State = stateBare
			c.take(*tokens, l.now())
		}
		connected(&c)
		listed, goOn := list(ctx, l, c, there())
		return append([]int{told}, listed...), func(c *connection) {
			connected(c)
			goOn(c)
		}
	}
}

func listing(form url.Values) stetAct {
	return func(ctx context.Context, l *stetLine, c connection) ([]int, func(*connection)) {
		numbers, goOn := list(ctx, l, c, presence(form))
		return numbers, func(c *connection) {
			c.asked(form)
			c.Sheet = nil
			goOn(c)
		}
	}
}

// maxPages is how many pages of a list of accounts are read at most.
const maxPages = 20

// list asks for the accounts, all pages of them.
func list(ctx context.Context, l *stetLine, c connection, o client.CallOptions) (numbers []int, goOn func(*connection)) {
	page, _, err := l.stet.Accounts(ctx, c.tokens.AccessToken, o)
	if err != nil {
		return []int{l.told("List of accounts", "", err)}, func(*connection) {}
	}
	numbers = append(numbers, l.told("List of accounts", meansList(page.Accounts), nil))
	all, links := page.Accounts, page.Links
	for range maxPages {
		page, _, err = l.stet.NextAccounts(ctx, c.tokens.AccessToken, page, o)
		if errors.Is(err, client.ErrLastPage) {
			break
		}
		numbers = append(numbers, l.told("List of accounts, the next page", "", err))
		if err != nil {
			break
		}
		all = append(all, page.Accounts...)
	}
	return numbers, func(c *connection) { c.hear(all, links) }
}

func meansList(list []stet.Account) string {
	switch {
	case len(list) == 0:
		return "The customer has no account that could be shown."
	case slices.ContainsFunc(list, func(x stet.Account) bool { return x.ResourceID != "" }):
		return "The accounts of the consent, with links to what is shared of each: " + itoa(len(list)) + "."
	default:
		return "No account is shared, so the bank names every one that may be asked for, and says nothing else of them: " + itoa(len(list)) + "."
	}
}

// forwarding tells the bank what the customer shares from now on, by a form; nil for
// nothing. Then it looks at what that opens.
func forwarding(what string, form url.Values) stetAct {
	return func(ctx context.Context, l *stetLine, c connection) ([]int, func(*connection)) {
		access := ticked(form, c.Accounts)
		_, err := l.stet.PutConsents(ctx, c.tokens.AccessToken, access, there())
		told := l.told(what, meansAccess(access), err)
		if err != nil {
			return []int{told}, func(c *connection) { c.Sheet = nil }
		}
		listed, goOn := list(ctx, l, c, there())
		return append([]int{told}, listed...), func(c *connection) {
			c.Sheet = nil
			goOn(c)
		}
	}
}

// ticked is what a form shares. An account that is not in the list is asked for with
// both.
func ticked(form url.Values, known []holding) stet.Access {
	a := stet.Access{PSUIdentity: form.Get(fieldIdentity) == yes}
	for _, h := range known {
		if slices.Contains(form[fieldBalances], h.Key) {
			a.Balances = append(a.Balances, h.reference)
		}
		if slices.Contains(form[fieldTransactions], h.Key) {
			a.Transactions = append(a.Transactions, h.reference)
		}
	}
	if iban := strings.Join(strings.Fields(form.Get(fieldOther)), ""); iban != "" {
		other := stet.AccountReference{IBAN: iban}
		a.Balances, a.Transactions = append(a.Balances, other), append(a.Transactions, other)
	}
	return a
}

func meansAccess(a stet.Access) string {
	if len(a.Balances)+len(a.Transactions) == 0 && !a.PSUIdentity {
		return "Nothing is shared any more. The customer stays connected."
	}
	return "The consent is in force at once, and has taken the place of the whole former one."
}

func refresh(ctx context.Context, l *stetLine, c connection) ([]int, func(*connection)) {
	tokens, _, err := l.oauth.Refresh(ctx, &c.server, c.tokens.RefreshToken, "")
	told := []int{l.told("Refresh the access token", "Another access token, without the customer.", err)}
	if refused, ok := errors.AsType[*client.OAuth2Error](err); ok && refused.Code == "invalid_grant" {
		return told, (*connection).end
	}
	return told, func(c *connection) {
		if c.Sheet = nil; err == nil {
			c.take(*tokens, l.now())
		}
	}
}

func introspect(ctx context.Context, l *stetLine, c connection) ([]int, func(*connection)) {
	state, _, err := l.oauth.Introspect(ctx, &c.server, c.tokens.AccessToken)
	means := "The token opens nothing any more: refresh it, or connect again."
	if err == nil && state.Active {
		means = "The token is alive, for " + state.Scope + "."
		if state.Confirmation != nil {
			means += " It is bound to this TPP's certificate."
		}
	}
	return []int{l.told("Is the access token alive?", means, err)}, func(c *connection) { c.Sheet = nil }
}

// disconnect gives the refresh token back, or the access token where there is none:
// all that was given goes with it.
func disconnect(ctx context.Context, l *stetLine, c connection) ([]int, func(*connection)) {
	token := c.tokens.RefreshToken
	if token == "" {
		token = c.tokens.AccessToken
	}
	_, err := l.oauth.Revoke(ctx, &c.server, token)
	told := []int{l.told("Disconnect", "The bank has ended the connection, with its tokens and the consent.", err)}
	return told, func(c *connection) {
		if err == nil {
			c.end()
		}
	}
}
