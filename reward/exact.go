package reward

import (
	"context"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Exact compares the answer with the gold byte for byte, both trimmed of white
// space: case, zeros and spaces within count, unless meta.normalise lists what
// does not: "nfc" and "nfkc" (Unicode's canonical and compatible forms), "case"
// (by full case folding), "spaces" (any run of white space is one space). The
// answer is found by [RuleAuto] unless meta.extract names another rule. A gold
// that is empty or becomes so is ungradable.
type Exact struct{}

var (
	_ Grader   = Exact{}
	_ Comparer = Exact{}
)

// Name is "exact".
func (Exact) Name() string { return "exact" }

// Grade gives 1 for the gold itself, 0 otherwise.
func (Exact) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	rewrite, err := normaliser(o.Normalise)
	if err != nil {
		return ungradable("%v", err)
	}
	gold := rewrite(strings.TrimSpace(p.Gold))
	if gold == "" {
		return ungradable("the gold is empty")
	}
	answer, verdict, ok := extractFor(&t, o, RuleAuto, response)
	if !ok {
		return t.on(verdict)
	}
	got := rewrite(answer)
	if len(o.Normalise) > 0 {
		t.add("normalise (%s): answer %s, gold %s", clip(strings.Join(o.Normalise, ", ")), show(got), show(gold))
	}
	if got == gold {
		t.add("compare: the same as the gold, byte for byte")
		return t.on(right(answer, "equal to the gold"))
	}
	at := 0
	for at < len(got) && at < len(gold) && got[at] == gold[at] {
		at++
	}
	t.add("compare with the gold %s: they differ from byte %d on", show(gold), at+1)
	return t.on(wrong(answer, "%s is not %s", show(got), show(gold)))
}

// SameAnswer compares as Grade would.
func (Exact) SameAnswer(p *data.Problem, a, b string) bool {
	if a == b {
		return true
	}
	o, err := readOptions(p)
	if err != nil || len(o.Normalise) == 0 {
		return false
	}
	rewrite, err := normaliser(o.Normalise)
	return err == nil && rewrite(a) == rewrite(b)
}
