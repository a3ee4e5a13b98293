package rsa

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Endpoint is one inference engine of a run.
type Endpoint struct {
	Name   string // its address, for messages
	Engine engine.Engine
	// Renew makes a client that knows nothing yet, for an engine that was
	// restarted; nil where that cannot be.
	Renew func() (engine.Engine, error)
}

// ErrUnreachable is wrapped when no engine answers, at the start or for
// Patience.GiveUp in the middle.
var ErrUnreachable = errors.New("no engine answers")

// ErrUnlike is wrapped when engines do not serve the same model.
var ErrUnlike = errors.New("the engines serve different models")

// Engines spreads requests over engines that serve the same model, and tries
// again elsewhere or later when one is in trouble. Safe for concurrent use.
type Engines struct {
	patience Patience
	info     engine.Info

	mu       sync.Mutex
	members  []*member
	answered time.Time // the last good answer of any
	cancel   context.CancelFunc
	watched  chan struct{}
}

// member is one endpoint with what is known of it, under Engines.mu.
type member struct {
	Endpoint
	inflight int
	down     time.Time // not asked before this time
	failures int       // in a row
	// alive ends, with its cause, when the engine is found stalled or dead: the
	// requests in flight are then tried again elsewhere.
	alive context.Context
	kill  context.CancelCauseFunc
}

var _ rollout.Tokenizer = (*Engines)(nil)

// Patience says when [Engines] lose it. Zero values choose the defaults.
type Patience struct {
	GiveUp time.Duration // all engines together answer nothing for so long: the run ends; default 2m
	Health time.Duration // how often engines with work are asked whether they advance; default 5s
}

// Connect asks every engine what it serves; they must serve the same model with
// the same tokenizer. Close ends it.
func Connect(ctx context.Context, endpoints []Endpoint, p Patience) (*Engines, error) {
	if len(endpoints) == 0 {
		return nil, fmt.Errorf("no engine given")
	}
	if p.GiveUp <= 0 {
		p.GiveUp = 2 * time.Minute
	}
	if p.Health <= 0 {
		p.Health = 5 * time.Second
	}
	e := &Engines{patience: p, answered: time.Now(), watched: make(chan struct{})}
	for i, p := range endpoints {
		info, err := p.Engine.Info(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w at %s: %w", ErrUnreachable, p.Name, err)
		}
		if i == 0 {
			e.info = info
		} else if err := alike(e.info, info); err != nil {
			return nil, fmt.Errorf("%w: %s and %s: %w", ErrUnlike, endpoints[0].Name, p.Name, err)
		}
		e.info.MaxModelLen = min(e.info.MaxModelLen, info.MaxModelLen)
		m := &member{Endpoint: p}
		m.alive, m.kill = context.WithCancelCause(context.Background())
		e.members = append(e.members, m)
	}
	watch, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	go e.watch(watch)
	return e, nil
}

// alike compares what decides the outcome of a request.
func alike(a, b engine.Info) error {
	switch {
	case a.Model != b.Model:
		return fmt.Errorf("model %q and %q", a.Model, b.Model)
	case a.TextOnly != b.TextOnly:
		return fmt.Errorf("one gives token ids, the other does not")
	case a.Fingerprint != b.Fingerprint:
		return fmt.Errorf("their tokenizers differ (fingerprints %s and %s)", a.Fingerprint, b.Fingerprint)
	case a.Simulated != b.Simulated:
		return fmt.Errorf("one is simulated, the other is not")
	}
	return nil
}

// Info is what the engines say of themselves, with the smallest context.
func (e *Engines) Info() engine.Info { return e.info }

// Close stops watching the engines' health.
func (e *Engines) Close() {
	e.cancel()
	<-e.watched
}

// Tokenize implements [rollout.Tokenizer].
func (e *Engines) Tokenize(ctx context.Context, prompts []data.Prompt) ([][]int32, error) {
	out := make([][]int32, len(prompts))
	for i, p := range prompts {
		err := e.try(ctx, func(ctx context.Context, eng engine.Engine) (err error) {
			out[i], err = eng.Tokenize(ctx, p)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// counter is what an engine without token ids offers in place of a tokenizer.
type counter interface {
	Count(ctx context.Context, p data.Prompt) (tokens int, err error)
}

// Count measures a prompt for engines that are TextOnly.
func (e *Engines) Count(ctx context.Context, p data.Prompt) (tokens int, err error) {
	err = e.try(ctx, func(ctx context.Context, eng engine.Engine) (err error) {
		c, ok := eng.(counter)
		if !ok {
			return fmt.Errorf("an engine without token ids that cannot count tokens: %T", eng)
		}
		tokens, err = c.Count(ctx, p)
		return err
	})
	return tokens, err
}

// Generate asks for one sample. An error that wraps [errSample] is about this
// sample alone and final; any other ends the run.
func (e *Engines) Generate(ctx context.Context, r engine.Request) (s engine.Sample, err error) {
	r.N = 1
	err = e.try(ctx, func(ctx context.Context, eng engine.Engine) error {
		delivered := false
		err := eng.Generate(ctx, r, func(got engine.Sample) { s, delivered = got, true })
		if err == nil && !delivered {
			return fmt.Errorf("request %s: the engine delivered no sample", r.ID)
		}
		return err
	})
	return s, err
}

// pick takes the engine with the least work among those that are up. If none
// is, wait says for how long.
func (e *Engines) pick() (m *member, wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for _, c := range e.members {
		if d := c.down.Sub(now); d > 0 {
			if wait == 0 || d < wait {
				wait = d
			}
			continue
		}
		if m == nil || c.inflight < m.inflight {
			m = c
		}
	}
	if m != nil {
		m.inflight++
		wait = 0
	}
	return m, wait
}

// call runs one attempt; it ends early when the engine is found dead.
func (e *Engines) call(ctx context.Context, m *member, f func(context.Context, engine.Engine) error) error {
	e.mu.Lock()
	alive, eng := m.alive, m.Engine
	e.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(alive, func() { cancel(context.Cause(alive)) })()
	err := f(ctx, eng)
	if err != nil && alive.Err() != nil {
		err = context.Cause(alive)
	}
	return err
}

// settle notes how an attempt at m went.
func (e *Engines) settle(m *member, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m.inflight--
	if !troubled(err) {
		m.failures, m.down = 0, time.Time{}
		e.answered = time.Now()
		return
	}
	if time.Now().Before(m.down) {
		return // a request sent before the trouble was known
	}
	m.failures++
	m.down = time.Now().Add(backoff(m.failures))
	if errors.Is(err, engine.ErrRestarted) || errors.Is(err, engine.ErrDirty) {
		e.renew(m)
	}
}

// renew replaces the client of a restarted engine, under mu. Whether it still
// serves the same model is asked before it gets work.
func (e *Engines) renew(m *member) {
	if m.Renew == nil {
		return
	}
	if fresh, err := m.Renew(); err == nil {
		m.Engine = &checked{Engine: fresh, want: e.info, name: m.Name}
	}
}

// backoff doubles from a quarter of a second to five.
func backoff(failures int) time.Duration {
	return min(250*time.Millisecond<<min(failures-1, 5), 5*time.Second)
}

// poisonous is how many attempts a request gets while others succeed.
const poisonous = 5

// try repeats f over the engines until it succeeds, fails for good, or no engine
// answers for GiveUp.
func (e *Engines) try(ctx context.Context, f func(context.Context, engine.Engine) error) error {
	var since time.Time // this request's first failure
	for attempts := 1; ; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		m, wait := e.pick()
		if m == nil {
			if err := pause(ctx, wait); err != nil {
				return err
			}
			continue
		}
		err := e.call(ctx, m, f)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		e.settle(m, err)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !troubled(err) {
			return final(m.Name, err)
		}
		if since.IsZero() {
			since = time.Now()
		}
		e.mu.Lock()
		others, quiet := e.answered.After(since), time.Since(e.answered)
		e.mu.Unlock()
		if attempts++; others && attempts > poisonous {
			return fmt.Errorf("%w: %s, %d attempts while other requests succeed: %w", errSample, m.Name, attempts-1, err)
		}
		if quiet > e.patience.GiveUp && time.Since(since) > e.patience.GiveUp {
			return fmt.Errorf("%w for %s; last %s: %w", ErrUnreachable, e.patience.GiveUp, m.Name, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watch asks engines with work in flight whether they advance, and gives up the
// requests of one that does not.
func (e *Engines) watch(ctx context.Context) {
	defer close(e.watched)
	tick := time.NewTicker(e.patience.Health)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, m := range e.busy() {
			err := m.engine.Healthy(ctx)
			if ctx.Err() == nil && engine.Gone(err) {
				e.bury(m.member, m.engine, err)
			}
		}
	}
}

type busyMember struct {
	member *member
	engine engine.Engine
}

func (e *Engines) busy() []busyMember {
	e.mu.Lock()
	defer e.mu.Unlock()
	var busy []busyMember
	for _, m := range e.members {
		if m.inflight > 0 {
			busy = append(busy, busyMember{m, m.Engine})
		}
	}
	return busy
}

// bury cancels what is in flight at an engine found dead.
func (e *Engines) bury(m *member, was engine.Engine, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m.Engine != was {
		return // renewed meanwhile
	}
	m.kill(err)
	m.alive, m.kill = context.WithCancelCause(context.Background())
}
