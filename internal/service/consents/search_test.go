package consents_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
)

// toyBank is a bank in which everybody is their own customer with one account,
// ceo and cfo act for the firm besides, and who is not listed is not known.
type toyBank struct {
	service.Accounts

	down, silent bool // it does not answer; it does not tell accounts
}

func (b *toyBank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if b.down {
		return nil, errors.New("connection refused")
	}
	switch psu {
	case "lea", "enzo":
		return []service.Customer{{ID: psu}}, nil
	case "ceo", "cfo":
		return []service.Customer{{ID: psu}, {ID: "firm"}}, nil
	case "former":
		return nil, nil
	default:
		return nil, fmt.Errorf("bank: %w", service.ErrUnknownPSU)
	}
}

func (b *toyBank) Signers(_ context.Context, customer string) ([]string, error) {
	return []string{customer}, nil
}

func (b *toyBank) List(_ context.Context, customer string) ([]service.Account, error) {
	if b.silent {
		return nil, errors.New("connection refused")
	}
	return []service.Account{{ID: customer + "-2"}, {ID: customer + "-1", Name: "Daily " + customer}}, nil
}

func (b *toyBank) Owners(_ context.Context, account string) ([]string, error) {
	if b.silent {
		return nil, errors.New("connection refused")
	}
	if owner, numbered := strings.CutSuffix(account, "-1"); numbered {
		return []string{owner}, nil
	}
	if owner, numbered := strings.CutSuffix(account, "-2"); numbered {
		return []string{owner}, nil
	}
	return nil, nil
}

func (b *bundle) desk(bank *toyBank) *consents.Desk {
	return &consents.Desk{Archive: b.db, Accounts: bank, Owners: bank, Signers: bank, Now: b.Now}
}

// account is one of a customer's, with our ids.
func (b *bundle) account(t *testing.T, customer string) (uuid.UUID, consent.Grant) {
	t.Helper()
	id, err := b.db.Customer(t.Context(), customer)
	require.NoError(t, err)
	ref := consent.Reference{IBAN: "DE00" + customer}
	accounts, err := b.db.Accounts(t.Context(), id, []service.Account{{ID: customer + "-1", Reference: ref}})
	require.NoError(t, err)
	return id, consent.Grant{AccountID: accounts[0], Rights: consent.RightBalances, Reference: ref}
}

// begun makes a consent whose PSU has logged in to share a customer's accounts.
func (b *bundle) begun(t *testing.T, psu, customer string) (*consent.Consent, uuid.UUID) {
	t.Helper()
	c, started := b.create(t)
	run := b.get(t, c.ID).Authorisations[0].RunID
	psuID, err := b.db.PSU(t.Context(), psu)
	require.NoError(t, err)
	customerID, _ := b.account(t, customer)
	require.NoError(t, b.db.Change(t.Context(), run, func(r *consent.Run, c *consent.Consent) error {
		r.PSU, r.Customer = psuID, customerID
		return c.Identify(started.Authorisation, psuID, customerID, b.Now())
	}))
	return c, run
}

// authorised makes a valid consent.
func (b *bundle) authorised(t *testing.T, psu, customer string, recurring bool) *consent.Consent {
	t.Helper()
	c, run := b.begun(t, psu, customer)
	customerID, grant := b.account(t, customer)
	require.NoError(t, b.db.Finish(t.Context(), run, b.Now(), func(r *consent.Run, c *consent.Consent, former []*consent.Consent) error {
		agreed := consent.Agreement{Customer: customerID, Grants: []consent.Grant{grant}, Signers: []uuid.UUID{r.PSU}}
		if err := c.Authorise(r.Authorisation, agreed, b.Now()); err != nil {
			return err
		}
		r.End(consent.RunDone, b.Now())
		if !recurring {
			return nil
		}
		return c.Supersede(former, b.Now())
	}))
	return c
}

func listed(t *testing.T, d *consents.Desk, f consents.Filter) []uuid.UUID {
	t.Helper()
	if f.Limit == 0 {
		f.Limit = 50
	}
	list, err := d.List(t.Context(), f)
	require.NoError(t, err)
	ids := []uuid.UUID{}
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		b.create(t) // nobody's
		leas := b.authorised(t, "lea", "lea", false)
		firms := b.authorised(t, "ceo", "firm", false)
		pending, _ := b.begun(t, "ceo", "ceo")
		for name, x := range map[string]struct {
			filter consents.Filter
			want   []uuid.UUID
		}{
			"one's own":                        {consents.Filter{PSU: "lea"}, []uuid.UUID{leas.ID}},
			"a company's, and what was begun":  {consents.Filter{PSU: "ceo"}, []uuid.UUID{pending.ID, firms.ID}},
			"of a signer who never logged in":  {consents.Filter{PSU: "cfo"}, []uuid.UUID{firms.ID}},
			"of who acts for nobody":           {consents.Filter{PSU: "former"}, []uuid.UUID{}},
			"nothing":                          {consents.Filter{PSU: "enzo"}, []uuid.UUID{}},
			"by status":                        {consents.Filter{PSU: "ceo", Status: consent.Valid}, []uuid.UUID{firms.ID}},
			"by TPP":                           {consents.Filter{PSU: "ceo", TPP: "B"}, []uuid.UUID{}},
			"by page":                          {consents.Filter{PSU: "ceo", After: pending.ID}, []uuid.UUID{firms.ID}},
			"by limit":                         {consents.Filter{PSU: "ceo", Limit: 1}, []uuid.UUID{pending.ID}},
			"by account of whoever":            {consents.Filter{Account: "firm-1"}, []uuid.UUID{firms.ID}},
			"by account of a PSU's":            {consents.Filter{PSU: "cfo", Account: "firm-1"}, []uuid.UUID{firms.ID}},
			"by account that no one has":       {consents.Filter{PSU: "cfo", Account: "lea-1"}, []uuid.UUID{}},
			"by account that only the bank":    {consents.Filter{PSU: "lea", Account: "lea-2"}, []uuid.UUID{leas.ID}},
			"an account that nobody has shown": {consents.Filter{Account: "lea-2"}, []uuid.UUID{leas.ID}},
			"an account that there is not":     {consents.Filter{Account: "lea-3"}, []uuid.UUID{}},
		} {
			require.Equal(t, x.want, listed(t, desk, x.filter), name)
		}
	})
}

// TestListAsOfNow ends a consent by time alone: it is listed as what it is, dated
// by its deadline, and nothing is written.
func TestListAsOfNow(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		c := b.authorised(t, "lea", "lea", false)
		b.now.Store(int64(c.EndsAt.Sub(begin).Seconds()))
		require.Empty(t, listed(t, desk, consents.Filter{PSU: "lea", Status: consent.Valid}))
		list, err := desk.List(t.Context(), consents.Filter{PSU: "lea", Status: consent.Expired, Limit: 50})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, []any{consent.Expired, c.EndsAt}, []any{list[0].Status, list[0].StatusChangedAt})
		stored, err := b.db.Get(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Valid, stored.Status)
	})
}

func TestListFails(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.authorised(t, "lea", "lea", false)
		for name, x := range map[string]struct {
			bank   toyBank
			filter consents.Filter
			want   consent.Code
		}{
			"of nobody":                     {toyBank{}, consents.Filter{Limit: 50}, consent.CodeFormat},
			"of who is not known":           {toyBank{}, consents.Filter{PSU: "stranger", Limit: 50}, consent.CodeNotFound},
			"while the bank is away":        {toyBank{down: true}, consents.Filter{PSU: "lea", Limit: 50}, consent.CodeUnavailable},
			"while it does not tell owners": {toyBank{silent: true}, consents.Filter{PSU: "lea", Account: "lea-1", Limit: 50}, consent.CodeUnavailable},
		} {
			_, err := b.desk(&x.bank).List(t.Context(), x.filter)
			require.Equal(t, x.want, consent.CodeOf(err), name)
		}
	})
}

func TestGetWhole(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.authorised(t, "ceo", "firm", false)
		s, err := b.desk(&toyBank{}).Get(t.Context(), c.ID)
		require.NoError(t, err)
		grant := s.Access.Grants[0]
		require.Equal(t, []string{"firm", "ceo", "firm-1"}, []string{
			s.BankIDs[s.Customer], s.BankIDs[s.Authorisations[0].PSU], s.BankIDs[grant.AccountID],
		})
		require.Equal(t, map[uuid.UUID]string{grant.AccountID: "Daily firm"}, s.Names)
		s, err = b.desk(&toyBank{silent: true}).Get(t.Context(), c.ID)
		require.NoError(t, err, "names are not worth a failure")
		require.Empty(t, s.Names)
		require.Equal(t, consent.Valid, s.Status)
		_, err = b.desk(&toyBank{}).Get(t.Context(), uuid.New())
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		b.now.Store(int64(c.EndsAt.Add(time.Second).Sub(begin).Seconds()))
		s, err = b.desk(&toyBank{}).Get(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Expired, s.Status)
	})
}
