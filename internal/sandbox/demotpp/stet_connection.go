package demotpp

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"consentd/internal/sandbox/pages"
	"consentd/pkg/client"
	"consentd/pkg/stet"
)

// How far a connection is.
const (
	stateAsked   = "asked"   // the customer's browser has not come back yet
	stateRefused = "refused" // it came back without a code
	stateBare    = "bare"    // there are tokens, and the customer shares nothing
	stateShared  = "shared"  // the customer shares something
	stateEnded   = "ended"   // its tokens open nothing any more
)

// stateMeans says what the states mean, and what to do next.
var stateMeans = map[string]string{
	stateAsked:   "The customer has to log in at the bank and agree to be connected.",
	stateRefused: "The customer's browser came back without a code. Connect again.",
	stateBare:    "This TPP may ask which accounts there are. It may read nothing of them: the customer shares nothing.",
	stateShared:  "This TPP has forwarded the customer's consent: the bank opens what is ticked below, nothing else.",
	stateEnded:   "The connection is over, and with it the consent. Connect again.",
}

// stateWords are the states for people.
var stateWords = map[string]string{
	stateAsked: "waiting", stateRefused: "refused", stateBare: "connected", stateShared: "sharing", stateEnded: "ended",
}

// connection is a customer who connects to this TPP in the STET dialect, or has.
type connection struct {
	Number  int // within the visitor's list
	State   string
	PSU     string // who will log in, by the visitor's word; the bank is not told
	Scope   string // as it was asked for, then as it was given
	Request client.AuthorizationRequest
	server  client.AuthorizationServer
	back    bool // the browser came back: what it brought is good once

	tokens client.Tokens
	Until  time.Time // the access token's end; zero where the bank does not say
	// Accounts are those that the bank has named since nothing was shared last: with a
	// consent it names those of the consent only.
	Accounts []holding
	Identity bool   // whether the customer shares their name
	Name     string // as it was read

	Absent bool   // the last read was said to be without the customer
	From   string // the period of the last read
	To     string
	Sheet  *sheet // the last answer; nil where it was an error
	paging neighbourhood
	last   []int // numbers of the exchanges of the last step
}

// neighbourhood are where the pages around the last answer lie.
type neighbourhood struct {
	account string
	links   stet.Links
}

// holding is an account as this TPP knows it.
type holding struct {
	Key        string // the value of its boxes
	Name       string
	Currency   string
	Card       bool
	ResourceID string // empty where nothing of it is shared
	// Balances and Transactions tell what is shared.
	Balances, Transactions bool
	Balance                string // the first one, with its currency; empty where it is not shared
	reference              stet.AccountReference
}

// Shown is its identification for people.
func (h holding) Shown() string {
	if h.reference.IBAN == "" {
		return h.Key
	}
	return pages.Grouped(h.reference.IBAN)
}

// Open tells whether anything of it is shared.
func (h holding) Open() bool { return h.Balances || h.Transactions }

// Page is the address of its page.
func (c connection) Page() string { return pathConnections + "/" + itoa(c.Number) }

// Means says what its state means.
func (c connection) Means() string { return stateMeans[c.State] }

// Word is its state for people.
func (c connection) Word() string { return stateWords[c.State] }

// Connected tells whether there are tokens that may open something.
func (c connection) Connected() bool { return c.State == stateBare || c.State == stateShared }

// Badge is the class of the state's colour.
func (c connection) Badge() string {
	switch c.State {
	case stateAsked:
		return "received"
	case stateRefused:
		return "rejected"
	case stateBare, stateShared:
		return "valid"
	default:
		return c.State
	}
}

// Refreshable tells whether there is a refresh token.
func (c connection) Refreshable() bool { return c.tokens.RefreshToken != "" }

// TokenUntil is the access token's end for people.
func (c connection) TokenUntil() string {
	if c.Until.IsZero() {
		return "until the bank ends it"
	}
	return "until " + c.Until.Format("15:04:05") + " UTC"
}

// take keeps tokens. A refresh may come without a new refresh token.
func (c *connection) take(t client.Tokens, now time.Time) {
	if t.RefreshToken == "" {
		t.RefreshToken = c.tokens.RefreshToken
	}
	c.tokens, c.Until = t, time.Time{}
	if t.ExpiresIn > 0 {
		c.Until = now.UTC().Add(time.Duration(t.ExpiresIn) * time.Second)
	}
	if t.Scope != "" {
		c.Scope = t.Scope
	}
}

// end has a connection be over.
func (c *connection) end() {
	c.State, c.tokens, c.Sheet = stateEnded, client.Tokens{}, nil
	c.Identity, c.Name = false, ""
	c.shut()
}

// shut has nothing be shared of any account, which stay known.
func (c *connection) shut() {
	c.Accounts = slices.Clone(c.Accounts)
	for i := range c.Accounts {
		a := &c.Accounts[i]
		a.ResourceID, a.Balance, a.Balances, a.Transactions = "", "", false, false
	}
}

// hear takes over what a list of accounts says. One in which something is open lists
// only such accounts: the others stay known, and shut.
func (c *connection) hear(list []stet.Account, links stet.Links) {
	_, c.Identity = links[stet.LinkEndUserIdentity]
	if !c.Identity {
		c.Name = ""
	}
	c.shut()
	known := c.Accounts
	if !slices.ContainsFunc(list, func(x stet.Account) bool { return x.ResourceID != "" }) {
		known = nil // these are all that there are
	}
	for _, x := range list {
		h := heldAs(x)
		if at := slices.IndexFunc(known, func(k holding) bool { return sameReference(k.reference, h.reference) }); at >= 0 {
			known[at] = h
			continue
		}
		known = append(known, h)
	}
	name(known)
	c.Accounts = known
	if !c.Connected() {
		return
	}
	c.State = stateBare
	if c.Identity || slices.ContainsFunc(known, holding.Open) {
		c.State = stateShared
	}
}

func heldAs(x stet.Account) holding {
	h := holding{
		Name: x.Name, Currency: x.Currency, Card: x.CashAccountType == stet.AccountCard, ResourceID: x.ResourceID, reference: x.AccountID,
	}
	_, h.Balances = x.Links[stet.LinkBalances]
	_, h.Transactions = x.Links[stet.LinkTransactions]
	if len(x.Balances) > 0 {
		h.Balance = stetSum(x.Balances[0].BalanceAmount)
	}
	return h
}

func stetSum(a stet.Amount) string { return strings.TrimSpace(a.Amount + " " + a.Currency) }

func sameReference(a, b stet.AccountReference) bool {
	if a.Other == nil || b.Other == nil {
		return a.IBAN == b.IBAN && a.Currency == b.Currency && a.Other == b.Other
	}
	return a.IBAN == b.IBAN && a.Currency == b.Currency && *a.Other == *b.Other
}

// name gives each account the value of its boxes: the IBAN, or the other
// identification, with the currency where there are several.
func name(list []holding) {
	times := map[string]int{}
	for i := range list {
		list[i].Key = identification(list[i].reference)
		times[list[i].Key]++
	}
	for i := range list {
		if key := list[i].Key; times[key] > 1 {
			list[i].Key += "/" + list[i].Currency
		}
	}
}

func identification(r stet.AccountReference) string {
	if r.IBAN == "" && r.Other != nil {
		return r.Other.Identification
	}
	return r.IBAN
}

// connect keeps a new connection under a number of its own.
func (v *visitor) connect(c connection) connection {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.connected++
	c.Number = v.connected
	v.connections = append(v.connections, c)
	v.connections = v.connections[max(0, len(v.connections)-maxConnections):]
	return c
}

// allConnections are the connections, the newest first.
func (v *visitor) allConnections() []connection {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := slices.Clone(v.connections)
	slices.Reverse(list)
	return list
}

// connection finds one by its number, as text.
func (v *visitor) connection(number string) (connection, bool) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return connection{}, false
	}
	return v.whereConnection(func(c connection) bool { return c.Number == n })
}

// whereConnection finds the newest connection of a kind.
func (v *visitor) whereConnection(fits func(connection) bool) (connection, bool) {
	for _, c := range v.allConnections() {
		if fits(c) {
			return c, true
		}
	}
	return connection{}, false
}

// takes tells whether what a browser has brought back is to be used: the first time.
func (v *visitor) takes(number int) (first bool) {
	v.changeConnection(number, func(c *connection) { first, c.back = !c.back, true })
	return first
}

// changeConnection changes a connection, and returns it as it is then.
func (v *visitor) changeConnection(number int, how func(*connection)) connection {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.connections {
		if v.connections[i].Number == number {
			how(&v.connections[i])
			return v.connections[i]
		}
	}
	return connection{}
}
