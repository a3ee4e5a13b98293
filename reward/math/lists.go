package math

import (
	"slices"
	"strings"
)

// containers compares tuples, sets, lists and sets of real numbers.
func (c *comparison) containers(g, a *Node) bool {
	if g.Kind == Empty || a.Kind == Empty {
		if g.Kind != Empty && realLike(g) || a.Kind != Empty && realLike(a) {
			return c.realSets(g, a)
		}
		return c.decide(g.Kind == a.Kind, stageStructure, "the empty set on one side")
	}
	loose := func(n *Node) bool { return n.Kind == List || n.Kind == Set }
	switch {
	case loose(g) && loose(a):
		return c.lists(g, a)
	case c.depth == 0 && g.Kind == Set && len(g.Kids) == 1 && !loose(a):
		return c.same(g.Kids[0], a)
	case c.depth == 0 && a.Kind == Set && len(a.Kids) == 1 && !loose(g):
		return c.same(g, a.Kids[0])
	case (g.Kind == Union || g.Kind == Tuple) && a.Kind == List && !hasRelation(a):
		return c.decide(false, stageStructure, "a list where one set or tuple is asked for")
	case g.scalar() && (a.Kind == Tuple || a.Kind == Union):
		return c.decide(false, stageStructure, "a tuple or a set where a value is asked for")
	case g.Kind == Tuple && a.Kind == Tuple:
		if g.Name != a.Name {
			return c.decide(false, stageStructure, "brackets %s and %s", g.Name, a.Name)
		}
		return c.inOrder(g.Kids, a.Kids)
	case g.Kind == Tuple && a.Kind == List && g.Name == "()":
		if values, ok := assigned(a); ok {
			return c.inOrder(g.Kids, values)
		}
	case g.Kind == List && a.Kind == Tuple && a.Name == "()":
		if values, ok := assigned(g); ok {
			return c.inOrder(values, a.Kids)
		}
	case g.Kind == Domain && a.Kind == Domain && g.Name == a.Name:
		return c.decide(true, stageStructure, "the same set of numbers")
	case a.Kind == List && a.Name == "or" && g.scalar() && !c.listed:
		return c.repeated(g, a)
	case loose(a) && g.scalar():
		return c.decide(false, stageStructure, "%d values where one is asked for", len(a.Kids))
	}
	if realLike(g) || realLike(a) {
		return c.realSets(g, a)
	}
	return c.decide(false, stageStructure, "different kinds of answers")
}

// repeated accepts one value that is written in several ways: 3/4 or 0.75.
func (c *comparison) repeated(g, a *Node) bool {
	c.listed = true
	defer func() { c.listed = false }()
	for _, k := range a.Kids {
		if !c.same(g, k) {
			return c.decide(false, stageStructure, "%d values where one is asked for", len(a.Kids))
		}
	}
	return c.decide(true, stageStructure, "one value, written %d times", len(a.Kids))
}

// lists compares lists and sets: without order, but for their dots.
func (c *comparison) lists(g, a *Node) bool {
	if g.Kind == List && (hasEllipsis(g) || hasEllipsis(a)) {
		return c.sequences(g.Kids, a.Kids)
	}
	if c.anyInequality(g) || c.anyInequality(a) {
		x, okX := c.realSet(g)
		y, okY := c.realSet(a)
		if okX && okY {
			return c.sameReals(x, y)
		}
	}
	x, okX := c.solutions(g)
	y, okY := c.solutions(a)
	switch {
	case okX && (okY || !hasRelation(a)):
		g = x
		if okY {
			a = y
		}
	case okY && !hasRelation(g):
		a = y
	}
	if points, ok := grouped(g); ok && hasTuple(a) {
		g = points
	}
	if points, ok := grouped(a); ok && hasTuple(g) {
		a = points
	}
	return c.unordered(g, a)
}

// sequences compares lists with dots. Before the dots one may go on longer than
// the other if it goes by even steps: 1, 2, …, n is 1, 2, 3, …, n.
func (c *comparison) sequences(x, y []*Node) bool {
	dots := func(n *Node) bool { return n.Kind == Ellipsis }
	i, j := slices.IndexFunc(x, dots), slices.IndexFunc(y, dots)
	if i > j {
		x, y, i, j = y, x, j, i
	}
	if 2 <= i && i < j && c.even(y[:j]) {
		return c.inOrder(x[:i], y[:i]) && c.inOrder(x[i:], y[j:])
	}
	return c.inOrder(x, y)
}

// even reports whether terms go by even steps.
func (c *comparison) even(terms []*Node) bool {
	step := func(i int) *Node { return node(Add, terms[i], node(Neg, terms[i-1])) }
	for i := range terms {
		if !terms[i].scalar() || i >= 2 && !c.scalars(step(1), step(i)) {
			return false
		}
	}
	return true
}

func hasTuple(n *Node) bool { return n.Kids[0].Kind == Tuple }

func hasRelation(n *Node) bool { return n.has(func(n *Node) bool { return n.Kind == Relation }) }

func (c *comparison) anyInequality(n *Node) bool {
	for _, k := range n.Kids {
		if c.inequality(k) {
			return true
		}
	}
	return false
}

// grouped reads p=5, q=2, p=7, q=2 as the points (5,2), (7,2).
func grouped(n *Node) (*Node, bool) {
	period := 0
	for i, k := range n.Kids {
		if k.Kind != Relation || len(k.Ops) != 1 || k.Ops[0] != "=" || k.Kids[0].Kind != Symbol {
			return nil, false
		}
		if i > 0 && period == 0 && k.Kids[0].Name == n.Kids[0].Kids[0].Name {
			period = i
		}
		if period > 0 && k.Kids[0].Name != n.Kids[i%period].Kids[0].Name {
			return nil, false
		}
	}
	if period < 2 || len(n.Kids)%period != 0 {
		return nil, false
	}
	out := &Node{Kind: List}
	for i := 0; i < len(n.Kids); i += period {
		values, ok := assigned(&Node{Kids: n.Kids[i : i+period]})
		if !ok {
			return nil, false
		}
		out.Kids = append(out.Kids, &Node{Kind: Tuple, Name: "()", Kids: values})
	}
	return out, true
}

func hasEllipsis(n *Node) bool { return n.has(func(n *Node) bool { return n.Kind == Ellipsis }) }

// assigned are the values of x = 1, y = 2, variables all different, in the
// alphabetical order of the variables.
func assigned(n *Node) ([]*Node, bool) {
	sorted := slices.Clone(n.Kids)
	for _, k := range sorted {
		if k.Kind != Relation || len(k.Ops) != 1 || k.Ops[0] != "=" || k.Kids[0].Kind != Symbol {
			return nil, false
		}
	}
	slices.SortStableFunc(sorted, func(x, y *Node) int { return strings.Compare(x.Kids[0].Name, y.Kids[0].Name) })
	var values []*Node
	last := ""
	for _, k := range sorted {
		if k.Kids[0].Name == last {
			return nil, false
		}
		last = k.Kids[0].Name
		values = append(values, k.Kids[1])
	}
	return values, true
}

// solutions takes the variable off a list of solutions of one variable: x = 1,
// x = 2 and x = 1, 2 and x = 1 or 2.
func (c *comparison) solutions(n *Node) (*Node, bool) {
	name := ""
	out := &Node{Kind: n.Kind, Name: n.Name}
	for i, k := range n.Kids {
		if k.Kind == Relation {
			if len(k.Ops) != 1 || k.Ops[0] != "=" || k.Kids[0].Kind != Symbol || name != "" && variableName(k.Kids[0].Name) != name {
				return nil, false
			}
			name = variableName(k.Kids[0].Name)
			k = k.Kids[1]
		} else if i == 0 {
			return nil, false
		}
		if k.Kind == Set {
			out.Kids = append(out.Kids, k.Kids...)
		} else {
			out.Kids = append(out.Kids, k)
		}
	}
	return out, name != ""
}

// variableName is a variable without its index: x_1 and x_2 are two values of x.
func variableName(s string) string {
	if at := strings.IndexByte(s, '_'); at > 0 && digits(s[at+1:]) == len(s)-at-1 {
		return s[:at]
	}
	return s
}

// unordered compares lists and sets: each element with one of the other side.
// Repeated elements count in lists, not in sets in braces.
func (c *comparison) unordered(g, a *Node) bool {
	x, y := g.Kids, a.Kids
	if g.Kind == Set && a.Kind == Set {
		x, y = c.distinct(x), c.distinct(y)
	}
	if len(x) != len(y) {
		return c.decide(false, stageStructure, "%d values and %d values", len(x), len(y))
	}
	// Rational numbers are matched by their values, the others one by one.
	counts := map[string]int{}
	var restX, restY []*Node
	for _, n := range x {
		if key, ok := c.key(n); ok {
			counts[key]++
		} else {
			restX = append(restX, n)
		}
	}
	for _, n := range y {
		key, ok := c.key(n)
		if ok && counts[key] > 0 {
			counts[key]--
			continue
		}
		restY = append(restY, n)
	}
	for _, n := range x { // what found no partner by value
		if key, ok := c.key(n); ok && counts[key] > 0 {
			counts[key]--
			restX = append(restX, n)
		}
	}
	return c.match(restX, restY)
}

// key is the value of a rational expression as text.
func (c *comparison) key(n *Node) (string, bool) {
	if !n.scalar() || n.Kind == Percent || n.Kind == Degree || !n.constant() {
		return "", false
	}
	v, t := rational(c.meter, n)
	if t != nil || size(v) > 64 {
		return "", false
	}
	c.spend(200)
	return v.RatString(), true
}

// distinct drops elements equal to earlier ones.
func (c *comparison) distinct(list []*Node) []*Node {
	seen := map[string]bool{}
	var out, others []*Node
	for _, n := range list {
		if key, ok := c.key(n); ok {
			if !seen[key] {
				seen[key] = true
				out = append(out, n)
			}
			continue
		}
		again := false
		for _, o := range others {
			again = again || c.same(o, n)
		}
		if !again {
			others = append(others, n)
		}
	}
	return append(out, others...)
}

// match pairs elements; equality is transitive but for tolerances, so the first
// that fits will do.
func (c *comparison) match(x, y []*Node) bool {
	c.depth++
	defer func() { c.depth-- }()
	used := make([]bool, len(y))
	for _, n := range x {
		found := false
		for j, m := range y {
			if !used[j] && c.same(n, m) {
				used[j], found = true, true
				break
			}
		}
		if !found {
			return c.decide(false, stageStructure, "no partner for %s", n)
		}
	}
	return c.decide(true, stageStructure, "every value has its partner")
}
