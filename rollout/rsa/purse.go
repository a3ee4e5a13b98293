package rsa

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrBudget is wrapped when the next request might cost more than Price.Most
// leaves: the run stops, whole, and goes on with a larger one.
var ErrBudget = errors.New("the budget is spent")

// Price is what tokens cost, in any currency, per million. Nothing of it
// decides the outcome of a run.
type Price struct {
	In, Out float64
	Most    float64 // 0: no cap
}

// Of is what tokens cost.
func (p Price) Of(prompt, completion int64) float64 {
	return (p.In*float64(prompt) + p.Out*float64(completion)) / 1e6
}

// Check reports prices that are none, and a cap that cannot be held.
func (p Price) Check() error {
	switch {
	case !(p.In >= 0) || !(p.Out >= 0) || !(p.Most >= 0):
		return fmt.Errorf("prices and their cap must be 0 or more: %v in, %v out, at most %v", p.In, p.Out, p.Most)
	case p.Most > 0 && p.In+p.Out == 0:
		return fmt.Errorf("a cap on the cost needs a price for prompts, completions or both")
	}
	return nil
}

// purse holds the cap: a request is sent only if the worst that it and those in
// flight can cost still fits. What a failed attempt cost the endpoint's owner is
// not known here.
type purse struct {
	price Price

	mu      sync.Mutex
	spent   float64
	held    float64
	flight  int
	changed chan struct{} // closed when something is settled
}

// newPurse begins with what the store's rollouts cost, if it keeps account.
func newPurse(p Price, s Store) *purse {
	purse := &purse{price: p, changed: make(chan struct{})}
	if books, ok := s.(interface {
		Tokens() (prompt, completion int64)
	}); ok {
		purse.spent = p.Of(books.Tokens())
	}
	return purse
}

// hold is what one request may cost; settle it once.
type hold struct {
	purse *purse
	worst float64
}

// hold waits until the worst case of a request fits, or until it cannot.
func (p *purse) hold(ctx context.Context, prompt, most int) (*hold, error) {
	worst := p.price.Of(int64(prompt), int64(most))
	for {
		p.mu.Lock()
		if p.price.Most == 0 || p.spent+p.held+worst <= p.price.Most {
			p.held += worst
			p.flight++
			p.mu.Unlock()
			return &hold{p, worst}, nil
		}
		if p.flight == 0 {
			spent := p.spent
			p.mu.Unlock()
			return nil, fmt.Errorf("%w: %.4g of %.4g, and the next request may cost %.2g", ErrBudget, spent, p.price.Most, worst)
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (h *hold) settle(prompt, completion int) {
	p := h.purse
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held -= h.worst
	p.flight--
	if p.flight == 0 {
		p.held = 0 // rounding
	}
	p.spent += p.price.Of(int64(prompt), int64(completion))
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cost is what a run's tokens cost at the prices given.
type Cost struct {
	In    float64 `json:"price_in"`  // per million prompt tokens
	Out   float64 `json:"price_out"` // per million completion tokens
	Total float64 `json:"total"`
}

// cost is nil where nothing has a price.
func (p Price) cost(prompt, completion int64) *Cost {
	if p.In+p.Out == 0 {
		return nil
	}
	return &Cost{In: p.In, Out: p.Out, Total: p.Of(prompt, completion)}
}

// line words it for people.
func (c *Cost) line() string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("cost %.4f at %g per million prompt tokens and %g per million completion tokens\n", c.Total, c.In, c.Out)
}
