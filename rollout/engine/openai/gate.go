package openai

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate says when a request may be sent. How many are in flight follows the
// server: the limit begins low and doubles with each round of answers until the
// first refusal, which halves it; from then on a round of answers adds one.
type gate struct {
	most     int
	requests *rate.Limiter // nil: unbounded
	tokens   *rate.Limiter // nil: unbounded

	mu       sync.Mutex
	limit    float64
	inflight int
	steady   bool      // a refusal was seen: grow by one a round
	cut      time.Time // when the limit was last halved
	until    time.Time // nothing is sent before
	waiting  []chan struct{}
}

// firstLimit is how many requests go out before any was answered.
const firstLimit = 8

func newGate(most, rpm, tpm int) *gate {
	return &gate{most: most, limit: float64(min(most, firstLimit)), requests: perMinute(rpm), tokens: perMinute(tpm)}
}

// perMinute spreads n over the minute, so that no minute sees more than a
// sixtieth over.
func perMinute(n int) *rate.Limiter {
	if n <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(float64(n)/60), max(1, n/60))
}

// pass is one request in flight.
type pass struct {
	gate *gate
	sent time.Time
}

// enter waits for a turn; tokens is what the request may cost.
func (g *gate) enter(ctx context.Context, tokens int) (*pass, error) {
	if g.requests != nil {
		if err := g.requests.Wait(ctx); err != nil {
			return nil, err
		}
	}
	for g.tokens != nil && tokens > 0 {
		n := min(tokens, g.tokens.Burst())
		if err := g.tokens.WaitN(ctx, n); err != nil {
			return nil, err
		}
		tokens -= n
	}
	turn := make(chan struct{})
	g.mu.Lock()
	g.waiting = append(g.waiting, turn)
	g.admit()
	g.mu.Unlock()
	select {
	case <-turn:
		return &pass{gate: g, sent: time.Now()}, nil
	case <-ctx.Done():
		g.leave(turn)
		return nil, context.Cause(ctx)
	}
}

// admit lets in who waits, in order, under mu.
func (g *gate) admit() {
	if wait := time.Until(g.until); wait > 0 {
		return // close set a timer
	}
	for len(g.waiting) > 0 && g.inflight < int(g.limit) {
		g.inflight++
		close(g.waiting[0])
		g.waiting[0] = nil
		g.waiting = g.waiting[1:]
	}
}

// leave takes a waiter out who gave up, who may have been let in just now.
func (g *gate) leave(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == turn {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
	g.inflight--
	g.admit()
}

// done ends a request; crowded says that the server wanted fewer at a time.
func (p *pass) done(o outcome, crowded bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inflight--
	switch {
	case crowded && p.sent.After(g.cut): // else it was sent before the limit was halved
		g.limit, g.cut, g.steady = max(1, g.limit/2), time.Now(), true
	case o == answered && !g.steady:
		g.limit = min(float64(g.most), g.limit+1)
	case o == answered:
		g.limit = min(float64(g.most), g.limit+1/g.limit)
	}
	g.admit()
}

// close holds everything back for a while.
func (g *gate) close(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.until) {
		g.until = until
		time.AfterFunc(d, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.admit()
		})
	}
}

func (g *gate) now() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.limit)
}
