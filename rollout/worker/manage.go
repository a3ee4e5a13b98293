package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// manage owns the engine's weights: it alone loads, proves and opens the gate.
func (w *Worker) manage(ctx context.Context) error {
	weights, err := w.queue.WatchWeights(ctx)
	if err != nil {
		return fmt.Errorf("%w: watching for weights: %w", ErrQueueGone, err)
	}
	w.set(Idle, "the run's first weights")
	current, err := w.first(ctx, weights)
	if err != nil {
		return err
	}
	for {
		if current, err = w.install(ctx, current, weights); err != nil {
			return w.give(err)
		}
		if current, err = w.next(ctx, current, weights); err != nil {
			return w.give(err)
		}
	}
}

// next waits until something must be installed: other weights, or the same ones
// in an engine that had trouble.
func (w *Worker) next(ctx context.Context, current Weights, weights <-chan Weights) (Weights, error) {
	for {
		select {
		case <-ctx.Done():
			return current, context.Cause(ctx)
		case err := <-w.fatal:
			return current, err
		case next, ok := <-weights:
			if !ok {
				return current, fmt.Errorf("%w: the watch for weights ended", ErrQueueGone)
			}
			if next = newest(weights, next); next != current {
				return next, nil
			}
		case err := <-w.troubled:
			return current, w.recover(ctx, err)
		}
	}
}

// first waits for the run to announce weights.
func (w *Worker) first(ctx context.Context, weights <-chan Weights) (Weights, error) {
	select {
	case <-ctx.Done():
		return Weights{}, context.Cause(ctx)
	case <-time.After(w.o.WeightsTimeout):
		return Weights{}, fmt.Errorf("%w: the run announced none for %s", ErrNoWeights, w.o.WeightsTimeout)
	case next, ok := <-weights:
		if !ok {
			return Weights{}, fmt.Errorf("%w: the watch for weights ended", ErrQueueGone)
		}
		return newest(weights, next), nil
	}
}

// newest skips announcements that are superseded already.
func newest(weights <-chan Weights, next Weights) Weights {
	for {
		select {
		case later, ok := <-weights:
			if !ok {
				return next
			}
			next = later
		default:
			return next
		}
	}
}

// give records in the last heartbeat why the worker ends.
func (w *Worker) give(err error) error {
	w.gate.invalidate()
	switch {
	case errors.Is(err, engine.ErrStalled):
		w.set(Stalled, "a restart of its engine")
	case errors.Is(err, ErrEngineBad):
		w.set(Dirty, "a restart of its engine")
	case errors.Is(err, ErrEngineGone):
		w.set(EngineDown, "")
	}
	return err
}

// maxFlaps bounds how often an engine may die under one load.
const maxFlaps = 5

// install has the engine serve the weights, proven, and opens the gate. Where
// the folder is not there yet, or newer weights were announced meanwhile, it
// goes on with the newest; it returns those it installed.
func (w *Worker) install(ctx context.Context, next Weights, weights <-chan Weights) (Weights, error) {
	deadline := time.Now().Add(w.o.StartTimeout)
	proofs, flaps := 0, 0
	for {
		if err := w.fits(); err != nil {
			return next, err
		}
		w.gate.shut()
		err := w.loadAndProve(ctx, next)
		switch {
		case err == nil:
			w.gate.set(true, next.Version)
			w.set(Serving, "")
			return next, nil
		case ctx.Err() != nil:
			return next, context.Cause(ctx)
		case errors.Is(err, engine.ErrTokenizer):
			return next, fmt.Errorf("%w: %w", ErrRefused, err)
		case errors.Is(err, engine.ErrProbe), errors.Is(err, engine.ErrDirty):
			// What is in flight was drawn from weights that nobody knows.
			w.gate.invalidate()
			if proofs++; proofs == 2 {
				return next, fmt.Errorf("%w: version %d twice loaded in full: %w", ErrEngineBad, next.Version, err)
			}
			w.o.Log.Error("weights not proven, loading them once more", "version", next.Version, "err", err)
			continue
		case engine.Gone(err):
			if flaps++; flaps == maxFlaps {
				return next, fmt.Errorf("%w: it went away %d times while loading version %d: %w", ErrEngineBad, flaps, next.Version, err)
			}
			if err := w.recover(ctx, err); err != nil {
				return next, err
			}
			continue
		case time.Now().After(deadline):
			return next, fmt.Errorf("%w: version %d after %s: %w", ErrNoWeights, next.Version, w.o.StartTimeout, err)
		}
		w.o.Log.Warn("weights cannot be loaded yet", "version", next.Version, "err", err)
		w.set(Loading, fmt.Sprintf("the weights of version %d in %s", next.Version, next.Dir))
		select {
		case <-ctx.Done():
			return next, context.Cause(ctx)
		case later, ok := <-weights:
			if ok {
				next = newest(weights, later)
			}
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// fits refuses an engine whose tokenizer is not that of the workers already in
// the run. Its own weights' probe has the last word, where it holds prompts.
func (w *Worker) fits() error {
	if w.gate.current() >= 0 {
		return nil
	}
	for _, peer := range w.queue.Peers() {
		if peer.Worker != w.o.Name && peer.Version >= 0 && peer.Fingerprint != "" && peer.Fingerprint != w.info.Fingerprint {
			return fmt.Errorf("%w: its tokenizer has the fingerprint %s, worker %s serves the run with %s (%s): start the engine from the run's model",
				ErrRefused, w.info.Fingerprint, peer.Worker, peer.Fingerprint, peer.Model)
		}
	}
	return nil
}

// loadAndProve leaves the gate shut. Only a simulated engine may go unproven:
// it has no weights.
func (w *Worker) loadAndProve(ctx context.Context, next Weights) error {
	if w.info.Simulated && next.Dir == "" {
		return nil
	}
	began := time.Now()
	w.set(Loading, "its engine")
	if err := w.engine.Load(ctx, next.Dir); err != nil {
		return err
	}
	loaded := time.Now()
	w.set(Proving, "its engine")
	worst, err := engine.Prove(ctx, w.engine, next.Dir, w.o.Tolerance)
	if err != nil && !(w.info.Simulated && errors.Is(err, engine.ErrNoProbe)) {
		return err
	}
	w.o.Log.Info("weights proven", "version", next.Version, "worst_nats", worst,
		"load", loaded.Sub(began).Round(time.Millisecond), "proof", time.Since(loaded).Round(time.Millisecond))
	return w.checkTemperature(ctx)
}

// checkTemperature finds out once what the engine's log-probabilities are of.
func (w *Worker) checkTemperature(ctx context.Context) error {
	if w.info.Simulated || w.gate.current() >= 0 {
		return nil
	}
	ids, err := w.engine.Tokenize(ctx, data.Prompt{Text: "1+1="})
	if err != nil {
		return err
	}
	err = engine.CheckTemperature(ctx, w.engine, ids, nil)
	if errors.Is(err, engine.ErrRaw) {
		w.mu.Lock()
		w.raw = true
		w.mu.Unlock()
		w.o.Log.Warn("only temperature 1 can be served", "err", err)
		return nil
	}
	return err
}

// trouble says that the engine, not a request, is at fault. Nothing passes the
// gate until manage has dealt with it.
func (w *Worker) trouble(err error) {
	w.gate.invalidate()
	select {
	case w.troubled <- err:
	default:
	}
}

// recover waits for an engine that went away. Its weights must then be loaded
// and proven anew, whatever it serves.
func (w *Worker) recover(ctx context.Context, why error) error {
	w.gate.invalidate()
	w.o.Log.Error("engine trouble", "err", why)
	if errors.Is(why, engine.ErrStalled) {
		return fmt.Errorf("%w: %w", ErrEngineBad, why)
	}
	before := w.info
	if err := w.awaitEngine(ctx, EngineDown); err != nil {
		return err
	}
	info, err := w.engine.Info(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return w.recoverSoon(ctx, err)
	}
	if info.Fingerprint != before.Fingerprint || info.Simulated != before.Simulated {
		return fmt.Errorf("%w: it came back with the tokenizer fingerprint %s (simulated: %v), it had %s (%v)", ErrRefused, info.Fingerprint, info.Simulated, before.Fingerprint, before.Simulated)
	}
	w.mu.Lock()
	w.info = info
	w.mu.Unlock()
	// What was reported of the engine's last life is dealt with.
	select {
	case <-w.troubled:
	default:
	}
	return nil
}

// recoverSoon tries again after an engine that was there and is not.
func (w *Worker) recoverSoon(ctx context.Context, why error) error {
	if err := sleep(ctx, w.o.Health); err != nil {
		return err
	}
	return w.recover(ctx, why)
}

// awaitEngine waits, with a deadline, until the engine answers. A restarted one
// does; its weights are another matter.
func (w *Worker) awaitEngine(ctx context.Context, s State) error {
	w.set(s, "its engine")
	deadline := time.Now().Add(w.o.StartTimeout)
	for {
		err := w.engine.Healthy(ctx)
		if err == nil || errors.Is(err, engine.ErrRestarted) {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, engine.ErrNoTokenIDs) {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: it was not healthy for %s: %w", ErrEngineGone, w.o.StartTimeout, err)
		}
		if err := sleep(ctx, min(w.o.Health, 250*time.Millisecond)); err != nil {
			return err
		}
	}
}

// health asks the engine how it is. Busy is not trouble.
func (w *Worker) health(ctx context.Context) error {
	for {
		if err := sleep(ctx, w.o.Health); err != nil {
			return err
		}
		w.mu.Lock()
		serving := w.state == Serving
		w.mu.Unlock()
		if !serving {
			continue // manage talks to the engine itself
		}
		err := w.engine.Healthy(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case engine.Gone(err):
			w.trouble(err)
		default:
			w.o.Log.Warn("health check", "err", err)
		}
	}
}
