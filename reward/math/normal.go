package math

import (
	"math/big"
	"slices"
	"strings"
)

// A normal form is a quotient of two sums of terms. A term is a rational number
// times a product of powers of atoms:
//
//   - p^(k/n), 0 < k/n < 1, for a prime p. Products of such roots are linearly
//     independent over the rationals (A. S. Besicovitch, "On the linear
//     independence of fractional powers of integers", 1940);
//   - i, which is independent of them as they are real;
//   - π, transcendental, and e;
//   - variables.
//
// So two constants without e (or without π) are equal if and only if the
// difference of their normal forms is 0, and so are two rational functions.
type normal struct {
	num, den sum
}

// sum is ordered by key; no two terms have the same key, none has factor 0.
type sum []term

type term struct {
	key    string // the atoms, printed; "" for a rational number
	factor *big.Rat
	atoms  []atom // by name
}

// atom is a power: of a prime (name "#" and its digits), of i, π, e or a variable ("$" and its name).
type atom struct {
	name     string
	num, den int64 // exponent in lowest terms, den > 0
}

const maxExponent = 1 << 20

// normaliser builds normal forms.
type normaliser struct {
	*exact
}

// normalForm is the normal form of an expression; trouble is errUnfit where it
// has none.
func normalForm(m *meter, n *Node) (f normal, t *trouble) {
	t = guard(func() { f = (&normaliser{&exact{meter: m}}).form(n) })
	return f, t
}

func constantSum(v *big.Rat) sum {
	if v.Sign() == 0 {
		return nil
	}
	return sum{{factor: v}}
}

func constantForm(v *big.Rat) normal { return normal{constantSum(v), constantSum(one)} }

func atomForm(a atom) normal {
	return normal{sum{{key: atomsKey([]atom{a}), factor: one, atoms: []atom{a}}}, constantSum(one)}
}

func (z *normaliser) form(n *Node) normal {
	switch n.Kind {
	case Number:
		return constantForm(n.Value)
	case Constant:
		if n.Name == "inf" {
			panic(errUnfit)
		}
		return atomForm(atom{n.Name, 1, 1})
	case Symbol:
		if v := z.bound[n.Name]; v != nil {
			return constantForm(v)
		}
		return atomForm(atom{"$" + n.Name, 1, 1})
	case Neg:
		f := z.form(n.Kids[0])
		return normal{z.scale(f.num, big.NewRat(-1, 1)), f.den}
	case Add:
		f := z.form(n.Kids[0])
		for _, k := range n.Kids[1:] {
			f = z.plus(f, z.form(k))
		}
		return f
	case Mul:
		f := z.form(n.Kids[0])
		for _, k := range n.Kids[1:] {
			f = z.times(f, z.form(k))
		}
		return f
	case Div:
		return z.over(z.form(n.Kids[0]), z.form(n.Kids[1]))
	case Percent:
		return z.times(z.form(n.Kids[0]), constantForm(big.NewRat(1, 100)))
	case Degree:
		f := z.times(z.form(n.Kids[0]), constantForm(big.NewRat(1, 180)))
		return z.times(f, atomForm(atom{"pi", 1, 1}))
	case Pow:
		return z.power(z.form(n.Kids[0]), z.form(n.Kids[1]))
	case Root:
		index, ok := z.form(n.Kids[1]).rational()
		if !ok || index.Sign() == 0 {
			panic(errUnfit)
		}
		return z.rationalPower(z.form(n.Kids[0]), new(big.Rat).Inv(index))
	case Call:
		if n.Name == "sum" || n.Name == "prod" {
			return z.seriesForm(n)
		}
		v, t := rational(z.meter, n)
		if t == nil {
			return constantForm(v)
		}
		if t != errNotRational {
			panic(t)
		}
	}
	panic(errUnfit)
}

// seriesForm adds or multiplies forms, where the terms have variables.
func (z *normaliser) seriesForm(n *Node) normal {
	from, to := z.whole(n.Kids[1]), z.whole(n.Kids[2])
	if to-from > maxSeries || from > 1<<40 || from < -1<<40 {
		panic(errTooLarge)
	}
	op, f := z.plus, constantForm(new(big.Rat))
	if n.Name == "prod" {
		op, f = z.times, constantForm(one)
	}
	inner := normaliser{&exact{meter: z.meter, bound: map[string]*big.Rat{}}}
	for name, b := range z.bound {
		inner.bound[name] = b
	}
	for k := from; k <= to; k++ {
		inner.bound[n.Kids[0].Name] = new(big.Rat).SetInt64(k)
		f = op(f, inner.form(n.Kids[3]))
	}
	return f
}

// rational is the value of a form that is a rational number.
func (f normal) rational() (*big.Rat, bool) {
	if len(f.num) == 0 {
		return new(big.Rat), true
	}
	if len(f.num) != 1 || len(f.den) != 1 || f.num[0].key != "" || f.den[0].key != "" {
		return nil, false
	}
	return new(big.Rat).Quo(f.num[0].factor, f.den[0].factor), true
}

func (z *normaliser) plus(a, b normal) normal {
	if sameSum(a.den, b.den) {
		return normal{z.addSums(a.num, b.num), a.den}
	}
	return z.lower(normal{z.addSums(z.mulSums(a.num, b.den), z.mulSums(b.num, a.den)), z.mulSums(a.den, b.den)})
}

func (z *normaliser) times(a, b normal) normal {
	return z.lower(normal{z.mulSums(a.num, b.num), z.mulSums(a.den, b.den)})
}

func (z *normaliser) over(a, b normal) normal {
	if len(b.num) == 0 {
		panic(errZero)
	}
	return z.lower(normal{z.mulSums(a.num, b.den), z.mulSums(a.den, b.num)})
}

// lower divides by a denominator of one term, so that it is 1.
func (z *normaliser) lower(f normal) normal {
	if len(f.den) != 1 || f.den[0].key == "" && f.den[0].factor.Cmp(one) == 0 {
		return f
	}
	return normal{z.mulSums(f.num, sum{z.inverse(f.den[0])}), constantSum(one)}
}

// inverse is 1/t.
func (z *normaliser) inverse(t term) term {
	inv := make([]atom, len(t.atoms))
	for i, a := range t.atoms {
		inv[i] = atom{a.name, -a.num, a.den}
	}
	return z.reduced(new(big.Rat).Inv(t.factor), inv)
}

func sameSum(a, b sum) bool {
	return slices.EqualFunc(a, b, func(x, y term) bool { return x.key == y.key && x.factor.Cmp(y.factor) == 0 })
}

func (z *normaliser) scale(s sum, by *big.Rat) sum {
	out := make(sum, len(s))
	for i, t := range s {
		out[i] = term{t.key, z.mul(t.factor, by), t.atoms}
	}
	return out
}

func (z *normaliser) addSums(a, b sum) sum {
	out := make(sum, 0, len(a)+len(b))
	z.spend(10 * (len(a) + len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0].key, b[0].key); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			if v := z.add(a[0].factor, b[0].factor); v.Sign() != 0 {
				out = append(out, term{a[0].key, v, a[0].atoms})
			}
			a, b = a[1:], b[1:]
		}
	}
	out = append(append(out, a...), b...)
	if len(out) > maxTerms {
		panic(errUnfit)
	}
	return out
}

func (z *normaliser) mulSums(a, b sum) sum {
	if len(a)*len(b) > 8*maxTerms {
		panic(errUnfit)
	}
	if len(b) == 1 && b[0].key == "" {
		if b[0].factor.Cmp(one) == 0 {
			return a
		}
		return z.scale(a, b[0].factor)
	}
	if len(a) == 1 && len(b) == 1 {
		return sum{z.mulTerms(a[0], b[0])}
	}
	all := make(sum, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, z.mulTerms(x, y))
		}
	}
	return z.collect(all)
}

// collect orders terms and adds those with the same atoms.
func (z *normaliser) collect(all sum) sum {
	slices.SortStableFunc(all, func(x, y term) int { return strings.Compare(x.key, y.key) })
	out := all[:0]
	for _, t := range all {
		if n := len(out); n > 0 && out[n-1].key == t.key {
			out[n-1].factor = z.add(out[n-1].factor, t.factor)
			continue
		}
		if n := len(out); n > 0 && out[n-1].factor.Sign() == 0 {
			out = out[:n-1]
		}
		out = append(out, t)
	}
	if n := len(out); n > 0 && out[n-1].factor.Sign() == 0 {
		out = out[:n-1]
	}
	if len(out) > maxTerms {
		panic(errUnfit)
	}
	return out
}

func (z *normaliser) mulTerms(x, y term) term {
	factor := z.mul(x.factor, y.factor)
	if len(x.atoms) == 0 {
		return term{y.key, factor, y.atoms}
	}
	if len(y.atoms) == 0 {
		return term{x.key, factor, x.atoms}
	}
	atoms := make([]atom, 0, len(x.atoms)+len(y.atoms))
	a, b := x.atoms, y.atoms
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0].name, b[0].name); {
		case c < 0:
			atoms, a = append(atoms, a[0]), a[1:]
		case c > 0:
			atoms, b = append(atoms, b[0]), b[1:]
		default:
			n, d := a[0].num*b[0].den+b[0].num*a[0].den, a[0].den*b[0].den
			if n > maxExponent || n < -maxExponent || d > maxExponent {
				panic(errUnfit)
			}
			if n != 0 {
				g := gcd64(n, d)
				atoms = append(atoms, atom{a[0].name, n / g, d / g})
			}
			a, b = a[1:], b[1:]
		}
	}
	return z.reduced(factor, append(append(atoms, a...), b...))
}

func gcd64(a, b int64) int64 {
	a, b = abs64(a), abs64(b)
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}

// reduced brings a term into its one form: whole powers of primes and of i² go
// into the factor.
func (z *normaliser) reduced(factor *big.Rat, atoms []atom) term {
	out := atoms[:0:0]
	for _, a := range atoms {
		z.spend(10)
		switch {
		case a.num == 0:
			continue
		case a.name[0] == '#':
			whole := a.num / a.den
			if a.num%a.den < 0 {
				whole--
			}
			if whole != 0 {
				p, _ := new(big.Int).SetString(a.name[1:], 10)
				factor = z.mul(factor, z.integerPower(new(big.Rat).SetInt(p), big.NewInt(whole)))
				a.num -= whole * a.den
			}
			if a.num == 0 {
				continue
			}
		case a.name == "i":
			if a.den != 1 {
				panic(errUnfit)
			}
			quarter := (a.num%4 + 4) % 4
			if quarter >= 2 {
				factor = new(big.Rat).Neg(factor)
			}
			if quarter%2 == 0 {
				continue
			}
			a.num = 1
		}
		out = append(out, a)
	}
	return term{atomsKey(out), factor, out}
}

// atomsKey prints atoms; equal atoms print equally.
func atomsKey(atoms []atom) string {
	if len(atoms) == 0 {
		return ""
	}
	b := make([]byte, 0, 16*len(atoms))
	for _, a := range atoms {
		b = append(b, a.name...)
		b = append(b, '^')
		b = big.NewInt(a.num).Append(b, 10)
		if a.den != 1 {
			b = append(b, '/')
			b = big.NewInt(a.den).Append(b, 10)
		}
		b = append(b, ' ')
	}
	return string(b)
}
