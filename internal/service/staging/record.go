package staging

import (
	"context"
	"maps"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Record is a consent as it stands now, with what belongs to it.
type Record struct {
	*consent.Consent

	// GroupRef names its line: by the TPP's name for the consent that began it, or our
	// id of that where no hub has staged it.
	GroupRef string
	// User is our id of the PSU whose consent it is: the one who was asked for, where
	// one was, since a company's consents are each of its signers'. Empty for nobody's.
	User string
	// Accounts are the bank's ids of those that were granted. None where all accounts
	// are found anew at each access.
	Accounts []string
	// LastShared is when data was last shared by it, LastTried when a payment was last
	// tried: the newest of those recorded, or a later one of which the bank has told.
	LastShared, LastTried time.Time
	// Payments were made by it, the oldest first, in brief: see Uses. Only consents to
	// payments have them.
	Payments []consent.Payment
}

// record is one consent with what belongs to it, as user sees it.
func (s *Staging) record(ctx context.Context, c *consent.Consent, user uuid.UUID) (*Record, error) {
	rows, err := s.records(ctx, []*consent.Consent{c}, user)
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

// records brings consents to where they stand now, and finds what belongs to them.
func (s *Staging) records(ctx context.Context, found []*consent.Consent, user uuid.UUID) ([]Record, error) {
	if len(found) == 0 {
		return nil, nil
	}
	now, asked := s.Now(), gather(found)
	bank, err := s.Store.BankIDs(ctx, asked.accounts)
	if err != nil {
		return nil, err
	}
	used, err := s.Uses.LastShared(ctx, asked.consents)
	if err != nil {
		return nil, err
	}
	log, err := s.payments(ctx, asked.paying)
	if err != nil {
		return nil, err
	}
	names, err := s.names(ctx, found)
	if err != nil {
		return nil, err
	}
	rows := make([]Record, len(found))
	for i, c := range found {
		if c.Settle(now) {
			c.TakePending() // a read writes nothing
		}
		rows[i] = Record{Consent: c, GroupRef: names[c.GroupID], User: owner(c, user), Accounts: accounts(c, bank), Payments: log[c.ID]}
		rows[i].use(used[c.ID])
	}
	return rows, nil
}

// asked are the ids of what belongs to some consents.
type asked struct{ consents, paying, accounts []uuid.UUID }

func gather(found []*consent.Consent) asked {
	var a asked
	seen := map[uuid.UUID]bool{}
	for _, c := range found {
		a.consents = append(a.consents, c.ID)
		if c.Kind == consent.Payments {
			a.paying = append(a.paying, c.ID)
		}
		for _, g := range c.Access.Grants {
			if !seen[g.AccountID] {
				seen[g.AccountID], a.accounts = true, append(a.accounts, g.AccountID)
			}
		}
	}
	return a
}

func (s *Staging) payments(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][]consent.Payment, error) {
	if len(ids) == 0 {
		return map[uuid.UUID][]consent.Payment{}, nil
	}
	return s.Uses.PaymentsInBrief(ctx, ids)
}

// names are the references of the lines that consents belong to, by the lines' ids.
func (s *Staging) names(ctx context.Context, found []*consent.Consent) (map[uuid.UUID]string, error) {
	names := map[uuid.UUID]string{}
	for _, c := range found {
		if _, ok := names[c.GroupID]; !ok {
			names[c.GroupID] = c.GroupID.String()
		}
		if c.ID == c.GroupID && c.Staged != nil {
			names[c.ID] = c.Staged.Reference
		}
	}
	var missing []uuid.UUID
	for _, c := range found {
		if c.Staged != nil && names[c.GroupID] == c.GroupID.String() {
			missing = append(missing, c.GroupID)
		}
	}
	if len(missing) == 0 {
		return names, nil
	}
	more, err := s.Store.References(ctx, missing)
	maps.Copy(names, more)
	return names, err
}

// use says when a consent was used last.
func (r *Record) use(noted time.Time) {
	if r.Kind != consent.Payments {
		r.LastShared = noted
		return
	}
	r.LastTried = noted
	for _, p := range r.Payments {
		if p.CreatedAt.After(r.LastTried) {
			r.LastTried = p.CreatedAt
		}
	}
}

// accounts are the bank's ids of those that were granted. One that was erased is
// missing.
func accounts(c *consent.Consent, bank map[uuid.UUID]string) []string {
	var ids []string
	for _, g := range c.Access.Grants {
		if id, ok := bank[g.AccountID]; ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// owner names whose a consent is.
func owner(c *consent.Consent, asked uuid.UUID) string {
	if asked != uuid.Nil {
		return asked.String()
	}
	if id := giver(c); id != uuid.Nil {
		return id.String()
	}
	return ""
}

// giver is the PSU who has given a consent, or is about to; zero for nobody.
func giver(c *consent.Consent) uuid.UUID {
	if c.GivenBy != uuid.Nil {
		return c.GivenBy
	}
	last := uuid.Nil
	for _, a := range c.Authorisations {
		if a.PSU == uuid.Nil {
			continue
		}
		if a.Status.Granted() {
			return a.PSU
		}
		last = a.PSU
	}
	return last
}
