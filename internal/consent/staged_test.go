package consent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

var (
	staff = consent.Cause{By: consent.ByASPSP, Who: "hub"}
	user  = uuid.MustParse("00000000-0000-0000-0000-0000000000a1")
	owner = uuid.MustParse("00000000-0000-0000-0000-0000000000b1")
)

// staging is what a hub stages, to be changed by a test.
func staging(kind consent.Kind) consent.Staging {
	s := consent.Staging{
		Kind: kind, TPP: "A", TPPName: "The TPP", EndsAt: noon.AddDate(0, 6, 0),
		Staged: consent.Staged{Reference: "ref-1", Request: []byte(`{"type":"x"}`), Origin: []byte(`{"o":1}`), Permissions: []string{"ReadBalances"}},
	}
	if kind == consent.Payments {
		s.Staged.Payment = &consent.PaymentTerms{Schedule: consent.VariableOnDemand, Currency: "AED", Period: consent.PeriodMonth, Count: 3}
	} else {
		s.Rights = consent.RightBalances
	}
	return s
}

func stage(t *testing.T, s consent.Staging) *consent.Consent {
	t.Helper()
	c, err := consent.DefaultPolicy().Stage(uuid.New(), s, staff, noon)
	require.NoError(t, err)
	return c
}

// attached is a staged consent with a user and an account.
func attached(t *testing.T, kind consent.Kind) *consent.Consent {
	t.Helper()
	c := stage(t, staging(kind))
	require.NoError(t, c.AttachPSU(&consent.Holder{}, user, owner, noon))
	require.NoError(t, c.AttachAccounts([]consent.Grant{{AccountID: uuid.New(), Rights: c.Access.Rights}}, noon))
	return c
}

func TestStage(t *testing.T) {
	c := stage(t, staging(consent.AccountAccess))
	entries, _ := c.TakePending()
	require.Equal(t, []any{consent.Received, consent.RailManager, c.ID, true}, []any{c.Status, c.Rail, c.GroupID, c.Recurring})
	require.False(t, c.Replaces(), "one staged consent never ends another")
	require.Len(t, entries, 1)
	require.Equal(t, staff, entries[0].Cause)
	require.Equal(t, noon, c.UpdatedAt())
	require.Equal(t, consent.DateOf(noon.AddDate(0, 6, 0), time.UTC), c.ValidUntil)

	root := uuid.New()
	s := staging(consent.Payments)
	s.Group = root
	require.Equal(t, root, stage(t, s).GroupID)

	for name, test := range map[string]struct {
		ends, by time.Time
		path     string
	}{
		"ends now":                  {noon, time.Time{}, "consent.ExpirationDateTime"},
		"ended":                     {noon.Add(-time.Hour), time.Time{}, "consent.ExpirationDateTime"},
		"a year":                    {noon.AddDate(1, 0, 0), time.Time{}, ""},
		"more than a year":          {noon.AddDate(1, 0, 0).Add(time.Second), time.Time{}, "consent.ExpirationDateTime"},
		"to be authorised by now":   {noon.Add(time.Hour), noon, "consent.AuthorizationExpirationDateTime"},
		"to be authorised later on": {noon.Add(time.Hour), noon.Add(time.Minute), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := staging(consent.AccountAccess)
			s.EndsAt, s.AuthoriseBy = test.ends, test.by
			_, err := consent.DefaultPolicy().Stage(uuid.New(), s, staff, noon)
			if test.path == "" {
				require.NoError(t, err)
				return
			}
			var faults consent.Faults
			require.ErrorAs(t, err, &faults)
			require.Equal(t, []any{consent.CodeFormat, test.path}, []any{faults[0].Code, faults[0].Path})
		})
	}
}

// TestStagedDeadlines: one that nobody has agreed to is rejected, whichever of its
// times comes first, and one that somebody has expires.
func TestStagedDeadlines(t *testing.T) {
	end := noon.Add(time.Hour)
	for name, test := range map[string]struct {
		by, at time.Time
		valid  bool
		want   consent.Status
		since  time.Time
	}{
		"before the window is over":  {noon.Add(time.Minute), noon.Add(59 * time.Second), false, consent.Received, noon},
		"the window is over":         {noon.Add(time.Minute), noon.Add(time.Minute), false, consent.Rejected, noon.Add(time.Minute)},
		"no window, before the end":  {time.Time{}, end.Add(-time.Second), false, consent.Received, noon},
		"no window, at the end":      {time.Time{}, end, false, consent.Rejected, end.Add(-time.Microsecond)},
		"a window beyond the end":    {end.Add(time.Hour), end, false, consent.Rejected, end.Add(-time.Microsecond)},
		"authorised, the window":     {noon.Add(time.Minute), noon.Add(2 * time.Minute), true, consent.Valid, noon},
		"authorised, before the end": {time.Time{}, end.Add(-time.Second), true, consent.Valid, noon},
		"authorised, at the end":     {time.Time{}, end, true, consent.Expired, end},
		"authorised, long after":     {time.Time{}, end.AddDate(5, 0, 0), true, consent.Expired, end},
	} {
		t.Run(name, func(t *testing.T) {
			s := staging(consent.AccountAccess)
			s.EndsAt, s.AuthoriseBy = end, test.by
			c := stage(t, s)
			if test.valid {
				require.NoError(t, c.AttachPSU(&consent.Holder{}, user, owner, noon))
				require.NoError(t, c.AttachAccounts([]consent.Grant{{AccountID: uuid.New()}}, noon))
				require.NoError(t, c.Approve(noon))
			}
			require.Equal(t, test.want != consent.Received && test.want != consent.Valid, c.Settle(test.at))
			require.Equal(t, test.want, c.Status)
			require.Equal(t, test.since, c.StatusChangedAt)
			require.Equal(t, test.since, c.UpdatedAt(), "of the deadline, not of when somebody saw it")
		})
	}
}

func TestAttachPSU(t *testing.T) {
	other, company := uuid.New(), uuid.New()
	t.Run("the first gives the line to its holder", func(t *testing.T) {
		c, h := stage(t, staging(consent.AccountAccess)), consent.Holder{}
		require.NoError(t, c.AttachPSU(&h, user, owner, noon.Add(time.Minute)))
		require.Equal(t, []uuid.UUID{user, user, owner}, []uuid.UUID{h.PSU, c.GivenBy, c.Customer})
		require.Equal(t, noon.Add(time.Minute), c.UpdatedAt())
		require.NoError(t, c.AttachPSU(&h, user, owner, noon.Add(time.Hour)))
		require.Equal(t, noon.Add(time.Minute), c.UpdatedAt(), "the same again changes nothing")
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(c.AttachPSU(&h, other, owner, noon)))
		require.NoError(t, c.Reject(consent.ByPSU, noon))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.AttachPSU(&h, other, owner, noon)))
		require.NoError(t, c.AttachPSU(&h, user, owner, noon))
	})
	t.Run("the line is another's", func(t *testing.T) {
		c, h := stage(t, staging(consent.AccountAccess)), consent.Holder{PSU: other}
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(c.AttachPSU(&h, user, owner, noon)))
		require.Equal(t, []uuid.UUID{other, {}}, []uuid.UUID{h.PSU, c.GivenBy})
	})
	t.Run("for a company after all", func(t *testing.T) {
		c, h := stage(t, staging(consent.AccountAccess)), consent.Holder{}
		require.NoError(t, c.AttachPSU(&h, user, owner, noon))
		require.NoError(t, c.AttachPSU(&h, user, company, noon), "no account is attached yet")
		require.Equal(t, company, c.Customer)
		require.NoError(t, c.AttachAccounts([]consent.Grant{{AccountID: uuid.New()}}, noon))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.AttachPSU(&h, user, owner, noon)))
	})
}

func TestAttachAccounts(t *testing.T) {
	c := attached(t, consent.AccountAccess)
	grants := c.Access.Grants
	require.NoError(t, c.AttachAccounts([]consent.Grant{grants[0]}, noon))
	other := []consent.Grant{{AccountID: uuid.New()}}
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.AttachAccounts(other, noon)))
	require.NoError(t, c.Approve(noon))
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.AttachAccounts(other, noon)))
	require.NoError(t, c.AttachAccounts(grants, noon.Add(time.Hour)))
	require.Equal(t, noon, c.UpdatedAt())
}

func TestApprovals(t *testing.T) {
	states := func(all ...consent.ApprovalState) []consent.Approval {
		var list []consent.Approval
		for i, s := range all {
			list = append(list, consent.Approval{ID: string(rune('a' + i)), State: s})
		}
		return list
	}
	pending, given, rejected := consent.ApprovalPending, consent.ApprovalGiven, consent.ApprovalRejected
	for name, test := range map[string]struct {
		approvals []consent.Approval
		then      consent.Status
		approve   consent.Code // what Approve answers then; empty: it is valid
	}{
		"nobody yet":   {states(pending, pending), consent.Received, consent.CodeServiceInvalid},
		"one of two":   {states(given, pending), consent.PartiallyAuthorised, consent.CodeServiceInvalid},
		"both":         {states(given, given), consent.PartiallyAuthorised, ""},
		"one rejects":  {states(given, rejected), consent.Rejected, consent.CodeStatusInvalid},
		"two of three": {states(given, given, pending), consent.PartiallyAuthorised, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := attached(t, consent.Payments)
			require.NoError(t, c.AttachApprovals(2, test.approvals, noon))
			require.NoError(t, c.AttachApprovals(2, test.approvals, noon), "the same again")
			require.Equal(t, test.then, c.Status)
			err := c.Approve(noon)
			if test.approve != "" {
				require.Equal(t, test.approve, consent.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.AttachApprovals(0, []consent.Approval{{ID: "another", State: given}}, noon)))
		})
	}
}

// What was said of those who must agree is never weakened.
func TestApprovalsStand(t *testing.T) {
	given := func(ids ...string) (all []consent.Approval) {
		for _, id := range ids {
			all = append(all, consent.Approval{ID: id, State: consent.ApprovalGiven})
		}
		return all
	}
	pending := func(id string) consent.Approval { return consent.Approval{ID: id, State: consent.ApprovalPending} }
	for name, test := range map[string]struct {
		required  int
		approvals []consent.Approval
		code      consent.Code
		path      string
	}{
		"one who stands there twice":   {2, given("a", "a"), consent.CodeFormat, ".Authorizations"},
		"one without an id":            {2, given("a", ""), consent.CodeFormat, ".Authorizations"},
		"fewer than none":              {-1, given("a", "b"), consent.CodeStatusInvalid, ".TotalRequired"},
		"fewer":                        {1, given("a", "b"), consent.CodeStatusInvalid, ".TotalRequired"},
		"one that is pending again":    {2, append(given("b"), pending("a")), consent.CodeStatusInvalid, ".Authorizations"},
		"one that is turned down then": {2, append(given("b"), consent.Approval{ID: "a", State: consent.ApprovalRejected}), consent.CodeStatusInvalid, ".Authorizations"},
		"another second":               {2, given("a", "c"), "", ""},
		"the second alone":             {2, given("b"), "", ""},
		"without their number":         {0, given("b"), "", ""},
		"one who is not known yet":     {0, append(given("b"), pending("")), "", ""},
		"one more":                     {3, given("a", "b", "c"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := attached(t, consent.Payments)
			before := append(given("a"), pending("b"))
			require.NoError(t, c.AttachApprovals(2, before, noon))
			err := c.AttachApprovals(test.required, test.approvals, noon.Add(time.Hour))
			if test.code == "" {
				require.NoError(t, err)
				require.NoError(t, c.Approve(noon))
				return
			}
			e, ok := errors.AsType[*consent.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, []any{test.code, "consentBody.Meta.MultipleAuthorizers" + test.path}, []any{e.Code, e.Path})
			require.Equal(t, []any{2, before, noon}, []any{c.Staged.Required, c.Staged.Approvals, c.UpdatedAt()})
			require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(c.Approve(noon)))
		})
	}
}

// What does not say anything of those who must agree changes nothing, and more may be
// asked for than are known.
func TestApprovalsAreMerged(t *testing.T) {
	c := attached(t, consent.Payments)
	require.NoError(t, c.AttachApprovals(2, nil, noon))
	require.NoError(t, c.AttachApprovals(0, []consent.Approval{{ID: "a", State: consent.ApprovalGiven}}, noon))
	require.NoError(t, c.AttachApprovals(0, nil, noon))
	require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(c.Approve(noon)), "one of two")
	require.NoError(t, c.AttachApprovals(0, []consent.Approval{{ID: "b", State: consent.ApprovalRejected}}, noon))
	require.Equal(t, consent.Rejected, c.Status)
	require.Len(t, c.Staged.Approvals, 2)
}

// What changes of a consent beside its state is written down once a call: which members,
// not what they say.
func TestAmendedIsWrittenDown(t *testing.T) {
	c := stage(t, staging(consent.Payments))
	c.TakePending()
	c.Because(staff)
	require.NoError(t, c.AttachPSU(&consent.Holder{}, user, owner, noon))
	require.NoError(t, c.AttachAccounts([]consent.Grant{{AccountID: uuid.New()}}, noon))
	require.NoError(t, c.AttachAccounts(c.Access.Grants, noon), "the same again")
	require.NoError(t, c.Amend([]byte("secret"), []byte("token"), "App", noon))
	require.NoError(t, c.AttachApprovals(1, []consent.Approval{{ID: "a", State: consent.ApprovalGiven}}, noon))
	require.NoError(t, c.Amend([]byte("secret"), []byte("other"), "App", noon))
	require.NoError(t, c.Approve(noon))
	entries, _ := c.TakePending()
	var got []string
	for _, e := range entries {
		got = append(got, e.From+">"+e.To+" "+e.Reason+": "+e.Operation)
		require.Equal(t, staff, e.Cause)
		require.Equal(t, e.From == e.To, e.Aside())
	}
	require.Equal(t, []string{
		"received>received amended: psuIdentifiers accountIds authorizationChannel ConnectToken supplementary MultipleAuthorizers",
		"received>partiallyAuthorised : ", "partiallyAuthorised>partiallyAuthorised amended: ConnectToken", "partiallyAuthorised>valid : ",
	}, got)
}

func TestApproveTakesUserAndAccounts(t *testing.T) {
	c := stage(t, staging(consent.AccountAccess))
	require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(c.Approve(noon)))
	require.NoError(t, c.AttachPSU(&consent.Holder{}, user, owner, noon))
	require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(c.Approve(noon)))
	require.NoError(t, c.AttachAccounts([]consent.Grant{{AccountID: uuid.New()}}, noon))
	require.NoError(t, c.Approve(noon))
	require.Equal(t, noon, c.LastSCA)

	elsewhere := made(t)
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(elsewhere.Approve(noon)))
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(elsewhere.Reject(consent.ByPSU, noon)))
}

func TestAmend(t *testing.T) {
	c, later := attached(t, consent.Payments), noon.Add(time.Hour)
	require.NoError(t, c.Amend([]byte("extra"), []byte("token"), "App", later))
	require.Equal(t, later, c.UpdatedAt())
	require.NoError(t, c.Amend([]byte("extra"), []byte("token"), "App", later.Add(time.Hour)))
	require.Equal(t, later, c.UpdatedAt())
	require.NoError(t, c.Terminate(noon), "the clock went back")
	require.Equal(t, later, c.UpdatedAt(), "what was said stays said")
	require.NoError(t, c.Amend([]byte("extra"), []byte("token"), "App", later.Add(time.Hour)))
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.Amend([]byte("more"), []byte("token"), "App", later)))
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.Amend([]byte("extra"), nil, "App", later)))
	require.Equal(t, later, c.UpdatedAt())
}
