package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Access decides on reads. All fields are required.
type Access struct {
	Store      Store
	Accounts   service.Accounts
	Identities Identities
	Policy     consent.Policy
	Now        service.Clock

	shares shares
}

// Decide answers whether a TPP may have what it asks for, and counts the read where
// it counts. Fails with a Denial: CodeReferenceUnknown for a consent that is not this
// TPP's, CodeCertificateBlocked for a TPP that the bank has shut out, CodeExpired,
// CodeBlocked and CodeNotUsable for a consent that is over, suspended or not in
// force, CodeNotUsable for what it does not open, CodeAccountUnknown for an account
// that is not the customer's, CodeTooOften where the quota, or a one-off consent,
// has no such read left; of a consent that takes an access token, with
// CodeTokenMissing and CodeScope, and as Question.Token does. CodeUnavailable says
// that it cannot be told now.
func (a *Access) Decide(ctx context.Context, q Question) (Decision, error) {
	now := a.Now()
	r := &reading{Access: a, q: q, now: now}
	if err := r.load(ctx); err != nil {
		return Decision{}, err
	}
	if err := r.usable(); err != nil {
		return Decision{}, noted(ctx, err)
	}
	explain.Note(ctx, "consent %s: %s, of this TPP", q.Consent, r.c.Status)
	if err := r.byToken(); err != nil {
		return Decision{}, noted(ctx, err)
	}
	d := Decision{Question: q, Customer: r.grounds.Customer, OwnerName: r.c.Access.OwnerName}
	var err error
	if d.Accounts, err = r.open(ctx); err != nil {
		if r.leftover && ReasonOf(err) != "" { // there is nothing to say of a consent that is over
			err = inForce(r.c)
		}
		return Decision{}, noted(ctx, err)
	}
	if d.Counted, d.Left, err = r.count(ctx, d.Accounts); err != nil {
		return Decision{}, noted(ctx, err)
	}
	a.shared(ctx, q.Consent, now)
	return d, nil
}

// reading is one question on its way to a decision.
type reading struct {
	*Access
	q       Question
	now     time.Time
	grounds *Grounds
	c       *consent.Consent
	// follows is the operation that the read may go on with; empty for none.
	follows consent.Operation
	// leftover says that the consent is used up, and only what was begun before may
	// be read to its end.
	leftover bool
	// all are the accounts that the consent opens.
	all []Account
}

func noted(ctx context.Context, err error) error {
	if reason := ReasonOf(err); reason != "" {
		explain.Refuse(ctx, "denied: %s", reason)
	}
	return err
}

func denied(err *consent.Error, reason string, args ...any) *Denial {
	return &Denial{Err: err, Reason: fmt.Sprintf(reason, args...)}
}

// load reads what the decision rests on, and hides consents that are not this
// TPP's to use.
func (r *reading) load(ctx context.Context) error {
	if !r.q.Operation.Known() {
		return noted(ctx, denied(consent.E(consent.CodeNotUsable, "the consent does not open this"), "there is no operation %q", r.q.Operation))
	}
	g, err := r.Store.Grounds(ctx, r.q.Consent, r.now)
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		return noted(ctx, denied(errUnknown(), "there is no such consent"))
	case err != nil:
		return err
	case g.Consent.TPP != r.q.TPP:
		return noted(ctx, denied(errUnknown(), "the consent belongs to another TPP"))
	case g.Consent.Kind != consent.AccountAccess || !r.q.about(g.Consent.Rail):
		return noted(ctx, denied(errUnknown(), "the consent is of another kind, or was made in another dialect"))
	case g.Shut:
		return noted(ctx, denied(consent.E(consent.CodeCertificateBlocked, "the bank has blocked this TPP"), "the bank has blocked the TPP"))
	}
	r.grounds, r.c = g, g.Consent
	return nil
}

// usable tells whether the consent is in force.
func (r *reading) usable() error {
	r.c.Settle(r.now)
	if r.Policy.PageWalk > 0 {
		r.follows = r.q.Operation.Follows(r.q.Following)
	}
	r.leftover = (r.follows != "" || r.listsAlone()) && r.lately(r.c)
	if r.leftover {
		return nil
	}
	return inForce(r.c)
}

// listsAlone tells a consent to the list of accounts, and nothing of their content.
func (r *reading) listsAlone() bool {
	return r.c.Access.Scope == consent.ScopeAvailable || r.c.Access.Scope == consent.ScopeAvailableBalances
}

// lately tells a one-off consent that was used up so lately that what belongs to its
// last read may still be read: further pages, details, and of one to the list of
// accounts the other list, of accounts or of cards.
func (r *reading) lately(c *consent.Consent) bool {
	return c.Status == consent.Expired && c.Ending.Reason == consent.ReasonUsedUp &&
		r.now.Before(c.StatusChangedAt.Add(r.Policy.PageWalk)) && r.now.Before(c.EndsAt)
}

// inForce fails unless a consent is valid.
func inForce(c *consent.Consent) error {
	if c.Status == consent.Valid {
		return nil
	}
	since := c.StatusChangedAt.Format(time.RFC3339)
	switch c.Status {
	case consent.Expired:
		return denied(consent.E(consent.CodeExpired, "the consent has expired"), "the consent expired at %s: %s", since, c.Ending.Reason)
	case consent.Suspended:
		return denied(consent.E(consent.CodeBlocked, "the bank has suspended the consent"), "the consent is suspended since %s", since)
	case consent.Revoked, consent.Rejected:
		return denied(consent.E(consent.CodeNotUsable, "the consent is %s", c.Status),
			"the consent was %s at %s by %s: %s", c.Status, since, c.Ending.By, c.Ending.Reason)
	case consent.PartiallyAuthorised:
		return denied(consent.E(consent.CodeNotUsable, "the consent is not authorised"), "the consent is partiallyAuthorised: it waits for another signer")
	default:
		return denied(consent.E(consent.CodeNotUsable, "the consent is not authorised"), "the consent is %s: nobody has authorised it yet", c.Status)
	}
}

// open finds the accounts of the question, and fails where the consent does not
// open it. What is shown of an account is what the consent grants on it.
func (r *reading) open(ctx context.Context) ([]Account, error) {
	if r.listsAlone() && !r.q.Operation.List() {
		return nil, r.notOpened("the consent is to the list of accounts alone")
	}
	if r.q.Operation.OfPSU() {
		return r.ofPSU()
	}
	if err := r.opened(ctx); err != nil {
		return nil, err
	}
	if r.q.Operation.List() {
		return r.list()
	}
	return r.one(ctx)
}

// opened finds all accounts that the consent opens: those that were granted or,
// where it names none, what the customer has now.
func (r *reading) opened(ctx context.Context) error {
	if !r.c.Access.Open() {
		r.all = r.grounds.Accounts
		return nil
	}
	owned, err := r.owned(ctx)
	if err != nil {
		return err
	}
	for _, x := range owned {
		if r.c.Access.Allows(x.Reference.CashAccountType) {
			r.all = append(r.all, Account{ID: x.ID, Reference: x.Reference, Rights: r.c.Access.Rights})
		}
	}
	return nil
}

func (r *reading) owned(ctx context.Context) ([]service.Account, error) {
	owned, err := r.Accounts.List(ctx, r.grounds.Customer)
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("accounts of a customer: %w", err))
	}
	return owned, nil
}

// ofPSU opens what is of no account.
func (r *reading) ofPSU() ([]Account, error) {
	if !r.c.Access.Rights.Has(r.q.Operation.Right()) {
		return nil, r.notOpened("%s is not granted", r.q.Operation)
	}
	return []Account{}, nil
}

// list is what a list shows: nothing of accounts that are of another sort, though
// the consent opens those.
func (r *reading) list() ([]Account, error) {
	shown, opened := []Account{}, r.c.Access.Open() && r.c.Access.Rights.Implied().Has(r.q.Operation.Right())
	for _, x := range r.all {
		if !x.Rights.Implied().Has(r.q.Operation.Right()) {
			continue
		}
		opened = true
		if r.q.Operation.Of(x.Reference) {
			shown = append(shown, x)
		}
	}
	if !opened {
		return nil, r.notOpened("no account of the consent is to be shown by %s", r.q.Operation)
	}
	return shown, nil
}

// one is the account that is asked for.
func (r *reading) one(ctx context.Context) ([]Account, error) {
	i := slices.IndexFunc(r.all, func(x Account) bool { return x.ID == r.q.Account })
	if i < 0 {
		return nil, r.missing(ctx)
	}
	x := r.all[i]
	switch {
	case !r.q.Operation.Of(x.Reference):
		return nil, denied(errAccount(), "the account is not of the sort that %s is about", r.q.Operation)
	case !x.Rights.Implied().Has(r.q.Operation.Right()):
		return nil, r.notOpened("%s of this account is not granted", r.q.Operation)
	}
	return []Account{x}, nil
}

// missing tells an account of the customer's that the consent leaves out from one
// that is not theirs at all.
func (r *reading) missing(ctx context.Context) error {
	owned, err := r.owned(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(owned, func(x service.Account) bool { return x.ID == r.q.Account && r.q.Operation.Of(x.Reference) }) {
		return r.notOpened("the account is the customer's, and not in the consent")
	}
	return denied(errAccount(), "the customer has no such account")
}

func errUnknown() *consent.Error {
	return consent.At(consent.CodeReferenceUnknown, "Header.Consent-ID", "is not known to this TPP")
}

func errAccount() *consent.Error {
	return consent.E(consent.CodeAccountUnknown, "there is no such account")
}

func (r *reading) notOpened(reason string, args ...any) error {
	return denied(consent.E(consent.CodeNotUsable, "the consent does not open this"), reason, args...)
}

// counted is the access as it is counted: of one account by its opaque id.
func (r *reading) counted(shown []Account) Counted {
	at := Counted{Consent: r.q.quota(), Use: consent.Use{Operation: r.q.Operation}, At: r.now}
	if !r.q.Operation.List() {
		at.Use.Account = shown[0].Key
	}
	if r.q.List != "" && r.q.Operation.Paged() {
		sum := sha256.Sum256([]byte(r.q.List))
		at.List = hex.EncodeToString(sum[:8])
	}
	if r.c.Recurring {
		at.Day = consent.DateOf(r.now, r.Policy.Zone)
	}
	return at
}

// name gives accounts their opaque ids that have none yet: those of a consent that
// was not written down with its accounts.
func (r *reading) name(ctx context.Context, accounts []Account) error {
	var bare []service.Account
	for _, x := range accounts {
		if x.Key == uuid.Nil {
			bare = append(bare, service.Account{ID: x.ID, Reference: x.Reference})
		}
	}
	if len(bare) == 0 {
		return nil
	}
	keys, err := r.Identities.Accounts(ctx, r.c.Customer, bare)
	if err != nil {
		return err
	}
	for i := range accounts {
		if accounts[i].Key == uuid.Nil {
			accounts[i].Key, keys = keys[0], keys[1:]
		}
	}
	return nil
}
