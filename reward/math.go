package reward

import (
	"context"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// maxAnswer is the longest answer or gold, in bytes, that math looks at.
const maxAnswer = 8192

// Math compares mathematical answers in plain text or LaTeX: numbers as exact
// fractions (integers, decimals, \frac, a/b, mixed numbers, powers of ten,
// percentages, thousands separators), several values as a comma list in order,
// brackets of the same kind element by element, and all else as text without
// spacing and sizing commands. The answer is found by [RuleBoxed] unless
// meta.extract names another rule.
//
// An empty gold, one over 8192 bytes, or one with a number of more than 1000
// digits or a division by zero is ungradable; such an answer is scored 0.
type Math struct{}

var (
	_ Grader   = Math{}
	_ Comparer = Math{}
)

// Name is "math".
func (Math) Name() string { return "math" }

// Grade gives 1 for an equal answer, 0 otherwise.
func (Math) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	gold, verdict, ok := mathGold(p.Gold)
	if !ok {
		return verdict
	}
	answer, verdict, ok := extractFor(&t, o, RuleBoxed, response)
	if !ok {
		return t.on(verdict)
	}
	if len(answer) > maxAnswer {
		return t.on(wrong(clip(answer), "answer has %d bytes; the limit is %d", len(answer), maxAnswer))
	}
	got := canonical(answer)
	t.add("canonical form: answer %s, gold %s", show(got), show(gold))
	c := comparison{left: maxWork, trace: &t}
	if c.equal(got, gold, 0) {
		return t.on(right(answer, "%s equals %s", show(got), show(gold)))
	}
	if c.flaw != nil {
		return t.on(wrong(answer, "answer %s: %v", show(got), c.flaw))
	}
	return t.on(wrong(answer, "%s is not %s", show(got), show(gold)))
}

// mathGold prepares the gold; if it is bad, the verdict says so.
func mathGold(gold string) (text string, verdict data.Verdict, ok bool) {
	if len(gold) > maxAnswer {
		return "", ungradable("gold has %d bytes; the limit is %d", len(gold), maxAnswer), false
	}
	if box, found := lastBox(gold); found {
		gold = box
	}
	text = canonical(gold)
	if text == "" {
		return "", ungradable("the gold is empty"), false
	}
	c := comparison{left: maxWork}
	if c.equal(text, text, 0); c.flaw != nil {
		return "", ungradable("gold %s: %v", show(text), c.flaw), false
	}
	return text, data.Verdict{}, true
}

// SameAnswer compares two extracted answers as Grade would.
func (Math) SameAnswer(_ *data.Problem, a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > maxAnswer || len(b) > maxAnswer {
		return false
	}
	c := comparison{left: maxWork}
	return c.equal(canonical(a), canonical(b), 0)
}

// readings are the lists that a text may be: split at its top-level commas,
// and, if that differs, split only at those that cannot separate thousands.
func readings(s string) [][]string {
	all, few := splitTop(s, false), splitTop(s, true)
	if len(all) == len(few) {
		return [][]string{all}
	}
	return [][]string{few, all}
}

// splitTop splits at the commas outside all brackets. With thousands, a comma
// within a number such as 1,234,567 does not split.
func splitTop(s string, thousands bool) []string {
	var parts []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		if thousands && isDigit(s[i]) && (i == 0 || !isDigit(s[i-1])) {
			i += scanDecimal(s[i:]) - 1
			continue
		}
		depth += nesting(s[i])
		if s[i] == ',' && depth == 0 {
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// brackets takes off the brackets around the whole of s and says of which
// kinds they are, "" if there are none.
func brackets(s string) (inner, kinds string) {
	begin, end := s, ""
	if strings.HasPrefix(s, `\{`) {
		begin = s[1:]
	}
	if begin == "" || nesting(begin[0]) != 1 || matching(begin) != len(begin)-1 {
		return s, ""
	}
	inner, end = begin[1:len(begin)-1], begin[len(begin)-1:]
	if len(begin) < len(s) {
		if inner, _ = strings.CutSuffix(inner, `\`); len(inner) == len(begin)-2 {
			return s, ""
		}
	}
	return inner, s[:len(s)-len(begin)+1] + end
}
