package staging_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
)

func TestAuthorise(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.stage()
		require.Error(t, b.decide(r), "nobody has agreed")
		r = b.patch(r, b.give("lea", "lea-2", "lea-1"))
		require.Equal(t, []any{consent.Valid, b.user("lea"), "App"}, []any{r.Status, r.User, r.Staged.Channel})
		require.ElementsMatch(t, []string{"lea-2", "lea-1"}, r.Accounts)
		for _, g := range r.Access.Grants {
			require.Equal(t, consent.RightBalances, g.Rights)
			require.Contains(t, []string{"AE01lea", "AE02lea"}, g.Reference.IBAN)
		}
		require.NoError(t, b.decide(r))

		b.advance(time.Hour)
		at := r.UpdatedAt()
		r = b.patch(r, b.give("lea", "lea-1", "lea-2"))
		require.Equal(t, at, r.UpdatedAt(), "the same again")
		require.Equal(t, consent.CodeStatusInvalid, b.refused(r, b.give("lea", "lea-1")))
		require.Equal(t, consent.CodeForbidden, b.refused(r, staging.Change{User: b.user("omar")}))
		r = b.patch(r, staging.Change{Status: consent.Suspended, Channel: "Web"})
		require.Equal(t, "App", r.Staged.Channel, "by which the customer has decided")

		// One step at a time.
		r = b.stage(toPay)
		r = b.patch(r, staging.Change{User: b.user("omar")})
		require.Equal(t, []any{consent.Received, b.user("omar")}, []any{r.Status, r.User})
		require.Equal(t, consent.CodeServiceInvalid, b.refused(r, staging.Change{Status: consent.Valid}))
		r = b.patch(r, staging.Change{Accounts: []string{"acme-2"}})
		r = b.patch(r, staging.Change{Status: consent.Valid})
		require.Equal(t, []any{consent.Valid, []string{"acme-2"}}, []any{r.Status, r.Accounts})
		require.Zero(t, r.Access.Grants[0].Rights, "payments share no data")
		require.Equal(t, still(r), still(b.patch(r, staging.Change{User: b.user("omar")})), "who acts for the company already")
	})
}

func TestPatchRefuses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		data, pays := b.stage(), b.stage(toPay)
		customer, err := b.db.Customer(t.Context(), "lea")
		require.NoError(t, err)
		b.patch(b.stage(), b.give("lea", "lea-1"))
		require.Empty(t, b.list(staging.Viewer{User: customer}, staging.Filter{}), "the bank has one id for both")
		lea, former := b.user("lea"), b.user("former")
		boom := errors.New("boom")
		for name, test := range map[string]struct {
			r    *staging.Record
			p    staging.Change
			want consent.Code
		}{
			"an unknown user":           {data, staging.Change{User: uuid.NewString()}, consent.CodeForbidden},
			"no id of a user":           {data, staging.Change{User: "lea"}, consent.CodeForbidden},
			"the id of a customer":      {data, staging.Change{User: customer.String()}, consent.CodeForbidden},
			"one who acts for nobody":   {data, staging.Change{User: former}, consent.CodeForbidden},
			"another's account":         {data, staging.Change{User: lea, Accounts: []string{"omar-1"}}, consent.CodeForbidden},
			"and another's besides":     {data, staging.Change{User: lea, Accounts: []string{"lea-1", "omar-1"}}, consent.CodeForbidden},
			"of two customers":          {data, staging.Change{User: b.user("omar"), Accounts: []string{"omar-1", "acme-1"}}, consent.CodeForbidden},
			"accounts of nobody":        {data, staging.Change{Accounts: []string{"lea-1"}}, consent.CodeServiceInvalid},
			"no accounts":               {data, staging.Change{User: lea, Accounts: []string{}}, consent.CodeFormat},
			"an account twice":          {data, staging.Change{User: lea, Accounts: []string{"lea-1", "lea-1"}}, consent.CodeFormat},
			"two accounts for payments": {pays, staging.Change{User: lea, Accounts: []string{"lea-1", "lea-2"}}, consent.CodeServiceInvalid},
			"no reason of the bank's":   {data, staging.Change{Status: consent.Revoked, Reason: consent.ReasonDate}, consent.CodeFormat},
			"the bank's, for a TPP":     {data, staging.Change{Status: consent.Revoked, By: staging.RevokedByTPP, Reason: consent.ReasonFraud}, consent.CodeServiceInvalid},
			"nobody who revokes":        {data, staging.Change{Status: consent.Revoked, By: "ASPSP"}, consent.CodeFormat},
			"by whom, and no end":       {data, staging.Change{Status: consent.Suspended, By: staging.RevokedByLFI}, consent.CodeServiceInvalid},
			"back to the beginning":     {data, staging.Change{Status: consent.PartiallyAuthorised}, consent.CodeStatusInvalid},
			"before its end":            {data, staging.Change{Status: consent.Expired}, consent.CodeStatusInvalid},
			"data consumed":             {data, staging.Change{Status: consent.Consumed}, consent.CodeStatusInvalid},
			"what does not merge": {
				data, staging.Change{Extra: func([]byte) ([]byte, error) { return nil, boom }}, consent.CodeInternal,
			},
		} {
			t.Run(name, func(t *testing.T) {
				require.Equal(t, test.want, b.refused(test.r, test.p))
				require.Equal(t, test.r, b.get(test.r), "nothing has changed")
			})
		}
		_, err = b.Patch(t.Context(), hub(), staging.Viewer{}, "nothing", staging.Change{})
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		b.bank.down.Store(true)
		require.Equal(t, consent.CodeUnavailable, b.refused(data, staging.Change{User: lea}))
	})
}

// TestPatchStates holds each status that may be patched against each in which a
// consent may be.
func TestPatchStates(t *testing.T) {
	const ok, no = consent.Code(""), consent.CodeStatusInvalid
	order := []consent.Status{consent.Valid, consent.Suspended, consent.Rejected, consent.Revoked, consent.Expired, consent.Consumed}
	table := map[consent.Status][]consent.Code{ //  valid, suspended, rejected, revoked, expired, consumed
		consent.Received:  {ok, no, ok, ok, no, no},
		consent.Valid:     {ok, ok, no, ok, no, no},
		consent.Suspended: {ok, ok, no, ok, no, no},
		consent.Rejected:  {no, no, ok, no, no, no},
		consent.Revoked:   {no, no, no, ok, no, no},
		consent.Expired:   {no, no, no, no, ok, no},
		consent.Consumed:  {no, no, no, no, no, ok},
	}
	each(t, func(t *testing.T, b *bundle) {
		for from, row := range table {
			for i, to := range order {
				b.now.Store(0)
				r := b.in(from)
				before := b.get(r)
				b.advance(time.Second)
				if row[i] != ok {
					require.Equal(t, row[i], b.refused(r, staging.Change{Status: to}), "%s %s", from, to)
					require.Equal(t, still(before), still(b.get(r)))
					continue
				}
				after := b.patch(r, staging.Change{Status: to})
				require.Equal(t, to, after.Status, "from %s", from)
				if from == to {
					require.Equal(t, still(before), still(after), "the same again changes nothing")
				}
			}
		}
	})
}

// in is a consent to payments in a state, with its user.
func (b *bundle) in(status consent.Status) *staging.Record {
	b.t.Helper()
	r := b.stage(toPay)
	if status == consent.Received || status == consent.Rejected {
		return b.patch(r, staging.Change{User: b.user("lea"), Accounts: []string{"lea-1"}, Status: map[consent.Status]consent.Status{
			consent.Rejected: consent.Rejected,
		}[status]})
	}
	r = b.patch(r, b.give("lea", "lea-1"))
	switch status {
	case consent.Suspended, consent.Revoked:
		return b.patch(r, staging.Change{Status: status})
	case consent.Expired:
		b.advance(r.EndsAt.Sub(b.time()))
	case consent.Consumed:
		for _, key := range []string{"one", "two"} {
			p, _, err := b.pays.Record(b.t.Context(), hub(), consent.Payment{Consent: r.ID, Key: key, Amount: consent.Money{Minor: 1, Currency: "AED"}})
			require.NoError(b.t, err)
			_, err = b.pays.Follow(b.t.Context(), hub(), p.ID, report(consent.PaymentCredited))
			require.NoError(b.t, err)
		}
	default:
	}
	r = b.get(r)
	require.Equal(b.t, status, r.Status)
	return r
}

func TestSuspend(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.patch(b.stage(), b.give("lea", "lea-1"))
		require.NoError(t, b.decide(r))
		r = b.patch(r, staging.Change{Status: consent.Suspended, Reason: consent.ReasonIdentity})
		require.Equal(t, consent.ReasonIdentity, r.Suspension.Reason)
		require.Equal(t, consent.CodeBlocked, consent.CodeOf(b.decide(r)))
		require.Equal(t, still(r), still(b.patch(r, staging.Change{Status: consent.Suspended, Reason: consent.ReasonIdentity})))
		require.Equal(t, consent.CodeStatusInvalid, b.refused(r, staging.Change{Status: consent.Suspended, Reason: consent.ReasonFraud}), "for another reason")
		r = b.patch(r, staging.Change{Status: consent.Valid})
		require.NoError(t, b.decide(r))
		r = b.patch(r, staging.Change{Status: consent.Suspended})
		require.Equal(t, consent.ReasonBank, r.Suspension.Reason)
		b.advance(r.EndsAt.Sub(b.time()))
		require.Equal(t, consent.Expired, b.get(r).Status, "expiry still fires")
	})
}

// TestResumeUsedUp: the last payment goes through while the bank has the consent paused,
// and the consent does not come back.
func TestResumeUsedUp(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.patch(b.stage(toPay), b.give("lea", "lea-1"))
		var paid []*consent.Payment
		for _, key := range []string{"one", "two"} {
			p, _, err := b.pays.Record(t.Context(), hub(), consent.Payment{Consent: r.ID, Key: key, Amount: consent.Money{Minor: 1, Currency: "AED"}, Origin: []byte("{}")})
			require.NoError(t, err)
			paid = append(paid, p)
		}
		b.patch(r, staging.Change{Status: consent.Suspended})
		for _, p := range paid {
			_, err := b.pays.Follow(t.Context(), hub(), p.ID, report(consent.PaymentCredited))
			require.NoError(t, err)
		}
		require.Equal(t, consent.Suspended, b.get(r).Status)
		got := b.patch(r, staging.Change{Status: consent.Valid})
		require.Equal(t, []any{consent.Consumed, consent.Ending{By: consent.BySystem, Reason: consent.ReasonUsedUp}}, []any{got.Status, got.Ending})
		require.Len(t, got.Payments, 2)
		require.Empty(t, got.Payments[0].Origin, "in brief")
	})
}

// TestElsewhere: what no hub has staged takes a status, and that not to authorise.
func TestElsewhere(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		valid := &staging.Record{Consent: b.elsewhere("lea", "lea")}
		fresh := &staging.Record{Consent: b.elsewhere("", "")}
		for name, p := range map[string]staging.Change{
			"a user": {User: b.user("lea")}, "accounts": {Accounts: []string{"lea-1"}}, "approvals": {Required: 1, Approvals: []consent.Approval{}},
			"extras": {Extra: func(old []byte) ([]byte, error) { return old, nil }}, "a token": {Token: []byte("sealed")},
			"rejected": {Status: consent.Rejected}, "consumed": {Status: consent.Consumed}, "expired": {Status: consent.Expired},
		} {
			require.Equal(t, consent.CodeStatusInvalid, b.refused(valid, p), name)
		}
		require.Equal(t, consent.CodeStatusInvalid, b.refused(fresh, staging.Change{Status: consent.Valid}), "its PSU authorises it")

		require.Equal(t, consent.Suspended, b.patch(valid, staging.Change{Status: consent.Suspended, Channel: "Web"}).Status)
		require.Equal(t, consent.Valid, b.patch(valid, staging.Change{Status: consent.Valid, Channel: "Web"}).Status)
		r := b.patch(valid, staging.Change{Status: consent.Revoked})
		require.Equal(t, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonBank}, r.Ending)

		old := &staging.Record{Consent: b.elsewhere("lea", "lea")}
		b.advance(31 * 24 * time.Hour)
		require.Equal(t, consent.Expired, b.patch(old, staging.Change{Status: consent.Expired}).Status)
	})
}

func TestApprovals(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		both := func(second consent.ApprovalState) []consent.Approval {
			return []consent.Approval{
				{ID: "omar", Type: "Signatory", State: consent.ApprovalGiven, At: begin}, {ID: "anna", Type: "Signatory", State: second},
			}
		}
		r := b.patch(b.stage(toPay), staging.Change{
			User: b.user("omar"), Accounts: []string{"acme-1"}, Required: 2, Approvals: both(consent.ApprovalPending),
		})
		require.Equal(t, consent.PartiallyAuthorised, r.Status)
		require.Equal(t, both(consent.ApprovalPending), r.Staged.Approvals)
		require.Equal(t, consent.CodeServiceInvalid, b.refused(r, staging.Change{Status: consent.Valid}))
		done := b.patch(r, staging.Change{Required: 2, Approvals: both(consent.ApprovalGiven), Status: consent.Valid})
		require.Equal(t, consent.Valid, done.Status)

		r = b.patch(b.stage(toPay), staging.Change{User: b.user("omar"), Required: 2, Approvals: both(consent.ApprovalRejected)})
		require.Equal(t, consent.Rejected, r.Status)
		require.Equal(t, b.user("omar"), r.User, "who sees that it was rejected")
	})
}

func TestReject(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.patch(b.stage(), staging.Change{Status: consent.Rejected, User: b.user("lea"), Channel: "Web"})
		require.Equal(t, []any{consent.Rejected, b.user("lea"), consent.ByPSU}, []any{r.Status, r.User, r.Ending.By})
		r = b.patch(b.stage(), staging.Change{Status: consent.Rejected})
		require.Equal(t, []any{consent.Rejected, "", consent.ByASPSP}, []any{r.Status, r.User, r.Ending.By})
		require.Equal(t, consent.CodeStatusInvalid, b.refused(r, staging.Change{Status: consent.Rejected, User: b.user("lea")}), "it has ended")
	})
}

func TestExtra(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		add := func(more string) func([]byte) ([]byte, error) {
			return func(old []byte) ([]byte, error) { return append(append([]byte{}, old...), more...), nil }
		}
		r := b.patch(b.stage(), staging.Change{Extra: add("1"), Token: []byte("sealed")})
		b.advance(time.Minute)
		r = b.patch(r, staging.Change{Extra: add("2"), Channel: "App"})
		require.Equal(t, []any{"12", "sealed", "App"}, []any{string(r.Staged.Extra), string(r.Staged.Token), r.Staged.Channel})
		require.Equal(t, b.time(), r.UpdatedAt())
		require.NotEqual(t, r.UpdatedAt(), r.StatusChangedAt)
		r = b.patch(r, staging.Change{Status: consent.Revoked})
		require.Equal(t, consent.CodeStatusInvalid, b.refused(r, staging.Change{Extra: add("3")}))
		require.Equal(t, still(r), still(b.patch(r, staging.Change{Extra: add("")})))
	})
}

// TestUse: what a consent was used for changes neither it nor its audit.
func TestUse(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		later := begin.Add(time.Hour)
		data, pays := b.patch(b.stage(), b.give("lea", "lea-1")), b.patch(b.stage(toPay), b.give("lea", "lea-1"))
		b.advance(3 * time.Hour)
		_, before, err := b.Audit(t.Context(), staging.Viewer{}, data.ID.String())
		require.NoError(t, err)
		use := staging.Change{Used: later, Tried: later.Add(time.Minute)}
		got := b.patch(data, use)
		require.Equal(t, []time.Time{later, {}, data.UpdatedAt()}, []time.Time{got.LastShared, got.LastTried, got.UpdatedAt()})
		require.Equal(t, later, b.patch(data, staging.Change{Used: begin}).LastShared, "an earlier one is not the last")
		require.Equal(t, b.time(), b.patch(data, staging.Change{Used: b.time().AddDate(1, 0, 0)}).LastShared, "none is in the future")
		_, after, err := b.Audit(t.Context(), staging.Viewer{}, data.ID.String())
		require.NoError(t, err)
		require.Equal(t, before, after)

		got = b.patch(pays, use)
		require.Equal(t, []time.Time{{}, later.Add(time.Minute), pays.UpdatedAt()}, []time.Time{got.LastShared, got.LastTried, got.UpdatedAt()})
		_, _, err = b.pays.Record(t.Context(), hub(), consent.Payment{Consent: pays.ID, Key: "k", Amount: consent.Money{Minor: 1, Currency: "AED"}})
		require.NoError(t, err)
		got = b.get(pays)
		require.Equal(t, b.time(), got.LastTried, "the newest payment")
		require.Len(t, got.Payments, 1)
		require.Equal(t, pays.UpdatedAt(), got.UpdatedAt())

		ended := b.patch(data, staging.Change{Status: consent.Revoked})
		require.Equal(t, ended.UpdatedAt(), b.patch(ended, use).UpdatedAt())
	})
}
