package math

import (
	"math/big"
	"strconv"
)

// power is a^b: whole powers of sums, roots of single terms, e to a rational.
func (z *normaliser) power(a, b normal) normal {
	exponent, ok := b.rational()
	if !ok {
		panic(errUnfit)
	}
	return z.rationalPower(a, exponent)
}

func (z *normaliser) rationalPower(a normal, b *big.Rat) normal {
	if v, ok := a.rational(); ok {
		return z.numberPower(v, b)
	}
	if len(a.num) == 1 && len(a.den) == 1 {
		return z.termPower(a, b)
	}
	if !b.IsInt() || !b.Num().IsInt64() || abs64(b.Num().Int64()) > 200 {
		panic(errUnfit)
	}
	k := b.Num().Int64()
	if k < 0 {
		a, k = normal{a.den, a.num}, -k
	}
	out := constantForm(one)
	for ; k > 0; k >>= 1 {
		if k&1 == 1 {
			out = z.times(out, a)
		}
		if k > 1 {
			a = z.times(a, a)
		}
	}
	return out
}

// termPower raises one term. A root is taken only of what is positive for
// certain: π, e and roots of primes, and the factor by its sign.
func (z *normaliser) termPower(a normal, b *big.Rat) normal {
	t := z.lower(a).num[0]
	if !b.Num().IsInt64() || !b.Denom().IsInt64() || abs64(b.Num().Int64()) > maxExponent || b.Denom().Int64() > 1<<10 {
		panic(errUnfit)
	}
	n, d := b.Num().Int64(), b.Denom().Int64()
	if d != 1 {
		for _, x := range t.atoms {
			if x.name == "i" || x.name[0] == '$' {
				panic(errUnfit)
			}
		}
	}
	atoms := make([]atom, len(t.atoms))
	for i, x := range t.atoms {
		if abs64(x.num) > maxExponent || x.den > 1<<10 {
			panic(errUnfit)
		}
		num, den := x.num*n, x.den*d
		g := gcd64(num, den)
		if num/g > maxExponent || num/g < -maxExponent || den/g > maxExponent {
			panic(errUnfit)
		}
		atoms[i] = atom{x.name, num / g, den / g}
	}
	roots := normal{sum{z.reduced(one, atoms)}, constantSum(one)}
	return z.times(z.numberPower(t.factor, b), roots)
}

// numberPower is v^b for rationals: v's primes with their fractional powers.
func (z *normaliser) numberPower(v, b *big.Rat) normal {
	if b.IsInt() {
		return constantForm(z.integerPower(v, b.Num()))
	}
	if v.Sign() == 0 {
		if b.Sign() < 0 {
			panic(errZero)
		}
		return constantForm(v)
	}
	if !b.Denom().IsInt64() || !b.Num().IsInt64() || b.Denom().Int64() > 1<<10 || abs64(b.Num().Int64()) > maxExponent {
		panic(errUnfit)
	}
	n, d := b.Num().Int64(), b.Denom().Int64()
	out := constantForm(one)
	if v.Sign() < 0 {
		switch {
		case d%2 == 1 && n%2 != 0:
			out = constantForm(big.NewRat(-1, 1))
		case d%2 == 1:
		case d == 2:
			out = z.rationalPower(atomForm(atom{"i", 1, 1}), new(big.Rat).SetInt64(n))
		default:
			panic(errUnfit)
		}
		v = new(big.Rat).Neg(v)
	}
	out = z.rootInto(out, v.Num(), n, d)
	return z.rootInto(out, v.Denom(), -n, d)
}

// rootInto multiplies out by x^(n/d), x > 0.
func (z *normaliser) rootInto(out normal, x *big.Int, n, d int64) normal {
	if x.BitLen() <= 1 {
		return out
	}
	for _, f := range z.factor(x) {
		num := n * f.times
		if abs64(num) > maxExponent {
			panic(errUnfit)
		}
		g := gcd64(num, d)
		t := z.reduced(one, []atom{{"#" + f.prime.String(), num / g, d / g}})
		out = z.times(out, normal{sum{t}, constantSum(one)})
	}
	return out
}

type primePower struct {
	prime *big.Int
	times int64
}

// factor is the factorisation of x by trial division. What is left must be 1, a
// prime, or the square of one; else x is unfit, as roots of it could not be told
// from others.
func (z *normaliser) factor(x *big.Int) []primePower {
	if x.BitLen() > 1<<12 {
		panic(errUnfit)
	}
	var out []primePower
	rest := new(big.Int).Set(x)
	q, r := new(big.Int), new(big.Int)
	if rest.IsUint64() {
		return z.factorSmall(rest.Uint64())
	}
	for p := int64(2); p < maxFactor && rest.BitLen() > 1; p += 1 + p&1 {
		divisor := big.NewInt(p)
		times := int64(0)
		for {
			z.spend(4 + words(rest))
			if q.QuoRem(rest, divisor, r); r.Sign() != 0 {
				break
			}
			rest.Set(q)
			times++
		}
		if times > 0 {
			out = append(out, primePower{divisor, times})
		}
	}
	return z.remainder(out, rest, maxFactor)
}

// factorSmall is factor within a machine word.
func (z *normaliser) factorSmall(x uint64) []primePower {
	var out []primePower
	for p := uint64(2); p < maxFactor && p*p <= x; p += 1 + p&1 {
		z.spend(1)
		times := int64(0)
		for x%p == 0 {
			x /= p
			times++
		}
		if times > 0 {
			out = append(out, primePower{new(big.Int).SetUint64(p), times})
		}
	}
	return z.remainder(out, new(big.Int).SetUint64(x), maxFactor)
}

// remainder appends what trial division up to limit left.
func (z *normaliser) remainder(out []primePower, rest *big.Int, limit int64) []primePower {
	if rest.BitLen() <= 1 {
		return out
	}
	if rest.IsInt64() && rest.Int64() < limit*limit {
		return append(out, primePower{rest, 1})
	}
	z.spend(2000 + 200*words(rest)*words(rest))
	if rest.BitLen() <= 512 && rest.ProbablyPrime(10) {
		return append(out, primePower{rest, 1})
	}
	if root, ok := z.integerRoot(rest, 2); ok && root.BitLen() <= 256 && root.ProbablyPrime(10) {
		return append(out, primePower{root, 2})
	}
	panic(errUnfit)
}

// decides reports whether the difference of forms over these atoms is 0 only if
// they are equal: not if both π and e occur, of which no one knows.
func (f normal) decides() bool {
	var pi, e bool
	for _, s := range [...]sum{f.num, f.den} {
		for _, t := range s {
			for _, a := range t.atoms {
				pi, e = pi || a.name == "pi", e || a.name == "e"
			}
		}
	}
	return !pi || !e
}

// String prints a form.
func (f normal) String() string {
	s := f.num.print()
	if len(f.den) == 1 && f.den[0].key == "" && f.den[0].factor.Cmp(one) == 0 {
		return clipped(s)
	}
	return clipped("(" + s + ") / (" + f.den.print() + ")")
}

func clipped(s string) string {
	if len(s) > maxRendered {
		return s[:maxRendered] + "…"
	}
	return s
}

func (s sum) print() string {
	if len(s) == 0 {
		return "0"
	}
	out := ""
	for i, t := range s {
		if len(out) > maxRendered {
			break
		}
		if i > 0 {
			out += " + "
		}
		out += (&Node{Kind: Number, Value: t.factor}).numberText()
		for _, a := range t.atoms {
			name := a.name
			switch {
			case name[0] == '#' || name[0] == '$':
				name = name[1:]
			case name == "pi":
				name = "π"
			}
			out += "·" + name
			if a.den != 1 {
				out += "^(" + strconv.FormatInt(a.num, 10) + "/" + strconv.FormatInt(a.den, 10) + ")"
			} else if a.num != 1 {
				out += "^" + strconv.FormatInt(a.num, 10)
			}
		}
	}
	return out
}
