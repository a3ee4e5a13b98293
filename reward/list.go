package reward

import (
	"context"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// lookup finds graders by name; a [Set] does.
type lookup interface {
	Get(name string) (Grader, error)
}

// List accepts any of several golds (see readGolds): the response gets the best
// score that the grader meta.grader, exact without one, gives it for one of them.
// That grader reads the same meta.
//
// A list with a gold that is ungradable is ungradable as a whole, and so for an
// error and a timeout: what a missing verdict would have been is not known.
type List struct{ graders lookup }

var (
	_ Grader     = List{}
	_ Comparer   = List{}
	_ GoldReader = List{}
)

// Name is "list".
func (List) Name() string { return "list" }

// Grade gives the best score over the golds.
func (l List) Grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	inner, err := l.inner(p)
	if err != nil {
		return ungradable("%v", err)
	}
	golds, err := readGolds(p)
	if err != nil {
		return ungradable("%v", err)
	}
	var best data.Verdict
	for i, gold := range golds {
		one := *p
		one.Gold, one.Grader = gold, inner.Name()
		v := inner.Grade(ctx, &one, response)
		if !v.Status.Counts() {
			v.Reason = fmt.Sprintf("gold %d of %d: %s", i+1, len(golds), v.Reason)
			return v
		}
		if i == 0 || v.Score > best.Score {
			best = v
			best.Reason = fmt.Sprintf("gold %d of %d: %s", i+1, len(golds), v.Reason)
		}
	}
	return best
}

// inner is the grader of each gold.
func (l List) inner(p *data.Problem) (Grader, error) {
	var meta struct {
		Grader string `json:"grader"`
	}
	if err := readMeta(p, &meta); err != nil {
		return nil, err
	}
	if meta.Grader == "" {
		meta.Grader = Exact{}.Name()
	}
	g, err := l.graders.Get(meta.Grader)
	if err != nil {
		return nil, fmt.Errorf("meta.grader: %w", err)
	}
	if composed(g) {
		return nil, fmt.Errorf("meta.grader is %q, which is itself made of graders", g.Name())
	}
	return g, nil
}

// SameAnswer compares as the inner grader does.
func (l List) SameAnswer(p *data.Problem, a, b string) bool {
	if g, err := l.inner(p); err == nil {
		if c, ok := g.(Comparer); ok {
			return c.SameAnswer(p, a, b)
		}
	}
	return a == b
}

// GoldAnswer is the first gold.
func (List) GoldAnswer(p *data.Problem) (string, bool) { return firstGold(p) }
