package math

import (
	"strings"
)

// function := name [_ base] [^ power] argument
func (p *parser) function(name string) *Node {
	var base, power *Node
	for {
		if base == nil && p.accept("_") {
			base = p.argument()
		} else if power == nil && p.accept("^") {
			power = p.exponent()
		} else {
			break
		}
	}
	if power != nil && power.isInt(-1) && inverses[name] != "" {
		name, power = inverses[name], nil
	}
	args := p.arguments()
	if (name == "log" || name == "ln") && base != nil {
		args = append(args, base)
	} else if base != nil {
		refuse("a subscript where none can be")
	}
	n := call(name, args...)
	if name == "det" && len(args) == 1 {
		n = p.determinant(args[0])
	}
	if name == "cis" && len(args) == 1 {
		n = node(Add, call("cos", args[0]), node(Mul, &Node{Kind: Constant, Name: "i"}, call("sin", args[0])))
	}
	if power != nil {
		n = node(Pow, n, power)
	}
	return n
}

// arguments := ( list ) | { list } | factors up to the next function or sign
func (p *parser) arguments() []*Node {
	defer p.deeper()()
	if p.is("(") || p.is("{") || p.is("{{") {
		n := p.primary()
		if n.Kind == Tuple || n.Kind == Set {
			return n.Kids
		}
		return []*Node{n}
	}
	var factors []*Node
	if p.is("-") {
		p.at++
		factors = append(factors, number(-1))
	}
	for first := true; first || p.starts() && p.peek().kind != tokSign && (p.peek().kind != tokName || p.peek().text == "pi" || p.peek().text == "frac" || p.peek().text == "sqrt"); first = false {
		if !first && p.peek().kind == tokNumber && p.tokens[p.at-1].kind == tokNumber {
			refuse("two numbers side by side")
		}
		factors = append(factors, p.power())
	}
	n := factors[0]
	if len(factors) > 1 {
		n = node(Mul, factors...)
	}
	if p.is("/") && p.peekAt(1).kind == tokNumber && !p.peek().space { // sin pi/6
		p.at++
		n = node(Div, n, p.power())
	}
	return []*Node{n}
}

// matrix := rows of entries
func (p *parser) matrix(environment string) *Node {
	if environment == "cases" { // a system of equations
		n := p.list(p.ends)
		if !p.ends() {
			refuse("cases with conditions are not compared")
		}
		p.at++
		return n
	}
	m := &Node{Kind: Matrix}
	column := 0
	for !p.ends() {
		m.Kids = append(m.Kids, p.sum())
		column++
		switch {
		case p.accept("&"):
			continue
		case p.accept("newline"), p.ends():
			if m.Cols == 0 {
				m.Cols = column
			}
			if m.Cols != column {
				refuse("a matrix with uneven rows")
			}
			column = 0
		default:
			refuse("expected & or the end of a row, found " + p.found())
		}
	}
	p.at++
	if len(m.Kids) == 0 {
		refuse("an empty matrix")
	}
	if environment == "vmatrix" {
		return p.determinant(m)
	}
	return m
}

// maxDeterminant is the largest order of a determinant that is worked out.
const maxDeterminant = 5

// determinant expands along the first row.
func (p *parser) determinant(m *Node) *Node {
	n := m.Cols
	if m.Kind != Matrix || n*n != len(m.Kids) || n > maxDeterminant {
		refuse("a determinant that is not worked out")
	}
	if n == 1 {
		return m.Kids[0]
	}
	defer p.deeper()()
	var terms []*Node
	for j := range n {
		minor := &Node{Kind: Matrix, Cols: n - 1}
		for i, k := range m.Kids[n:] {
			if i%n != j {
				minor.Kids = append(minor.Kids, k)
			}
		}
		term := node(Mul, m.Kids[j], p.determinant(minor))
		if j%2 == 1 {
			term = node(Neg, term)
		}
		terms = append(terms, term)
	}
	return node(Add, terms...)
}

func (p *parser) ends() bool {
	t := p.peek()
	return t.kind == tokName && strings.HasPrefix(t.text, "end ")
}

// inverses of functions by the exponent -1.
var inverses = map[string]string{"sin": "asin", "cos": "acos", "tan": "atan", "cot": "acot", "sec": "asec", "csc": "acsc", "sinh": "asinh", "cosh": "acosh", "tanh": "atanh"}

// series := \sum_{k=a}^{b} term
func (p *parser) series(name string) *Node {
	var lower, upper *Node
	for range 2 {
		switch {
		case p.accept("_"):
			lower = p.argument()
		case p.accept("^"):
			upper = p.exponent()
		}
	}
	if lower == nil || upper == nil || lower.Kind != Relation || len(lower.Ops) != 1 || lower.Ops[0] != "=" || lower.Kids[0].Kind != Symbol && lower.Kids[0].Name != "i" {
		refuse("a sum or product without bounds")
	}
	index := &Node{Kind: Symbol, Name: lower.Kids[0].Name}
	body := p.product()
	if lower.Kids[0].Kind == Constant { // i as an index is a variable
		body = body.replace(func(n *Node) *Node {
			if n.Kind == Constant && n.Name == "i" {
				return index
			}
			return nil
		})
	}
	return call(name, index, lower.Kids[1], upper, body)
}
