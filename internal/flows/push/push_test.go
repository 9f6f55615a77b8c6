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

func flowFor(t testing.TB, b *bank) *push.Flow {
	t.Helper()
	f, err := push.New(b)
	require.NoError(t, err)
	return f
}

func TestConformance(t *testing.T) {
	t.Parallel()
	scatest.Run(t, scatest.Harness{
		SingleTrip: true,
		Languages:  []string{"en", "fr", "de"},
		New: func(t testing.TB) scatest.Bench {
			t.Helper()
			b := newBank()
			return scatest.Bench{
				PSU: psu, Hint: "lea", Effects: b.effects,
				Flow: func() sca.Flow { return flowFor(t, b) },
				Right: func(req sca.Request, _ sca.Step) sca.Input {
					b.decide(req.RunID, push.Answer{State: push.Approved})
					return sca.Input{Kind: sca.Poll}
				},
			}
		},
	})
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
	for lang, want := range map[string]struct{ language, text, bare, page string }{
		"en": {
			"en", "Request: Demo TPP. Approve it only if it is yours.",
			"Somebody asks for access to your accounts. Approve it only if it is you.", "Please confirm in your bank's app.",
		},
		"fr-CA": {
			"fr", "Demande : Demo TPP. Ne l'approuvez que si elle vient de vous.",
			"Un accès à vos comptes est demandé. Ne l'approuvez que si la demande vient de vous.", "Veuillez confirmer dans l'application de votre banque.",
		},
		"de": {
			"de", "Anfrage: Demo TPP. Geben Sie sie nur frei, wenn sie von Ihnen kommt.",
			"Jemand bittet um Zugriff auf Ihre Konten. Geben Sie das nur frei, wenn Sie es selbst sind.", "Bitte bestätigen Sie in der App Ihrer Bank.",
		},
		"pt": {
			"en", "Request: Demo TPP. Approve it only if it is yours.",
			"Somebody asks for access to your accounts. Approve it only if it is you.", "Please confirm in your bank's app.",
		},
	} {
		for summary, text := range map[string]string{"Demo TPP.": want.text, " ": want.bare} {
			t.Run(lang+summary, func(t *testing.T) {
				t.Parallel()
				b := newBank()
				req := request()
				req.Language, req.Summary, req.Hint = lang, summary, " lea "
				step, err := flowFor(t, b).Start(t.Context(), req)
				require.NoError(t, err)
				assert.Equal(t, []push.Question{{Login: "lea", Key: "run/0", Text: text, Language: want.language}}, b.asked)
				step.State = nil
				assert.Equal(t, sca.Step{Outcome: sca.Wait, PollAfter: 2 * time.Second, Message: want.page}, step)
			})
		}
	}
}

func TestAsksNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hint  string
		fails error
		want  sca.Step
	}{
		"nobody named": {hint: " ", fails: errors.New("not to be asked"), want: sca.Step{Outcome: sca.Denied, Blocked: true}},
		"unknown":      {hint: "eve", want: sca.Step{Outcome: sca.Denied, Blocked: true}},
		"blocked":      {hint: "lea", fails: fmt.Errorf("app: %w", push.ErrBlocked), want: sca.Step{Outcome: sca.Denied, Blocked: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank()
			b.fails = c.fails
			req := request()
			req.Hint = c.hint
			step, err := flowFor(t, b).Start(t.Context(), req)
			require.NoError(t, err)
			assert.Equal(t, c.want, step)
			assert.Empty(t, b.asked)
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer push.Answer
		want   sca.Step
	}{
		"not yet":              {push.Answer{State: push.Waiting}, sca.Step{Outcome: sca.Wait, PollAfter: 2 * time.Second, Message: "Please confirm in your bank's app."}},
		"yes":                  {push.Answer{State: push.Approved}, sca.Step{Outcome: sca.Done, PSU: psu}},
		"yes, to some of them": {push.Answer{State: push.Approved, Accounts: []string{"a", "b"}}, sca.Step{Outcome: sca.Done, PSU: psu, Accounts: []string{"a", "b"}}},
		"no":                   {push.Answer{State: push.Denied}, sca.Step{Outcome: sca.Denied}},
	} {
		for _, kind := range []sca.Kind{sca.Poll, sca.Callback} {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				b, f, step := start(t)
				b.decide("run", c.answer)
				got, err := f.Continue(t.Context(), request(), step.State, sca.Input{Kind: kind})
				require.NoError(t, err)
				got.State = nil
				assert.Equal(t, c.want, got)
			})
		}
	}
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
	b.fails = down
	_, err := f.Start(t.Context(), request())
	require.ErrorIs(t, err, down)
	for _, kind := range []sca.Kind{sca.Poll, sca.Callback, sca.Cancel} {
		_, err = f.Continue(t.Context(), request(), step.State, sca.Input{Kind: kind})
		require.ErrorIs(t, err, down, kind)
	}
	b.fails = nil
	b.decide("run", push.Answer{State: "perhaps"})
	_, err = f.Continue(t.Context(), request(), step.State, sca.Input{Kind: sca.Poll})
	require.Error(t, err, "a state that is none")
	_, err = f.Continue(t.Context(), request(), step.State, sca.Input{Kind: sca.Form})
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// vague is a bank that asks nobody in particular.
type vague struct{ *bank }

func (vague) Ask(context.Context, push.Question) (id, who string, err error) { return "id", "", nil }

func TestVagueBank(t *testing.T) {
	t.Parallel()
	f, err := push.New(vague{newBank()})
	require.NoError(t, err)
	_, err = f.Start(t.Context(), request())
	require.Error(t, err)
	_, err = push.New(nil)
	require.Error(t, err)
}

// FuzzState: no bytes that reach the flow as its state break it, and none but
// its own get anybody through.
func FuzzState(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"stage":"asked"}`, `{"stage":"asked","question":"x","psu":"y"}`} {
		f.Add([]byte(seed))
	}
	flow := flowFor(f, newBank())
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, err := flow.Continue(t.Context(), sca.Request{StepKey: "k"}, raw, sca.Input{Kind: sca.Poll})
		require.Error(t, err, "this bank was asked nothing")
	})
}
