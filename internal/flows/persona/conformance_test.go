package persona_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		slowness time.Duration
		methods  []sca.Method
		choice   string
		known    bool // the factor is set up
		pageless bool
		prompts  int
	}{
		"quick bank":                {prompts: 2},
		"slow bank":                 {slowness: 30 * time.Second, prompts: 2},
		"SMS, without a choice":     {methods: twoMethods()[:1], prompts: 2},
		"SMS":                       {methods: allMethods(), choice: sms.ID, prompts: 3},
		"push":                      {methods: allMethods(), choice: push.ID, prompts: 3},
		"app, first use":            {methods: allMethods(), choice: byApp.ID, prompts: 4},
		"app":                       {methods: allMethods(), choice: byApp.ID, known: true, prompts: 3},
		"app, without a choice":     {methods: []sca.Method{byApp}, choice: byApp.ID, known: true, prompts: 2},
		"passkey, first use":        {methods: allMethods(), choice: passkey.ID, prompts: 4},
		"passkey":                   {methods: allMethods(), choice: passkey.ID, known: true, prompts: 3},
		"passkey, without a choice": {methods: []sca.Method{passkey}, choice: passkey.ID, known: true, prompts: 2},
		"embedded SMS":              {methods: allMethods(), choice: sms.ID, pageless: true, prompts: 3},
		"embedded app":              {methods: allMethods(), choice: byApp.ID, known: true, pageless: true, prompts: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scatest.Run(t, scatest.Harness{
				Prompts:   c.prompts,
				Languages: []string{"en", "fr", "de", "es", "it", "ar"},
				Pageless:  c.pageless,
				New: func(t testing.TB) scatest.Bench {
					t.Helper()
					b := newBank()
					if c.known {
						b.methods = allMethods()
						walk(t, b, c.choice)
					}
					b.slowness, b.methods = c.slowness, c.methods
					return scatest.Bench{
						PSU: psu, Right: b.answering(t, c.choice), Wrong: blunder,
						Flow:    func() sca.Flow { return inTurn{flowFor(t, b), b} },
						Effects: func() int { return len(b.messages()) + b.store.count() },
					}
				},
			})
		})
	}
}

// walk is a whole run of the PSU by a method, such as the one that sets it up.
func walk(t testing.TB, b *bank, choice string) {
	t.Helper()
	s := begin(t, b, "walk")
	answer := b.answering(t, choice)
	for s.step.Outcome != sca.Done {
		in := sca.Input{Kind: sca.Approved}
		if s.step.Outcome != sca.Identified {
			in = answer(s.req, s.step)
		}
		step := s.send(t, in)
		require.False(t, step.Wrong)
		require.NotEqual(t, sca.Denied, step.Outcome)
		b.turns.give(s.req.RunID)
	}
}
