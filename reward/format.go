package reward

import (
	"context"

	"github.com/ropewalk/ropewalk/data"
)

// thinkAnswer is the form that format asks for unless told: thinking, then an
// answer in tags, and nothing after it.
const thinkAnswer = `(?s)^\s*(?:<think>)?.*</think>\s*<answer>.*\S.*</answer>\s*$`

// format is a part of a composed score: does some part of the whole response,
// thinking included, match meta.pattern (RE2)? Without a pattern it asks for
// <think>…</think><answer>…</answer>; the opening tag may stand in the prompt.
type format struct{}

// Name is "format".
func (format) Name() string { return "format" }

// Grade gives 1 for a match, 0 otherwise.
func (format) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var meta struct {
		Pattern string `json:"pattern"`
	}
	if err := readMeta(p, &meta); err != nil {
		return ungradable("%v", err)
	}
	if meta.Pattern == "" {
		meta.Pattern = thinkAnswer
	}
	pattern, err := compilePattern(meta.Pattern, false)
	if err != nil {
		return ungradable("%v", err)
	}
	switch matched, err := pattern.match(response); {
	case err != nil:
		return wrong("", "%v", err)
	case matched:
		return right("", "the response has the form asked for")
	}
	return wrong("", "the response does not match %s", show(meta.Pattern))
}
