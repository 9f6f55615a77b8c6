package handoff_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/flows/handoff"
	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

const page = "https://banking.example/consents?handle={handle}"

func flowOf(t testing.TB) *handoff.Flow {
	t.Helper()
	f, err := handoff.New(handoff.Config{URL: page})
	require.NoError(t, err)
	return f
}

func TestConformance(t *testing.T) {
	t.Parallel()
	scatest.Run(t, scatest.Harness{
		Languages: []string{"en", "fr", "de", "es", "it", "ar"},
		New: func(t testing.TB) scatest.Bench {
			t.Helper()
			return scatest.Bench{
				PSU: "psu-7", Hint: "lea",
				Flow: func() sca.Flow { return flowOf(t) },
				Right: func(req sca.Request, _ sca.Step) sca.Input {
					if req.PSU == "" {
						return says("psu", "psu-7")
					}
					return says("result", "authorised")
				},
			}
		},
	})
}

// says is a call of the bank's backend.
func says(pairs ...string) sca.Input {
	fields := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	return sca.Input{Kind: sca.Callback, Fields: fields}
}

var request = sca.Request{RunID: "run", StepKey: "run/0", Paged: true}

// TestWhatTheBankSays has it say things in and out of turn, at either wait.
func TestWhatTheBankSays(t *testing.T) {
	t.Parallel()
	atStart, atEnd := func(t *testing.T, f *handoff.Flow) sca.Step {
		t.Helper()
		step, err := f.Start(t.Context(), request)
		require.NoError(t, err)
		return step
	}, func(t *testing.T, f *handoff.Flow) sca.Step {
		t.Helper()
		step, err := f.Start(t.Context(), request)
		require.NoError(t, err)
		for _, in := range []sca.Input{says("psu", " lea "), {Kind: sca.Approved}} {
			step, err = f.Continue(t.Context(), request, step.State, in)
			require.NoError(t, err)
		}
		return step
	}
	for name, x := range map[string]struct {
		at      func(*testing.T, *handoff.Flow) sca.Step
		in      sca.Input
		outcome sca.Outcome
		psu     string
		blocked bool
	}{
		"who it is":                           {atStart, says("psu", " lea "), sca.Identified, "lea", false},
		"nobody":                              {atStart, says("psu", " "), sca.Wait, "", false},
		"nothing":                             {atStart, says(), sca.Wait, "", false},
		"a result before it is known whose":   {atStart, says("result", "authorised"), sca.Wait, "", false},
		"both at once, no accounts are known": {atStart, says("psu", "lea", "result", "authorised"), sca.Wait, "", false},
		"refused at once":                     {atStart, says("result", "refused"), sca.Denied, "", false},
		"failed at once":                      {atStart, says("result", "failed"), sca.Denied, "", true},
		"a look":                              {atStart, sca.Input{Kind: sca.Poll}, sca.Wait, "", false},
		"authorised":                          {atEnd, says("result", "authorised"), sca.Done, "lea", false},
		"authorised, by whom again":           {atEnd, says("result", "authorised", "psu", "lea"), sca.Done, "lea", false},
		"authorised by another":               {atEnd, says("result", "authorised", "psu", "enzo"), sca.Wait, "", false},
		"another person":                      {atEnd, says("psu", "enzo"), sca.Wait, "", false},
		"refused":                             {atEnd, says("result", "refused"), sca.Denied, "", false},
		"failed":                              {atEnd, says("result", "failed"), sca.Denied, "", true},
		"a word that is none":                 {atEnd, says("result", "AUTHORISED"), sca.Wait, "", false},
		"a look at the end":                   {atEnd, sca.Input{Kind: sca.Poll}, sca.Wait, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := flowOf(t)
			before := x.at(t, f)
			require.Equal(t, sca.Wait, before.Outcome)
			step, err := f.Continue(t.Context(), request, before.State, x.in)
			require.NoError(t, err)
			require.Equal(t, []any{x.outcome, x.psu, x.blocked}, []any{step.Outcome, step.PSU, step.Blocked})
			if x.outcome == sca.Wait {
				require.Equal(t, before, step, "nothing has changed")
			}
		})
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://banking.example/consents?handle=A-b_9", flowOf(t).Link("A-b_9"))
	f, err := handoff.New(handoff.Config{URL: "http://localhost:9000/app/{handle}?h={handle}#/c"})
	require.NoError(t, err)
	require.Equal(t, "http://localhost:9000/app/x?h=x#/c", f.Link("x"))
	require.Equal(t, []sca.Approach{sca.InRedirect}, f.Approaches())
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                                       "url: must be an absolute URL",
		"/consents/{handle}":                     "url: must be an absolute URL",
		"https://bank.example/%zz{handle}":       "url: must be an absolute URL",
		"mailto:{handle}":                        "url: must have a host, without user-info and without {handle}",
		"https://{handle}.bank.example/":         "url: must have a host, without user-info and without {handle}",
		"https://a@bank.example/{handle}":        "url: must have a host, without user-info and without {handle}",
		"https://bank.example/consents":          "url: must have {handle} in it",
		"https://bank.example/#/c/{handle}":      "url: must have {handle} in its path or query: the fragment, which browsers keep to themselves, does not reach the page's server",
		"https://bank.example/{handle}#{handle}": "url: must have {handle} in its path or query: the fragment, which browsers keep to themselves, does not reach the page's server",
		"http://bank.example/{handle}":           "url: must be https; http is for loopback addresses only",
		"ftp://localhost/{handle}":               "url: must be https; http is for loopback addresses only",
	} {
		_, err := handoff.New(handoff.Config{URL: url})
		require.EqualError(t, err, want, url)
	}
	for _, url := range []string{page, "http://127.0.0.1:1/{handle}", "http://[::1]/?h={handle}"} {
		_, err := handoff.New(handoff.Config{URL: url})
		require.NoError(t, err, url)
	}
}
