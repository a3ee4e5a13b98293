package rsa

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// errSample marks an error about one sample: it is recorded as failed, and the
// run goes on.
var errSample = errors.New("sample failed")

// ErrRefused is wrapped when an engine refuses every request, whatever it asks:
// wrong model name, no such route, no permission.
var ErrRefused = errors.New("the engine refuses to work")

// ErrNothingWorks is wrapped when the first samples all fail: nothing of them is
// stored, so that a run against a mended engine asks again.
var ErrNothingWorks = errors.New("every sample failed so far")

// troubled reports whether err is the engine's trouble and worth another try.
func troubled(err error) bool {
	var status *engine.StatusError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, engine.ErrTooLong), errors.Is(err, engine.ErrFailed):
		return false
	case errors.As(err, &status):
		return status.Code >= 500 || status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout
	}
	return !errors.Is(err, errOtherModel)
}

// final sorts an error that is not worth another try.
func final(name string, err error) error {
	var status *engine.StatusError
	if errors.As(err, &status) {
		switch status.Code {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
			return fmt.Errorf("%w: %s: %w", errSample, name, err)
		}
		return fmt.Errorf("%w: %s: %w", ErrRefused, name, err)
	}
	if errors.Is(err, engine.ErrTooLong) || errors.Is(err, engine.ErrFailed) {
		return fmt.Errorf("%w: %s: %w", errSample, name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// ofSample reports whether err is about one sample only.
func ofSample(err error) bool {
	return errors.Is(err, errSample) || errors.Is(err, rollout.ErrTooLong)
}

// tooLong reports whether a prompt, and not the engine, is why a sample failed.
func tooLong(err error) bool {
	return errors.Is(err, rollout.ErrTooLong) || errors.Is(err, engine.ErrTooLong)
}

// gate is the way into the store. Failures wait in it until a sample succeeds:
// if the first patience samples all fail, the engine is at fault and the run
// ends with nothing stored of them.
type gate struct {
	store    Store
	patience int

	mu   sync.Mutex
	open bool
	held []*Record
}

// keep stores a record, or holds it back. blameless failures pass at once.
func (g *gate) keep(r *Record, blameless bool) error {
	g.mu.Lock()
	if g.open || blameless {
		g.mu.Unlock()
		return g.store.Put(r)
	}
	defer g.mu.Unlock()
	if r.completed() {
		g.open = true
		return errors.Join(g.release(), g.store.Put(r))
	}
	if g.held = append(g.held, r); len(g.held) >= g.patience {
		return g.nothingWorks()
	}
	return nil
}

// release stores what is held.
func (g *gate) release() error {
	var err error
	for _, r := range g.held {
		err = errors.Join(err, g.store.Put(r))
	}
	g.held = nil
	return err
}

// finish reports, at the end of a run, failures that are still held.
func (g *gate) finish() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.held) == 0 {
		return nil
	}
	return g.nothingWorks()
}

func (g *gate) nothingWorks() error {
	return fmt.Errorf("%w: %d of %d; the last: %s", ErrNothingWorks, len(g.held), len(g.held), g.held[len(g.held)-1].Err)
}

var errOtherModel = errors.New("the restarted engine serves another model")

// checked asks a renewed engine, before its first work, whether it is still the
// one that the run was started with.
type checked struct {
	engine.Engine
	want engine.Info
	name string
	mu   sync.Mutex
	good bool
}

func (c *checked) verify(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good {
		return nil
	}
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	if err := alike(c.want, info); err != nil {
		return fmt.Errorf("%w: %s: %w", errOtherModel, c.name, err)
	}
	c.good = true
	return nil
}

// Generate asks once it is verified.
func (c *checked) Generate(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	if err := c.verify(ctx); err != nil {
		return err
	}
	return c.Engine.Generate(ctx, r, got)
}

// Tokenize asks once it is verified.
func (c *checked) Tokenize(ctx context.Context, p data.Prompt) ([]int32, error) {
	if err := c.verify(ctx); err != nil {
		return nil, err
	}
	return c.Engine.Tokenize(ctx, p)
}
