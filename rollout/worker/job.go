package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// errCancelled is the cause when nobody waits for the group any more.
var errCancelled = errors.New("the group was cancelled")

// errQueue is what trouble with the queue is: no reason to give a sample up.
var errQueue = errors.New("queue")

// errHeld is the cause when newer weights did not come in time.
var errHeld = errors.New("the weights it needs did not come")

// held is a job being worked on, under Worker.mu.
type held struct {
	lease Lease // the newest
	stop  context.CancelCauseFunc
}

// hold takes a job up, unless it is being worked on: then its lease had run out,
// as after a broken connection, and the new one takes the old one's place.
func (w *Worker) hold(l Lease, stop context.CancelCauseFunc) (*held, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	group := l.Job().Group
	if h := w.held[group]; h != nil {
		h.lease = l
		return h, false
	}
	h := &held{lease: l, stop: stop}
	w.held[group] = h
	return h, true
}

func (w *Worker) lease(h *held) Lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	return h.lease
}

// drop ends holding a job and gives its newest lease.
func (w *Worker) drop(group data.GroupID, h *held) Lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.held, group)
	return h.lease
}

// serve does one job and settles its lease.
func (w *Worker) serve(ctx context.Context, l Lease) {
	job := l.Job()
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	h, mine := w.hold(l, stop)
	if !mine {
		w.o.Log.Warn("the job came again while it was worked on: was its lease extended in time?", "group", job.Group, "deliveries", l.Deliveries())
		return
	}
	var extending sync.WaitGroup
	extending.Go(func() { w.extend(inner, h) })
	err := w.work(inner, job)
	if err != nil && inner.Err() != nil {
		err = context.Cause(inner)
	}
	if err != nil && ctx.Err() == nil {
		err = w.giveUp(inner, job, w.lease(h).Deliveries(), err)
	}
	stop(nil)
	extending.Wait()
	w.settle(ctx, w.drop(job.Group, h), err)
}

// extend keeps the lease while the job is worked on. It ends with the job,
// which trouble with the engine ends too.
func (w *Worker) extend(ctx context.Context, h *held) {
	for sleep(ctx, w.o.Extend) == nil {
		l := w.lease(h)
		if err := l.Extend(); err != nil && ctx.Err() == nil {
			// The result is safe all the same: the first of a slot wins.
			w.o.Log.Warn("lease not extended", "group", l.Job().Group, "err", err)
		}
	}
}

// settle tells the queue what became of the job, also when ctx has ended.
func (w *Worker) settle(ctx context.Context, l Lease, err error) {
	stopping := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	group := l.Job().Group
	var failed error
	switch {
	case err == nil, errors.Is(err, errCancelled):
		failed = l.Done(ctx)
	case stopping:
		failed = l.Retry(elsewhere, "the worker stops")
	case engine.Gone(err), errors.Is(err, errInvalid):
		w.o.Log.Warn("job given back", "group", group, "err", err)
		failed = l.Retry(elsewhere, err.Error())
	default:
		w.o.Log.Warn("job given back", "group", group, "deliveries", l.Deliveries(), "err", err)
		failed = l.Retry(w.o.Backoff<<min(l.Deliveries(), 6), err.Error())
	}
	if failed != nil {
		// The lease runs out by itself: the job comes again, done samples are known.
		w.o.Log.Warn("job not settled", "group", group, "err", failed)
	}
}

// giveUp ends the group's wait for samples that will not come: an error result
// for each, so that the group is complete. nil if it did.
func (w *Worker) giveUp(ctx context.Context, job data.Job, deliveries int, err error) error {
	final := errors.Is(err, engine.ErrTooLong) || errors.Is(err, ErrUnstorable)
	switch {
	case errors.Is(err, errCancelled), errors.Is(err, errHeld), errors.Is(err, errQueue), errors.Is(err, ErrRefused):
	case engine.Gone(err), errors.Is(err, errInvalid):
		final = deliveries > w.o.Crashes
	default:
		final = final || deliveries > w.o.Deliveries
	}
	if !final {
		return err
	}
	stored, failed := w.queue.Stored(ctx, job.Group, job.Size)
	if failed != nil {
		return errors.Join(err, failed)
	}
	for slot, there := range stored {
		if there {
			continue
		}
		w.o.Log.Error("sample given up", "rollout", data.NewRolloutID(job.Group, slot), "deliveries", deliveries, "err", err)
		r := w.rollout(job, slot)
		r.Finish, r.Err = data.FinishError, bounded(err.Error())
		if failed := w.publish(ctx, r); failed != nil {
			return errors.Join(err, failed)
		}
	}
	return nil
}

func bounded(s string) string {
	if len(s) > 1000 {
		return s[:1000] + "…"
	}
	return s
}

func (w *Worker) rollout(job data.Job, slot int) data.Rollout {
	w.mu.Lock()
	defer w.mu.Unlock()
	return data.Rollout{
		ID: data.NewRolloutID(job.Group, slot), Group: job.Group, Slot: slot,
		Model: w.info.Model, Worker: w.o.Name, Simulated: w.info.Simulated,
	}
}

// work has every missing sample of the job generated and published.
func (w *Worker) work(ctx context.Context, job data.Job) error {
	if err := w.acceptable(job); err != nil {
		return err
	}
	stored, err := w.queue.Stored(ctx, job.Group, job.Size)
	if err != nil {
		return fmt.Errorf("%w: asking which samples of %s are there: %w", errQueue, job.Group, err)
	}
	if _, err := w.admit(ctx, job); err != nil {
		return err
	}
	// With the engine gone the rest has no chance here: others may have it at once.
	ctx, abandon := context.WithCancelCause(ctx)
	defer abandon(nil)
	var all sync.WaitGroup
	errs := make(chan error, job.Size+1)
	for _, r := range split(stored, w.o.SamplesPerRequest) {
		// In order: earlier slots first, and of earlier jobs first.
		need := int64(min(r.n, w.o.Concurrency))
		if err := w.slots.Acquire(ctx, need); err != nil {
			errs <- context.Cause(ctx)
			break
		}
		all.Go(func() {
			defer w.slots.Release(need)
			err := w.request(ctx, job, r)
			if err == nil {
				return
			}
			errs <- err
			if engine.Gone(err) || errors.Is(err, errInvalid) {
				abandon(err)
			}
		})
	}
	all.Wait()
	close(errs)
	return worst(errs)
}

// worst prefers the error that decides about the job: an engine at fault before
// a sample that failed.
func worst(errs <-chan error) error {
	var first error
	for err := range errs {
		if first == nil || (!engine.Gone(first) && engine.Gone(err)) {
			first = err
		}
	}
	return first
}

// acceptable refuses jobs whose log-probabilities would be wrong: all jobs of a
// run are alike, so the worker ends.
func (w *Worker) acceptable(job data.Job) error {
	w.mu.Lock()
	raw := w.raw
	w.mu.Unlock()
	if !raw || job.Sampling.Temperature == 1 {
		return nil
	}
	err := fmt.Errorf("%w: the run samples at temperature %v: %w", ErrRefused, job.Sampling.Temperature, engine.ErrRaw)
	select {
	case w.fatal <- err:
	default:
	}
	return err
}

// admit waits at the gate for the weights the job needs. Giving it back instead
// would only have it come again.
func (w *Worker) admit(ctx context.Context, job data.Job) (ticket, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.o.Hold, fmt.Errorf("%w: version %d within %s", errHeld, job.MinVersion, w.o.Hold))
	defer cancel()
	return w.gate.pass(ctx, job.MinVersion)
}

// slice is n adjacent slots from first on.
type slice struct{ first, n int }

// split covers the slots that are not stored with requests of at most size
// adjacent ones, for the engine counts seeds up within a request.
func split(stored []bool, size int) []slice {
	var out []slice
	for slot, there := range stored {
		last := len(out) - 1
		switch {
		case there:
		case last >= 0 && out[last].first+out[last].n == slot && out[last].n < size:
			out[last].n++
		default:
			out = append(out, slice{slot, 1})
		}
	}
	return out
}
