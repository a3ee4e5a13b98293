package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// gather publishes messages that a stream takes once per subject.
type gather struct {
	conn   *Conn
	stream string
}

// put repeats until the server has stored the message (true) or has one of this
// subject already (false), which an earlier attempt of this call may have been.
func (g *gather) put(ctx context.Context, what, subject string, payload []byte) (stored bool, err error) {
	if limit := int(g.conn.nc.MaxPayload()); len(payload) > min(limit, MaxMessage)-headerRoom {
		return false, fmt.Errorf("%s: %w: %d bytes, the server takes %d (max_payload)", what, ErrTooLarge, len(payload), limit)
	}
	err = g.conn.retry(ctx, what, func(ctx context.Context) error {
		m := &nats.Msg{Subject: subject, Data: payload}
		_, err := g.conn.js.PublishMsg(ctx, m, jetstream.WithExpectStream(g.stream), jetstream.WithExpectLastSequencePerSubject(0),
			jetstream.WithRetryAttempts(0))
		stored = err == nil
		if refused(err) {
			return nil
		}
		return err
	})
	return stored, err
}

// headerRoom is what NATS headers may take of a message.
const headerRoom = 1 << 10
