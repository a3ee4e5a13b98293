package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ropewalk/ropewalk/data"
)

// Publish queues a job, once per group while it is open, until the server has
// it or ctx ends. A job that is done can be published again. Should the server lose
// it, the connection that published it puts it in again, for as long as it is open
// and has not handed over all of the job's results.
func (c *Conn) Publish(ctx context.Context, job data.Job) error {
	what := "publishing job " + job.Group.String()
	payload, err := encodeJob(&job)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.jobs.add(&job, payload)
	_, err = c.putOnce(ctx, what, c.names.jobs(), c.names.job(job.Group), payload)
	return err
}

// CancelJobs takes the jobs of groups that nobody wants any more out of the
// queue, delivered ones included, and tells the workers. A worker that misses
// it wastes its work, no more.
func (c *Conn) CancelJobs(ctx context.Context, groups []data.GroupID) error {
	if len(groups) == 0 {
		return nil
	}
	c.jobs.remove(groups)
	for _, g := range groups {
		err := c.purge(ctx, "cancelling job "+g.String(), c.names.jobs(), jetstream.WithPurgeSubject(c.names.job(g)))
		if err != nil {
			return err
		}
	}
	text, err := json.Marshal(groups)
	if err != nil {
		return err
	}
	return c.retry(ctx, "telling workers of cancelled jobs", func(context.Context) error {
		return c.nc.Publish(c.names.subject("cancel"), text)
	})
}

func (c *Conn) purge(ctx context.Context, what, stream string, o jetstream.StreamPurgeOpt) error {
	return c.retry(ctx, what, func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		return s.Purge(ctx, o)
	})
}

// OnCancel calls got for each broadcast of CancelJobs until ctx ends. It returns
// at once.
func (c *Conn) OnCancel(ctx context.Context, got func([]data.GroupID)) error {
	sub, err := c.nc.Subscribe(c.names.subject("cancel"), func(m *nats.Msg) {
		var groups []data.GroupID
		if err := json.Unmarshal(m.Data, &groups); err != nil {
			c.log.Warn("not a list of cancelled groups", "subject", m.Subject, "error", err)
			return
		}
		got(groups)
	})
	if err != nil {
		return fmt.Errorf("listening for cancelled jobs: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() }) // fails on a closed connection only
	return nil
}

// Fetch takes at most n jobs, waiting for the first for about wait; none is no
// error. The lease of each runs from now: take no more than can be begun. An
// error takes a moment to return, so that a loop around Fetch does not spin.
//
// A job that cannot be read goes back to the queue, for a worker that can; the
// error says so and the leases returned with it are good.
func (c *Conn) Fetch(ctx context.Context, n int, wait time.Duration) ([]*Lease, error) {
	if n < 1 {
		return nil, nil
	}
	leases, err := c.fetch(ctx, n, max(wait, time.Millisecond))
	if err != nil {
		c.forgetConsumer()
		err = fmt.Errorf("fetching jobs: %w", named(err))
		_ = pause(ctx, fetchPause)
	}
	return leases, err
}

const fetchPause = 100 * time.Millisecond

// fetch takes what is there, or else waits for one job and then takes what has
// come with it: a pull for n would hold back the first until the last.
func (c *Conn) fetch(ctx context.Context, n int, wait time.Duration) ([]*Lease, error) {
	consumer, err := c.jobConsumer(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	link := c.link.Load()
	defer context.AfterFunc(link, cancel)()
	if n > 1 {
		leases, err := c.take(ctx, link, func() (jetstream.MessageBatch, error) { return consumer.FetchNoWait(n) })
		if len(leases) > 0 || err != nil {
			return leases, err
		}
	}
	leases, err := c.take(ctx, link, func() (jetstream.MessageBatch, error) { return consumer.Fetch(1, jetstream.FetchMaxWait(wait)) })
	if len(leases) == 0 || n == 1 || err != nil {
		return leases, err
	}
	more, err := c.take(ctx, link, func() (jetstream.MessageBatch, error) { return consumer.FetchNoWait(n - 1) })
	return append(leases, more...), err
}

// take collects what a pull brings. Jobs that come when ctx has ended go back at
// once: dropped, they would wait for their leases to run out.
func (c *Conn) take(ctx context.Context, link *link, pull func() (jetstream.MessageBatch, error)) (leases []*Lease, failed error) {
	if ctx.Err() != nil {
		return nil, nil
	}
	batch, err := pull()
	if err != nil {
		return nil, err
	}
	for {
		select {
		case m, ok := <-batch.Messages():
			if !ok {
				return leases, errors.Join(failed, batch.Error())
			}
			lease, err := c.lease(m, link)
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			leases = append(leases, lease)
		case <-ctx.Done():
			go giveBack(batch)
			return leases, failed
		}
	}
}

func giveBack(batch jetstream.MessageBatch) {
	for m := range batch.Messages() {
		_ = m.Nak() // where it cannot be sent, the lease runs out
	}
}

func (c *Conn) jobConsumer(ctx context.Context) (jetstream.Consumer, error) {
	c.mu.Lock()
	known := c.consumer
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	err := c.attempt(ctx, func(ctx context.Context) (err error) {
		known, err = c.openConsumer(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.consumer = known
	return known, nil
}

func (c *Conn) forgetConsumer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.consumer = nil
}

// Lease is a job that this worker holds until it is done or silent for too long.
// It is a promise of effort only: what makes results count once is that the
// first write of each wins.
type Lease struct {
	conn       *Conn
	link       *link // by which the job came
	msg        jetstream.Msg
	place      uint64 // in the stream
	job        data.Job
	deliveries int
}

// unreadable is how long a job that this program cannot read is left to others.
const unreadable = 5 * time.Second

func (c *Conn) lease(m jetstream.Msg, link *link) (*Lease, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("fetching jobs: %w", err)
	}
	job, err := decodeJob(m.Data())
	if err == nil && m.Subject() != c.names.job(job.Group) {
		err = fmt.Errorf("%w: it is of group %s", ErrFrame, job.Group)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("job %s: %w", m.Subject(), err), m.NakWithDelay(unreadable))
	}
	return &Lease{conn: c, link: link, msg: m, place: meta.Sequence.Stream, job: job, deliveries: int(min(meta.NumDelivered, 1<<30))}, nil
}

// Job is what to do.
func (l *Lease) Job() data.Job { return l.job }

// Deliveries counts how often the job has been handed out, this time included, as
// far as the server remembers, which one that was restarted does not. So ask Stored
// on the first delivery too; and where it is a job that this worker is on already,
// let the earlier lease be.
func (l *Lease) Deliveries() int { return l.deliveries }

// Extend begins the lease anew. It is sent and not confirmed: call it three times
// per lease. An error means that it could not be sent.
func (l *Lease) Extend() error { return l.msg.InProgress() }

// ackTimeout is how long an acknowledgement is waited for before the job is
// removed by its place in the stream.
const ackTimeout = 5 * time.Second

// Done takes the job out of the queue, confirmed by the server. Call it when every
// sample has a stored result, by whomever. Where it fails, the job comes again, and
// Stored will find nothing missing.
func (l *Lease) Done(ctx context.Context) error {
	return l.conn.retry(ctx, "closing job "+l.job.Group.String(), func(ctx context.Context) error {
		// A server that was restarted forgets what it had handed out, and leaves
		// acknowledgements of it without an answer. So these are for unbroken
		// connections only.
		if l.conn.link.Load() == l.link {
			short, cancel := context.WithTimeout(ctx, ackTimeout)
			defer cancel()
			if l.msg.DoubleAck(short) == nil {
				return nil
			}
		}
		stream, err := l.conn.js.Stream(ctx, l.conn.names.jobs())
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil // and with it the job
		}
		if err != nil {
			return err
		}
		return stream.Purge(ctx, jetstream.WithPurgeSubject(l.msg.Subject()), jetstream.WithPurgeSequence(l.place+1))
	})
}

// Retry gives the job back, to be handed out again after delay; reason is for the
// log. It is sent and not confirmed: where it is lost, the lease runs out.
func (l *Lease) Retry(delay time.Duration, reason string) error {
	l.conn.log.Info("gave a job back", "group", l.job.Group, "again_in", delay, "reason", reason)
	return l.msg.NakWithDelay(delay)
}

// Reject takes the job out of the queue undone. The coordinator hears of it by the
// results that the worker stored, or not at all: store one per slot before.
func (l *Lease) Reject(reason string) error { return l.msg.TermWithReason(reason) }
