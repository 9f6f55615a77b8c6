package points

import (
	"context"

	flow "consentd/pkg/sca"
)

// Flow reports before and after each call of f. What else f can do is found by
// Unwrap.
func Flow(f flow.Flow, reached func(Point)) flow.Flow { return decorated{flow: f, at: reached} }

type decorated struct {
	flow flow.Flow
	at   observer
}

var _ flow.Flow = decorated{}

// Unwrap is the flow whose calls are reported.
func (d decorated) Unwrap() flow.Flow { return d.flow }

// Start implements flow.Flow.
func (d decorated) Start(ctx context.Context, req flow.Request) (flow.Step, error) {
	defer d.at.around(flowCall(flowStart))()
	return d.flow.Start(ctx, req) //nolint:wrapcheck // the flow's own
}

// Continue implements flow.Flow.
func (d decorated) Continue(ctx context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	defer d.at.around(flowCall(in.Kind))()
	return d.flow.Continue(ctx, req, state, in) //nolint:wrapcheck // the flow's own
}

// Memory reports before and after each write of what flows keep of a PSU.
func Memory(s flow.Store, reached func(Point)) flow.Store {
	return memory{Store: s, at: reached}
}

type memory struct {
	flow.Store // reads
	at         observer
}

// Put implements flow.Store.
func (m memory) Put(ctx context.Context, psu, key string, value []byte) error {
	defer m.at.around(commitMemoryPut)()
	return m.Store.Put(ctx, psu, key, value) //nolint:wrapcheck // the store's own
}

// Swap implements flow.Store.
func (m memory) Swap(ctx context.Context, psu, key string, old, value []byte) (bool, error) {
	defer m.at.around(commitMemorySwap)()
	return m.Store.Swap(ctx, psu, key, old, value) //nolint:wrapcheck // the store's own
}
