package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/semaphore"

	"github.com/ropewalk/ropewalk/data"
)

const (
	// One request to tokenise holds so much at most; the ids of a byte of text take
	// four bytes at most, so that the answer fits a message.
	requestPrompts = 64
	requestBytes   = 1 << 20
	// tokenizeTimeout is how long one worker may take over one request.
	tokenizeTimeout = 15 * time.Second
	// tokenizeTries is how often workers may fail at one request.
	tokenizeTries = 5
	// tokenizing bounds the requests that one worker works on at a time.
	tokenizing = 16
)

// ErrNoTokenizer is of a run without a worker that tokenises.
var ErrNoTokenizer = errors.New("no worker of the run tokenises: is one running, and its engine up?")

// ServeTokenize answers requests to tokenise with f until ctx ends, together with
// all others who serve. It returns once it is listening.
func (c *Conn) ServeTokenize(ctx context.Context, f func(ctx context.Context, prompts []data.Prompt) ([][]int32, error)) error {
	room := semaphore.NewWeighted(tokenizing)
	sub, err := c.nc.QueueSubscribe(c.names.subject("tokenize"), "tokenize", func(m *nats.Msg) {
		if room.Acquire(ctx, 1) != nil {
			return
		}
		go func() {
			defer room.Release(1)
			if err := m.Respond(answerTokenize(ctx, m.Data, f)); err != nil {
				c.log.Warn("an answer to tokenise was not sent", "error", err)
			}
		}()
	})
	if err != nil {
		return fmt.Errorf("serving requests to tokenise: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() }) // fails on a closed connection only
	return c.retry(ctx, "serving requests to tokenise", c.nc.FlushWithContext)
}

func answerTokenize(ctx context.Context, request []byte, f func(context.Context, []data.Prompt) ([][]int32, error)) []byte {
	var prompts []data.Prompt
	err := json.Unmarshal(request, &prompts)
	var lists [][]int32
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, tokenizeTimeout)
		defer cancel()
		lists, err = f(ctx, prompts)
	}
	if err == nil && len(lists) != len(prompts) {
		err = fmt.Errorf("%d answers to %d prompts", len(lists), len(prompts))
	}
	var answer []byte
	if err == nil {
		answer, err = encodeIDs(lists)
	}
	if err != nil {
		answer, _ = newFrame(magicIDs, idsHeader{Err: err.Error()}, 0) // strings always marshal
	}
	return answer
}

// Tokenize has a worker turn prompts into token ids. While none serves, it waits
// for one until ctx ends; then the error is ErrNoTokenizer.
func (c *Conn) Tokenize(ctx context.Context, prompts []data.Prompt) ([][]int32, error) {
	var all [][]int32
	for len(prompts) > 0 {
		n := portion(prompts)
		ids, err := c.tokenizePortion(ctx, prompts[:n])
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
		prompts = prompts[n:]
	}
	return all, nil
}

// portion is how many prompts go into one request, at least one.
func portion(prompts []data.Prompt) int {
	size := 0
	for i, p := range prompts {
		size += len(p.System) + len(p.Text)
		if i > 0 && (i == requestPrompts || size > requestBytes) {
			return i
		}
	}
	return len(prompts)
}

func (c *Conn) tokenizePortion(ctx context.Context, prompts []data.Prompt) (ids [][]int32, err error) {
	request, err := json.Marshal(prompts)
	if err != nil {
		return nil, err
	}
	failed := 0
	err = c.retry(ctx, fmt.Sprintf("tokenising %d prompts", len(prompts)), func(ctx context.Context) error {
		m, err := c.nc.RequestWithContext(ctx, c.names.subject("tokenize"), request)
		if errors.Is(err, nats.ErrNoResponders) {
			return ErrNoTokenizer
		}
		if err != nil {
			return err
		}
		var problem string
		ids, problem, err = decodeIDs(m.Data)
		if err == nil && problem != "" {
			err = fmt.Errorf("the worker's engine says: %s", problem)
		}
		if err == nil && len(ids) != len(prompts) {
			err = fmt.Errorf("%d answers", len(ids))
		}
		if failed++; err != nil && failed == tokenizeTries {
			return &hopeless{err}
		}
		return err
	})
	return ids, err
}
