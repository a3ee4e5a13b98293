package gym

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	countdown = Task{"countdown", scoreCountdown}
	puzzle24  = Task{"puzzle24", score24}
)

// scoreCountdown wants an expression over exactly the given numbers that makes
// the target: 1; any other expression 0.05; what is none 0.01. Known are + - * /,
// ** and parentheses; the value is exact. (The package evaluates the text as
// code and accepts what it finds there: functions, factorials, values within
// 0.001 % of the target, and "1.5" as the numbers 1 and 5. strict has the last
// two.)
func scoreCountdown(e *Entry, answer string, strict bool) Result {
	numbers, err := metaInts(e, "numbers")
	if err != nil {
		return badEntry(err)
	}
	target, err := metaInt(e, "target")
	if err != nil {
		return badEntry(err)
	}
	x, value, err := calculate(answer)
	if err != nil {
		return scored(0.01, "%v", err)
	}
	if used, ok := usedNumbers(x, answer, strict); !ok || !sameNumbers(used, numbers) {
		return scored(0.05, "the numbers used are %s, not %v", quote(fmt.Sprint(used)), numbers)
	}
	if value.IsInt() && value.Num().IsInt64() && value.Num().Int64() == int64(target) {
		return scored(1, "makes %d from the numbers", target)
	}
	got, _ := value.Float64()
	if strict && closeTo(got, float64(target)) {
		return scored(1, "%v is as good as %d to the package", got, target)
	}
	return scored(0.05, "makes %v, not %d", got, target)
}

// score24 wants an expression over exactly the given numbers that makes 24: 1;
// all else 0.01. The package asks for any four numbers from 1 to 10 and drops
// what is behind the point; so does strict.
func score24(e *Entry, answer string, strict bool) Result {
	numbers, err := metaInts(e, "numbers")
	if err != nil {
		return badEntry(err)
	}
	x, value, err := calculate(answer)
	if err != nil {
		return scored(0.01, "%v", err)
	}
	used, ok := usedNumbers(x, answer, strict)
	solved := value.IsInt() && value.Num().IsInt64() && value.Num().Int64() == 24
	if strict {
		ok = len(used) == 4 && slices.Min(used) >= 1 && slices.Max(used) <= 10
		whole := new(big.Int).Quo(value.Num(), value.Denom())
		solved = whole.IsInt64() && whole.Int64() == 24
	} else if !ok || !sameNumbers(used, numbers) {
		return scored(0.01, "the numbers used are %s, not %v", quote(fmt.Sprint(used)), numbers)
	}
	switch {
	case !ok:
		return scored(0.01, "%s are not four numbers from 1 to 10", quote(fmt.Sprint(used)))
	case !solved:
		got, _ := value.Float64()
		return scored(0.01, "makes %v, not 24", got)
	}
	return scored(1, "makes 24")
}

// calculate reads an expression and computes it exactly.
func calculate(answer string) (*expr, *big.Rat, error) {
	answer = pyStrip(answer)
	if depth := 0; strings.ContainsAny(answer, "\n\r") {
		for _, r := range answer { // a line may break within parentheses only
			switch {
			case r == '(':
				depth++
			case r == ')':
				depth--
			case (r == '\n' || r == '\r') && depth <= 0:
				return nil, nil, fmt.Errorf("more than one line")
			}
		}
	}
	x, err := parseExpr(answer)
	if err != nil {
		return nil, nil, fmt.Errorf("not an expression: %w", err)
	}
	value, err := x.rational()
	if err != nil {
		return nil, nil, fmt.Errorf("not an expression with a value: %w", err)
	}
	return x, value, nil
}

var wholeWord = regexp.MustCompile(`\b\d+\b`)

// usedNumbers lists the whole numbers of an expression; ok is false if it has
// others. strict takes the runs of digits in the text instead, as the package does.
func usedNumbers(x *expr, answer string, strict bool) (used []int, ok bool) {
	if strict {
		for _, s := range wholeWord.FindAllString(answer, -1) {
			n, err := strconv.Atoi(s)
			if err != nil {
				return used, false
			}
			used = append(used, n)
		}
		return used, true
	}
	for _, n := range x.numbers() {
		if !n.IsInt() || !n.Num().IsInt64() {
			return used, false
		}
		used = append(used, int(n.Num().Int64()))
	}
	return used, !strings.ContainsAny(answer, "eEjJxXoO") && !hasDecimals(answer)
}

// hasDecimals reports whether a point stands before a digit or without one before
// it: such a number is none of the given ones, whatever its value. The point of
// "12." may end the sentence.
func hasDecimals(s string) bool {
	isDigit := func(i int) bool { return i >= 0 && i < len(s) && '0' <= s[i] && s[i] <= '9' }
	for i := range len(s) {
		if s[i] == '.' && (!isDigit(i-1) || isDigit(i+1)) {
			return true
		}
	}
	return false
}

// sameNumbers compares the numbers whatever their order.
func sameNumbers(a, b []int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// closeTo is numpy's isclose with the tolerance of the package.
func closeTo(got, want float64) bool {
	return max(got-want, want-got) <= 1e-6+1e-5*max(want, -want)
}
