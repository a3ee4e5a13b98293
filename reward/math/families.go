package math

// Answers with a parameter: kπ with k an integer, f(x) = x for all x.

// conditions takes from an answer what only says which values a parameter may
// have, k ∈ ℤ, and notes the parameter.
func (c *comparison) conditions(n *Node) *Node {
	if n.Kind == Builder && c.declares(n.Kids[1]) {
		return n.Kids[0]
	}
	if n.Kind != List {
		return n
	}
	out := &Node{Kind: List, Name: n.Name}
	for _, k := range n.Kids {
		if !c.declares(k) {
			out.Kids = append(out.Kids, k)
		}
	}
	switch len(out.Kids) {
	case 0:
		return n
	case 1:
		return out.Kids[0]
	}
	return out
}

// declares reports whether n says only that a variable is a whole number.
func (c *comparison) declares(n *Node) bool {
	if n.Kind != Relation || len(n.Ops) != 1 || n.Ops[0] != "in" || n.Kids[0].Kind != Symbol || !n.Kids[1].wholeNumbers() {
		return false
	}
	c.integers = append(c.integers, n.Kids[0].Name)
	return true
}

// wholeNumbers reports whether n is ℤ or ℕ, or a bold or plain Z for it.
func (n *Node) wholeNumbers() bool {
	return (n.Kind == Domain && (n.Name == "Z" || n.Name == "N")) || n.isSymbol("Z")
}

// families compares a + b·k with a' + b'·k', k and k' any whole numbers: they are
// the same numbers where b' is b or -b and a' - a a multiple of b.
func (c *comparison) families(g, a *Node) bool {
	x, y := g.symbols(), a.symbols()
	if len(x) != 1 || len(y) != 1 || !contains(c.integers, x[0]) && !contains(c.integers, y[0]) {
		return false
	}
	b1, a1, ok := c.linear(g, x[0])
	if !ok {
		return false
	}
	b2, a2, ok := c.linear(a, y[0])
	if !ok || !c.expressions(b1, b2) && !c.expressions(b1, node(Neg, b2)) {
		return false
	}
	f, t := c.form(node(Div, node(Add, a2, node(Neg, a1)), b1))
	if t != nil {
		return false
	}
	steps, ok := f.rational()
	return ok && steps.IsInt() && c.decide(true, stageStructure, "the same numbers for all whole %s and %s", x[0], y[0])
}
