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

// request asks for adjacent samples. What is missing after a failure is asked
// for one by one, so that a sample that fails for good costs no other.
func (w *Worker) request(ctx context.Context, job data.Job, r slice) error {
	done, err := w.once(ctx, job, r)
	if err == nil || hopeless(ctx, err) {
		return err
	}
	var first error
	for i := range r.n {
		if done[i] {
			continue
		}
		if err := w.single(ctx, job, r.first+i, err); err != nil {
			if hopeless(ctx, err) {
				return err
			}
			first = err
		}
	}
	return first
}

// single repeats one sample up to the number of attempts; the first is behind it.
func (w *Worker) single(ctx context.Context, job data.Job, slot int, err error) error {
	for attempt := 1; attempt < w.o.Attempts; attempt++ {
		if engine.Refused(err) {
			return err // the engine has said no to these very words
		}
		w.o.Log.Debug("trying again", "rollout", data.NewRolloutID(job.Group, slot), "attempt", attempt+1, "err", err)
		if err := sleep(ctx, w.o.Backoff<<min(attempt-1, 6)); err != nil {
			return err
		}
		if _, err = w.once(ctx, job, slice{slot, 1}); err == nil || hopeless(ctx, err) {
			return err
		}
	}
	return fmt.Errorf("%s failed %d times: %w", data.NewRolloutID(job.Group, slot), w.o.Attempts, err)
}

// hopeless says that trying again here is no use.
func hopeless(ctx context.Context, err error) bool {
	return ctx.Err() != nil || engine.Gone(err) || errors.Is(err, errInvalid) || errors.Is(err, errHeld) || errors.Is(err, errQueue) || errors.Is(err, ErrUnstorable) || errors.Is(err, engine.ErrTooLong)
}

// once sends one request and publishes its samples as they come. done says
// which are.
func (w *Worker) once(ctx context.Context, job data.Job, r slice) (done []bool, err error) {
	done = make([]bool, r.n)
	pass, err := w.admit(ctx, job)
	if err != nil {
		return done, err
	}
	asked, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(pass.epoch, func() { stop(errInvalid) })()

	var publishing sync.WaitGroup
	var mu sync.Mutex
	var failed error
	w.count(r.n)
	left := r.n
	err = w.engine.Generate(asked, engine.Request{
		ID: string(data.NewRolloutID(job.Group, r.first)), PromptIDs: job.PromptIDs, N: r.n, Seed: job.Seed + int64(r.first),
		Sampling: job.Sampling, Hint: job.Hint,
	}, func(s engine.Sample) {
		w.count(-1)
		left--
		publishing.Go(func() {
			err := w.deliver(asked, job, r.first+s.Index, s, pass)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done[s.Index] = true
			} else if failed == nil {
				failed = err
			}
		})
	})
	w.count(-left)
	publishing.Wait()
	if err != nil && asked.Err() != nil {
		err = context.Cause(asked)
	}
	if err != nil && engine.Gone(err) {
		w.trouble(err)
	}
	if err == nil {
		err = failed
	}
	return done, err
}

func (w *Worker) count(samples int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running += samples
}

// deliver publishes a sample. While weights are being loaded it waits for their
// proof; if they became unknown since it was asked for, it is not one.
func (w *Worker) deliver(ctx context.Context, job data.Job, slot int, s engine.Sample, asked ticket) error {
	now, err := w.gate.pass(ctx, 0)
	if err != nil {
		return err
	}
	if asked.epoch.Err() != nil {
		return errInvalid
	}
	r := w.rollout(job, slot)
	r.CompletionIDs, r.Logprobs, r.Text, r.Finish = s.IDs, s.Logprobs, s.Text, s.Finish
	r.VersionOldest, r.VersionNewest = asked.version, max(asked.version, now.version)
	if err := r.Check(); err != nil {
		return err
	}
	return w.publish(ctx, r)
}

// publishFor bounds how long a result is offered to a queue that is away: the
// sample is then drawn again, from the same seed.
const publishFor = 2 * time.Minute

// publish stores a result, however often the queue must be asked.
func (w *Worker) publish(ctx context.Context, r data.Rollout) error {
	deadline := time.Now().Add(publishFor)
	for wait := w.o.Backoff; ; wait = min(2*wait, 5*time.Second) {
		stored, err := w.queue.PublishResult(ctx, r)
		if err == nil {
			if !stored {
				w.o.Log.Debug("already there", "rollout", r.ID)
				return nil
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.done++
			w.tokens += int64(len(r.CompletionIDs))
			return nil
		}
		if errors.Is(err, ErrUnstorable) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: publishing %s: %w", errQueue, r.ID, err)
		}
		w.o.Log.Warn("result not stored, trying again", "rollout", r.ID, "err", err)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}
