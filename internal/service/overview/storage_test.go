package overview_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/overview"
	"consentd/internal/service/sca"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// bundle is the use cases over a real store. The bank and the clock are those of a fake.
type bundle struct {
	*fake

	db   *storage.DB
	keys *secret.Keys
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, setup(t, engine)) })
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{fake: newFake()}
	b.db, b.keys = dbtest.Open(t, engine, b.Now)
	b.Store = b.db
	return b
}

// person is a PSU of their own, with their accounts.
func (b *bundle) person(t *testing.T, name string) (v overview.Viewer, customer uuid.UUID, accounts []uuid.UUID) {
	t.Helper()
	v = b.viewer(name, name)
	var err error
	v.PSU, err = b.db.PSU(t.Context(), name)
	require.NoError(t, err)
	customer, err = b.db.Customer(t.Context(), name)
	require.NoError(t, err)
	accounts, err = b.db.Accounts(t.Context(), customer, b.bank.accounts[name])
	require.NoError(t, err)
	return v, customer, accounts
}

// later turns the clock.
func (b *bundle) later() { b.now = b.now.Add(time.Hour) }

func newID(t *testing.T) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id
}

// agreed stages a consent and has a customer agree to it.
func (b *bundle) agreed(t *testing.T, s consent.Staging, v overview.Viewer, customer, account uuid.UUID) *consent.Consent {
	t.Helper()
	b.later()
	s.TPP, s.TPPName, s.EndsAt = "A", "Acme", noon.AddDate(0, 6, 0)
	s.Staged.Reference, s.Staged.Request, s.Staged.Origin = uuid.NewString(), []byte(`{}`), []byte(`{}`)
	c, err := consent.DefaultPolicy().Stage(newID(t), s, consent.Cause{By: consent.ByTPP, Who: "A"}, b.now)
	require.NoError(t, err)
	require.NoError(t, b.db.Stage(t.Context(), c))
	c, err = b.db.Amend(t.Context(), c.ID, func(c *consent.Consent, h *consent.Holder, _ []consent.Payment) error {
		c.Because(consent.Cause{By: consent.ByPSU, Who: v.PSU.String()})
		if err := c.AttachPSU(h, v.PSU, customer, b.now); err != nil {
			return err
		}
		if err := c.AttachAccounts([]consent.Grant{{AccountID: account, Rights: s.Rights}}, b.now); err != nil {
			return err
		}
		return c.Approve(b.now)
	})
	require.NoError(t, err)
	return c
}

// TestStoredLine: a line of a hub, of which two count, is shown, told and stopped as a
// whole; other people's consents are nobody's business.
func TestStoredLine(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		v, customer, accounts := b.person(t, "omar")
		lea, _, _ := b.person(t, "lea")
		share := consent.Staging{Kind: consent.AccountAccess, Rights: consent.RightBalances, Staged: consent.Staged{Permissions: []string{"ReadBalances"}}}
		first := b.agreed(t, share, v, customer, accounts[0])
		share.Group, share.Staged.Permissions = first.ID, []string{"ReadBalances", "ReadParty"}
		second := b.agreed(t, share, v, customer, accounts[1])
		require.NoError(t, b.db.NoteShared(t.Context(), map[uuid.UUID]time.Time{second.ID: b.now}))

		board := b.board(t, v, overview.Wish{})
		require.Equal(t, ids(second, first), idsOf(board.Cards))
		require.Equal(t, []any{2, first.CreatedAt, second.CreatedAt, b.now}, []any{board.Cards[0].Members, board.Cards[0].Since, board.Cards[0].Renewed, board.Cards[0].LastUsed})
		require.Equal(t, []overview.Account{{
			ID: "omar/2", Name: "Savings omar", Owner: "OMAR", Rights: consent.RightBalances, Reference: b.bank.accounts["omar"][1].Reference,
		}}, board.Cards[0].Accounts)
		require.Empty(t, b.board(t, lea, overview.Wish{}).Cards)
		_, err := b.Overview.Get(t.Context(), lea, first.ID)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = b.Stop(t.Context(), lea, consent.Cause{}, first.ID)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))

		b.later()
		d, err := b.Stop(t.Context(), v, consent.Cause{RequestID: "r1"}, first.ID)
		require.NoError(t, err)
		require.Equal(t, []any{first.ID, consent.Revoked, false}, []any{d.ID, d.Status, d.Stops})
		var kinds []overview.EventKind
		for _, e := range d.Events {
			kinds = append(kinds, e.Kind)
		}
		require.Equal(t, []overview.EventKind{
			overview.EventStopped, overview.EventStopped, overview.EventRenewed, overview.EventAsked, overview.EventGiven, overview.EventAsked,
		}, kinds)
		require.Equal(t, []string{"ReadParty"}, d.Events[2].Added.Permissions)
		require.Equal(t, []any{b.now, consent.ByPSU, consent.ReasonWithdrawn}, []any{d.Events[0].At, d.Events[0].By, d.Events[0].Reason})
		require.Empty(t, b.board(t, v, overview.Wish{}).Cards)
		require.Equal(t, ids(second), idsOf(b.board(t, v, overview.Wish{Tab: overview.History}).Cards))
		entries, err := b.db.Entries(t.Context(), second.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Cause{By: consent.ByPSU, Who: v.PSU.String(), For: v.PSU.String(), RequestID: "r1"}, entries[len(entries)-1].Cause)
		_, err = b.Stop(t.Context(), v, consent.Cause{}, first.ID)
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
	})
}

// TestStoredPayments: what was paid is shown with its consent, and downloaded.
func TestStoredPayments(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		v, customer, accounts := b.person(t, "omar")
		terms := consent.PaymentTerms{Schedule: consent.VariableOnDemand, Currency: "AED", Parties: "terms"}
		c := b.agreed(t, consent.Staging{Kind: consent.Payments, Staged: consent.Staged{Payment: &terms}}, v, customer, accounts[0])
		for _, key := range []string{"one", "two"} {
			b.later()
			require.NoError(t, b.db.Pay(t.Context(), c.ID, func(c *consent.Consent, log []consent.Payment) (*consent.Payment, error) {
				p := &consent.Payment{ID: newID(t), Key: key, Amount: consent.Money{Minor: 150, Currency: "AED"}, Parties: key}
				return p, c.Pay(p, log, time.UTC, b.now)
			}))
		}
		all, err := b.All(t.Context(), v)
		require.NoError(t, err)
		require.Len(t, all, 1)
		d := all[0]
		require.Equal(t, []any{overview.FlexiPay, b.now, int64(300), 2}, []any{d.Type, d.LastUsed, d.Sum.Pending.Minor, d.Sum.Count})
		require.Equal(t, &overview.Parties{CreditorName: "creditor of terms"}, d.Parties)
		require.Equal(t, []string{"two", "one"}, []string{d.Payments[0].Key, d.Payments[1].Key})
		require.Equal(t, &overview.Parties{CreditorName: "creditor of two"}, d.Payments[0].Parties)
		require.Equal(t, ids(c), idsOf(b.board(t, v, overview.Wish{Pays: true}).Cards))
	})
}

// TestStoredForwarded: a connection and what was forwarded by it are one card, and end
// together.
func TestStoredForwarded(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		v, customer, accounts := b.person(t, "lea")
		call := service.Call{TPP: "A", Name: "Acme", Rail: consent.RailSTET}
		connection, err := consent.DefaultPolicy().Connect(newID(t), consent.Draft{
			Kind: consent.Connection, Rail: consent.RailSTET, TPP: "A", TPPName: "Acme", Access: consent.Access{Rights: consent.RightAccounts},
		}, v.PSU, customer, call.Cause(), b.now)
		require.NoError(t, err)
		require.NoError(t, b.db.Create(t.Context(), connection, nil))
		b.later()
		require.Equal(t, ids(connection), idsOf(b.board(t, v, overview.Wish{}).Cards))
		var sent []*consent.Consent
		for range 2 {
			b.later()
			next := consent.DefaultPolicy().Forward(newID(t), consent.Forwarded{
				TPP: "A", TPPName: "Acme", PSU: v.PSU, Customer: customer, Connection: connection.ID, SCA: connection.LastSCA, Until: connection.EndsAt,
				Access: consent.Access{Grants: []consent.Grant{{AccountID: accounts[0], Rights: consent.RightBalances}}},
			}, call.Cause(), b.now)
			forwarding := consents.Forwarding{TPP: "A", Customer: customer, PSU: v.PSU, Connection: connection.ID, Now: b.now}
			require.NoError(t, b.db.Forward(t.Context(), forwarding, func(s consents.Stands) (*consent.Consent, error) {
				if s.Former == nil {
					return next, nil
				}
				return next, s.Former.GiveWay(next, call.Cause(), b.now)
			}))
			sent = append(sent, next)
		}
		require.Equal(t, ids(sent[1]), idsOf(b.board(t, v, overview.Wish{}).Cards))
		d, err := b.Stop(t.Context(), v, consent.Cause{}, sent[0].ID) // from a page that was loaded before
		require.NoError(t, err)
		require.Equal(t, []any{sent[1].ID, consent.Revoked, 2}, []any{d.ID, d.Status, d.Members})
		require.Equal(t, consent.Revoked, b.detail(t, v, connection.ID).Status)
		require.Equal(t, ids(sent[1]), idsOf(b.board(t, v, overview.Wish{Tab: overview.History}).Cards))
		require.Empty(t, b.board(t, v, overview.Wish{}).Cards)
	})
}

// TestStoredRenewal: of what is authorised anew by its customer the newest has a card,
// also while it is only begun.
func TestStoredRenewal(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		v, customer, accounts := b.person(t, "anna")
		desk := &consents.Consents{
			Store: b.db, Keys: b.keys, Policy: consent.DefaultPolicy(), Now: b.Now, Runs: &sca.Dispatcher{Keys: b.keys, Policy: consent.DefaultPolicy()},
		}
		begin := func() (id, run uuid.UUID) {
			b.later()
			c, err := desk.Create(t.Context(), service.Call{TPP: "A", Name: "Acme", Rail: consent.RailXS2A, Kind: consent.AccountAccess}, consent.Draft{
				Recurring: true, FrequencyPerDay: 1, ValidUntil: consent.Date{Year: 2026, Month: 4, Day: 1}, RedirectURI: "https://tpp.example/ok",
				Access: consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightBalances},
			}, consents.Wish{Approach: consent.Redirect}, nil)
			require.NoError(t, err)
			run = c.Authorisations[0].RunID
			require.NoError(t, b.db.Change(t.Context(), run, func(r *consent.Run, c *consent.Consent) error {
				r.PSU, r.Customer = v.PSU, customer
				return c.Identify(r.Authorisation, v.PSU, customer, b.now)
			}))
			return c.ID, run
		}
		finish := func(run uuid.UUID) {
			b.later()
			require.NoError(t, b.db.Finish(t.Context(), run, b.now, func(r *consent.Run, c *consent.Consent, former []*consent.Consent) error {
				agreed := consent.Agreement{
					Customer: customer, Signers: []uuid.UUID{v.PSU}, Grants: []consent.Grant{{AccountID: accounts[0], Rights: consent.RightBalances}},
				}
				if err := c.Authorise(r.Authorisation, agreed, b.now); err != nil {
					return err
				}
				r.End(consent.RunDone, b.now)
				return c.Supersede(former, b.now)
			}))
		}
		first, run := begin()
		finish(run)
		second, run := begin()
		require.Equal(t, []uuid.UUID{second, first}, idsOf(b.board(t, v, overview.Wish{}).Cards))
		require.Equal(t, consent.Received, b.detail(t, v, second).Status)
		finish(run)
		require.Equal(t, []uuid.UUID{second}, idsOf(b.board(t, v, overview.Wish{}).Cards))
		require.Empty(t, b.board(t, v, overview.Wish{Tab: overview.History}).Cards)
		d := b.detail(t, v, second)
		require.Equal(t, []uuid.UUID{first}, idsOf(d.Line))
		require.Equal(t, []overview.EventKind{overview.EventRenewed, overview.EventReplaced, overview.EventAsked, overview.EventGiven, overview.EventAsked},
			[]overview.EventKind{d.Events[0].Kind, d.Events[1].Kind, d.Events[2].Kind, d.Events[3].Kind, d.Events[4].Kind})
		require.Len(t, d.Events, 5)
	})
}

// TestStoredMany: no consent is left out where they are more than are read at a time.
func TestStoredMany(t *testing.T) {
	const many = 503
	each(t, func(t *testing.T, b *bundle) {
		v, customer, _ := b.person(t, "sarl")
		other, others, _ := b.person(t, "lea")
		draft := consent.Draft{Kind: consent.Connection, Rail: consent.RailSTET, TPP: "A", TPPName: "Acme", Access: consent.Access{Rights: consent.RightAccounts}}
		for i := range many + 1 {
			psu, of := v.PSU, customer
			if i == 0 {
				psu, of = other.PSU, others
			}
			c, err := consent.DefaultPolicy().Connect(newID(t), draft, psu, of, consent.Cause{By: consent.ByTPP, Who: "A"}, b.now)
			require.NoError(t, err)
			require.NoError(t, b.db.Create(t.Context(), c, nil))
		}
		board := b.board(t, v, overview.Wish{Page: 26})
		require.Equal(t, []int{many, many, 26, 26, 3}, []int{board.Total, board.Current, board.Page, board.Pages, len(board.Cards)})
		all, err := b.All(t.Context(), v)
		require.NoError(t, err)
		require.Len(t, all, many)
		require.Equal(t, 1, b.board(t, other, overview.Wish{}).Total)
	})
}
