package math

import (
	"maps"
	"math/big"
)

// Expressions whose variables can only be whole numbers, as n in n! or in
// (-1)^n, are compared at whole numbers.

// integral reports whether n has a variable where only a whole number makes
// sense: in a factorial, a binomial, a rounding, a remainder, a bound of a sum or
// product, or the exponent of a negative number.
func (n *Node) integral() bool {
	return n.has(func(n *Node) bool {
		switch n.Kind {
		case Call:
			switch n.Name {
			case "factorial", "factorial2", "binom", "gcd", "lcm", "mod", "floor", "ceil":
				return !n.constant()
			case "sum", "prod":
				return !n.Kids[1].constant() || !n.Kids[2].constant()
			}
		case Pow:
			v, t := rational(&meter{left: 1000}, n.Kids[0])
			return t == nil && v.Sign() < 0 && !n.Kids[1].constant()
		}
		return false
	})
}

const (
	wholeWanted = 12 // points at which two expressions must agree
	wholeLeast  = 6  // points that decide where others have no value
	wholeTried  = 40
)

// wholeSamples compares expressions at random whole numbers, small ones first,
// as exactly as constants are compared. It accepts after agreement at 12 points
// (6 if no more are found where both have a value).
func (c *comparison) wholeSamples(a, b *Node) bool {
	names := union(a.symbols(), b.symbols())
	state := c.seed
	met := 0
	for i := 0; i < wholeTried && met < wholeWanted; i++ {
		values := map[string]*big.Rat{}
		for _, name := range names {
			values[name] = new(big.Rat).SetInt64(int64(1 + mix(&state)%uint64(4+i/2)))
		}
		x, y := a.at(values), b.at(values)
		if _, t := c.form(x); t == errZero || t == errUndefined {
			continue
		}
		if _, t := c.form(y); t == errZero || t == errUndefined {
			continue
		}
		equal := c.expressions(x, y)
		if c.undecided != "" {
			return false
		}
		if !equal {
			c.why = "at " + where(names, values) + ": " + c.why
			return false
		}
		met++
	}
	if met < wholeLeast {
		return c.failed(&trouble{reason: "no whole numbers found where both are defined"})
	}
	return c.decide(true, stageWhole, "equal at %d random whole numbers", met)
}

// at is n with numbers for its variables. The index of a sum or product is none
// within it.
func (n *Node) at(values map[string]*big.Rat) *Node {
	return n.replace(func(n *Node) *Node {
		switch {
		case n.Kind == Symbol && values[n.Name] != nil:
			return &Node{Kind: Number, Value: values[n.Name]}
		case n.Kind == Call && (n.Name == "sum" || n.Name == "prod") && values[n.Kids[0].Name] != nil:
			inner := maps.Clone(values)
			delete(inner, n.Kids[0].Name)
			return call(n.Name, n.Kids[0], n.Kids[1].at(values), n.Kids[2].at(values), n.Kids[3].at(inner))
		}
		return nil
	})
}

// union is names and those of more that are not among them.
func union(names, more []string) []string {
	for _, name := range more {
		if !contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
