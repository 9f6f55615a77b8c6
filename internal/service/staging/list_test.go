package staging_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/payments"
	"consentd/internal/service/staging"
)

func report(s consent.PaymentStatus) payments.Report { return payments.Report{Status: s} }

func (b *bundle) list(v staging.Viewer, f staging.Filter) []string {
	b.t.Helper()
	found, err := b.List(b.t.Context(), v, f)
	require.NoError(b.t, err)
	require.Len(b.t, found.List, found.Total, "all on one page here")
	return refs(found.List)
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		give := func(psu, account string, edit ...func(*consent.Staging)) {
			b.advance(time.Minute)
			r := b.stage(edit...)
			b.patch(r, b.give(psu, account))
		}
		give("lea", "lea-1", named("l1"))
		give("omar", "omar-1", named("o1"), toPay)
		give("omar", "acme-1", named("f1"))
		give("lea", "lea-2", named("l2"), toPay, by("B"))
		b.advance(time.Minute)
		b.stage(named("fresh"))
		b.advance(time.Minute)
		bank := b.elsewhere("lea", "lea").ID.String()
		b.elsewhere("", "", func(d *consent.Draft) {
			d.Kind, d.Access = consent.FundsConfirmation, consent.Access{
				Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Reference: consent.Reference{IBAN: "AE01lea"}, Rights: consent.RightFunds}},
			}
		})
		lea, omar, anna := b.user("lea"), b.user("omar"), b.user("anna")
		b.advance(time.Minute)
		r, err := b.Get(t.Context(), staging.Viewer{}, "l1")
		require.NoError(t, err)
		b.patch(r, staging.Change{Status: consent.Suspended})

		all := staging.Viewer{}
		for name, test := range map[string]struct {
			v    staging.Viewer
			f    staging.Filter
			want []string
		}{
			"all":                        {all, staging.Filter{}, []string{bank, "fresh", "l2", "f1", "o1", "l1"}},
			"in the order of changes":    {all, staging.Filter{Changed: true}, []string{"o1", "f1", "l2", "fresh", bank, "l1"}},
			"changed since":              {all, staging.Filter{Changed: true, ChangedAfter: begin.Add(5 * time.Minute)}, []string{bank, "l1"}},
			"made":                       {all, staging.Filter{MadeFrom: begin.Add(2 * time.Minute), MadeTo: begin.Add(4 * time.Minute)}, []string{"f1", "o1"}},
			"a user's":                   {all, staging.Filter{User: lea}, []string{bank, "l2", "l1"}},
			"a signer's":                 {all, staging.Filter{User: omar}, []string{"f1", "o1"}},
			"another signer's":           {all, staging.Filter{User: anna}, []string{"f1"}},
			"a viewer's":                 {b.viewer("lea"), staging.Filter{}, []string{bank, "l2", "l1"}},
			"a viewer's, by name":        {b.viewer("lea"), staging.Filter{User: lea}, []string{bank, "l2", "l1"}},
			"nobody's":                   {all, staging.Filter{User: uuid.NewString()}, []string{}},
			"no user":                    {all, staging.Filter{User: "lea"}, []string{}},
			"an account's":               {all, staging.Filter{Account: "lea-1"}, []string{bank, "l1"}},
			"one that nobody has shown":  {all, staging.Filter{Account: "lea-2"}, []string{bank, "l2"}},
			"one that there is not":      {all, staging.Filter{Account: "lea-3"}, []string{}},
			"an account's, of another":   {b.viewer("omar"), staging.Filter{Account: "lea-1"}, []string{}},
			"an account's, of its owner": {b.viewer("lea"), staging.Filter{Account: "lea-1"}, []string{bank, "l1"}},
			"payments":                   {all, staging.Filter{Kinds: []consent.Kind{consent.Payments}}, []string{"l2", "o1"}},
			"what is unknown here":       {all, staging.Filter{Kinds: []consent.Kind{consent.FundsConfirmation}}, []string{}},
			"suspended":                  {all, staging.Filter{Statuses: []consent.Status{consent.Suspended, consent.Received}}, []string{"fresh", "l1"}},
			"a TPP's":                    {all, staging.Filter{TPP: "B"}, []string{"l2"}},
			"a line":                     {all, staging.Filter{Group: "l1"}, []string{"l1"}},
			"a line by its id":           {all, staging.Filter{Group: bank}, []string{bank}},
			"an unknown line":            {all, staging.Filter{Group: "nothing"}, []string{}},
			"another's line":             {b.viewer("omar"), staging.Filter{Group: "l1"}, []string{}},
		} {
			require.Equal(t, test.want, b.list(test.v, test.f), name)
		}
		_, err = b.List(t.Context(), b.viewer("lea"), staging.Filter{User: omar})
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))

		found, err := b.List(t.Context(), all, staging.Filter{User: anna})
		require.NoError(t, err)
		require.Equal(t, anna, found.List[0].User, "each signer's")
		found, err = b.List(t.Context(), all, staging.Filter{Account: "acme-1"})
		require.NoError(t, err)
		require.Equal(t, omar, found.List[0].User, "who has given it")

		b.bank.down.Store(true)
		_, err = b.List(t.Context(), all, staging.Filter{User: lea})
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		require.Len(t, b.list(all, staging.Filter{}), 6, "nobody asks the bank")
	})
}

func TestListGroups(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.patch(b.stage(named("root")), b.give("lea", "lea-1"))
		b.advance(time.Minute)
		b.patch(b.renew("root", named("next")), b.give("lea", "lea-1"))
		b.advance(time.Minute)
		b.renew("root", named("fresh"))
		b.stage(named("twice"))
		b.stage(named("twice"), by("B"))
		all := staging.Viewer{}
		require.Equal(t, []string{"fresh", "next", "root"}, b.list(all, staging.Filter{Group: "root"}))
		require.Equal(t, []string{"next", "root"}, b.list(b.viewer("lea"), staging.Filter{Group: "root"}), "what is nobody's yet is not hers")
		require.Empty(t, b.list(all, staging.Filter{Group: "next"}), "the line is named by its first")
		_, err := b.List(t.Context(), all, staging.Filter{Group: "twice"})
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		require.Empty(t, b.list(b.viewer("lea"), staging.Filter{Group: "twice"}))

		found, err := b.List(t.Context(), all, staging.Filter{Statuses: []consent.Status{consent.Valid}, Size: 1})
		require.NoError(t, err)
		require.Equal(t, []any{2, "next", "root"}, []any{found.Total, found.List[0].Staged.Reference, found.List[0].GroupRef})
	})
}

func TestListPages(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		var made []string
		for range 7 {
			b.advance(time.Minute)
			made = append(made, b.stage().Staged.Reference)
		}
		newest := slices.Clone(made)
		slices.Reverse(newest)
		for changed, want := range map[bool][]string{false: newest, true: made} {
			var numbered, walked []string
			for page := 1; page <= 4; page++ {
				found, err := b.List(t.Context(), staging.Viewer{}, staging.Filter{Changed: changed, Page: page, Size: 3})
				require.NoError(t, err)
				require.Equal(t, 7, found.Total)
				numbered = append(numbered, refs(found.List)...)
			}
			for f := (staging.Filter{Changed: changed, Size: 3}); ; {
				found, err := b.List(t.Context(), staging.Viewer{}, f)
				require.NoError(t, err)
				walked = append(walked, refs(found.List)...)
				if f.After = found.Next; f.After == nil {
					break
				}
			}
			require.Equal(t, want, numbered)
			require.Equal(t, want, walked)
		}
	})
}

func TestListNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		found, err := b.List(t.Context(), staging.Viewer{}, staging.Filter{})
		require.NoError(t, err)
		require.Equal(t, staging.Records{}, *found)
	})
}

// TestListOfWhatTimeHasEnded: a poller that takes the first page in the order of changes,
// and goes on from the newest change that it shows, misses nothing.
func TestListOfWhatTimeHasEnded(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		short := b.stage(func(d *consent.Staging) { d.EndsAt = begin.Add(2 * time.Hour) })
		long := b.stage()
		b.advance(2 * time.Hour)
		page, err := b.List(t.Context(), staging.Viewer{}, staging.Filter{Changed: true, Size: 1})
		require.NoError(t, err)
		require.Equal(t, long.ID, page.List[0].ID, "what has just ended comes last")
		page, err = b.List(t.Context(), staging.Viewer{}, staging.Filter{Changed: true, Size: 1, ChangedAfter: page.List[0].UpdatedAt()})
		require.NoError(t, err)
		require.Equal(t, []any{short.ID, consent.Rejected}, []any{page.List[0].ID, page.List[0].Status})
	})
}
