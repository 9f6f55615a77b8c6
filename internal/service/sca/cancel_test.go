package sca_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// toyBell is toyApp, and counts who is told that it is over, and who reports.
type toyBell struct {
	*toyApp

	// asking, where it is set, holds a question back until it is closed; begun tells.
	asking, begun chan struct{}
	deaf          atomic.Bool
	cancelled     sync.Map // StepKeys
	reported      sync.Map // fields of call-backs
	url           atomic.Value
}

func (f *toyBell) Start(ctx context.Context, req flow.Request) (flow.Step, error) {
	f.url.Store(req.CallbackURL)
	if f.asking != nil {
		close(f.begun)
		<-f.asking
	}
	return f.toyApp.Start(ctx, req)
}

func (f *toyBell) Continue(ctx context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	switch in.Kind { //nolint:exhaustive // the others are the app's
	case flow.Cancel:
		if f.deaf.Load() {
			return flow.Step{}, errors.New("out of order")
		}
		f.cancelled.Store(req.StepKey, string(state))
		return flow.Step{Outcome: flow.Denied}, nil
	case flow.Callback:
		f.reported.Store(in.Fields["say"], req.StepKey)
	}
	return f.toyApp.Continue(ctx, req, state, in)
}

func count(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// bell rings where the app would be asked, for both approaches.
func (b *bundle) bell() *toyBell {
	bell := &toyBell{toyApp: b.app}
	b.walks.Flows["app"], b.walks.Serves[consent.Redirect] = bell, "app"
	b.walks.Callbacks = func() string { return "https://bank.example/aspsp/v1/sca-callbacks" }
	return bell
}

// create0 is a consent to Anna's account.
func (b *bundle) create0() uuid.UUID {
	b.t.Helper()
	id, _ := b.create(dedicated("DE00ANNA"), service.Hint{})
	return id
}

// TestCancel tells the app that nobody waits for its answer any more, whoever
// ended the wait, until it has heard.
func TestCancel(t *testing.T) {
	endings := map[string]func(b *bundle, id uuid.UUID, handle string){
		"the PSU refuses on the page": func(b *bundle, _ uuid.UUID, handle string) {
			_, err := b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Refuse: true})
			require.NoError(b.t, err)
		},
		"the TPP takes it back": func(b *bundle, id uuid.UUID, _ string) {
			require.NoError(b.t, b.consents.Terminate(b.ctx, caller(), id, nil))
		},
		"the time is over": func(b *bundle, _ uuid.UUID, _ string) { b.advance(16 * time.Minute) },
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				bell := b.bell()
				id, started := b.create(dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
				v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
				b.page(sca.PageWait, v, err)
				_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{}) // binds
				require.NoError(t, err)
				end(b, id, started.Handle)
				bell.deaf.Store(true)
				require.Error(t, b.work(1))
				require.NoError(t, b.work(0), "it is left in peace for a while")
				b.advance(2 * time.Minute)
				bell.deaf.Store(false)
				require.NoError(t, b.work(1))
				require.Equal(t, 1, count(&bell.cancelled))
				b.advance(time.Minute)
				require.NoError(t, b.work(0), "once is enough")
				run, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[0].RunID)
				require.NoError(t, err)
				require.Nil(t, run.Memo, "nothing is kept")
			})
		})
	}
}

// TestNoCancel tells nobody what they have said themselves.
func TestNoCancel(t *testing.T) {
	for name, answer := range map[string]flow.Step{
		"approved": {Outcome: flow.Done}, "denied": {Outcome: flow.Denied}, "blocked": {Outcome: flow.Denied, Blocked: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, "sqlite")
			bell := b.bell()
			b.decoupled(dedicated("DE00ANNA"), "anna")
			require.NoError(t, b.work(1))
			b.app.answer.Store(&answer)
			require.NoError(t, b.work(1))
			b.advance(time.Hour)
			require.NoError(t, b.work(0))
			require.Zero(t, count(&bell.cancelled))
		})
	}
}

// TestCancelGivesUp leaves a flow alone that is out of order for good.
func TestCancelGivesUp(t *testing.T) {
	b := setup(t, "sqlite")
	bell := b.bell()
	bell.deaf.Store(true)
	id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
	require.NoError(t, b.work(1))
	require.NoError(t, b.consents.Terminate(b.ctx, caller(), id, nil))
	require.Error(t, b.work(1))
	b.advance(2 * time.Hour)
	require.Error(t, b.work(1))
	b.advance(2 * time.Hour)
	require.NoError(t, b.work(0))
}

// TestCallback lets the bank report an answer, so that nobody need ask for it.
func TestCallback(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		bell := b.bell()
		id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		require.NoError(t, b.work(1))
		const base = "https://bank.example/aspsp/v1/sca-callbacks/"
		url, _ := bell.url.Load().(string)
		require.Greater(t, len(url), len(base)+40, url)
		token := url[len(base):]
		say := func(word string) error { return b.walks.Callback(b.ctx, token, map[string]string{"say": word}) }
		require.NoError(t, say("not yet"))
		require.Equal(t, []any{consent.Received, consent.ScaStarted}, b.states(id))
		b.app.approve()
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() { errs <- say("now") }()
		}
		for range cap(errs) {
			require.NoError(t, <-errs)
		}
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
		require.NoError(t, say("too late"))
		require.Equal(t, 2, count(&bell.reported))
		for _, other := range []string{"", "QUJD", token[1:], b.walks.Link("x")} {
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(b.walks.Callback(b.ctx, other, nil)))
		}
	})
}

// TestCancelWhatWasJustAsked takes back a question that was put while the TPP
// ended the consent.
func TestCancelWhatWasJustAsked(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		bell := b.bell()
		bell.asking = make(chan struct{})
		bell.begun = make(chan struct{})
		id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		looked := make(chan error, 1)
		go func() { _, err := b.walks.Poll(b.ctx, 1); looked <- err }()
		<-bell.begun
		require.NoError(t, b.consents.Terminate(b.ctx, caller(), id, nil))
		close(bell.asking)
		require.Error(t, <-looked, "the run was over")
		bell.asking = nil
		b.advance(time.Second)
		_, err := b.walks.Poll(b.ctx, 9)
		require.NoError(t, err)
		require.Equal(t, 1, count(&bell.cancelled))
		run, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[0].RunID)
		require.NoError(t, err)
		require.Nil(t, run.Memo)
	})
}

// TestAnnounced tells the TPP at once what the PSU is told later, and the same, also
// where it names the PSU later.
func TestAnnounced(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		herald := &toyHerald{toyApp: b.app}
		b.walks.Flows["app"] = herald
		id, started := b.createBy(consent.Decoupled, dedicated("DE00ANNA"), service.Hint{PSU: "anna", Language: "de"})
		require.Contains(t, started.Message, "to anna in de: ")
		require.NoError(t, b.work(1))
		target := sca.Target{Consent: id, Authorisation: started.Authorisation}
		later, err := b.walks.Message(b.ctx, caller(), target)
		require.NoError(t, err)
		require.Equal(t, started.Message, later)

		id, started = b.createBy(consent.Decoupled, dedicated("DE00ANNA"), service.Hint{Language: "de-DE, en;q=0.5"})
		require.Empty(t, started.Message, "nobody is named")
		st := b.puts(id, started, sca.Update{Kind: sca.Identification, Hint: service.Hint{PSU: "anna"}})
		require.Contains(t, st.Message, "to anna in de-DE: ")
		again := b.puts(id, started, sca.Update{Kind: sca.Identification, Hint: service.Hint{PSU: "anna"}})
		require.Equal(t, st.Message, again.Message)
		require.NoError(t, b.work(2))
		later, err = b.walks.Message(b.ctx, caller(), sca.Target{Consent: id, Authorisation: started.Authorisation})
		require.NoError(t, err)
		require.Equal(t, st.Message, later)
	})
}

// toyHerald says beforehand what it tells the PSU.
type toyHerald struct{ *toyApp }

func (f *toyHerald) Announce(req flow.Request) string {
	if req.Hint == "" {
		return ""
	}
	return fmt.Sprintf("to %s in %s: %s", req.Hint, req.Language, req.StepKey)
}

func (f *toyHerald) Start(ctx context.Context, req flow.Request) (flow.Step, error) {
	step, err := f.toyApp.Start(ctx, req)
	step.Message = f.Announce(req)
	return step, err
}

func (f *toyHerald) Continue(ctx context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	step, err := f.toyApp.Continue(ctx, req, state, in)
	step.Message = ""
	return step, err
}

// TestOtherReplicaHasTheFlow leaves a waiting run alone whose flow this replica does
// not know, and wipes it once it is over.
func TestOtherReplicaHasTheFlow(t *testing.T) {
	b := setup(t, "sqlite")
	id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
	require.NoError(t, b.work(1))
	flows := b.walks.Flows
	b.walks.Flows = map[string]flow.Flow{"toy": b.flow}
	require.NoError(t, b.work(1))
	b.walks.Flows = flows
	b.app.approve()
	b.advance(10 * time.Second)
	require.NoError(t, b.work(1))
	require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))

	id, _ = b.decoupled(dedicated("DE00ANNA"), "anna")
	b.app.answer.Store(nil)
	require.NoError(t, b.work(1))
	b.walks.Flows = map[string]flow.Flow{"toy": b.flow}
	b.advance(16 * time.Minute)
	require.NoError(t, b.work(1))
	run, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[0].RunID)
	require.NoError(t, err)
	require.Nil(t, run.Memo)
}

// TestCancelWhatWasOvertaken takes back the question of an answer that another one
// overtook, whether the run goes on or not.
func TestCancelWhatWasOvertaken(t *testing.T) {
	for name, ends := range map[string]bool{"and the run goes on": false, "and the run is over": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				asks := &toyAsker{begun: make(chan string, 2), release: make(chan struct{})}
				b.walks.Flows["asks"], b.walks.Serves[consent.Redirect] = asks, "asks"
				id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
				v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
				b.page(sca.PageLogin, v, err)
				var all sync.WaitGroup
				for _, who := range []string{"anna", "enzo"} {
					all.Go(func() { _, _ = b.walks.Answer(b.ctx, started.Handle, by("browser"), loginAs(who, "x")) })
				}
				<-asks.begun
				<-asks.begun
				if ends {
					require.NoError(t, b.consents.Terminate(b.ctx, caller(), id, nil))
				}
				close(asks.release)
				all.Wait()
				b.advance(time.Second)
				_, err = b.walks.Poll(b.ctx, 9)
				require.NoError(t, err)
				want := 1
				if ends {
					want = 2
				}
				require.Equal(t, want, count(&asks.cancelled))
			})
		})
	}
}

// toyAsker asks whoever a form names, in the bank's app.
type toyAsker struct {
	begun     chan string
	release   chan struct{}
	cancelled sync.Map
}

func (f *toyAsker) Start(context.Context, flow.Request) (flow.Step, error) {
	return flow.Step{Outcome: flow.Prompt, Fields: []flow.Field{{Name: "psuId", Kind: flow.Text}}, State: []byte("who")}, nil
}

func (f *toyAsker) Continue(_ context.Context, _ flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	switch in.Kind { //nolint:exhaustive // the others only look
	case flow.Cancel:
		if string(state) != "who" {
			f.cancelled.Store(string(state), true)
		}
		return flow.Step{Outcome: flow.Denied}, nil
	case flow.Form:
		f.begun <- in.Fields["psuId"]
		<-f.release
		state = []byte("asked " + in.Fields["psuId"])
	}
	return flow.Step{Outcome: flow.Wait, State: state, PollAfter: time.Minute}, nil
}
