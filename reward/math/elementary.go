package math

import (
	"math"
	"math/big"
	"sync"
)

// Elementary functions on balls. Each is computed at the midpoint with guard
// bits and widened by a bound on its derivative times the radius.

const guardBits = 48

// ladder caches π and ln 2, the most precise computed so far.
type ladder struct {
	mu    sync.Mutex
	value *big.Float
	make  func(prec uint) *big.Float
}

func (c *ladder) at(prec uint) *big.Float {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.value == nil || c.value.Prec() < prec+guardBits {
		c.value = c.make(max(prec, 512) + 2*guardBits)
	}
	return c.value
}

var (
	piCache  = ladder{make: machin}
	ln2Cache = ladder{make: logTwo}
)

// series sums 1/(k x^k) for k = 1, 3, 5, …, with alternating signs for the arcus
// tangent of 1/x and without for its hyperbolic cousin, in fixed point.
func inverseSeries(x int64, prec uint, alternate bool) *big.Int {
	unit := new(big.Int).Lsh(big.NewInt(1), prec)
	power := unit.Quo(unit, big.NewInt(x))
	square := big.NewInt(x * x)
	total, t := new(big.Int).Set(power), new(big.Int)
	for k := int64(3); power.Sign() != 0; k += 2 {
		power.Quo(power, square)
		t.Quo(power, big.NewInt(k))
		if alternate && k%4 == 3 {
			total.Sub(total, t)
		} else {
			total.Add(total, t)
		}
	}
	return total
}

// machin is π = 16 atan(1/5) - 4 atan(1/239).
func machin(prec uint) *big.Float {
	p := prec + 32
	v := inverseSeries(5, p, true)
	v.Mul(v, big.NewInt(16))
	v.Sub(v, new(big.Int).Mul(big.NewInt(4), inverseSeries(239, p, true)))
	f := new(big.Float).SetPrec(prec).SetInt(v)
	return f.SetMantExp(f, -int(p))
}

// logTwo is ln 2 = 18 artanh(1/26) - 2 artanh(1/4801) + 8 artanh(1/8749).
func logTwo(prec uint) *big.Float {
	p := prec + 32
	v := inverseSeries(26, p, false)
	v.Mul(v, big.NewInt(18))
	v.Sub(v, new(big.Int).Mul(big.NewInt(2), inverseSeries(4801, p, false)))
	v.Add(v, new(big.Int).Mul(big.NewInt(8), inverseSeries(8749, p, false)))
	f := new(big.Float).SetPrec(prec).SetInt(v)
	return f.SetMantExp(f, -int(p))
}

func (r *reals) pi() ball {
	return widened(ball{r.float().Set(piCache.at(r.prec)), radius()}, 3-int(r.prec))
}

func (r *reals) ln2(prec uint) *big.Float { return ln2Cache.at(prec) }

// exp of a ball.
func (r *reals) exp(a ball) ball {
	if a.mid.Sign() == 0 && a.rad.Sign() == 0 {
		return r.whole(1)
	}
	e := 0
	if a.mid.Sign() != 0 {
		e = a.mid.MantExp(nil)
	}
	if e > 30 {
		panic(errTooLarge)
	}
	if a.rad.Sign() != 0 && a.rad.MantExp(nil) > -2 {
		panic(errAmbiguous)
	}
	f := expAt(r, a.mid, r.prec+guardBits+uint(max(e, 0)))
	mid := r.float().Set(f)
	// e^(m+x) - e^m <= e^m 2|x| for |x| < 1/4; and the rounding.
	rad := radius().Mul(abs(mid), a.rad)
	rad.Add(rad, rad)
	out := r.rounded(mid, rad)
	return widened(out, mid.MantExp(nil)-int(r.prec))
}

// expAt is e^x with a relative error below 2^-(prec-guardBits).
func expAt(r *reals, x *big.Float, prec uint) *big.Float {
	w := prec + 64
	r.spend(2000 + int(w)*int(w)/40)
	ln2 := r.ln2(w)
	q := new(big.Float).SetPrec(w).Quo(x, ln2)
	k, _ := q.Int64()
	y := new(big.Float).SetPrec(w).Mul(ln2, new(big.Float).SetInt64(k))
	y.Sub(x, y)
	s := int(math.Sqrt(float64(prec)))/2 + 2
	y = new(big.Float).SetPrec(w).SetMantExp(y, -s)
	sum := new(big.Float).SetPrec(w).SetInt64(1)
	t := new(big.Float).SetPrec(w).SetInt64(1)
	for n := int64(1); ; n++ {
		t.Mul(t, y)
		t.Quo(t, new(big.Float).SetInt64(n))
		if t.Sign() == 0 || t.MantExp(nil) < -int(w) {
			break
		}
		sum.Add(sum, t)
	}
	for range s {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}

// log of a ball of positive numbers.
func (r *reals) log(a ball) ball {
	switch r.sign(a) {
	case 0:
		panic(errUndefined)
	case -1:
		panic(errUndefined)
	}
	mid := r.float().Set(logAt(r, a.mid, r.prec+guardBits))
	rad := radius().Quo(a.rad, lower(a))
	out := r.rounded(mid, rad)
	return widened(out, max(magnitude(mid), 1)-int(r.prec))
}

func magnitude(x *big.Float) int {
	if x.Sign() == 0 {
		return 0
	}
	return x.MantExp(nil)
}

// logAt is ln x with an absolute error below 2^-(prec-guardBits), by Newton's
// method on exp (Halley's variant, which triples the digits).
func logAt(r *reals, x *big.Float, prec uint) *big.Float {
	m := new(big.Float)
	e := x.MantExp(m)
	approx, _ := m.Float64()
	y := big.NewFloat(math.Log(approx))
	for p := uint(48); p < prec; {
		p = min(3*p, prec)
		w := p + 64
		ey := expAt(r, y, w)
		mm := new(big.Float).SetPrec(w).Set(m)
		d := new(big.Float).SetPrec(w).Sub(mm, ey)
		s := new(big.Float).SetPrec(w).Add(mm, ey)
		d.Quo(d, s)
		d.Add(d, d)
		y = new(big.Float).SetPrec(w).Add(y, d)
	}
	if e != 0 {
		t := new(big.Float).SetPrec(prec+64).Mul(r.ln2(prec+64), new(big.Float).SetInt64(int64(e)))
		y = new(big.Float).SetPrec(prec+64).Add(y, t)
	}
	return y
}

// sincos of a ball: both have slope at most 1.
func (r *reals) sincos(a ball) (sin, cos ball) {
	e := magnitude(a.mid)
	if e > 4096 {
		panic(errTooLarge)
	}
	w := r.prec + guardBits + uint(max(e, 0)) + 64
	r.spend(4000 + int(w)*int(w)/30)
	pi := piCache.at(w)
	half := new(big.Float).SetPrec(w).SetMantExp(pi, -1)
	q := new(big.Float).SetPrec(w).Quo(a.mid, half)
	rounding := 0.5
	if q.Sign() < 0 {
		rounding = -0.5
	}
	k, _ := q.Add(q, big.NewFloat(rounding)).Int(nil)
	x := new(big.Float).SetPrec(w).SetInt(k)
	x.Mul(x, half)
	x.Sub(new(big.Float).SetPrec(w).Set(a.mid), x)
	s, c := sincosAt(x, w)
	switch new(big.Int).And(k, big.NewInt(3)).Int64() {
	case 1:
		s, c = c, s.Neg(s)
	case 2:
		s, c = s.Neg(s), c.Neg(c)
	case 3:
		s, c = c.Neg(c), s
	}
	make := func(f *big.Float) ball {
		return widened(r.rounded(r.float().Set(f), a.rad), -int(r.prec))
	}
	return make(s), make(c)
}

// sincosAt is sine and cosine of |x| <= 1 by Taylor's series of x/2^k.
func sincosAt(x *big.Float, w uint) (sin, cos *big.Float) {
	k := int(math.Sqrt(float64(w)))/2 + 2
	w += uint(2 * k)
	y := new(big.Float).SetPrec(w).SetMantExp(x, -k)
	// 1 - cos loses nothing near 0: c = cos - 1.
	s, c := new(big.Float).SetPrec(w), new(big.Float).SetPrec(w)
	t := new(big.Float).SetPrec(w).SetInt64(1)
	for n := int64(1); ; n++ {
		t.Mul(t, y)
		t.Quo(t, new(big.Float).SetInt64(n))
		if t.Sign() == 0 || t.MantExp(nil) < -int(w)-4 {
			break
		}
		switch n % 4 {
		case 1:
			s.Add(s, t)
		case 2:
			c.Sub(c, t)
		case 3:
			s.Sub(s, t)
		case 0:
			c.Add(c, t)
		}
	}
	one := new(big.Float).SetPrec(w).SetInt64(1)
	for range k { // sin 2x = 2 s (1+c); cos 2x - 1 = 2c(2+c)
		u := new(big.Float).SetPrec(w).Add(one, c)
		s.Mul(s, u)
		s.Add(s, s)
		u.Add(u, one)
		c.Mul(c, u)
		c.Add(c, c)
	}
	return s, c.Add(c, one)
}

// atan of a ball: slope at most 1.
func (r *reals) atan(a ball) ball {
	if a.mid.Sign() == 0 {
		return ball{a.mid, a.rad}
	}
	w := r.prec + guardBits + 32
	r.spend(4000 + int(w)*int(w)/30)
	x := new(big.Float).SetPrec(w).Abs(a.mid)
	one := new(big.Float).SetPrec(w).SetInt64(1)
	inverted := x.Cmp(one) > 0
	if inverted {
		x.Quo(one, x)
	}
	halvings := 0
	for x.Sign() != 0 && x.MantExp(nil) > -8 { // atan x = 2 atan(x / (1 + √(1+x²)))
		u := new(big.Float).SetPrec(w).Mul(x, x)
		u.Add(u, one)
		u.Sqrt(u)
		u.Add(u, one)
		x.Quo(x, u)
		halvings++
	}
	square := new(big.Float).SetPrec(w).Mul(x, x)
	total, p, t := new(big.Float).SetPrec(w).Set(x), new(big.Float).SetPrec(w).Set(x), new(big.Float).SetPrec(w)
	for k := int64(3); ; k += 2 {
		p.Mul(p, square)
		t.Quo(p, new(big.Float).SetInt64(k))
		if t.Sign() == 0 || t.MantExp(nil) < total.MantExp(nil)-int(w) {
			break
		}
		if k%4 == 3 {
			total.Sub(total, t)
		} else {
			total.Add(total, t)
		}
	}
	total.SetMantExp(total, halvings)
	if inverted {
		half := new(big.Float).SetPrec(w).SetMantExp(piCache.at(w), -1)
		total.Sub(half, total)
	}
	if a.mid.Sign() < 0 {
		total.Neg(total)
	}
	out := r.rounded(r.float().Set(total), a.rad)
	return widened(out, magnitude(out.mid)-int(r.prec))
}
