package books

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Money{"0.00": 0, "0.05": 5, "-0.05": -5, "-140.00": -14000, "48310.55": 4831055} {
		assert.Equal(t, want, m.String())
	}
	for _, c := range []struct {
		m          Money
		text, want string
	}{
		{0, "5", "5"},
		{5, "5", "5.05"},
		{-14000, "140.00", "0.00"},
		{-1, "99999999999999.995", "99999999999999.985"},
		{25, "-0.10", "0.15"},
	} {
		assert.Equal(t, c.want, c.m.plus(c.text))
	}
}

// The published example of the IBAN's own standard.
func TestRemainder(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 1, remainder("WEST12345698765432GB82"))
	assert.NotEqual(t, 1, remainder("WEST12345698765432GB83"))
	assert.NotEqual(t, ibanOf("FR", "A"), ibanOf("FR", "B"))
	assert.Equal(t, "DE13999999994308956781", ibanOf("DE", "A"))
}
