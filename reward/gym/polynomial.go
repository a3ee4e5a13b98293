package gym

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

var polynomialMultiplication = Task{"polynomial_multiplication", scoreProduct}

// scoreProduct wants the expanded product: the same polynomial, written as a sum
// of terms. A product of sums left standing is no answer to "simplify" (it may
// be the question), nor does the package accept it.
func scoreProduct(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	var names variableNames
	want, err := expandedText(*e.Answer, &names)
	if err != nil {
		return badEntryf("the stored answer: %w", err)
	}
	got, err := expandedText(answer, &names)
	switch {
	case err != nil:
		return scored(0, "%s: %v", quote(answer), err)
	case len(got) != len(want):
		return scored(0, "%d terms; the product has %d", len(got), len(want))
	}
	for i := range want {
		switch {
		case got[i].powers != want[i].powers:
			return scored(0, "there is no term in %s, but one in %s", names.show(want[i].powers), names.show(got[i].powers))
		case got[i].coefficient.Cmp(want[i].coefficient) != 0:
			return scored(0, "the coefficient of %s is not %s", names.show(want[i].powers), want[i].coefficient.RatString())
		}
	}
	return scored(1, "equal to the product, term by term")
}

// maxNames bounds the variables of a polynomial; the package's have fewer.
const maxNames = 8

// variableNames numbers the variables of two polynomials.
type variableNames struct{ list []string }

func (v *variableNames) index(name string) (int, error) {
	if i := slices.Index(v.list, name); i >= 0 {
		return i, nil
	}
	if len(v.list) == maxNames {
		return 0, fmt.Errorf("more than %d variables", maxNames)
	}
	v.list = append(v.list, name)
	return len(v.list) - 1, nil
}

// powers are the exponents of the variables in a term.
type powers [maxNames]int32

func (v *variableNames) show(p powers) string {
	var parts []string
	for i, n := range p {
		switch {
		case n == 1:
			parts = append(parts, v.list[i])
		case n != 0:
			parts = append(parts, fmt.Sprintf("%s**%d", v.list[i], n))
		}
	}
	if parts == nil {
		return "no variable"
	}
	return quote(strings.Join(parts, "*")).String()
}

func (p powers) compare(q powers) int { return slices.Compare(p[:], q[:]) }

// term is a coefficient, never zero, before a product of powers.
type term struct {
	powers      powers
	coefficient *big.Rat
}

// polynomial is a sum of terms, sorted by falling powers, no two with equal ones.
type polynomial []term

var (
	errNotExpanded = errors.New("a product of sums is not expanded")
	errDecimal     = errors.New("a decimal, where the coefficients are whole numbers")
	errOperation   = errors.New("only + - * / and ** are understood")
	errExponent    = errors.New("an exponent is no whole number")
	one            = big.NewRat(1, 1)
)

// maxTerms bounds the terms of a sum as it is written, and with it the work: each
// is sorted once, and multiplied at most as often as the expression is deep.
const maxTerms = 1 << 14

func expandedText(s string, names *variableNames) (polynomial, error) {
	x, err := parseExpr(s)
	if err != nil {
		return nil, err
	}
	budget := maxTerms
	return x.expanded(names, &budget)
}

// expanded reads a sum of terms. A number times a sum is one; a sum times a sum
// is refused.
func (e *expr) expanded(names *variableNames, budget *int) (polynomial, error) {
	var sum polynomial
	if err := e.addTo(&sum, one, names, budget); err != nil {
		return nil, err
	}
	return sum.collect(), nil
}

// addTo appends the terms of factor times the expression.
func (e *expr) addTo(sum *polynomial, factor *big.Rat, names *variableNames, budget *int) error {
	switch e.op {
	case '+', '-':
		if err := e.args[0].addTo(sum, factor, names, budget); err != nil {
			return err
		}
		if e.op == '-' {
			factor = new(big.Rat).Neg(factor)
		}
		return e.args[1].addTo(sum, factor, names, budget)
	case '_':
		return e.args[0].addTo(sum, new(big.Rat).Neg(factor), names, budget)
	}
	p, err := e.product(names, budget)
	if err != nil {
		return err
	}
	if *budget -= len(p); *budget < 0 {
		return errExprLong
	}
	for _, t := range p {
		if factor != one {
			if t.coefficient, err = multiplied(t.coefficient, factor); err != nil {
				return err
			}
		}
		*sum = append(*sum, t)
	}
	return nil
}

// product reads a term, or a number times a sum.
func (e *expr) product(names *variableNames, budget *int) (polynomial, error) {
	switch e.op {
	case 'n':
		if e.real {
			return nil, errDecimal
		}
		return polynomial{{coefficient: e.num}}.collect(), nil
	case 'v':
		i, err := names.index(e.name)
		t := term{coefficient: one}
		t.powers[i] = 1
		return polynomial{t}, err
	case '+', '-', '_':
		return e.expanded(names, budget)
	case '*', '/', 'p':
	default:
		return nil, errOperation
	}
	a, err := e.args[0].product(names, budget)
	if err != nil {
		return nil, err
	}
	b, err := e.args[1].product(names, budget)
	if err != nil {
		return nil, err
	}
	switch e.op {
	case '*':
		return a.times(b)
	case '/':
		if b, err = b.raise(-1); err != nil {
			return nil, err
		}
		return a.times(b)
	}
	n, ok := b.constant()
	if !ok || !n.IsInt() || !n.Num().IsInt64() {
		return nil, errExponent
	}
	return a.raise(n.Num().Int64())
}

// collect sorts the terms and adds up those with equal powers.
func (p polynomial) collect() polynomial {
	byPowers := func(a, b term) int { return b.powers.compare(a.powers) }
	if !slices.IsSortedFunc(p, byPowers) {
		slices.SortStableFunc(p, byPowers)
	}
	out := p[:0]
	for _, t := range p {
		if n := len(out); n > 0 && out[n-1].powers == t.powers {
			out[n-1].coefficient = new(big.Rat).Add(out[n-1].coefficient, t.coefficient)
			if out[n-1].coefficient.Sign() == 0 {
				out = out[:n-1]
			}
		} else if t.coefficient.Sign() != 0 {
			out = append(out, t)
		}
	}
	return out
}

// constant is the value of a polynomial without variables.
func (p polynomial) constant() (*big.Rat, bool) {
	if len(p) == 0 {
		return new(big.Rat), true
	}
	return p[0].coefficient, len(p) == 1 && p[0].powers == powers{}
}

// times multiplies two terms, or a number with a sum.
func (p polynomial) times(q polynomial) (polynomial, error) {
	if _, ok := p.constant(); ok {
		p, q = q, p
	}
	if len(p) == 0 || len(q) == 0 {
		return nil, nil
	}
	if _, ok := q.constant(); len(q) > 1 || len(p) > 1 && !ok {
		return nil, errNotExpanded
	}
	out := make(polynomial, len(p))
	for i, t := range p {
		c, err := multiplied(t.coefficient, q[0].coefficient)
		if err != nil {
			return nil, err
		}
		for k, n := range q[0].powers {
			if t.powers[k] += n; t.powers[k] > maxPower || t.powers[k] < -maxPower {
				return nil, errBigNumber
			}
		}
		out[i] = term{t.powers, c}
	}
	return out, nil
}

// multiplied is a product of which a factor is often 1.
func multiplied(a, b *big.Rat) (*big.Rat, error) {
	switch {
	case a == one:
		return b, nil
	case b == one:
		return a, nil
	}
	return apply('*', a, b)
}

// maxPower bounds an exponent.
const maxPower = 1 << 20

// raise takes a term to a whole power.
func (p polynomial) raise(n int64) (polynomial, error) {
	switch {
	case n == 1:
		return p, nil
	case n == 0:
		return polynomial{{coefficient: one}}, nil
	case len(p) > 1:
		return nil, errNotExpanded
	case n > maxPower || n < -maxPower:
		return nil, errBigNumber
	case len(p) == 0 && n < 0:
		return nil, errDivZero
	case len(p) == 0:
		return nil, nil
	}
	c, err := power(p[0].coefficient, new(big.Rat).SetInt64(n))
	if err != nil {
		return nil, err
	}
	t := term{coefficient: c}
	for k, m := range p[0].powers {
		if product := int64(m) * n; product > maxPower || product < -maxPower {
			return nil, errBigNumber
		}
		t.powers[k] = m * int32(n)
	}
	return polynomial{t}, nil
}
