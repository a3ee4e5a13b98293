package math

import (
	"math/big"
	"strings"
)

// relations compares where at least one side is an equation or inequality.
func (c *comparison) relations(g, a *Node) bool {
	switch {
	case g.Kind == Relation && a.Kind == Relation:
		return c.bothRelations(g, a)
	case a.Kind == Relation:
		if value, ok := c.assignedValue(a); ok {
			return c.same(g, value)
		}
		if c.inequality(a) && (realLike(g) || g.Kind == Set) {
			return c.realSets(g, a)
		}
		if g.Kind == Tuple && g.Name == "()" && allEqual(a.Ops) && len(a.Kids) == len(g.Kids)+1 && named(node(Mul, a.Kids[:len(g.Kids)]...)) { // x = y = z = 1
			return c.all(g.Kids, a.Kids[len(g.Kids)])
		}
		if a.Kids[0].Kind == Tuple && g.Kind == List { // (x,y) = (1,2) to x = 1, y = 2
			if values, ok := assigned(g); ok && allEqual(a.Ops) && a.Kids[len(a.Kids)-1].Kind == Tuple {
				return c.inOrder(values, a.Kids[len(a.Kids)-1].Kids)
			}
		}
		return c.decide(false, stageStructure, "a relation where a value is asked for")
	}
	if value, ok := c.assignedValue(g); ok {
		return c.same(value, a)
	}
	if c.inequality(g) && (realLike(a) || a.Kind == Set || a.Kind == List) {
		return c.realSets(g, a)
	}
	return c.decide(false, stageStructure, "a value where a relation is asked for")
}

// all reports whether a value is each of these.
func (c *comparison) all(list []*Node, value *Node) bool {
	for _, n := range list {
		if !c.same(n, value) {
			return false
		}
	}
	return true
}

func allEqual(ops []string) bool {
	for _, op := range ops {
		if op != "=" {
			return false
		}
	}
	return true
}

// named reports whether a side is a name: a variable, words, f(x), a tuple of
// variables.
func named(n *Node) bool {
	switch n.Kind {
	case Symbol:
		return n.Name != "?"
	case Text:
		return true
	case Constant: // i and e name things, too: e = 5
		return n.Name == "e"
	case Tuple:
		for _, k := range n.Kids {
			if !named(k) {
				return false
			}
		}
		return true
	case Call: // |AB| = 5, sin θ = 1
		return named(n.Kids[0]) && (n.Name != "abs" || n.Kids[0].Kind == Mul)
	case Mul, Add, Ratio: // AB = 5, m+n = 5, S:T = 1:2
		for _, k := range n.Kids {
			if k.Kind != Symbol {
				return false
			}
		}
		return true
	}
	return false
}

// assignedValue is the value that x = 2 + 3 = 5 assigns. All sides but the name
// must agree, and the name must not be among them. "x ∈ S" assigns S.
func (c *comparison) assignedValue(r *Node) (*Node, bool) {
	if len(r.Ops) == 1 && r.Ops[0] == "in" && named(r.Kids[0]) {
		return r.Kids[1], true
	}
	first := 0
	if named(r.Kids[0]) {
		first = 1
	}
	sides := r.Kids[first:]
	if first == 0 && len(sides) < 2 || first == 1 && r.Kids[0].Kind == Symbol && contains(r.Kids[1].symbols(), r.Kids[0].Name) {
		return nil, false
	}
	ops := r.Ops[first:]
	if first == 1 && r.Ops[0] != "=" && r.Ops[0] != "~" {
		return nil, false
	}
	exact := len(sides)
	for i, op := range ops {
		switch op {
		case "=":
		case "~":
			exact = min(exact, i+1)
		default:
			return nil, false
		}
	}
	if first == 0 && !sides[0].constant() {
		return nil, false
	}
	for i := 1; i < len(sides); i++ {
		if i >= exact {
			if !c.near(sides[0], sides[i]) {
				return nil, false
			}
		} else if !c.same(sides[0], sides[i]) {
			return nil, false
		}
	}
	return sides[0], true
}

// near reports whether b is a as a rounded decimal.
func (c *comparison) near(a, b *Node) bool {
	if !a.scalar() || !b.scalar() || !a.constant() {
		return false
	}
	return c.expressions(a, b) || b.Kind == Number && b.Decimal && c.roundsLoosely(b, a)
}

// roundsLoosely reports whether the decimal b is a rounded or cut off.
func (c *comparison) roundsLoosely(b, a *Node) bool {
	half := new(big.Rat).Mul(tenTo(-b.Decimals), big.NewRat(1, 2))
	d := comparison{meter: c.meter, seed: c.seed, opt: Options{Tolerance: half}}
	middle := new(big.Rat).Add(b.Value, half)
	if b.Value.Sign() < 0 {
		middle.Sub(b.Value, half)
	}
	return d.tolerated(b, a) || d.tolerated(&Node{Kind: Number, Value: middle}, a)
}

// inequality reports whether a relation describes a set of real numbers.
func (c *comparison) inequality(r *Node) bool {
	if r.Kind != Relation {
		return false
	}
	for _, op := range r.Ops {
		switch op {
		case "<", ">", "<=", ">=", "!=", "in":
			return true
		}
	}
	return false
}

// bothRelations compares equations up to a factor that is not 0, solved
// equations by their solutions, and inequalities by their sets.
func (c *comparison) bothRelations(g, a *Node) bool {
	if allEqual(g.Ops) && allEqual(a.Ops) {
		return c.equations(g, a)
	}
	if x, ok := c.realSet(g); ok {
		if y, ok := c.realSet(a); ok {
			if x.variable != "?" && y.variable != "?" && x.variable != y.variable {
				return c.decide(false, stageStructure, "the gold is about %s, the answer about %s", x.variable, y.variable)
			}
			return c.sameReals(x, y)
		}
		return c.decide(false, stageStructure, "the answer is no solved inequality")
	}
	if len(g.Ops) == 1 && len(a.Ops) == 1 {
		return c.inequalities(g, a)
	}
	if strings.Join(g.Ops, " ") != strings.Join(a.Ops, " ") {
		return c.decide(false, stageStructure, "different relations")
	}
	return c.inOrder(g.Kids, a.Kids)
}

// solved reports whether an equation gives a variable its value.
func solved(r *Node) bool {
	return len(r.Kids) >= 2 && named(r.Kids[0]) && r.Kids[0].Kind != Mul && r.Kids[0].Kind != Add && r.Kids[len(r.Kids)-1].constant()
}

// turned is x = 5 for 5 = x.
func turned(r *Node) *Node {
	if len(r.Ops) == 1 && r.Ops[0] == "=" && r.Kids[0].constant() && r.Kids[1].Kind == Symbol {
		return &Node{Kind: Relation, Ops: r.Ops, Kids: []*Node{r.Kids[1], r.Kids[0]}}
	}
	return r
}

func (c *comparison) equations(g, a *Node) bool {
	isResidue := func(n *Node) bool { return n.Kind == Residue }
	if g.has(isResidue) != a.has(isResidue) {
		return c.decide(false, stageStructure, "a congruence on one side")
	}
	g, a = turned(g), turned(a)
	if solved(g) {
		if !solved(a) || !sameName(g.Kids[0], a.Kids[0]) {
			return c.decide(false, stageStructure, "the gold says what %s is, the answer does not", g.Kids[0])
		}
		x, okX := c.assignedValue(g)
		y, okY := c.assignedValue(a)
		if !okX || !okY {
			return c.decide(false, stageStructure, "sides that contradict each other")
		}
		return c.same(x, y)
	}
	if len(g.Kids) != 2 || len(a.Kids) != 2 {
		return c.inOrder(g.Kids, a.Kids)
	}
	if x, y, ok := renamed(g, a); ok {
		return c.same(x, y)
	}
	if g.Kids[0].Kind == Symbol && len(c.integers) > 0 && sameName(g.Kids[0], a.Kids[0]) {
		return c.same(g.Kids[1], a.Kids[1])
	}
	if !g.Kids[0].scalar() || !g.Kids[1].scalar() || !a.Kids[0].scalar() || !a.Kids[1].scalar() {
		return c.inOrder(g.Kids, a.Kids)
	}
	if strings.Contains(g.Kids[0].Name, "(") && !sameName(g.Kids[0], a.Kids[0]) {
		return c.decide(false, stageStructure, "different functions")
	}
	return c.proportional(g, a, false)
}

func sameName(x, y *Node) bool {
	return x.Kind == y.Kind && x.String() == y.String()
}

func (n *Node) isSymbol(name string) bool { return n.Kind == Symbol && n.Name == name }

// renamed takes f(x) = … and f(y) = … to their right sides in one variable.
func renamed(g, a *Node) (x, y *Node, ok bool) {
	f, v, ok := functionOf(g.Kids[0])
	h, w, also := functionOf(a.Kids[0])
	if g.Kids[0].isSymbol("y") && also || ok && a.Kids[0].isSymbol("y") { // y = … for f(x) = …
		return g.Kids[1], a.Kids[1], true
	}
	if !ok || !also || f != h || v != w && contains(a.Kids[1].symbols(), v) {
		return nil, nil, false
	}
	y = a.Kids[1].replace(func(n *Node) *Node {
		if n.Kind == Symbol && n.Name == w {
			return &Node{Kind: Symbol, Name: v}
		}
		return nil
	})
	return g.Kids[1], y, true
}

// functionOf is the function and the variable of f(x).
func functionOf(n *Node) (function, variable string, ok bool) {
	if n.Kind != Symbol || !strings.HasSuffix(n.Name, ")") {
		return "", "", false
	}
	function, variable, ok = strings.Cut(strings.TrimSuffix(n.Name, ")"), "(")
	return function, variable, ok
}

// proportional reports whether left-right of the one is left-right of the other
// times a constant that is not 0, positive if asked. With D and E the two
// differences and p a random point: E(x) D(p) = D(x) E(p) for all x.
func (c *comparison) proportional(g, a *Node, positive bool) bool {
	d := node(Add, g.Kids[0], node(Neg, g.Kids[1]))
	e := node(Add, a.Kids[0], node(Neg, a.Kids[1]))
	state := c.seed
	values := map[string]*big.Rat{}
	for _, name := range union(d.symbols(), e.symbols()) {
		values[name] = sample(&state, 1, len(values))
	}
	dp, ep := d.at(values), e.at(values)
	if c.expressions(dp, number(0)) || c.expressions(ep, number(0)) {
		return c.decide(false, stageStructure, "an equation that says nothing")
	}
	if positive && !c.sameSign(dp, ep) {
		return c.decide(false, stageStructure, "inequalities that point in opposite directions")
	}
	if len(values) == 0 {
		return c.decide(false, stageStructure, "a relation without a variable")
	}
	return c.expressions(node(Mul, e, dp), node(Mul, d, ep))
}

func (c *comparison) sameSign(x, y *Node) bool {
	same := false
	t := guard(func() {
		z := newNumeric(c.meter, 192)
		same = z.sign(z.onlyReal(z.eval(x))) == z.sign(z.onlyReal(z.eval(y)))
	})
	if t == errBudget {
		panic(t)
	}
	return t == nil && same
}

// inequalities compares two of them in several variables, both turned to < or <=.
func (c *comparison) inequalities(g, a *Node) bool {
	flip := func(r *Node) *Node {
		switch r.Ops[0] {
		case ">":
			return &Node{Kind: Relation, Ops: []string{"<"}, Kids: []*Node{r.Kids[1], r.Kids[0]}}
		case ">=":
			return &Node{Kind: Relation, Ops: []string{"<="}, Kids: []*Node{r.Kids[1], r.Kids[0]}}
		}
		return r
	}
	g, a = flip(g), flip(a)
	if g.Ops[0] != a.Ops[0] {
		return c.decide(false, stageStructure, "different relations")
	}
	switch g.Ops[0] {
	case "<", "<=", "!=":
		for _, k := range append(append([]*Node{}, g.Kids...), a.Kids...) {
			if !k.scalar() {
				return c.inOrder(g.Kids, a.Kids)
			}
		}
		return c.proportional(g, a, g.Ops[0] != "!=")
	}
	return c.inOrder(g.Kids, a.Kids)
}
