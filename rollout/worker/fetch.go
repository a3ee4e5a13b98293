package worker

import (
	"context"
	"sync"
	"time"
)

// room counts the samples of leased jobs against the engine's capacity. The
// last job fetched may exceed it: its samples then wait here, so that a slot
// that comes free is filled without asking the queue.
type room struct {
	mu       sync.Mutex
	capacity int
	leased   int
	typical  int // samples of the last job
	freed    chan struct{}
}

func newRoom(capacity int) *room {
	return &room{capacity: capacity, typical: 1, freed: make(chan struct{}, 1)}
}

// jobs waits for room and says how many jobs fit.
func (r *room) jobs(ctx context.Context) (int, error) {
	for {
		r.mu.Lock()
		free, typical := r.capacity-r.leased, r.typical
		r.mu.Unlock()
		if free > 0 {
			return (free + typical - 1) / typical, nil
		}
		select {
		case <-r.freed:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

func (r *room) add(samples int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leased += samples
	r.typical = max(1, samples)
}

func (r *room) remove(samples int) {
	r.mu.Lock()
	r.leased -= samples
	r.mu.Unlock()
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// fetch takes jobs while there is room and the gate is open.
func (w *Worker) fetch(ctx context.Context) error {
	for {
		n, err := w.room.jobs(ctx)
		if err != nil {
			return err
		}
		if _, err := w.gate.pass(ctx, 0); err != nil {
			return err
		}
		leases, err := w.queue.Fetch(ctx, n, fetchWait)
		for _, l := range leases {
			size := l.Job().Size
			w.room.add(size)
			w.jobs.Go(func() {
				defer w.room.remove(size)
				w.serve(ctx, l)
			})
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			w.o.Log.Warn("no jobs from the queue", "err", err)
			if err := sleep(ctx, time.Second); err != nil {
				return err
			}
		}
	}
}

// fetchWait is how long the queue may keep a request for jobs.
const fetchWait = time.Second

// elsewhere delays what is given back for others, until no request for jobs of
// ours is left with the queue: it would have the job come back here, where it
// cannot be done, or to a connection that is closed.
const elsewhere = fetchWait + 200*time.Millisecond
