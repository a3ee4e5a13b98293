// Package worker is the loop beside one inference engine. It proves the
// engine's weights, takes jobs while the engine has room, has each missing
// sample generated, and publishes each as its own result as soon as it is done.
//
// Who waits for whom:
//
//	manage   the only goroutine that loads weights; waits for announcements and for trouble
//	health   asks the engine how it is; reports trouble to manage
//	beat     tells the run what the worker does
//	fetch    waits for room, then for jobs
//	serve    one per job; its requests wait for free slots, then at the gate
//
// Jobs reach the engine only through the gate, which is open while the engine
// serves weights that the probe has proven.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Options shape a worker. Zero values choose the defaults.
type Options struct {
	Name              string
	Concurrency       int           // samples in the engine at a time; default 64
	SamplesPerRequest int           // samples of a group in one request; default 1
	Tolerance         float64       // of the probe, in nats; 0 chooses by dtype
	StartTimeout      time.Duration // for the engine to start or return; default 10m
	WeightsTimeout    time.Duration // for the first weights; default 30m
	QueueTimeout      time.Duration // for a queue that takes no heartbeat; default 10m
	Hold              time.Duration // a job waits here so long for newer weights; default 30s
	Beat              time.Duration // between heartbeats; default 2s
	Health            time.Duration // between health checks; default 1s
	Extend            time.Duration // between extensions of a lease; default 10s
	Attempts          int           // at a sample, per delivery; default 3
	Backoff           time.Duration // before the second attempt, doubling; default 100ms
	Deliveries        int           // after so many a sample that fails is given up; default 3
	// Crashes bounds deliveries of a job under which engines go down: it may be
	// what brings them down; default 20.
	Crashes int
	Log     *slog.Logger
}

func (o *Options) setDefaults() {
	set(&o.Name, "worker")
	set(&o.Concurrency, 64)
	set(&o.SamplesPerRequest, 1)
	set(&o.StartTimeout, 10*time.Minute)
	set(&o.WeightsTimeout, 30*time.Minute)
	set(&o.QueueTimeout, 10*time.Minute)
	set(&o.Hold, 30*time.Second)
	set(&o.Beat, 2*time.Second)
	set(&o.Health, time.Second)
	set(&o.Extend, 10*time.Second)
	set(&o.Attempts, 3)
	set(&o.Backoff, 100*time.Millisecond)
	set(&o.Deliveries, 3)
	set(&o.Crashes, 20)
	set(&o.Log, slog.New(slog.DiscardHandler))
}

func set[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Errors that end a worker.
var (
	// ErrEngineGone: the engine did not start, or did not return, in time.
	ErrEngineGone = errors.New("the engine cannot be reached")
	// ErrEngineBad: the engine hangs or its weights cannot be proven. Only a new
	// engine process helps.
	ErrEngineBad = errors.New("the engine must be restarted")
	// ErrRefused: this engine is not one for this run.
	ErrRefused = errors.New("this engine does not fit the run")
	// ErrQueueGone: the queue takes no heartbeats any more.
	ErrQueueGone = errors.New("the queue cannot be reached")
	// ErrUnstorable is for the queue to say: it takes a result of this kind never.
	ErrUnstorable = errors.New("the queue does not take this result")
	// ErrNoWeights: no weights were announced, or none could be found, in time.
	ErrNoWeights = errors.New("no weights to serve")
)

// Worker is the loop beside one engine.
type Worker struct {
	queue  Queue
	engine engine.Engine
	o      Options

	info     engine.Info
	gate     *gate
	slots    *semaphore.Weighted
	room     *room
	troubled chan error // to manage; holds the first that it has not seen
	fatal    chan error // from jobs; holds the first
	jobs     sync.WaitGroup

	mu      sync.Mutex
	state   State
	waiting string
	running int // samples in the engine
	done    int64
	tokens  int64
	held    map[data.GroupID]*held
	raw     bool // log-probabilities are before the temperature
}

// New makes a worker; Run runs it.
func New(q Queue, e engine.Engine, o Options) *Worker {
	o.setDefaults()
	return &Worker{
		queue: q, engine: e, o: o,
		gate: newGate(), slots: semaphore.NewWeighted(int64(o.Concurrency)), room: newRoom(o.Concurrency),
		troubled: make(chan error, 1), fatal: make(chan error, 1),
		state: Starting, waiting: "its engine", held: map[data.GroupID]*held{},
	}
}

// Run works until ctx ends, and then gives its jobs back within seconds and
// returns nil; or until it cannot go on.
func (w *Worker) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return w.beat(inner) })
	group.Go(func() error {
		if err := w.start(inner); err != nil {
			return err
		}
		if err := w.listen(inner); err != nil {
			return err
		}
		group.Go(func() error { return w.health(inner) })
		group.Go(func() error { return w.fetch(inner) })
		return w.manage(inner)
	})
	err := group.Wait()
	w.jobs.Wait()
	if ctx.Err() != nil {
		err = nil
		w.set(Stopping, "")
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	goodbye := w.presence()
	goodbye.Left = true
	if failed := w.queue.Beat(last, goodbye); failed != nil {
		w.o.Log.Warn("the last heartbeat was not taken", "err", failed)
	}
	return err
}

// start waits for the engine and asks what it is.
func (w *Worker) start(ctx context.Context) error {
	if err := w.awaitEngine(ctx, Starting); err != nil {
		return err
	}
	info, err := w.engine.Info(ctx)
	if errors.Is(err, engine.ErrNoTokenIDs) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEngineGone, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.info = info
	w.o.Log.Info("engine ready", "engine", info.Name, "version", info.Version, "model", info.Model,
		"context", info.MaxModelLen, "fingerprint", info.Fingerprint, "simulated", info.Simulated)
	return nil
}

// listen begins to answer the coordinator. Tokenising needs no weights.
func (w *Worker) listen(ctx context.Context) error {
	if err := w.queue.ServeTokenize(ctx, w.tokenize); err != nil {
		return fmt.Errorf("%w: %w", ErrQueueGone, err)
	}
	if err := w.queue.OnCancel(ctx, w.cancel); err != nil {
		return fmt.Errorf("%w: %w", ErrQueueGone, err)
	}
	return nil
}

// tokenizing bounds the prompts of one question that are in the engine at once.
const tokenizing = 8

func (w *Worker) tokenize(ctx context.Context, prompts []data.Prompt) ([][]int32, error) {
	out := make([][]int32, len(prompts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(tokenizing)
	for i, p := range prompts {
		group.Go(func() (err error) {
			out[i], err = w.engine.Tokenize(ctx, p)
			return err
		})
	}
	return out, group.Wait()
}

func (w *Worker) set(s State, waiting string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != s {
		w.o.Log.Debug("state", "from", w.state, "to", s, "waiting_for", waiting)
	}
	w.state, w.waiting = s, waiting
}

func (w *Worker) presence() Presence {
	version := w.gate.current()
	w.mu.Lock()
	defer w.mu.Unlock()
	return Presence{
		Worker: w.o.Name, Engine: w.info.Name + " " + w.info.Version, Model: w.info.Model, Fingerprint: w.info.Fingerprint,
		State: w.state, Version: version, Running: w.running, Done: w.done, Tokens: w.tokens, Waiting: w.waiting,
	}
}

// cancel stops work on groups that nobody waits for.
func (w *Worker) cancel(groups []data.GroupID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, group := range groups {
		if h := w.held[group]; h != nil {
			h.stop(errCancelled)
		}
	}
}

// beat tells the run what the worker does. A queue that is away is waited for.
func (w *Worker) beat(ctx context.Context) error {
	last := time.Now()
	for {
		bounded, cancel := context.WithTimeout(ctx, max(w.o.Beat, time.Second))
		err := w.queue.Beat(bounded, w.presence())
		cancel()
		if err == nil {
			last = time.Now()
		} else if ctx.Err() == nil {
			w.o.Log.Warn("heartbeat not taken", "err", err)
			if time.Since(last) > w.o.QueueTimeout {
				return fmt.Errorf("%w: no heartbeat taken for %s: %w", ErrQueueGone, w.o.QueueTimeout, err)
			}
		}
		if err := sleep(ctx, w.o.Beat); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
