package reward

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Number compares numbers exactly, as fractions of integers: integers,
// decimals, exponents, thousands separators, a/b, percentages. The answer is
// found by [RuleLastNumber] unless meta.extract names another rule.
//
// meta.tolerance accepts |answer-gold| up to it, meta.rel_tolerance up to it
// times |gold|, meta.significant_digits up to half a unit of that digit of the
// gold; the largest bound holds. Without any, only equal numbers are accepted.
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
	digits := o.SignificantDigits
	if digits < 0 || digits > maxDigits {
		return nil, fmt.Errorf("meta.significant_digits is %d; expected 1 to %d", digits, maxDigits)
	}
	if bound == nil && relative == nil && digits == 0 {
		return same, nil
	}
	return func(answer, gold *big.Rat) bool {
		gap := new(big.Rat).Sub(answer, gold)
		gap.Abs(gap)
		switch {
		case bound != nil && gap.Cmp(bound) <= 0:
			return true
		case relative != nil && gap.Cmp(new(big.Rat).Mul(relative, new(big.Rat).Abs(gold))) <= 0:
			return true
		}
		return digits > 0 && gap.Cmp(halfUnit(gold, digits)) <= 0
	}, nil
}

// halfUnit is half a unit of a number's n-th significant digit; 0 for 0.
func halfUnit(x *big.Rat, n int) *big.Rat {
	if x.Sign() == 0 {
		return new(big.Rat)
	}
	// 10^e <= |x| < 10^(e+1); the numbers of digits give e or e+1.
	abs := new(big.Rat).Abs(x)
	e := len(abs.Num().String()) - len(abs.Denom().String())
	if abs.Cmp(powerOfTen(e)) < 0 {
		e--
	}
	return new(big.Rat).Quo(powerOfTen(e-n+1), big.NewRat(2, 1))
}

func powerOfTen(e int) *big.Rat {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(e, -e))), nil)
	if e < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), power)
	}
	return new(big.Rat).SetInt(power)
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
