package sandbox

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox/books"
)

// Every account of a persona has books, and whoever is on the other side of an entry
// is the customer's own account or somebody else's, never one of another persona's.
func TestOtherSides(t *testing.T) {
	t.Parallel()
	day := consent.Date{Year: 2026, Month: 5, Day: 4}
	for _, a := range accounts() {
		l := books.Open(a.ResourceID, a.Balance, day.AddDays(1095), day)
		list := l.Within(l.Oldest(), l.Closed())
		require.Greater(t, len(list), 40, a.ResourceID)
		for _, m := range list {
			if m.Order.Own == "" {
				if other := otherSide(a, m); other != nil {
					assert.NotContains(t, ownIBANs(), other.IBAN)
				}
				assert.NotEqual(t, ownerNamed(t, a), m.Order.Who, "%s %s", a.ResourceID, m.Text)
				continue
			}
			there := accounts()[indexOf(m.Order.Own)]
			assert.Equal(t, a.Customer, there.Customer)
			assert.Equal(t, a.Currency, there.Currency)
			assert.Equal(t, there.IBAN+there.MaskedPAN, otherSide(a, m).IBAN+otherSide(a, m).MaskedPAN)
		}
	}
}

func ownIBANs() []string {
	var list []string
	for _, a := range accounts() {
		list = append(list, a.IBAN)
	}
	return list
}

func ownerNamed(t *testing.T, a account) string {
	t.Helper()
	name, err := ownerOf(a.Customer)
	require.NoError(t, err)
	return name
}

func indexOf(resource string) int {
	for i, a := range accounts() {
		if a.ResourceID == resource {
			return i
		}
	}
	return -1
}
