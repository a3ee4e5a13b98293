package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

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
	return c.results.put(ctx, what, c.names.result(r.Group, r.Slot), payload)
}

// Stored says which of a group's slots 0..size-1 have results.
func (c *Conn) Stored(ctx context.Context, g data.GroupID, size int) ([]bool, error) {
	have := make([]bool, size)
	err := c.retry(ctx, "asking for the results of "+g.String(), func(ctx context.Context) error {
		stream, err := c.js.Stream(ctx, c.names.results())
		if err != nil {
			return err
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(c.names.subject("res."+g.String()+".*")))
		if err != nil {
			return err
		}
		for subject := range info.State.Subjects {
			if _, slot, err := c.names.place(subject); err == nil && slot < size {
				have[slot] = true
			}
		}
		return nil
	})
	return have, err
}

// Results hands over every stored result from the start of the stream, then each
// new one as it comes, in order, with its place in the stream. It goes on across
// lost connections and restarts of the server, until ctx ends (then it returns
// ctx's error) or got fails. Nothing is acknowledged: see Forget.
//
// A stored result that cannot be read is handed over as a failed sample, for its
// slot is taken and nothing else will come.
func (c *Conn) Results(ctx context.Context, got func(r data.Rollout, seq uint64) error) error {
	all := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	f := follower{conn: c, stream: c.names.results(), from: all, got: func(m jetstream.Msg, seq uint64) error {
		r, err := c.readResult(m)
		if err != nil {
			c.log.Warn("a message in the stream of results is none", "subject", m.Subject(), "error", err)
			return nil
		}
		return got(r, seq)
	}}
	return f.run(ctx)
}

// readResult fails only where the subject names no sample.
func (c *Conn) readResult(m jetstream.Msg) (data.Rollout, error) {
	group, slot, err := c.names.place(m.Subject())
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

// Forget drops the stored results whose place in the stream is below before: the
// smallest place still needed. It must be called only for results of groups whose
// batch is on disk.
func (c *Conn) Forget(ctx context.Context, before uint64) error {
	if before < 2 {
		return nil
	}
	return c.purge(ctx, "dropping used results", c.names.results(), jetstream.WithPurgeSequence(before))
}
