// Package onqueue fits the queue to what a worker asks of it.
package onqueue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/queue"
	"github.com/ropewalk/ropewalk/rollout/worker"
)

// Queue is a connection to a run, as a worker sees it. Its other methods are
// the connection's own.
type Queue struct {
	*queue.Conn
	// Patience is how long a worker waits for a coordinator to set the run up.
	Patience time.Duration
}

var _ worker.Queue = (*Queue)(nil)

// New begins to listen for other workers, so that [Queue.Peers] soon knows them.
func New(conn *queue.Conn, patience time.Duration) *Queue {
	conn.Workers()
	return &Queue{Conn: conn, Patience: patience}
}

// Fetch gives leases as the worker's interface.
func (q *Queue) Fetch(ctx context.Context, n int, wait time.Duration) ([]worker.Lease, error) {
	got, err := q.Conn.Fetch(ctx, n, wait)
	leases := make([]worker.Lease, len(got))
	for i, l := range got {
		leases[i] = l
	}
	return leases, err
}

// PublishResult names the one refusal that repeating cannot cure.
func (q *Queue) PublishResult(ctx context.Context, r data.Rollout) (bool, error) {
	stored, err := q.Conn.PublishResult(ctx, r)
	if errors.Is(err, queue.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", worker.ErrUnstorable, err)
	}
	return stored, err
}

// Beat sends a heartbeat.
func (q *Queue) Beat(ctx context.Context, p worker.Presence) error {
	return q.Conn.Beat(ctx, queue.Presence{
		Worker: p.Worker, State: string(p.State), Version: p.Version, Running: p.Running, Engine: p.Engine, Model: p.Model,
		Fingerprint: p.Fingerprint, Done: p.Done, Tokens: p.Tokens, Problem: waits(p.Waiting), Left: p.Left,
	})
}

func waits(whom string) string {
	if whom == "" {
		return ""
	}
	return "waits for " + whom
}

// Peers are all workers that were heard of lately, this one included.
func (q *Queue) Peers() []worker.Presence {
	var out []worker.Presence
	for _, p := range q.Workers() {
		out = append(out, worker.Presence{Worker: p.Worker, State: worker.State(p.State), Version: p.Version, Model: p.Model, Fingerprint: p.Fingerprint})
	}
	return out
}

// WatchWeights waits until the run is set up: a fleet's workers may be there
// before its coordinator.
func (q *Queue) WatchWeights(ctx context.Context) (<-chan worker.Weights, error) {
	announced, err := q.watch(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan worker.Weights)
	go func() {
		defer close(out)
		for w := range announced {
			select {
			case out <- worker.Weights{Version: w.Version, Dir: w.Dir, SHA: w.SHA}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (q *Queue) watch(ctx context.Context) (<-chan queue.Weights, error) {
	for deadline := time.Now().Add(q.Patience); ; {
		announced, err := q.Conn.WatchWeights(ctx)
		if !errors.Is(err, queue.ErrNotSetUp) || time.Now().After(deadline) {
			return announced, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
