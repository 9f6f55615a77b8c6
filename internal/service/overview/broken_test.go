package overview_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// TestBroken: where storage fails, nothing is shown in place of what it holds.
func TestBroken(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	c := f.add("omar", pays(consent.PaymentTerms{Schedule: consent.SingleInstant}))
	for call, x := range map[string]struct {
		do    func(ctx context.Context) (any, error)
		needs []string
	}{
		"board": {
			func(ctx context.Context) (any, error) { return f.Board(ctx, v, overview.Wish{Pays: true}) },
			[]string{"Sight", "ListConsents", "BankIDs", "LastShared", "PaymentsInBrief"},
		},
		"all": {
			func(ctx context.Context) (any, error) { return f.All(ctx, v) },
			[]string{"Sight", "ListConsents", "BankIDs", "LastShared", "Payments", "Entries"},
		},
		"get": {
			func(ctx context.Context) (any, error) { return f.Overview.Get(ctx, v, c.ID) },
			[]string{"Sight", "Get", "ListConsents", "BankIDs", "LastShared", "Payments", "Entries"},
		},
		"stop": {
			func(ctx context.Context) (any, error) { return f.Stop(ctx, v, consent.Cause{}, c.ID) },
			[]string{"Sight", "Update", "ListConsents", "Entries"},
		},
	} {
		for _, f.breaks = range x.needs {
			got, err := x.do(t.Context())
			require.ErrorIs(t, err, errBroken, "%s, %s", call, f.breaks)
			require.Empty(t, got, "%s, %s", call, f.breaks)
			f.keep(c) // as it was
		}
	}
}
