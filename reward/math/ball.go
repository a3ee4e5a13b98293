package math

import "math/big"

// ball is a real number known to lie within rad of mid. Every operation widens
// rad by its own rounding, so that the number never leaves its ball: two balls
// that do not meet prove that their numbers differ.
type ball struct {
	mid *big.Float
	rad *big.Float // precision 64, rounded away from zero; at least 0
}

// reals computes with balls at a precision of prec bits.
type reals struct {
	*meter
	prec uint
	// low and high are the smallest and largest binary exponents seen: what they
	// span must fit into the precision before agreement means anything.
	low, high int
}

func radius() *big.Float { return new(big.Float).SetPrec(64).SetMode(big.AwayFromZero) }

func (r *reals) float() *big.Float { return new(big.Float).SetPrec(r.prec) }

// rounded is mid with rad widened by the rounding of one operation.
func (r *reals) rounded(mid, rad *big.Float) ball {
	r.spend(60 + int(r.prec/32)*int(r.prec/64))
	if mid.IsInf() || rad.IsInf() {
		panic(errTooLarge)
	}
	if mid.Sign() != 0 {
		e := mid.MantExp(nil)
		if e > 1<<30 || e < -1<<30 {
			panic(errTooLarge)
		}
		if rad.Sign() == 0 || e > rad.MantExp(nil)+1 { // else it may be 0
			r.low, r.high = min(r.low, e), max(r.high, e)
		}
		if mid.Acc() != big.Exact {
			ulp := radius().SetMantExp(big.NewFloat(1), e-int(r.prec))
			rad = radius().Add(rad, ulp)
		}
	}
	return ball{mid, rad}
}

func (r *reals) exactly(v *big.Rat) ball {
	r.spend(50 + size(v)*2)
	return r.rounded(r.float().SetRat(v), radius())
}

func (r *reals) whole(v int64) ball { return ball{r.float().SetInt64(v), radius()} }

func (r *reals) add(a, b ball) ball {
	return r.rounded(r.float().Add(a.mid, b.mid), radius().Add(a.rad, b.rad))
}

func (r *reals) neg(a ball) ball { return ball{new(big.Float).Neg(a.mid), a.rad} }

func (r *reals) sub(a, b ball) ball { return r.add(a, r.neg(b)) }

func abs(a *big.Float) *big.Float { return radius().Abs(a) }

func (r *reals) mul(a, b ball) ball {
	rad := radius().Mul(abs(a.mid), b.rad)
	rad.Add(rad, radius().Mul(abs(b.mid), a.rad))
	rad.Add(rad, radius().Mul(a.rad, b.rad))
	return r.rounded(r.float().Mul(a.mid, b.mid), rad)
}

// lower is a bound below |a|, 0 if the ball holds 0.
func lower(a ball) *big.Float {
	m := new(big.Float).SetPrec(64).SetMode(big.ToZero).Abs(a.mid)
	m.Sub(m, a.rad)
	if m.Sign() <= 0 {
		return nil
	}
	return m
}

func upper(a ball) *big.Float { return radius().Add(abs(a.mid), a.rad) }

func (r *reals) holdsZero(a ball) bool { return lower(a) == nil }

// sign is the sign of a; a ball with 0 in it and more is ambiguous.
func (r *reals) sign(a ball) int {
	if lower(a) != nil {
		return a.mid.Sign()
	}
	if a.mid.Sign() == 0 && a.rad.Sign() == 0 {
		return 0
	}
	panic(errAmbiguous)
}

func (r *reals) div(a, b ball) ball {
	least := lower(b)
	if least == nil {
		if b.mid.Sign() == 0 && b.rad.Sign() == 0 {
			panic(errZero)
		}
		panic(errAmbiguous)
	}
	mid := r.float().Quo(a.mid, b.mid)
	// |a/b - mid| <= (rad a + |mid| rad b) / least |b|
	rad := radius().Mul(abs(mid), b.rad)
	rad.Add(rad, a.rad)
	rad.Quo(rad, least)
	return r.rounded(mid, rad)
}

func (r *reals) sqrt(a ball) ball {
	if a.mid.Sign() == 0 && a.rad.Sign() == 0 {
		return a
	}
	if r.sign(a) < 0 {
		panic(errUndefined)
	}
	r.spend(1000)
	mid := r.float().Sqrt(a.mid)
	// |√x - √m| <= rad / (√m) for x >= 0 within rad of m
	rad := radius().Quo(a.rad, radius().Sqrt(lower(a)))
	// Sqrt does not say whether it rounded: the last bit is always in doubt.
	return widened(r.rounded(mid, rad), mid.MantExp(nil)-int(r.prec)+1)
}

// shift is a times 2^k, without rounding.
func (r *reals) shift(a ball, k int) ball {
	return ball{new(big.Float).SetMantExp(a.mid, k), radius().SetMantExp(a.rad, k)}
}

// widened adds 2^e to the radius.
func widened(a ball, e int) ball {
	return ball{a.mid, radius().Add(a.rad, radius().SetMantExp(big.NewFloat(1), e))}
}

// power is a^k by squaring.
func (r *reals) power(a ball, k *big.Int) ball {
	if k.BitLen() > 64 {
		panic(errTooLarge)
	}
	n := new(big.Int).Abs(k)
	out := r.whole(1)
	for i := n.BitLen() - 1; i >= 0; i-- {
		out = r.mul(out, out)
		if n.Bit(i) == 1 {
			out = r.mul(out, a)
		}
	}
	if k.Sign() < 0 {
		return r.div(r.whole(1), out)
	}
	return out
}
