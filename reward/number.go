package reward

import (
	"context"
	"math/big"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Number compares numbers exactly, as fractions of integers: integers,
// decimals, exponents, thousands separators, a/b, percentages. The answer is
// found by [RuleLastNumber] unless meta.extract names another rule.
//
// meta.tolerance accepts |answer-gold| up to it, meta.rel_tolerance up to it
// times |gold|; with both, the larger bound holds. Both are 0 by default.
//
// A gold that is no number of at most 1000 digits (exponents counted) is
// ungradable; such an answer is scored 0.
type Number struct{}

var (
	_ Grader   = Number{}
	_ Comparer = Number{}
)

// Name is "number".
func (Number) Name() string { return "number" }

// Grade gives 1 for the same number within the tolerance, 0 otherwise.
func (Number) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	gold, _, err := parseQuantity(plainNumber(p.Gold))
	if err != nil {
		return ungradable("gold %s: %v", show(p.Gold), err)
	}
	within, err := o.within()
	if err != nil {
		return ungradable("%v", err)
	}
	answer, verdict, ok := extractFor(&t, o, RuleLastNumber, response)
	if !ok {
		return t.on(verdict)
	}
	got, _, err := parseQuantity(plainNumber(answer))
	if err != nil {
		return t.on(wrong(answer, "answer %s: %v", show(answer), err))
	}
	t.add("read as numbers: answer %s, gold %s", got, gold)
	if got.equal(gold, within) {
		return t.on(right(answer, "%s equals %s", got, gold))
	}
	return t.on(wrong(answer, "%s is not %s", got, gold))
}

// SameAnswer compares two extracted answers without tolerance, so that being
// the same is transitive; what are no numbers are compared as text.
func (Number) SameAnswer(_ *data.Problem, a, b string) bool {
	if a == b {
		return true
	}
	x, _, errX := parseQuantity(plainNumber(a))
	y, _, errY := parseQuantity(plainNumber(b))
	return errX == nil && errY == nil && same(x.share(), y.share())
}

// within makes the comparison that the tolerances ask for.
func (o options) within() (func(a, b *big.Rat) bool, error) {
	bound, err := tolerance("tolerance", o.Tolerance)
	if err != nil {
		return nil, err
	}
	relative, err := tolerance("rel_tolerance", o.RelTolerance)
	if err != nil {
		return nil, err
	}
	if bound == nil && relative == nil {
		return same, nil
	}
	return func(answer, gold *big.Rat) bool {
		gap := new(big.Rat).Sub(answer, gold)
		gap.Abs(gap)
		if bound != nil && gap.Cmp(bound) <= 0 {
			return true
		}
		return relative != nil && gap.Cmp(new(big.Rat).Mul(relative, new(big.Rat).Abs(gold))) <= 0
	}, nil
}

// plainNumber prepares a number for parsing: outer white space, currency sign,
// typographic minus signs and the space before a percent sign.
func plainNumber(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 2*maxDigits {
		return s // over the bound on digits however it is read
	}
	s = strings.ReplaceAll(s, `\%`, "%")
	s = strings.ReplaceAll(s, " %", "%")
	for _, sign := range minusSigns[1:] {
		s = strings.ReplaceAll(s, sign, "-")
	}
	return strings.Replace(s, "$", "", 1)
}
