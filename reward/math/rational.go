package math

import "math/big"

// exact evaluates expressions in rational numbers. What is not rational panics
// with errNotRational; there is no rounding.
type exact struct {
	*meter
	bound map[string]*big.Rat // indices of sums and products
}

var one = big.NewRat(1, 1)

// rational evaluates a constant expression; ok is false if it is not plainly
// rational or has no value.
func rational(m *meter, n *Node) (v *big.Rat, t *trouble) {
	m.spend(100)
	t = guard(func() { v = (&exact{meter: m}).eval(n) })
	return v, t
}

func (e *exact) eval(n *Node) *big.Rat {
	e.spend(15)
	switch n.Kind {
	case Number:
		return n.Value
	case Symbol:
		if v := e.bound[n.Name]; v != nil {
			return v
		}
	case Neg:
		return new(big.Rat).Neg(e.eval(n.Kids[0]))
	case Add:
		return e.fold(n.Kids, e.add)
	case Mul:
		return e.fold(n.Kids, e.mul)
	case Div:
		return e.div(e.eval(n.Kids[0]), e.eval(n.Kids[1]))
	case Percent:
		return e.div(e.eval(n.Kids[0]), big.NewRat(100, 1))
	case Pow:
		return e.pow(e.eval(n.Kids[0]), e.eval(n.Kids[1]))
	case Root:
		index := e.eval(n.Kids[1])
		if index.Sign() == 0 {
			panic(errUndefined)
		}
		return e.pow(e.eval(n.Kids[0]), new(big.Rat).Inv(index))
	case Call:
		return e.call(n)
	}
	panic(errNotRational)
}

func (e *exact) fold(kids []*Node, op func(a, b *big.Rat) *big.Rat) *big.Rat {
	v := e.eval(kids[0])
	for _, k := range kids[1:] {
		v = op(v, e.eval(k))
	}
	return v
}

// size is a rational's size in words.
func size(a *big.Rat) int { return words(a.Num()) + words(a.Denom()) }

func (m *meter) add(a, b *big.Rat) *big.Rat {
	if a.IsInt() && b.IsInt() {
		m.spend(50 + size(a) + size(b))
	} else {
		m.ratCost(a, b)
	}
	return m.checked(new(big.Rat).Add(a, b))
}

func (m *meter) mul(a, b *big.Rat) *big.Rat {
	m.ratCost(a, b)
	return m.checked(new(big.Rat).Mul(a, b))
}

// ratCost counts an operation on fractions: the product and its reduction.
func (m *meter) ratCost(a, b *big.Rat) {
	x, y := size(a), size(b)
	if x+y > 400 { // the reduction works on both sides' words, and allocates
		m.spend((x + y) * (x + y))
	}
	m.spend(80 + 4*x*y)
}

func (m *meter) div(a, b *big.Rat) *big.Rat {
	if b.Sign() == 0 {
		panic(errZero)
	}
	m.ratCost(a, b)
	return m.checked(new(big.Rat).Quo(a, b))
}

// checked refuses a number over the bound on bits.
func (m *meter) checked(v *big.Rat) *big.Rat {
	if v.Num().BitLen()+v.Denom().BitLen() > maxBits {
		panic(errTooLarge)
	}
	return v
}

// pow is a^b where that is rational. The root of a negative number with an odd
// index is the real one.
func (e *exact) pow(a, b *big.Rat) *big.Rat {
	if b.IsInt() {
		return e.integerPower(a, b.Num())
	}
	if !b.Denom().IsInt64() || b.Denom().Int64() > 1<<16 {
		panic(errNotRational)
	}
	index := int(b.Denom().Int64())
	if a.Sign() < 0 && index%2 == 0 {
		panic(errNotRational)
	}
	n, ok := e.integerRoot(a.Num(), index)
	if !ok {
		panic(errNotRational)
	}
	d, ok := e.integerRoot(a.Denom(), index)
	if !ok {
		panic(errNotRational)
	}
	return e.integerPower(new(big.Rat).SetFrac(n, d), b.Num())
}

func (m *meter) integerPower(a *big.Rat, b *big.Int) *big.Rat {
	switch {
	case a.Sign() == 0 && b.Sign() < 0:
		panic(errZero)
	case a.Sign() == 0 && b.Sign() == 0:
		panic(&trouble{reason: "0 to the power 0"})
	case b.Sign() == 0:
		return one
	case a.Sign() == 0:
		return a
	case a.IsInt() && a.Num().BitLen() == 1: // 1 and -1
		if a.Sign() > 0 || b.Bit(0) == 0 {
			return one
		}
		return big.NewRat(-1, 1)
	}
	bits := max(a.Num().BitLen(), a.Denom().BitLen())
	if !b.IsInt64() || b.BitLen() > 40 || float64(bits-1)*float64(abs64(b.Int64())) > maxBits {
		panic(errTooLarge)
	}
	k := int(abs64(b.Int64()))
	w := bits*k/64 + 1
	m.spend(50 + w*w/2)
	exponent := big.NewInt(int64(k))
	n, d := new(big.Int).Exp(a.Num(), exponent, nil), new(big.Int).Exp(a.Denom(), exponent, nil)
	if b.Sign() < 0 {
		n, d = d, n
	}
	if d.Sign() < 0 {
		n.Neg(n)
		d.Neg(d)
	}
	// Powers of coprime numbers are coprime; SetFrac would reduce them in vain.
	if d.IsInt64() && d.Int64() == 1 {
		return m.checked(new(big.Rat).SetInt(n))
	}
	m.spend(w * w)
	return m.checked(new(big.Rat).SetFrac(n, d))
}

func abs64(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// integerRoot is the exact root of a with this index, if it is a whole number.
func (m *meter) integerRoot(a *big.Int, index int) (*big.Int, bool) {
	if a.Sign() < 0 {
		r, ok := m.integerRoot(new(big.Int).Neg(a), index)
		if ok {
			r.Neg(r)
		}
		return r, ok
	}
	if a.BitLen() <= 1 {
		return new(big.Int).Set(a), true
	}
	w := words(a)
	m.spend(100 + 4*w*w)
	if index == 2 {
		r := new(big.Int).Sqrt(a)
		return r, new(big.Int).Mul(r, r).Cmp(a) == 0
	}
	if index >= a.BitLen() {
		return nil, false
	}
	// Newton from above.
	k := big.NewInt(int64(index))
	less := big.NewInt(int64(index - 1))
	r := new(big.Int).Lsh(big.NewInt(1), uint((a.BitLen()+index-1)/index))
	for {
		m.spend(100 + 4*w*w)
		next := new(big.Int).Exp(r, less, nil)
		next.Quo(a, next)
		next.Add(next, new(big.Int).Mul(less, r))
		next.Quo(next, k)
		if next.Cmp(r) >= 0 {
			break
		}
		r = next
	}
	return r, new(big.Int).Exp(r, k, nil).Cmp(a) == 0
}

// whole evaluates an argument that must be an integer within int64.
func (e *exact) whole(n *Node) int64 {
	v := e.eval(n)
	if !v.IsInt() {
		panic(errNotRational)
	}
	if !v.Num().IsInt64() {
		panic(errTooLarge)
	}
	return v.Num().Int64()
}

func (e *exact) call(n *Node) *big.Rat {
	switch n.Name {
	case "factorial", "factorial2":
		step := int64(1)
		if n.Name == "factorial2" {
			step = 2
		}
		return e.factorial(e.whole(n.Kids[0]), step)
	case "binom":
		if len(n.Kids) == 2 {
			return e.binomial(e.whole(n.Kids[0]), e.whole(n.Kids[1]))
		}
	case "abs":
		return new(big.Rat).Abs(e.eval(n.Kids[0]))
	case "floor", "ceil":
		v := e.eval(n.Kids[0])
		q := new(big.Int)
		e.spend(20 + size(v)*size(v))
		if n.Name == "floor" {
			q.Div(v.Num(), v.Denom()) // Euclidean: the denominator is positive, so it rounds down
		} else {
			q.Neg(q.Div(new(big.Int).Neg(v.Num()), v.Denom()))
		}
		return new(big.Rat).SetInt(q)
	case "sgn":
		return big.NewRat(int64(e.eval(n.Kids[0]).Sign()), 1)
	case "re":
		return e.eval(n.Kids[0])
	case "max", "min":
		return e.fold(n.Kids, func(a, b *big.Rat) *big.Rat {
			if (a.Cmp(b) > 0) == (n.Name == "max") {
				return a
			}
			return b
		})
	case "gcd", "lcm", "mod":
		return e.fold(n.Kids, func(a, b *big.Rat) *big.Rat { return e.integers(n.Name, a, b) })
	case "sum", "prod":
		return e.series(n)
	case "log", "ln", "log10":
		return e.logarithm(n)
	}
	panic(errNotRational)
}

func (e *exact) factorial(n, step int64) *big.Rat {
	if n < 0 {
		panic(errUndefined)
	}
	if n > 40_000 {
		panic(errTooLarge)
	}
	v := big.NewInt(1)
	if step == 1 {
		e.spend(50 + int(n)*int(n)/8)
		return e.checked(new(big.Rat).SetInt(v.MulRange(1, n)))
	}
	for k := n; k > 1; k -= step {
		e.spend(20 + words(v))
		v.Mul(v, big.NewInt(k))
	}
	return e.checked(new(big.Rat).SetInt(v))
}

func (e *exact) binomial(n, k int64) *big.Rat {
	if n < 0 {
		panic(errUndefined)
	}
	if k < 0 || k > n {
		return new(big.Rat)
	}
	k = min(k, n-k)
	if k > 20_000 {
		panic(errTooLarge)
	}
	bits := int(k) * (big.NewInt(n).BitLen())
	if bits > 4*maxBits {
		panic(errTooLarge)
	}
	e.spend(50 + int(k)*(bits/64+4))
	return e.checked(new(big.Rat).SetInt(new(big.Int).Binomial(n, k)))
}

func (e *exact) integers(name string, a, b *big.Rat) *big.Rat {
	if !a.IsInt() || !b.IsInt() {
		panic(errNotRational)
	}
	e.spend(50 + 2*size(a)*size(b))
	x, y := a.Num(), b.Num()
	if name == "mod" {
		if y.Sign() == 0 {
			panic(errZero)
		}
		return new(big.Rat).SetInt(new(big.Int).Mod(x, y))
	}
	g := new(big.Int).GCD(nil, nil, new(big.Int).Abs(x), new(big.Int).Abs(y))
	if name == "gcd" {
		return new(big.Rat).SetInt(g)
	}
	if g.Sign() == 0 {
		return new(big.Rat)
	}
	return e.checked(new(big.Rat).SetInt(g.Mul(g.Quo(new(big.Int).Abs(x), g), new(big.Int).Abs(y))))
}

// maxSeries is how many terms of a sum or product are worked out.
const maxSeries = 20_000

// series adds or multiplies the terms of a sum or product with integer bounds.
func (e *exact) series(n *Node) *big.Rat {
	from, to := e.whole(n.Kids[1]), e.whole(n.Kids[2])
	if to-from > maxSeries || from > 1<<40 || from < -1<<40 {
		panic(errTooLarge)
	}
	op, v := e.add, new(big.Rat)
	if n.Name == "prod" {
		op, v = e.mul, big.NewRat(1, 1)
	}
	inner := exact{meter: e.meter, bound: map[string]*big.Rat{}}
	for name, b := range e.bound {
		inner.bound[name] = b
	}
	for k := from; k <= to; k++ {
		inner.bound[n.Kids[0].Name] = new(big.Rat).SetInt64(k)
		v = op(v, inner.eval(n.Kids[3]))
	}
	return v
}

// logarithm is log_b a where both are powers of one rational.
func (e *exact) logarithm(n *Node) *big.Rat {
	a := e.eval(n.Kids[0])
	if a.Cmp(one) == 0 {
		return new(big.Rat)
	}
	base := big.NewRat(10, 1)
	switch {
	case len(n.Kids) == 2:
		base = e.eval(n.Kids[1])
	case n.Name != "log10":
		panic(errNotRational) // natural
	}
	if a.Sign() <= 0 || base.Sign() <= 0 || base.Cmp(one) == 0 {
		panic(errUndefined)
	}
	// Euclid on exponents: log_b a = k + log_b (a/b^k).
	size := max(bitsOf(a), bitsOf(base))
	if size > 1<<14 {
		panic(errTooLarge)
	}
	num, den, ok := e.commensurable(a, base, size)
	if !ok {
		panic(errNotRational)
	}
	return big.NewRat(num, den)
}

func bitsOf(v *big.Rat) int { return v.Num().BitLen() + v.Denom().BitLen() }

// commensurable finds p/q with a = b^(p/q). If there is one, both are powers of
// one rational, and no number on the way has more than size bits, which the
// larger of the two had.
func (e *exact) commensurable(a, b *big.Rat, size int) (p, q int64, ok bool) {
	if bitsOf(a) > size+1 || bitsOf(b) > size+1 {
		return 0, 0, false
	}
	if a.Cmp(one) == 0 {
		return 0, 1, true
	}
	if a.Cmp(one) < 0 {
		p, q, ok = e.commensurable(new(big.Rat).Inv(a), b, size)
		return -p, q, ok
	}
	if b.Cmp(one) < 0 {
		p, q, ok = e.commensurable(a, new(big.Rat).Inv(b), size)
		return -p, q, ok
	}
	k := int64(0)
	for a.Cmp(b) >= 0 {
		if a = e.div(a, b); bitsOf(a) > size+1 {
			return 0, 0, false
		}
		k++
	}
	if a.Cmp(one) == 0 {
		return k, 1, true
	}
	// a < b: log_b a = 1 / log_a b
	p, q, ok = e.commensurable(b, a, size)
	if !ok || p == 0 || p > 1<<20 || q > 1<<20 {
		return 0, 0, false
	}
	return k*p + q, p, true
}
