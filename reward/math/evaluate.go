package math

import (
	"math/big"
)

// point is a complex number as two balls; a real one has no imaginary part at all.
type point struct {
	re, im ball
	real   bool
}

// numeric evaluates expressions to points.
type numeric struct {
	*reals
	exact *exact
	at    map[string]ball // of the variables
}

func newNumeric(m *meter, prec uint) *numeric {
	return &numeric{reals: &reals{meter: m, prec: prec, low: 1, high: 1}, exact: &exact{meter: m}, at: map[string]ball{}}
}

func real(b ball) point { return point{re: b, real: true} }

func (z *numeric) zero() ball { return ball{z.float(), radius()} }

func (z *numeric) imag(p point) ball {
	if p.real {
		return z.zero()
	}
	return p.im
}

func (z *numeric) eval(n *Node) point {
	z.spend(20)
	switch n.Kind {
	case Number:
		return real(z.exactly(n.Value))
	case Constant:
		return z.constant(n.Name)
	case Symbol:
		if v := z.exact.bound[n.Name]; v != nil {
			return real(z.exactly(v))
		}
		if v, ok := z.at[n.Name]; ok {
			return real(v)
		}
	case Neg:
		return z.negate(z.eval(n.Kids[0]))
	case Add:
		v := z.eval(n.Kids[0])
		for _, k := range n.Kids[1:] {
			v = z.plus(v, z.eval(k))
		}
		return v
	case Mul:
		v := z.eval(n.Kids[0])
		for _, k := range n.Kids[1:] {
			v = z.times(v, z.eval(k))
		}
		return v
	case Div:
		return z.over(z.eval(n.Kids[0]), z.eval(n.Kids[1]))
	case Percent:
		return z.over(z.eval(n.Kids[0]), real(z.whole(100)))
	case Degree:
		return z.over(z.times(z.eval(n.Kids[0]), real(z.pi())), real(z.whole(180)))
	case Pow:
		return z.pow(n.Kids[0], n.Kids[1])
	case Root:
		return z.root(n.Kids[0], n.Kids[1])
	case Call:
		return z.call(n)
	}
	panic(errUnfit)
}

func (z *numeric) constant(name string) point {
	switch name {
	case "pi":
		return real(z.pi())
	case "e":
		return real(z.exp(z.whole(1)))
	case "i":
		return point{re: z.zero(), im: z.whole(1)}
	}
	panic(errUnfit)
}

func (z *numeric) negate(a point) point {
	if a.real {
		return real(z.neg(a.re))
	}
	return point{re: z.neg(a.re), im: z.neg(a.im)}
}

func (z *numeric) plus(a, b point) point {
	if a.real && b.real {
		return real(z.add(a.re, b.re))
	}
	return z.settled(point{re: z.add(a.re, b.re), im: z.add(z.imag(a), z.imag(b))})
}

func (z *numeric) times(a, b point) point {
	if a.real && b.real {
		return real(z.mul(a.re, b.re))
	}
	x, y := z.imag(a), z.imag(b)
	return z.settled(point{re: z.sub(z.mul(a.re, b.re), z.mul(x, y)), im: z.add(z.mul(a.re, y), z.mul(x, b.re))})
}

// settled drops an imaginary part that is exactly 0.
func (z *numeric) settled(p point) point {
	if p.im.mid.Sign() == 0 && p.im.rad.Sign() == 0 {
		return real(p.re)
	}
	return p
}

func (z *numeric) over(a, b point) point {
	if b.real {
		if a.real {
			return real(z.div(a.re, b.re))
		}
		return point{re: z.div(a.re, b.re), im: z.div(a.im, b.re)}
	}
	norm := z.add(z.mul(b.re, b.re), z.mul(b.im, b.im))
	return z.over(z.times(a, point{re: b.re, im: z.neg(b.im)}), real(norm))
}

// vanishes reports whether an expression is exactly 0, where its ball cannot say.
func (z *numeric) vanishes(n *Node) bool {
	f, t := normalForm(z.meter, n)
	return t == nil && len(f.num) == 0
}

func (z *numeric) root(radicand, index *Node) point {
	k, t := rational(z.meter, index)
	if t != nil || k.Sign() == 0 {
		panic(errUnfit)
	}
	return z.rationalPower(radicand, new(big.Rat).Inv(k))
}

func (z *numeric) pow(base, exponent *Node) point {
	if k, t := z.exponent(exponent); t == nil {
		return z.rationalPower(base, k)
	}
	e := z.eval(exponent)
	if base.Kind == Constant && base.Name == "e" {
		return z.expPoint(e)
	}
	return z.expPoint(z.times(e, z.logPoint(z.eval(base))))
}

func (z *numeric) exponent(n *Node) (v *big.Rat, t *trouble) {
	t = guard(func() { v = z.exact.eval(n) })
	if t == errBudget {
		panic(t)
	}
	return v, t
}

// rationalPower is base^k; the odd root of a negative real is the real one.
func (z *numeric) rationalPower(base *Node, k *big.Rat) point {
	if base.Kind == Constant && base.Name == "e" {
		return real(z.exp(z.exactly(k)))
	}
	b := z.eval(base)
	if k.IsInt() {
		return z.integerPower(b, k.Num())
	}
	if b.real && z.holdsZero(b.re) {
		if b.re.rad.Sign() != 0 && !z.vanishes(base) {
			panic(errAmbiguous)
		}
		if k.Sign() < 0 {
			panic(errZero)
		}
		return real(z.zero())
	}
	half := k.Denom().IsInt64() && k.Denom().Int64() == 2
	if b.real {
		negative := z.sign(b.re) < 0
		odd := k.Denom().Bit(0) == 1
		switch {
		case half && !negative:
			return z.integerPower(real(z.sqrt(b.re)), k.Num())
		case half:
			return z.integerPower(point{re: z.zero(), im: z.sqrt(z.neg(b.re))}, k.Num())
		case !negative:
			return real(z.exp(z.mul(z.exactly(k), z.log(b.re))))
		case odd:
			v := real(z.exp(z.mul(z.exactly(k), z.log(z.neg(b.re)))))
			if k.Num().Bit(0) == 1 {
				v = z.negate(v)
			}
			return v
		}
	}
	return z.expPoint(z.times(real(z.exactly(k)), z.logPoint(b)))
}

func (z *numeric) integerPower(b point, k *big.Int) point {
	if k.Sign() == 0 {
		if b.real && z.holdsZero(b.re) {
			panic(errUndefined)
		}
		return real(z.whole(1))
	}
	if b.real {
		return real(z.power(b.re, k))
	}
	if k.BitLen() > 30 {
		panic(errTooLarge)
	}
	out := real(z.whole(1))
	n := new(big.Int).Abs(k)
	for i := n.BitLen() - 1; i >= 0; i-- {
		out = z.times(out, out)
		if n.Bit(i) == 1 {
			out = z.times(out, b)
		}
	}
	if k.Sign() < 0 {
		return z.over(real(z.whole(1)), out)
	}
	return out
}

func (z *numeric) expPoint(a point) point {
	if a.real {
		return real(z.exp(a.re))
	}
	r := z.exp(a.re)
	s, c := z.sincos(a.im)
	return point{re: z.mul(r, c), im: z.mul(r, s)}
}

func (z *numeric) logPoint(a point) point {
	if a.real {
		if z.sign(a.re) > 0 {
			return real(z.log(a.re))
		}
		return point{re: z.log(z.neg(a.re)), im: z.pi()}
	}
	return point{re: z.shift(z.log(z.add(z.mul(a.re, a.re), z.mul(a.im, a.im))), -1), im: z.argument(a)}
}

// argument is the angle of a number that is not known to be real.
func (z *numeric) argument(a point) ball {
	half := z.shift(z.pi(), -1)
	if z.holdsZero(a.re) {
		if z.sign(a.im) > 0 {
			return half
		}
		return z.neg(half)
	}
	angle := z.atan(z.div(a.im, a.re))
	if z.sign(a.re) > 0 {
		return angle
	}
	if z.sign(a.im) < 0 {
		return z.sub(angle, z.pi())
	}
	return z.add(angle, z.pi())
}

func (z *numeric) onlyReal(p point) ball {
	if !p.real {
		panic(errUnfit)
	}
	return p.re
}

func (z *numeric) call(n *Node) point {
	switch n.Name {
	case "sum", "prod":
		return z.series(n)
	case "factorial", "factorial2", "binom", "gcd", "lcm", "mod":
		return real(z.exactly(z.exact.eval(n)))
	case "exp":
		return z.expPoint(z.eval(n.Kids[0]))
	}
	if len(n.Kids) == 0 {
		panic(errUnfit)
	}
	a := z.eval(n.Kids[0])
	switch n.Name {
	case "log", "ln", "log10":
		return z.logarithm(n, a)
	case "abs":
		return z.absolute(a)
	case "re":
		return real(a.re)
	case "im":
		return real(z.imag(a))
	case "arg":
		if a.real && z.sign(a.re) > 0 {
			return real(z.zero())
		}
		if a.real {
			return real(z.pi())
		}
		return real(z.argument(a))
	case "max", "min":
		for _, k := range n.Kids[1:] {
			b := z.eval(k)
			if (z.sign(z.sub(z.onlyReal(a), z.onlyReal(b))) < 0) == (n.Name == "max") {
				a = b
			}
		}
		return a
	}
	return real(z.function(n.Name, z.onlyReal(a), n.Kids[0]))
}

func (z *numeric) logarithm(n *Node, a point) point {
	if a.real && z.holdsZero(a.re) {
		panic(errUndefined)
	}
	v := z.logPoint(a)
	switch {
	case len(n.Kids) == 2:
		return z.over(v, z.logPoint(z.eval(n.Kids[1])))
	case n.Name == "log10":
		return z.over(v, z.logPoint(real(z.whole(10))))
	}
	return v
}

func (z *numeric) absolute(a point) point {
	if !a.real {
		return real(z.sqrt(z.add(z.mul(a.re, a.re), z.mul(a.im, a.im))))
	}
	if a.re.mid.Sign() < 0 {
		return real(z.neg(a.re)) // a ball with 0 in it keeps its radius: |x| is as near to |mid|
	}
	return a
}

// function evaluates a real function; argument is what x came from.
func (z *numeric) function(name string, x ball, argument *Node) ball {
	one := z.whole(1)
	switch name {
	case "sin", "cos", "tan", "cot", "sec", "csc":
		return z.circular(name, x)
	case "asin":
		return z.arcsine(x)
	case "acos":
		return z.sub(z.shift(z.pi(), -1), z.arcsine(x))
	case "atan":
		return z.atan(x)
	case "acot":
		return z.sub(z.shift(z.pi(), -1), z.atan(x))
	case "asec":
		return z.sub(z.shift(z.pi(), -1), z.arcsine(z.div(one, x)))
	case "acsc":
		return z.arcsine(z.div(one, x))
	case "sinh", "cosh", "tanh", "coth":
		return z.hyperbolic(name, x)
	case "asinh":
		return z.log(z.add(x, z.sqrt(z.add(z.mul(x, x), one))))
	case "acosh":
		return z.log(z.add(x, z.sqrt(z.sub(z.mul(x, x), one))))
	case "atanh":
		return z.shift(z.log(z.div(z.add(one, x), z.sub(one, x))), -1)
	case "floor":
		return z.floor(x)
	case "ceil":
		return z.neg(z.floor(z.neg(x)))
	case "sgn":
		if z.holdsZero(x) && z.vanishes(argument) {
			return z.zero()
		}
		return z.whole(int64(z.sign(x)))
	}
	panic(errUnfit)
}

func (z *numeric) circular(name string, x ball) ball {
	s, c := z.sincos(x)
	switch name {
	case "sin":
		return s
	case "cos":
		return c
	case "tan":
		return z.div(s, c)
	case "cot":
		return z.div(c, s)
	case "sec":
		return z.div(z.whole(1), c)
	}
	return z.div(z.whole(1), s)
}

func (z *numeric) hyperbolic(name string, x ball) ball {
	p := z.exp(x)
	q := z.div(z.whole(1), p)
	s, c := z.shift(z.sub(p, q), -1), z.shift(z.add(p, q), -1)
	switch name {
	case "sinh":
		return s
	case "cosh":
		return c
	case "tanh":
		return z.div(s, c)
	}
	return z.div(c, s)
}

// arcsine is 2 atan(x / (1 + √(1-x²))).
func (z *numeric) arcsine(x ball) ball {
	one := z.whole(1)
	if left := z.sub(one, z.mul(x, x)); lower(left) != nil && left.mid.Sign() < 0 {
		panic(errUndefined)
	}
	root := z.sqrt(z.sub(one, z.mul(x, x)))
	return z.shift(z.atan(z.div(x, z.add(one, root))), 1)
}

// floor is refused where the ball holds a whole number and more.
func (z *numeric) floor(x ball) ball {
	if magnitude(x.mid) > int(z.prec) {
		panic(errTooLarge)
	}
	edge := func(v *big.Float) *big.Int {
		k, accuracy := v.Int(nil)
		if accuracy == big.Above {
			k.Sub(k, big.NewInt(1))
		}
		return k
	}
	wide := z.prec + 64
	low := edge(new(big.Float).SetPrec(wide).Sub(x.mid, x.rad))
	high := edge(new(big.Float).SetPrec(wide).Add(x.mid, x.rad))
	if low.Cmp(high) != 0 {
		panic(errAmbiguous)
	}
	return z.exactly(new(big.Rat).SetInt(low))
}

func (z *numeric) series(n *Node) point {
	from, to := z.exact.whole(n.Kids[1]), z.exact.whole(n.Kids[2])
	if to-from > maxSeries || from > 1<<40 || from < -1<<40 {
		panic(errTooLarge)
	}
	inner := *z
	inner.exact = &exact{meter: z.meter, bound: map[string]*big.Rat{}}
	for name, v := range z.exact.bound {
		inner.exact.bound[name] = v
	}
	total := real(z.zero())
	if n.Name == "prod" {
		total = real(z.whole(1))
	}
	for k := from; k <= to; k++ {
		inner.exact.bound[n.Kids[0].Name] = new(big.Rat).SetInt64(k)
		if n.Name == "prod" {
			total = z.times(total, inner.eval(n.Kids[3]))
		} else {
			total = z.plus(total, inner.eval(n.Kids[3]))
		}
	}
	return total
}
