package push_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/push"
	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

const psu = "psu-7"

// bank is a bank of one PSU, whose app only the test answers.
type bank struct {
	mu        sync.Mutex
	asked     []push.Question
	answers   map[string]push.Answer // by id
	withdrawn []string
	fails     error // of every call
}

func newBank() *bank { return &bank{answers: map[string]push.Answer{}} }

func (b *bank) Ask(_ context.Context, q push.Question) (id, who string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fails != nil:
		return "", "", b.fails
	case q.Login == "blanche":
		return "", "", fmt.Errorf("app: %w", push.ErrBlocked)
	case q.Login != "lea":
		return "", "", push.ErrUnknown
	}
	id = "id of " + q.Key
	if _, again := b.answers[id]; !again {
		b.asked = append(b.asked, q)
		b.answers[id] = push.Answer{State: push.Waiting}
	}
	return id, psu, nil
}

func (b *bank) Answer(_ context.Context, id string) (push.Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answers[id], b.fails
}

func (b *bank) Withdraw(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails == nil && b.answers[id].State == push.Waiting {
		b.withdrawn = append(b.withdrawn, id)
		b.answers[id] = push.Answer{State: push.Denied}
	}
	return b.fails
}

// decide answers everything that waits in a run.
func (b *bank) decide(run string, a push.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, now := range b.answers {
		if now.State == push.Waiting && strings.HasPrefix(id, "id of "+run+"/") {
			b.answers[id] = a
		}
	}
}

func (b *bank) effects() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked) + len(b.withdrawn)
}

func key() []byte { return []byte(strings.Repeat("k", 32)) }

func flowFor(t testing.TB, b push.Approvals) *push.Flow {
	t.Helper()
	f, err := push.New(push.Config{Approvals: b, Key: key(), NumberMatching: true})
	require.NoError(t, err)
	return f
}

// harness is the flow over a bank of its own, in a decoupled or a paged run.
func harness(page bool) scatest.Harness {
	h := scatest.Harness{
		SingleTrip: true,
		Pageless:   !page,
		Languages:  []string{"en", "fr", "de", "es", "it", "ar"},
		New: func(t testing.TB) scatest.Bench {
			t.Helper()
			b := newBank()
			return scatest.Bench{
				PSU: psu, Hint: "lea", Effects: b.effects,
				Flow: func() sca.Flow { return flowFor(t, b) },
				Right: func(req sca.Request, step sca.Step) sca.Input {
					if step.Outcome == sca.Prompt {
						return named("lea")
					}
					b.decide(req.RunID, push.Answer{State: push.Approved, Number: step.Number})
					return sca.Input{Kind: sca.Poll}
				},
				Wrong: func(sca.Request, sca.Step) sca.Input { return named(" ") },
			}
		},
	}
	if page {
		h.Prompts = 1
	}
	return h
}

// named is the form by which somebody says who they are.
func named(login string) sca.Input {
	return sca.Input{Kind: sca.Form, Fields: map[string]string{"psuId": login}}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("decoupled", func(t *testing.T) { scatest.Run(t, harness(false)) })
	t.Run("redirect", func(t *testing.T) { scatest.Run(t, harness(true)) })
}

func TestApproaches(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []sca.Approach{sca.InRedirect, sca.InDecoupled}, flowFor(t, newBank()).Approaches())
}

func request() sca.Request {
	return sca.Request{RunID: "run", StepKey: "run/0", Hint: "lea", Summary: "Demo TPP", Language: "en"}
}

// start is a run that waits for the app.
func start(t *testing.T) (*bank, *push.Flow, sca.Step) {
	t.Helper()
	b := newBank()
	f := flowFor(t, b)
	step, err := f.Start(t.Context(), request())
	require.NoError(t, err)
	return b, f, step
}

func TestAsks(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]struct{ language, text, bare, page, page42 string }{
		"en": {
			"en", "Request: Demo TPP. Approve it only if it is yours.",
			"Somebody asks for access to your accounts. Approve it only if it is you.",
			"Please confirm in your bank's app.", "Please confirm in your bank's app. Your number there is 42.",
		},
		"fr-CA": {
			"fr", "Demande : Demo TPP. Ne l’approuvez que si elle vient de vous.",
			"Un accès à vos comptes est demandé. Ne l’approuvez que si la demande vient de vous.",
			"Veuillez confirmer dans l’application de votre banque.", "Veuillez confirmer dans l’application de votre banque. Le numéro à y saisir est 42.",
		},
		"de": {
			"de", "Anfrage: Demo TPP. Geben Sie sie nur frei, wenn sie von Ihnen kommt.",
			"Jemand bittet um Zugriff auf Ihre Konten. Geben Sie das nur frei, wenn Sie es selbst sind.",
			"Bitte bestätigen Sie in der App Ihrer Bank.", "Bitte bestätigen Sie in der App Ihrer Bank. Ihre Nummer dort ist 42.",
		},
		"pt": {
			"en", "Request: Demo TPP. Approve it only if it is yours.",
			"Somebody asks for access to your accounts. Approve it only if it is you.",
			"Please confirm in your bank's app.", "Please confirm in your bank's app. Your number there is 42.",
		},
	} {
		for summary, text := range map[string]string{"Demo TPP.": want.text, " ": want.bare} {
			for _, matching := range []bool{true, false} {
				t.Run(fmt.Sprint(lang, summary, matching), func(t *testing.T) {
					t.Parallel()
					b := newBank()
					f, err := push.New(push.Config{Approvals: b, Key: key(), NumberMatching: matching})
					require.NoError(t, err)
					req := request()
					req.Language, req.Summary, req.Hint = lang, summary, " lea "
					step, err := f.Start(t.Context(), req)
					require.NoError(t, err)
					number, page := step.Number, want.page
					if matching {
						require.Regexp(t, `^[1-9]\d$`, number)
						page = strings.Replace(want.page42, "42", number, 1)
					} else {
						require.Empty(t, number)
					}
					assert.Equal(t, []push.Question{{Login: "lea", Key: "run/0", Text: text, Language: want.language, Number: number}}, b.asked)
					assert.NotContains(t, b.asked[0].Text, "%")
					step.State = nil
					assert.Equal(t, sca.Step{Outcome: sca.Wait, PollAfter: 2 * time.Second, Message: page, Number: number}, step)
				})
			}
		}
	}
}

func TestAsksNobody(t *testing.T) {
	t.Parallel()
	for _, hint := range []string{"eve", "blanche"} {
		b := newBank()
		req := request()
		req.Hint = hint
		step, err := flowFor(t, b).Start(t.Context(), req)
		require.NoError(t, err)
		assert.Equal(t, sca.Step{Outcome: sca.Denied, Blocked: true}, step, hint)
		assert.Empty(t, b.asked)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	denied := sca.Step{Outcome: sca.Denied}
	for name, c := range map[string]struct {
		answer func(number string) push.Answer
		want   sca.Step // Wait for the same step again
	}{
		"not yet": {func(string) push.Answer { return push.Answer{State: push.Waiting} }, sca.Step{Outcome: sca.Wait}},
		"yes":     {func(n string) push.Answer { return push.Answer{State: push.Approved, Number: n} }, sca.Step{Outcome: sca.Done, PSU: psu}},
		"yes, to some of them": {
			func(n string) push.Answer {
				return push.Answer{State: push.Approved, Number: n, Accounts: []string{"a", "b"}}
			},
			sca.Step{Outcome: sca.Done, PSU: psu, Accounts: []string{"a", "b"}},
		},
		"yes, without the number": {func(string) push.Answer { return push.Answer{State: push.Approved} }, denied},
		"yes, with another number": {func(n string) push.Answer {
			return push.Answer{State: push.Approved, Number: map[bool]string{true: "11", false: "10"}[n == "10"]}
		}, denied},
		"yes, with more than it": {func(n string) push.Answer { return push.Answer{State: push.Approved, Number: n + "0"} }, denied},
		"no":                     {func(n string) push.Answer { return push.Answer{State: push.Denied, Number: n} }, denied},
	} {
		for _, kind := range []sca.Kind{sca.Poll, sca.Callback} {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				b, f, step := start(t)
				b.decide("run", c.answer(step.Number))
				got, err := f.Continue(t.Context(), request(), step.State, sca.Input{Kind: kind})
				require.NoError(t, err)
				want := c.want
				if want.Outcome == sca.Wait {
					want = step
				}
				assert.Equal(t, want, got)
			})
		}
	}
}

// TestNoNumberAsked: what an app sends without being asked does not matter.
func TestNoNumberAsked(t *testing.T) {
	t.Parallel()
	b := newBank()
	f, err := push.New(push.Config{Approvals: b})
	require.NoError(t, err)
	step, err := f.Start(t.Context(), request())
	require.NoError(t, err)
	b.decide("run", push.Answer{State: push.Approved, Number: "42"})
	step, err = f.Continue(t.Context(), request(), step.State, sca.Input{Kind: sca.Poll})
	require.NoError(t, err)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, step)
}

func TestCancelWithdraws(t *testing.T) {
	t.Parallel()
	b, f, step := start(t)
	for range 2 {
		got, err := f.Continue(t.Context(), request(), step.State, sca.Input{Kind: sca.Cancel})
		require.NoError(t, err)
		assert.Equal(t, sca.Step{Outcome: sca.Denied}, got)
	}
	assert.Equal(t, []string{"id of run/0"}, b.withdrawn)
}

// TestBrokenBank: what is not the PSU's fault is an error, at each call.
func TestBrokenBank(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	b, f, step := start(t)
	page := request()
	page.Paged = true
	asking, err := f.Start(t.Context(), page)
	require.NoError(t, err)
	b.fails = down
	_, err = f.Start(t.Context(), request())
	require.ErrorIs(t, err, down)
	_, err = f.Continue(t.Context(), page, asking.State, named("lea"))
	require.ErrorIs(t, err, down)
	for _, kind := range []sca.Kind{sca.Poll, sca.Callback, sca.Cancel} {
		_, err = f.Continue(t.Context(), request(), step.State, sca.Input{Kind: kind})
		require.ErrorIs(t, err, down, kind)
	}
	b.fails = nil
	b.decide("run", push.Answer{State: "perhaps"})
	_, err = f.Continue(t.Context(), request(), step.State, sca.Input{Kind: sca.Poll})
	require.Error(t, err, "a state that is none")
	_, err = f.Continue(t.Context(), request(), step.State, named("lea"))
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = f.Continue(t.Context(), request(), asking.State, sca.Input{Kind: sca.Poll})
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// vague is a bank that asks nobody in particular.
type vague struct{ *bank }

func (vague) Ask(context.Context, push.Question) (id, who string, err error) { return "id", "", nil }

func TestVagueBank(t *testing.T) {
	t.Parallel()
	_, err := flowFor(t, vague{newBank()}).Start(t.Context(), request())
	require.Error(t, err)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := push.New(push.Config{Key: key(), NumberMatching: true})
	require.Error(t, err, "nobody to ask")
	_, err = push.New(push.Config{Approvals: newBank(), Key: key()[1:], NumberMatching: true})
	require.Error(t, err, "a short key")
}

// FuzzState: no bytes that reach the flow as its state break it, and none but
// its own get anybody through.
func FuzzState(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"stage":"asked"}`, `{"stage":"asked","question":"x","psu":"y","number":"42"}`, `{"stage":"login"}`} {
		f.Add([]byte(seed))
	}
	flow := flowFor(f, newBank())
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, err := flow.Continue(t.Context(), sca.Request{StepKey: "k"}, raw, sca.Input{Kind: sca.Poll})
		require.Error(t, err, "this bank was asked nothing")
	})
}
