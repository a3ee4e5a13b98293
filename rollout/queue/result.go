package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/ropewalk/ropewalk/data"
)

// PublishResult stores a sample unless its slot has one already, repeating until
// the server has answered or ctx ends. stored is false where the slot was taken:
// by another worker, or by an earlier attempt of this very call. Either way the
// slot has its result, and nil means just that.
func (c *Conn) PublishResult(ctx context.Context, r data.Rollout) (stored bool, err error) {
	what := fmt.Sprintf("publishing result %s", data.NewRolloutID(r.Group, r.Slot))
	payload, err := encodeResult(&r)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	return c.putOnce(ctx, what, c.names.results(shardOf(r.Group)), c.names.result(r.Group, r.Slot), payload)
}

// Stored says which of a group's slots 0..size-1 have results.
func (c *Conn) Stored(ctx context.Context, g data.GroupID, size int) ([]bool, error) {
	have := make([]bool, size)
	err := c.retry(ctx, "asking for the results of "+g.String(), func(ctx context.Context) error {
		stream, err := c.js.Stream(ctx, c.names.results(shardOf(g)))
		if err != nil {
			return err
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(c.names.groupResults(g)+"*"))
		if err != nil {
			return err
		}
		for subject := range info.State.Subjects {
			if _, slot, err := c.names.sample(subject); err == nil && slot < size {
				have[slot] = true
			}
		}
		return nil
	})
	return have, err
}

// Results hands over every stored result, then each new one as it comes, one at a
// time, with its place: the number of results handed over so far on this
// connection. A group's results come in the order in which they were stored. It
// goes on across lost connections and restarts of the server, until ctx ends (then
// it returns ctx's error) or got fails. Nothing is acknowledged: see Forget.
//
// A stored result that cannot be read is handed over as a failed sample, for its
// slot is taken and nothing else will come.
func (c *Conn) Results(ctx context.Context, got func(r data.Rollout, place uint64) error) error {
	group, all := errgroup.WithContext(ctx)
	var one sync.Mutex
	for shard := range shards {
		f := follower{conn: c, stream: c.names.results(shard), from: jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}}
		f.got = func(m jetstream.Msg, seq uint64) error {
			r, err := c.readResult(m)
			if err != nil {
				c.log.Warn("a message in a stream of results is none", "subject", m.Subject(), "error", err)
				return nil
			}
			one.Lock()
			defer one.Unlock()
			if all.Err() != nil {
				return all.Err()
			}
			c.jobs.result(r.Group, r.Slot)
			return got(r, c.handed.add(shard, seq))
		}
		group.Go(func() error { return f.run(all) })
	}
	return group.Wait()
}

// readResult fails only where the subject names no sample.
func (c *Conn) readResult(m jetstream.Msg) (data.Rollout, error) {
	group, slot, err := c.names.sample(m.Subject())
	if err != nil {
		return data.Rollout{}, err
	}
	r, err := decodeResult(m.Data())
	if err == nil && (r.Group != group || r.Slot != slot) {
		err = fmt.Errorf("%w: it is of %s", ErrFrame, r.ID)
	}
	if err != nil {
		c.log.Error("unreadable result, counted as a failed sample", "subject", m.Subject(), "error", err)
		r = data.Rollout{ID: data.NewRolloutID(group, slot), Group: group, Slot: slot, Finish: data.FinishError,
			Err: "unreadable in the queue: " + err.Error()}
	}
	return r, nil
}

// Forget drops the stored results that were handed over before a place: the
// smallest place still needed. It must be called only for results of groups whose
// batch is on disk.
func (c *Conn) Forget(ctx context.Context, before uint64) error {
	for shard, seq := range c.handed.bounds(before) {
		if seq < 2 {
			continue
		}
		if err := c.purge(ctx, "dropping used results", c.names.results(shard), jetstream.WithPurgeSequence(seq)); err != nil {
			return err
		}
	}
	c.handed.drop(before)
	return nil
}

// places remembers where in their streams the results lie that were handed over.
type places struct {
	mu   sync.Mutex
	last uint64
	list []place // by number
}

type place struct {
	number uint64
	shard  int
	seq    uint64
}

func (p *places) add(shard int, seq uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.list = append(p.list, place{p.last, shard, seq})
	return p.last
}

// bounds gives for each shard the sequence below which nothing is needed, if
// nothing before a place is: that of its first result from there on, or else one
// above its last. 0 where nothing is known.
func (p *places) bounds(before uint64) (seqs [shards]uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var needed [shards]bool
	for _, at := range p.list {
		switch {
		case at.number < before && !needed[at.shard]:
			seqs[at.shard] = max(seqs[at.shard], at.seq+1)
		case at.number >= before && (!needed[at.shard] || at.seq < seqs[at.shard]):
			needed[at.shard], seqs[at.shard] = true, at.seq
		}
	}
	return seqs
}

// drop forgets places that are below before.
func (p *places) drop(before uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = slices.DeleteFunc(p.list, func(at place) bool { return at.number < before })
}
