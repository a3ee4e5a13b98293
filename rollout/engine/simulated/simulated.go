// Package simulated is an inference engine without a model: product code for
// trials, tests and capacity planning. What it answers is a function of a
// sample's seed and prompt alone, whatever the weights, the batch or the split
// into requests: how long, how right (by the number of right candidates in the
// prompt), and whether it fails. [Server] offers it over vLLM's protocol.
package simulated

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Options shape an [Engine]. Zero values choose the defaults.
type Options struct {
	config.Simulated
	Context int    // tokens of prompt and completion; default 32768
	Model   string // name under which the model is served; default "simulated"
	// Judge is the chance that a verification prompt is answered True when its
	// candidate is wrong, and when it is right; default 0.3 and 0.8.
	Judge []float64
	// HangAfter makes every request after this many hang, while health checks
	// still answer; 0 for never.
	HangAfter int
	// Stall is how long a hung engine with work counts as healthy; default 2m.
	Stall time.Duration
}

// Engine is the simulated engine in process.
type Engine struct {
	options Options

	mu       sync.Mutex
	requests int // completions asked for so far
	inflight int
	hung     time.Time // since when requests hang, zero if none does
	steps    int64     // the heartbeat of Metrics
	dir      string    // of the loaded weights, "" before the first load
	version  int
	probe    map[string][]float32 // ids as a string: the loaded probe's numbers
	resumed  chan struct{}        // closed while not paused
}

var _ engine.Engine = (*Engine)(nil)

// New makes an engine; the error says which option is impossible.
func New(o Options) (*Engine, error) {
	if len(o.Accuracy) == 0 {
		o.Accuracy = []float64{0.4, 0.5, 0.7, 0.85, 0.95}
	}
	if o.Direct == 0 {
		o.Direct = o.Accuracy[0]
	}
	if o.Tokens == 0 {
		o.Tokens = 64
	}
	if o.Context == 0 {
		o.Context = 32768
	}
	if o.Model == "" {
		o.Model = "simulated"
	}
	if o.Stall == 0 {
		o.Stall = 2 * time.Minute
	}
	if len(o.Judge) == 0 {
		o.Judge = []float64{0.3, 0.8}
	}
	for i, a := range slices.Concat(o.Accuracy, []float64{o.Direct, o.FailRate}, o.Judge) {
		if !(a >= 0 && a <= 1) {
			return nil, fmt.Errorf("simulated engine: %v (number %d of accuracy, direct, fail_rate, judge) is not between 0 and 1", a, i)
		}
	}
	if len(o.Judge) != 2 {
		return nil, fmt.Errorf("simulated engine: judge has %d numbers: want the chances of True for a wrong and for a right candidate", len(o.Judge))
	}
	if o.Tokens < 1 || !(o.Tail >= 0) || o.Latency < 0 || o.Context < 2 {
		return nil, fmt.Errorf("simulated engine: tokens %d, tail %v, latency %s, context %d: want at least 1, 0, 0 and 2", o.Tokens, o.Tail, o.Latency, o.Context)
	}
	open := make(chan struct{})
	close(open)
	return &Engine{options: o, resumed: open}, nil
}

// Info marks the engine as simulated, and with it every rollout.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	fingerprint, err := engine.Fingerprint(ctx, e.Tokenize)
	if err != nil {
		return engine.Info{}, err
	}
	return engine.Info{
		Name: "simulated", Version: "1", Model: e.options.Model, MaxModelLen: e.options.Context,
		Simulated: true, Fingerprint: fingerprint,
	}, nil
}

// Generate delivers each sample when its tokens' latencies have passed. A
// sample that fails is an [engine.SampleError] after the others.
func (e *Engine) Generate(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	if len(r.PromptIDs) >= e.options.Context {
		return fmt.Errorf("request %s: %w", r.ID, &engine.TooLongError{Prompt: len(r.PromptIDs), Context: e.options.Context})
	}
	if err := checkIDs(r.PromptIDs); err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	r.Sampling.MaxTokens = min(r.Sampling.MaxTokens, e.options.Context-len(r.PromptIDs))
	if len(r.PromptIDs) == 0 || r.N < 1 || r.Sampling.MaxTokens < 1 {
		return fmt.Errorf("request %s: %d prompt ids, %d samples, at most %d tokens: want at least 1 of each", r.ID, len(r.PromptIDs), r.N, r.Sampling.MaxTokens)
	}
	leave, err := e.enter(ctx)
	if err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	defer leave()
	return e.deliver(ctx, r, got)
}

// enter counts a request and, from the configured one on, hangs until ctx ends.
func (e *Engine) enter(ctx context.Context) (leave func(), err error) {
	e.mu.Lock()
	e.requests++
	e.inflight++
	hang := e.options.HangAfter > 0 && e.requests > e.options.HangAfter
	if hang && e.hung.IsZero() {
		e.hung = time.Now()
	}
	e.mu.Unlock()
	leave = func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.inflight--
	}
	if hang {
		<-ctx.Done()
		leave()
		return nil, context.Cause(ctx)
	}
	return leave, nil
}

// deliver waits out each sample's latency, shortest first.
func (e *Engine) deliver(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	samples := make([]engine.Sample, 0, r.N)
	var failed error
	for i := range r.N {
		if e.fails(r.Seed + int64(i)) {
			if failed == nil {
				failed = fmt.Errorf("request %s: %w", r.ID, &engine.SampleError{Index: i, Reason: "failure on demand (fail_rate)"})
			}
			continue
		}
		s := e.sample(r, r.Seed+int64(i))
		s.Index = i
		samples = append(samples, s)
	}
	slices.SortStableFunc(samples, func(a, b engine.Sample) int { return len(a.IDs) - len(b.IDs) })
	start := time.Now()
	for _, s := range samples {
		due := start.Add(time.Duration(len(s.IDs)) * e.options.Latency)
		if err := e.wait(ctx, time.Until(due)); err != nil {
			return fmt.Errorf("request %s: %w", r.ID, err)
		}
		got(s)
	}
	return failed
}

// wait sleeps, and then stays while the engine is paused.
func (e *Engine) wait(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	e.mu.Lock()
	resumed := e.resumed
	e.mu.Unlock()
	select {
	case <-resumed:
		return ctx.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pause holds back what is in flight and what comes, until resume.
func (e *Engine) pause() {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.resumed:
		e.resumed = make(chan struct{})
	default:
	}
}

func (e *Engine) resume() {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.resumed:
	default:
		close(e.resumed)
	}
}

// Tokenize maps bytes to ids; see [EndID] for the others.
func (e *Engine) Tokenize(_ context.Context, p data.Prompt) ([]int32, error) { return Encode(p), nil }

// Healthy reports a hang once it has lasted for Options.Stall.
func (e *Engine) Healthy(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.hung.IsZero() && e.inflight > 0 {
		if still := time.Since(e.hung); still > e.options.Stall {
			return fmt.Errorf("%w: %d requests in flight and no step for %s", engine.ErrStalled, e.inflight, still.Round(time.Millisecond))
		}
	}
	return nil
}

// Running counts the requests in flight.
func (e *Engine) Running() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inflight
}

// tick advances the step counter if work is in flight and does not hang.
func (e *Engine) tick() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inflight > 0 && e.hung.IsZero() {
		e.steps++
	}
	return e.steps
}
