package reward

import (
	"context"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Exact compares the answer with the gold byte for byte, both trimmed of white
// space: case, zeros and spaces within count. The answer is found by
// [RuleAuto] unless meta.extract names another rule. An empty gold is
// ungradable.
type Exact struct{}

var _ Grader = Exact{}

// Name is "exact".
func (Exact) Name() string { return "exact" }

// Grade gives 1 for the gold itself, 0 otherwise.
func (Exact) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	gold := strings.TrimSpace(p.Gold)
	if gold == "" {
		return ungradable("the gold is empty")
	}
	answer, verdict, ok := extractFor(&t, o, RuleAuto, response)
	if !ok {
		return t.on(verdict)
	}
	if answer == gold {
		t.add("compare: the same as the gold, byte for byte")
		return t.on(right(answer, "equal to the gold"))
	}
	at := 0
	for at < len(answer) && at < len(gold) && answer[at] == gold[at] {
		at++
	}
	t.add("compare with the gold %s: they differ from byte %d on", show(gold), at+1)
	return t.on(wrong(answer, "%s is not %s", show(answer), show(gold)))
}
