package math

import "math/big"

// Kind says what a [Node] is.
type Kind uint8

// The kinds of nodes. Kids are listed in order.
const (
	Number       Kind = iota // Value; Decimals if it was written as a decimal
	Constant                 // Name: pi, e, i, inf, phi
	Symbol                   // Name: a variable
	Add                      // terms
	Mul                      // factors
	Div                      // numerator, denominator
	Neg                      // one
	Pow                      // base, exponent
	Root                     // radicand, index
	Call                     // Name: a function; its arguments
	PlusMinus                // left, right; Name is "pm" or "mp"; left is nil in ±x
	Percent                  // one
	Degree                   // one: an angle in degrees
	Quantity                 // one; Name is the unit as written
	Relation                 // sides; Ops between them
	Tuple                    // elements; Name holds both brackets, as in "[)"
	Set                      // elements
	List                     // elements of a list without brackets
	Union                    // sets
	Intersection             // sets
	Without                  // set, set taken away
	Builder                  // element, condition
	Matrix                   // entries by row; Cols
	Text                     // Name: words
	Empty                    // the empty set
	Domain                   // Name: R, Z, N, Q, C
	Ratio                    // parts
	Residue                  // value, modulus: a (mod m)
	Ellipsis                 // the dots of a list
)

// Node is a parsed answer. Nodes are never changed once parsed.
type Node struct {
	Kind     Kind
	Name     string
	Value    *big.Rat
	Decimals int // digits after the point of a number written as a decimal
	Decimal  bool
	Cols     int
	Ops      []string // of a relation: = != < > <= >= in ~ (approximately)
	Kids     []*Node
}

func number(n int64) *Node { return &Node{Kind: Number, Value: new(big.Rat).SetInt64(n)} }

func node(k Kind, kids ...*Node) *Node { return &Node{Kind: k, Kids: kids} }

func call(name string, args ...*Node) *Node { return &Node{Kind: Call, Name: name, Kids: args} }

// isInt reports whether n is the literal integer v.
func (n *Node) isInt(v int64) bool {
	return n.Kind == Number && n.Value.IsInt() && n.Value.Num().IsInt64() && n.Value.Num().Int64() == v
}

// scalar reports whether n is an expression: no container, relation or text.
func (n *Node) scalar() bool {
	switch n.Kind {
	case Number, Constant, Symbol, Add, Mul, Div, Neg, Pow, Root, Call, Percent, Degree:
		return true
	}
	return false
}

// walk visits n and all below it.
func (n *Node) walk(visit func(*Node)) {
	if n == nil {
		return
	}
	visit(n)
	for _, k := range n.Kids {
		k.walk(visit)
	}
}

// has reports whether a node that fits is anywhere in n.
func (n *Node) has(fits func(*Node) bool) bool {
	found := false
	n.walk(func(m *Node) { found = found || fits(m) })
	return found
}

// symbols are the variables in n, each once, in order of appearance. Indices of
// sums and products are bound and do not count.
func (n *Node) symbols() []string {
	var names []string
	var visit func(n *Node, bound []string)
	visit = func(n *Node, bound []string) {
		if n == nil {
			return
		}
		if n.Kind == Symbol && !contains(bound, n.Name) && !contains(names, n.Name) {
			names = append(names, n.Name)
		}
		if n.Kind == Call && (n.Name == "sum" || n.Name == "prod") {
			visit(n.Kids[1], bound)
			visit(n.Kids[2], bound)
			visit(n.Kids[3], append(bound[:len(bound):len(bound)], n.Kids[0].Name))
			return
		}
		for _, k := range n.Kids {
			visit(k, bound)
		}
	}
	visit(n, nil)
	return names
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// constant reports whether n has no variable.
func (n *Node) constant() bool { return len(n.symbols()) == 0 }
