package funds_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/funds"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// store holds some consents and what they cover.
type store struct {
	consents []*consent.Consent
	covered  []funds.Covered
	err      error
}

func (s *store) Get(_ context.Context, id uuid.UUID) (*consent.Consent, error) {
	for _, c := range s.consents {
		if c.ID == id {
			return c, s.err
		}
	}
	return nil, consent.E(consent.CodeNotFound, "not known")
}

func (s *store) Covered(context.Context, string, consent.Reference) ([]funds.Covered, error) {
	return s.covered, s.err
}

// bank knows which accounts have the money, and notes which it was asked for.
type bank struct {
	rich  map[string]bool
	err   error
	asked []string
}

func (b *bank) Available(_ context.Context, account string, _ service.Amount) (bool, error) {
	b.asked = append(b.asked, account)
	return b.rich[account], b.err
}

func caller() service.Call {
	return service.Call{TPP: "A", Rail: consent.RailXS2A, Kind: consent.FundsConfirmation}
}

func question() funds.Question {
	return funds.Question{
		Account: consent.Reference{IBAN: "DE40100100103307118608"}, Amount: service.Amount{Currency: "EUR", Value: "1.00"},
	}
}

// in is a consent of A in a state.
func in(status consent.Status, edit ...func(*consent.Consent)) *consent.Consent {
	c := &consent.Consent{
		ID: uuid.New(), TPP: "A", Rail: consent.RailXS2A, Kind: consent.FundsConfirmation, Status: status,
		AuthoriseBy: begin.Add(time.Hour), EndsAt: begin.AddDate(1, 0, 0),
	}
	for _, e := range edit {
		e(c)
	}
	return c
}

func TestConfirmByConsent(t *testing.T) {
	for name, x := range map[string]struct {
		c    *consent.Consent
		want consent.Code
	}{
		"valid":                 {c: in(consent.Valid)},
		"received":              {c: in(consent.Received), want: consent.CodeNotUsable},
		"partially authorised":  {c: in(consent.PartiallyAuthorised), want: consent.CodeNotUsable},
		"rejected":              {c: in(consent.Rejected), want: consent.CodeNotUsable},
		"revoked":               {c: in(consent.Revoked), want: consent.CodeNotUsable},
		"suspended":             {c: in(consent.Suspended), want: consent.CodeBlocked},
		"expired":               {c: in(consent.Expired), want: consent.CodeExpired},
		"expired, not yet told": {c: in(consent.Valid, func(c *consent.Consent) { c.EndsAt = begin }), want: consent.CodeExpired},
		"another TPP's":         {c: in(consent.Valid, func(c *consent.Consent) { c.TPP = "B" }), want: consent.CodeReferenceUnknown},
		"to account access":     {c: in(consent.Valid, func(c *consent.Consent) { c.Kind = consent.AccountAccess }), want: consent.CodeReferenceUnknown},
		"of another rail":       {c: in(consent.Valid, func(c *consent.Consent) { c.Rail = consent.RailSTET }), want: consent.CodeReferenceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bank{rich: map[string]bool{"mine": true, "another": true}}
			s := &store{consents: []*consent.Consent{x.c}, covered: []funds.Covered{
				{Consent: uuid.New(), Rail: consent.RailXS2A, Account: "another"},
				{Consent: x.c.ID, Rail: consent.RailXS2A, Account: "mine"},
			}}
			f := &funds.Funds{Store: s, Bank: b, Now: func() time.Time { return begin }}
			yes, err := f.Confirm(t.Context(), caller(), &x.c.ID, question())
			if x.want != "" {
				require.Equal(t, x.want, consent.CodeOf(err))
				require.Empty(t, b.asked, "the bank is not asked")
				return
			}
			require.NoError(t, err)
			require.True(t, yes)
			require.Equal(t, []string{"mine"}, b.asked)
		})
	}
	f := &funds.Funds{Store: &store{}, Bank: &bank{}, Now: func() time.Time { return begin }}
	unknown := uuid.New()
	_, err := f.Confirm(t.Context(), caller(), &unknown, question())
	require.Equal(t, funds.ErrUnknown(), err)
	var e *consent.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "Header.Consent-ID", e.Path)
}

func TestConfirmOfAnotherAccount(t *testing.T) {
	c := in(consent.Valid)
	s := &store{consents: []*consent.Consent{c}, covered: []funds.Covered{{Consent: uuid.New(), Rail: consent.RailXS2A, Account: "x"}}}
	f := &funds.Funds{Store: s, Bank: &bank{}, Now: func() time.Time { return begin }}
	_, err := f.Confirm(t.Context(), caller(), &c.ID, question())
	require.Equal(t, consent.CodeNotUsable, consent.CodeOf(err))
}

func TestConfirmWithoutConsent(t *testing.T) {
	on := func(rail consent.Rail, account string) funds.Covered {
		return funds.Covered{Consent: uuid.New(), Rail: rail, Account: account}
	}
	for name, x := range map[string]struct {
		covered []funds.Covered
		rich    string
		yes     bool
		asked   []string
		want    consent.Code
	}{
		"one account, and the money":        {covered: []funds.Covered{on(consent.RailXS2A, "a")}, rich: "a", yes: true, asked: []string{"a"}},
		"one account, and not the money":    {covered: []funds.Covered{on(consent.RailXS2A, "a")}, asked: []string{"a"}},
		"the second account has it":         {covered: []funds.Covered{on(consent.RailXS2A, "a"), on(consent.RailXS2A, "b")}, rich: "b", yes: true, asked: []string{"a", "b"}},
		"the first account is enough":       {covered: []funds.Covered{on(consent.RailXS2A, "a"), on(consent.RailXS2A, "b")}, rich: "a", yes: true, asked: []string{"a"}},
		"none":                              {want: consent.CodeNoFundsConsent},
		"a consent of another dialect only": {covered: []funds.Covered{on(consent.RailSTET, "a")}, rich: "a", want: consent.CodeNoFundsConsent},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bank{rich: map[string]bool{x.rich: true}}
			f := &funds.Funds{Store: &store{covered: x.covered}, Bank: b, Now: func() time.Time { return begin }}
			ctx, notes := explain.Listen(t.Context())
			yes, err := f.Confirm(ctx, caller(), nil, question())
			require.Equal(t, x.asked, b.asked)
			require.Equal(t, x.yes, yes)
			if x.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, x.want, consent.CodeOf(err))
			require.NotEmpty(t, notes.Lines())
		})
	}
}

func TestConfirmFails(t *testing.T) {
	c := in(consent.Valid)
	covered := []funds.Covered{{Consent: c.ID, Rail: consent.RailXS2A, Account: "a"}}
	broken := errors.New("out of order")
	for name, x := range map[string]struct {
		store *store
		bank  *bank
		id    *uuid.UUID
		want  consent.Code
	}{
		"the bank is away":              {&store{covered: covered}, &bank{err: broken}, nil, consent.CodeUnavailable},
		"the bank knows no such amount": {&store{covered: covered}, &bank{err: consent.E(consent.CodeFormat, "no")}, nil, consent.CodeFormat},
		"the store fails":               {&store{err: broken}, &bank{}, nil, consent.CodeInternal},
		"the store fails to read":       {&store{consents: []*consent.Consent{c}, err: broken}, &bank{}, &c.ID, consent.CodeInternal},
	} {
		f := &funds.Funds{Store: x.store, Bank: x.bank, Now: func() time.Time { return begin }}
		yes, err := f.Confirm(t.Context(), caller(), x.id, question())
		require.ErrorIs(t, err, errOf(x.bank, broken), name)
		require.Equal(t, x.want, consent.CodeOf(err), name)
		require.False(t, yes, name)
	}
}

// errOf is the failure that must be in the chain of the answer.
func errOf(b *bank, otherwise error) error {
	if b.err != nil {
		return b.err
	}
	return otherwise
}

// TestConfirmAsksOnce has many consents to the same accounts.
func TestConfirmAsksOnce(t *testing.T) {
	lea, ben := uuid.New(), uuid.New()
	// on are accounts of a customer, each covered by as many consents.
	on := func(customer uuid.UUID, consents int, accounts ...string) (list []funds.Covered) {
		for range consents {
			for _, a := range accounts {
				list = append(list, funds.Covered{Consent: uuid.New(), Rail: consent.RailXS2A, Customer: customer, Account: a})
			}
		}
		return list
	}
	ten := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}
	for name, x := range map[string]struct {
		covered []funds.Covered
		asked   []string
		path    string // of what is missing
	}{
		"one account in many consents":           {covered: on(lea, 500, "a"), asked: []string{"a"}},
		"two accounts in many consents":          {covered: on(lea, 500, "a", "b"), asked: []string{"a", "b"}},
		"ten accounts":                           {covered: on(lea, 2, ten...), asked: ten},
		"eleven accounts":                        {covered: on(lea, 1, append(ten, "11")...), path: "account.currency"},
		"accounts of two customers":              {covered: append(on(lea, 1, "a"), on(ben, 1, "b")...), path: "Header.Consent-ID"},
		"an account that two customers share":    {covered: append(on(lea, 1, "a"), on(ben, 1, "a")...), asked: []string{"a"}},
		"a shared one, and another of one":       {covered: append(on(lea, 1, "a", "b"), on(ben, 1, "a")...), asked: []string{"a", "b"}},
		"a shared one, and another of each":      {covered: append(on(lea, 1, "a", "b"), on(ben, 1, "a", "c")...), path: "Header.Consent-ID"},
		"too many, of several customers as well": {covered: append(on(lea, 1, ten...), on(ben, 1, "b")...), path: "Header.Consent-ID"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bank{rich: map[string]bool{}}
			f := &funds.Funds{Store: &store{covered: x.covered}, Bank: b, Now: func() time.Time { return begin }}
			yes, err := f.Confirm(t.Context(), caller(), nil, question())
			require.False(t, yes)
			require.Equal(t, x.asked, b.asked)
			if x.path == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
			var e *consent.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, x.path, e.Path)
			require.ErrorContains(t, err, "is required: ")
		})
	}
}

// TestConfirmByConsentOfMany names the consent where the reference alone would
// not tell whose account is meant.
func TestConfirmByConsentOfMany(t *testing.T) {
	c := in(consent.Valid)
	b := &bank{rich: map[string]bool{"mine": true}}
	f := &funds.Funds{Bank: b, Now: func() time.Time { return begin }, Store: &store{consents: []*consent.Consent{c}, covered: []funds.Covered{
		{Consent: uuid.New(), Rail: consent.RailXS2A, Customer: uuid.New(), Account: "another's"},
		{Consent: c.ID, Rail: consent.RailXS2A, Customer: uuid.New(), Account: "mine"},
	}}}
	yes, err := f.Confirm(t.Context(), caller(), &c.ID, question())
	require.NoError(t, err)
	require.True(t, yes)
	require.Equal(t, []string{"mine"}, b.asked)
}
