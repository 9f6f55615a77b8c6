package office_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/office"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// real is an office over a database.
type real struct {
	*office.Office

	t  *testing.T
	db *storage.DB
}

// each runs a test on every engine there is.
func each(t *testing.T, test func(t *testing.T, r real)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			now := func() time.Time { return noon }
			db, _ := dbtest.Open(t, engine, now)
			test(t, real{&office.Office{
				Store: db, Signers: bank{}, Owners: bank{}, Now: now, Log: slog.New(slog.DiscardHandler),
			}, t, db})
		})
	}
}

// stage writes a consent that waits.
func (r real) stage(tpp string) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	c, err := consent.Policy{MaxFrequencyPerDay: 4, Zone: time.UTC}.Stage(id, consent.Staging{
		Kind: consent.AccountAccess, TPP: tpp, Rights: consent.RightAccounts, EndsAt: noon.AddDate(0, 1, 0),
		Staged: consent.Staged{Reference: id.String(), Request: []byte("{}"), Origin: []byte("{}")},
	}, consent.Cause{By: consent.ByTPP, Who: tpp}, noon)
	require.NoError(r.t, err)
	require.NoError(r.t, r.db.Stage(r.t.Context(), c))
	return id
}

// give makes a consent LEA's, valid, on her account.
func (r real) give(id uuid.UUID) (psu uuid.UUID) {
	ctx := r.t.Context()
	psu, err := r.db.PSU(ctx, "psu-lea")
	require.NoError(r.t, err)
	customer, err := r.db.Customer(ctx, "customer-lea")
	require.NoError(r.t, err)
	accounts, err := r.db.Accounts(ctx, customer, []service.Account{{ID: "r1", Reference: consent.Reference{IBAN: "DE40100100103307118608"}}})
	require.NoError(r.t, err)
	_, err = r.db.Amend(ctx, id, func(c *consent.Consent, h *consent.Holder, _ []consent.Payment) error {
		c.Because(consent.Cause{By: consent.ByASPSP, Who: "token/hub"})
		if err := c.AttachPSU(h, psu, customer, noon); err != nil {
			return err
		}
		if err := c.AttachAccounts([]consent.Grant{{AccountID: accounts[0], Rights: consent.RightAccounts}}, noon); err != nil {
			return err
		}
		return c.Approve(noon)
	})
	require.NoError(r.t, err)
	return psu
}

func TestBulkInADatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r real) {
		t.Helper()
		var ids []uuid.UUID
		for range 230 {
			ids = append(ids, r.stage("acme"))
		}
		other := r.stage("demo")
		psu := r.give(ids[7])

		out, err := r.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Suspend, Account: "r1", Reason: consent.ReasonFraud, Note: "case 17"})
		require.NoError(t, err)
		require.Equal(t, 1, out.Count)
		found, err := r.Search(t.Context(), by("staff/mia"), office.Query{PSU: "psu-lea", Statuses: []consent.Status{consent.Suspended}, Size: 25})
		require.NoError(t, err)
		require.Equal(t, 1, found.Total)
		require.Equal(t, psu, found.User)
		require.Equal(t, ids[7], found.Consents[0].ID)
		require.Equal(t, "psu-lea", found.Consents[0].BankIDs[psu])
		found, err = r.Search(t.Context(), by("staff/mia"), office.Query{User: psu, Account: "r1", TPP: "acme", From: noon.AddDate(0, -1, 0), Size: 25})
		require.NoError(t, err)
		require.Equal(t, "psu-lea", found.PSU)
		user, err := r.User(t.Context(), by("staff/mia"), "psu-lea")
		require.NoError(t, err)
		require.Equal(t, psu, user)

		out, err = r.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, TPP: "acme", Reason: consent.ReasonTPPTrouble})
		require.NoError(t, err)
		require.Equal(t, len(ids), out.Count)
		d, err := r.Get(t.Context(), by("staff/ada"), ids[7])
		require.NoError(t, err)
		require.Equal(t, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonTPPTrouble}, d.Ending)
		last := d.Entries[len(d.Entries)-1]
		require.Equal(t, "staff/sam", last.Who)
		require.Equal(t, "call-1", last.RequestID)
		require.Equal(t, "case 17", d.Entries[len(d.Entries)-2].Operation)
		d, err = r.Get(t.Context(), by("staff/ada"), other)
		require.NoError(t, err)
		require.Equal(t, consent.Received, d.Status)
	})
}

func TestOneOfManyConfirmsInADatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r real) {
		t.Helper()
		r.FourEyes = true
		var ids []uuid.UUID
		for range 20 {
			ids = append(ids, r.stage("acme"))
		}
		out, err := r.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, TPP: "acme"})
		require.NoError(t, err)
		open, err := r.Open(t.Context())
		require.NoError(t, err)
		require.Len(t, open, 1)
		require.Equal(t, office.Act{Verb: office.Revoke, TPP: "acme", Reason: consent.ReasonBank}, open[0].Act)

		var wait sync.WaitGroup
		results := make([]error, 6)
		for i := range results {
			wait.Go(func() {
				_, results[i] = r.Decide(t.Context(), by(fmt.Sprintf("staff/kim%d", i)), out.Proposal, office.Confirmed)
			})
		}
		wait.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
				continue
			}
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
		}
		require.Equal(t, 1, won)
		p, err := r.db.Proposal(t.Context(), out.Proposal)
		require.NoError(t, err)
		require.Equal(t, office.Confirmed, p.State)
		require.Equal(t, len(ids), p.Done)
		d, err := r.Get(t.Context(), by("staff/ada"), ids[0])
		require.NoError(t, err)
		require.Equal(t, consent.Revoked, d.Status)
		require.Contains(t, d.Entries[len(d.Entries)-1].Operation, "confirmed by "+p.DecidedBy)
	})
}

// The program ends between the decision and its end.
func TestFinishInADatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r real) {
		t.Helper()
		r.FourEyes = true
		id := r.stage("acme")
		out, err := r.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, Consents: []uuid.UUID{id}})
		require.NoError(t, err)
		_, err = r.db.Decide(t.Context(), out.Proposal, func(p *office.Proposal) error {
			p.DecidedBy, p.DecidedAt = "staff/kim", noon.Add(-time.Hour)
			return nil
		})
		require.NoError(t, err)
		open, err := r.Open(t.Context())
		require.NoError(t, err)
		require.Empty(t, open)
		n, err := r.Finish(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		c, err := r.db.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, consent.Revoked, c.Status)
		n, err = r.Finish(t.Context(), 10)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// The last payment is settled while its consent is paused: resumed, it is used up.
func TestResumeAfterTheLastPaymentInADatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r real) {
		t.Helper()
		ctx, id, amount := t.Context(), uuid.Must(uuid.NewV7()), consent.Money{Minor: 1000, Currency: "AED"}
		c, err := consent.DefaultPolicy().Stage(id, consent.Staging{
			Kind: consent.Payments, TPP: "acme", EndsAt: noon.AddDate(0, 1, 0),
			Staged: consent.Staged{
				Reference: id.String(), Request: []byte("{}"), Origin: []byte("{}"),
				Payment: &consent.PaymentTerms{Schedule: consent.VariableOnDemand, Currency: "AED", MaxTotal: amount},
			},
		}, consent.Cause{By: consent.ByTPP, Who: "acme"}, noon)
		require.NoError(t, err)
		require.NoError(t, r.db.Stage(ctx, c))
		r.give(id)
		paid := consent.Payment{ID: uuid.Must(uuid.NewV7()), Key: "k", Amount: amount, Request: []byte("{}")}
		require.NoError(t, r.db.Pay(ctx, id, func(c *consent.Consent, log []consent.Payment) (*consent.Payment, error) {
			p := paid
			return &p, c.Pay(&p, log, time.UTC, noon)
		}))
		_, err = r.Do(ctx, by("staff/sam"), office.Act{Verb: office.Suspend, Consents: []uuid.UUID{id}, Reason: consent.ReasonFraud})
		require.NoError(t, err)
		require.NoError(t, r.db.FollowPayment(ctx, paid.ID, func(c *consent.Consent, p *consent.Payment, log []consent.Payment) error {
			return c.FollowPayment(p, consent.PaymentCredited, log, time.UTC, noon)
		}))
		_, err = r.Do(ctx, by("staff/sam"), office.Act{Verb: office.Resume, Consents: []uuid.UUID{id}})
		require.NoError(t, err)
		d, err := r.Get(ctx, by("staff/ada"), id)
		require.NoError(t, err)
		require.Equal(t, consent.Consumed, d.Status)
		require.Equal(t, consent.Ending{By: consent.BySystem, Reason: consent.ReasonUsedUp}, d.Ending)
		last := d.Entries[len(d.Entries)-2:]
		require.Equal(t, []string{"valid", "consumed"}, []string{last[0].To, last[1].To})
	})
}
