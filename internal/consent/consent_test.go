package consent_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func draft(edit ...func(*consent.Draft)) consent.Draft {
	d := consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", Recurring: true, FrequencyPerDay: 4,
		ValidUntil: consent.DateOf(noon, time.UTC).AddDays(30), RedirectURI: "https://tpp.example/ok",
		Access: consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightBalances},
	}
	for _, e := range edit {
		e(&d)
	}
	return d
}

func made(t *testing.T) *consent.Consent {
	t.Helper()
	c, err := consent.DefaultPolicy().New(uuid.New(), draft(), consent.Cause{}, noon)
	require.NoError(t, err)
	return c
}

// started adds an authorisation and returns its id.
func started(t *testing.T, c *consent.Consent) uuid.UUID {
	t.Helper()
	id := uuid.New()
	require.NoError(t, c.Start(consent.Authorisation{
		ID: id, Status: consent.ScaReceived, Approach: consent.Redirect, CreatedAt: noon, ChangedAt: noon,
		Deadline: noon.Add(10 * time.Minute),
	}))
	return id
}

// authorised takes a consent to valid.
func authorised(t *testing.T, c *consent.Consent, psu, customer uuid.UUID) {
	t.Helper()
	a := started(t, c)
	require.NoError(t, c.Identify(a, psu, customer, noon))
	require.NoError(t, c.Authorise(a, consent.Agreement{Customer: customer, Signers: []uuid.UUID{psu}}, noon))
	require.Equal(t, consent.Valid, c.Status)
}

func TestPolicy(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	today := consent.Date{Year: 2026, Month: time.March, Day: 1}
	for name, x := range map[string]struct {
		now    time.Time
		zone   *time.Location
		edit   func(*consent.Draft)
		faults []string
		until  string
		freq   int
		ends   string
	}{
		"kept as given":       {edit: func(d *consent.Draft) { d.ValidUntil = today.AddDays(89) }, until: "2026-05-29", freq: 4, ends: "2026-05-30T00:00:00Z"},
		"ninety days is kept": {edit: func(d *consent.Draft) { d.ValidUntil = today.AddDays(90) }, until: "2026-05-30", freq: 4, ends: "2026-05-31T00:00:00Z"},
		"beyond is lowered":   {edit: func(d *consent.Draft) { d.ValidUntil = today.AddDays(91) }, until: "2026-05-30", freq: 4, ends: "2026-05-31T00:00:00Z"},
		"the maximum wish": {
			edit:  func(d *consent.Draft) { d.ValidUntil = consent.Date{Year: 9999, Month: 12, Day: 31} },
			until: "2026-05-30", freq: 4, ends: "2026-05-31T00:00:00Z",
		},
		"today is allowed": {edit: func(d *consent.Draft) { d.ValidUntil = today }, until: "2026-03-01", freq: 4, ends: "2026-03-02T00:00:00Z"},
		"yesterday is not": {edit: func(d *consent.Draft) { d.ValidUntil = today.AddDays(-1) }, faults: []string{"validUntil"}},
		"the bank's day, not UTC's": {
			now: time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC), zone: paris,
			edit: func(d *consent.Draft) { d.ValidUntil = today }, faults: []string{"validUntil"},
		},
		"a day of the bank's zone ends there": {
			zone: paris, edit: func(d *consent.Draft) { d.ValidUntil = consent.Date{Year: 2026, Month: 3, Day: 29} },
			until: "2026-03-29", freq: 4, ends: "2026-03-29T22:00:00Z", // summer time has begun that day
		},
		"frequency is lowered":       {edit: func(d *consent.Draft) { d.FrequencyPerDay = 10 }, until: "2026-03-31", freq: 4, ends: "2026-04-01T00:00:00Z"},
		"frequency below one":        {edit: func(d *consent.Draft) { d.FrequencyPerDay = 0 }, faults: []string{"frequencyPerDay"}},
		"one-off more than once":     {edit: func(d *consent.Draft) { d.Recurring = false }, faults: []string{"frequencyPerDay"}},
		"all faults are found":       {edit: func(d *consent.Draft) { d.FrequencyPerDay, d.ValidUntil = -1, consent.Date{} }, faults: []string{"validUntil", "frequencyPerDay"}},
		"one-off once":               {edit: func(d *consent.Draft) { d.Recurring, d.FrequencyPerDay = false, 1 }, until: "2026-03-31", freq: 1, ends: "2026-04-01T00:00:00Z"},
		"a leap day counts as a day": {now: time.Date(2028, 2, 1, 0, 0, 0, 0, time.UTC), edit: func(d *consent.Draft) { d.ValidUntil = consent.Date{Year: 2028, Month: 12, Day: 1} }, until: "2028-05-01", freq: 4, ends: "2028-05-02T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			p, now := consent.DefaultPolicy(), noon
			if x.zone != nil {
				p.Zone = x.zone
			}
			if !x.now.IsZero() {
				now = x.now
			}
			c, err := p.New(uuid.New(), draft(x.edit), consent.Cause{}, now)
			if x.faults != nil {
				require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
				var paths []string
				for _, f := range p.Check(draft(x.edit), now) {
					paths = append(paths, f.Path)
				}
				require.Equal(t, x.faults, paths)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []any{x.until, x.freq, x.ends}, []any{c.ValidUntil.String(), c.FrequencyPerDay, c.EndsAt.Format(time.RFC3339)})
			require.Equal(t, consent.Received, c.Status)
		})
	}
}

func TestParseDate(t *testing.T) {
	for _, bad := range []string{"", "2026-2-1", "2026-02-30", "2026-03-01T00:00:00Z", "01.03.2026", "26-03-01", "2026-03-01 "} {
		_, err := consent.ParseDate(bad)
		require.Error(t, err, bad)
	}
	d, err := consent.ParseDate("2028-02-29")
	require.NoError(t, err)
	require.Equal(t, "2028-02-29", d.String())
}

func TestSettle(t *testing.T) {
	for name, x := range map[string]struct {
		prepare func(t *testing.T, c *consent.Consent)
		at      func(c *consent.Consent) time.Time
		want    consent.Status
		ending  consent.Ending
		sca     consent.ScaStatus
	}{
		"before every deadline":       {at: func(*consent.Consent) time.Time { return noon.Add(10*time.Minute - 1) }, want: consent.Received, sca: consent.ScaReceived},
		"an authorisation's deadline": {at: func(*consent.Consent) time.Time { return noon.Add(10 * time.Minute) }, want: consent.Received, sca: consent.ScaFailed},
		"nobody authorised it": {
			at: func(c *consent.Consent) time.Time { return c.AuthoriseBy }, want: consent.Rejected, sca: consent.ScaFailed,
			ending: consent.Ending{By: consent.BySystem, Reason: consent.ReasonNotAuthorised},
		},
		"its date is over": {
			prepare: func(t *testing.T, c *consent.Consent) { t.Helper(); authorised(t, c, uuid.New(), uuid.New()) },
			at:      func(c *consent.Consent) time.Time { return c.EndsAt }, want: consent.Expired, sca: consent.ScaFailed,
			ending: consent.Ending{By: consent.BySystem, Reason: consent.ReasonDate},
		},
		"its date is over while suspended": {
			prepare: func(t *testing.T, c *consent.Consent) {
				t.Helper()
				authorised(t, c, uuid.New(), uuid.New())
				require.NoError(t, c.Suspend(consent.ReasonBank, noon))
			},
			at: func(c *consent.Consent) time.Time { return c.EndsAt }, want: consent.Expired, sca: consent.ScaFailed,
			ending: consent.Ending{By: consent.BySystem, Reason: consent.ReasonDate},
		},
		"the last instant of its date": {
			prepare: func(t *testing.T, c *consent.Consent) { t.Helper(); authorised(t, c, uuid.New(), uuid.New()) },
			at:      func(c *consent.Consent) time.Time { return c.EndsAt.Add(-time.Microsecond) }, want: consent.Valid, sca: consent.ScaFailed,
		},
		"its date is over before the window": {
			prepare: func(_ *testing.T, c *consent.Consent) { c.EndsAt = noon.Add(time.Hour) },
			at:      func(*consent.Consent) time.Time { return noon.Add(48 * time.Hour) }, want: consent.Expired, sca: consent.ScaFailed,
			ending: consent.Ending{By: consent.BySystem, Reason: consent.ReasonDate},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := made(t)
			first := started(t, c)
			if x.prepare != nil {
				x.prepare(t, c)
			}
			due, now := c.DueAt(), x.at(c)
			changed := c.Settle(now)
			require.Equal(t, !due.After(now), changed, "DueAt tells when Settle has something to do")
			a, err := c.Authorisation(first)
			require.NoError(t, err)
			require.Equal(t, []any{x.want, x.ending, x.sca}, []any{c.Status, c.Ending, a.Status})
			if x.ending != (consent.Ending{}) {
				require.False(t, c.StatusChangedAt.After(now), "dated by the deadline")
				require.True(t, c.DueAt().IsZero())
			}
			require.False(t, c.Settle(now), "a second time changes nothing")
		})
	}
}

func TestSeveralSigners(t *testing.T) {
	c, customer := made(t), uuid.New()
	ceo, cfo := uuid.New(), uuid.New()
	one, two, three := started(t, c), started(t, c), started(t, c)
	stranger := started(t, c)
	account := uuid.New()
	agreed := consent.Agreement{
		Customer: customer, Signers: []uuid.UUID{ceo, cfo},
		Grants: []consent.Grant{{AccountID: account, Rights: consent.RightBalances}},
	}
	require.NoError(t, c.Identify(stranger, uuid.New(), uuid.New(), noon), "nobody has signed yet")
	require.NoError(t, c.Identify(one, ceo, customer, noon))
	require.NoError(t, c.Authorise(one, agreed, noon))
	require.Equal(t, []any{consent.PartiallyAuthorised, customer}, []any{c.Status, c.Customer})

	require.Equal(t, consent.CodeForbidden, consent.CodeOf(c.Identify(two, ceo, customer, noon)), "the same signer again")
	require.Equal(t, consent.CodeForbidden, consent.CodeOf(c.Identify(two, cfo, uuid.New(), noon)), "another customer")
	require.NoError(t, c.Identify(two, cfo, customer, noon))
	for name, shown := range map[string][]consent.Grant{
		"another account": {{AccountID: uuid.New(), Rights: consent.RightBalances}},
		"other rights":    {{AccountID: account, Rights: consent.RightBalances | consent.RightTransactions}},
		"one more":        {{AccountID: account, Rights: consent.RightBalances}, {AccountID: uuid.New()}},
		"none":            nil,
	} {
		other := agreed
		other.Grants = shown
		require.Equal(t, consent.CodeStale, consent.CodeOf(c.Authorise(two, other, noon)), name)
		require.Equal(t, consent.PartiallyAuthorised, c.Status)
	}
	require.NoError(t, c.Authorise(two, agreed, noon))
	require.Equal(t, consent.Valid, c.Status)
	require.Equal(t, agreed.Grants, c.Access.Grants)

	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.Identify(three, uuid.New(), customer, noon)))
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.Start(consent.Authorisation{ID: uuid.New()})))
}

func TestRefusals(t *testing.T) {
	psu, customer := uuid.New(), uuid.New()
	for name, x := range map[string]struct {
		act  func(c *consent.Consent, a uuid.UUID) error
		want consent.Status
		sca  consent.ScaStatus
		err  consent.Code
	}{
		"the PSU refuses": {
			act: func(c *consent.Consent, a uuid.UUID) error {
				return c.Refuse(a, consent.ByPSU, consent.ReasonRefused, noon)
			},
			want: consent.Rejected, sca: consent.ScaFailed,
		},
		"the authorisation fails": {
			act:  func(c *consent.Consent, a uuid.UUID) error { return c.Fail(a, noon) },
			want: consent.Received, sca: consent.ScaFailed,
		},
		"a PSU who may not sign": {
			act: func(c *consent.Consent, a uuid.UUID) error {
				if err := c.Identify(a, psu, customer, noon); err != nil {
					return err
				}
				return c.Authorise(a, consent.Agreement{Customer: customer, Signers: []uuid.UUID{uuid.New()}}, noon)
			},
			want: consent.Received, sca: consent.ScaPSUAuthenticated, err: consent.CodeForbidden,
		},
		"an unknown authorisation": {
			act:  func(c *consent.Consent, _ uuid.UUID) error { return c.Fail(uuid.New(), noon) },
			want: consent.Received, sca: consent.ScaReceived, err: consent.CodeResourceUnknown,
		},
		"the TPP ends it": {
			act:  func(c *consent.Consent, _ uuid.UUID) error { return c.Terminate(noon) },
			want: consent.Revoked, sca: consent.ScaFailed,
		},
		"authorised after the TPP ended it": {
			act: func(c *consent.Consent, a uuid.UUID) error {
				if err := c.Terminate(noon); err != nil {
					return err
				}
				return c.Identify(a, psu, customer, noon)
			},
			want: consent.Revoked, sca: consent.ScaFailed, err: consent.CodeStatusInvalid,
		},
		"back to an earlier step": {
			act: func(c *consent.Consent, a uuid.UUID) error {
				if err := c.Advance(a, consent.ScaStarted, noon); err != nil {
					return err
				}
				return c.Advance(a, consent.ScaPSUIdentified, noon)
			},
			want: consent.Received, sca: consent.ScaStarted, err: consent.CodeStatusInvalid,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := made(t)
			id := started(t, c)
			err := x.act(c, id)
			if x.err != "" {
				require.Equal(t, x.err, consent.CodeOf(err))
			} else {
				require.NoError(t, err)
			}
			a, err := c.Authorisation(id)
			require.NoError(t, err)
			require.Equal(t, []any{x.want, x.sca}, []any{c.Status, a.Status})
		})
	}
}

func TestAuthorisationsAreBounded(t *testing.T) {
	c := made(t)
	for range 20 {
		require.NoError(t, c.Fail(started(t, c), noon))
	}
	require.Equal(t, consent.CodeTooOften, consent.CodeOf(c.Start(consent.Authorisation{ID: uuid.New()})))
	require.Len(t, c.Authorisations, 20)
}

func TestImpliedRights(t *testing.T) {
	for given, want := range map[consent.Rights]consent.Rights{
		0:                         0,
		consent.RightOwnerName:    consent.RightOwnerName,
		consent.RightBalances:     consent.RightBalances | consent.RightAccounts,
		consent.RightTransactions: consent.RightTransactions | consent.RightAccounts,
	} {
		require.Equal(t, want, given.Implied())
	}
}

func TestTimesNeverGoBack(t *testing.T) {
	c := made(t)
	require.NoError(t, c.Terminate(noon.Add(-time.Hour)))
	require.Equal(t, noon, c.StatusChangedAt)
}

// TestTables checks the two state machines against each other's rules and
// against the diagrams in ARCHITECTURE.md.
func TestTables(t *testing.T) {
	for from, to := range consent.Transitions() {
		require.Equal(t, from.Final(), len(to) == 0, from)
	}
	for from, to := range consent.ScaTransitions() {
		require.Equal(t, from.Final(), len(to) == 0, from)
		if !from.Final() {
			require.Contains(t, to, consent.ScaFailed, from)
		}
	}
	doc, err := os.ReadFile("../../ARCHITECTURE.md")
	require.NoError(t, err)
	var table []string
	for from, to := range consent.Transitions() {
		for _, x := range to {
			table = append(table, string(from)+" --> "+string(x))
		}
	}
	for from, to := range consent.ScaTransitions() {
		for _, x := range to {
			table = append(table, string(from)+" --> "+string(x))
		}
	}
	drawn := regexp.MustCompile(`(?m)^\s*(\w+ --> \w+)`).FindAllStringSubmatch(string(doc), -1)
	var diagram []string
	for _, d := range drawn {
		diagram = append(diagram, d[1])
	}
	slices.Sort(table)
	slices.Sort(diagram)
	require.Equal(t, slices.Compact(table), slices.Compact(diagram))
}

func TestErrors(t *testing.T) {
	cause := os.ErrNotExist
	err := consent.At(consent.CodeFormat, "a.b", "bad %d", 1).Because(cause)
	require.ErrorIs(t, err, cause)
	require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
	require.Equal(t, "a.b", err.Path)
	require.Equal(t, consent.CodeInternal, consent.CodeOf(cause))
	require.NoError(t, consent.Faults(nil).Err())
	require.Equal(t, consent.CodeSessions, consent.CodeOf(consent.Faults{consent.E(consent.CodeSessions, "x")}.Err()))
	seen := map[consent.Code]bool{}
	for _, c := range consent.Codes() {
		require.False(t, seen[c], c)
		seen[c] = true
	}
}

// TestDaysBeginWhereTheyBegin walks the days of zones in which summer time
// removes midnight itself.
func TestDaysBeginWhereTheyBegin(t *testing.T) {
	for _, name := range []string{"Atlantic/Azores", "America/Havana", "America/Santiago", "America/Asuncion", "Africa/Cairo", "Europe/Paris", "Pacific/Apia", "UTC"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		d := consent.Date{Year: 2026, Month: 1, Day: 1}
		for range 366 {
			end := d.End(zone)
			require.Equal(t, d, consent.DateOf(end.Add(-time.Microsecond), zone), "%s: the last instant of %s", name, d)
			require.Equal(t, d.AddDays(1), consent.DateOf(end, zone), "%s: the first instant after %s", name, d)
			d = d.AddDays(1)
		}
	}
}
