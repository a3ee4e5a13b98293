package math

import (
	"hash/fnv"
	"math/big"
	"math/bits"
)

// Randomised identity testing: expressions made of numbers, variables, + - * /,
// whole powers, factorials, binomials, sums and products are evaluated modulo
// random primes of 61 bits, variables at random points. Different values prove
// that the expressions differ. Equal values at all points leave, for polynomials
// of degree d in total, an error of at most (d/2^60)^trials (J. Schwartz, "Fast
// probabilistic algorithms for verification of polynomial identities", 1980);
// for integers of n bits, (n/60 / 2^55)^trials, the share of primes of 61 bits
// that can divide their difference.
const trials = 3

// residues evaluates modulo one prime.
type residues struct {
	*exact
	p     uint64
	at    map[string]uint64 // points of the variables
	local map[string]uint64 // indices of sums and products
}

// seed is a number that depends on nothing but the texts compared.
func seed(texts ...string) uint64 {
	h := fnv.New64a()
	for _, t := range texts {
		h.Write([]byte(t))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// mix is splitmix64: the next random number from a seed.
func mix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// identical tests whether two expressions are the same rational function (or the
// same number). decided is false where the test does not apply.
func identical(m *meter, a, b *Node, s uint64) (equal, decided bool, t *trouble) {
	t = guard(func() {
		names := union(a.symbols(), b.symbols())
		equal = true
		for done, tries := 0, 0; done < trials && equal; tries++ {
			if tries > 4*trials {
				panic(errUnfit)
			}
			r := residues{exact: &exact{meter: m}, p: randomPrime(m, &s), at: map[string]uint64{}}
			for _, name := range names {
				r.at[name] = mix(&s) % r.p
			}
			var x, y uint64
			pole := guard(func() { x, y = r.eval(a), r.eval(b) })
			if pole == errZero {
				continue
			}
			if pole != nil {
				panic(pole)
			}
			equal = x == y
			done++
		}
		decided = true
	})
	return equal, decided, t
}

func randomPrime(m *meter, s *uint64) uint64 {
	for {
		p := mix(s)>>3 | 1<<60 | 1
		m.spend(200)
		if small(p) {
			continue
		}
		m.spend(4000)
		if new(big.Int).SetUint64(p).ProbablyPrime(0) { // exact below 2^64
			return p
		}
	}
}

func small(p uint64) bool {
	for _, d := range [...]uint64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47} {
		if p%d == 0 {
			return true
		}
	}
	return false
}

func (r *residues) times(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	_, rem := bits.Div64(hi%r.p, lo, r.p)
	return rem
}

func (r *residues) plus(a, b uint64) uint64 {
	if s := a + b; s < r.p {
		return s
	}
	return a + b - r.p
}

func (r *residues) negate(a uint64) uint64 {
	if a == 0 {
		return 0
	}
	return r.p - a
}

func (r *residues) raise(a, k uint64) uint64 {
	r.spend(64)
	out := uint64(1)
	for ; k > 0; k >>= 1 {
		if k&1 == 1 {
			out = r.times(out, a)
		}
		a = r.times(a, a)
	}
	return out
}

func (r *residues) invert(a uint64) uint64 {
	if a == 0 {
		panic(errZero)
	}
	return r.raise(a, r.p-2)
}

func (r *residues) of(v *big.Rat) uint64 {
	r.spend(10 + size(v))
	p := new(big.Int).SetUint64(r.p)
	n := new(big.Int).Mod(v.Num(), p).Uint64()
	if v.IsInt() {
		return n
	}
	return r.times(n, r.invert(new(big.Int).Mod(v.Denom(), p).Uint64()))
}

func (r *residues) eval(n *Node) uint64 {
	r.spend(10)
	switch n.Kind {
	case Number:
		return r.of(n.Value)
	case Symbol:
		if v, ok := r.local[n.Name]; ok {
			return v
		}
		return r.at[n.Name]
	case Neg:
		return r.negate(r.eval(n.Kids[0]))
	case Add:
		v := r.eval(n.Kids[0])
		for _, k := range n.Kids[1:] {
			v = r.plus(v, r.eval(k))
		}
		return v
	case Mul:
		v := r.eval(n.Kids[0])
		for _, k := range n.Kids[1:] {
			v = r.times(v, r.eval(k))
		}
		return v
	case Div:
		return r.times(r.eval(n.Kids[0]), r.invert(r.eval(n.Kids[1])))
	case Percent:
		return r.times(r.eval(n.Kids[0]), r.invert(100))
	case Pow:
		return r.pow(r.eval(n.Kids[0]), r.exact.eval(n.Kids[1]))
	case Call:
		return r.call(n)
	}
	panic(errUnfit)
}

// pow uses that a^(p-1) = 1 for a not 0 (Fermat).
func (r *residues) pow(a uint64, k *big.Rat) uint64 {
	if !k.IsInt() {
		panic(errUnfit)
	}
	if a == 0 {
		if k.Sign() <= 0 {
			panic(errZero)
		}
		return 0
	}
	r.spend(words(k.Num()))
	e := new(big.Int).Mod(k.Num(), new(big.Int).SetUint64(r.p-1)).Uint64()
	return r.raise(a, e)
}

// maxFactors bounds the products of factorials and binomials modulo a prime.
const maxFactors = 200_000

func (r *residues) call(n *Node) uint64 {
	switch n.Name {
	case "factorial":
		k := r.whole(n.Kids[0])
		if k < 0 || k > maxFactors {
			panic(errTooLarge)
		}
		return r.falling(uint64(k), k)
	case "binom":
		top, k := r.whole(n.Kids[0]), r.whole(n.Kids[1])
		if k < 0 || top < k {
			return r.of(r.binomial(top, k))
		}
		if k = min(k, top-k); k > maxFactors {
			panic(errTooLarge)
		}
		return r.times(r.falling(uint64(top), k), r.invert(r.falling(uint64(k), k)))
	case "sum", "prod":
		return r.series(n)
	}
	panic(errUnfit)
}

// falling is n (n-1) … of k factors.
func (r *residues) falling(n uint64, k int64) uint64 {
	r.spend(int(k) * 8)
	v := uint64(1)
	for ; k > 0; k-- {
		v = r.times(v, n%r.p)
		n--
	}
	return v
}

func (r *residues) series(n *Node) uint64 {
	from, to := r.whole(n.Kids[1]), r.whole(n.Kids[2])
	if to-from > maxFactors || from > 1<<40 || from < -1<<40 {
		panic(errTooLarge)
	}
	inner := *r
	inner.local = map[string]uint64{}
	for name, v := range r.local {
		inner.local[name] = v
	}
	inner.exact = &exact{meter: r.meter, bound: map[string]*big.Rat{}}
	for name, v := range r.bound {
		inner.bound[name] = v
	}
	v := uint64(0)
	if n.Name == "prod" {
		v = 1
	}
	name := n.Kids[0].Name
	for k := from; k <= to; k++ {
		inner.bound[name] = new(big.Rat).SetInt64(k)
		inner.local[name] = r.of(inner.bound[name])
		if n.Name == "prod" {
			v = r.times(v, inner.eval(n.Kids[3]))
		} else {
			v = r.plus(v, inner.eval(n.Kids[3]))
		}
	}
	return v
}
