package reward

import (
	"context"
	"unicode/utf8"

	"github.com/ropewalk/ropewalk/data"
)

// length is a part of a composed score: DAPO's overlong shaping (2503.14476),
// moved from -1 … 0 to 0 … 1, which changes no advantage but by the part's
// weight. Up to meta.limit less meta.buffer the score is 1, at the limit and
// beyond it is 0, and it falls in a line between them. Lengths are in characters
// of the whole response; with meta.unit "tokens", in tokens of the completion,
// and a caller that did not count them (see [WithTokens]) makes the problem
// ungradable.
type length struct{}

// Name is "length".
func (length) Name() string { return "length" }

// Grade gives 1 for a short response, 0 for one at the limit.
func (length) Grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	var meta struct {
		Limit  int    `json:"limit"`
		Buffer int    `json:"buffer"`
		Unit   string `json:"unit"`
	}
	if err := readMeta(p, &meta); err != nil {
		return ungradable("%v", err)
	}
	if meta.Limit <= 0 || meta.Buffer < 0 || meta.Buffer > meta.Limit {
		return ungradable("meta has limit %d and buffer %d; expected a limit above 0, and a buffer from 0 to it", meta.Limit, meta.Buffer)
	}
	n := 0
	switch meta.Unit {
	case "", "characters":
		n = utf8.RuneCountInString(response)
	case "tokens":
		var known bool
		if n, known = tokens(ctx); !known {
			return ungradable(`meta.unit is "tokens", and nobody counted the completion's`)
		}
	default:
		return ungradable("meta.unit is %s; expected characters or tokens", show(meta.Unit))
	}
	v := right("", "%d of %d at most, shaped from %d on", n, meta.Limit, meta.Limit-meta.Buffer)
	switch over := n - (meta.Limit - meta.Buffer); {
	case n >= meta.Limit:
		v.Score = 0
	case over > 0:
		v.Score = 1 - float64(over)/float64(meta.Buffer)
	}
	return v
}

type tokensKey struct{}

// WithTokens tells graders how many tokens the completion has; see length.
func WithTokens(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, tokensKey{}, n)
}

func tokens(ctx context.Context) (n int, known bool) {
	n, known = ctx.Value(tokensKey{}).(int)
	return n, known
}
