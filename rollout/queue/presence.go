package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// BeatEvery is how often a worker says that it is there; one that has been
// silent for three times as long is gone.
const BeatEvery = 2 * time.Second

// maxPresent bounds the workers remembered, whoever may beat.
const maxPresent = 1 << 16

// Presence is what a worker says of itself.
type Presence struct {
	Worker  string `json:"worker"`  // its name, unique in the run
	State   string `json:"state"`   // starting, loading, serving, draining, …
	Version int    `json:"version"` // policy version that its engine holds, -1 before the first
	Running int    `json:"running"` // samples in its engine
	Engine  string `json:"engine,omitempty"`
	Model   string `json:"model,omitempty"`
	// Fingerprint is that of its engine's tokenizer.
	Fingerprint string `json:"fingerprint,omitempty"`
	Done        int64  `json:"done"`              // samples stored since it started
	Tokens      int64  `json:"tokens"`            // completion tokens of these
	Problem     string `json:"problem,omitempty"` // what keeps it from serving
	Left        bool   `json:"left,omitempty"`    // its last word
}

// Beat says that a worker is there. It is sent and not confirmed, for another
// follows.
func (c *Conn) Beat(_ context.Context, p Presence) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := c.nc.Publish(c.names.subject("beat."+RunID(p.Worker)), text); err != nil {
		return fmt.Errorf("heartbeat of %s: %w", p.Worker, err)
	}
	return nil
}

// KeepBeating beats every BeatEvery with what now says, until ctx ends; then it
// says goodbye. Missed beats show on the other side.
func (c *Conn) KeepBeating(ctx context.Context, now func() Presence) {
	tick := time.NewTicker(BeatEvery)
	defer tick.Stop()
	for {
		p := now()
		p.Left = ctx.Err() != nil
		if err := c.Beat(ctx, p); err != nil {
			c.log.Debug("a heartbeat was not sent", "error", err)
		}
		if p.Left {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Workers are those present, by name. It begins listening with Setup, or else
// when first called.
func (c *Conn) Workers() []Presence {
	p, err := c.watchPresence()
	if err != nil {
		c.log.Warn("cannot listen for workers", "error", err)
		return nil
	}
	return p.present(time.Now())
}

// presence remembers who beat when.
type presence struct {
	mu   sync.Mutex
	last map[string]beat
}

type beat struct {
	Presence
	at time.Time
}

func (c *Conn) watchPresence() (*presence, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.presence != nil {
		return c.presence, nil
	}
	p := &presence{last: map[string]beat{}}
	_, err := c.nc.Subscribe(c.names.subject("beat.*"), func(m *nats.Msg) {
		var b beat
		if err := json.Unmarshal(m.Data, &b.Presence); err != nil {
			c.log.Warn("not a heartbeat", "subject", m.Subject, "error", err)
			return
		}
		b.at = time.Now()
		p.beat(b)
	})
	if err != nil {
		return nil, fmt.Errorf("listening for workers: %w", err)
	}
	c.presence = p
	return p, nil
}

func (p *presence) beat(b beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.last[b.Worker]
	switch {
	case b.Left:
		delete(p.last, b.Worker)
	case known || len(p.last) < maxPresent:
		p.last[b.Worker] = b
	}
}

func (p *presence) present(now time.Time) []Presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Presence
	for name, b := range p.last {
		if now.Sub(b.at) > 3*BeatEvery {
			delete(p.last, name)
			continue
		}
		out = append(out, b.Presence)
	}
	slices.SortFunc(out, func(a, b Presence) int { return cmp.Compare(a.Worker, b.Worker) })
	return out
}
