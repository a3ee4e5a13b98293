package reward

import (
	"context"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// Weighted is the mean of the scores of named parts by their weights:
// correctness, format, length. meta.parts lists them as {"name", "grader",
// "weight", "gold", "meta"}: weight is 1 if absent, gold the problem's, and each
// part has a meta of its own. Beside the graders of the set (composed ones but
// list excepted) a part may be "format" or "length"; see there.
//
// A part that is ungradable, an error or a timeout makes the whole so. A
// response in which no part found an answer, and whose form earned nothing, is
// data.NoAnswer. The answer is the first part's that has one.
type Weighted struct{ graders lookup }

var _ GoldReader = Weighted{}

// Name is "weighted".
func (Weighted) Name() string { return "weighted" }

// Grade gives the weighted mean.
func (w Weighted) Grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	parts, err := readParts(w.graders, p)
	if err != nil {
		return ungradable("%v", err)
	}
	scores, v, err := gradeParts(ctx, parts, response)
	if err != nil {
		return v
	}
	var sum, weights float64
	for i, score := range scores {
		sum += parts[i].weight * score
		weights += parts[i].weight
	}
	return composedVerdict(v, min(sum/weights, 1), fmt.Sprintf("weighted mean of %d parts", len(parts)))
}

// GoldAnswer knows none: a part may ask for more than the right answer.
func (Weighted) GoldAnswer(*data.Problem) (string, bool) { return "", false }

// All is the least of the scores of its parts: 1 only where every part gives 1.
// It reads meta.parts as [Weighted] does, but for the weights.
type All struct{ graders lookup }

var _ GoldReader = All{}

// Name is "all".
func (All) Name() string { return "all" }

// Grade gives the least score.
func (a All) Grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	parts, err := readParts(a.graders, p)
	if err != nil {
		return ungradable("%v", err)
	}
	scores, v, err := gradeParts(ctx, parts, response)
	if err != nil {
		return v
	}
	least, at := scores[0], 0
	for i, score := range scores {
		if score < least {
			least, at = score, i
		}
	}
	return composedVerdict(v, least, fmt.Sprintf("the least part is %s", show(parts[at].name)))
}

// GoldAnswer knows none: a part may ask for more than the right answer.
func (All) GoldAnswer(*data.Problem) (string, bool) { return "", false }

// composedVerdict gives the parts' verdict its score.
func composedVerdict(v data.Verdict, score float64, reason string) data.Verdict {
	if score > 0 {
		v.Status = data.Scored
	}
	v.Score, v.Reason = score, reason
	return v
}
