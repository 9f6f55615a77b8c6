package consents

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Forwarder is the use case of TPPs that take consents from PSUs themselves and
// forward them (STET part II §4.4, the mixed model). All fields are required.
type Forwarder struct {
	Store      Forwards
	Accounts   service.Accounts
	Identities AccountIDs
	Policy     consent.Policy
	Now        service.Clock
}

// AccountIDs gives the bank's accounts opaque ids.
type AccountIDs interface {
	// Accounts returns the id of each of a customer's accounts, in their order.
	Accounts(ctx context.Context, customer uuid.UUID, accounts []service.Account) ([]uuid.UUID, error)
}

// Giver is in whose name a TPP forwards, by which connection.
type Giver struct {
	PSU, Customer uuid.UUID
	CustomerID    string    // the bank's id
	Connection    uuid.UUID // zero for a token of the bank's own server
	SCA, Until    time.Time // when the PSU was authenticated, and how long that holds
	IssuedAt      time.Time // of the token
}

// Document is what is granted, as it was forwarded.
type Document struct {
	Asked  []Named
	Rights consent.Rights // those that are of no account
	Print  string         // a digest of the document as it came, for the audit
}

// Named is an account of a document, and where it stands there.
type Named struct {
	consent.Asked

	Path string
	// ID is the bank's id of the account, where the document names it by that; empty
	// where Reference does.
	ID string
}

// grants reports whether the document grants anything: that a TPP may see the list of
// trusted beneficiaries is kept but opens nothing by itself.
func (d Document) grants() bool { return len(d.Asked) > 0 || d.Rights.Has(consent.RightIdentity) }

// Forward replaces what the TPP has forwarded for the PSU before, as a whole and at
// once. A document that grants nothing takes it back; then there is no consent. Fails
// with CodeAccountUnknown for an account that is not the customer's to share, alike
// for one that does not exist, with CodeTokenInvalid when the connection has ended
// meanwhile, with CodeBlocked while the bank has suspended the connection or what
// stands, with CodeCertificateBlocked, and with CodeUnavailable while the bank does not
// answer. What stood before stands then.
func (f *Forwarder) Forward(ctx context.Context, call service.Call, by Giver, d Document) (*consent.Consent, error) {
	now := f.Now()
	access, err := f.resolve(ctx, by, d)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("consent id: %w", err)
	}
	cause := call.Cause()
	cause.For = by.PSU.String()
	var next *consent.Consent
	forwarding := Forwarding{TPP: call.TPP, Customer: by.Customer, PSU: by.PSU, Connection: by.Connection, Now: now}
	err = f.Store.Forward(ctx, forwarding, func(s Stands) (*consent.Consent, error) {
		if err := mayForward(by, s, now); err != nil {
			return nil, err
		}
		if next = nil; d.grants() {
			on := newest(by, s.Former, now)
			next = f.Policy.Forward(id, consent.Forwarded{
				TPP: call.TPP, TPPName: call.Name, PSU: by.PSU, Customer: by.Customer, Connection: on.Connection,
				SCA: on.SCA, Until: on.Until, Access: access, Print: d.Print,
			}, cause, now)
		}
		if s.Former == nil {
			return next, nil
		}
		return next, s.Former.GiveWay(next, cause, now)
	})
	if err != nil {
		return nil, err
	}
	if next == nil {
		explain.Note(ctx, "forwarded: nothing is granted any more")
		return nil, nil //nolint:nilnil // nothing granted is no consent, and no error
	}
	explain.Note(ctx, "forwarded: consent %s to %d accounts, until %s", next.ID, len(access.Grants), next.EndsAt.Format(time.RFC3339))
	return next, nil
}

// newest is the authentication on which the next document rests: that of the former
// one where it is newer than that of the token, which then is of an older connection.
func newest(by Giver, former *consent.Consent, now time.Time) consent.Renewal {
	on := consent.Renewal{Connection: by.Connection, SCA: by.SCA, Until: by.Until}
	if former == nil {
		return on
	}
	if former.Settle(now); former.Status == consent.Valid && former.LastSCA.After(by.SCA) {
		on = consent.Renewal{Connection: former.Connection, SCA: former.LastSCA, Until: former.EndsAt}
	}
	return on
}

// mayForward tells whether what the call rests on still stands.
func mayForward(by Giver, s Stands, now time.Time) error {
	if s.Connection == nil {
		if !s.After.IsZero() && !by.IssuedAt.After(s.After) {
			return errEnded()
		}
		return nil
	}
	s.Connection.Settle(now)
	switch s.Connection.Status {
	case consent.Valid:
		return nil
	case consent.Suspended:
		return consent.E(consent.CodeBlocked, "the bank has suspended the access")
	default:
		return errEnded()
	}
}

func errEnded() error {
	return consent.At(consent.CodeTokenInvalid, "Header.Authorization", "the access has ended")
}

// resolve finds the accounts that a document means, among those that the customer
// may share.
func (f *Forwarder) resolve(ctx context.Context, by Giver, d Document) (consent.Access, error) {
	access := consent.Access{Rights: d.Rights}
	var accounts []service.Account
	var rights []consent.Rights
	meant := &meant{Forwarder: f, customer: by.CustomerID}
	for _, x := range d.Asked {
		found, err := meant.by(ctx, x)
		if err != nil {
			return access, err
		}
		if len(found) == 0 {
			explain.Refuse(ctx, "%s: no account that this customer may share", x.Path)
			return access, consent.At(consent.CodeAccountUnknown, x.Path, "names no account of the PSU")
		}
		access.Asked = append(access.Asked, x.Asked)
		for _, a := range found {
			i := slices.IndexFunc(accounts, func(o service.Account) bool { return o.ID == a.ID })
			if i < 0 {
				i, accounts, rights = len(accounts), append(accounts, a), append(rights, 0)
			}
			rights[i] |= x.Rights
		}
	}
	if len(accounts) == 0 {
		return access, nil
	}
	ids, err := f.Identities.Accounts(ctx, by.Customer, accounts)
	if err != nil {
		return access, err
	}
	for i, id := range ids {
		access.Grants = append(access.Grants, consent.Grant{AccountID: id, Rights: rights[i], Reference: accounts[i].Reference})
	}
	return access, nil
}

// meant finds accounts of a customer: each is looked for once, and the list of all is
// read at most once.
type meant struct {
	*Forwarder

	customer string
	listed   []service.Account
	known    map[consent.Reference][]service.Account
}

// by are the accounts that a document means by a name; none where it means none.
func (m *meant) by(ctx context.Context, x Named) ([]service.Account, error) {
	if x.ID != "" {
		return m.byID(ctx, x)
	}
	ref := x.Reference.Whole()
	if found, ok := m.known[ref]; ok {
		return found, nil
	}
	found, err := m.Accounts.Resolve(ctx, m.customer, ref)
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("resolve an account: %w", err))
	}
	if m.known == nil {
		m.known = map[consent.Reference][]service.Account{}
	}
	m.known[ref] = found
	return found, nil
}

func (m *meant) byID(ctx context.Context, x Named) ([]service.Account, error) {
	if m.listed == nil {
		all, err := m.Accounts.List(ctx, m.customer)
		if err != nil {
			return nil, service.Unavailable(fmt.Errorf("accounts of a customer: %w", err))
		}
		m.listed = all
	}
	i := slices.IndexFunc(m.listed, func(a service.Account) bool {
		return a.ID == x.ID && (x.Reference.Currency == "" || x.Reference.Currency == a.Reference.Currency)
	})
	if i < 0 {
		return nil, nil
	}
	return m.listed[i : i+1], nil
}
