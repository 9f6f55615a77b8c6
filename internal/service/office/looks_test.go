package office_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/office"
)

func TestSearchIsWrittenDown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	psu, customer := uuid.New(), uuid.New()
	w.store.bankIDs[psu], w.store.bankIDs[customer] = "psu-lea", "customer-lea"
	hers := w.add(t, "acme", consent.Valid, func(c *consent.Consent) { c.Customer = customer })
	over := w.add(t, "acme", consent.Valid, func(c *consent.Consent) { c.Customer, c.EndsAt = customer, noon })
	w.add(t, "acme", consent.Valid, func(c *consent.Consent) { c.Customer = uuid.New() })

	for name, q := range map[string]office.Query{"by the bank's id": {PSU: "psu-lea", Size: 25}, "by ours": {User: psu, Size: 25}} {
		found, err := w.Search(t.Context(), by("staff/mia"), q)
		require.NoError(t, err, name)
		require.Equal(t, 2, found.Total, name)
		require.Equal(t, over, found.Consents[0].ID, name)
		require.Equal(t, consent.Expired, found.Consents[0].Status, "%s: as it stands now", name)
		require.Equal(t, hers, found.Consents[1].ID, name)
		require.Equal(t, "customer-lea", found.Consents[1].BankIDs[customer], name)
		require.Equal(t, psu, found.User, name)
		require.Equal(t, "psu-lea", found.PSU, name)
	}
	require.Len(t, w.store.looks, 2)
	for _, e := range w.store.looks {
		require.Equal(t, "looked/staff/mia/2026-03-01", e.Chain)
		require.Equal(t, "search user="+psu.String()+" page=1", e.Operation)
		require.Equal(t, office.ReasonLooked, e.Reason)
		require.Equal(t, "staff/mia", e.Who)
		require.NotContains(t, e.Operation, "lea", "the bank's id of a person may be a name")
	}
}

// An address of a page holds our id of a PSU, never the bank's.
func TestUser(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id, err := w.User(t.Context(), by("staff/mia"), "psu-lea")
	require.NoError(t, err)
	require.Equal(t, "psu-lea", w.store.bankIDs[id], "made at first sight")
	for _, name := range []string{"psu-lea", id.String()} {
		again, err := w.User(t.Context(), by("staff/mia"), name)
		require.NoError(t, err)
		require.Equal(t, id, again)
	}
	require.Len(t, w.store.looks, 3)
	for _, e := range w.store.looks {
		require.Equal(t, "user="+id.String(), e.Operation)
		require.Equal(t, "staff/mia", e.Who)
	}

	for name, code := range map[string]consent.Code{
		"nobody": consent.CodeNotFound, uuid.NewString(): consent.CodeNotFound, "a\x00b": consent.CodeFormat, strings.Repeat("x", 257): consent.CodeFormat,
	} {
		_, err := w.User(t.Context(), by("staff/mia"), name)
		require.Equal(t, code, consent.CodeOf(err), name)
	}
	require.Len(t, w.store.looks, 5, "the attempts are written down too")
	require.Equal(t, "user unmet", w.store.looks[4].Operation)
	require.Len(t, w.store.bankIDs, 1, "nobody is made up")
	w.Signers = bank{down: true}
	_, err = w.User(t.Context(), by("staff/mia"), "psu-lea")
	require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
	w.store.lookDown = true
	_, err = w.User(t.Context(), by("staff/mia"), "psu-lea")
	require.ErrorIs(t, err, errDown, "what cannot be written down is not told")
}

func TestSearchThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q    office.Query
		code consent.Code
		down bool
	}{
		"a PSU whom the bank does not know": {office.Query{PSU: "nobody", Size: 25}, consent.CodeNotFound, false},
		"a user whom we do not know":        {office.Query{User: uuid.New(), Size: 25}, consent.CodeNotFound, false},
		"the bank is down":                  {office.Query{PSU: "psu-lea", Size: 25}, consent.CodeUnavailable, true},
		"both ids":                          {office.Query{PSU: "psu-lea", User: uuid.New(), Size: 25}, consent.CodeFormat, false},
		"no size":                           {office.Query{}, consent.CodeFormat, false},
		"a huge size":                       {office.Query{Size: 101}, consent.CodeFormat, false},
		"a period that ends first":          {office.Query{From: noon, To: noon.Add(-time.Hour), Size: 1}, consent.CodeFormat, false},
		"an IBAN":                           {office.Query{Account: "DE40100100103307118608", Size: 1}, consent.CodeFormat, false},
		"an IBAN for a TPP":                 {office.Query{TPP: "DE40100100103307118608", Size: 1}, consent.CodeFormat, false},
		"the bank tells no owner":           {office.Query{Account: "r1", Size: 1}, consent.CodeUnavailable, true},
		"an IBAN in groups":                 {office.Query{Account: "gb82 west 1234 5698 7654 32", Size: 1}, consent.CodeFormat, false},
		"a control character":               {office.Query{TPP: "a\x00b", Size: 1}, consent.CodeFormat, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.Signers, w.Owners = bank{down: c.down}, bank{down: c.down}
			_, err := w.Search(t.Context(), by("staff/mia"), c.q)
			require.Equal(t, c.code, consent.CodeOf(err))
			if c.code == consent.CodeFormat {
				require.Empty(t, w.store.looks, "whatever it is, it is not kept")
				return
			}
			require.Len(t, w.store.looks, 1, "the attempt is written down too")
		})
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.add(t, "acme", consent.Valid)
	_, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Suspend, Consents: []uuid.UUID{id}})
	require.NoError(t, err)
	d, err := w.Get(t.Context(), by("staff/ada"), id)
	require.NoError(t, err)
	require.Equal(t, consent.Suspended, d.Status)
	require.Len(t, d.Entries, 1)
	require.Equal(t, "consent="+id.String(), w.store.looks[0].Operation)

	_, err = w.Get(t.Context(), by("staff/ada"), uuid.New())
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))

	w.store.lookDown = true
	_, err = w.Get(t.Context(), by("staff/ada"), id)
	require.ErrorIs(t, err, errDown, "what cannot be written down is not shown")
	_, err = w.Search(t.Context(), by("staff/ada"), office.Query{Size: 1})
	require.ErrorIs(t, err, errDown)
}

// Ids that only look a little like an IBAN are ids.
func TestAccountsThatAreNoIBAN(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"r1", "DE41100100103307118608", "DE401001001033", "DE40100100103307118608-1", "0195508a-3a00-7000-8000-000000000001"} {
		_, err := w.Search(t.Context(), by("staff/mia"), office.Query{Account: id, Size: 1})
		require.NoError(t, err, id)
	}
}
