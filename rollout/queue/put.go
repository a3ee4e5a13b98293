package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// headerRoom is what NATS headers may take of a message.
const headerRoom = 1 << 10

// putOnce publishes to a stream that takes one message per subject. It repeats until the server has stored the message (true) or has one of this
// subject already (false), which an earlier attempt of this call may have been.
func (c *Conn) putOnce(ctx context.Context, what, stream, subject string, payload []byte) (stored bool, err error) {
	if limit := int(c.nc.MaxPayload()); len(payload) > min(limit, MaxMessage)-headerRoom {
		return false, fmt.Errorf("%s: %w: %d bytes, the server takes %d (max_payload)", what, ErrTooLarge, len(payload), limit)
	}
	err = c.retry(ctx, what, func(ctx context.Context) (err error) {
		stored, err = c.publishOnce(ctx, stream, subject, payload)
		return err
	})
	return stored, err
}

// publishOnce is one attempt of putOnce.
func (c *Conn) publishOnce(ctx context.Context, stream, subject string, payload []byte) (stored bool, err error) {
	_, err = c.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: payload}, jetstream.WithExpectStream(stream),
		jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
	if refused(err) {
		return false, nil
	}
	return err == nil, err
}
