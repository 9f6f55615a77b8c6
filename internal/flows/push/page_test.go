package push_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/push"
	"consentd/pkg/sca"
)

// TestNumbers: a number belongs to one call and to one key, and none is more
// likely than another.
func TestNumbers(t *testing.T) {
	t.Parallel()
	number := func(f *push.Flow, stepKey string) string {
		req := request()
		req.StepKey = stepKey
		step, err := f.Start(t.Context(), req)
		require.NoError(t, err)
		return step.Number
	}
	const each = 50
	one, again := flowFor(t, newBank()), flowFor(t, newBank())
	other, err := push.New(push.Config{Approvals: newBank(), Key: []byte(strings.Repeat("o", 32)), NumberMatching: true})
	require.NoError(t, err)
	count, differ := map[string]int{}, 0
	for i := range 90 * each {
		stepKey := fmt.Sprint("run/", i)
		n := number(one, stepKey)
		require.Regexp(t, `^[1-9]\d$`, n)
		require.Equal(t, n, number(again, stepKey), "another replica says the same")
		if n != number(other, stepKey) {
			differ++
		}
		count[n]++
	}
	assert.Len(t, count, 90)
	for n, times := range count {
		assert.InDelta(t, each, times, 4*math.Sqrt(each), n)
	}
	assert.Greater(t, differ, 85*each, "with another key it is another one")
}

// TestPage: on a page the PSU says who they are, whatever the TPP says, and only
// then the phone rings. The accounts are chosen on the page.
func TestPage(t *testing.T) {
	t.Parallel()
	b := newBank()
	f := flowFor(t, b)
	req := request()
	req.Paged, req.Choose, req.Hint = true, true, "somebody else"
	step, err := f.Start(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, sca.Prompt, step.Outcome)
	assert.Equal(t, []sca.Field{{Name: "psuId", Kind: sca.Text}}, step.Fields)
	assert.Empty(t, b.asked)

	for name, login := range map[string]string{"nobody": " ", "a novel": strings.Repeat("lea", 50)} {
		for lang, message := range map[string]string{
			"en": "We cannot ask anybody of this name in the app. Please check the user name.",
			"de": "Unter diesem Namen können wir niemanden in der App fragen. Bitte prüfen Sie den Benutzernamen.",
		} {
			req.Language = lang
			wrong, err := f.Continue(t.Context(), req, step.State, named(login))
			require.NoError(t, err)
			assert.Equal(t, sca.Step{Outcome: sca.Prompt, Wrong: true, Message: message}, wrong, name)
		}
	}
	assert.Empty(t, b.asked)

	req.StepKey, req.CallbackURL, req.Language = "run/1", "https://bank.example/callbacks/secret", "en"
	step, err = f.Continue(t.Context(), req, step.State, named(" lea "))
	require.NoError(t, err)
	assert.Equal(t, sca.Wait, step.Outcome)
	require.Len(t, b.asked, 1)
	assert.Equal(t, push.Question{
		Login: "lea", Key: "run/1", Text: "Request: Demo TPP. Approve it only if it is yours.", Language: "en",
		Number: step.Number, CallbackURL: "https://bank.example/callbacks/secret",
	}, b.asked[0])

	req.StepKey = "run/2"
	b.decide("run", push.Answer{State: push.Approved, Number: step.Number})
	step, err = f.Continue(t.Context(), req, step.State, sca.Input{Kind: sca.Callback})
	require.NoError(t, err)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, step)
}

// TestNobodyTells: a page looks the same for whoever is named, to the end, so that
// nobody finds out who banks here.
func TestNobodyTells(t *testing.T) {
	t.Parallel()
	b := newBank()
	f := flowFor(t, b)
	req := request()
	req.Paged = true
	step, err := f.Start(t.Context(), req)
	require.NoError(t, err)
	known, err := f.Continue(t.Context(), req, step.State, named("lea"))
	require.NoError(t, err)
	for _, login := range []string{"eve", "blanche"} {
		unknown, err := f.Continue(t.Context(), req, step.State, named(login))
		require.NoError(t, err)
		state := unknown.State
		unknown.State = known.State
		assert.Equal(t, known, unknown, login)
		for range 3 {
			again, err := f.Continue(t.Context(), req, state, sca.Input{Kind: sca.Poll})
			require.NoError(t, err)
			assert.Equal(t, []any{sca.Wait, known.Number, state}, []any{again.Outcome, again.Number, again.State})
		}
	}
	assert.Len(t, b.asked, 1)
}

// TestNobodyNamed: where there is no page either, somebody has to be named first.
func TestNobodyNamed(t *testing.T) {
	t.Parallel()
	b := newBank()
	req := request()
	req.Hint = " "
	step, err := flowFor(t, b).Start(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, sca.Prompt, step.Outcome)
	assert.Empty(t, b.asked)
}

// TestChoiceInTheApp: the app gives the choice where no page does.
func TestChoiceInTheApp(t *testing.T) {
	t.Parallel()
	for _, choose := range []bool{true, false} {
		b := newBank()
		req := request()
		req.Choose = choose
		_, err := flowFor(t, b).Start(t.Context(), req)
		require.NoError(t, err)
		assert.Equal(t, choose, b.asked[0].Choose)
	}
}
