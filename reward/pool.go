package reward

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// ErrPoolClosed is returned for work brought to a closed [Pool].
var ErrPoolClosed = errors.New("grading pool is closed")

// DefaultDeadline is a pool's last guard of one answer when none is given.
const DefaultDeadline = 10 * time.Second

// queuePerWorker bounds the answers that wait for each worker.
const queuePerWorker = 4

// Pool grades with a fixed number of workers. Verdicts come in the order in
// which they are ready, not in that of the work.
type Pool struct {
	set      *Set
	deadline time.Duration
	work     chan task
	workers  sync.WaitGroup

	mu     sync.RWMutex // held for reading while bringing work, for writing to close
	closed bool
}

type task struct {
	ctx      context.Context
	problem  *data.Problem
	response string
	done     func(data.Verdict)
}

// NewPool starts workers goroutines (at least 1). deadline bounds one answer;
// 0 or less means [DefaultDeadline], so that no grader holds a worker for ever.
func NewPool(set *Set, workers int, deadline time.Duration) *Pool {
	workers = max(workers, 1)
	if deadline <= 0 {
		deadline = DefaultDeadline
	}
	p := &Pool{set: set, deadline: deadline, work: make(chan task, workers*queuePerWorker)}
	p.workers.Add(workers)
	for range workers {
		go p.run()
	}
	return p
}

func (p *Pool) run() {
	defer p.workers.Done()
	for t := range p.work {
		t.done(p.set.Grade(t.ctx, t.problem, t.response, p.deadline))
	}
}

// Submit brings one answer and returns when there is room for it. If it returns
// nil, done is called exactly once, from a worker, with the verdict; if ctx
// ends first the verdict is data.Error. done must not block for long: it holds
// the worker. If Submit returns an error (ctx ended while the queue was full,
// or [ErrPoolClosed]), done is never called.
func (p *Pool) Submit(ctx context.Context, problem *data.Problem, response string, done func(data.Verdict)) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return ErrPoolClosed
	}
	select {
	case p.work <- task{ctx, problem, response, done}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Grade is Submit with a channel, which gives the one verdict and is buffered,
// so that nobody need read it.
func (p *Pool) Grade(ctx context.Context, problem *data.Problem, response string) (<-chan data.Verdict, error) {
	got := make(chan data.Verdict, 1)
	err := p.Submit(ctx, problem, response, func(v data.Verdict) { got <- v })
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Close refuses new work, waits until all that was accepted is graded, and may
// be called again.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.work)
	}
	p.mu.Unlock()
	p.workers.Wait()
}
