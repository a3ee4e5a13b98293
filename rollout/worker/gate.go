package worker

import (
	"context"
	"errors"
	"sync"
)

// errInvalid ends requests whose engine turned out not to serve the weights
// they were sent for.
var errInvalid = errors.New("the engine's weights became unknown while it worked on this")

// gate stands between jobs and the engine. It is open while the engine serves
// proven weights. Samples pass it twice: before they are asked for and before
// they are published.
type gate struct {
	mu      sync.Mutex
	open    bool
	version int
	changed chan struct{} // closed and replaced at every change
	// epoch ends when the weights become unknown. A load that is proven does not
	// end it: samples may span versions, but not strangers.
	epoch context.Context
	end   context.CancelCauseFunc
}

// ticket is what passing the gate tells.
type ticket struct {
	version int
	epoch   context.Context
}

func newGate() *gate {
	g := &gate{version: -1, changed: make(chan struct{})}
	g.epoch, g.end = context.WithCancelCause(context.Background())
	return g
}

// pass waits until the gate is open with at least the version.
func (g *gate) pass(ctx context.Context, version int) (ticket, error) {
	for {
		g.mu.Lock()
		t, ok, changed := ticket{g.version, g.epoch}, g.open && g.version >= version, g.changed
		g.mu.Unlock()
		if ok {
			return t, ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ticket{}, context.Cause(ctx)
		}
	}
}

// set opens the gate for a version or, with open false, shuts it.
func (g *gate) set(open bool, version int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.version = open, version
	close(g.changed)
	g.changed = make(chan struct{})
}

// shut keeps what is in flight.
func (g *gate) shut() { g.set(false, g.current()) }

// invalidate shuts the gate and cancels what is in flight.
func (g *gate) invalidate() {
	g.shut()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(errInvalid)
	g.epoch, g.end = context.WithCancelCause(context.Background())
}

func (g *gate) current() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.version
}
