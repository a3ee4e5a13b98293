package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Weights say which policy version is current and where it lies: the bytes
// themselves never pass through the queue.
type Weights struct {
	Version int    `json:"version"`
	Dir     string `json:"dir"`           // folder on storage that workers share
	SHA     string `json:"sha,omitempty"` // hex sha256 over the export, "" if not given
}

// Announce makes w the current weights.
func (c *Conn) Announce(ctx context.Context, w Weights) error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return c.retry(ctx, fmt.Sprintf("announcing weights %d", w.Version), func(ctx context.Context) error {
		_, err := c.js.Publish(ctx, c.weightsSubject(), text, jetstream.WithExpectStream(c.names.state()))
		return err
	})
}

func (c *Conn) weightsSubject() string { return c.names.subject("state.weights") }

// Current gives the weights announced last, ok false before the first.
func (c *Conn) Current(ctx context.Context) (w Weights, ok bool, err error) {
	err = c.retry(ctx, "asking for the current weights", func(ctx context.Context) error {
		stream, err := c.js.Stream(ctx, c.names.state())
		if err != nil {
			return err
		}
		m, err := stream.GetLastMsgForSubject(ctx, c.weightsSubject())
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		return readWeights(m.Data, &w)
	})
	return w, ok, err
}

func readWeights(text []byte, w *Weights) error {
	if err := json.Unmarshal(text, w); err != nil {
		return fmt.Errorf("%w: weights: %w", ErrFrame, err)
	}
	return nil
}

// WatchWeights delivers the current weights, if there are any, and then each
// announcement, across lost connections. A slow receiver misses versions in
// between, never the last. The channel is closed when ctx ends, or when the
// server has lost the run, which the log tells.
func (c *Conn) WatchWeights(ctx context.Context) (<-chan Weights, error) {
	if _, _, err := c.Current(ctx); err != nil {
		return nil, err
	}
	out := make(chan Weights, 1)
	f := follower{conn: c, stream: c.names.state(),
		from: jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: []string{c.weightsSubject()}},
		got: func(m jetstream.Msg, _ uint64) error {
			var w Weights
			if err := readWeights(m.Data(), &w); err != nil {
				return err
			}
			select {
			case <-out: // older, and nobody has looked at it yet
			default:
			}
			out <- w // this goroutine alone fills the one place
			return nil
		}}
	go func() {
		defer close(out)
		if err := f.run(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("no longer following the weights", "error", err)
		}
	}()
	return out, nil
}
