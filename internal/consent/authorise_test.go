package consent_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// Whom a TPP may name.
var (
	lea, enzo  = consent.Digest{1}, consent.Digest{2}
	sarl, gmbh = consent.Digest{8}, consent.Digest{9}
	nobody     = consent.Digest{}
)

// named is an authorisation for a PSU and a company.
func named(psu, corporate consent.Digest) consent.Authorisation {
	return consent.Authorisation{
		ID: uuid.New(), Status: consent.ScaReceived, Named: psu, Corporate: corporate,
		CreatedAt: noon, ChangedAt: noon, Deadline: noon.Add(time.Hour),
	}
}

// begun is a consent that was made for a PSU and a company.
func begun(t *testing.T, psu, corporate consent.Digest) *consent.Consent {
	t.Helper()
	c, err := consent.DefaultPolicy().New(uuid.New(), draft(func(d *consent.Draft) { d.PSU, d.Corporate = psu, corporate }), byTPP, noon)
	require.NoError(t, err)
	return c
}

// signedBy lets a PSU that the TPP names authorise as the first of two signers.
func signedBy(t *testing.T, c *consent.Consent, psu consent.Digest) {
	t.Helper()
	a := named(psu, nobody)
	who, customer := uuid.New(), uuid.New()
	require.NoError(t, c.Start(a))
	require.NoError(t, c.Identify(a.ID, who, customer, noon))
	require.NoError(t, c.Authorise(a.ID, consent.Agreement{Customer: customer, Signers: []uuid.UUID{who, uuid.New()}}, noon))
}

func TestStart(t *testing.T) {
	for name, x := range map[string]struct {
		psu, corporate consent.Digest // whom the consent was made for
		prepare        func(*testing.T, *consent.Consent)
		start          consent.Authorisation
		err            consent.Code
		path           string
	}{
		"nobody named at all":                {start: named(nobody, nobody)},
		"a PSU named only now":               {start: named(lea, nobody)},
		"the same PSU":                       {psu: lea, start: named(lea, nobody)},
		"no PSU named now":                   {psu: lea, start: named(nobody, nobody)},
		"another PSU":                        {psu: lea, start: named(enzo, nobody), err: consent.CodeCredentials, path: "Header.PSU-ID"},
		"another PSU of the same company":    {psu: lea, corporate: sarl, start: named(enzo, sarl)},
		"another PSU, the company not named": {psu: lea, corporate: sarl, start: named(enzo, nobody)},
		"another company":                    {psu: lea, corporate: sarl, start: named(lea, gmbh), err: consent.CodeCorporate, path: "Header.PSU-Corporate-ID"},
		"a company named only now":           {psu: lea, start: named(lea, gmbh)},
		"a second signer": {
			psu: lea, start: named(enzo, nobody),
			prepare: func(t *testing.T, c *consent.Consent) { t.Helper(); signedBy(t, c, lea) },
		},
		"a PSU who has authorised": {
			psu: lea, start: named(lea, nobody), err: consent.CodeStatusInvalid,
			prepare: func(t *testing.T, c *consent.Consent) { t.Helper(); signedBy(t, c, lea) },
		},
		"a PSU whose attempt has failed": {
			psu: lea, start: named(lea, nobody),
			prepare: func(t *testing.T, c *consent.Consent) {
				t.Helper()
				a := named(lea, nobody)
				require.NoError(t, c.Start(a))
				require.NoError(t, c.Fail(a.ID, noon))
			},
		},
		"after the TPP ended it": {
			start: named(nobody, nobody), err: consent.CodeStatusInvalid,
			prepare: func(t *testing.T, c *consent.Consent) { t.Helper(); require.NoError(t, c.Terminate(noon)) },
		},
		"after its date": {
			start: named(nobody, nobody), err: consent.CodeExpired,
			prepare: func(_ *testing.T, c *consent.Consent) { c.EndsAt = noon; c.Settle(noon) },
		},
		"too often, whoever it is": {
			psu: lea, start: named(enzo, nobody), err: consent.CodeTooOften,
			prepare: func(t *testing.T, c *consent.Consent) {
				t.Helper()
				for range 20 {
					require.NoError(t, c.Start(named(lea, nobody)))
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := begun(t, x.psu, x.corporate)
			if x.prepare != nil {
				x.prepare(t, c)
			}
			c.TakePending()
			before := len(c.Authorisations)
			requireOutcome(t, c.Start(x.start), x.err, x.path)
			entries, _ := c.TakePending()
			if x.err == "" {
				require.Equal(t, []int{before + 1, 1}, []int{len(c.Authorisations), len(entries)})
				return
			}
			require.Equal(t, []int{before, 0}, []int{len(c.Authorisations), len(entries)}, "nothing happened")
		})
	}
}

func TestName(t *testing.T) {
	for name, x := range map[string]struct {
		psu, corporate consent.Digest        // whom the consent was made for
		first          consent.Authorisation // whom its authorisation was started for
		prepare        func(*testing.T, *consent.Consent, uuid.UUID)
		as, company    consent.Digest
		err            consent.Code
		path           string
	}{
		"at last":                     {first: named(nobody, nobody), as: lea},
		"the same again":              {psu: lea, first: named(lea, nobody), as: lea},
		"with the company":            {first: named(nobody, nobody), as: lea, company: sarl},
		"another than before":         {first: named(lea, nobody), as: enzo, err: consent.CodeCredentials, path: "Header.PSU-ID"},
		"another than the consent's":  {psu: lea, first: named(nobody, nobody), as: enzo, err: consent.CodeCredentials, path: "Header.PSU-ID"},
		"another of the same company": {psu: lea, corporate: sarl, first: named(nobody, sarl), as: enzo, company: sarl},
		"another company": {
			psu: lea, corporate: sarl, first: named(nobody, sarl), as: lea, company: gmbh,
			err: consent.CodeCorporate, path: "Header.PSU-Corporate-ID",
		},
		"a PSU who has authorised": {
			first: named(nobody, nobody), as: lea, err: consent.CodeStatusInvalid,
			prepare: func(t *testing.T, c *consent.Consent, _ uuid.UUID) { t.Helper(); signedBy(t, c, lea) },
		},
		"an authorisation that has ended": {
			first: named(nobody, nobody), as: lea, err: consent.CodeStatusInvalid,
			prepare: func(t *testing.T, c *consent.Consent, a uuid.UUID) { t.Helper(); require.NoError(t, c.Fail(a, noon)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := begun(t, x.psu, x.corporate)
			require.NoError(t, c.Start(x.first))
			if x.prepare != nil {
				x.prepare(t, c, x.first.ID)
			}
			a, err := c.Authorisation(x.first.ID)
			require.NoError(t, err)
			before := *a
			requireOutcome(t, c.Name(a.ID, x.as, x.company, consent.ScaPSUIdentified, noon), x.err, x.path)
			a, err = c.Authorisation(x.first.ID)
			require.NoError(t, err)
			if x.err != "" {
				require.Equal(t, before, *a, "nothing happened")
				return
			}
			require.Equal(t, []any{x.as, x.company, consent.ScaPSUIdentified}, []any{a.Named, a.Corporate, a.Status})
		})
	}
	require.Equal(t, consent.CodeResourceUnknown,
		consent.CodeOf(begun(t, lea, nobody).Name(uuid.New(), lea, nobody, consent.ScaPSUIdentified, noon)))
}

// TestLoggedInAs has another PSU log in than the one who was named.
func TestLoggedInAs(t *testing.T) {
	c := begun(t, lea, sarl)
	a, other := named(lea, sarl), named(lea, sarl)
	require.NoError(t, c.Start(a))
	who, customer := uuid.New(), uuid.New()
	require.NoError(t, c.Identify(a.ID, who, customer, noon))
	require.NoError(t, c.LoggedInAs(a.ID, enzo))
	require.NoError(t, c.Authorise(a.ID, consent.Agreement{Customer: customer, Signers: []uuid.UUID{who, uuid.New()}}, noon))
	requireOutcome(t, c.Start(named(enzo, sarl)), consent.CodeStatusInvalid, "")
	require.NoError(t, c.Start(other), "who was expected has not signed")
	require.NoError(t, c.Identify(other.ID, uuid.New(), customer, noon))
	requireOutcome(t, c.Name(other.ID, lea, sarl, consent.ScaPSUAuthenticated, noon), consent.CodeStatusInvalid, "")
	requireOutcome(t, c.LoggedInAs(a.ID, lea), consent.CodeStatusInvalid, "") // it has ended
	requireOutcome(t, c.LoggedInAs(uuid.New(), lea), consent.CodeResourceUnknown, "")
}

// TestCheck asks what Authorise would say, and changes nothing.
func TestCheck(t *testing.T) {
	c := begun(t, lea, nobody)
	ceo, cfo, customer, account := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	agreed := consent.Agreement{
		Customer: customer, Signers: []uuid.UUID{ceo, cfo}, Grants: []consent.Grant{{AccountID: account, Rights: consent.RightBalances}},
	}
	first, second := named(nobody, nobody), named(nobody, nobody)
	for a, who := range map[*consent.Authorisation]uuid.UUID{&first: ceo, &second: cfo} {
		require.NoError(t, c.Start(*a))
		require.NoError(t, c.Identify(a.ID, who, customer, noon))
	}
	c.TakePending()
	require.NoError(t, c.Check(first.ID, agreed))
	entries, _ := c.TakePending()
	require.Empty(t, entries)
	require.Empty(t, c.Access.Grants)
	require.NoError(t, c.Authorise(first.ID, agreed, noon))
	for name, x := range map[string]struct {
		change func(*consent.Agreement)
		code   consent.Code
	}{
		"the same":         {func(*consent.Agreement) {}, ""},
		"other accounts":   {func(a *consent.Agreement) { a.Grants = []consent.Grant{{AccountID: uuid.New()}} }, consent.CodeStale},
		"another customer": {func(a *consent.Agreement) { a.Customer = uuid.New() }, consent.CodeForbidden},
		"no signer":        {func(a *consent.Agreement) { a.Signers = []uuid.UUID{ceo} }, consent.CodeForbidden},
	} {
		other := agreed
		x.change(&other)
		requireOutcome(t, c.Check(second.ID, other), x.code, "")
		require.Equal(t, consent.PartiallyAuthorised, c.Status, name)
	}
	requireOutcome(t, c.Check(first.ID, agreed), consent.CodeStatusInvalid, "")
}

// TestValidEndsTheOthers fails what is still under way when the consent becomes valid.
func TestValidEndsTheOthers(t *testing.T) {
	c := begun(t, lea, nobody)
	other := named(nobody, nobody)
	require.NoError(t, c.Start(other))
	c.TakePending()
	c.Because(byTPP)
	authorised(t, c, uuid.New(), uuid.New())
	require.Equal(t, consent.ScaFailed, c.Authorisations[0].Status)
	entries, _ := c.TakePending()
	last := entries[len(entries)-1]
	require.Equal(t, []any{consent.BySystem, other.ID, "failed"}, []any{last.By, last.Authorisation, last.To})
	require.Equal(t, c.EndsAt, c.DueAt())
}

func requireOutcome(t *testing.T, err error, code consent.Code, path string) {
	t.Helper()
	if code == "" {
		require.NoError(t, err)
		return
	}
	require.Equal(t, code, consent.CodeOf(err))
	var e *consent.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, path, e.Path)
}

// TestFundsConsent has neither a date nor a frequency, and ends by nobody's clock.
func TestFundsConsent(t *testing.T) {
	c, err := consent.DefaultPolicy().New(uuid.New(), draft(func(d *consent.Draft) {
		d.Kind, d.Recurring, d.FrequencyPerDay, d.ValidUntil = consent.FundsConfirmation, false, 0, consent.Date{}
		d.Card = consent.Card{Number: "1234", Information: "x"}
	}), byTPP, noon)
	require.NoError(t, err)
	require.Equal(t, "1234", c.Card.Number)
	require.False(t, c.Replaces())
	authorised(t, c, uuid.New(), uuid.New())
	require.False(t, c.Settle(noon.AddDate(1000, 0, 0)))
	require.Equal(t, consent.Valid, c.Status)

	c, err = consent.DefaultPolicy().New(uuid.New(), draft(func(d *consent.Draft) { d.Kind = consent.FundsConfirmation }), byTPP, noon)
	require.NoError(t, err)
	require.True(t, c.Settle(noon.Add(24*time.Hour)), "but nobody authorised it")
	require.Equal(t, consent.Rejected, c.Status)
}
