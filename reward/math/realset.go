package math

import (
	"math/big"
	"slices"
)

// reals1 is a set of real numbers: intervals in order, apart from each other.
type realUnion struct {
	variable string // it was a condition on; "?" if on none
	parts    []interval
}

type end struct {
	node   *Node // nil at infinity
	closed bool
}

type interval struct{ low, high end }

// realLike reports whether n is written as a set of real numbers.
func realLike(n *Node) bool {
	switch n.Kind {
	case Union, Intersection, Without, Domain, Builder:
		return true
	case Tuple:
		return len(n.Kids) == 2
	case Relation:
		return true
	case List:
		return n.has(func(n *Node) bool { return n.Kind == Relation })
	}
	return false
}

// realSets compares two sets of real numbers.
func (c *comparison) realSets(g, a *Node) bool {
	x, ok := c.realSet(g)
	if !ok {
		return c.decide(false, stageStructure, "different kinds of answers")
	}
	y, ok := c.realSet(a)
	if !ok {
		return c.decide(false, stageStructure, "different kinds of answers")
	}
	return c.sameReals(x, y)
}

func (c *comparison) sameReals(x, y realUnion) bool {
	if len(x.parts) != len(y.parts) {
		return c.decide(false, stageStructure, "%d intervals and %d intervals", len(x.parts), len(y.parts))
	}
	for i := range x.parts {
		p, q := x.parts[i], y.parts[i]
		if c.order(p.low, q.low) != 0 || c.order(p.high, q.high) != 0 {
			return c.decide(false, stageStructure, "intervals with different ends")
		}
		if p.low.node != nil && p.low.closed != q.low.closed || p.high.node != nil && p.high.closed != q.high.closed {
			return c.decide(false, stageStructure, "an end that is open on one side and closed on the other")
		}
	}
	return c.decide(true, stageStructure, "the same set of real numbers")
}

// order compares two ends of the same side by value; infinity equals infinity.
func (c *comparison) order(a, b end) int {
	if a.node == nil || b.node == nil {
		if a.node == b.node {
			return 0
		}
		return 1
	}
	return c.cmp(a.node, b.node)
}

// cmp orders two constants.
func (c *comparison) cmp(a, b *Node) int {
	if x, t := rational(c.meter, a); t == nil {
		if y, t := rational(c.meter, b); t == nil {
			return x.Cmp(y)
		}
	}
	if c.expressions(a, b) {
		return 0
	}
	z := newNumeric(c.meter, 512)
	return z.sign(z.sub(z.onlyReal(z.eval(a)), z.onlyReal(z.eval(b))))
}

// realSet reads n as a set of real numbers; ok is false if it is none.
func (c *comparison) realSet(n *Node) (u realUnion, ok bool) {
	t := guard(func() {
		u.variable = "?"
		u.parts = c.parts(n, &u.variable)
	})
	if t != nil && t.budget {
		panic(t)
	}
	return u, t == nil
}

var line = []interval{{}}

func (c *comparison) parts(n *Node, variable *string) []interval {
	c.spend(200)
	switch n.Kind {
	case Empty:
		return nil
	case Domain:
		zero := number(0)
		switch n.Name {
		case "R":
			return line
		case "R+":
			return c.half(">", zero)
		case "R-":
			return c.half("<", zero)
		}
	case Tuple:
		return c.tupleInterval(n)
	case Set, List:
		return c.members(n, variable)
	case Union:
		var all []interval
		for _, k := range n.Kids {
			all = append(all, c.parts(k, variable)...)
		}
		return c.joined(all)
	case Intersection:
		all := c.parts(n.Kids[0], variable)
		for _, k := range n.Kids[1:] {
			all = c.intersect(all, c.parts(k, variable))
		}
		return all
	case Without:
		return c.intersect(c.parts(n.Kids[0], variable), c.complement(c.parts(n.Kids[1], variable)))
	case Builder:
		all := c.parts(n.Kids[1], variable)
		if n.Kids[0].Kind == Relation { // {x ∈ ℝ | …}
			all = c.intersect(all, c.parts(n.Kids[0], variable))
		}
		return all
	case Relation:
		return c.condition(n, variable)
	}
	if n.scalar() && n.constant() {
		return []interval{c.single(n)}
	}
	panic(errUnfit)
}

// single is the interval of one number.
func (c *comparison) single(n *Node) interval {
	if _, inf := infinite(n); inf || !n.scalar() || !n.constant() {
		panic(errUnfit)
	}
	return interval{end{n, true}, end{n, true}}
}

// tupleInterval reads (a,b], with a <= b or at infinity.
func (c *comparison) tupleInterval(n *Node) []interval {
	if len(n.Kids) != 2 {
		panic(errUnfit)
	}
	ends := [2]end{{n.Kids[0], n.Name[0] == '['}, {n.Kids[1], n.Name[1] == ']'}}
	for i := range ends {
		if sign, inf := infinite(ends[i].node); inf {
			if (sign < 0) != (i == 0) {
				panic(errUnfit)
			}
			ends[i] = end{}
		} else if !ends[i].node.scalar() || !ends[i].node.constant() {
			panic(errUnfit)
		}
	}
	in := interval{ends[0], ends[1]}
	if in.low.node != nil && in.high.node != nil && c.cmp(in.low.node, in.high.node) > 0 {
		panic(errUnfit)
	}
	return c.joined([]interval{in})
}

// members reads a set of numbers, or conditions joined by "and" or "or". Joined
// by a comma they are all meant where they can all hold, and either otherwise.
func (c *comparison) members(n *Node, variable *string) []interval {
	var all []interval
	if !n.has(func(n *Node) bool { return n.Kind == Relation }) {
		for _, k := range n.Kids {
			all = append(all, c.parts(k, variable)...)
		}
		return c.joined(all)
	}
	both := line
	for i, k := range n.Kids {
		if i > 0 && k.scalar() && n.Kids[0].Kind == Relation && len(n.Kids[0].Ops) == 1 && n.Kids[0].Ops[0] == "!=" { // x ≠ 1, 2
			k = &Node{Kind: Relation, Ops: n.Kids[0].Ops, Kids: []*Node{n.Kids[0].Kids[0], k}}
		}
		p := c.parts(k, variable)
		all = append(all, p...)
		both = c.intersect(both, p)
	}
	if n.Name == "and" || n.Name == "" && len(both) > 0 {
		return both
	}
	return c.joined(all)
}

// condition reads a chain of relations in one variable, each between c·x and a
// constant.
func (c *comparison) condition(r *Node, variable *string) []interval {
	all := line
	for i, op := range r.Ops {
		left, right := r.Kids[i], r.Kids[i+1]
		if op == "in" {
			if left.Kind != Symbol {
				panic(errUnfit)
			}
			c.about(left.Name, variable)
			all = c.intersect(all, c.parts(right, variable))
			continue
		}
		if !left.scalar() || !right.scalar() {
			panic(errUnfit)
		}
		if left.constant() && !right.constant() {
			left, right, op = right, left, mirrored[op]
		}
		all = c.intersect(all, c.solve(left, op, right, variable))
	}
	return all
}

// solve is the set of reals with left op right, where right is constant and left
// linear in one variable, or the absolute value of such.
func (c *comparison) solve(left *Node, op string, right *Node, variable *string) []interval {
	names := left.symbols()
	if len(names) != 1 || !right.constant() {
		panic(errUnfit)
	}
	c.about(names[0], variable)
	if left.Kind == Symbol {
		return c.half(op, right)
	}
	if _, inf := infinite(right); inf {
		panic(errUnfit)
	}
	if left.Kind == Call && left.Name == "abs" {
		return c.absolute(left.Kids[0], op, right, variable)
	}
	slope, start, ok := c.linear(left, names[0])
	if !ok {
		panic(errUnfit)
	}
	switch c.cmp(slope, number(0)) {
	case 0:
		panic(errUnfit)
	case -1:
		op = mirrored[op]
	}
	return c.half(op, node(Div, node(Add, right, node(Neg, start)), slope))
}

// absolute is the set of reals with |inner| op right.
func (c *comparison) absolute(inner *Node, op string, right *Node, variable *string) []interval {
	if c.cmp(right, number(0)) < 0 {
		panic(errUnfit)
	}
	minus := negative(right)
	upper, lower := c.solve(inner, op, right, variable), c.solve(inner, mirrored[op], minus, variable)
	if op == "<" || op == "<=" || op == "!=" {
		return c.intersect(upper, lower)
	}
	return c.joined(append(upper, lower...))
}

// linear reports whether n is start + slope·name, by its values at four places.
func (c *comparison) linear(n *Node, name string) (slope, start *Node, ok bool) {
	at := func(x int64) *Node { return n.at(map[string]*big.Rat{name: new(big.Rat).SetInt64(x)}) }
	start = at(0)
	slope = node(Add, at(1), node(Neg, start))
	for _, x := range [...]int64{5, -3} {
		if !c.expressions(at(x), node(Add, start, node(Mul, number(x), slope))) {
			return nil, nil, false
		}
	}
	return slope, start, true
}

var mirrored = map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}

func (c *comparison) about(name string, variable *string) {
	if *variable != "?" && name != "?" && name != *variable {
		panic(errUnfit)
	}
	if name != "?" {
		*variable = name
	}
}

// half is the set of x with x op bound.
func (c *comparison) half(op string, bound *Node) []interval {
	if sign, inf := infinite(bound); inf {
		if (op == "<" || op == "<=") == (sign > 0) {
			return line
		}
		return nil
	}
	switch op {
	case "<":
		return []interval{{high: end{bound, false}}}
	case "<=":
		return []interval{{high: end{bound, true}}}
	case ">":
		return []interval{{low: end{bound, false}}}
	case ">=":
		return []interval{{low: end{bound, true}}}
	case "=":
		return []interval{c.single(bound)}
	case "!=":
		return c.complement([]interval{c.single(bound)})
	}
	panic(errUnfit)
}

// lowFirst orders lower ends.
func (c *comparison) lowFirst(a, b end) int {
	switch {
	case a.node == nil && b.node == nil:
		return 0
	case a.node == nil:
		return -1
	case b.node == nil:
		return 1
	}
	if d := c.cmp(a.node, b.node); d != 0 {
		return d
	}
	switch {
	case a.closed == b.closed:
		return 0
	case a.closed:
		return -1
	}
	return 1
}

// highFirst orders upper ends.
func (c *comparison) highFirst(a, b end) int {
	switch {
	case a.node == nil && b.node == nil:
		return 0
	case a.node == nil:
		return 1
	case b.node == nil:
		return -1
	}
	if d := c.cmp(a.node, b.node); d != 0 {
		return d
	}
	switch {
	case a.closed == b.closed:
		return 0
	case a.closed:
		return 1
	}
	return -1
}

// void reports whether an interval holds nothing.
func (c *comparison) void(i interval) bool {
	if i.low.node == nil || i.high.node == nil {
		return false
	}
	d := c.cmp(i.low.node, i.high.node)
	return d > 0 || d == 0 && !(i.low.closed && i.high.closed)
}

// joined orders intervals and joins those that touch.
func (c *comparison) joined(all []interval) []interval {
	if len(all) > 200 {
		panic(errUnfit)
	}
	all = slices.DeleteFunc(slices.Clone(all), c.void)
	slices.SortFunc(all, func(a, b interval) int { return c.lowFirst(a.low, b.low) })
	var out []interval
	for _, i := range all {
		if n := len(out); n > 0 && c.touches(out[n-1].high, i.low) {
			if c.highFirst(i.high, out[n-1].high) > 0 {
				out[n-1].high = i.high
			}
			continue
		}
		out = append(out, i)
	}
	return out
}

// touches reports whether nothing lies between an upper end and a lower one.
func (c *comparison) touches(high, low end) bool {
	if high.node == nil || low.node == nil {
		return true
	}
	d := c.cmp(high.node, low.node)
	return d > 0 || d == 0 && (high.closed || low.closed)
}

func (c *comparison) intersect(a, b []interval) []interval {
	var out []interval
	for _, x := range a {
		for _, y := range b {
			i := interval{x.low, x.high}
			if c.lowFirst(y.low, i.low) > 0 {
				i.low = y.low
			}
			if c.highFirst(y.high, i.high) < 0 {
				i.high = y.high
			}
			out = append(out, i)
		}
	}
	return c.joined(out)
}

// complement of intervals in order, apart from each other.
func (c *comparison) complement(a []interval) []interval {
	var out []interval
	low := end{}
	for _, i := range a {
		if i.low.node != nil {
			out = append(out, interval{low, end{i.low.node, !i.low.closed}})
		}
		if i.high.node == nil {
			return c.joined(out)
		}
		low = end{i.high.node, !i.high.closed}
	}
	return c.joined(append(out, interval{low, end{}}))
}
