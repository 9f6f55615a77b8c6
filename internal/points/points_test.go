package points_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/points"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/payments"
	"consentd/internal/service/sca"
	"consentd/internal/service/staging"
	flow "consentd/pkg/sca"
)

// recorder keeps what is reported.
type recorder struct{ got []points.Point }

func (r *recorder) reached(p points.Point) { r.got = append(r.got, p) }

func (r *recorder) taken() []points.Point {
	defer func() { r.got = nil }()
	return r.got
}

// calls calls a method with zero values on a port behind which there is nothing.
func calls(method reflect.Value) {
	defer func() { _ = recover() }()
	args := make([]reflect.Value, method.Type().NumIn())
	for i := range args {
		args[i] = reflect.Zero(method.Type().In(i))
	}
	method.Call(args)
}

// TestEveryWriteIsAPoint calls each method of each port: it reports two points
// that no other one does, or is known to read.
func TestEveryWriteIsAPoint(t *testing.T) {
	var r recorder
	var seen []points.Point
	for _, port := range []struct {
		decorated any
		reads     []string
	}{
		{points.Consents(struct{ consents.Store }{}, r.reached), []string{"Due", "Get", "Status"}},
		{points.Forwards(forwarder{}, r.reached), nil},
		{points.Grants(struct{ connections.Store }{}, r.reached), []string{"PairByAccess", "PairByCode", "PairByRefresh", "RequestByCallback", "RequestByCode"}},
		{points.Runs(struct{ sca.Store }{}, r.reached), []string{"Blocked", "Get", "Run", "RunByID", "RunOf"}},
		{points.Guesses(struct{ sca.Guesses }{}, r.reached), []string{"Locked"}},
		{points.Identities(struct{ sca.Identities }{}, r.reached), []string{"BankIDs"}},
		{points.Memory(struct{ flow.Store }{}, r.reached), []string{"Get"}},
		{points.Staging(struct{ staging.Store }{}, r.reached), []string{"BankIDs", "Entries", "Get", "References", "Staged", "StagedInSight"}},
		{points.Payments(struct{ payments.Store }{}, r.reached), []string{"Payments"}},
	} {
		// The interface's methods, which its decorator has as well.
		v := reflect.ValueOf(port.decorated)
		for i := range v.NumMethod() {
			name := v.Type().Method(i).Name
			calls(v.Method(i))
			got := r.taken()
			switch {
			case slices.Contains(port.reads, name):
				require.Empty(t, got, "%v.%s reads", v.Type(), name)
			case name == "Forward": // in its midst as well
				require.Equal(t, []points.Point{
					"commit.forward.before", "commit.forward-in.before", "commit.forward-in.after", "commit.forward.after",
				}, got)
			case name == "Claim": // its end is reported where it found something
				require.Equal(t, []points.Point{"commit.claim.before"}, got)
			default:
				require.Len(t, got, 2, "%v.%s: decorate it, or name it among those that read", v.Type(), name)
				require.Equal(t, strings.TrimSuffix(string(got[0]), ".before"), strings.TrimSuffix(string(got[1]), ".after"))
			}
			seen = append(seen, got...)
		}
	}
	want := slices.DeleteFunc(points.All(), func(p points.Point) bool {
		return strings.HasPrefix(string(p), "flow.") || p == "commit.claim.after"
	})
	require.ElementsMatch(t, want, seen)
}

// forwarder has nothing that stands.
type forwarder struct{}

func (forwarder) Forward(_ context.Context, _ consents.Forwarding, change func(consents.Stands) (*consent.Consent, error)) error {
	_, err := change(consents.Stands{})
	return err
}

// claimer has as many waiting runs as it says.
type claimer struct {
	sca.Store
	waiting int
}

func (c claimer) Claim(context.Context, time.Time, time.Time, int) ([]uuid.UUID, error) {
	return make([]uuid.UUID, c.waiting), nil
}

func TestClaimReportsItsEndWhereItFoundSomething(t *testing.T) {
	var r recorder
	for waiting, want := range map[int][]points.Point{
		0: {"commit.claim.before"},
		2: {"commit.claim.before", "commit.claim.after"},
	} {
		ids, err := points.Runs(claimer{waiting: waiting}, r.reached).Claim(t.Context(), time.Time{}, time.Time{}, 8)
		require.NoError(t, err)
		require.Len(t, ids, waiting)
		require.Equal(t, want, r.taken())
	}
}

var errBroken = errors.New("broken")

// plain is a flow that hands back what it is given.
type plain struct{}

func (plain) Start(_ context.Context, req flow.Request) (flow.Step, error) {
	return flow.Step{Message: req.RunID}, nil
}

func (plain) Continue(_ context.Context, _ flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	return flow.Step{State: state, Message: string(in.Kind)}, errBroken
}

type ownPages struct{ plain }

func TestFlow(t *testing.T) {
	var r recorder
	f := points.Flow(plain{}, r.reached)
	step, err := f.Start(t.Context(), flow.Request{RunID: "run"})
	require.NoError(t, err)
	require.Equal(t, "run", step.Message)
	seen := r.taken()
	require.Equal(t, []points.Point{"flow.start.before", "flow.start.after"}, seen)
	for _, kind := range []flow.Kind{flow.Form, flow.Approved, flow.Returned, flow.Callback, flow.Poll, flow.Cancel} {
		step, err := f.Continue(t.Context(), flow.Request{}, []byte("state"), flow.Input{Kind: kind})
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, flow.Step{State: []byte("state"), Message: string(kind)}, step)
		require.Equal(t, []points.Point{points.Point("flow." + kind + ".before"), points.Point("flow." + kind + ".after")}, r.got)
		seen = append(seen, r.taken()...)
	}
	require.ElementsMatch(t, seen, slices.DeleteFunc(points.All(), func(p points.Point) bool {
		return !strings.HasPrefix(string(p), "flow.")
	}))

	wrapped, ok := points.Flow(ownPages{}, r.reached).(interface{ Unwrap() flow.Flow })
	require.True(t, ok)
	require.Equal(t, ownPages{}, wrapped.Unwrap(), "what else a flow can do is found")
}
