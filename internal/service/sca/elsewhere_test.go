package sca_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// toyGate sends the browser to an identity provider, which sends it back with
// the name of the PSU.
type toyGate struct {
	to    atomic.Value // where it sends browsers; https://idp.example/ unless set
	asked atomic.Pointer[flow.Request]
	calls atomic.Int32
}

func (f *toyGate) Start(_ context.Context, req flow.Request) (flow.Step, error) {
	f.asked.Store(&req)
	to, ok := f.to.Load().(string)
	if !ok {
		to = "https://idp.example/login?state=" + req.ReturnState
	}
	return flow.Step{Outcome: flow.Redirect, State: []byte("away"), URL: to}, nil
}

func (f *toyGate) Continue(ctx context.Context, req flow.Request, _ []byte, in flow.Input) (flow.Step, error) {
	f.calls.Add(1)
	switch {
	case in.Kind != flow.Returned:
		return flow.Step{}, errors.New("not what was waited for")
	case in.Fields["error"] != "":
		return flow.Step{Outcome: flow.Denied}, nil
	case in.Fields["code"] == "":
		return f.Start(ctx, req)
	default:
		return flow.Step{Outcome: flow.Done, PSU: in.Fields["code"]}, nil
	}
}

// away serves redirects by a flow that sends the browser elsewhere.
func (b *bundle) away() *toyGate {
	b.t.Helper()
	gate := &toyGate{}
	b.walks.Flows["gate"], b.walks.Serves[consent.Redirect] = gate, "gate"
	return gate
}

// at is a browser that sees our pages at an address.
func at(cookie string) sca.Visitor {
	return sca.Visitor{Browser: cookie, Accepts: "en", Origin: "https://sca.bank.example"}
}

// leaves walks a handle to where the browser is sent away, and returns the state
// that it takes along.
func (b *bundle) leaves(handle string) string {
	b.t.Helper()
	v, err := b.walks.Open(b.ctx, handle, at("browser"))
	b.page(sca.PageElsewhere, v, err)
	require.False(b.t, v.Go, "opening a link leads nowhere")
	v, err = b.walks.Answer(b.ctx, handle, at("browser"), sca.Answer{Approve: true, Step: v.Step})
	b.page(sca.PageElsewhere, v, err)
	require.True(b.t, v.Go)
	_, state, ok := strings.Cut(v.URL, "state=")
	require.True(b.t, ok, v.URL)
	require.NotContains(b.t, state, handle)
	return state
}

func TestElsewhere(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		gate := b.away()
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
		state := b.leaves(started.Handle)
		req := gate.asked.Load()
		require.Equal(t, []any{"https://sca.bank.example/sca/return", "anna", true}, []any{req.ReturnURL, req.Hint, req.Paged})

		handle, v, err := b.walks.Return(b.ctx, state, at("browser"), map[string]string{"code": "anna", "state": state})
		b.page(sca.PageConsent, v, err)
		require.Equal(t, started.Handle, handle)
		require.True(t, v.Authenticated, "the review is the last step")
		_, v, err = b.walks.Return(b.ctx, state, at("browser"), map[string]string{"code": "enzo", "state": state})
		b.page(sca.PageConsent, v, err)
		require.EqualValues(t, 1, gate.calls.Load(), "once back, it is not judged again")
		v, err = b.walks.Answer(b.ctx, started.Handle, at("browser"), sca.Answer{Approve: true})
		b.page(sca.PageEnded, v, err)
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
		_, _, err = b.walks.Return(b.ctx, state, at("browser"), map[string]string{"code": "anna"})
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
	})
}

// TestElsewhereRefusals brings browsers back that cannot be helped.
func TestElsewhereRefusals(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		gate := b.away()
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		code := map[string]string{"code": "anna"}
		v, err := b.walks.Open(b.ctx, started.Handle, at("browser"))
		require.NoError(t, err)
		_, early, _ := strings.Cut(v.URL, "state=")
		_, _, err = b.walks.Return(b.ctx, early, at("browser"), code)
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err), "nobody was sent away yet: an attacker's own log-in is not taken")
		state := b.leaves(started.Handle)
		for name, x := range map[string]struct {
			state, cookie string
			want          consent.Code
		}{
			"another browser":     {state, "another", consent.CodeForbidden},
			"a state of nobody's": {"QUJD", "browser", consent.CodeNotFound},
			"a state that is cut": {state[:len(state)-2], "browser", consent.CodeNotFound},
			"no state":            {"", "browser", consent.CodeNotFound},
			"the handle as state": {started.Handle, "browser", consent.CodeNotFound},
		} {
			_, _, err := b.walks.Return(b.ctx, x.state, at(x.cookie), code)
			require.Equal(t, x.want, consent.CodeOf(err), name)
		}
		require.Zero(t, gate.calls.Load())

		_, v, err = b.walks.Return(b.ctx, state, at("browser"), nil)
		b.page(sca.PageElsewhere, v, err)
		require.False(t, v.Go, "it may be tried again")
		state = b.leaves(started.Handle)
		_, v, err = b.walks.Return(b.ctx, state, at("browser"), map[string]string{"error": "access_denied"})
		b.page(sca.PageEnded, v, err)
		require.Equal(t, "https://tpp.example/nok", v.ReturnTo)
		require.Equal(t, []any{consent.Rejected, consent.ScaFailed}, b.states(id))

		_, started = b.create(dedicated("DE00ANNA"), service.Hint{})
		state = b.leaves(started.Handle)
		b.advance(16 * time.Minute)
		_, _, err = b.walks.Return(b.ctx, state, at("browser"), code)
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
	})
}

// TestElsewhereOnlySafely refuses addresses to which no browser may be sent.
func TestElsewhereOnlySafely(t *testing.T) {
	b := setup(t, "sqlite")
	gate := b.away()
	for _, to := range []string{"http://idp.example/", "javascript:alert(1)", "//idp.example", "", "app:login", "https://user@idp.example/"} {
		gate.to.Store(to)
		_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, at("browser"))
		require.Error(t, err, to)
	}
	gate.to.Store("http://127.0.0.1:9999/login")
	_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
	v, err := b.walks.Open(b.ctx, started.Handle, at("browser"))
	b.page(sca.PageElsewhere, v, err)
}

// TestAnotherDevice lets a second device go on, and the first one see that.
func TestAnotherDevice(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		v, err := b.walks.Open(b.ctx, started.Handle, by("desk"))
		b.page(sca.PageLogin, v, err)
		require.True(t, v.CanMove)
		b.advance(5 * time.Minute)
		v, err = b.walks.Answer(b.ctx, started.Handle, by("desk"), sca.Answer{Device: true, Step: v.Step})
		b.page(sca.PageDevice, v, err)
		require.NotEqual(t, started.Handle, v.Handle)
		handle := v.Handle

		v, err = b.walks.Open(b.ctx, started.Handle, by("desk"))
		b.page(sca.PageDevice, v, err)
		require.Equal(t, handle, v.Handle, "it can be looked at again")
		v, err = b.walks.Answer(b.ctx, started.Handle, by("desk"), word("anna"))
		b.page(sca.PageDevice, v, err)
		require.Zero(t, b.flow.judged.Load(), "the old link answers nothing any more")
		_, err = b.walks.Open(b.ctx, started.Handle, by("thief"))
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))

		b.advance(6 * time.Minute) // the new link has a time of its own
		v, err = b.walks.Open(b.ctx, handle, by("phone"))
		b.page(sca.PageLogin, v, err)
		require.False(t, v.CanMove, "once is enough")
		v, err = b.walks.Answer(b.ctx, handle, by("phone"), sca.Answer{Device: true})
		b.page(sca.PageLogin, v, err)
		v, err = b.walks.Answer(b.ctx, handle, by("phone"), word("anna"))
		b.page(sca.PageConsent, v, err)
		v, err = b.walks.Open(b.ctx, started.Handle, by("desk"))
		b.page(sca.PageDevice, v, err)
		require.Empty(t, v.Handle, "taken up")
		_, err = b.walks.Open(b.ctx, handle, by("desk"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		v, err = b.walks.Answer(b.ctx, handle, by("phone"), sca.Answer{Approve: true})
		b.page(sca.PageFactor, v, err)
		v, err = b.walks.Answer(b.ctx, handle, by("phone"), word("right"))
		b.page(sca.PageEnded, v, err)
		require.Equal(t, "https://tpp.example/ok", v.ReturnTo)
		v, err = b.walks.Open(b.ctx, started.Handle, by("desk"))
		b.page(sca.PageEnded, v, err)
		require.Empty(t, v.ReturnTo, "the phone has gone back to the TPP")
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
	})
}

// TestNoOtherDeviceOnceLoggedIn keeps a run where its PSU has logged in.
func TestNoOtherDeviceOnceLoggedIn(t *testing.T) {
	b := setup(t, "sqlite")
	_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
	require.False(t, b.upTo(started.Handle, "anna").CanMove)
	v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Device: true})
	b.page(sca.PageConsent, v, err)
	_, started = b.create(dedicated("DE00ANNA"), service.Hint{})
	v, err = b.walks.Open(b.ctx, started.Handle, by("desk"))
	require.NoError(t, err)
	v, err = b.walks.Answer(b.ctx, started.Handle, by("desk"), sca.Answer{Device: true, Step: v.Step})
	require.NoError(t, err)
	b.advance(11 * time.Minute)
	for _, handle := range []string{started.Handle, v.Handle} {
		_, err = b.walks.Open(b.ctx, handle, by("desk"))
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
	}
}

// lateStore lets something happen between reading a run and changing it.
type lateStore struct {
	sca.Store

	meanwhile func()
}

func (s *lateStore) Run(ctx context.Context, handle consent.Digest) (*consent.Run, error) {
	r, err := s.Store.Run(ctx, handle)
	if s.meanwhile != nil {
		between := s.meanwhile
		s.meanwhile = nil
		between()
	}
	return r, err
}

// TestMoveAgainstAnswer keeps a run with the browser that has answered first.
func TestMoveAgainstAnswer(t *testing.T) {
	b := setup(t, "sqlite")
	_, started := b.create(dedicated("DE00ANNA"), service.Hint{})
	v, err := b.walks.Open(b.ctx, started.Handle, by("owner"))
	b.page(sca.PageLogin, v, err)
	store := &lateStore{Store: b.walks.Store}
	store.meanwhile = func() {
		_, err := b.walks.Answer(b.ctx, started.Handle, by("owner"), word("wrong"))
		require.Equal(t, consent.CodeCredentials, consent.CodeOf(err))
	}
	b.walks.Store = store
	_, err = b.walks.Answer(b.ctx, started.Handle, by("another"), sca.Answer{Device: true})
	require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
	v, err = b.walks.Answer(b.ctx, started.Handle, by("owner"), word("anna"))
	b.page(sca.PageConsent, v, err)
}
