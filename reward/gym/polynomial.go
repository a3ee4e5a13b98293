package gym

import (
	"errors"
	"fmt"
	"math/big"
	"sort"
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
	want, err := expandedText(*e.Answer)
	if err != nil {
		return badEntryf("the stored answer: %w", err)
	}
	got, err := expandedText(answer)
	switch {
	case err != nil:
		return scored(0, "%s: %v", quote(answer), err)
	case len(got) != len(want):
		return scored(0, "%d terms; the product has %d", len(got), len(want))
	}
	for monomial, c := range want {
		if have, ok := got[monomial]; !ok || have.Cmp(c) != 0 {
			return scored(0, "the term %s is missing or has another coefficient than %s", monomialText(monomial), c.RatString())
		}
	}
	return scored(1, "equal to the product, term by term")
}

// polynomial maps monomials ("x^2*y") to coefficients, none of them zero.
type polynomial map[string]*big.Rat

var errNotExpanded = errors.New("a product of sums is not expanded")

func expandedText(s string) (polynomial, error) {
	x, err := parseExpr(s)
	if err != nil {
		return nil, err
	}
	budget := 1 << 14
	return x.expanded(&budget)
}

// expanded reads a sum of terms. A number times a sum is one; a sum times a sum
// is refused, so the work is linear in the text but for equal terms.
func (e *expr) expanded(budget *int) (polynomial, error) {
	if *budget--; *budget < 0 {
		return nil, errExprLong
	}
	switch e.op {
	case 'n':
		if e.real {
			return nil, errors.New("a decimal, where the coefficients are whole numbers")
		}
		return constant(e.num), nil
	case 'v':
		return polynomial{e.name + "^1": big.NewRat(1, 1)}, nil
	case '_', '+', '-', '*', '/', 'p':
	default:
		return nil, errors.New("only + - * / and ** are understood")
	}
	a, err := e.args[0].expanded(budget)
	if err != nil {
		return nil, err
	}
	if e.op == '_' {
		return a.scale(big.NewRat(-1, 1)), nil
	}
	b, err := e.args[1].expanded(budget)
	if err != nil {
		return nil, err
	}
	*budget -= min(len(a), len(b))
	switch e.op {
	case '+':
		return a.add(b), nil
	case '-':
		return a.add(b.scale(big.NewRat(-1, 1))), nil
	case '*':
		return a.times(b)
	case '/':
		inverse, err := b.raise(-1)
		if err != nil {
			return nil, err
		}
		return a.times(inverse)
	}
	n, ok := b.constant()
	if !ok || !n.IsInt() || !n.Num().IsInt64() {
		return nil, errors.New("an exponent is no whole number")
	}
	return a.raise(n.Num().Int64())
}

func constant(c *big.Rat) polynomial {
	if c.Sign() == 0 {
		return polynomial{}
	}
	return polynomial{"": c}
}

// constant is the value of a polynomial without variables.
func (p polynomial) constant() (*big.Rat, bool) {
	if len(p) == 0 {
		return new(big.Rat), true
	}
	c, ok := p[""]
	return c, ok && len(p) == 1
}

func (p polynomial) scale(k *big.Rat) polynomial {
	out := make(polynomial, len(p))
	for m, c := range p {
		out[m] = new(big.Rat).Mul(c, k)
	}
	return out
}

// add adds the smaller into the larger, which it takes over.
func (p polynomial) add(q polynomial) polynomial {
	if len(p) < len(q) {
		p, q = q, p
	}
	for m, c := range q {
		if have, ok := p[m]; ok {
			c = new(big.Rat).Add(have, c)
		}
		if c.Sign() == 0 {
			delete(p, m)
		} else {
			p[m] = c
		}
	}
	return p
}

// times multiplies two terms, or a number with a sum.
func (p polynomial) times(q polynomial) (polynomial, error) {
	if _, ok := p.constant(); ok {
		p, q = q, p
	}
	if k, ok := q.constant(); ok {
		if k.Sign() == 0 {
			return polynomial{}, nil
		}
		for _, c := range p {
			if c.Num().BitLen()+c.Denom().BitLen()+k.Num().BitLen()+k.Denom().BitLen() > maxBits {
				return nil, errBigNumber
			}
		}
		return p.scale(k), nil
	}
	if len(p) > 1 || len(q) > 1 {
		return nil, errNotExpanded
	}
	for m, c := range p {
		for n, d := range q {
			product, err := apply('*', c, d)
			if err != nil {
				return nil, err
			}
			return polynomial{joinMonomials(m, n): product}, nil
		}
	}
	return polynomial{}, nil
}

// raise takes a term to a whole power.
func (p polynomial) raise(n int64) (polynomial, error) {
	if n == 1 {
		return p, nil
	}
	if n == 0 {
		return constant(big.NewRat(1, 1)), nil
	}
	if len(p) > 1 {
		return nil, errNotExpanded
	}
	if n > 1<<20 || n < -(1<<20) {
		return nil, errBigNumber
	}
	for m, c := range p {
		k, err := power(c, big.NewRat(n, 1))
		if err != nil {
			return nil, err
		}
		return polynomial{raiseMonomial(m, n): k}, nil
	}
	if n < 0 {
		return nil, errDivZero
	}
	return polynomial{}, nil
}

// exponents takes a monomial's name apart.
func exponents(m string) map[string]int64 {
	out := map[string]int64{}
	for part := range strings.SplitSeq(m, "*") {
		name, n, ok := strings.Cut(part, "^")
		if !ok {
			continue
		}
		var e int64
		if _, err := fmt.Sscan(n, &e); err == nil {
			out[name] += e
		}
	}
	return out
}

func monomialName(exps map[string]int64) string {
	var parts []string
	for name, n := range exps {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%s^%d", name, n))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, "*")
}

func joinMonomials(m, n string) string {
	exps := exponents(m)
	for name, k := range exponents(n) {
		exps[name] += k
	}
	return monomialName(exps)
}

func raiseMonomial(m string, n int64) string {
	exps := exponents(m)
	for name := range exps {
		exps[name] *= n
	}
	return monomialName(exps)
}

func monomialText(m string) string {
	if m == "" {
		return "without variables"
	}
	return quote(m)
}
