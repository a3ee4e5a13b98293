package math

import (
	"math/big"
	"strings"
)

// same decides whether an answer is the gold, whatever they are.
func (c *comparison) same(g, a *Node) bool {
	c.spend(100)
	g, a = worked(expandSigns(g)), worked(expandSigns(a))
	switch {
	case g.Kind == Domain && a.Kind == Symbol, a.Kind == Domain && g.Kind == Symbol:
		return c.decide(g.Name == a.Name, stageStructure, "a set of numbers and a name")
	case g.Kind == Relation || a.Kind == Relation:
		return c.relations(g, a)
	case g.scalar() && a.scalar():
		return c.scalars(g, a)
	case g.Kind == Quantity || a.Kind == Quantity:
		return c.quantities(g, a)
	case isWords(g) || isWords(a):
		return c.words(g, a)
	case g.Kind == Ratio || a.Kind == Ratio:
		return c.ratios(g, a)
	case g.Kind == Residue || a.Kind == Residue:
		return c.residues(g, a)
	case g.Kind == Matrix || a.Kind == Matrix:
		return c.matrices(rows(g), rows(a))
	case g.Kind == Ellipsis || a.Kind == Ellipsis:
		return c.decide(g.Kind == a.Kind, stageStructure, "dots on one side")
	}
	return c.containers(g, a)
}

func isWords(n *Node) bool { return n.Kind == Text }

// expandSigns replaces an expression with ± by the list of its two values.
func expandSigns(n *Node) *Node {
	isSign := func(n *Node) bool { return n.Kind == PlusMinus }
	if !n.has(isSign) {
		return n
	}
	choose := func(upper bool) *Node {
		var with func(n *Node) *Node
		with = func(n *Node) *Node {
			if !isSign(n) {
				return nil
			}
			left, right := n.Kids[0].replace(with), n.Kids[1].replace(with)
			if (n.Name == "pm") != upper {
				right = negative(right)
			}
			if left.isInt(0) {
				return right
			}
			return node(Add, left, right)
		}
		return n.replace(with)
	}
	switch n.Kind {
	case List, Set:
		out := &Node{Kind: n.Kind, Name: n.Name}
		for _, k := range n.Kids {
			k = expandSigns(k)
			if k.Kind == List {
				out.Kids = append(out.Kids, k.Kids...)
			} else {
				out.Kids = append(out.Kids, k)
			}
		}
		return out
	case Union, Intersection, Without:
		out := &Node{Kind: n.Kind}
		for _, k := range n.Kids {
			out.Kids = append(out.Kids, expandSigns(k))
		}
		return out
	case Relation:
		joint := "or"
		if contains(n.Ops, "!=") {
			joint = "and"
		}
		return &Node{Kind: List, Name: joint, Kids: []*Node{choose(true), choose(false)}}
	}
	return &Node{Kind: List, Kids: []*Node{choose(true), choose(false)}}
}

// worked multiplies a matrix or a tuple by what stands before it.
func worked(n *Node) *Node {
	kids := n.Kids
	switch n.Kind {
	case Neg:
		kids = []*Node{number(-1), n.Kids[0]}
	case Div:
		kids = []*Node{node(Div, number(1), n.Kids[1]), n.Kids[0]}
	case Mul:
	default:
		return n
	}
	last := kids[len(kids)-1]
	if last.Kind != Matrix && (last.Kind != Tuple || last.Name != "()") {
		return n
	}
	out := *last
	out.Kids = make([]*Node, len(last.Kids))
	for i, k := range last.Kids {
		out.Kids[i] = node(Mul, append(kids[:len(kids)-1:len(kids)-1], k)...)
	}
	return &out
}

// rows reads [[1,2],[3,4]] as a matrix.
func rows(n *Node) *Node {
	if n.Kind != Tuple || n.Kids[0].Kind != Tuple {
		return n
	}
	m := &Node{Kind: Matrix, Cols: len(n.Kids[0].Kids)}
	for _, k := range n.Kids {
		if k.Kind != Tuple || len(k.Kids) != m.Cols {
			return n
		}
		m.Kids = append(m.Kids, k.Kids...)
	}
	return m
}

// scalars compares two expressions, percentages and degrees by either reading.
func (c *comparison) scalars(g, a *Node) bool {
	switch {
	case g.Kind == Percent && a.Kind == Degree, g.Kind == Degree && a.Kind == Percent:
		return c.decide(false, stageStructure, "a percentage and an angle")
	case g.Kind == Percent && a.Kind == Percent:
		return c.scalars(g.Kids[0], a.Kids[0])
	case g.Kind == Percent:
		return c.scalars(g.Kids[0], a) || c.values(g, a)
	case a.Kind == Percent: // 50% is 50 to "what percentage", but 0.5% is not 0.5
		v, t := rational(c.meter, g)
		small := t == nil && new(big.Rat).Abs(v).Cmp(one) < 0
		return !small && c.scalars(g, a.Kids[0]) || c.values(g, a)
	case g.Kind == Degree && a.Kind == Degree:
		return c.scalars(g.Kids[0], a.Kids[0])
	case g.Kind == Degree:
		return c.scalars(g.Kids[0], a) || c.values(g, a)
	case a.Kind == Degree && c.opt.Degrees:
		return c.scalars(g, a.Kids[0]) || c.values(g, a)
	}
	return c.values(g, a)
}

// golden is (1+√5)/2.
var golden = node(Div, node(Add, number(1), node(Root, number(5), number(2))), number(2))

// values compares two expressions as they stand.
func (c *comparison) values(g, a *Node) bool {
	if names := a.symbols(); g.constant() && len(names) > 0 {
		if len(names) > 1 || names[0] != "phi" {
			return c.decide(false, stageStructure, "the gold has no variable, the answer has %s", strings.Join(names, ", "))
		}
		a = withGolden(a)
	} else if names := g.symbols(); a.constant() && len(names) == 1 && names[0] == "phi" {
		g = withGolden(g)
	}
	if c.expressions(g, a) {
		return true
	}
	stage, why, undecided := c.stage, c.why, c.undecided
	if c.tolerated(g, a) || c.rounds(g, a) || len(c.integers) > 0 && c.families(g, a) {
		c.undecided = ""
		return true
	}
	c.stage, c.why, c.undecided = stage, why, undecided
	return false
}

func withGolden(n *Node) *Node {
	return n.replace(func(n *Node) *Node {
		if n.Kind == Symbol && n.Name == "phi" {
			return golden
		}
		return nil
	})
}

// tolerated accepts what the user's tolerance does.
func (c *comparison) tolerated(g, a *Node) bool {
	if c.opt.Tolerance == nil && c.opt.RelTolerance == nil || !g.constant() || !a.constant() {
		return false
	}
	within := false
	t := guard(func() {
		z := newNumeric(c.meter, 192)
		x, y := z.eval(g), z.eval(a)
		if !x.real || !y.real {
			return
		}
		gap := upper(z.sub(x.re, y.re))
		if c.opt.Tolerance != nil {
			within = gap.Cmp(bound(c.opt.Tolerance)) <= 0
		}
		if c.opt.RelTolerance != nil && !within {
			within = gap.Cmp(radius().Mul(bound(c.opt.RelTolerance), abs(x.re.mid))) <= 0
		}
	})
	if t == errBudget {
		panic(t)
	}
	return within && c.decide(true, stageTolerance, "within the tolerance")
}

// bound is a tolerance with its own rounding allowed for.
func bound(v *big.Rat) *big.Float {
	f := radius().SetRat(v)
	return f.Mul(f, radius().SetFloat64(1+1e-15))
}

// rounds accepts an exact value whose rounding the gold is: a gold with at least
// three significant digits, given as a decimal, and an answer that is no finite
// decimal itself. 0.333 is 1/3 to such a gold; 1/3 is never 0.333.
func (c *comparison) rounds(g, a *Node) bool {
	literal := g
	if g.Kind == Neg {
		literal = g.Kids[0]
	}
	if c.opt.Exact || literal.Kind != Number || !literal.Decimal || !a.constant() || significant(literal) < 3 || a.Kind == Number && a.Decimal {
		return false
	}
	close := false
	t := guard(func() {
		gold := (&exact{meter: c.meter}).eval(g)
		half := new(big.Rat).Mul(tenTo(-literal.Decimals), big.NewRat(1, 2))
		v, t := rational(c.meter, a)
		if t == nil {
			if finiteDecimal(v) {
				return
			}
			gap := new(big.Rat).Sub(v, gold)
			close = gap.Abs(gap).Cmp(half) < 0
			return
		}
		z := newNumeric(c.meter, 128+uint(4*min(literal.Decimals, 500)))
		p := z.eval(a)
		if !p.real {
			return
		}
		close = upper(z.sub(p.re, z.exactly(gold))).Cmp(radius().SetRat(half)) < 0
	})
	if t == errBudget {
		panic(t)
	}
	return close && c.decide(true, stageRounding, "the gold is the answer rounded to %d decimals", literal.Decimals)
}

// significant is the number of significant digits of a decimal literal.
func significant(n *Node) int {
	if n.Decimals > 1000 {
		return 1000
	}
	text := strings.TrimLeft(strings.Replace(n.Value.FloatString(n.Decimals), ".", "", 1), "-0")
	return len(text)
}

// finiteDecimal reports whether a rational has finitely many decimals.
func finiteDecimal(v *big.Rat) bool {
	d := new(big.Int).Set(v.Denom())
	if d.BitLen() > 4096 {
		return true // not worth finding out
	}
	q, r := new(big.Int), new(big.Int)
	for _, p := range [...]int64{2, 5} {
		for q.QuoRem(d, big.NewInt(p), r); r.Sign() == 0; q.QuoRem(d, big.NewInt(p), r) {
			d.Set(q)
		}
	}
	return d.IsInt64() && d.Int64() == 1
}

// quantities compares values with units: converted where the dimensions agree,
// refused where they do not. A unit on one side only says nothing new.
func (c *comparison) quantities(g, a *Node) bool {
	inner := func(n *Node) *Node {
		if n.Kind == Quantity {
			return n.Kids[0]
		}
		return n
	}
	x, y := inner(g), inner(a)
	if x.Kind == Degree && a.Name == "radian" || y.Kind == Degree && g.Name == "radian" {
		return c.values(x, y)
	}
	if y.Kind == Percent || x.Kind == Percent || y.Kind == Degree && x.Kind != Degree {
		return c.decide(false, stageStructure, "a unit on one side, a percentage or an angle on the other")
	}
	if g.Kind == Quantity && a.Kind == Quantity {
		d1, s1 := parseUnit(g.Name)
		d2, s2 := parseUnit(a.Name)
		if !sameDimension(d1, d2) {
			return c.decide(false, stageStructure, "units of different dimensions: %s and %s", g.Name, a.Name)
		}
		if s1.Cmp(s2) != 0 {
			x = node(Mul, x, &Node{Kind: Number, Value: s1})
			y = node(Mul, y, &Node{Kind: Number, Value: s2})
		}
	}
	return c.same(x, y)
}

func sameDimension(a, b map[string]int) bool {
	if len(a) != len(b) {
		return false
	}
	for name, power := range a {
		if b[name] != power {
			return false
		}
	}
	return true
}

// words compares words without case; a letter in \text is that letter.
func (c *comparison) words(g, a *Node) bool {
	text := func(n *Node) string {
		s := n.Name
		if n.Kind != Text {
			s = strings.ReplaceAll(n.String(), "·", "")
		}
		s = strings.ToLower(strings.Trim(strings.Join(strings.Fields(s), " "), " .,;:!\"'()"))
		if same := nothings[s]; same != "" {
			return same
		}
		return s
	}
	x, y := text(g), text(a)
	return c.decide(x != "" && x == y, stageText, "the words %q and %q", clipped(x), clipped(y))
}

// ratios compares 2:3 with 4:6 and with 2/3. What looks like a time of day or a
// score is compared part by part.
func (c *comparison) ratios(g, a *Node) bool {
	if g.Kind != Ratio || a.Kind != Ratio {
		r, other := g, a
		if a.Kind == Ratio {
			r, other = a, g
		}
		if len(r.Kids) == 2 && (r.Kids[0].Kind == Symbol || r.Kids[0].Kind == Text) { // x: 5
			return c.same(other, r.Kids[1])
		}
		if len(r.Kids) != 2 || !other.scalar() {
			return c.decide(false, stageStructure, "a ratio on one side")
		}
		return c.scalars(other, node(Div, r.Kids...))
	}
	if len(g.Kids) != len(a.Kids) {
		return c.decide(false, stageStructure, "ratios of %d and %d parts", len(g.Kids), len(a.Kids))
	}
	last := len(g.Kids) - 1
	if g.Kids[last].isInt(0) || a.Kids[last].isInt(0) {
		return c.inOrder(g.Kids, a.Kids)
	}
	for i := range g.Kids[:last] {
		if !c.scalars(node(Mul, g.Kids[i], a.Kids[last]), node(Mul, a.Kids[i], g.Kids[last])) {
			return false
		}
	}
	return true
}

// residues compares a (mod m) with a number, and with another of the same m.
func (c *comparison) residues(g, a *Node) bool {
	if g.Kind == Residue && a.Kind == Residue {
		if !c.scalars(g.Kids[1], a.Kids[1]) {
			return false
		}
		return c.scalars(call("mod", g.Kids...), call("mod", a.Kids...))
	}
	if g.Kind == Residue {
		return c.same(g.Kids[0], a)
	}
	if v, t := rational(c.meter, call("mod", a.Kids...)); t == nil { // 5 (mod 3) is no 5
		if w, t := rational(c.meter, a.Kids[0]); t == nil && v.Cmp(w) != 0 {
			return c.decide(false, stageStructure, "a remainder that is not reduced")
		}
	}
	return c.same(g, a.Kids[0])
}

// matrices compares entry by entry; a column is the tuple of its entries.
func (c *comparison) matrices(g, a *Node) bool {
	entries := func(n *Node) (kids []*Node, cols int) {
		if n.Kind == Tuple && n.Name == "()" {
			return n.Kids, 1
		}
		return n.Kids, n.Cols
	}
	x, m := entries(g)
	y, n := entries(a)
	if m != n || m == 0 || len(x) != len(y) {
		return c.decide(false, stageStructure, "matrices of different shapes")
	}
	return c.inOrder(x, y)
}

func (c *comparison) inOrder(x, y []*Node) bool {
	if len(x) != len(y) {
		return c.decide(false, stageStructure, "%d values and %d values", len(x), len(y))
	}
	c.depth++
	defer func() { c.depth-- }()
	for i := range x {
		if !c.same(x[i], y[i]) {
			return false
		}
	}
	return true
}
