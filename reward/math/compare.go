package math

import (
	"math/big"
	"slices"
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
		return c.inOrder(g.Kids, a.Kids)
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

func hasTuple(n *Node) bool    { return n.Kids[0].Kind == Tuple }
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
