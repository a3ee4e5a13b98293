package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors that repeating cannot cure.
var (
	// ErrTooLarge is of a job or result that does not fit a message.
	ErrTooLarge = errors.New("too large for one message")
	// ErrStorage is of a server that cannot store: disk full, limit reached.
	ErrStorage = errors.New("the NATS server cannot store")
	// ErrNotSetUp is of a run that no coordinator has set up on this server.
	ErrNotSetUp = errors.New("the run is not set up on this NATS server")
)

// Error codes of the server, beyond those that package jetstream names.
const (
	codeInsufficientResources = 10023
	codeStorageExceeded       = 10047
	codeMemoryExceeded        = 10028
	codeStoreFailed           = 10077
	codeAccountResources      = 10002
)

// patience is how long something is repeated before the log says so.
const patience = 5 * time.Second

// retry repeats try until it succeeds, fails for good, or ctx ends; then the
// error says what, and the last reason. One attempt takes 10s at most, and ends
// at once where the connection breaks.
func (c *Conn) retry(ctx context.Context, what string, try func(ctx context.Context) error) error {
	begun, warned := time.Now(), false
	for delay := 10 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		err := c.attempt(ctx, try)
		if err == nil {
			return nil
		}
		if final(err) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if !warned && time.Since(begun) > patience {
			warned = true
			c.log.Warn("NATS does not answer, trying on", "for", what, "error", err)
		}
		// Half of the pause is chance, or all of a fleet would come back at once.
		if pause(ctx, delay/2+rand.N(delay/2)) != nil {
			return fmt.Errorf("%s: %w; last attempt: %w", what, ctx.Err(), err)
		}
	}
}

func (c *Conn) attempt(ctx context.Context, try func(ctx context.Context) error) error {
	if server := c.options.InProcess; server != nil && server.Err() != nil {
		return server.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	defer context.AfterFunc(c.link.Load(), cancel)()
	return named(try(ctx))
}

// named puts our names to the server's refusals.
func named(err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		if errors.Is(err, nats.ErrMaxPayload) {
			return fmt.Errorf("%w: %w", ErrTooLarge, err)
		}
		return err
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case jetstream.JSErrCodeStreamNotFound, jetstream.JSErrCodeConsumerNotFound:
		return fmt.Errorf("%w: %w", ErrNotSetUp, err)
	case codeInsufficientResources, codeStorageExceeded, codeMemoryExceeded, codeStoreFailed, codeAccountResources:
		return fmt.Errorf("%w (is its disk full?): %w", ErrStorage, err)
	}
	return err
}

// hopeless ends a retry from within.
type hopeless struct{ error }

func (h *hopeless) Unwrap() error { return h.error }

func final(err error) bool {
	var h *hopeless
	if errors.As(err, &h) {
		return true
	}
	for _, cause := range []error{ErrTooLarge, ErrStorage, ErrNotSetUp, ErrOtherConfig, ErrOtherRun, ErrFrame, nats.ErrConnectionClosed} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// refused reports whether the server refused a write because its subject holds
// a message already.
func refused(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return true
	case codeStoreFailed:
		return api.Description == "maximum messages per subject exceeded"
	}
	return false
}
