package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// What one pull of a follower asks for: enough to keep the server busy, little
	// enough to hold in memory.
	pullMessages = 256
	pullBytes    = 4 * MaxMessage
	// pullHeartbeat is how often the server says that it is still there.
	pullHeartbeat = 2 * time.Second
	// reread is the pause before a broken stream is followed again.
	reread = 50 * time.Millisecond
)

// ErrLost is of a stream that was deleted, or died with its server's memory, and
// made anew while it was being read: what was in it must be asked for again.
var ErrLost = errors.New("the NATS server lost what it had stored")

// follower reads a stream in order, without gaps, across broken connections. Its
// consumers are ordered ones, which acknowledge nothing and store nothing.
type follower struct {
	conn    *Conn
	stream  string
	from    jetstream.OrderedConsumerConfig
	got     func(m jetstream.Msg, seq uint64) error
	last    uint64    // place of the last message handed over
	created time.Time // of the stream as first seen
}

// received is an error of the receiver, which ends following.
type received struct{ error }

func (f *follower) run(ctx context.Context) error {
	for {
		err := f.once(ctx)
		var mine *received
		switch {
		case errors.As(err, &mine):
			return mine.error
		case ctx.Err() != nil:
			return ctx.Err()
		case final(err), errors.Is(err, ErrLost):
			return fmt.Errorf("reading stream %s: %w", f.stream, err)
		}
		f.conn.log.Debug("reading a stream again from where it broke", "stream", f.stream, "after", f.last, "error", err)
		if err := pause(ctx, reread); err != nil {
			return err
		}
	}
}

// once reads until something breaks; it never returns nil.
func (f *follower) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.conn.link.Load(), cancel)()
	messages, err := f.open(ctx)
	if err != nil {
		return named(err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return named(err)
		}
		if err := f.hand(m); err != nil {
			return err
		}
	}
}

func (f *follower) hand(m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	if meta.Sequence.Stream <= f.last {
		return nil
	}
	if err := f.got(m, meta.Sequence.Stream); err != nil {
		return &received{err}
	}
	f.last = meta.Sequence.Stream
	return nil
}

func (f *follower) open(ctx context.Context) (messages jetstream.MessagesContext, err error) {
	err = f.conn.attempt(ctx, func(short context.Context) error {
		stream, err := f.conn.js.Stream(short, f.stream)
		if err != nil {
			return err
		}
		created := stream.CachedInfo().Created
		if f.created.IsZero() {
			f.created = created
		}
		if !f.created.Equal(created) {
			return fmt.Errorf("%w: made at %s, again at %s", ErrLost, f.created, created)
		}
		from := f.from
		if f.last > 0 {
			from.DeliverPolicy, from.OptStartSeq = jetstream.DeliverByStartSequencePolicy, f.last+1
		}
		consumer, err := stream.OrderedConsumer(short, from)
		if err != nil {
			return err
		}
		messages, err = consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
			jetstream.PullHeartbeat(pullHeartbeat), jetstream.PullExpiry(10*pullHeartbeat))
		return err
	})
	return messages, err
}
