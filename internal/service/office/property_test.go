package office_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/consent"
	"consentd/internal/service/office"
)

// Whatever there is, an act in bulk moves all that it is about and can be so moved, and
// nothing else; it counts what it moves, and the second time there is nothing left.
func TestBulkMovesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	leads := map[office.Verb]map[consent.Status]consent.Status{
		office.Suspend: {consent.Valid: consent.Suspended},
		office.Resume:  {consent.Suspended: consent.Valid},
		office.Revoke: {
			consent.Received: consent.Revoked, consent.PartiallyAuthorised: consent.Revoked, consent.Valid: consent.Revoked,
			consent.Suspended: consent.Revoked,
		},
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := setup(t)
		before := map[uuid.UUID]consent.Consent{}
		for range rapid.IntRange(0, 120).Draw(rt, "consents") {
			status := rapid.SampledFrom([]consent.Status{
				consent.Received, consent.PartiallyAuthorised, consent.Valid, consent.Valid, consent.Suspended, consent.Rejected, consent.Revoked,
				consent.Expired, consent.Consumed,
			}).Draw(rt, "status")
			over := rapid.IntRange(0, 9).Draw(rt, "over") == 0
			id := w.add(t, rapid.SampledFrom([]string{"acme", "demo"}).Draw(rt, "tpp"), status, func(c *consent.Consent) {
				if over {
					c.EndsAt, c.AuthoriseBy = noon, noon
				}
			})
			before[id] = *w.store.consents[id]
		}
		a := office.Act{Verb: rapid.SampledFrom(office.Verbs()).Draw(rt, "verb"), TPP: "acme"}
		a.Reason = rapid.SampledFrom(append(consent.BankReasons(), "")).Draw(rt, "reason")
		previewed, err := w.Preview(t.Context(), by("staff/sam"), a)
		require.NoError(rt, err)
		out, err := w.Do(t.Context(), by("staff/sam"), a)
		require.NoError(rt, err)

		moved := 0
		for id, was := range before {
			is := w.store.consents[id]
			to, moves := leads[a.Verb][was.Status]
			if !moves || was.TPP != "acme" || !noon.Before(was.EndsAt) {
				require.Equal(rt, was.Status, is.Status)
				continue
			}
			moved++
			require.Equal(rt, to, is.Status)
			require.True(rt, slices.ContainsFunc(w.store.entries, func(e consent.Entry) bool {
				return e.Chain == id.String() && e.Who == "staff/sam" && e.To == string(to)
			}))
		}
		require.Equal(rt, moved, out.Count)
		require.Equal(rt, moved, previewed)
		require.Len(rt, w.store.entries, moved)
		again, err := w.Do(t.Context(), by("staff/sam"), a)
		require.NoError(rt, err)
		require.Zero(rt, again.Count)
	})
}
