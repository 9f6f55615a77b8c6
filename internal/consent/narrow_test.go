package consent_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// asked is what the drafts of these tests ask for: 30 days, four times a day.
func asked() consent.Terms {
	until := consent.DateOf(noon, time.UTC).AddDays(30)
	return consent.Terms{ValidUntil: until, EndsAt: until.End(time.UTC), FrequencyPerDay: 4, Recurring: true}
}

// wished is a consent that asks for terms.
func wished(t *testing.T, terms consent.Terms) *consent.Consent {
	t.Helper()
	c, err := consent.DefaultPolicy().New(uuid.New(), draft(func(d *consent.Draft) {
		d.ValidUntil, d.FrequencyPerDay, d.Recurring = terms.ValidUntil, terms.FrequencyPerDay, terms.Recurring
	}), byTPP, noon)
	require.NoError(t, err)
	return c
}

func TestNarrow(t *testing.T) {
	yes, no := true, false
	today := consent.DateOf(noon, time.UTC)
	oneOff := asked()
	oneOff.Recurring, oneOff.FrequencyPerDay = false, 1
	for name, x := range map[string]struct {
		asked  consent.Terms
		wish   consent.Narrowing
		change func(*consent.Terms) // of what was asked for; nil for a fault
		faults []string
	}{
		"nothing":  {asked(), consent.Narrowing{}, func(*consent.Terms) {}, nil},
		"the same": {asked(), consent.Narrowing{ValidUntil: asked().ValidUntil, FrequencyPerDay: 4, Recurring: &yes}, func(*consent.Terms) {}, nil},
		"earlier": {asked(), consent.Narrowing{ValidUntil: today.AddDays(3)}, func(x *consent.Terms) {
			x.ValidUntil, x.EndsAt = today.AddDays(3), today.AddDays(3).End(time.UTC)
		}, nil},
		"today":              {asked(), consent.Narrowing{ValidUntil: today}, func(x *consent.Terms) { x.ValidUntil, x.EndsAt = today, today.End(time.UTC) }, nil},
		"less often":         {asked(), consent.Narrowing{FrequencyPerDay: 1}, func(x *consent.Terms) { x.FrequencyPerDay = 1 }, nil},
		"once":               {asked(), consent.Narrowing{Recurring: &no}, func(x *consent.Terms) { x.Recurring, x.FrequencyPerDay = false, 1 }, nil},
		"once, of a one-off": {oneOff, consent.Narrowing{Recurring: &no, FrequencyPerDay: 1}, func(*consent.Terms) {}, nil},
		"yesterday":          {asked(), consent.Narrowing{ValidUntil: today.AddDays(-1)}, nil, []string{"validUntil must not be in the past"}},
		"later":              {asked(), consent.Narrowing{ValidUntil: today.AddDays(31)}, nil, []string{"validUntil must not be later than 2026-03-31"}},
		"never":              {asked(), consent.Narrowing{FrequencyPerDay: -1}, nil, []string{"frequencyPerDay must be at least 1"}},
		"more often":         {asked(), consent.Narrowing{FrequencyPerDay: 5}, nil, []string{"frequencyPerDay must not be more than 4"}},
		"once, twice a day":  {asked(), consent.Narrowing{Recurring: &no, FrequencyPerDay: 2}, nil, []string{"frequencyPerDay must be 1 for a one-off consent"}},
		"again and again":    {oneOff, consent.Narrowing{Recurring: &yes}, nil, []string{"recurringIndicator must be false: the consent is a one-off"}},
		"all of it": {oneOff, consent.Narrowing{ValidUntil: today.AddDays(99), FrequencyPerDay: 9, Recurring: &yes}, nil, []string{
			"validUntil must not be later than 2026-03-31", "frequencyPerDay must not be more than 1", "recurringIndicator must be false: the consent is a one-off",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := wished(t, x.asked)
			require.Equal(t, x.asked, c.Terms())
			terms, err := consent.DefaultPolicy().Narrow(c, x.wish, noon)
			require.Equal(t, x.asked, c.Terms(), "nothing has changed yet")
			if x.change == nil {
				var texts []string
				var faults consent.Faults
				require.ErrorAs(t, err, &faults)
				for _, f := range faults {
					require.Equal(t, consent.CodeFormat, f.Code)
					texts = append(texts, f.Path+" "+f.Text)
				}
				require.Equal(t, x.faults, texts)
				return
			}
			require.NoError(t, err)
			want := x.asked
			x.change(&want)
			require.Equal(t, want, terms)
		})
	}
}

func TestNarrowWhatHasNoTerms(t *testing.T) {
	c := &consent.Consent{Kind: consent.FundsConfirmation}
	_, err := consent.DefaultPolicy().Narrow(c, consent.Narrowing{FrequencyPerDay: 1}, noon)
	require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
	_, err = consent.DefaultPolicy().Narrow(c, consent.Narrowing{}, noon)
	require.NoError(t, err)
}

// TestNarrowingByZone ends the day where the bank's does.
func TestNarrowingByZone(t *testing.T) {
	p := consent.DefaultPolicy()
	p.Zone = time.FixedZone("UTC+14", 14*60*60) // noon is the next day there already
	c := wished(t, asked())
	today := consent.DateOf(noon, time.UTC)
	_, err := p.Narrow(c, consent.Narrowing{ValidUntil: today}, noon)
	require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
	terms, err := p.Narrow(c, consent.Narrowing{ValidUntil: today.AddDays(1)}, noon)
	require.NoError(t, err)
	require.Equal(t, today.AddDays(2).End(time.UTC).Add(-38*time.Hour), terms.EndsAt)
}

// signs lets a signer of two agree to terms.
func signs(t *testing.T, c *consent.Consent, who uuid.UUID, agreed consent.Agreement) error {
	t.Helper()
	a := named(nobody, nobody)
	require.NoError(t, c.Start(a))
	require.NoError(t, c.Identify(a.ID, who, agreed.Customer, noon))
	return c.Authorise(a.ID, agreed, noon)
}

func TestAgreedTerms(t *testing.T) {
	narrow := func(change func(*consent.Terms)) *consent.Terms {
		terms := asked()
		change(&terms)
		return &terms
	}
	sooner := narrow(func(x *consent.Terms) { x.ValidUntil = x.ValidUntil.AddDays(-9); x.EndsAt = x.ValidUntil.End(time.UTC) })
	rarely := narrow(func(x *consent.Terms) { x.FrequencyPerDay = 2 })
	once := narrow(func(x *consent.Terms) { x.Recurring, x.FrequencyPerDay = false, 1 })
	whole := narrow(func(*consent.Terms) {})
	for name, x := range map[string]struct {
		first, second *consent.Terms
		want          *consent.Terms
		stale         bool // for the second
	}{
		"as asked":                            {nil, nil, whole, false},
		"the first narrows the day":           {sooner, nil, sooner, false},
		"the first narrows how often":         {rarely, nil, rarely, false},
		"the first wants it once":             {once, nil, once, false},
		"both alike":                          {rarely, rarely, rarely, false},
		"the second had agreed to more":       {once, rarely, once, false},
		"the second had agreed to all of it":  {sooner, whole, sooner, false},
		"the second would have less":          {rarely, once, rarely, true},
		"the second would have it sooner":     {nil, sooner, whole, true},
		"each would have less in its own way": {sooner, rarely, sooner, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := wished(t, asked())
			ceo, cfo := uuid.New(), uuid.New()
			agreed := consent.Agreement{Customer: uuid.New(), Signers: []uuid.UUID{ceo, cfo}, Terms: x.first}
			require.NoError(t, signs(t, c, ceo, agreed))
			require.Equal(t, consent.PartiallyAuthorised, c.Status)
			require.Equal(t, *x.want, c.Terms())
			agreed.Terms = x.second
			err := signs(t, c, cfo, agreed)
			require.Equal(t, *x.want, c.Terms(), "the first has decided")
			if x.stale {
				require.Equal(t, consent.CodeStale, consent.CodeOf(err))
				require.Equal(t, consent.PartiallyAuthorised, c.Status)
				return
			}
			require.NoError(t, err)
			require.Equal(t, consent.Valid, c.Status)
			require.Equal(t, x.want.Recurring, c.Replaces())
		})
	}
}

// TestLaterSignerNarrows refuses what would change the consent under the first one.
func TestLaterSignerNarrows(t *testing.T) {
	c := wished(t, asked())
	ceo, cfo := uuid.New(), uuid.New()
	require.NoError(t, signs(t, c, ceo, consent.Agreement{Customer: uuid.New(), Signers: []uuid.UUID{ceo, cfo}}))
	_, err := consent.DefaultPolicy().Narrow(c, consent.Narrowing{FrequencyPerDay: 1}, noon)
	require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
	terms, err := consent.DefaultPolicy().Narrow(c, consent.Narrowing{FrequencyPerDay: 4}, noon)
	require.NoError(t, err)
	require.Equal(t, asked(), terms)
}

// TestTermsThatDoNotHold are wider than what was asked for, and over already.
func TestTermsThatDoNotHold(t *testing.T) {
	who := uuid.New()
	wider, over := asked(), asked()
	wider.FrequencyPerDay++
	over.ValidUntil, over.EndsAt = consent.DateOf(noon, time.UTC).AddDays(-1), noon
	for _, terms := range []consent.Terms{wider, over} {
		c := wished(t, asked())
		err := signs(t, c, who, consent.Agreement{Customer: uuid.New(), Signers: []uuid.UUID{who}, Terms: &terms})
		require.Equal(t, consent.CodeStale, consent.CodeOf(err))
		require.Equal(t, []any{asked(), consent.Received, uuid.Nil}, []any{c.Terms(), c.Status, c.Customer})
	}
}

// TestNarrowingInTheAudit stands beside the signature that brought it about.
func TestNarrowingInTheAudit(t *testing.T) {
	who := uuid.New()
	c := wished(t, asked())
	terms := asked()
	terms.FrequencyPerDay = 1
	require.NoError(t, signs(t, c, who, consent.Agreement{Customer: uuid.New(), Signers: []uuid.UUID{who}, Terms: &terms}))
	entries, _ := c.TakePending()
	reasons := map[string]string{}
	for _, e := range entries {
		reasons[e.To] = e.Reason
	}
	require.Equal(t, string(consent.ReasonNarrowed), reasons[string(consent.ScaFinalised)])
	require.Empty(t, reasons[string(consent.Valid)])
}
