package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ropewalk/ropewalk/data"
)

// keeper is the coordinator's copy of the open jobs. They follow from the run's
// seed and ledger, so the server holds them in memory only, which spares two of
// the three fsyncs of a sample; when a server has come back without them, the
// keeper puts them in again. A coordinator that comes back publishes its open jobs
// anyway.
type keeper struct {
	mu      sync.Mutex
	open    map[data.GroupID]*openJob
	created time.Time     // of the stream that the open jobs are in; zero before Setup
	wake    chan struct{} // holds one token after a reconnection
}

// openJob is a published job whose results are not all known.
type openJob struct {
	payload []byte
	stored  []bool // by slot
	left    int
}

// keepCheck is how often the stream of jobs is looked after when nothing happened
// to the connection.
const keepCheck = 10 * time.Second

func (k *keeper) add(job *data.Job, payload []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open == nil {
		k.open = map[data.GroupID]*openJob{}
	}
	if known := k.open[job.Group]; known != nil && len(known.stored) == job.Size {
		known.payload = payload
		return
	}
	k.open[job.Group] = &openJob{payload: payload, stored: make([]bool, job.Size), left: job.Size}
}

// result closes a job with the last of its results.
func (k *keeper) result(g data.GroupID, slot int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	job := k.open[g]
	if job == nil || slot >= len(job.stored) || job.stored[slot] {
		return
	}
	job.stored[slot] = true
	if job.left--; job.left == 0 {
		delete(k.open, g)
	}
}

func (k *keeper) remove(groups []data.GroupID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range groups {
		delete(k.open, g)
	}
}

func (k *keeper) jobs() map[data.GroupID]*openJob {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.open)
}

// same reports whether a stream is the one that the open jobs are in.
func (k *keeper) same(created time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.created.Equal(created)
}

func (k *keeper) settle(created time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.created = created
}

// keep looks after the stream of jobs until the connection is closed.
func (c *Conn) keep() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-c.closed
		cancel()
	}()
	tick := time.NewTicker(keepCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-c.jobs.wake:
		}
		if err := c.retry(ctx, "looking after the jobs", c.restore); err != nil && ctx.Err() == nil {
			c.log.Error("the jobs in the queue may be lost", "error", err)
		}
	}
}

// restore makes the stream of jobs, and puts the open ones into it, if the server
// has lost it.
func (c *Conn) restore(ctx context.Context) error {
	stream, err := c.js.Stream(ctx, c.names.jobs())
	if err == nil && c.jobs.same(stream.CachedInfo().Created) {
		return nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	created, err := c.openJobs(ctx)
	if err != nil {
		return err
	}
	open := c.jobs.jobs()
	for _, g := range slices.Sorted(maps.Keys(open)) {
		if _, err := c.publishOnce(ctx, c.names.jobs(), c.names.job(g), open[g].payload); err != nil {
			return fmt.Errorf("job %s: %w", g, err)
		}
	}
	c.jobs.settle(created)
	c.log.Info("the NATS server had lost its memory: open jobs are in the queue again", "jobs", len(open))
	return nil
}

// openJobs makes or checks the stream of jobs and its consumer.
func (c *Conn) openJobs(ctx context.Context) (created time.Time, err error) {
	if err := c.ensure(ctx, c.jobStream()); err != nil {
		return time.Time{}, err
	}
	stream, err := c.js.Stream(ctx, c.names.jobs())
	if err != nil {
		return time.Time{}, err
	}
	_, err = c.openConsumer(ctx)
	return stream.CachedInfo().Created, err
}
