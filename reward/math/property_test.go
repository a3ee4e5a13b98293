package math

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// expression is a random constant: spelled in LaTeX in one of the ways in which
// it can be, with its value in floating point.
type expression struct {
	spell func(t *rapid.T) string // a new spelling each time
	value float64
}

func leaf(t *rapid.T) expression {
	switch rapid.IntRange(0, 5).Draw(t, "leaf") {
	case 0:
		return expression{func(*rapid.T) string { return `\pi` }, math.Pi}
	case 1:
		n := rapid.IntRange(2, 30).Draw(t, "radicand")
		return expression{func(t *rapid.T) string {
			return rapid.SampledFrom([]string{fmt.Sprintf(`\sqrt{%d}`, n), fmt.Sprintf(`%d^{1/2}`, n), fmt.Sprintf(`\frac{%d}{\sqrt{%d}}`, n, n), fmt.Sprintf(`\frac{\sqrt{%d}}{2}`, 4*n)}).Draw(t, "root")
		}, math.Sqrt(float64(n))}
	case 2:
		n := rapid.IntRange(2, 9).Draw(t, "argument")
		return expression{func(t *rapid.T) string {
			return rapid.SampledFrom([]string{fmt.Sprintf(`\ln %d`, n), fmt.Sprintf(`\ln(%d)`, n), fmt.Sprintf(`\frac{1}{2}\ln %d`, n*n), fmt.Sprintf(`(-\ln\frac{1}{%d})`, n)}).Draw(t, "log")
		}, math.Log(float64(n))}
	}
	n, d := rapid.IntRange(1, 99).Draw(t, "numerator"), rapid.IntRange(1, 20).Draw(t, "denominator")
	return expression{func(t *rapid.T) string {
		k := rapid.IntRange(1, 5).Draw(t, "scale")
		return rapid.SampledFrom([]string{fmt.Sprintf(`\frac{%d}{%d}`, n, d), fmt.Sprintf(`\frac{%d}{%d}`, n*k, d*k), fmt.Sprintf(`(%d/%d)`, n, d), fmt.Sprintf(`(%d+\frac{%d}{%d})`, n/d, n%d, d), fmt.Sprintf(`(%d \div %d)`, n*k, d*k)}).Draw(t, "fraction")
	}, float64(n) / float64(d)}
}

func random(t *rapid.T, depth int) expression {
	if depth == 0 {
		return leaf(t)
	}
	a, b := random(t, depth-1), random(t, depth-1)
	both := func(forms ...string) func(*rapid.T) string {
		return func(t *rapid.T) string {
			form := rapid.SampledFrom(forms).Draw(t, "form")
			return strings.NewReplacer("A", "{"+a.spell(t)+"}", "B", "{"+b.spell(t)+"}").Replace(form)
		}
	}
	switch rapid.IntRange(0, 4).Draw(t, "operation") {
	case 0:
		return expression{both(`(A+B)`, `(B+A)`, `\left(A+B\right)`, `(A-(-B))`, `(\frac{2A+2B}{2})`), a.value + b.value}
	case 1:
		return expression{both(`(A-B)`, `(-B+A)`, `(-(B-A))`), a.value - b.value}
	case 2:
		return expression{both(`(A\cdot B)`, `(B\times A)`, `(A)(B)`, `(2A\cdot\frac{B}{2})`), a.value * b.value}
	case 3:
		return expression{both(`\frac{A}{B}`, `(A)/(B)`, `(A)(B)^{-1}`, `\frac{3A}{3B}`), a.value / b.value}
	}
	return expression{func(t *rapid.T) string {
		return rapid.SampledFrom([]string{`(A)^2`, `(A\cdot A)`, `(-A)^2`}).Draw(t, "square")
	}, 0}.of(a)
}

// of puts a in a pattern that stands for its square.
func (e expression) of(a expression) expression {
	return expression{func(t *rapid.T) string { return strings.ReplaceAll(e.spell(t), "A", "{"+a.spell(t)+"}") }, a.value * a.value}
}

// Rewriting keeps the verdict; a change of the value changes it.
func TestRewritesAndPerturbations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := random(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		if math.IsNaN(e.value) || math.IsInf(e.value, 0) || math.Abs(e.value) < 1e-6 || math.Abs(e.value) > 1e9 {
			t.Skip("no ordinary value")
		}
		gold, answer := e.spell(t), e.spell(t)
		if r := Compare(gold, answer, Options{}); r.Outcome != Equal {
			t.Fatalf("%s and %s (%v): %v by %s: %s", gold, answer, e.value, r.Outcome, r.Stage, r.Why)
		}
		change := rapid.SampledFrom([]string{`%s+10^{-12}`, `%s+\frac{1}{10^{40}}`, `2\cdot%s`, `-%s`, `%s\cdot(1+10^{-15})`, `%s, 1`, `%s+x`, `\pm%s`, `%s^\circ`, `(%s,%[1]s)`}).Draw(t, "change")
		other := fmt.Sprintf(change, "{"+answer+"}")
		if r := Compare(gold, other, Options{}); r.Outcome == Equal {
			t.Fatalf("%s and %s taken as equal by %s: %s", gold, other, r.Stage, r.Why)
		}
	})
}

// A number is one number in any notation, and none other.
func TestNotations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.Int64Range(-1e15, 1e15).Draw(t, "digits")
		decimals := rapid.IntRange(0, 12).Draw(t, "decimals")
		v := new(big.Rat).SetFrac(big.NewInt(digits), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
		plain := v.FloatString(decimals)
		for _, other := range []string{v.RatString(), plain + "0"[:min(1, decimals)], fmt.Sprintf(`%d\times10^{-%d}`, digits, decimals), fmt.Sprintf("%de-%d", digits, decimals), fmt.Sprintf(`\frac{%d}{%s}`, digits, "1"+strings.Repeat("0", decimals)), "$" + plain + "$", `\boxed{` + plain + "}", "x=" + plain, thousands(plain)} {
			if r := Compare(plain, other, Options{}); r.Outcome != Equal {
				t.Fatalf("%s and %s: %s", plain, other, r.reason())
			}
		}
		next := new(big.Rat).Add(v, new(big.Rat).SetFrac64(1, 1e13)).FloatString(13)
		if r := Compare(plain, next, Options{}); r.Outcome == Equal {
			t.Fatalf("%s and %s taken as equal: %s", plain, next, r.reason())
		}
	})
}

// thousands puts commas into the whole part.
func thousands(s string) string {
	whole, rest, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}

// Sets have no order, tuples have one; neither gains or loses an element.
func TestContainers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfNDistinct(rapid.IntRange(-50, 50), 2, 6, rapid.ID[int]).Draw(t, "values")
		mixed := rapid.Permutation(values).Draw(t, "mixed")
		a, b := join(values), join(mixed)
		same := a == b
		for _, c := range []struct {
			gold, answer string
			equal        bool
		}{
			{`\{` + a + `\}`, `\{` + b + `\}`, true}, {a, b, true}, {`\{` + a + `\}`, b, true}, {`(` + a + `)`, `(` + b + `)`, same},
			{a, b + ", 99", false}, {a, join(mixed[1:]), false}, {`\{` + a + `\}`, `(` + b + `)`, false}, {`(` + a + `)`, `\{` + b + `\}`, false},
		} {
			if r := Compare(c.gold, c.answer, Options{}); (r.Outcome == Equal) != c.equal {
				t.Fatalf("%s and %s: want equal %v: %s", c.gold, c.answer, c.equal, r.reason())
			}
		}
	})
}

func join(values []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(values)), ", "), "[]")
}

// Equations are the same up to a factor, and polynomials up to their order.
func TestPolynomials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(label string) int { return rapid.IntRange(1, 9).Draw(t, label) }
		a, b, c, k := n("a"), n("b"), n("c"), n("k")
		polynomial := fmt.Sprintf("%dx^2+%dxy+%dy^2", a, b, c)
		for _, p := range []struct {
			gold, answer string
			equal        bool
		}{
			{polynomial, fmt.Sprintf("%dy^2+%dyx+%dx^{2}", c, b, a), true},
			{polynomial, fmt.Sprintf("x(%dx+%dy)+%dyy", a, b, c), true},
			{polynomial, fmt.Sprintf("%dx^2+%dxy+%dy^2", a, b, c+1), false},
			{polynomial + fmt.Sprintf("=%d", k), fmt.Sprintf("%dx^2+%dxy+%dy^2-%d=0", k*a, k*b, k*c, k*k), true},
			{polynomial + fmt.Sprintf("=%d", k), fmt.Sprintf("%dx^2+%dxy+%dy^2=-%d", a, b, c, k), false},
			{polynomial + fmt.Sprintf("<%d", k), fmt.Sprintf("-%dx^2-%dxy-%dy^2>-%d", a, b, c, k), true},
			{polynomial + fmt.Sprintf("<%d", k), fmt.Sprintf("-%dx^2-%dxy-%dy^2<-%d", a, b, c, k), false},
		} {
			if r := Compare(p.gold, p.answer, Options{}); (r.Outcome == Equal) != p.equal {
				t.Fatalf("%s and %s: want equal %v: %s", p.gold, p.answer, p.equal, r.reason())
			}
		}
	})
}

// A ball holds its number: it meets the ball of four times the precision.
func TestBallsHoldTheirNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := random(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		text := rapid.SampledFrom([]string{"%s", `\sqrt{|%s|}`, `\sin(%s)`, `\arctan(%s)`, `\sqrt[3]{%s}`, `\cos(%s)+\sqrt{2+\sqrt{3}}`, `\exp(\sin(%s))`}).Draw(t, "function")
		n, trouble := parse(&meter{left: DefaultBudget}, fmt.Sprintf(text, e.spell(t)), dialect{})
		if trouble != nil {
			t.Fatal(trouble)
		}
		m := &meter{left: 10 * DefaultBudget}
		var low, high point
		z := newNumeric(m, 512)
		if guard(func() { low, high = newNumeric(m, 128).eval(n), z.eval(n) }) != nil {
			t.Skip("no value")
		}
		if apart, _ := z.apart(low, high); apart {
			t.Fatalf("%s: %s and %s do not meet", n, shown(low), shown(high))
		}
	})
}

// Verdicts do not depend on which goroutine asks, or on how many do.
func TestSameFromManyGoroutines(t *testing.T) {
	pairs := loadPairs(t)
	want := make([]Result, len(pairs))
	for i, p := range pairs {
		want[i] = Compare(p.Gold, p.Answer, Options{})
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i, p := range pairs {
				if got := Compare(p.Gold, p.Answer, Options{}); got != want[i] {
					t.Errorf("%s: %+v and %+v", p.place, got, want[i])
				}
			}
		})
	}
	all.Wait()
}
