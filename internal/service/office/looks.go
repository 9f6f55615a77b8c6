package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// ReasonLooked is the reason of an entry that says that somebody has looked.
const ReasonLooked = "looked"

// Looked writes down that somebody of the bank's own looks, at what and where: ids,
// never names. Whoever answers a look writes it down first, and does not answer
// without.
func (o *Office) Looked(ctx context.Context, cause consent.Cause, what string) error {
	now := o.Now()
	cause.By, cause.Note = consent.ByASPSP, ""
	return o.Store.Look(ctx, consent.Entry{
		Chain: LookedChain(cause.Who, consent.DateOf(now, time.UTC)), At: now, Cause: cause, Reason: ReasonLooked, Operation: what,
	})
}

// LookedChain is the chain of what one of the bank's own has looked at on a day, of UTC.
func LookedChain(who string, day consent.Date) string { return "looked/" + who + "/" + day.String() }

// MaxSize is the longest page of a search.
const MaxSize = 100

// Query says which consents are looked for. What is zero does not count.
type Query struct {
	PSU      string    // the bank's id of one who sees them
	User     uuid.UUID // the same by ours; not both
	Account  string    // the bank's id of an account that they open
	TPP      string
	Statuses []consent.Status
	// From and To, which is not in it, are about their making.
	From, To time.Time
	// Size is how many a page has, from 1 to MaxSize; Page counts from 1. After, if it is
	// there, begins the page instead.
	Page, Size int
	After      *service.Cursor
}

// Seen is a consent as the bank's own see it.
type Seen struct {
	*consent.Consent // as it stands now

	// BankIDs are the bank's ids of the PSUs, the customer and the accounts that it
	// refers to; one that was erased is missing.
	BankIDs map[uuid.UUID]string
}

// Found is a page of what was looked for. Total is of all pages; Next is where the
// next one begins, nil on the last.
type Found struct {
	Consents []Seen
	Total    int
	Next     *service.Cursor
	// User is our id of the PSU who was asked for; zero for nobody, and for one whom no
	// consent has met.
	User uuid.UUID
	// PSU is the bank's id of them.
	PSU string
}

// Search looks for consents, the newest first, as they stand now. Fails with
// CodeFormat, with CodeNotFound for a PSU whom the bank does not know, and with
// CodeUnavailable when it does not answer.
func (o *Office) Search(ctx context.Context, cause consent.Cause, q Query) (*Found, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	l := service.Listing{
		Account: q.Account, TPP: q.TPP, Statuses: q.Statuses, MadeFrom: q.From, MadeTo: q.To,
		Order: service.Newest, Page: max(q.Page, 1), Size: q.Size, Cursor: q.After, Now: o.Now(),
	}
	found := &Found{PSU: q.PSU, User: q.User}
	whose := o.whose(ctx, found, &l)
	if err := o.Looked(ctx, cause, "search "+q.words(found.User)); err != nil {
		return nil, err
	}
	if whose != nil {
		return nil, whose
	}
	var err error
	if l.Owners, err = service.OwnersOf(ctx, o.Owners, o.Store, l.Account); err != nil {
		return nil, err
	}
	listed, err := o.Store.ListConsents(ctx, l)
	if err != nil {
		return nil, err
	}
	found.Total, found.Next = listed.Total, listed.Next
	found.Consents, err = o.seen(ctx, listed.Consents, l.Now)
	return found, err
}

// User is our id of a PSU, who is named by it or by the bank's: an id that says nothing,
// for addresses of pages. One whom no consent has met gets one. Fails with CodeFormat,
// with CodeNotFound for a PSU whom the bank does not know, and with CodeUnavailable when
// it does not answer.
func (o *Office) User(ctx context.Context, cause consent.Cause, psu string) (uuid.UUID, error) {
	if err := (Query{PSU: psu, Size: 1}).Check(); err != nil {
		return uuid.Nil, err
	}
	id, err := o.user(ctx, psu)
	what := "user unmet"
	if err == nil {
		what = "user=" + id.String()
	}
	if err := o.Looked(ctx, cause, what); err != nil {
		return uuid.Nil, err
	}
	return id, err
}

func (o *Office) user(ctx context.Context, psu string) (uuid.UUID, error) {
	if id, err := uuid.Parse(psu); err == nil {
		known, err := o.Store.BankIDs(ctx, []uuid.UUID{id})
		if err != nil || known[id] != "" {
			return id, err
		}
	}
	if _, err := o.customers(ctx, psu); err != nil {
		return uuid.Nil, err
	}
	return o.Store.PSU(ctx, psu)
}

// Check fails with Faults of CodeFormat for a query that cannot be answered. Search asks
// it too; it is for who must not put into an address what is wrong.
func (q Query) Check() error {
	var faults consent.Faults
	refuse := func(bad bool, path, text string) {
		if bad {
			faults = append(faults, consent.At(consent.CodeFormat, path, "%s", text))
		}
	}
	refuse(q.PSU != "" && q.User != uuid.Nil, "psu", "cannot be there beside userId")
	refuse(!plain(q.PSU, maxTPP), "psu", "must be at most "+strconv.Itoa(maxTPP)+" characters, without control characters")
	refuse(!plain(q.TPP, maxTPP), "tppId", "must be at most "+strconv.Itoa(maxTPP)+" characters, without control characters")
	refuse(!plain(q.Account, maxAccount), "accountId", "must be at most "+strconv.Itoa(maxAccount)+" characters, without control characters")
	refuse(isIBAN(q.TPP), "tppId", "is an IBAN")
	refuse(isIBAN(q.Account), "accountId", "is an IBAN; the bank's own id of the account is meant")
	refuse(!q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To), "createdTo", "must be after createdFrom")
	refuse(q.Size < 1 || q.Size > MaxSize, "pageSize", "must be from 1 to "+strconv.Itoa(MaxSize))
	return faults.Err()
}

// words say in the audit what was looked for. The bank's id of a PSU may be a name, so
// it is not among them.
func (q Query) words(user uuid.UUID) string {
	var parts []string
	add := func(there bool, name, value string) {
		if there {
			parts = append(parts, name+"="+value)
		}
	}
	add(user != uuid.Nil, "user", user.String())
	add(user == uuid.Nil && q.PSU != "", "user", "unmet")
	add(q.Account != "", "account", strconv.Quote(q.Account))
	add(q.TPP != "", "tpp", strconv.Quote(q.TPP))
	for _, s := range q.Statuses {
		add(true, "status", string(s))
	}
	add(!q.From.IsZero(), "from", q.From.UTC().Format(time.RFC3339))
	add(!q.To.IsZero(), "to", q.To.UTC().Format(time.RFC3339))
	add(q.After != nil, "after", "a page")
	add(q.After == nil, "page", strconv.Itoa(max(q.Page, 1)))
	return strings.Join(parts, " ")
}

// whose narrows a listing to what the PSU who was asked for sees, and completes who
// that is.
func (o *Office) whose(ctx context.Context, f *Found, l *service.Listing) error {
	if f.User != uuid.Nil {
		known, err := o.Store.BankIDs(ctx, []uuid.UUID{f.User})
		if err != nil {
			return err
		}
		if f.PSU = known[f.User]; f.PSU == "" {
			return consent.At(consent.CodeNotFound, "userId", "there is no such user")
		}
	}
	if f.PSU == "" {
		return nil
	}
	customers, err := o.customers(ctx, f.PSU)
	if err != nil {
		return err
	}
	sight, err := o.Store.Sight(ctx, f.PSU, customers)
	if err != nil {
		return err
	}
	if f.User == uuid.Nil {
		f.User = sight.PSU
	}
	l.Sight = &sight
	return nil
}

// customers are the bank's ids of those for whom a PSU may act.
func (o *Office) customers(ctx context.Context, psu string) ([]string, error) {
	found, err := o.Signers.Customers(ctx, psu)
	if errors.Is(err, service.ErrUnknownPSU) {
		return nil, consent.At(consent.CodeNotFound, "psu", "the bank knows no such PSU").Because(err)
	}
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("customers of a PSU: %w", err))
	}
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	return ids, nil
}

// Detail is a consent with its audit.
type Detail struct {
	Seen

	Entries []consent.Entry
}

// Get reads a consent, whosever it is, as it stands now, with its audit. Fails with
// CodeNotFound.
func (o *Office) Get(ctx context.Context, cause consent.Cause, id uuid.UUID) (*Detail, error) {
	if err := o.Looked(ctx, cause, "consent="+id.String()); err != nil {
		return nil, err
	}
	c, err := o.Store.Get(ctx, id)
	if err != nil {
		return nil, missing(id, err)
	}
	entries, err := o.Store.Entries(ctx, id)
	if err != nil {
		return nil, err
	}
	seen, err := o.seen(ctx, []*consent.Consent{c}, o.Now())
	if err != nil {
		return nil, err
	}
	return &Detail{Seen: seen[0], Entries: entries}, nil
}

// seen brings consents to where they stand at now, and finds whom they refer to.
func (o *Office) seen(ctx context.Context, found []*consent.Consent, now time.Time) ([]Seen, error) {
	var ids []uuid.UUID
	for _, c := range found {
		if c.Settle(now) {
			c.TakePending() // a read writes nothing
		}
		ids = append(ids, c.Customer, c.GivenBy)
		for _, a := range c.Authorisations {
			ids = append(ids, a.PSU)
		}
		for _, g := range c.Access.Grants {
			ids = append(ids, g.AccountID)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	known, err := o.Store.BankIDs(ctx, slices.DeleteFunc(slices.Compact(ids), func(id uuid.UUID) bool { return id == uuid.Nil }))
	if err != nil {
		return nil, err
	}
	list := make([]Seen, len(found))
	for i, c := range found {
		list[i] = Seen{Consent: c, BankIDs: known}
	}
	return list, nil
}
